"""Programme access: knows grants, not arms."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from trial import anchors, sections
from trial.grants import Grant
from trial.languages import in_language
from trial.models import ExerciseAnswer, Milestone, ModuleUse, Participant, Study
from trial.prepared import prepared
from trial.sections.programme import Block


@dataclass(frozen=True)
class ModuleState:
    """A module as its participant meets it. `opens_at` is None while it waits for the one before.

    While the programme waits for its day, the first module has `expected_at`; with `is_latest` it
    may open sooner.
    """

    code: str
    number: int
    title: str
    component: str
    minutes: int
    opens_at: datetime | None
    begun_at: datetime | None
    done_at: datetime | None
    last_used_at: datetime | None = None
    expected_at: datetime | None = None
    is_latest: bool = False

    def is_open(self, at: datetime) -> bool:
        return self.opens_at is not None and self.opens_at <= at


def access(participant: Participant) -> Grant | None:
    """The grant of the programme, open or not yet."""
    return _granted.first(participant.pk)


@prepared
def _granted(person: int) -> QuerySet[Grant]:
    found = Grant.objects.filter(participant=person, kind="programme", ended_at__isnull=True)
    return found.order_by("pk")[:1]


def opened(study: Study, at: datetime) -> QuerySet[Grant]:
    """Every programme grant of a study that has opened by `at`. It reveals the arm: for reports by
    arm alone.
    """
    return Grant.objects.filter(participant__study=study, kind="programme", opens_at__lte=at)


def modules(participant: Participant) -> list[ModuleState]:
    """Every module in order with its pacing worked out; empty without access."""
    grant = access(participant)
    if grant is None:
        return []
    states = _states(participant, grant.opens_at)
    return states if grant.opens_at else [_awaited(states[0], participant, grant), *states[1:]]


def _awaited(first: ModuleState, participant: Participant, grant: Grant) -> ModuleState:
    """The first module of a programme that has not opened, with its day as far as it is known."""
    opening = anchors.Opening.of(sections.Opening.model_validate(grant.opens))
    events = dict(
        Milestone.objects.filter(participant=participant).values_list("name", "reached_at")
    )
    expected_at = anchors.when(
        opening,
        randomised_at=participant.randomised_at or grant.granted_at,
        granted_at=grant.granted_at,
        events=events,
        timezone=participant.version.protocol.timezone,
    )
    is_latest = opening.anchor.is_event and str(opening.anchor) not in events
    return replace(first, expected_at=expected_at, is_latest=is_latest)


def _states(participant: Participant, opens_at: datetime | None) -> list[ModuleState]:
    programme = participant.version.programme
    uses = _uses(participant) if opens_at else {}  # nothing is begun before it opens
    result: list[ModuleState] = []
    for number, module in enumerate(programme.modules, 1):
        begun_at, done_at, last_used_at = uses.get(module.code, (None, None, None))
        state = ModuleState(
            code=module.code,
            number=number,
            title=in_language(module.title, participant.language),
            component=module.component,
            minutes=module.minutes,
            opens_at=opens_at,
            begun_at=begun_at,
            done_at=done_at,
            last_used_at=last_used_at,
        )
        result.append(state)
        opens_at = _next_opening(state, programme.pacing, participant)
    return result


def _uses(participant: Participant) -> dict[str, tuple[datetime, datetime | None, datetime]]:
    return {
        module: (begun_at, done_at, last_used_at)
        for module, begun_at, done_at, last_used_at in _used(participant.pk)
    }


def done_count(participant: Participant) -> int:
    """How many modules are done."""
    return sum(done_at is not None for _, done_at, _ in _uses(participant).values())


@prepared
def _used(
    person: int,
) -> QuerySet[ModuleUse, tuple[str, datetime, datetime | None, datetime]]:
    return ModuleUse.objects.filter(participant=person).values_list(
        "module", "begun_at", "done_at", "last_used_at"
    )


def _next_opening(before: ModuleState, pacing: Any, participant: Participant) -> datetime | None:
    """The following module opens `pacing.days` after this one was begun, at the start of that day,
    once this one is done.
    """
    if (
        before.opens_at is None
        or before.begun_at is None
        or (pacing.needs_previous and before.done_at is None)
    ):
        return None
    zone = ZoneInfo(
        participant.zone_at(before.begun_at)
    )  # who travels on finds no lesson shut again
    day = before.begun_at.astimezone(zone).date() + timedelta(days=pacing.days)
    paced = datetime(day.year, day.month, day.day, tzinfo=zone)
    return max(paced, before.done_at) if pacing.needs_previous and before.done_at else paced


def exercise(participant: Participant, module: str, code: str) -> Block | None:
    """One exercise of a module, in the participant's language."""
    found = next(
        (each for each in participant.version.programme.modules if each.code == module), None
    )
    blocks = found.blocks[participant.language] if found else ()
    return next(
        (block for block in blocks if block.kind == "exercise" and block.code == code), None
    )


def is_after_begun(participant: Participant, module: str) -> bool:
    """Whether a later module has been begun."""
    order = [each.code for each in participant.version.programme.modules]
    later = order[order.index(module) + 1 :]
    return ModuleUse.objects.filter(participant=participant, module__in=later).exists()


def answers(participant: Participant, module: str) -> dict[str, Any]:
    """What the participant wrote in the exercises of a module, by exercise code."""
    return {row.exercise: written(row) for row in _written(participant.pk, module)}


@prepared
def _written(person: int, module: str) -> QuerySet[ExerciseAnswer]:
    found = ExerciseAnswer.objects.filter(participant=person, module=module)
    return found.select_related("participant__key")


def written(answer: ExerciseAnswer) -> Any:
    """What somebody wrote in one exercise."""
    return json.loads(answer.participant.unsealed(answer.value_sealed))
