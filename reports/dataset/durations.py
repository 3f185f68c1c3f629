"""Two clocks for each person (Eysenbach 2005): how long they stay in the study, how long they use
the programme.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.thresholds import at_most

if TYPE_CHECKING:
    from .rows import Participant
    from .snapshot import Dataset


@dataclass(frozen=True)
class Duration:
    """`ended`: left or stopped at `time`; otherwise last known to be there at `time`."""

    time: float
    ended: bool


def retention(data: "Dataset") -> dict[str, Duration]:
    """From randomisation to leaving the study.

    Who withdrew left then. Otherwise a person has left on the day on which the first time point
    opened to them from which on nothing was answered. Whoever answered at the last one that was due
    is known to be there until it had opened to everybody in the arm: with any earlier day, those to
    whom it opened late, who more often leave, would be compared with ever fewer people who had
    already done it.
    """
    answered, due = _visits(data)
    return {
        person.code: _stay(data, person, due.get(person.code, {}), answered.get(person.code, set()))
        for person in data.participants
    }


def opened_days(data: "Dataset") -> dict[tuple[str, str], list[float]]:
    """By (group, time point) the day on which it opened to each person, in order; nobody whose day
    is not told.
    """
    group_of = {person.code: data.group_of(person) for person in data.participants}
    rows = [
        row
        for row in data.scores
        if row.timepoint != data.baseline and row.state not in ("pending", "withdrawn")
    ]
    days = {(row.participant, row.timepoint): row.opened_at for row in rows}
    found: dict[tuple[str, str], list[float]] = {}
    for (participant, timepoint), day in days.items():
        if day is not None:
            found.setdefault((group_of[participant], timepoint), []).append(day)
    return {key: sorted(told) for key, told in found.items()}


def _visits(data: "Dataset") -> tuple[dict[str, set[str]], dict[str, dict[str, float | None]]]:
    """By person the time points that were answered, and those that were due with the day on which
    they opened.
    """
    answered: dict[str, set[str]] = {}
    due: dict[str, dict[str, float | None]] = {}
    for row in data.scores:
        if row.state != "pending":
            due.setdefault(row.participant, {})[row.timepoint] = row.opened_at
        if row.state == "answered":
            answered.setdefault(row.participant, set()).add(row.timepoint)
    return answered, due


def _stay(
    data: "Dataset", person: "Participant", due: Mapping[str, float | None], answered: set[str]
) -> Duration:
    if person.study_left_at is not None:
        return Duration(person.study_left_at, True)
    visits = [
        point.code for point in data.timepoints if point.code in due and point.code != data.baseline
    ]
    last = max((i for i, code in enumerate(visits) if code in answered), default=-1)
    if last + 1 < len(visits):
        missed = visits[last + 1]
        own = due[missed]
        return Duration(data.day_of(data.group_of(person), missed) if own is None else own, True)
    return Duration(data.last_day_of(data.group_of(person), visits[-1]) if visits else 0.0, False)


def use(data: "Dataset") -> Mapping[str, Duration] | None:
    """From being given the programme to its last use.

    Whoever finished it, or used it within `idle_after` of the last day known, has not stopped;
    whoever never used it stopped at once.
    """
    if data.usage is None or data.idle_after is None:
        return None
    return {row.participant: _use(row, data.idle_after) for row in data.usage}


def _use(row, idle_after: float) -> Duration:
    if row.completed_at is not None:
        return Duration(max(0.0, row.completed_at - row.access_at), False)
    last = row.last_use_at if row.last_use_at is not None else row.access_at
    until = row.observed_until
    recent = until is not None and at_most(until - last, idle_after, until, last)
    return Duration(max(0.0, last - row.access_at), not recent)
