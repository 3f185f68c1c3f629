"""Programme access: knows grants, not arms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from trial.grants import Grant
from trial.models import ExerciseAnswer, ModuleUse, Participant, Study


@dataclass(frozen=True)
class ModuleState:
    """A module as its participant meets it. `opens_at` is None while it waits for the one before."""

    code: str
    number: int
    title: str
    component: str
    minutes: int
    opens_at: datetime | None
    begun_at: datetime | None
    done_at: datetime | None
    last_used_at: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        return self.opens_at is not None and self.opens_at <= at


def access(participant: Participant) -> Grant | None:
    """The grant of the programme, open or not yet."""
    return Grant.objects.filter(participant=participant, kind="programme", ended_at__isnull=True).order_by("pk").first()


def has_programme(participant: Participant, at: datetime) -> bool:
    grant = access(participant)
    return grant is not None and grant.opens_at is not None and grant.opens_at <= at


def opened(study: Study, at: datetime) -> list[Grant]:
    """Every programme grant of a study that has opened by `at`. It reveals the arm: for reports by arm alone."""
    return list(Grant.objects.filter(participant__study=study, kind="programme", opens_at__lte=at))


def modules(participant: Participant) -> list[ModuleState]:
    """Every module in order with its pacing worked out; empty without access."""
    granted = Grant.objects.filter(participant=participant, kind="programme", ended_at__isnull=True)
    openings = list(granted.order_by("pk").values_list("opens_at", flat=True)[:1])
    if not openings:
        return []
    programme = participant.version.programme
    rows = ModuleUse.objects.filter(participant=participant).values_list(
        "module", "begun_at", "done_at", "last_used_at"
    )
    uses = {module: (begun_at, done_at, last_used_at) for module, begun_at, done_at, last_used_at in rows}
    result: list[ModuleState] = []
    opens_at = openings[0]
    for number, module in enumerate(programme.modules, 1):
        begun_at, done_at, last_used_at = uses.get(module.code, (None, None, None))
        state = ModuleState(
            code=module.code,
            number=number,
            title=module.title.get(participant.language) or next(iter(module.title.values())),
            component=module.component,
            minutes=module.minutes,
            opens_at=opens_at,
            begun_at=begun_at,
            done_at=done_at,
            last_used_at=last_used_at,
        )
        result.append(state)
        opens_at = _next_opening(state, programme.pacing, participant.timezone)
    return result


def _next_opening(before: ModuleState, pacing: Any, timezone: str) -> datetime | None:
    """The following module opens `pacing.days` after this one was begun, at the start of that day, once this one is done."""
    if before.opens_at is None or before.begun_at is None or (pacing.needs_previous and before.done_at is None):
        return None
    day = before.begun_at.astimezone(ZoneInfo(timezone)).date() + timedelta(days=pacing.days)
    paced = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    return max(paced, before.done_at) if pacing.needs_previous and before.done_at else paced


def is_open(participant: Participant, module: str, at: datetime) -> bool:
    return any(state.code == module and state.is_open(at) for state in modules(participant))


def is_after_begun(participant: Participant, module: str) -> bool:
    """Whether a later module has been begun."""
    order = [each.code for each in participant.version.programme.modules]
    later = order[order.index(module) + 1 :]
    return ModuleUse.objects.filter(participant=participant, module__in=later).exists()


def answers(participant: Participant, module: str) -> dict[str, Any]:
    """What the participant wrote in the exercises of a module, by exercise code."""
    rows = ExerciseAnswer.objects.filter(participant=participant, module=module)
    return {row.exercise: json.loads(participant.unsealed(row.value_sealed)) for row in rows}
