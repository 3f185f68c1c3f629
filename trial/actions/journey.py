"""Moving a participant on. Called after the commit of whatever they did, and by the worker for rows
that are due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db import OperationalError, transaction
from django.db.models import QuerySet

from trial import busy, claims, facts, hooks, rows
from trial.actions import alerts
from trial.actors import SYSTEM
from trial.entries import Ask, Done, Outcome
from trial.models import Journey, Participant
from trial.prepared import prepared

logger = logging.getLogger(__name__)
MOST_STEPS = 20
RETRY_AFTER = timedelta(minutes=10)


def advance(participant: Participant, at: datetime) -> Ask | None:
    """Take every step of settings.JOURNEY that can be taken; the Ask that stops it, or None.

    Each step is a durable transaction of its own. An error leaves the participant where they are,
    raises an alert and is retried by the worker; it never undoes what the person did. A lock that
    could not be had in time is no error: they stay where they are, and the worker, which can wait,
    goes on.
    """
    journey = _of.first(participant.pk)
    if journey is None:
        journey, _ = Journey.objects.get_or_create(participant=participant)
    passed = list(journey.passed)
    waits: list[datetime] = []
    ask = None
    for step in islice(hooks.JOURNEY, MOST_STEPS):
        name = hooks.code(step)
        if name in passed:
            continue
        try:
            outcome = _take(step, participant, at)
        except OperationalError:
            waits.append(at + timedelta(seconds=busy.RETRY_AFTER))
            break
        if outcome is None:
            Journey.objects.filter(pk=journey.pk).update(
                passed=passed, failed_at=at, due_at=at + RETRY_AFTER
            )
            return None
        if isinstance(outcome, Done):
            passed.append(name)
        elif isinstance(outcome, Ask):
            ask = outcome
            waits += [outcome.until] if outcome.until else []
            break
        elif outcome.until:
            waits.append(outcome.until)
    _keep(journey, passed, min(waits, default=None), at)
    return ask


@prepared
def _of(person: int) -> QuerySet[Journey]:
    return Journey.objects.filter(participant=person)


def claim(at: datetime) -> list[int]:
    """Participants whose journey is due, for one worker. Should it die, or nothing else say when to
    look again, they are looked at again after a while.
    """
    if not _first_due(at):
        return []
    due = Journey.objects.filter(due_at__lte=at).order_by("due_at", "pk")
    numbers = claims.take(due, due_at=at + RETRY_AFTER)
    people = dict(Journey.objects.filter(pk__in=numbers).values_list("pk", "participant"))
    return [people[number] for number in numbers]


@prepared
def _first_due(at: datetime) -> QuerySet[Journey, int]:
    return Journey.objects.filter(due_at__lte=at).values_list("pk", flat=True)[:1]


def give_back(numbers: Sequence[int], at: datetime) -> None:
    """What this worker claimed and did not come to is due for others."""
    Journey.objects.filter(participant__in=numbers).update(due_at=at)


def look_again(participant: Participant, at: datetime) -> None:
    """A note, in the transaction of what happened, that somebody can be moved on: the worker does
    it should whoever did this be cut off.
    """
    rows.at_once(looking_again(participant, at))


def looking_again(participant: Participant, at: datetime) -> rows.Statement:
    """The same note, to be sent with others."""
    return rows.change(Journey, {"participant_id": participant.pk}, due_at=at)


def _keep(journey: Journey, passed: list[str], due_at: datetime | None, at: datetime) -> None:
    """Store how far somebody is. Where another moved them on meanwhile, neither knew all: then it
    is looked at again.
    """
    if (passed, due_at) == (journey.passed, journey.due_at) and not journey.failed_at:
        return
    for until in (journey.due_at, at):  # `look_again` may have left its note in this very pass
        as_read = {"id": journey.pk, "due_at": until, "failed_at": journey.failed_at}
        if rows.update(Journey, as_read, passed=passed, due_at=due_at, failed_at=None):
            return
    rows.update(Journey, {"id": journey.pk}, due_at=at)


def _take(
    step: Callable[[Participant, datetime], Outcome], participant: Participant, at: datetime
) -> Outcome | None:
    """One step, or None when it failed. Raises where the database was busy or away, and for nothing
    else.
    """
    try:
        with transaction.atomic(durable=True), facts.all_told():
            # locked: whoever else moves this person on waits, and then sees what was done
            participant.reread()
            return step(participant, at)
    except Exception as error:
        if busy.is_passing(error):
            raise
        # Codes and the kind of the error only: its words and its traceback may hold what somebody
        # typed.
        logger.error(
            "journey step %s failed for %s: %s",
            hooks.code(step),
            participant.code,
            type(error).__name__,
        )
        alerts.raise_alert(
            study=participant.study,
            participant=participant,
            kind="journey",
            subject_ref=hooks.code(step),
            within_hours=24,
            by=SYSTEM,
            at=at,
        )
        return None
