"""One language at a time: the switch carries questions along before consent, and asks
afterwards.
"""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.api.test_pairs import way_in
from tests.conftest import NOW
from trial.models import AuditEvent, Participant, Study

pytestmark = pytest.mark.django_db

SLUG = "quiet-mornings"
SCREENING = reverse("join:screening", args=[SLUG, "basics"])
HOME = reverse("participant:home")


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


@pytest.fixture(autouse=True)
def in_two_languages(study):
    study.open_languages = ["en", "nl"]
    study.save()


def switch(browser: Client, language: str, page: str):
    return browser.post(reverse("set_language"), {"language": language, "next": page})


def lang_of(page) -> str:
    return page.content.decode().partition('<html lang="')[2].partition('"')[0]


def signed_in(dan: Participant) -> Client:
    browser = Client()
    browser.force_login(dan.user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def languages_chosen() -> list[dict[str, str]]:
    return [event.new for event in AuditEvent.objects.filter(action="language chosen")]


def test_before_consent_the_questions_follow_the_switch():
    browser = way_in("begin")
    assert switch(browser, "nl", SCREENING).url == SCREENING
    page = browser.get(SCREENING)
    assert (lang_of(page), page.context["form"]["age"].label) == ("nl", "Hoe oud ben je?")
    assert Participant.objects.get().language == "nl"
    assert len(languages_chosen()) == 1


def test_a_verified_newcomer_reads_the_letter_in_the_language_of_the_switch():
    browser = way_in("code")
    switch(browser, "nl", reverse("join:consent", args=[SLUG]))
    page = browser.get(reverse("join:consent", args=[SLUG]))
    assert (lang_of(page), page.context["letter_language"]) == ("nl", "nl")


def test_a_newcomer_is_told_when_the_study_is_not_in_that_language_and_nothing_changes():
    Study.objects.update(open_languages=["en"])
    browser = way_in("begin")
    switch(browser, "nl", SCREENING)
    page = browser.get(SCREENING)
    assert lang_of(page) == "en"
    assert "This study is not in that language." in page.content.decode()
    assert Participant.objects.get().language == "en"


def test_another_language_of_the_browser_does_not_give_half_a_page():
    browser = way_in("begin")
    browser.cookies["django_language"] = "nl"
    assert lang_of(browser.get(SCREENING)) == "en"


def test_after_consent_the_switch_asks_in_the_language_that_was_pressed(study):
    dan = factories.a_randomised_participant(study, NOW)
    browser = signed_in(dan)
    answer = switch(browser, "nl", HOME)
    assert answer.url == f"{reverse('participant:language')}?to=nl"
    page = browser.get(answer.url)
    assert lang_of(page) == "nl"
    assert lang_of(browser.get(HOME)) == "en"
    assert languages_chosen() == []
    assert browser.post(reverse("participant:language"), {"language": "nl"}).url == HOME
    assert lang_of(browser.get(HOME)) == "nl"
    dan.refresh_from_db()
    assert (dan.language, len(languages_chosen())) == ("nl", 1)


def test_after_consent_no_language_is_chosen_in_which_the_study_is_not_open(study):
    Study.objects.update(open_languages=["en"])
    dan = factories.a_randomised_participant(study, NOW)
    browser = signed_in(dan)
    assert switch(browser, "nl", HOME).url == HOME
    assert browser.post(reverse("participant:language"), {"language": "nl"}).url == HOME
    assert languages_chosen() == []


def test_whoever_is_not_known_chooses_the_language_of_the_pages_alone(client):
    switch(client, "nl", "/")
    assert lang_of(client.get("/")) == "nl"
    assert languages_chosen() == []
