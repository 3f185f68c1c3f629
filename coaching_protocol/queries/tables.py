"""Coaching as export tables: who coaches, who coached whom, the planned calls, every try at them
and every correction of a log. They reveal the arm: an export that may not know the arm gets none of
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, Prefetch, Q, Subquery

from coaching_protocol.models import Attempt, CoachAssignment, Contact, Correction
from coaching_protocol.queries import plans
from trial.actors import Actor
from trial.entries import Column, Table
from trial.models import Membership, Study
from trial.permissions import KNOW_ARMS
from trial.queries.tables import local_day

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
COACH = "Coach, by the code that holds in this study alone"
PERSON = Column("participant", "Study code", "code")
COACH_COLUMNS = (
    Column("coach", COACH, "code"),
    Column("since_on", "First day as a coach of this study", "date"),
    Column("ended_on", "Last day as one", "date", missing="empty: still is one"),
)
ASSIGNMENT_COLUMNS = (
    PERSON,
    Column("coach", COACH, "code"),
    Column("since_on", "Day from which this coach had the participant", "date"),
    Column(
        "ended_on",
        "Day on which another took over, or the coach left",
        "date",
        missing="empty: nobody took over",
    ),
    Column("reason", "Why it went to this coach", "code", missing="empty: the first, or by turn"),
)
CONTACT_COLUMNS = (
    PERSON,
    Column("number", "Number of the planned call, from 1", "integer"),
    Column("protocol", "Coaching protocol", "code"),
    Column("medium", "How the contact is held", "code"),
    Column("opens_on", "First day on which it may be held", "date"),
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
    Column("coach", f"{COACH}: who held it", "code", missing=NOT_HELD),
)
ATTEMPT_COLUMNS = (
    PERSON,
    Column("contact", "Number of the planned call", "integer"),
    Column("attempt", "Number of the try at this call, from 1", "integer"),
    Column("coach", f"{COACH}: who tried", "code"),
    Column("started_at", "Start of the try (UTC)", "datetime"),
    Column("outcome", "What came of it", "code", values=OUTCOMES, missing=NOT_LOGGED),
    Column("minutes", "Minutes on the phone", "integer", "minutes", missing="empty: not recorded"),
    Column("protocol", "Coaching protocol that it was logged by", "code"),
    Column("protocol_version", "Version of that protocol", "text"),
    Column("steps_done", "Steps of the protocol that were done", "integer", missing=NOT_LOGGED),
    Column("steps_required", "Steps that the protocol has", "integer"),
    Column(
        "steps", "Codes of the steps that were done, separated by spaces", missing="empty: none"
    ),
    Column(
        "deviations",
        "Codes of must-nots that were not kept, separated by spaces",
        "text",
        missing="empty: none",
    ),
    Column("corrections", "How often its log was corrected", "integer"),
)
CORRECTION_COLUMNS = (
    PERSON,
    Column("contact", "Number of the planned call", "integer"),
    Column("attempt", "Number of the try at this call, from 1", "integer"),
    Column("coach", f"{COACH}: who corrected", "code"),
    Column("corrected_at", "When it was corrected (UTC)", "datetime"),
    Column("reason", "Why", "code"),
    Column("started_at", "Start of the try, as it stood before (UTC)", "datetime"),
    Column("outcome", "What came of it, as it stood before", "code", values=OUTCOMES),
    Column("minutes", "Minutes, as they stood before", "integer", "minutes"),
    Column("steps", "Steps that were done, as they stood before", missing="empty: none"),
    Column("deviations", "Must-nots not kept, as they stood before", missing="empty: none"),
)


def tables(study: Study, by: Actor, at: datetime, arms: bool) -> list[Table]:
    """Entry of settings.TABLES."""
    if not arms:
        return []
    codes, zone = coach_codes(study), ZoneInfo(study.current.protocol.timezone)
    return [
        Table("coaches", "Coaches", COACH_COLUMNS, _coaches(study, codes, zone)),
        Table(
            "coach_assignments",
            "Who coached whom",
            ASSIGNMENT_COLUMNS,
            _assignments(study, codes, zone),
        ),
        Table(
            "contacts",
            "Planned calls",
            CONTACT_COLUMNS,
            (_contact_row(each, codes) for each in _contacts(study)),
        ),
        Table(
            "attempts",
            "Tries at planned calls",
            ATTEMPT_COLUMNS,
            (
                _attempt_row(each, number, attempt, codes)
                for each in _contacts(study)
                for number, attempt in enumerate(each.attempts.all(), 1)
            ),
        ),
        Table(
            "call_corrections",
            "What logs of calls said before they were corrected",
            CORRECTION_COLUMNS,
            (_correction_row(each, codes) for each in _corrections(study)),
        ),
    ]


def coach_codes(study: Study) -> dict[int, str]:
    """By user, everybody who ever was its coach or supervisor, in the order of their first such
    role: C1, C2, ...

    A first role neither moves nor goes, so a code stays whatever comes later. It is not drawn,
    since the same data are to give the same tables: whoever knows since when somebody has worked on
    the study knows their code.
    """
    users = Membership.objects.filter(study=study, role__in=KNOW_ARMS).order_by("since_at", "pk")
    first = dict.fromkeys(users.values_list("user_id", flat=True))
    return {user: f"C{number}" for number, user in enumerate(first, 1)}


def _coaches(study: Study, codes: Mapping[int, str], zone: ZoneInfo) -> Iterator[list[Any]]:
    """A role that was given again has a row of its own."""
    held = Membership.objects.filter(study=study, role="coach").order_by("since_at", "pk")
    for row in held:
        yield [codes[row.user_id], local_day(row.since_at, zone), local_day(row.ended_at, zone)]


def _assignments(study: Study, codes: Mapping[int, str], zone: ZoneInfo) -> Iterator[list[Any]]:
    rows = (
        CoachAssignment.objects.filter(plan__study=study)
        .select_related("plan__participant")
        .order_by("plan__participant__began_at", "plan__participant_id", "since_at", "pk")
    )
    for row in rows.iterator(chunk_size=CHUNK):
        yield [
            row.plan.participant.code,
            codes[row.coach_id],
            local_day(row.since_at, zone),
            local_day(row.ended_at, zone),
            row.reason or None,
        ]


def _contacts(study: Study) -> Iterator[Contact]:
    """By person in order of arrival: codes are drawn at random, and the same data are to give the
    same hash.
    """
    versions = {version.pk: version for version in study.versions.all()}
    attempts = Attempt.objects.annotate(corrected=Count("corrections"))
    rows = (
        Contact.objects.filter(plan__study=study)
        .select_related("plan__participant")
        .prefetch_related(Prefetch("attempts", attempts.order_by("started_at", "pk")))
        .order_by("plan__participant__began_at", "plan__participant_id", "number")
    )
    for contact in rows.iterator(chunk_size=CHUNK):
        person = contact.plan.participant
        person.version = versions[person.version_id]
        yield contact


def _contact_row(contact: Contact, codes: Mapping[int, str]) -> list[Any]:
    participant = contact.plan.participant
    logged = [attempt for attempt in contact.attempts.all() if attempt.logged_at]
    reached = [attempt for attempt in logged if attempt.outcome == "reached"]
    minutes = [attempt.minutes for attempt in reached if attempt.minutes is not None]
    held_on: date | None = (
        contact.held_at
        and contact.held_at.astimezone(ZoneInfo(participant.zone_at(contact.held_at))).date()
    )
    return [
        participant.code,
        contact.number,
        contact.plan.protocol,
        plans.protocol(participant.version, contact.plan.protocol).medium,
        contact.opens_on.isoformat(),
        contact.due_on.isoformat(),
        contact.closes_on.isoformat(),
        contact.state,
        len(logged),
        held_on.isoformat() if held_on else None,
        sum(minutes) if minutes else None,
        codes[reached[0].coach_id] if reached else None,
    ]


def _attempt_row(
    contact: Contact, number: int, attempt: Attempt, codes: Mapping[int, str]
) -> list[Any]:
    described = plans.protocol(contact.plan.participant.version, attempt.protocol)
    return [
        contact.plan.participant.code,
        contact.number,
        number,
        codes[attempt.coach_id],
        _moment(attempt.started_at),
        attempt.outcome or None,
        attempt.minutes,
        attempt.protocol,
        attempt.protocol_version,
        len(attempt.steps_done) if attempt.logged_at else None,
        len(described.steps),
        " ".join(attempt.steps_done) or None,
        " ".join(attempt.deviations) or None,
        attempt.corrected,  # type: ignore[attr-defined]
    ]


def _corrections(study: Study) -> Iterator[Correction]:
    """As the tries stand in their table, and of each in the order in which they were made."""
    earlier = Attempt.objects.filter(
        Q(started_at__lt=OuterRef("attempt__started_at"))
        | Q(started_at=OuterRef("attempt__started_at"), pk__lte=OuterRef("attempt")),
        contact=OuterRef("attempt__contact"),
    )
    number = earlier.order_by().values("contact").annotate(n=Count("pk")).values("n")
    return (
        Correction.objects.filter(attempt__contact__plan__study=study)
        .select_related("attempt__contact__plan__participant")
        .annotate(number=Subquery(number))
        .order_by(
            "attempt__contact__plan__participant__began_at",
            "attempt__contact__plan__participant_id",
            "attempt__contact__number",
            "attempt__started_at",
            *("attempt_id", "corrected_at", "pk"),
        )
        .iterator(chunk_size=CHUNK)
    )


def _correction_row(correction: Correction, codes: Mapping[int, str]) -> list[Any]:
    contact = correction.attempt.contact
    return [
        contact.plan.participant.code,
        contact.number,
        correction.number,  # type: ignore[attr-defined]
        codes[correction.corrected_by_id],
        _moment(correction.corrected_at),
        correction.reason,
        _moment(correction.started_at),
        correction.outcome,
        correction.minutes,
        " ".join(correction.steps_done) or None,
        " ".join(correction.deviations) or None,
    ]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
