"""When a questionnaire can be answered, to the second, and what leaving ends."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes import rehearsal
from outcomes.actions import assessments
from outcomes.models import Assessment, Schedule
from outcomes.queries import assessments as reads
from outcomes.queries import concealment, definitions
from outcomes.schedules import AssessmentState, state
from tests import factories
from tests.conftest import SMALL
from trial import actors, worker
from trial.actions import participants
from trial.models import Message, Participant

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
BY = actors.SYSTEM


def row(person: Participant, timepoint: str, instrument: str) -> Assessment:
    return Assessment.objects.get(participant=person, timepoint=timepoint, instrument=instrument)


def opened_and_closed(person: Participant) -> tuple[datetime, datetime]:
    schedule = Schedule.objects.get(participant=person, timepoint="week2")
    assert schedule.opens_at
    assert schedule.closes_at
    return schedule.opens_at, schedule.closes_at


def test_it_can_be_answered_from_its_opening_up_to_and_not_including_its_close(dan):
    opens_at, closes_at = opened_and_closed(dan)
    for moment, refused in (
        (opens_at - SECOND, AssessmentState.UPCOMING),
        (closes_at, AssessmentState.MISSED),
    ):
        with pytest.raises(assessments.NotOpenNow) as error:
            assessments.save_draft(
                assessment=row(dan, "week2", "PHQ4"), answers={"1": 1}, by=BY, at=moment
            )
        assert error.value.state == refused
    for moment, answer in ((opens_at, 1), (closes_at - SECOND, 2)):
        kept = assessments.save_draft(
            assessment=row(dan, "week2", "PHQ4"), answers={"1": answer}, by=BY, at=moment
        )
        assert kept.answers == {"1": answer}


def test_an_assessor_is_shown_what_is_open_from_its_first_second_to_its_last(study, dan):
    opens_at, closes_at = opened_and_closed(dan)

    def due(at: datetime) -> bool:
        return row(dan, "week2", "PHQ4") in reads.due_for_assessor([study.pk], at)

    assert [due(at) for at in (opens_at - SECOND, opens_at, closes_at - SECOND, closes_at)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (-SECOND, "missed"),
        (timedelta(0), "missed"),
        (SECOND, "withdrawn"),
    ],  # the window's end, seen from the leaving
)
def test_leaving_ends_what_is_open_and_not_what_was_missed_by_then(dan, until, expected):
    at = opened_and_closed(dan)[0] + timedelta(days=1)
    Assessment.objects.filter(participant=dan, timepoint="week2").update(closes_at=at + until)
    participants.withdraw(participant=dan, by=BY, at=at)
    assert state(row(dan, "week2", "PHQ4"), at + SECOND) == expected


def test_leaving_ends_what_has_no_date_yet_and_leaves_what_was_settled_as_it_was(study, now):
    eve = factories.a_consented_participant(study, now)
    handed_in = row(eve, "pre", "PHQ9")
    given = factories.answers_to(study, "PHQ9", 0)
    assessments.submit(assessment=handed_in, answers=given, language="en", by=BY, at=now)
    assessments.decline(assessment=row(eve, "pre", "GAD7"), by=BY, at=now)
    later = now + timedelta(days=1)
    Assessment.objects.create(
        study=eve.study,
        participant=eve,
        timepoint="post",
        instrument="PHQ9",
        position=0,
        version=1,
    )
    before = Assessment.objects.create(
        study=eve.study,
        participant=eve,
        timepoint="week2",
        instrument="PHQ4",
        position=0,
        version=1,
        withdrawn_at=now,
    )
    participants.withdraw(participant=eve, by=BY, at=later)
    found = {
        (r.timepoint, r.instrument): (state(r, later), r.withdrawn_at)
        for r in eve.assessments.all()
    }
    assert found == {
        ("pre", "PHQ9"): (AssessmentState.SUBMITTED, None),
        ("pre", "GAD7"): (AssessmentState.DECLINED, None),
        ("post", "PHQ9"): (AssessmentState.WITHDRAWN, later),
        ("week2", "PHQ4"): (AssessmentState.WITHDRAWN, before.withdrawn_at),
    }


def test_leaving_ends_the_schedules_that_are_not_closed(dan, now):
    at = now + timedelta(days=1)
    participants.withdraw(participant=dan, by=BY, at=at)
    ended = dict(Schedule.objects.filter(participant=dan).values_list("timepoint", "ended_at"))
    assert ended == {"pre": None, "week2": at, "post": at, "followup": at}


def test_the_reminder_goes_on_the_third_day_after_the_invitation_and_not_before(dan):
    """`remind_after: 3` in the small study's assessments.yaml."""
    opens_at, _closes_at = opened_and_closed(dan)
    morning = opens_at + timedelta(hours=5)

    def sent(kind: str) -> int:
        return Message.objects.filter(
            participant=dan, kind=kind, subject_ref="week2", state="sent"
        ).count()

    for at, invited, reminded in (
        (opens_at - SECOND, 0, 0),
        (morning, 1, 0),
        (morning + timedelta(days=2, hours=8), 1, 0),
        (morning + timedelta(days=3), 1, 1),
        (morning + timedelta(days=4), 1, 1),
    ):
        worker.tick(at)
        assert (sent("assessment_invitation"), sent("assessment_reminder")) == (
            invited,
            reminded,
        ), at


@pytest.mark.parametrize(
    ("before", "expected"), [(SECOND, "consented"), (timedelta(0), "withdrawn")]
)
def test_the_baseline_can_be_done_for_thirty_days(study, now, before, expected):
    eve = factories.a_consented_participant(study, now)
    worker.tick(now + timedelta(days=assessments.BASELINE_DAYS) - before)
    eve.refresh_from_db()
    assert eve.state == expected


def test_a_study_that_sends_no_invitations_sends_no_reminders_either(tmp_path, now):
    folder = tmp_path / "small_study"
    shutil.copytree(SMALL, folder)
    text = (folder / "assessments.yaml").read_text()
    (folder / "assessments.yaml").write_text(text.replace("invite: yes", "invite: no"))
    dan = factories.a_randomised_participant(factories.an_open_study(folder, now), now)
    assert Schedule.objects.filter(participant=dan).exists()
    assert not Message.objects.filter(kind__startswith="assessment").exists()


def test_of_somebody_who_is_not_randomised_nothing_that_hangs_on_the_arm_is_told(study, dan, now):
    plan = next(
        each
        for each in concealment.plans(
            definitions.assessments(study.current), study.current.protocol
        )
    )
    apart = dataclasses.replace(plan, is_dated_alike=False)
    given = {"withdrew_at": None, "timezone": "Europe/Amsterdam", "at": now + timedelta(days=400)}
    answered = row(dan, "pre", "PHQ9")
    assert concealment.outcome(answered, apart, randomised_at=None, **given) is None
    assert (
        concealment.outcome(answered, apart, randomised_at=now, **given)
        == AssessmentState.SUBMITTED
    )
    assert (
        concealment.outcome(answered, plan, randomised_at=None, **given)
        == AssessmentState.SUBMITTED
    )


def virtual_person(person: Participant, **known: object) -> SimpleNamespace:
    known = {"role": "participant", "code": person.code, "is_gone": False, "fits": False, **known}
    return SimpleNamespace(**known, now=lambda: Participant.objects.get(pk=person.pk))


def test_virtual_people_who_left_or_are_none_answer_nothing(dan, now):
    generator = np.random.default_rng(1)
    for nobody in ({"role": "coach"}, {"code": ""}, {"is_gone": True}):
        assert rehearsal.behave(virtual_person(dan, **nobody), now, generator) is None
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    assert rehearsal.behave(virtual_person(dan), now, generator) is None


def test_a_virtual_person_who_fits_no_criterion_is_turned_away_by_their_score(study, now):
    eva = factories.a_screening_participant(study, now)
    assert rehearsal.behave(virtual_person(eva), now, np.random.default_rng(1)) == now
    eva.refresh_from_db()
    assert (eva.state, eva.left_reason) == ("excluded", "mood")
    assert rehearsal.behave(virtual_person(eva), now, np.random.default_rng(1)) is None
