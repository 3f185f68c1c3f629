"""Milestones: events in a participant's study that dates hang on."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from trial import audit
from trial.actors import Actor
from trial.models import Milestone, Participant
from trial.prepared import prepared


def reach(*, participant: Participant, name: str, by: Actor, at: datetime) -> Milestone:
    """Record that `name` was reached at `at`; the first time counts."""
    found = _named.first(participant.pk, name)
    if found:
        return found
    milestone = Milestone.objects.create(participant=participant, name=name, reached_at=at)
    audit.record(participant, "milestone reached", subject=name, by=by, at=at)
    return milestone


def reached(participant: Participant) -> dict[str, datetime]:
    return dict(_reached(participant.pk))


@prepared
def _named(person: int, name: str) -> QuerySet[Milestone]:
    return Milestone.objects.filter(participant=person, name=name)


@prepared
def _reached(person: int) -> QuerySet[Milestone, tuple[str, datetime]]:
    return Milestone.objects.filter(participant=person).values_list("name", "reached_at")
