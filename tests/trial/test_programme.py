"""What a participant does with the lessons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import factories
from trial import actors
from trial.actions import participants, programme
from trial.models import AuditEvent, ExerciseAnswer, Milestone, ModuleUse
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
    assert do(programme.begin_module, eve, "small-steps", now + timedelta(days=7)).begun_at == now + timedelta(days=7)


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
    assert Milestone.objects.get(participant=eve, name="programme_finished").reached_at == now + timedelta(days=14)
    assert AuditEvent.objects.filter(action="module done").count() == 3


def test_the_newest_words_of_an_exercise_count_and_are_no_event(eve, now):
    do(programme.begin_module, eve, "welcome", now)
    events = AuditEvent.objects.count()
    for value in ("first", "second"):
        programme.save_exercise(
            participant=eve, module="welcome", exercise="e", value=value, by=actors.participant(eve.code), at=now
        )
    assert (reads.answers(eve, "welcome"), ExerciseAnswer.objects.count()) == ({"e": "second"}, 1)
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
