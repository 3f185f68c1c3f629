"""The ledger of messages: what is to be sent, and a person's decision to send again. Handing over
is `deliveries`.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from trial import audit, daytime, lifecycles
from trial.actions.once import once
from trial.actors import WORKER, Actor
from trial.models import Message, Participant, Study
from trial.prepared import prepared
from trial.queries import messages as ledger
from trial.queries.messages import AT_ANY_HOUR, TO_OLD_ADDRESS, TO_STAFF, UNSETTLED


class NothingToSend(Exception):
    """No mail to this person failed, or is uncertain."""


def queue(
    *,
    study: Study | None,
    participant: Participant | None,
    kind: str,
    subject_ref: str,
    due_at: datetime,
    at: datetime,
    by: Actor = WORKER,
) -> Message:
    """Put one message in the ledger; an occasion that stands there already is moved to the new date
    while still queued.

    What a participant gets comes by day, on their clock, but for what may be a warning.
    """
    occasion = {
        "study": study,
        "participant": participant,
        "kind": kind,
        "subject_ref": subject_ref,
    }
    if participant and kind not in AT_ANY_HOUR:
        due_at = daytime.from_then(due_at, participant.timezone)
    found = (
        _about.first(participant.pk, kind, subject_ref)
        if participant
        else Message.objects.filter(**occasion).first()
    )
    if found:
        if found.state == "queued" and found.due_at != due_at:
            found.due_at = due_at
            found.save(update_fields=["due_at"])
        return found
    # Two at the same moment: the unique constraint refuses the second, and its caller's transaction
    # with it.
    message = Message.objects.create(due_at=due_at, **occasion)
    if study:
        audit.record(
            participant or study,
            "message queued",
            subject=f"message {message.pk}",
            new={"kind": kind, "occasion": subject_ref, "due_at": due_at},
            by=by,
            at=at,
        )
    return message


@prepared
def _about(person: int, kind: str, subject_ref: str) -> QuerySet[Message]:
    return Message.objects.filter(participant=person, kind=kind, subject_ref=subject_ref)


@once
def send_again(*, message: Message, by: Actor, at: datetime) -> Message:
    """A person decides that a failed or an uncertain message is to be sent again."""
    return _again(Message.objects.select_for_update().get(pk=message.pk), by, at)


@once
def send_all_again(
    *, participant: Participant, knows_arm: bool, by: Actor, at: datetime
) -> Participant:
    """Whatever of this person's mail failed or is uncertain goes again, if it is wanted then; for
    whoever does not know the arm only what every arm gets alike, so that nothing to send tells
    nothing. Raises NothingToSend.
    """
    rows = Message.objects.select_for_update(of=("self",)).filter(
        participant=participant, state__in=UNSETTLED
    )
    found = [
        message
        for message in rows.exclude(kind__in=TO_STAFF | TO_OLD_ADDRESS)
        .select_related("study", "participant__version")
        .order_by("pk")
        if knows_arm or ledger.is_alike(message)
    ]
    if not found:
        raise NothingToSend
    for message in found:
        _again(message, by, at)
    return participant


def _again(message: Message, by: Actor, at: datetime) -> Message:
    message.state = lifecycles.step("message", message.state, "send again")
    message.due_at, message.trying_since, message.problem = at, None, ""
    message.save(update_fields=["state", "due_at", "trying_since", "problem"])
    record(message, "message queued again", by=by, at=at)
    return message


def record(message: Message, action: str, *, by: Actor, at: datetime) -> None:
    on = message.participant or message.study
    if on:
        audit.record(
            on, action, subject=f"message {message.pk}", new={"state": message.state}, by=by, at=at
        )
