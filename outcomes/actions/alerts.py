"""The study's alert rules, the same for everybody whatever the arm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from outcomes.models import Assessment
from outcomes.queries import definitions, safety
from trial import contact_details
from trial.actions.alerts import raise_alert
from trial.actors import Actor
from trial.models import Alert, Participant
from trial.rules import Facts, Rule, holds, names


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
    """Raise every alert whose rule is about what was just answered and holds; `occasion` is the
    timepoint, and keeps it to one per timepoint.

    What else a rule is about is what the person answered at this timepoint until now, and to the
    study's own questions. A rule about none of these answers is left alone, so that an alert that
    was closed is not raised by other questions.
    """
    given = Facts(
        answers=participant.answers,
        scores=dict(scores),
        items={
            f"{instrument}.{code}": value for code, value in answers.items() if value is not None
        },
    )
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
        if _is_about(rule.rule, given) and _holds_now(rule.rule, given, participant, occasion)
    ]


def _is_about(rule: Rule, given: Facts) -> bool:
    named = names(rule)
    return bool(named.items & given.items.keys() or named.scores & given.scores.keys())


def _holds_now(rule: Rule, given: Facts, participant: Participant, timepoint: str) -> bool:
    """Whether it holds, and what was given has to do with it: what held before was told when it
    began to.
    """
    named = names(rule)
    if named.items <= given.items.keys() and named.scores <= given.scores.keys():
        return holds(rule, given) is True
    scores: dict[str, float] = {}
    items: dict[str, int] = {}
    for row in Assessment.objects.filter(participant=participant, timepoint=timepoint):
        scores |= row.scores
        items |= {f"{row.instrument}.{code}": value for code, value in row.answers.items()}
    before = Facts(
        answers=given.answers,
        scores={name: value for name, value in scores.items() if name not in given.scores},
        items={name: value for name, value in items.items() if name not in given.items},
    )
    now = Facts(
        answers=given.answers, scores={**scores, **given.scores}, items={**items, **given.items}
    )
    return holds(rule, given if holds(rule, before) else now) is True


def from_screening(
    *, participant: Participant, phone: str, by: Actor, at: datetime
) -> Alert | None:
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
    """Whoever leaves a number after their alert was closed is called again: that is another
    occasion.
    """
    closed = safety.numbers_left(participant).filter(state="closed").count()
    return f"{safety.SCREENING} {closed + 1}" if closed else safety.SCREENING
