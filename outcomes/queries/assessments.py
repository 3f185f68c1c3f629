"""Reads of assessments. None of them looks at a grant or an arm."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from outcomes import schedules
from outcomes.models import NOT_ENDED, Assessment, Schedule
from outcomes.queries import concealment, definitions
from outcomes.schedules import AssessmentState
from trial.actors import Actor
from trial.models import Participant, ProtocolVersion, Study
from trial.prepared import prepared
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
    return _sittings(participant, of_person(participant.pk))


def _sittings(participant: Participant, found: Iterable[Assessment]) -> list[Sitting]:
    described = {
        each.code: each for each in definitions.assessments(participant.version).timepoints
    }
    rows: dict[str, list[Assessment]] = {}
    for row in found:
        rows.setdefault(row.timepoint, []).append(row)
    return [
        Sitting(code, dict(each.asked_as or each.label), each.minutes, tuple(rows[code]))
        for code, each in described.items()
        if code in rows
    ]


@prepared
def of_person(person: int) -> QuerySet[Assessment]:
    """Every row of a person, in the order in which it is asked."""
    return Assessment.objects.filter(participant=person).order_by("position")


def sitting(participant: Participant, timepoint: str) -> Sitting | None:
    return next(iter(_sittings(participant, _at_timepoint(participant.pk, timepoint))), None)


@prepared
def _at_timepoint(person: int, timepoint: str) -> QuerySet[Assessment]:
    return Assessment.objects.filter(participant=person, timepoint=timepoint).order_by("position")


def unclosed(participant: Participant) -> list[Schedule]:
    """Schedules that are neither closed nor ended, each with this person in hand."""
    found = _unclosed(participant.pk)
    for schedule in found:
        schedule.participant = participant
    return found


@prepared
def _unclosed(person: int) -> QuerySet[Schedule]:
    return Schedule.objects.filter(
        participant=person, closed_at__isnull=True, ended_at__isnull=True
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


def due_for_assessor(study_ids: Collection[int], at: datetime) -> QuerySet[Assessment]:
    """What an assessor may enter now in these studies, by study, what closes first: no opening, no
    history, no arm.

    A timepoint that only some arms have, or that opens by what an arm was given, would tell the arm
    by being due: it is left out, and participants answer those themselves. Of what is left even the
    last day is the same in every arm.
    """
    versions = ProtocolVersion.objects.filter(study__in=study_ids)
    return (
        Assessment.objects.filter(
            _is_told(versions),
            NOT_ENDED,
            study__in=study_ids,
            participant__state__in=("consented", "randomised", "completed"),
            opens_at__lte=at,
            closes_at__gt=at,
        )
        .select_related("participant__study")
        # A version holds a whole study folder: read once for all rows of a page.
        .prefetch_related("participant__version")
        # By study only where there are several: of one, the index has them in order.
        .order_by(
            *(["study__slug"] if len(study_ids) > 1 else []),
            *("closes_at", "participant__code", "timepoint", "position"),
        )
    )


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
    due = due_for_assessor([study.pk], at).filter(
        participant__code=code, timepoint=timepoint, instrument=instrument
    )
    return due.first()


def last_day(row: Assessment) -> date | None:
    """The last day on which it can be answered, as the study counts days."""
    zone = ZoneInfo(row.participant.version.protocol.timezone)
    return row.closes_at.astimezone(zone).date() if row.closes_at else None


def _is_told(versions: Iterable[ProtocolVersion]) -> Q:
    """Whether an assessment is one that every arm gets at the same time, by the version of its
    person.
    """
    told: dict[tuple[str, str], list[int]] = {}
    for version in versions:
        for plan in concealment.plans(definitions.assessments(version), version.protocol):
            if plan.is_shared and plan.is_dated_alike:
                told.setdefault((plan.timepoint, plan.instrument), []).append(version.pk)
    found = Q(pk__in=())
    for (timepoint, instrument), among in told.items():
        found |= Q(timepoint=timepoint, instrument=instrument, participant__version__in=among)
    return found
