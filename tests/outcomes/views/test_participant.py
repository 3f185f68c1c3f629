"""Questionnaires as a participant meets them: one item a screen, left and resumed, open items, help
first.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from outcomes.models import Assessment
from tests import factories
from tests.conftest import NOW
from trial.models import Alert, AuditEvent, Participant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()
        yield clock


@pytest.fixture
def person(study):
    """Dan has signed; the baseline is open."""
    return factories.a_consented_participant(study, NOW)


@pytest.fixture
def client(person):
    client = Client()
    client.force_login(person.user)
    return client


def url(name: str, *args: str) -> str:
    return reverse(f"participant:{name}", args=args)


def at(number: int, instrument: str = "PHQ9") -> str:
    return f"{url('item', 'pre', instrument)}?item={number}"


def send(client: Client, address: str, data: dict | None = None, page: str = "") -> object:
    keys = re.findall(
        r'name="request_key" value="([^"]+)"', client.get(page or address).content.decode()
    )
    return client.post(address, {**(data or {}), "request_key": keys[-1]})


def answer(
    client: Client, given: dict[int, int], instrument: str = "PHQ9", total: int = 9
) -> object:
    """Go through the items one by one; an item that is not given is passed over."""
    last = None
    for number in range(1, total + 1):
        chosen = {"answer": str(given[number])} if number in given else {}
        last = send(client, at(number, instrument), {**chosen, "to": "next"})
    return last


def row(person: Participant, instrument: str = "PHQ9") -> Assessment:
    return Assessment.objects.get(participant=person, timepoint="pre", instrument=instrument)


def every(value: int, **other: int) -> dict[int, int]:
    return dict.fromkeys(range(1, 10), value) | {int(key[1:]): each for key, each in other.items()}


def test_a_sitting_shows_what_is_left_and_starts_at_the_first_item(client, person):
    page = client.get(url("sitting", "pre")).content.decode()
    assert ("About 10 minutes" in page, "9 questions" in page, "7 questions" in page) == (
        True,
        True,
        True,
    )
    started = send(client, url("start", "pre", "PHQ9"), page=url("sitting", "pre"))
    assert started.url == at(1)
    assert row(person).opened_at == NOW


def test_every_screen_holds_one_item_the_time_frame_and_how_far_one_is(client):
    page = client.get(at(4)).content.decode()
    assert ("4 of 9" in page, "Over the last 2 weeks" in page) == (True, True)
    assert ("Feeling tired or having little energy" in page, "Poor appetite" in page) == (
        True,
        False,
    )


def test_each_answer_is_kept_at_once_so_that_it_can_be_left_and_resumed(client, person):
    send(client, at(1), {"answer": "2", "to": "next"})
    answer = send(client, at(2), {"answer": "1", "to": "stop"})
    assert (answer.url, row(person).answers) == (url("home"), {"1": 2, "2": 1})
    resumed = client.get(url("item", "pre", "PHQ9"))
    assert resumed.context["number"] == 3
    assert re.search(r'value="2"[^>]*checked', client.get(at(1)).content.decode())


def test_back_keeps_the_answer_too(client, person):
    assert send(client, at(3), {"answer": "3", "to": "back"}).url == at(2)
    assert row(person).answers == {"3": 3}


def test_the_last_answer_hands_in(client, person):
    last = answer(client, every(1, i9=0))
    assert last.url == url("sitting", "pre")
    assert (row(person).submitted_at, row(person).scores["PHQ9"]) == (NOW, 8.0)
    assert "1 list of questions is left" in client.get(last.url).content.decode()


def test_an_open_item_is_allowed_after_a_gentle_question(client, person):
    given = every(1, i9=0)
    del given[4]
    review = answer(client, given)
    assert review.url == url("review", "pre", "PHQ9")
    page = client.get(review.url).content.decode()
    assert ("You left 1 open" in page, at(4) in page, row(person).submitted_at) == (
        True,
        True,
        None,
    )
    send(client, url("submit", "pre", "PHQ9"), page=review.url)
    assert row(person).item_states == {"4": "not_answered"}
    assert row(person).prorated is True


def test_after_an_answer_about_death_help_comes_first_and_staff_are_told(client, person):
    last = answer(client, every(1, i9=2))
    assert last.url == url("talk", "pre")
    page = client.get(last.url).content.decode()
    assert ('href="tel:113"' in page, url("sitting", "pre") in page) == (True, True)
    assert [alert.kind for alert in Alert.objects.all()] == ["item9"]


@pytest.mark.parametrize("to", ["next", "back", "stop"])
def test_help_comes_at_once_when_the_rest_is_left_open(client, person, to):
    """The alert is raised by the answer itself: nobody knows whether the questionnaire will ever be
    handed in.
    """
    answered = send(client, at(9), {"answer": "2", "to": to})
    assert (answered.url, row(person).answers, row(person).submitted_at) == (
        url("talk", "pre"),
        {"9": 2},
        None,
    )
    assert url("sitting", "pre") in client.get(answered.url).content.decode()
    assert [(alert.kind, alert.raised_at) for alert in Alert.objects.all()] == [("item9", NOW)]
    send(client, url("skip", "pre", "PHQ9"))
    assert Alert.objects.count() == 1


def test_handing_in_twice_is_handing_in_once_and_shows_help_both_times(client, person):
    for number in range(1, 9):
        send(client, at(number), {"answer": "1", "to": "next"})
    last = {"answer": "1", "to": "next", "request_key": "twice"}
    first, second = (client.post(at(9), last) for _ in range(2))
    assert (first.url, second.url) == (url("talk", "pre"), url("talk", "pre"))
    events = AuditEvent.objects.filter(action="assessment submitted")
    assert (events.count(), Alert.objects.count()) == (1, 1)


def test_the_whole_baseline_ends_in_allocation(client, person):
    answer(client, every(1, i9=0))
    last = answer(client, every(1), "GAD7", 7)
    person.refresh_from_db()
    assert (last.url, person.state) == (url("home"), "randomised")


def test_a_questionnaire_can_be_left_out(client, person):
    send(client, at(1), {"answer": "1", "to": "stop"})
    send(client, url("skip", "pre", "PHQ9"))
    assert (row(person).declined_at, row(person).answers) == (NOW, {})


def test_what_nobody_could_have_chosen_is_asked_again(client, person):
    page = send(client, at(1), {"answer": "7", "to": "next"})
    assert (page.status_code, row(person).answers) == (200, {})
    assert client.get(at(10)).status_code == 404
    assert client.get(url("item", "pre", "NOPE")).status_code == 404
    assert client.get(url("sitting", "nope")).status_code == 404


def test_what_is_not_open_is_answered_by_a_kind_page(client, person, monday):
    factories.fill_in(person, "pre", NOW)
    assert client.get(url("item", "week2", "PHQ4")).url == url("sitting", "week2")
    assert "These questions open on" in client.get(url("sitting", "week2")).content.decode()
    monday.shift(timedelta(days=30))
    client.force_login(person.user)
    assert client.post(f"{url('item', 'week2', 'PHQ4')}?item=1", {"answer": "1"}).url == url(
        "sitting", "week2"
    )
    assert "These questions are closed" in client.get(url("sitting", "week2")).content.decode()


def test_the_list_tells_what_is_open_what_comes_and_what_has_been(client, person):
    factories.fill_in(person, "pre", NOW)
    page = client.get(url("questionnaires"))
    codes = {
        name: [row["sitting"].timepoint for row in page.context[name]]
        for name in ("now", "later", "past")
    }
    assert codes == {"now": [], "later": ["week2", "post", "followup"], "past": ["pre"]}


@pytest.mark.parametrize("name", ["questionnaires", "sitting", "item"])
def test_pages_ask_ten_questions_of_the_database_at_most(
    client, name, django_assert_max_num_queries
):
    args = {"questionnaires": (), "sitting": ("pre",), "item": ("pre", "PHQ9")}[name]
    with django_assert_max_num_queries(10):
        client.get(url(name, *args))


def test_the_studys_own_questions_belong_to_the_baseline(study):
    person = factories.a_verified_participant(study, NOW)
    client = Client()
    client.force_login(person.user)
    letter = person.version.consent.letters["en"]
    from trial import actors
    from trial.actions import participants

    participants.sign_consent(
        participant=person,
        language="en",
        statements=[each.code for each in letter.statements],
        comprehension={"stop": 1},
        signature="Dan Jansen",
        by=actors.participant(person.code),
        at=NOW,
    )
    asked = send(client, url("call_times"))
    assert asked.url == url("questions")
    assert "Choose an answer" in send(client, url("questions"), {}).content.decode()
    answered = send(client, url("questions"), {"helped": "no"})
    person.refresh_from_db()
    assert (answered.url, person.answers["helped"]) == (url("sitting", "pre"), "no")


def test_without_a_wording_a_simulated_person_sees_codes_and_is_told_so(study):
    person = factories.a_consented_participant(study, NOW)
    Participant.objects.filter(pk=person.pk).update(language="fr")
    client = Client()
    client.force_login(person.user)
    page = client.get(at(1)).content.decode()
    assert ("There is no wording in this language" in page, "Item 1" in page) == (True, True)


def blank(client: Client, number: int) -> bool:
    """Whether the page offers to leave the item open after all."""
    return bool(re.search(r'type="radio"[^>]*value=""', client.get(at(number)).content.decode()))


def test_an_answer_can_be_taken_back_and_no_alert_with_it(client, person):
    answer(client, {9: 2})
    assert (blank(client, 1), blank(client, 9)) == (False, True)
    send(client, at(9), {"answer": "", "to": "back"})
    row = Assessment.objects.get(participant=person, instrument="PHQ9")
    assert (row.answers, blank(client, 9), Alert.objects.count()) == ({}, False, 1)


def test_an_older_page_without_a_choice_takes_back_nothing(client, person):
    answer(client, {1: 3})
    send(client, at(1), {"to": "next"})
    assert Assessment.objects.get(participant=person, instrument="PHQ9").answers == {"1": 3}


def test_the_studys_own_questions_are_asked_before_allocation_alone(study):
    dan = factories.a_randomised_participant(study, NOW)
    assert dan.answers["helped"] == "yes"
    client = Client()
    client.force_login(dan.user)
    for answer in (
        client.get(url("questions")),
        client.post(url("questions"), {"helped": "no", "request_key": "k"}),
    ):
        assert (answer.status_code, answer.url) == (302, url("home"))
    dan.refresh_from_db()
    assert dan.answers["helped"] == "yes"


def test_a_page_that_is_not_open_yet_says_so_and_what_was_handed_in_is_shown_as_that(
    client, person
):
    """Whoever comes back to a page of a questionnaire that is done reads in the list that it is."""
    said = "These questions are not open now."
    client.post(url("submit", "pre", "PHQ9"), {"request_key": "k"})
    assert said not in client.get(at(1), follow=True).content.decode()
    factories.fill_in(person, "pre", NOW)
    early = client.get(f"{url('item', 'week2', 'PHQ4')}?item=1")
    assert [str(each) for each in get_messages(early.wsgi_request)] == [said]
