"""What waits and has come due: messages, journeys, seals, abandoned screenings. Any number of workers may run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from trial import audit, hooks
from trial.actions import journey, messages, participants
from trial.actors import WORKER
from trial.lifecycles import NotAllowedNow
from trial.models import Alert, Journey, Message, Participant, Study

STOPPED_AFTER = timedelta(hours=24)  # a screening left alone: its answers are erased
UNSIGNED_AFTER = timedelta(days=30)  # verified, but consent never signed
FORGOTTEN_AFTER = timedelta(hours=20)  # within the 24 hours that are promised, and longer than a session lasts


@dataclass(frozen=True)
class Round:
    """What one round of the worker did."""

    journeys: int
    messages: int
    stopped: int
    seals: int
    mailed: tuple[str, ...] = ()  # study codes of participants who were sent something


def tick(at: datetime, *, seal: bool = True) -> Round:
    """One round."""
    moved = _journeys(at)
    stopped = _abandoned(at)
    _forgotten(at)
    messages.after_crash(at)
    sent: list[Message] = []
    while batch := messages.due(at):
        sent += [message for message in batch if messages.send(message, at) == "sent"]
    for work in hooks.entries("WORKER"):
        work(at)
    sealed = sum(audit.seal(study, at) is not None for study in Study.objects.exclude(state="draft")) if seal else 0
    mailed = tuple(message.participant.code for message in sent if message.participant and message.kind != "alert")
    return Round(moved, len(sent), stopped, sealed, mailed)


def _journeys(at: datetime) -> int:
    """Each due row is claimed in one short update, so that two workers do not take the same one."""
    count = 0
    due = Journey.objects.filter(due_at__lte=at).order_by("due_at").values_list("pk", "due_at")
    for pk, due_at in due[:500]:
        # Moved on before the step is taken: if nothing else says when to look again, it is looked at again then.
        if Journey.objects.filter(pk=pk, due_at=due_at).update(due_at=at + journey.RETRY_AFTER):
            row = Journey.objects.select_related("participant__study", "participant__version").get(pk=pk)
            journey.advance(row.participant, at)
            count += 1
    return count


def _abandoned(at: datetime) -> int:
    left = Q(verified_at__isnull=True, began_at__lt=at - STOPPED_AFTER) | Q(verified_at__lt=at - UNSIGNED_AFTER)
    found = list(Participant.objects.filter(left, state="screening").order_by("pk").values_list("pk", flat=True)[:500])
    people = Participant.objects.filter(pk__in=found).select_related("study").order_by("pk") if found else ()
    return sum(_stop(participant, at) for participant in people)


def _stop(participant: Participant, at: datetime) -> bool:
    """False for somebody who went on, or was stopped by another worker, since we looked."""
    stage = "consent" if participant.verified_at else "screening"
    try:
        participants.turn_away(participant=participant, stage=stage, reason="stopped", stopped=True, by=WORKER, at=at)
    except NotAllowedNow:
        return False
    return True


def _forgotten(at: datetime) -> int:
    """Whoever did not get in is forgotten, contact details and key included, once nobody has to call them any more."""
    waiting = Alert.objects.filter(participant=OuterRef("pk")).exclude(state="closed")
    gone = Participant.objects.filter(
        ~Exists(waiting), state="excluded", erased_at=None, left_at__lt=at - FORGOTTEN_AFTER
    )
    found = list(gone.select_related("study").order_by("pk")[:500])
    for participant in found:
        participants.erase(participant=participant, reason="did_not_get_in", by=WORKER, at=at)
    return len(found)
