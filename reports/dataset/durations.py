"""Two clocks for each person (Eysenbach 2005): how long they stay in the study, how long they use the programme."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .snapshot import Dataset


@dataclass(frozen=True)
class Duration:
    """`ended`: left or stopped at `time`; otherwise last known to be there at `time`."""

    time: float
    ended: bool


def retention(data: "Dataset") -> dict[str, Duration]:
    """From randomisation to leaving the study.

    Who withdrew left then. Otherwise a person has left at the first planned time point from which on nothing was
    answered, and is otherwise known to be there until the last time point that was due.
    """
    answered, due = _visits(data)
    planned = [(point.code, point.at) for point in data.timepoints if point.code != data.baseline]
    return {
        person.code: _stay(person.study_left_at, planned, answered.get(person.code, set()), due.get(person.code, set()))
        for person in data.participants
    }


def _visits(data: "Dataset") -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    answered: dict[str, set[str]] = {}
    due: dict[str, set[str]] = {}
    for row in data.scores:
        if row.state != "pending":
            due.setdefault(row.participant, set()).add(row.timepoint)
        if row.state == "answered":
            answered.setdefault(row.participant, set()).add(row.timepoint)
    return answered, due


def _stay(left_at: float | None, planned: list[tuple[str, float]], answered: set[str], due: set[str]) -> Duration:
    if left_at is not None:
        return Duration(left_at, True)
    visits = [(code, at) for code, at in planned if code in due]
    last = max((i for i, (code, _) in enumerate(visits) if code in answered), default=-1)
    if last + 1 < len(visits):
        return Duration(visits[last + 1][1], True)
    return Duration(visits[-1][1] if visits else 0.0, False)


def use(data: "Dataset") -> Mapping[str, Duration] | None:
    """From being given the programme to its last use.

    Whoever finished it, or used it within `idle_after` of the last day known, has not stopped; whoever never used it
    stopped at once.
    """
    if data.usage is None:
        return None
    return {row.participant: _use(row, data.idle_after) for row in data.usage}


def _use(row, idle_after: float) -> Duration:
    if row.completed_at is not None:
        return Duration(max(0.0, row.completed_at - row.access_at), False)
    last = row.last_use_at if row.last_use_at is not None else row.access_at
    recent = row.observed_until is not None and row.observed_until - last <= idle_after
    return Duration(max(0.0, last - row.access_at), not recent)
