from __future__ import annotations

import shutil
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import SMALL


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("assess_randomisation", *arguments, stdout=out)
    return out.getvalue()


def test_a_folder_is_assessed_without_a_database():
    text = printed(str(SMALL), "--n", "60")
    assert "60 people" in text
    assert "(own)" in text
    assert "big stick" in text
    assert "note: Somebody who knows whom went before" in " ".join(text.split())


def test_a_folder_with_mistakes_is_refused(tmp_path):
    copy = tmp_path / "small"
    shutil.copytree(SMALL, copy)
    (copy / "randomisation.yaml").write_text("method: coin\n")
    errors = StringIO()
    with pytest.raises(CommandError, match="to put right"):
        call_command("assess_randomisation", str(copy), stderr=errors)
    assert "randomisation.yaml:1" in errors.getvalue()


def test_one_person_is_no_study():
    with pytest.raises(CommandError, match="at least 2"):
        printed(str(SMALL), "--n", "1")
