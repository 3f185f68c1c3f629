"""What a participant does with the lessons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import factories
from trial import actors
from trial.actions import participants, programme
from trial.models import AuditEvent, ExerciseAnswer, Milestone, ModuleUse, Participant, Study
from trial.queries import people
from trial.queries import programme as reads

pytestmark = pytest.mark.django_db


@pytest.fixture
def eve(study, now):
    return factories.a_participant_in(study, "unguided", now)


def do(action, person, module, at):
    return action(participant=person, module=module, by=actors.participant(person.code), at=at)


def test_the_first_lesson_is_open_at_once_and_the_next_a_week_after_it_was_begun_and_done(eve, now):
    do(programme.begin_module, eve, "welcome", now)
    with pytest.raises(programme.ModuleNotOpen):
        do(programme.begin_module, eve, "small-steps", now + timedelta(days=7))
    do(programme.finish_module, eve, "welcome", now + timedelta(days=1))
    with pytest.raises(programme.ModuleNotOpen):
        do(programme.begin_module, eve, "small-steps", now + timedelta(days=6))
    assert do(
        programme.begin_module, eve, "small-steps", now + timedelta(days=7)
    ).begun_at == now + timedelta(days=7)


def test_a_lesson_is_begun_before_it_is_done(eve, now):
    with pytest.raises(programme.NotBegun):
        do(programme.finish_module, eve, "welcome", now)
    assert ModuleUse.objects.count() == 0


def test_done_twice_is_done_once_and_the_last_lesson_finishes_the_programme(eve, now):
    for week, module in enumerate(("welcome", "small-steps", "looking-back")):
        at = now + timedelta(days=7 * week)
        do(programme.begin_module, eve, module, at)
        do(programme.finish_module, eve, module, at)
        do(programme.finish_module, eve, module, at + timedelta(hours=1))
    assert Milestone.objects.get(
        participant=eve, name="programme_finished"
    ).reached_at == now + timedelta(days=14)
    assert AuditEvent.objects.filter(action="module done").count() == 3


def test_the_newest_words_of_an_exercise_count_and_are_no_event(eve, now):
    do(programme.begin_module, eve, "welcome", now)
    events = AuditEvent.objects.count()
    for value in ("first", "second"):
        programme.save_exercise(
            participant=eve,
            module="welcome",
            exercise="hope",
            value=value,
            by=actors.participant(eve.code),
            at=now,
        )
    assert (reads.answers(eve, "welcome"), ExerciseAnswer.objects.count()) == (
        {"hope": "second"},
        1,
    )
    assert AuditEvent.objects.count() == events


def test_undone_while_the_next_was_not_begun(eve, now):
    do(programme.begin_module, eve, "welcome", now)
    do(programme.finish_module, eve, "welcome", now)
    assert do(programme.reopen_module, eve, "welcome", now).done_at is None
    do(programme.finish_module, eve, "welcome", now)
    do(programme.begin_module, eve, "small-steps", now + timedelta(days=7))
    with pytest.raises(programme.NotReopenable):
        do(programme.reopen_module, eve, "welcome", now + timedelta(days=7))


def test_the_last_lesson_is_not_undone_since_questions_hang_on_it(eve, now):
    for number, module in enumerate(eve.version.programme.modules):
        do(programme.begin_module, eve, module.code, now + timedelta(days=7 * number))
        do(programme.finish_module, eve, module.code, now + timedelta(days=7 * number))
    with pytest.raises(programme.NotReopenable):
        do(programme.reopen_module, eve, module.code, now + timedelta(days=60))


def test_whoever_left_the_study_has_no_lessons_any_more(eve, now):
    participants.withdraw(participant=eve, by=actors.participant(eve.code), at=now)
    eve.refresh_from_db()
    with pytest.raises(programme.ModuleNotOpen):
        do(programme.begin_module, eve, "welcome", now)


def test_stopping_the_programme_is_not_leaving_the_study(eve, now):
    by = actors.participant(eve.code)
    programme.stop_programme(participant=eve, reason="no_time", by=by, at=now)
    programme.stop_programme(participant=eve, reason="other", by=by, at=now + timedelta(days=1))
    eve.refresh_from_db()
    assert (eve.state, eve.programme_stopped_at) == ("randomised", now)
    assert AuditEvent.objects.filter(action="programme stopped").count() == 1


def test_a_lesson_is_begun_once_and_opened_again_is_used_again(eve, now):
    first = do(programme.begin_module, eve, "welcome", now)
    again = do(programme.begin_module, eve, "welcome", now + timedelta(days=2))
    assert (again.pk, again.begun_at, again.last_used_at) == (
        first.pk,
        now,
        now + timedelta(days=2),
    )
    assert do(
        programme.begin_module, eve, "welcome", now + timedelta(days=1)
    ).last_used_at == now + timedelta(days=2)
    assert AuditEvent.objects.filter(action="module begun").count() == 1


def test_a_lesson_that_is_not_done_is_not_undone(eve, now):
    do(programme.begin_module, eve, "welcome", now)
    assert do(programme.reopen_module, eve, "welcome", now + timedelta(days=1)).last_used_at == now
    assert AuditEvent.objects.filter(action="module reopened").count() == 0


def test_whoever_has_done_a_lesson_and_has_one_open_is_in_the_programme(study, eve, now):
    assert people.in_the_programme(study, now) is None
    do(programme.begin_module, eve, "welcome", now)
    do(programme.finish_module, eve, "welcome", now)
    assert people.in_the_programme(study, now + timedelta(days=6)) is None
    assert people.in_the_programme(study, now + timedelta(days=7)) == eve
    assert people.someone_in_the_programme(study, now + timedelta(days=7)) == eve.identity.email
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    assert people.someone_in_the_programme(study, now + timedelta(days=7)) is None


def test_a_rehearsal_knows_what_somebody_was_given_from_the_day_on_which_they_were(study, now):
    waiting = factories.a_consented_participant(study, now)
    assert (people.held(waiting), people.arm_by_grants(waiting)) == ({}, None)
    for arm in ("guided", "unguided"):
        person = factories.a_participant_in(study, arm, now)
        assert people.arm_by_grants(person) == arm
        assert people.held(person)["mornings"] == pytest.approx(0, abs=0.3)


def test_a_person_is_read_again_with_what_was_known_of_their_study(
    study, eve, django_assert_num_queries
):
    seen = people.now(eve.code, None)
    Participant.objects.filter(pk=eve.pk).update(language="nl")
    with django_assert_num_queries(1):
        again = people.now(eve.code, seen)
        assert (again.language, again.study, again.version, again.key) == (
            "nl",
            study,
            seen.version,
            seen.key,
        )
    bare = Participant.objects.get(pk=eve.pk)
    assert people.now(eve.code, bare).study == study
