"""Study folders with something nasty in any place: every mistake is named, and what is taken can be
used.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine
import yaml
from django.core.cache import cache
from hypothesis import strategies as st

from tests.api import test_pairs as pairs
from tests.conftest import NOW
from tests.fuzzing import is_over, nasty, rounds, try_all
from tests.test_every_post import taken_back
from tests.trial.test_folder import SECTIONS, small_files, zipped
from trial import actors
from trial.actions import studies
from trial.folder import FolderErrors, read
from trial.models import Study

EXAMPLES = 60
PAGES = (
    "research/{}/",
    "research/{}/setup/",
    "research/{}/people/",
    "research/{}/design/",
    "research/{}/randomisation/",
)


def rewritten(name: str, value: Any) -> bytes:
    """A file of the small study with its YAML changed; the text below front matter stays."""
    text = small_files()[name].decode()
    written = yaml.safe_dump(value, allow_unicode=False, sort_keys=False)
    if not name.endswith(".md"):
        return written.encode()
    return f"---\n{written}---\n{text.split('---', 2)[2]}".encode()


def in_yaml(name: str) -> Any:
    text = small_files()[name].decode()
    return yaml.load(text.split("---", 2)[1] if name.endswith(".md") else text, yaml.BaseLoader)


FILES = sorted(
    name for name in small_files() if name.endswith((".yaml", ".md")) and "README" not in name
)
one_changed = st.sampled_from(FILES).flatmap(
    lambda name: nasty.changed(in_yaml(name)).map(
        lambda value: small_files() | {name: rewritten(name, value)}
    )
)


@pytest.mark.django_db
def test_a_folder_with_anything_in_any_place_is_refused_in_words_or_can_be_used(record_property):
    begun, taken = time.monotonic(), []
    with time_machine.travel(NOW, tick=False):
        ada = a_first_researcher()
        ada.raise_request_exception = ada.handler.raise_request_exception = False

        def check(files: dict[str, bytes]) -> None:
            if is_over(begun):
                return
            try:
                read(zipped(files), SECTIONS)
            except FolderErrors as refused:
                assert refused.problems
                return
            with taken_back():
                taken.append(used(files, ada))

        for number in rounds():
            cache.clear()
            try_all(one_changed, check, EXAMPLES, number)
    record_property("figures", f"folders: {len(taken)} taken with something odd in them, and used")


def a_first_researcher() -> Any:
    from trial.models import User

    return pairs.signed_in(
        User.objects.create_user(username="ada", email="ada@example.org", is_staff=True)
    )


def used(files: dict[str, bytes], ada: Any) -> str:
    """Stored, and looked at: what only breaks a page later is a mistake of the loader."""
    version = studies.load(path=zipped(files), simulated=True, by=actors.SYSTEM, at=NOW)
    study = version.study
    Study.objects.filter(pk=study.pk).update(state="open")
    ada_user = ada.session["_auth_user_id"]
    study.memberships.create(user_id=ada_user, role="researcher", since_at=NOW)
    asked = [each.format(study.slug) for each in PAGES] + [
        f"join/{study.public_slug}/",
        f"join/{study.public_slug}/help/",
    ]
    for path in asked:
        answer = ada.get(f"/{path}")
        assert answer.status_code < 500, (path, answer.status_code)
    return study.slug
