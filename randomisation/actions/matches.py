"""Somebody who may have been here before: held before allocation, until staff have looked into
it.
"""

from __future__ import annotations

from datetime import datetime

from randomisation.models import Match
from randomisation.queries import matches as reads
from randomisation.words import VERDICTS
from trial import audit
from trial.actions import alerts, journey, participants
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Alert, Participant
from trial.prepared import Answer

WITHIN_HOURS = 48
TWICE = "came_twice"  # why the second account of one person leaves


class PossibleDuplicate(Exception):
    """Somebody who is allocated has the same number."""


class NotHeld(Exception):
    """Nobody waits for this: there is no such match, or staff looked into it already."""


class UnknownVerdict(Exception):
    """Not one of the verdicts."""


def check_new(participant: Participant, same: Answer) -> None:
    """Raises PossibleDuplicate. Part of an allocation, in its transaction, in which whoever has the
    `same` number is locked.
    """
    if reads.earlier_among(participant, same):
        raise PossibleDuplicate(participant.code)


def hold(*, participant: Participant, by: Actor, at: datetime) -> Alert:
    """Staff are told; the person waits. Once for each time that they look."""
    return alerts.raise_alert(
        study=participant.study,
        participant=participant,
        kind="possible_duplicate",
        subject_ref="allocation",
        within_hours=WITHIN_HOURS,
        by=by,
        at=at,
    )


@once
def settle(*, participant: Participant, verdict: str, by: Actor, at: datetime) -> Match:
    """Another person of the household goes on at once; the second account of the same person
    leaves, and is kept.
    """
    if verdict not in VERDICTS:
        raise UnknownVerdict(verdict)
    participant = participants.locked(participant)
    if participant.state != "consented" or not reads.earlier(participant):
        raise NotHeld
    match = Match.objects.create(
        study=participant.study,
        participant=participant,
        verdict=verdict,
        by=str(by),
        role=by.role,
        at=at,
    )
    audit.record(
        participant,
        "looked into as a possible duplicate",
        subject=participant.code,
        reason=verdict,
        by=by,
        at=at,
    )
    if verdict == "same_person":
        participants.withdraw(participant=participant, reason=TWICE, by=by, at=at)
    journey.look_again(participant, at)
    return match
