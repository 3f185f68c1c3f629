"""Handing messages over: never doubled, never lost from sight.

A worker claims a batch, which nobody else looks at until the claim is over; should it die, they are
claimed again. Each message is marked as being handed over by itself, right before it is.

The words are composed from what is true then, before the message is marked as being handed over, so
that one that is no longer wanted is never sent. What was not handed over is tried again, at growing
distances and for a day; what the mail host refuses has failed; of what may have been handed over it
is uncertain, and a person decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from trial import claims, daytime, hooks, lifecycles, rows
from trial.actions import alerts
from trial.actions.messages import record
from trial.actors import WORKER
from trial.entries import Mail, Wait
from trial.mail import Door, DoorShut, Letter, PutOff, Refused
from trial.models import Message
from trial.prepared import prepared
from trial.queries import messages as ledger
from trial.queries.messages import AT_ANY_HOUR, TO_OLD_ADDRESS, TO_STAFF

logger = logging.getLogger(__name__)
CLAIMED_FOR = timedelta(minutes=2)  # a batch that takes longer may be claimed by two: no harm
CRASHED_AFTER = timedelta(minutes=10)
SOONEST, LATEST = timedelta(minutes=2), timedelta(hours=2)  # between two tries
TOLD_AFTER = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(hours=24)
TOLD_WITHIN_HOURS = 72
# Rather sent twice than lost: a deadline for staff runs; asking for a number twice does no harm,
# nor does a warning.
REPEATABLE = {"alert", "check_number"} | TO_OLD_ADDRESS
NEVER_GIVEN_UP = {
    "alert"
} | TO_OLD_ADDRESS  # wanted while the alert waits, or the change can be stopped or taken back
SETTLED = {"sent", "cancelled", "failed"}
EVENTS = {
    "accepted": "message sent",
    "no longer wanted": "message cancelled",
    "put off": "message put off",
    "refused": "message refused",
    "give up": "message given up",
    "line broke": "message uncertain",
    "crash": "message uncertain after a crash",
    "repeat": "message repeated",
}


def claim(at: datetime, *, urgent: bool = False) -> list[Message]:
    """A batch of what is due, for this worker; `urgent`: of what goes at any hour, which is asked
    for before each batch of anything else.
    """
    if not (_first_urgent if urgent else _first_due)(at):
        return []
    return _claimed(_urgent(at) if urgent else _due(at), at)


def _due(at: datetime) -> QuerySet[Message]:
    return _free(Message.objects.filter(state="queued", due_at__lte=at), at)


def _urgent(at: datetime) -> QuerySet[Message]:
    return _due(at).filter(kind__in=AT_ANY_HOUR)


def _left_behind(since: datetime, at: datetime) -> QuerySet[Message]:
    return _free(Message.objects.filter(state="sending", handed_over_at__lt=since), at)


def _free(due: QuerySet[Message], at: datetime) -> QuerySet[Message]:
    return due.filter(Q(claimed_until=None) | Q(claimed_until__lte=at))


# Asked in every round, and most rounds find nothing.
@prepared
def _first_due(at: datetime) -> QuerySet[Message, int]:
    return _due(at).values_list("pk", flat=True)[:1]


@prepared
def _first_urgent(at: datetime) -> QuerySet[Message, int]:
    return _urgent(at).values_list("pk", flat=True)[:1]


@prepared
def _first_left_behind(since: datetime, at: datetime) -> QuerySet[Message, int]:
    return _left_behind(since, at).values_list("pk", flat=True)[:1]


def give_back(messages: Sequence[Message]) -> None:
    """What this worker claimed and did not come to is there for others at once."""
    claimed = Message.objects.filter(
        pk__in=[message.pk for message in messages],
        claimed_until__in={message.claimed_until for message in messages},
        state="queued",
    )
    claimed.update(claimed_until=None)


def _claimed(free: QuerySet[Message], at: datetime) -> list[Message]:
    numbers = claims.take(free.order_by("due_at", "pk"), claimed_until=at + CLAIMED_FOR)
    if not numbers:
        return []
    whole = Message.objects.filter(pk__in=numbers).select_related(
        "study", "participant__study", "participant__version"
    )
    return list(whole.order_by("due_at", "pk"))


def deliver(message: Message, door: Door, at: datetime) -> bool:
    """Hand one message over if it is wanted now; whether it was handed over here. Safe with any
    number of workers.

    Raises DoorShut, with the message back in the queue, when the host lets nothing through any
    more.
    """
    letter = _composed(message, at)
    return letter is not None and _begin(message, at) and _hand_over(message, letter, door, at)


def _composed(message: Message, at: datetime) -> Letter | None:
    """What is to be handed over now; None where nothing is, and that is noted."""
    until = _by_day(message, at)
    if until > at:
        _wait(message, until)
        return None
    try:
        mail = hooks.MESSAGES[message.kind](message, at)
        letter = _letter(mail) if isinstance(mail, Mail) else None
    except Exception as error:  # its own words may hold an address, so only its kind is logged
        logger.error("message %s could not be made: %s", message.pk, type(error).__name__)
        _tried(message, "making", at)
        return None
    if isinstance(mail, Wait) and mail.until:
        _wait(message, mail.until)
    elif letter is None:
        _move(message, "no longer wanted", at)
    return letter


def _hand_over(message: Message, letter: Letter, door: Door, at: datetime) -> bool:
    try:
        door.hand_over(letter)
    except DoorShut:
        _tried(message, "host", at)
        raise
    except PutOff as error:
        _tried(message, error.what, at)
    except Refused as error:
        _ended(message, "refused", at, problem=error.what)
    except Exception as error:
        logger.error("message %s may have been handed over: %s", message.pk, type(error).__name__)
        _lost_from_sight(message, "line broke", at)
    else:
        _move(message, "accepted", at)
        return True
    return False


def after_crash(at: datetime) -> int:
    """Messages left in `sending` become uncertain and staff are told; those that may repeat are
    queued again.
    """
    since = at - CRASHED_AFTER
    if not _first_left_behind(since, at):
        return 0
    stale = _left_behind(since, at)
    return _moved_on(stale, lambda message: _lost_from_sight(message, "crash", at), at)


def give_up(away_since: datetime, at: datetime) -> int:
    """What waited for a day while the mail host was away has failed; how many."""
    if at - away_since < GIVEN_UP_AFTER:
        return 0
    waiting = Message.objects.filter(state="queued", due_at__lte=at - GIVEN_UP_AFTER).exclude(
        kind__in=NEVER_GIVEN_UP
    )
    return _moved_on(
        _free(waiting, at), lambda message: _ended(message, "give up", at, problem="host"), at
    )


def _moved_on(due: QuerySet[Message], move: Callable[[Message], bool], at: datetime) -> int:
    """`move` for each by itself; for how many it did something."""
    count = 0
    while batch := _claimed(due, at):
        for message in batch:
            try:
                count += move(message)
            except Exception as error:  # left as it is until later; the others are moved on
                logger.error(
                    "message %s could not be moved on: %s", message.pk, type(error).__name__
                )
    return count


def _by_day(message: Message, at: datetime) -> datetime:
    """When a message may go at the earliest, from `at` on: to a participant by day, on their clock
    as it is set now.
    """
    if message.participant is None or message.kind in AT_ANY_HOUR:
        return at
    return daytime.from_then(at, message.participant.timezone)


def _letter(mail: Mail) -> Letter:
    return Letter(
        to=mail.to, subject=mail.subject, body=mail.body, sender=mail.sender, reply_to=mail.reply_to
    )


def _begin(message: Message, at: datetime) -> bool:
    """Mark the row as being handed over, in one short transaction; False where another worker was
    first.
    """
    return _change(message, state="sending", handed_over_at=at, attempts=message.attempts + 1)


def _wait(message: Message, until: datetime) -> None:
    """Not before `until`: nothing was tried."""
    _change(message, due_at=until, claimed_until=None)


def _change(message: Message, **new: Any) -> bool:
    """Where the row is as this worker read it. While it waits, another may have claimed it once
    this claim was over, and may have tried it: then False, and the message has the state that it is
    in.
    """
    as_read = {"id": message.pk, "state": message.state}
    if message.state == "queued":
        as_read["claimed_until"] = message.claimed_until
    if not rows.update(Message, as_read, **new):
        message.refresh_from_db(fields=["state"])
        return False
    for name, value in new.items():
        setattr(message, name, value)
    return True


def _tried(message: Message, problem: str, at: datetime) -> None:
    """Nothing was handed over: back to the queue, each time for as long as it is tried already;
    failed after a day.
    """
    since = message.trying_since or at
    if at - since >= GIVEN_UP_AFTER and message.kind not in NEVER_GIVEN_UP:
        _ended(message, "give up", at, problem=problem)
        return
    again_at = at + min(max(at - since, SOONEST), LATEST)
    verb = "put off" if message.state == "sending" else ""
    _move(message, verb, at, due_at=again_at, trying_since=since, problem=problem)
    if at - since >= TOLD_AFTER:
        _tell(message, at)


def _lost_from_sight(message: Message, verb: str, at: datetime) -> bool:
    if message.kind in REPEATABLE:
        return _move(message, "repeat", at, due_at=at if verb == "crash" else at + SOONEST)
    return _ended(message, verb, at)


@transaction.atomic
def _ended(message: Message, verb: str, at: datetime, *, problem: str = "") -> bool:
    """Failed or uncertain: nothing more happens by itself, so staff are told."""
    is_moved = _move(message, verb, at, problem=problem)
    if message.state in ledger.UNSETTLED:  # another worker may have been first, and have sent it
        _tell(message, at)
    return is_moved


@transaction.atomic
def _move(message: Message, verb: str, at: datetime, **changes: Any) -> bool:
    """Take one step of the life cycle; False where another worker was first. The message has the
    state that it is in afterwards, and nobody's claim.
    """
    state = lifecycles.step("message", message.state, verb) if verb else message.state
    is_news = message.trying_since is None or state != "queued"  # of many tries the first is told
    settled = {"settled_at": at} if state in SETTLED else {}
    if not _change(message, **changes, **settled, state=state, claimed_until=None):
        return False
    if verb and is_news:
        record(message, EVENTS[verb], by=WORKER, at=at)
    return True


def _tell(message: Message, at: datetime) -> None:
    """Staff are told once while it waits that mail is stuck, or that it does not reach this person.

    Not of a mail that is not the same in every arm: being told of it would tell the arm. Whoever
    knows the arms finds it among the messages.
    """
    if message.study is None or not ledger.is_alike(message):
        return
    is_theirs = message.kind not in TO_STAFF and message.problem in {"address", ""}
    alerts.raise_alert(
        study=message.study,
        participant=message.participant if is_theirs else None,
        kind="mail_unreached" if is_theirs else "mail_stuck",
        subject_ref="",
        within_hours=TOLD_WITHIN_HOURS,
        by=WORKER,
        at=at,
    )
