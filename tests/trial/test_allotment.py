"""What the draw brought: told in words to the one person, and to nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client as Browser
from django.urls import reverse

from tests import crawling, factories
from tests.api.clients import Client, of
from tests.conftest import NOW
from trial import actors, hooks
from trial.actions import own_details, programme
from trial.models import AuditEvent
from trial.queries import allotment

pytestmark = [pytest.mark.once, pytest.mark.django_db]
WORDS = {
    "guided": "You start now and a coach calls you each week.",
    "unguided": "You start now and go at your own pace.",
}


@pytest.fixture(autouse=True)
def an_hour_later():
    with time_machine.travel(NOW + timedelta(hours=1), tick=False) as clock:
        cache.clear()
        yield clock


def browser_of(user) -> Browser:
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def page(person, name: str) -> str:
    return browser_of(person.user).get(reverse(f"participant:{name}")).content.decode()


@pytest.mark.parametrize("arm", WORDS)
def test_after_allocation_a_person_reads_what_happens_now(study, arm):
    person = factories.a_participant_in(study, arm, NOW)
    assert [each for each in WORDS.values() if each in page(person, "home")] == [WORDS[arm]]
    assert "What happens now" in page(person, "home")
    assert WORDS[arm] in page(person, "data")


def test_in_the_words_of_the_version_and_the_language_that_the_person_has(study):
    person = factories.a_participant_in(study, "unguided", NOW)
    person.language = "nl"
    person.save(update_fields=["language"])
    assert "Je begint nu en gaat in je eigen tempo." in page(person, "home")


def test_it_is_news_until_the_first_thing_was_done(study):
    person = factories.a_participant_in(study, "guided", NOW)
    own_details.set_call_times(
        participant=person, times=[], by=actors.participant(person.code), at=NOW
    )
    assert WORDS["guided"] in page(person, "home")
    done_at = NOW + timedelta(minutes=5)
    programme.begin_module(
        participant=person, module="welcome", by=actors.participant(person.code), at=done_at
    )
    assert WORDS["guided"] not in page(person, "home")
    assert WORDS["guided"] in page(person, "data")


def test_an_answer_is_a_first_thing_too(study, an_hour_later):
    person = factories.a_participant_in(study, "unguided", NOW)
    an_hour_later.shift(timedelta(days=15))
    assert WORDS["unguided"] in page(person, "home")
    factories.fill_in(person, "week2", NOW + timedelta(days=15))
    assert WORDS["unguided"] not in page(person, "home")


def test_before_allocation_there_is_nothing_to_tell(study):
    person = factories.a_consented_participant(study, NOW)
    assert allotment.words(person) == ""
    assert "What happens now" not in page(person, "home") + page(person, "data")
    assert of(person).get("today/").json()["what_happens_now"] is None


def test_the_api_tells_the_same_words(study):
    person = factories.a_participant_in(study, "guided", NOW)
    assert of(person).get("today/").json()["what_happens_now"] == {
        "words": WORDS["guided"],
        "is_news": True,
    }
    done_at = NOW + timedelta(minutes=5)
    programme.begin_module(
        participant=person, module="welcome", by=actors.participant(person.code), at=done_at
    )
    assert of(person).get("today/").json()["what_happens_now"] == {
        "words": WORDS["guided"],
        "is_news": False,
    }


def test_reading_it_is_no_look_at_an_arm(study):
    person = factories.a_participant_in(study, "guided", NOW)
    events = AuditEvent.objects.count()
    page(person, "home")
    page(person, "data")
    assert AuditEvent.objects.count() == events


def pages_of(user, *starts: str) -> dict[str, str]:
    browser, waiting, seen = browser_of(user), list(starts), {}
    while waiting and len(seen) < crawling.MOST_PAGES:
        address = waiting.pop(0).partition("#")[0]
        if address in seen or not crawling.is_ours(address):
            continue
        answer = browser.get(address)
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        seen[address] = text.decode("utf-8", "replace")
        if "Location" in answer:
            waiting.append(answer["Location"])
        elif answer.get("Content-Type", "").startswith("text/html"):
            waiting += crawling.read(address, seen[address]).links
    return seen


def tells(text: str) -> list[str]:
    return [words for words in WORDS.values() if words in text]


@pytest.mark.parametrize("role", ["researcher", "statistician", "supervisor", "assessor", "coach"])
def test_no_page_of_staff_holds_the_words(study, staff, role):
    for arm in WORDS:
        factories.a_participant_in(study, arm, NOW)
    start = (
        reverse("coach:caseload")
        if role == "coach"
        else reverse("research:dashboard", args=[study.slug])
    )
    seen = pages_of(staff(role), start, "/door/")
    assert len(seen) > 3
    assert [address for address, text in seen.items() if tells(text)] == []


@pytest.mark.parametrize("role", ["researcher", "statistician", "supervisor", "assessor", "coach"])
def test_no_endpoint_for_staff_holds_the_words(study, staff, role):
    person = factories.a_participant_in(study, "guided", NOW)
    client = Client(staff(role))
    addresses = (
        "studies/",
        f"studies/{study.slug}/",
        "today/",
        "caseload/",
        f"caseload/{person.code}/",
    )
    parts = ("participants/", "alerts/", "messages/", "staff/", "assessments/due/")
    answers = [
        client.get(each)
        for each in (*addresses, *(f"studies/{study.slug}/{part}" for part in parts))
    ]
    assert any(each.status_code == 200 for each in answers)
    assert [each for each in answers if tells(each.content.decode())] == []


def test_neither_export_nor_trail_holds_the_words(study):
    for arm in WORDS:
        person = factories.a_participant_in(study, arm, NOW)
        page(person, "home")
    tables = [table for entry in hooks.TABLES for table in entry(study, actors.SYSTEM, NOW, True)]
    assert tells(str(tables)) == []
    assert tells(str(list(AuditEvent.objects.values()))) == []
