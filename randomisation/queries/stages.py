"""Where somebody stands at the stages of a study: which arm they are in, and what a stage's rule
reads of them.
"""

from __future__ import annotations

from datetime import datetime

from outcomes.models import Assessment
from randomisation.models import Allocation, StageDecision
from randomisation.sections import Randomisation, Stage
from trial import anchors
from trial.actions import milestones
from trial.models import ModuleUse, Participant, ProtocolVersion
from trial.rules import Facts

_known: dict[str, tuple[Stage, ...]] = {}


def of(version: ProtocolVersion) -> tuple[Stage, ...]:
    """The stages in order, parsed once per process: the hash says what is in a version."""
    if version.sha256 not in _known:
        _known[version.sha256] = Randomisation.model_validate(
            version.section("randomisation")
        ).stages
    return _known[version.sha256]


def arms(participant: Participant) -> dict[str, str]:
    """The arm of every point at which somebody was randomised, in order."""
    rows = Allocation.objects.filter(participant=participant).order_by("pk")
    return dict(rows.values_list("point", "arm"))


def decisions(participant: Participant) -> dict[str, StageDecision]:
    return {row.point: row for row in StageDecision.objects.filter(participant=participant)}


def opening(participant: Participant, stage: Stage, at: datetime) -> anchors.Expected:
    """When the stage comes for this person, and whether that is settled."""
    assert participant.randomised_at is not None
    return anchors.expected(
        stage.opens,
        randomised_at=participant.randomised_at,
        granted_at=participant.randomised_at,
        events=milestones.reached(participant),
        timezone=participant.version.protocol.timezone,
        at=at,
    )


def facts(participant: Participant, stage: Stage) -> Facts:
    """What is known of somebody now: their answers, how many lessons they began and did, scores at
    the timepoint.
    """
    uses = ModuleUse.objects.filter(participant=participant)
    usage = {
        "modules_begun": uses.count(),
        "modules_done": uses.filter(done_at__isnull=False).count(),
    }
    scores: dict[str, float] = {}
    for row in Assessment.objects.filter(
        participant=participant, timepoint=stage.timepoint or "", submitted_at__isnull=False
    ):
        scores |= row.scores
    return Facts(answers={**participant.answers, **usage}, scores=dict(scores))


def allocated_at(participant: Participant, point: str) -> datetime:
    """When somebody was randomised at a point; raises Allocation.DoesNotExist."""
    return Allocation.objects.values_list("allocated_at", flat=True).get(
        participant=participant, point=point
    )
