"""Reads of assessments. None of them looks at a grant or an arm."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from outcomes import schedules
from outcomes.models import Assessment, Schedule
from outcomes.queries import concealment, definitions
from outcomes.schedules import AssessmentState
from trial.actors import Actor
from trial.models import Participant, ProtocolVersion, Study
from trial.queries.repeats import is_repeat

SETTLED = {
    AssessmentState.SUBMITTED,
    AssessmentState.DECLINED,
    AssessmentState.MISSED,
    AssessmentState.WITHDRAWN,
}


@dataclass(frozen=True)
class Sitting:
    """All questionnaires of one person at one timepoint."""

    timepoint: str
    label: dict[str, str]
    minutes: int
    rows: tuple[Assessment, ...]

    @property
    def opens_at(self) -> datetime | None:
        return self.rows[0].opens_at

    @property
    def closes_at(self) -> datetime | None:
        return self.rows[0].closes_at

    def state(self, at: datetime) -> AssessmentState:
        """The state of the sitting: the first row that is not settled decides; all settled: the
        last row's.
        """
        states = [schedules.state(row, at) for row in self.rows]
        return next((state for state in states if state not in SETTLED), states[-1])

    def remaining(self, at: datetime) -> list[Assessment]:
        """Rows that can be answered now, in order."""
        answerable = {AssessmentState.OPEN, AssessmentState.STARTED}
        return [row for row in self.rows if schedules.state(row, at) in answerable]


def sittings(participant: Participant) -> list[Sitting]:
    """Every timepoint that a participant has, in the order of the protocol."""
    described = {
        each.code: each for each in definitions.assessments(participant.version).timepoints
    }
    rows: dict[str, list[Assessment]] = {}
    for row in Assessment.objects.filter(participant=participant).order_by("position"):
        rows.setdefault(row.timepoint, []).append(row)
    return [
        Sitting(code, dict(each.asked_as or each.label), each.minutes, tuple(rows[code]))
        for code, each in described.items()
        if code in rows
    ]


def sitting(participant: Participant, timepoint: str) -> Sitting | None:
    return next((each for each in sittings(participant) if each.timepoint == timepoint), None)


def unclosed(participant: Participant) -> list[Schedule]:
    """Schedules that are neither closed nor ended."""
    return list(
        Schedule.objects.filter(
            participant=participant, closed_at__isnull=True, ended_at__isnull=True
        )
    )


def closes_at(participant: Participant, timepoint: str) -> datetime | None:
    """When the window of a timepoint ends, if that is known."""
    found = Schedule.objects.filter(participant=participant, timepoint=timepoint)
    return found.values_list("closes_at", flat=True).first()


def is_baseline_complete(participant: Participant) -> bool:
    """Every baseline questionnaire is submitted or declined."""
    baseline = definitions.assessments(participant.version).baseline
    rows = Assessment.objects.filter(participant=participant, timepoint=baseline.timepoint)
    states = list(rows.values_list("submitted_at", "declined_at"))
    return bool(states) and all(submitted or declined for submitted, declined in states)


def missing_baseline_questions(participant: Participant) -> list[str]:
    baseline = definitions.assessments(participant.version).baseline
    return [code for code in baseline.questions if code not in participant.answers]


def due_for_assessor(study_ids: Collection[int], at: datetime) -> list[Assessment]:
    """What an assessor may enter now in these studies: no opening, no history, no arm. Two queries,
    however many people.

    A timepoint that only some arms have, or that opens by what an arm was given, would tell the arm
    by being due: it is left out, and participants answer those themselves. Of what is left even the
    last day is the same in every arm.
    """
    rows = Assessment.objects.filter(
        participant__study__in=study_ids,
        participant__state__in=("consented", "randomised", "completed"),
        opens_at__lte=at,
        closes_at__gt=at,
        submitted_at__isnull=True,
        declined_at__isnull=True,
        withdrawn_at__isnull=True,
    )
    found = rows.select_related("participant__study").order_by(
        "participant__code", "timepoint", "position"
    )
    versions = ProtocolVersion.objects.in_bulk({row.participant.version_id for row in found})
    telling_nothing = {pk: _tells_nothing(version) for pk, version in versions.items()}
    for row in found:
        row.participant.version = versions[row.participant.version_id]
    return [
        row
        for row in found
        if (row.timepoint, row.instrument) in telling_nothing[row.participant.version_id]
    ]


def for_entry(
    study: Study,
    code: str,
    timepoint: str,
    instrument: str,
    *,
    by: Actor,
    key: str | None,
    at: datetime,
) -> Assessment | None:
    """The row that an assessor may hand in now, or that this very request handed in before.

    Whatever else there is does not exist here: whether it is answered, missed or never planned is
    not told.
    """
    if is_repeat("outcomes.assessments.submit", by, key):
        rows = Assessment.objects.filter(participant__study=study, participant__code=code)
        rows = rows.select_related("participant__version", "participant__study")
        return rows.filter(timepoint=timepoint, instrument=instrument).first()
    wanted = (code, timepoint, instrument)
    due = due_for_assessor([study.pk], at)
    return next(
        (row for row in due if (row.participant.code, row.timepoint, row.instrument) == wanted),
        None,
    )


def last_day(row: Assessment) -> date | None:
    """The last day on which it can be answered, as the study counts days."""
    zone = ZoneInfo(row.participant.version.protocol.timezone)
    return row.closes_at.astimezone(zone).date() if row.closes_at else None


def _tells_nothing(version: ProtocolVersion) -> set[tuple[str, str]]:
    """Timepoint and instrument of everything that every arm gets at the same time."""
    plans = concealment.plans(definitions.assessments(version), version.protocol)
    return {
        (plan.timepoint, plan.instrument)
        for plan in plans
        if plan.is_shared and plan.is_dated_alike
    }
