"""What a participant does with the programme."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from trial import audit, rows
from trial.actions import exercises, grants
from trial.actions.once import once
from trial.actions.participants import check_code
from trial.actors import Actor
from trial.models import ExerciseAnswer, ModuleUse, Participant
from trial.prepared import prepared
from trial.queries import programme as reads


class ModuleNotOpen(Exception):
    """The module is not open to this participant now (no access, or its day has not come)."""


class UnknownExercise(Exception):
    """The module has no such exercise."""


class NotBegun(Exception):
    """A module is begun before it can be done."""


class NotReopenable(Exception):
    """The next lesson was begun, or the programme is finished and what waits for that is on its
    way.
    """


@once
def begin_module(*, participant: Participant, module: str, by: Actor, at: datetime) -> ModuleUse:
    state = _check_open(participant, module, at)
    if state.begun_at:
        _touch(participant, module, at)
        return ModuleUse.objects.get(participant=participant, module=module)
    use = ModuleUse(participant=participant, module=module, begun_at=at, last_used_at=at)
    if not rows.insert(use, unless=("participant_id", "module")):  # by another request, just now
        return ModuleUse.objects.get(participant=participant, module=module)
    audit.record(participant, "module begun", subject=module, by=by, at=at)
    return use


@once
def save_exercise(
    *, participant: Participant, module: str, exercise: str, value: Any, by: Actor, at: datetime
) -> ExerciseAnswer:
    """Autosave: the newest value counts. Not an audit event; that the module was used is kept.

    Raises UnknownExercise, and NotAccepted for what is no value of it.
    """
    state = _check_open(participant, module, at)
    block = reads.exercise(participant, module, exercise)
    if block is None:
        raise UnknownExercise(exercise)
    # A part of a plan that does not come along stays; of any other exercise nothing is looked up.
    before = reads.answers(participant, module) if block.exercise == "plan" else {}
    value = exercises.accepted(block, value, before.get(exercise))
    if state.begun_at is None:
        begin_module(participant=participant, module=module, by=by, at=at)
    elif state.last_used_at is None or state.last_used_at < at:
        _touch(participant, module, at)
    new = {"value_sealed": participant.sealed(json.dumps(value)), "saved_at": at}
    made = ExerciseAnswer(participant=participant, module=module, exercise=exercise, **new)
    which = {"participant_id": participant.pk, "module": module, "exercise": exercise}
    is_kept = rows.update(ExerciseAnswer, which, **new) or rows.insert(made, unless=tuple(which))
    if not is_kept:  # made by another request, just now
        rows.update(ExerciseAnswer, which, **new)
    return _answered.one(participant.pk, module, exercise)


@prepared
def _answered(person: int, module: str, exercise: str) -> QuerySet[ExerciseAnswer]:
    return ExerciseAnswer.objects.filter(participant=person, module=module, exercise=exercise)


@once
def finish_module(*, participant: Participant, module: str, by: Actor, at: datetime) -> ModuleUse:
    """Mark a module done; the last one finishes the programme. Doing it twice changes nothing."""
    _check_open(participant, module, at)
    use = _used.first(participant.pk, module)
    if use is None:
        raise NotBegun
    if use.done_at is None:
        use.done_at = use.last_used_at = at
        use.save(update_fields=["done_at", "last_used_at"])
        audit.record(participant, "module done", subject=module, by=by, at=at)
    if _is_finished(participant):
        grants.finish_programme(participant=participant, by=by, at=at)
    return use


@prepared
def _used(person: int, module: str) -> QuerySet[ModuleUse]:
    return ModuleUse.objects.select_for_update().filter(participant=person, module=module)


@once
def reopen_module(*, participant: Participant, module: str, by: Actor, at: datetime) -> ModuleUse:
    """The undo of `finish_module`, while the next module has not been begun and the programme is
    not finished.

    Raises NotReopenable. A module that is not done stays as it is.
    """
    use = ModuleUse.objects.select_for_update().get(participant=participant, module=module)
    if use.done_at is None:
        return use
    if reads.is_after_begun(participant, module) or _is_finished(participant):
        raise NotReopenable(module)
    use.done_at, use.last_used_at = None, at
    use.save(update_fields=["done_at", "last_used_at"])
    audit.record(participant, "module reopened", subject=module, by=by, at=at)
    return use


@once
def stop_programme(
    *, participant: Participant, reason: str = "", by: Actor, at: datetime
) -> Participant:
    """Stop with the lessons and stay in the study: questionnaires still come."""
    check_code(reason)
    if participant.programme_stopped_at is None:
        participant.programme_stopped_at = at
        participant.save(update_fields=["programme_stopped_at"])
        audit.record(
            participant, "programme stopped", subject=participant.code, reason=reason, by=by, at=at
        )
    return participant


def _check_open(participant: Participant, module: str, at: datetime) -> reads.ModuleState:
    if participant.state != "withdrawn":
        for state in reads.modules(participant):
            if state.code == module and state.is_open(at):
                return state
    raise ModuleNotOpen(module)


def _is_finished(participant: Participant) -> bool:
    return reads.done_count(participant) == len(participant.version.programme.modules)


def _touch(participant: Participant, module: str, at: datetime) -> None:
    ModuleUse.objects.filter(participant=participant, module=module, last_used_at__lt=at).update(
        last_used_at=at
    )
