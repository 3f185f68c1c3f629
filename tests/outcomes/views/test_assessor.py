"""The assessor's room: whose questionnaires are due now, and entering one that was asked by phone
or came on paper.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from outcomes.actions import assessments
from outcomes.models import Assessment
from tests import factories
from tests.api import test_pairs as pairs
from tests.conftest import NOW
from trial import actors, worker
from trial.actions import participants, studies
from trial.models import Alert, AuditEvent, Participant

pytestmark = pytest.mark.django_db

DUE = reverse("assessor:due")
BOX = "not_answered"
PHQ4 = {f"item_{code}": "2" for code in (1, 2, 3, 4)}
PHQ9 = {f"item_{code}": "1" for code in range(1, 10)}


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()
        yield clock


@pytest.fixture
def cleo(staff):
    return signed_in(staff("assessor"))


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def dan(study):
    """Dan has signed; his baseline is open."""
    return factories.a_consented_participant(study, NOW)


def sheet(dan: Participant, instrument: str = "PHQ9", timepoint: str = "pre") -> str:
    return reverse("assessor:enter", args=[dan.study.slug, dan.code, timepoint, instrument])


def send(client: Client, address: str, given: dict, page: bytes | None = None):
    drawn = (page or client.get(address).content).decode()
    key = re.search(r'name="request_key" value="([^"]+)"', drawn)
    assert key
    return client.post(address, {**given, "request_key": key[1]})


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode().split("<main")[1]).split())


def test_after_sign_in_an_assessor_stands_before_what_is_due(cleo, dan):
    assert cleo.get(reverse("door")).url == DUE
    row = re.search(rf"{dan.code}</th>.*?</tr>", cleo.get(DUE).content.decode(), re.DOTALL)
    assert row
    assert f'href="{sheet(dan)}"' in row[0]
    said = " ".join(re.sub(r"<[^>]+>", " ", row[0]).split())
    assert said == f"{dan.code} Patient Health Questionnaire-9 (PHQ-9) Wed 1 Apr"


def test_where_nothing_is_due_the_page_says_what_will_stand_there(cleo):
    assert "Nothing is due now Whoever has questions open will stand here" in words(cleo.get(DUE))


def test_a_page_holds_fifty_questionnaires_and_what_closes_first_comes_first(cleo, study, dan):
    row, *others = Assessment.objects.filter(participant=dan)
    Assessment.objects.filter(pk__in=[other.pk for other in others]).update(withdrawn_at=NOW)
    people = [
        participants.begin(study=study, language="en", by=actors.visitor("new"), at=NOW)
        for _ in range(50)
    ]
    Participant.objects.filter(pk__in=[each.pk for each in people]).update(state="consented")
    for hours, person in enumerate(people):
        row.pk, row.participant, row.closes_at = None, person, NOW + timedelta(hours=50 - hours)
        row.save()

    first, second = (cleo.get(f"{DUE}?page={number}") for number in (1, 2))

    assert "Page 1 of 2" in words(first)
    listed = [
        re.findall(r'class="code when">([^<]+)<', page.content.decode()) for page in (first, second)
    ]
    assert listed == [[each.code for each in people[::-1]], [dan.code]]


@pytest.mark.parametrize("role", ["researcher", "statistician", "coach", "supervisor"])
def test_the_room_is_an_assessors_alone(role, staff, dan):
    client = signed_in(staff(role))
    for address in (DUE, sheet(dan), reverse("assessor:help", args=[dan.study.slug, dan.code])):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404


def test_a_participant_and_a_stranger_do_not_come_in(dan):
    assert signed_in(dan.user).get(DUE).status_code == 404
    assert Client().get(DUE).url == f"{reverse('account_login')}?next={DUE}"


def test_an_assessor_of_another_study_finds_nothing_of_this_one(dan):
    other = studies.load(path=pairs.a_zip(), simulated=True, by=actors.SYSTEM, at=NOW).study
    client = signed_in(factories.a_staff_member(other, "assessor", "", NOW))
    assert client.get(sheet(dan)).status_code == 404
    assert dan.code not in client.get(DUE).content.decode()


def test_the_other_rooms_are_shut_to_an_assessor(cleo):
    assert {
        cleo.get(reverse(name)).status_code for name in ("research:studies", "coach:caseload")
    } == {404}


def test_every_item_stands_on_the_page_with_time_frame_and_attribution(cleo, dan):
    page = cleo.get(sheet(dan)).content.decode()
    assert page.count('role="radiogroup"') == 9
    assert "Over the last 2 weeks, how often have you been bothered by" in page
    assert "Pfizer" in page
    assert "By phone" in page
    assert "On paper" in page


def test_the_questions_are_in_the_participants_language_and_the_page_in_the_assessors(cleo, dan):
    Participant.objects.update(language="nl")
    page = cleo.get(sheet(dan)).content.decode()
    assert '<html lang="en">' in page
    assert '<div lang="nl">' in page
    assert "Weinig interesse of plezier" in page


def test_what_was_said_by_phone_is_handed_in_by_the_same_action(cleo, dan):
    answer = send(cleo, sheet(dan), {**PHQ9, "item_9": "0", "mode": "phone"})

    assert answer.url == DUE
    row = Assessment.objects.get(participant=dan, instrument="PHQ9", timepoint="pre")
    assert (row.mode, row.scores["PHQ9"], row.entered_by.split()[0]) == ("phone", 8.0, "staff")
    assert AuditEvent.objects.get(action="assessment submitted").role == "assessor"
    assert sheet(dan) not in cleo.get(DUE).content.decode()


def test_a_double_click_has_one_effect(cleo, dan):
    page = cleo.get(sheet(dan)).content
    first, again = (send(cleo, sheet(dan), {**PHQ9, "mode": "paper"}, page) for _ in range(2))
    assert first.url == again.url == reverse("assessor:help", args=[dan.study.slug, dan.code])
    assert AuditEvent.objects.filter(action="assessment submitted").count() == 1
    assert Alert.objects.filter(participant=dan).count() == 1


def test_an_item_without_an_answer_is_asked_about_before_it_is_recorded_as_not_answered(cleo, dan):
    given = {**PHQ9, "item_9": "0", "mode": "phone"}
    del given["item_3"]
    assert BOX not in cleo.get(sheet(dan)).content.decode()

    asked = send(cleo, sheet(dan), given)
    assert asked.status_code == 400
    assert "tick below that none was given" in words(asked)
    assert asked.content.decode().count(f'name="{BOX}"') == 1
    assert not AuditEvent.objects.filter(action="assessment submitted").exists()

    assert send(cleo, sheet(dan), {**given, BOX: ["3"]}, asked.content).url == DUE
    row = Assessment.objects.get(participant=dan, instrument="PHQ9", timepoint="pre")
    assert (row.item_states, row.mode) == ({"3": "not_answered"}, "phone")


def test_how_the_answers_were_given_must_be_said(cleo, dan):
    answer = send(cleo, sheet(dan), PHQ9)
    assert answer.status_code == 400
    assert "How were they given?" in words(answer)


def test_thoughts_of_death_show_at_once_what_to_say_and_whom_to_call(cleo, dan):
    answer = send(cleo, sheet(dan), {**PHQ9, "mode": "phone"})
    page = words(cleo.get(answer.url))
    assert "Say this now Thank you for telling us." in page
    assert all(
        number in page for line in dan.version.protocol.crisis_lines for number in line.numbers
    )
    assert dan.version.protocol.contacts.safety.phone in page
    assert Alert.objects.get(participant=dan).subject_ref == "pre"


def test_neither_what_to_say_nor_the_alert_waits_for_an_item_that_was_left_open(cleo, dan):
    given = {"item_9": "1", "mode": "phone"}
    page = send(cleo, sheet(dan), given)
    assert page.status_code == 400
    assert "Say this now" in words(page)
    assert Alert.objects.get(participant=dan).subject_ref == "pre"

    assert send(cleo, sheet(dan), {**PHQ9, "mode": "phone"}, page.content).status_code == 302
    assert Alert.objects.filter(participant=dan).count() == 1


def test_what_to_say_is_in_the_participants_language(cleo, dan):
    Participant.objects.update(language="nl")
    page = cleo.get(reverse("assessor:help", args=[dan.study.slug, dan.code])).content.decode()
    assert '<blockquote lang="nl">' in page
    assert "Say this now" in page
    assert "Je hoeft dat niet alleen te dragen" in page


def test_whatever_is_not_due_is_answered_alike(cleo, dan, study):
    Assessment.objects.filter(participant=dan, instrument="PHQ9").update(submitted_at=NOW)
    nobody = reverse("assessor:enter", args=[study.slug, "QM-XXXXX", "pre", "PHQ9"])
    answers = {
        cleo.get(address).url for address in (sheet(dan), sheet(dan, "PHQ9", "post"), nobody)
    }
    assert answers == {DUE}
    assert cleo.post(sheet(dan), {**PHQ9, "mode": "phone", "request_key": "k"}).url == DUE


def test_what_was_drafted_by_the_participant_is_not_shown(cleo, dan):
    row = Assessment.objects.get(participant=dan, instrument="PHQ9", timepoint="pre")
    assessments.save_draft(
        assessment=row, answers={"1": 3}, by=actors.participant(dan.code), at=NOW
    )
    assert "checked" not in cleo.get(sheet(dan)).content.decode()


def test_the_list_stays_flat_as_people_are_added(cleo, study, dan, django_assert_num_queries):
    cleo.get(DUE)
    with django_assert_num_queries(11):
        cleo.get(DUE)
    for _ in range(2):
        factories.a_consented_participant(study, NOW)
    with django_assert_num_queries(11):
        cleo.get(DUE)


def test_the_form_stays_flat_as_people_are_added(cleo, study, dan, django_assert_num_queries):
    cleo.get(sheet(dan))
    with django_assert_num_queries(8):
        cleo.get(sheet(dan))
    for _ in range(2):
        factories.a_consented_participant(study, NOW)
    with django_assert_num_queries(8):
        cleo.get(sheet(dan))


def test_a_questionnaire_that_every_arm_gets_can_be_entered_later_too(staff, study, monday):
    dan = factories.a_randomised_participant(study, NOW)
    for day in range(1, 16):
        worker.tick(NOW + timedelta(days=day), seal=False)
    monday.move_to(NOW + timedelta(days=15))
    cleo = signed_in(staff("assessor"))
    assert send(cleo, sheet(dan, "PHQ4", "week2"), {**PHQ4, "mode": "phone"}).url == DUE


def test_an_answer_that_was_marked_by_mistake_can_be_marked_as_not_given(cleo, dan):
    page = cleo.get(sheet(dan)).content.decode()
    assert page.count('value="skipped"') == 9
    send(cleo, sheet(dan), {**PHQ9, "item_3": "skipped", "mode": "paper"})
    row = Assessment.objects.get(participant=dan, instrument="PHQ9")
    assert (row.submitted_at, row.item_states, "3" in row.answers) == (
        NOW,
        {"3": "not_answered"},
        False,
    )
