"""What may be told of assessments without telling the arm.

A questionnaire that only some arms get, or that arms get at different times, gives the arm away by
being there or by its dates. In what is pooled, and of one person, the first kind is left out; of
the second kind nothing is told until it must be over in every arm, and then only what came of it,
without a date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from outcomes import schedules
from outcomes.schedules import AssessmentState
from outcomes.sections import Assessments
from outcomes.sections.assessments import Planned
from trial.anchors import Anchor
from trial.sections import Study

ALIKE = ("randomised", "granted", "date")
ANSWERED = (AssessmentState.SUBMITTED, AssessmentState.DECLINED)


@dataclass(frozen=True)
class Plan:
    """One instrument at one timepoint, over all arms.

    `is_shared`: every arm gets it. `is_dated_alike`: no date of it hangs on the arm or on what was
    done with the programme. `entries` are the lines of the schedules that ask it; none for the
    baseline.
    """

    timepoint: str
    instrument: str
    is_shared: bool
    is_dated_alike: bool
    entries: tuple[Planned, ...]

    def over_on(self, randomised_on: date) -> date:
        """The first day on which its window has passed in every arm."""
        return max((_over(entry, randomised_on) for entry in self.entries), default=randomised_on)


def outcome(
    row: schedules.Facts,
    plan: Plan,
    *,
    randomised_at: datetime | None,
    withdrew_at: datetime | None,
    timezone: str,
    at: datetime,
) -> AssessmentState | None:
    """What may be told of one assessment that every arm has; None while it is withheld.

    Where arms are asked at different times that is what came of it, once it is over in every arm.
    Withdrawing before that day ends it alike in every arm.
    """
    state = schedules.state(row, at)
    if plan.is_dated_alike:
        return state
    if randomised_at is None:
        return None
    zone = ZoneInfo(timezone)
    over_on = plan.over_on(randomised_at.astimezone(zone).date())
    if at.astimezone(zone).date() < over_on:
        return None
    if state in ANSWERED:
        return state
    left_before = withdrew_at is not None and withdrew_at.astimezone(zone).date() < over_on
    return AssessmentState.WITHDRAWN if left_before else AssessmentState.MISSED


def plans(assessments: Assessments, study: Study) -> list[Plan]:
    """Everything that is asked, in the order of the timepoints and instruments of the protocol."""
    baseline = assessments.baseline
    found = [Plan(baseline.timepoint, code, True, True, ()) for code in baseline.instruments]
    by_arm = {
        arm: {e.timepoint: e for e in assessments.planned(study, arm)} for arm in study.arm_codes
    }
    at_stages = [entry for code in _stage_arms(study) for entry in assessments.planned(study, code)]
    for timepoint in assessments.timepoint_codes:
        entries = {arm: given[timepoint] for arm, given in by_arm.items() if timepoint in given}
        later = [entry for entry in at_stages if entry.timepoint == timepoint]
        found += (
            _only_some(timepoint, later)
            if later
            else _at(timepoint, entries, by_arm, len(study.arm_codes))
        )
    order = {code: place for place, code in enumerate(assessments.timepoint_codes)}
    return sorted(found, key=lambda plan: order[plan.timepoint])


def _stage_arms(study: Study) -> list[str]:
    return [arm.code for stage in study.stages for arm in stage.arms]


def _only_some(timepoint: str, entries: list[Planned]) -> Iterator[Plan]:
    """What an arm of a stage brings is told of nobody: who is randomised again may tell the arm
    that they come from.
    """
    for code in dict.fromkeys(code for entry in entries for code in entry.instruments):
        yield Plan(
            timepoint,
            code,
            False,
            False,
            tuple(entry for entry in entries if code in entry.instruments),
        )


def _at(
    timepoint: str,
    entries: Mapping[str, Planned],
    by_arm: Mapping[str, Mapping[str, Planned]],
    arms: int,
) -> Iterator[Plan]:
    is_alike = len(entries) == arms and _is_dated_alike(timepoint, by_arm)
    asked = dict.fromkeys(code for entry in entries.values() for code in entry.instruments)
    for code in asked:
        asking = tuple(entry for entry in entries.values() if code in entry.instruments)
        yield Plan(timepoint, code, len(asking) == arms, is_alike, asking)


def _is_dated_alike(timepoint: str, by_arm: Mapping[str, Mapping[str, Planned]]) -> bool:
    """The same opening in every arm, on an anchor that is itself the same in every arm."""
    entries = [given.get(timepoint) for given in by_arm.values()]
    first = entries[0]
    if first is None or any(
        entry is None or _opening(entry) != _opening(first) for entry in entries
    ):
        return False
    anchor = Anchor.parse(first.anchor)
    if anchor.timepoint:
        return _is_dated_alike(anchor.timepoint, by_arm)
    return anchor.kind in ALIKE


def _opening(entry: Planned) -> tuple[object, ...]:
    return entry.anchor, entry.days, entry.on, entry.not_before, entry.at_the_latest, entry.window


def _over(entry: Planned, randomised_on: date) -> date:
    latest = entry.at_the_latest if entry.at_the_latest is not None else entry.days
    start = (
        entry.on + timedelta(days=entry.days)
        if entry.on
        else randomised_on + timedelta(days=latest)
    )
    return start + timedelta(days=entry.window + 1)
