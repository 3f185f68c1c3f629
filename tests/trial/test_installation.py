"""The first commands of an installation, each in a process and a database of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR"}


def manage(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name in KEPT}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**environment, "HANDVAT_DATABASE": str(directory / "new.sqlite3")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_a_rehearsal_is_served_from_a_directory(tmp_path):
    done = manage(tmp_path, "serve", "--directory", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "handvat.sqlite3 is no database of a demo or rehearsal" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["invite", "ada@example.org", "--role", "researcher"], "The worker mails this link"),
        (["load_study", "tests/trial/small_study"], "small-study version 1 is loaded"),
    ],
)
def test_an_installation_begins_on_an_empty_database(tmp_path, arguments, says):
    done = manage(tmp_path, *arguments)
    assert (done.returncode, says in done.stdout, done.stderr) == (0, True, "")
