"""Milestones: events in a participant's study that dates hang on."""

from __future__ import annotations

from datetime import datetime

from trial import audit
from trial.actors import Actor
from trial.models import Milestone, Participant


def reach(*, participant: Participant, name: str, by: Actor, at: datetime) -> Milestone:
    """Record that `name` was reached at `at`; the first time counts."""
    found = Milestone.objects.filter(participant=participant, name=name).first()
    if found:
        return found
    milestone = Milestone.objects.create(participant=participant, name=name, reached_at=at)
    audit.record(participant, "milestone reached", subject=name, by=by, at=at)
    return milestone


def reached(participant: Participant) -> dict[str, datetime]:
    return dict(Milestone.objects.filter(participant=participant).values_list("name", "reached_at"))
