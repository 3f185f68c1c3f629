"""Contacts and attempts as export tables. They reveal the arm: an export that may not know the arm
gets neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from coaching_protocol.models import Attempt, Contact
from coaching_protocol.queries import plans
from trial.actors import Actor
from trial.entries import Column, Table
from trial.models import Study

CHUNK = 500  # calls in memory
STATES = {
    "planned": "not over yet",
    "held": "the participant was reached and spoken to",
    "not_held": "given up",
    "cancelled": "the participant left before it",
}
OUTCOMES = {
    "reached": "reached",
    "no_answer": "no answer",
    "voicemail": "voicemail",
    "call_back": "did not suit, to be called back",
    "refused": "refused this call",
    "wrong_number": "wrong number",
}
NOT_HELD = "empty: not held"
NOT_LOGGED = "empty: the try is not logged yet"
CONTACT_COLUMNS = (
    Column("participant", "Study code", "code"),
    Column("number", "Number of the planned call, from 1", "integer"),
    Column("protocol", "Coaching protocol", "code"),
    Column("planned_on", "Day the call was planned for", "date"),
    Column("closes_on", "Last day on which it counts as on time", "date"),
    Column("state", "What became of it", "code", values=STATES),
    Column("attempts", "Tries that were logged", "integer"),
    Column("held_on", "Day it was held, in the participant's time zone", "date", missing=NOT_HELD),
    Column(
        "minutes",
        "Minutes on the phone in the try that reached the participant",
        "integer",
        "minutes",
        missing=NOT_HELD,
    ),
)
ATTEMPT_COLUMNS = (
    Column("participant", "Study code", "code"),
    Column("contact", "Number of the planned call", "integer"),
    Column("started_at", "Start of the try (UTC)", "datetime"),
    Column("outcome", "What came of it", "code", values=OUTCOMES, missing=NOT_LOGGED),
    Column("minutes", "Minutes on the phone", "integer", "minutes", missing="empty: not recorded"),
    Column("steps_done", "Steps of the protocol that were done", "integer", missing=NOT_LOGGED),
    Column("steps_required", "Steps that the protocol has", "integer"),
    Column(
        "deviations",
        "Codes of must-nots that were not kept, separated by spaces",
        "text",
        missing="empty: none",
    ),
)


def tables(study: Study, by: Actor, at: datetime, arms: bool) -> list[Table]:
    """Entry of settings.TABLES."""
    if not arms:
        return []
    return [
        Table(
            "contacts",
            "Planned calls",
            CONTACT_COLUMNS,
            (_contact_row(each) for each in _contacts(study)),
        ),
        Table(
            "attempts",
            "Tries at planned calls",
            ATTEMPT_COLUMNS,
            (
                _attempt_row(each, attempt)
                for each in _contacts(study)
                for attempt in each.attempts.all()
            ),
        ),
    ]


def _contacts(study: Study) -> Iterator[Contact]:
    """By person in order of arrival: codes are drawn at random, and the same data are to give the
    same hash.
    """
    versions = {version.pk: version for version in study.versions.all()}
    attempts = Prefetch("attempts", Attempt.objects.order_by("started_at", "pk"))
    rows = (
        Contact.objects.filter(plan__study=study)
        .select_related("plan__participant")
        .prefetch_related(attempts)
        .order_by("plan__participant__began_at", "plan__participant_id", "number")
    )
    for contact in rows.iterator(chunk_size=CHUNK):
        person = contact.plan.participant
        person.version = versions[person.version_id]
        yield contact


def _contact_row(contact: Contact) -> list[Any]:
    participant = contact.plan.participant
    logged = [attempt for attempt in contact.attempts.all() if attempt.logged_at]
    reached = [
        attempt.minutes
        for attempt in logged
        if attempt.outcome == "reached" and attempt.minutes is not None
    ]
    held_on: date | None = (
        contact.held_at
        and contact.held_at.astimezone(ZoneInfo(participant.zone_at(contact.held_at))).date()
    )
    return [
        participant.code,
        contact.number,
        contact.plan.protocol,
        contact.due_on.isoformat(),
        contact.closes_on.isoformat(),
        contact.state,
        len(logged),
        held_on.isoformat() if held_on else None,
        sum(reached) if reached else None,
    ]


def _attempt_row(contact: Contact, attempt: Attempt) -> list[Any]:
    described = plans.protocol(contact.plan.participant.version, attempt.protocol)
    return [
        contact.plan.participant.code,
        contact.number,
        attempt.started_at.astimezone(UTC).isoformat(),
        attempt.outcome or None,
        attempt.minutes,
        len(attempt.steps_done) if attempt.logged_at else None,
        len(described.steps),
        " ".join(attempt.deviations) or None,
    ]
