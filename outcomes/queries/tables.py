"""Assessments, scores and answers as tables; in what is pooled, nothing that would tell an arm (see
`concealment`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, QuerySet, Subquery

from outcomes import schedules
from outcomes.models import Assessment
from outcomes.queries import concealment, definitions
from outcomes.queries.concealment import Plan, plans
from outcomes.schedules import AssessmentState
from outcomes.sections import Assessments
from trial.anchors import Anchor
from trial.entries import Column, Table
from trial.languages import in_language
from trial.models import Consent, Participant, ProtocolVersion, Study
from trial.queries.tables import in_batches

STATES = {state.value: state.value for state in AssessmentState} | {
    "withheld": "not told yet: its dates depend on the arm, and it is not yet over in every arm"
}
# Without the columns that hold most of an assessment.
WITHOUT_ANSWERS = Assessment.objects.defer("answers", "item_states")
KEY = (
    Column("participant", "Study code of the participant"),
    Column("timepoint", "Code of the time point", "code"),
    Column("instrument", "Questionnaire", "code"),
)
AS_DATED = "as submitted_on"
DATED = "empty: no date yet, or pooled and dated by the arm"
ASSESSMENTS = (
    *KEY,
    Column("opens_on", "First day it can be answered", "date", missing=DATED),
    Column("closes_on", "Last day it can be answered", "date", missing=DATED),
    Column("state", "What became of it by the day of the export", "code", values=STATES),
    Column(
        "submitted_on",
        "Day it was handed in",
        "date",
        missing="empty: not handed in, or pooled and dated by the arm",
    ),
    Column(
        "days",
        "Days from randomisation to handing in",
        "integer",
        unit="day",
        missing=AS_DATED,
    ),
    Column(
        "score",
        "Total score",
        "number",
        unit="points",
        missing="empty: no answers, or too few for a score",
    ),
    Column("prorated", "Blank items were replaced by the mean of the others", "boolean"),
    Column("language", "Language it was answered in", "code"),
    Column("mode", "How it was answered", "code"),
    Column(
        "protocol_version", "Number of the version it was asked by", "integer", missing=AS_DATED
    ),
    Column(
        "consent_version", "Version of the consent signed last before", "text", missing=AS_DATED
    ),
    Column(
        "wording",
        "Which wording: the first 12 digits of the SHA-256 of its texts",
        "text",
        missing=AS_DATED,
    ),
)
SCORES = (
    *KEY,
    Column("score", "Code of the score: the questionnaire's own or a nested one", "code"),
    Column("value", "Score", "number", unit="points"),
)
ANSWERS = (
    *KEY,
    Column("item", "Code of the item", "code"),
    Column("value", "Answer as chosen", "integer", missing="empty: see state"),
    Column(
        "state",
        "answered, or why there is no answer",
        "code",
        values={"not_answered": "left blank"} | STATES,
    ),
)
TIMEPOINTS = (
    Column("timepoint", "Code of the time point", "code"),
    Column("label", "Name of the time point"),
    Column("day", "Earliest planned day since randomisation, over the arms", "integer", unit="day"),
    Column("is_baseline", "Asked before randomisation", "boolean"),
    Column("dated_alike", "Its dates are the same in every arm", "boolean"),
)
INSTRUMENTS = (
    Column("instrument", "Code", "code"),
    Column("title", "Title"),
    Column("direction", "Whether a high score is worse or better", "code"),
    Column("lowest", "Lowest possible score", "integer", unit="points"),
    Column("highest", "Highest possible score", "integer", unit="points"),
    Column(
        "sum_of",
        "Nested scores (in scores.csv) whose sum is this score at baseline, where those "
        "questionnaires are asked instead",
        missing="empty: none",
    ),
    Column("change_points", "Points that count as reliable change", "number", unit="points"),
    Column("change_sd", "SD from which reliable change is worked out", "number", unit="points"),
    Column("change_reliability", "Reliability from which reliable change is worked out", "number"),
    Column("change_source", "Source of the reference value"),
    Column("change_status", "Whether that source was read", "code"),
)


@dataclass(frozen=True)
class Told:
    """One assessment as far as it may be told: no row, its state alone, or with its dates."""

    row: Assessment
    state: str
    is_dated: bool

    @property
    def is_answered(self) -> bool:
        return self.state == "submitted"


def tables(study: Study, by: object, at: datetime, arms: bool) -> list[Table]:
    """Entry of settings.TABLES."""
    version = study.current
    described = definitions.assessments(version)
    planned = [plan for plan in plans(described, version.protocol) if arms or plan.is_shared]
    zone = ZoneInfo(version.protocol.timezone)
    return [
        Table("timepoints", "Time points", TIMEPOINTS, _timepoints(version, described, planned)),
        Table("instruments", "Questionnaires", INSTRUMENTS, _instruments(described, planned)),
        Table(
            "assessments",
            "Assessments",
            ASSESSMENTS,
            _assessments(study, planned, arms, at, zone),
        ),
        Table(
            "scores",
            "Scores",
            SCORES,
            (
                score
                for each in _told(study, planned, arms, at, WITHOUT_ANSWERS)
                for score in _scores(each)
            ),
        ),
        Table(
            "answers",
            "Answers",
            ANSWERS,
            (
                item
                for each in _told(study, planned, arms, at, Assessment.objects.all())
                for item in _answers(each, described)
            ),
        ),
    ]


def _told(
    study: Study,
    planned: Sequence[Plan],
    arms: bool,
    at: datetime,
    found: QuerySet[Assessment],
) -> Iterator[Told]:
    """By person in order of arrival, and of each in the order of the plan."""
    order = {(plan.timepoint, plan.instrument): (place, plan) for place, plan in enumerate(planned)}
    for batch in in_batches(Participant.objects.filter(study=study)):
        people = {person.pk: (place, person) for place, person in enumerate(batch)}
        rows = found.filter(participant__in=batch).order_by()
        known = [row for row in rows if (row.timepoint, row.instrument) in order]
        for row in known:
            row.participant = people[row.participant_id][1]
        known.sort(
            key=lambda row: (
                people[row.participant_id][0],
                order[row.timepoint, row.instrument][0],
            )
        )
        yield from _told_of(known, order, study, arms, at)


def _told_of(
    known: Sequence[Assessment],
    order: Mapping[tuple[str, str], tuple[int, Plan]],
    study: Study,
    arms: bool,
    at: datetime,
) -> Iterator[Told]:
    for row in known:
        plan = order[row.timepoint, row.instrument][1]
        if arms or plan.is_dated_alike:
            yield Told(row, schedules.state(row, at).value, True)
        else:
            yield Told(row, _outcome(row, plan, study, at), False)


def _outcome(row: Assessment, plan: Plan, study: Study, at: datetime) -> str:
    person = row.participant
    told = concealment.outcome(
        row,
        plan,
        randomised_at=person.randomised_at,
        withdrew_at=person.left_at if person.state == "withdrawn" else None,
        timezone=study.current.protocol.timezone,
        at=at,
    )
    return told.value if told else "withheld"


def _assessments(
    study: Study, planned: Sequence[Plan], arms: bool, at: datetime, zone: ZoneInfo
) -> Iterator[tuple[Any, ...]]:
    signed = Consent.objects.filter(
        participant=OuterRef("participant"), kind="study", signed_at__lte=OuterRef("submitted_at")
    )
    latest = signed.order_by("-signed_at", "-pk").values("text_version")[:1]
    rows, wordings = WITHOUT_ANSWERS.annotate(consent_version=Subquery(latest)), Wordings(study)
    for told in _told(study, planned, arms, at, rows):
        yield _assessment(told, zone) + _asked_by(told, wordings)


class Wordings:
    """By which words an assessment was asked, told in 12 digits; None where the folder has none in
    this language, as a rehearsal may answer.
    """

    def __init__(self, study: Study) -> None:
        self.versions = {version.number: version for version in study.versions.all()}
        self.known: dict[tuple[int, str, str], str | None] = {}

    def of(self, row: Assessment) -> str | None:
        key = (row.version, row.instrument, row.language)
        if key not in self.known:
            asked = definitions.instrument(self.versions[row.version], row.instrument)
            wording = asked.wordings.get(row.language)
            self.known[key] = _digits(wording.model_dump_json()) if wording else None
        return self.known[key]


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _asked_by(told: Told, wordings: Wordings) -> tuple[Any, ...]:
    """Protocol, consent and wording of an answer; of what is dated by the arm they would tell the
    date.
    """
    if not told.is_dated or not told.is_answered:
        return None, None, None
    row: Any = told.row
    return row.version, row.consent_version, wordings.of(row)


def _assessment(told: Told, zone: ZoneInfo) -> tuple[Any, ...]:
    row = told.row
    dated = told.is_dated
    handed_in = _day(row.submitted_at, zone) if dated and told.is_answered else None
    randomised_on = _day(row.participant.randomised_at, zone)
    days = (handed_in - randomised_on).days if handed_in and randomised_on else None
    opens_on, closes_on = (
        (_day(row.opens_at, zone), _day(row.closes_at, zone)) if dated else (None, None)
    )
    what = (
        (row.scores.get(row.instrument), row.prorated, row.language, row.mode)
        if told.is_answered
        else (None,) * 4
    )
    return (*_key(row), opens_on, closes_on, told.state, handed_in, days, *what)


def _scores(told: Told) -> Iterator[tuple[Any, ...]]:
    if told.is_answered:
        for code, value in told.row.scores.items():
            yield *_key(told.row), code, value


def _answers(told: Told, described: Assessments) -> Iterator[tuple[Any, ...]]:
    """Drafts are nobody's business: an answer is told once it is handed in."""
    row = told.row
    for code in described.definitions[row.instrument].item_codes:
        if told.is_answered:
            value = row.answers.get(code)
            yield (
                *_key(row),
                code,
                value,
                "answered" if value is not None else row.item_states.get(code, "not_answered"),
            )
        else:
            yield *_key(row), code, None, told.state


def _key(row: Assessment) -> tuple[str, str, str]:
    return row.participant.code, row.timepoint, row.instrument


def _day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    return moment.astimezone(zone).date() if moment else None


def _timepoints(
    version: ProtocolVersion, described: Assessments, planned: Sequence[Plan]
) -> Iterator[tuple[Any, ...]]:
    """In order of time, in whatever order the study folder has them: who left is told from one to
    the next.
    """
    days = planned_days(version, described)
    first = described.baseline.timepoint
    for point in sorted(described.timepoints, key=lambda p: (p.code != first, days.get(p.code, 0))):
        of_point = [plan for plan in planned if plan.timepoint == point.code]
        if of_point:
            is_baseline = point.code == described.baseline.timepoint
            alike = all(plan.is_dated_alike for plan in of_point)
            yield point.code, in_language(point.label, "en"), days[point.code], is_baseline, alike


def planned_days(version: ProtocolVersion, described: Assessments) -> dict[str, int]:
    """The earliest day since randomisation on which each timepoint can open, over the arms."""
    found = {described.baseline.timepoint: 0}
    programme = version.programme
    shortest = programme.pacing.days * (len(programme.modules) - 1) if programme else 0
    for arm in version.protocol.arm_codes:
        own = {described.baseline.timepoint: 0}
        for entry in described.planned(version.protocol, arm):
            anchor = Anchor.parse(entry.anchor)
            start = own.get(anchor.timepoint, 0) if anchor.timepoint else 0
            start = shortest if anchor.kind == "programme_finished" else start
            own[entry.timepoint] = max(start + entry.days, entry.not_before or 0)
            found[entry.timepoint] = min(
                found.get(entry.timepoint, own[entry.timepoint]), own[entry.timepoint]
            )
    return found


def _instruments(described: Assessments, planned: Sequence[Plan]) -> Iterator[tuple[Any, ...]]:
    for code in dict.fromkeys(plan.instrument for plan in planned):
        each = described.definitions[code]
        change = each.reliable_change[0] if each.reliable_change else None
        reference = (
            (change.points, change.sd, change.reliability, change.source, change.status)
            if change
            else (None,) * 5
        )
        parts = [f"{questionnaire}.{nested}" for questionnaire, nested in each.sum_of.items()]
        yield code, in_language(each.title, "en"), each.direction, *each.range, parts, *reference
