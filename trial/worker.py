"""What waits and has come due: messages, journeys, seals, abandoned screenings. Any number of workers may run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from trial import audit, hooks
from trial.actions import journey, messages, participants
from trial.actors import WORKER
from trial.models import Journey, Participant, Study

RETRY_AFTER = timedelta(minutes=10)
STOPPED_AFTER = timedelta(hours=24)  # a screening left alone: its answers are erased
UNSIGNED_AFTER = timedelta(days=30)  # verified, but consent never signed


@dataclass(frozen=True)
class Round:
    """What one round of the worker did."""

    journeys: int
    messages: int
    stopped: int
    seals: int


def tick(at: datetime, *, seal: bool = True) -> Round:
    """One round."""
    moved = _journeys(at)
    stopped = _abandoned(at)
    messages.after_crash(at)
    sent = 0
    while batch := messages.due(at):
        sent += sum(messages.send(message, at) != "queued" for message in batch)
    for work in hooks.entries("WORKER"):
        work(at)
    sealed = sum(audit.seal(study, at) is not None for study in Study.objects.exclude(state="draft")) if seal else 0
    return Round(moved, sent, stopped, sealed)


def _journeys(at: datetime) -> int:
    """Each due row is claimed in one short update, so that two workers do not take the same one."""
    count = 0
    due = Journey.objects.filter(due_at__lte=at).select_related("participant__study", "participant__version")
    for row in due.order_by("due_at")[:500]:
        retry_at = at + RETRY_AFTER
        if Journey.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=retry_at):
            journey.advance(row.participant, at)
            # If nothing moved the date on, the claim's own date would stand: look again only when a step says so.
            count += 1
    return count


def _abandoned(at: datetime) -> int:
    left = Participant.objects.filter(state="screening", verified_at__isnull=True, began_at__lt=at - STOPPED_AFTER)
    unsigned = Participant.objects.filter(state="screening", verified_at__lt=at - UNSIGNED_AFTER)
    count = 0
    for participant in (left | unsigned)[:500]:
        stage = "consent" if participant.verified_at else "screening"
        participants.turn_away(participant=participant, stage=stage, reason="stopped", stopped=True, by=WORKER, at=at)
        count += 1
    return count
