"""Stages: whether somebody in the study is randomised again is decided, and frozen, before anything
is drawn.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from randomisation.models import StageDecision
from randomisation.queries import stages
from randomisation.sections import Stage
from trial import audit
from trial.actors import Actor
from trial.models import Participant
from trial.rules import Facts, holds, names

PADDED = 160  # what is sealed has one length, whatever it says


@transaction.atomic
def decide(
    *, participant: Participant, stage: Stage, origin: str, by: Actor, at: datetime
) -> StageDecision:
    """Judge the stage's rule on what is known now, and keep both. Where what is missing could
    decide it, the stage says.

    Somebody in no arm of the stage is decided upon too: the trail has the same two events for
    everybody, this one and that the stage is settled, which whoever is randomised gets with the
    draw.
    """
    known = stages.facts(participant, stage)
    decision = StageDecision.objects.create(
        participant=participant,
        study=participant.study,
        point=stage.code,
        origin=origin,
        facts=_read(stage, known),
        is_eligible=origin in stage.from_ and _verdict(stage, known),
        decided_at=at,
    )
    _note(participant, "stage decided", stage.code, str(decision.is_eligible), by, at)
    if not decision.is_eligible:
        note_settled(participant, stage.code, "", by=by, at=at)
    return decision


def note_settled(
    participant: Participant, point: str, told: str, *, by: Actor, at: datetime
) -> None:
    """A stage is behind somebody: with a draw or without one, which only the person's key tells."""
    _note(participant, "stage settled", point, told, by, at)


def _note(
    participant: Participant, action: str, point: str, told: str, by: Actor, at: datetime
) -> None:
    sealed = participant.sealed(told.ljust(PADDED))
    audit.record(participant, action, subject=point, new={"sealed": sealed}, by=by, at=at)


def _verdict(stage: Stage, known: Facts) -> bool:
    verdict = holds(stage.when, known)
    return stage.unknown == "randomise" if verdict is None else verdict


def _read(stage: Stage, known: Facts) -> dict[str, Any]:
    """What the rule looked at, as text: what was not known is missing."""
    read = names(stage.when)
    return {
        "answers": {
            code: str(known.answers[code]) for code in sorted(read.answers) if code in known.answers
        },
        "scores": {
            code: str(known.scores[code]) for code in sorted(read.scores) if code in known.scores
        },
    }
