"""The ledger of messages: queued, sending (committed before hand-over), sent, uncertain. Never doubled, never lost from sight.

The words are composed at hand-over from what is true then, so a message that is no longer wanted is never sent.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from trial import audit, hooks, lifecycles
from trial.actions.once import once
from trial.actors import WORKER, Actor
from trial.entries import Mail
from trial.mail import Letter
from trial.models import Message, Participant, Study

logger = logging.getLogger(__name__)
CRASHED_AFTER = timedelta(minutes=10)
# An alert is rather sent twice than lost; the other goes to whoever is called, so to list it as uncertain tells the arm.
REPEATABLE = {"alert", "check_number"}


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
    """Put one message in the ledger; an occasion that stands there already is moved to the new date while still queued."""
    occasion = {"study": study, "participant": participant, "kind": kind, "subject_ref": subject_ref}
    found = Message.objects.filter(**occasion).first()
    if found:
        if found.state == "queued" and found.due_at != due_at:
            found.due_at = due_at
            found.save(update_fields=["due_at"])
        return found
    # Two at the same moment: the unique constraint refuses the second, and its caller's transaction with it.
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


def due(at: datetime) -> list[Message]:
    numbers = list(
        Message.objects.filter(state="queued", due_at__lte=at)
        .order_by("due_at", "pk")
        .values_list("pk", flat=True)[:500]
    )
    if not numbers:
        return []
    whole = Message.objects.filter(pk__in=numbers).select_related("study", "participant__study", "participant__version")
    return list(whole.order_by("due_at", "pk"))


def send(message: Message, at: datetime) -> str:
    """Hand one message over; returns the state it is in afterwards. Safe with any number of workers."""
    if not _claim(message, at):
        return message.state
    try:
        mail: Mail | None = hooks.entry("MESSAGES", message.kind)(message, at)
        if mail is None:
            return _settle(message, "cancelled", at)
        _hand_over(mail)
    except Exception as error:
        # Nothing says whether it went out: it stays in `sending` and becomes uncertain, or is repeated if it may be.
        # The error's own words may hold an address, so only its kind is logged; one bad message stops no worker.
        logger.error("message %s was not accepted: %s", message.pk, type(error).__name__)
        return message.state
    return _settle(message, "sent", at)


def after_crash(at: datetime) -> int:
    """Messages left in `sending` become uncertain and are listed; those that may repeat are queued again."""
    stale = Message.objects.filter(state="sending", handed_over_at__lt=at - CRASHED_AFTER).values_list("pk", flat=True)
    count = 0
    for message in [Message.objects.get(pk=pk) for pk in stale]:
        verb = "send again" if message.kind in REPEATABLE else "crash"
        try:
            count += _moved_after_crash(message, lifecycles.step("message", "sending", verb), at)
        except Exception as error:  # left as it is for the next round; the others are moved on
            logger.error("message %s could not be moved on: %s", message.pk, type(error).__name__)
    return count


@transaction.atomic
def _moved_after_crash(message: Message, state: str, at: datetime) -> bool:
    """False when another worker was first."""
    if not Message.objects.filter(pk=message.pk, state="sending").update(state=state, due_at=at):
        return False
    message.state = state
    _record(message, f"message {state} after a crash", at)
    return True


@once
def send_again(*, message: Message, by: Actor, at: datetime) -> Message:
    """A person decides that an uncertain message is to be sent again."""
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message.pk)
        message.state = lifecycles.step("message", message.state, "send again")
        message.due_at = at
        message.save(update_fields=["state", "due_at"])
        _record(message, "message queued again", at, by)
        return message


def _claim(message: Message, at: datetime) -> bool:
    """Mark the row in one short transaction; False when another worker has it."""
    claimed = Message.objects.filter(pk=message.pk, state="queued").update(
        state="sending", handed_over_at=at, attempts=message.attempts + 1
    )
    if claimed:
        message.state, message.handed_over_at, message.attempts = "sending", at, message.attempts + 1
    else:
        message.refresh_from_db(fields=["state"])
    return bool(claimed)


def _settle(message: Message, state: str, at: datetime) -> str:
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(state=state, settled_at=at)
        message.state = state
        _record(message, f"message {state}", at)
    return state


def _hand_over(mail: Mail) -> None:
    Letter(to=mail.to, subject=mail.subject, body=mail.body, sender=mail.sender).send()


def _record(message: Message, action: str, at: datetime, by: Actor = WORKER) -> None:
    on = message.participant or message.study
    if on:
        audit.record(on, action, subject=f"message {message.pk}", new={"state": message.state}, by=by, at=at)
