"""Asking for an allocation from outside: one effect per key, and never an arm."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.utils import timezone

from randomisation import verifier
from randomisation.models import Allocation
from tests import factories
from tests.api.clients import Client, a_key
from tests.randomisation import people
from tests.randomisation.test_points import STAGED, STAGES
from trial import actors, worker
from trial.actions import jobs, studies
from trial.grants import Grant
from trial.models import Alert, AuditEvent, Identity, Participant, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(study, staff):
    return Client(staff("researcher"))


@pytest.fixture
def ready(study, now):
    """Baseline complete while the study was paused, so that nobody allocated them yet."""
    dan = factories.a_consented_participant(study, now)
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    factories.fill_in(dan, "pre", now)
    studies.resume(study=study, by=actors.SYSTEM, at=now)
    return dan


def ask(client, study, person, key, point="start"):
    return client.post(
        f"studies/{study.slug}/points/{point}/allocations/", {"participant": person.code}, key=key
    )


def test_somebody_who_is_ready_is_randomised_once_whatever_is_sent_again(study, ada, ready):
    key = a_key()
    answers = [ask(ada, study, ready, key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert sorted(answers[0].json()) == ["allocated_at", "participant", "point"]
    row = Allocation.objects.get()
    assert (
        row.request_key,
        Grant.objects.filter(participant=ready, kind="assessments").count(),
    ) == (key, 1)


def test_another_key_for_the_same_person_is_a_conflict_without_an_arm(study, ada, ready):
    ask(ada, study, ready, a_key())
    answer = ask(ada, study, ready, a_key())
    assert (answer.status_code, answer.json()["code"]) == (409, "already_randomised")
    assert "guided" not in answer.content.decode()
    assert Allocation.objects.count() == 1


def test_one_key_for_two_people_is_a_conflict(study, ada, ready, now):
    key = a_key()
    ask(ada, study, ready, key)
    (other,) = people.consented(study, 1, now)
    answer = ask(ada, study, other, key)
    assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")
    assert Allocation.objects.count() == 1


def test_whoever_has_not_answered_the_baseline_is_not_randomised_and_nothing_is_consumed(
    study, ada, now
):
    dan = factories.a_consented_participant(study, now)
    answer = ask(ada, study, dan, a_key())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_eligible")
    assert (Allocation.objects.count(), Participant.objects.get(pk=dan.pk).state) == (
        0,
        "consented",
    )


def test_in_a_pause_the_answer_is_locked(study, ada, ready, now):
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    answer = ask(ada, study, ready, a_key())
    assert (answer.status_code, answer.json()["code"]) == (423, "randomisation_paused")


def test_a_point_that_does_not_exist_is_not_found(study, ada, ready):
    assert ask(ada, study, ready, a_key(), "step_up").status_code == 404


@pytest.fixture
def staged(tmp_path, now):
    """At a stage only people of one arm are randomised again."""
    return people.a_study(tmp_path, now, randomisation=STAGED, stages=STAGES)


def test_at_a_stage_no_answer_tells_whether_somebody_was_randomised_again(staged, now):
    persons = [factories.a_participant_in(staged, arm, now) for arm in ("guided", "unguided")]
    worker.tick(now + timedelta(days=15))
    assert Allocation.objects.filter(participant=persons[1], point="step_up").count() == 1
    Study.objects.filter(pk=staged.pk).update(simulated=False)
    api = Client(factories.a_staff_member(staged, "researcher", "", now))
    answers = [ask(api, staged, person, a_key(), "step_up") for person in persons]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_a_draw_that_brings_a_list_to_four_fifths_and_an_end_of_it_are_told_here_too(tmp_path, now):
    study = people.a_listed_study(tmp_path, now, n=2)
    api = Client(factories.a_staff_member(study, "researcher", "", now))
    statuses = []
    for _ in range(3):
        dan = factories.a_consented_participant(study, now)
        studies.pause(study=study, by=actors.SYSTEM, at=now)
        factories.fill_in(dan, "pre", now)
        studies.resume(study=study, by=actors.SYSTEM, at=now)
        statuses.append(ask(api, study, dan, a_key()).status_code)
    assert statuses == [201, 201, 423]
    assert list(Alert.objects.order_by("pk").values_list("kind", flat=True)) == [
        "list_low",
        "list_exhausted",
    ]


def test_of_somebody_who_may_have_come_before_staff_are_told(study, ada, ready, now):
    ask(ada, study, ready, a_key())
    twin = factories.a_consented_participant(study, now)
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    factories.fill_in(twin, "pre", now)
    studies.resume(study=study, by=actors.SYSTEM, at=now)
    Identity.objects.filter(participant=twin).update(phone_hash=ready.identity.phone_hash)
    assert ask(ada, study, twin, a_key()).json()["code"] == "possible_duplicate"
    assert list(Alert.objects.values_list("kind", "participant")) == [
        ("possible_duplicate", twin.pk)
    ]


def test_the_answers_for_two_arms_differ_in_nothing_but_the_code(study, ada, now):
    answers = {}
    while len(answers) < 2:
        dan = factories.a_consented_participant(study, now)
        studies.pause(study=study, by=actors.SYSTEM, at=now)
        factories.fill_in(dan, "pre", now)
        studies.resume(study=study, by=actors.SYSTEM, at=now)
        answer = ask(ada, study, dan, a_key())
        body = {**answer.json(), "participant": "", "allocated_at": ""}
        headers = {name: value for name, value in answer.headers.items() if name != "Set-Cookie"}
        answers.setdefault(
            factories.arm(dan), (answer.status_code, body, headers, len(answer.content))
        )
    assert answers["guided"] == answers["unguided"]


def test_the_export_for_verification_is_the_statisticians_and_replays(study, staff, ready, ada):
    ask(ada, study, ready, a_key())
    finn, path = Client(staff("statistician")), f"studies/{study.slug}/randomisation/exports/"
    key = a_key()
    asked, again = (finn.post(path, key=key) for _ in range(2))
    number = asked.json()["number"]
    assert (asked.status_code, again.json()["number"]) == (202, number)
    assert finn.get(f"{path}{number}/randomisation.json").status_code == 404
    jobs.make_due(timezone.now())
    assert [each["state"] for each in finn.get(path).json()["results"]] == ["made"]
    answer = finn.get(f"{path}{number}/randomisation.json")
    said: list[str] = []
    assert (
        answer.status_code,
        verifier.main(["-"], io.StringIO(answer.getvalue().decode()), said.append),
    ) == (200, 0)
    assert AuditEvent.objects.filter(action="randomisation export downloaded").count() == 1
    assert finn.delete(f"{path}{number}/").status_code == 204
    assert finn.get(f"{path}{number}/").json()["state"] == "removed"


def test_while_the_arms_are_concealed_nothing_is_exported(study, staff):
    Study.objects.filter(pk=study.pk).update(simulated=False)
    answer = Client(staff("statistician")).post(
        f"studies/{study.slug}/randomisation/exports/", key=a_key()
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "lists_concealed")
