"""What a link or a button is called says what it does: nobody who hears a list of them is left to
guess.
"""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from reports import demonstration, rehearsing
from tests import crawling
from tests.conftest import NOW
from tests.test_every_post import SEEN_BY
from trial.actions import studies
from trial.models import Participant, User
from trial.permissions import ROLES
from trial.queries import people

CATALOGUE = Path(settings.BASE_DIR) / "trial/locale/nl/LC_MESSAGES/django.po"
pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


def alike(page: crawling.Reader) -> dict[str, list[tuple[str, ...]]]:
    """Names that two links or buttons of a page share which do different things."""
    done: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for control in page.controls:
        name = " ".join(control.name.split())
        if control.does not in done[name]:
            done[name].append(control.does)
    return {name: does for name, does in done.items() if len(does) > 1}


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("who", SEEN_BY)
def test_no_two_links_or_buttons_of_a_page_have_one_name(who, language, study):
    given, starts = SEEN_BY[who]
    x = SimpleNamespace(**given(study))
    Participant.objects.update(language=language)
    x.browser.cookies["django_language"] = language
    pages = crawling.pages(
        x.browser, *(start if isinstance(start, str) else start(x) for start in starts)
    )
    found = {page.url: alike(page) for page in pages}
    assert len(found) > 0
    assert {url: names for url, names in found.items() if names} == {}


@pytest.mark.slow
def test_nor_in_the_lists_of_a_study_in_the_middle_of_things(db):
    """With several people, calls, alerts and lessons on a page, for everybody who signs in to a
    demo.
    """
    study = demonstration.under_way(rehearsing.find("guided-or-not"), number=8, seed=1, until=NOW)
    demonstration.logins(study, at=NOW)
    someone = people.in_the_programme(study, NOW)
    assert someone is not None
    users = {role: User.objects.get(email=f"{role}@example.org") for role in ROLES}
    found = {}
    for role, user in {**users, "participant": someone.user}.items():
        for language in ("en", "nl"):
            Participant.objects.update(language=language)
            browser = Client()
            browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            browser.cookies["django_language"] = language
            starts = [
                reverse("door"),
                *([reverse("coach:caseload")] if role == "supervisor" else []),
            ]
            read = list(crawling.pages(browser, *starts, of_a_route=2))
            assert len(read) > 5
            found |= {(role, page.url): names for page in read if (names := alike(page))}
    assert found == {}


@pytest.mark.parametrize("folder", ["guided-or-not", "living-positive"])
def test_no_lesson_is_called_as_a_button_is(folder):
    """What somebody typed in a lesson is offered by its title, beside buttons."""
    said = {
        str(words).casefold()
        for each in read_po(io.BytesIO(CATALOGUE.read_bytes()))
        for words in (each.id, each.string)
    }
    document = studies.read(rehearsing.find(folder), at=NOW).document
    programme = document["programme"]
    titles = [programme["title"], *(module["title"] for module in programme["modules"])]
    assert [title for each in titles for title in each.values() if title.casefold() in said] == []


def test_the_crawl_hears_a_name_that_two_controls_share():
    page = crawling.read(
        "/a/",
        '<a href="b/">Next</a><form method="post" id="f"><button>Next</button><input name="n" '
        'type="hidden" value="1"></form>'
        '<a href="c/">Go <span class="visually-hidden">to C</span></a><a href="d/">Go</a><a '
        'href="/a/b/">Next</a>'
        '<a href="e/" aria-label="Go to E">Go</a>',
    )
    assert alike(page) == {"Next": [("goes to", "/a/b/"), ("sends", "/a/")]}
