"""Answering questionnaires, and dating them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from outcomes import schedules, scoring
from outcomes.actions import alerts
from outcomes.models import Assessment, Schedule
from outcomes.queries import definitions
from outcomes.schedules import AssessmentState
from trial import audit, daytime
from trial.actions import messages, milestones
from trial.actions.once import once
from trial.actors import WORKER, Actor
from trial.models import Milestone, Participant
from trial.prepared import prepared

BASELINE_DAYS = 30
LATER = timedelta(
    hours=1
)  # the baseline follows at once on signing: only whoever has left it by then is written to
ANSWERABLE = {AssessmentState.OPEN, AssessmentState.STARTED}


class NotOpenNow(Exception):
    """The questionnaire is not open: not yet, not any more, or answered already."""

    def __init__(self, state: AssessmentState) -> None:
        self.state = state
        super().__init__(f"this assessment is {state.value}")


def plan(
    *,
    participant: Participant,
    timepoint: str,
    instruments: Sequence[str],
    opening: Mapping[str, Any],
    window: int,
    granted_at: datetime,
    dates: schedules.Window | None = None,
    by: Actor,
    at: datetime,
) -> Schedule:
    """Make the rows of one timepoint; where there are no `dates` they follow when they are known.

    An instrument without a wording in the person's language is not asked of them: nobody is shown
    another language.
    """
    asked = definitions.with_wording(participant, instruments)
    dated = {"opens_at": dates.opens_at, "closes_at": dates.closes_at} if dates else {}
    schedule = Schedule.objects.create(
        participant=participant,
        timepoint=timepoint,
        opening=dict(opening),
        window=window,
        granted_at=granted_at,
        **dated,
    )
    Assessment.objects.bulk_create(
        Assessment(
            study=participant.study,
            participant=participant,
            timepoint=timepoint,
            instrument=instrument,
            position=position,
            version=participant.version.number,
            **dated,
        )
        for position, instrument in enumerate(asked)
    )
    audit.record(
        participant,
        "assessment planned",
        subject=timepoint,
        new={"instruments": asked},
        by=by,
        at=at,
    )
    return schedule


@transaction.atomic
def begin_baseline(*, participant: Participant, by: Actor, at: datetime) -> None:
    """The questionnaires before allocation: open at once, and for a month."""
    baseline = definitions.assessments(participant.version).baseline
    plan(
        participant=participant,
        timepoint=baseline.timepoint,
        instruments=baseline.instruments,
        opening={},
        window=BASELINE_DAYS,
        granted_at=at,
        dates=schedules.Window(at, at + timedelta(days=BASELINE_DAYS)),
        by=by,
        at=at,
    )
    _invite(participant, baseline.timepoint, at + LATER, at)


@transaction.atomic
def date(schedule: Schedule, window: schedules.Window, at: datetime) -> None:
    """The dates of a timepoint are known: invitation and reminder go into the ledger."""
    schedule.opens_at, schedule.closes_at = window.opens_at, window.closes_at
    schedule.save(update_fields=["opens_at", "closes_at"])
    participant = schedule.participant
    rows = Assessment.objects.filter(
        participant=participant, timepoint=schedule.timepoint, withdrawn_at__isnull=True
    )
    rows.update(opens_at=window.opens_at, closes_at=window.closes_at)
    audit.record(
        participant,
        "assessment dated",
        subject=schedule.timepoint,
        new={"opens_at": window.opens_at, "closes_at": window.closes_at},
        by=WORKER,
        at=at,
    )
    _invite(participant, schedule.timepoint, window.opens_at, at)


def _invite(participant: Participant, timepoint: str, from_at: datetime, at: datetime) -> None:
    """One invitation and one reminder; neither goes out once there is nothing left to answer."""
    reminders = definitions.assessments(participant.version).reminders
    if not reminders.invite:
        return
    occasions = {
        "assessment_invitation": from_at,
        # The soonest it can be: its days count from the hand-over of the invitation, which is
        # looked at before sending.
        "assessment_reminder": daytime.days_after(
            from_at, reminders.remind_after, participant.timezone
        ),
    }
    for kind, due_at in occasions.items():
        messages.queue(
            study=participant.study,
            participant=participant,
            kind=kind,
            subject_ref=timepoint,
            due_at=due_at,
            at=at,
        )


def note_opened(schedule: Schedule) -> Milestone:
    """A timepoint has opened. To be called inside the step's transaction."""
    assert schedule.opens_at is not None  # only what is dated opens
    name = f"assessment_opened:{schedule.timepoint}"
    return milestones.reach(
        participant=schedule.participant, name=name, by=WORKER, at=schedule.opens_at
    )


@transaction.atomic
def close(schedule: Schedule, closed_at: datetime, at: datetime) -> None:
    """A timepoint is behind the participant: everything answered or declined, or its window
    passed.
    """
    schedule.closed_at = closed_at
    schedule.save(update_fields=["closed_at"])
    milestones.reach(
        participant=schedule.participant,
        name=f"assessment_closed:{schedule.timepoint}",
        by=WORKER,
        at=closed_at,
    )


@once
def start(*, assessment: Assessment, by: Actor, at: datetime) -> Assessment:
    """The participant opens a questionnaire for the first time; later openings change nothing."""
    assessment = _answerable(assessment, at)
    _note_started(assessment, by, at)
    return assessment


def _note_started(assessment: Assessment, by: Actor, at: datetime) -> None:
    """That it was opened is a fact, whichever way: by its page, or by a first answer through the
    API.
    """
    if assessment.opened_at is None:
        assessment.opened_at = at
        assessment.save(update_fields=["opened_at"])
        audit.record(
            assessment.participant, "assessment started", subject=_subject(assessment), by=by, at=at
        )


@once
def save_draft(
    *, assessment: Assessment, answers: Mapping[str, int | None], by: Actor, at: datetime
) -> Assessment:
    """Keep what was answered so far, so that it can be left and resumed; None takes an answer back.
    Not an audit event; submitting is. Without an answer nothing changes.

    The alert rules on single items look at it already: whoever answers and then leaves the rest may
    never hand it in. An answer that is taken back takes back no alert: somebody gave it, and
    somebody looks.
    """
    assessment = _answerable(assessment, at)
    if not answers:
        return assessment
    participant = assessment.participant
    definition = definitions.instrument(participant.version, assessment.instrument)
    scoring.score(definition, answers)  # refuses what nobody could have chosen
    _note_started(assessment, by, at)
    kept = {**assessment.answers, **answers}
    assessment.answers = {code: value for code, value in kept.items() if value is not None}
    assessment.save(update_fields=["answers"])
    instrument, occasion = assessment.instrument, assessment.timepoint
    alerts.check(
        participant, occasion, instrument=instrument, answers=answers, scores={}, by=by, at=at
    )
    return assessment


@once
def submit(
    *,
    assessment: Assessment,
    answers: Mapping[str, int | None],
    language: str,
    mode: str = "web",
    by: Actor,
    at: datetime,
) -> Assessment:
    """Hand a questionnaire in: scored at once, and looked at by the alert rules. A blank item is
    recorded as not answered.
    """
    assessment = _answerable(assessment, at)
    participant = assessment.participant
    definition = definitions.instrument(participant.version, assessment.instrument)
    complete = {code: answers.get(code) for code in definition.item_codes}
    scoring.score(definition, answers)  # refuses items it does not have
    scored = scoring.score(definition, complete)
    scores = _numbers(definition.code, scored)
    assessment.answers = {code: value for code, value in complete.items() if value is not None}
    assessment.item_states = {
        code: "not_answered" for code, value in complete.items() if value is None
    }
    assessment.scores = scores
    assessment.prorated = scored.prorated
    assessment.opened_at = assessment.opened_at or at
    assessment.submitted_at, assessment.language, assessment.mode, assessment.entered_by = (
        at,
        language,
        mode,
        str(by),
    )
    assessment.save()
    sealed = participant.sealed(_sealable(complete))
    audit.record(
        participant,
        "assessment submitted",
        subject=_subject(assessment),
        new={"sealed": sealed},
        by=by,
        at=at,
    )
    alerts.check(
        participant,
        assessment.timepoint,
        instrument=assessment.instrument,
        answers=complete,
        scores=scores,
        by=by,
        at=at,
    )
    return assessment


@once
def decline(*, assessment: Assessment, by: Actor, at: datetime) -> Assessment:
    """The participant would rather not answer this one."""
    assessment = _answerable(assessment, at)
    assessment.declined_at = at
    assessment.answers = {}
    assessment.save(update_fields=["declined_at", "answers"])
    audit.record(
        assessment.participant, "assessment declined", subject=_subject(assessment), by=by, at=at
    )
    return assessment


def end_all(participant: Participant, at: datetime) -> None:
    """Withdrawal: whatever is not answered is not asked any more."""
    Schedule.objects.filter(participant=participant, closed_at__isnull=True).update(ended_at=at)
    open_rows = Assessment.objects.filter(
        participant=participant,
        submitted_at__isnull=True,
        declined_at__isnull=True,
        withdrawn_at__isnull=True,
    )
    still = open_rows.exclude(
        closes_at__lte=at
    )  # a window that passed before is missed, not withdrawn
    if still.update(withdrawn_at=at):
        audit.record(participant, "assessments ended", subject=participant.code, by=WORKER, at=at)


def _answerable(assessment: Assessment, at: datetime) -> Assessment:
    Participant.standing(assessment.participant_id)
    found = _whole.one(assessment.pk)
    state = schedules.state(found, at)
    if state not in ANSWERABLE:
        raise NotOpenNow(state)
    return found


@prepared
def _whole(assessment: int) -> QuerySet[Assessment]:
    whole = ("participant__version", "participant__study", "participant__key")
    found = Assessment.objects.select_for_update(of=("self",)).filter(pk=assessment)
    return found.select_related(*whole)


def _numbers(code: str, scored: scoring.Scored) -> dict[str, float]:
    """The score and the nested scores that there are, by code."""
    every = {code: scored.value, **scored.derived}
    return {name: float(value) for name, value in every.items() if value is not None}


def _subject(assessment: Assessment) -> str:
    return f"{assessment.timepoint} {assessment.instrument}"


def _sealable(answers: Mapping[str, int | None]) -> str:
    return ",".join(f"{code}={'' if value is None else value}" for code, value in answers.items())
