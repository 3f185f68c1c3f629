"""The study's alert rules, the same for everybody whatever the arm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from outcomes.queries import definitions, safety
from trial import contact_details
from trial.actions.alerts import raise_alert
from trial.actors import Actor
from trial.models import Alert, Participant
from trial.rules import Facts, holds


def check(
    participant: Participant,
    occasion: str,
    *,
    instrument: str,
    answers: Mapping[str, int | None],
    scores: Mapping[str, float],
    by: Actor,
    at: datetime,
) -> list[Alert]:
    """Raise every alert whose rule holds for these answers; `occasion` keeps it to one per assessment."""
    facts = facts_of(instrument, answers, scores)
    return [
        raise_alert(
            study=participant.study,
            participant=participant,
            kind=rule.code,
            subject_ref=occasion,
            within_hours=rule.within_hours,
            by=by,
            at=at,
        )
        for rule in definitions.assessments(participant.version).alerts
        if holds(rule.rule, facts)
    ]


def from_screening(*, participant: Participant, phone: str, by: Actor, at: datetime) -> Alert | None:
    """Someone at the screening left a number to be called on, or another one in its place."""
    rules = definitions.assessments(participant.version).alerts
    if not phone.strip():
        return None
    phone = contact_details.phone_number(phone, participant.version.protocol.country)
    return raise_alert(
        study=participant.study,
        participant=participant,
        kind=rules[0].code if rules else "safety",
        subject_ref=_screening_occasion(participant),
        within_hours=min((rule.within_hours for rule in rules), default=24),
        phone=phone,
        by=by,
        at=at,
    )


def _screening_occasion(participant: Participant) -> str:
    """Whoever leaves a number after their alert was closed is called again: that is another occasion."""
    closed = safety.numbers_left(participant).filter(state="closed").count()
    return f"{safety.SCREENING} {closed + 1}" if closed else safety.SCREENING


def facts_of(instrument: str, answers: Mapping[str, int | None], scores: Mapping[str, float]) -> Facts:
    items = {f"{instrument}.{code}": value for code, value in answers.items() if value is not None}
    return Facts(answers={}, scores=dict(scores), items=items)
