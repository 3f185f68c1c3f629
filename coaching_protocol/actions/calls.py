"""Making a call, logging it against the protocol, and putting a log right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet

from coaching_protocol.actions import summaries
from coaching_protocol.actions.call_logs import CallLog, check_log, is_known_beginning
from coaching_protocol.models import Attempt, CoachAssignment, Contact, Correction
from coaching_protocol.queries import caseload, plans
from trial import audit, lifecycles, permissions
from trial.actions import drafts, messages
from trial.actions.once import once
from trial.actions.participants import check_code
from trial.actors import Actor
from trial.models import Identity, Participant, User
from trial.prepared import prepared
from trial.queries import drafts as typed

HELD = {"reached"}
WRONG_NUMBER = "wrong_number"
GIVEN_UP = {"refused", WRONG_NUMBER}  # nobody is to be called again for this contact
LOGGED = ("started_at", "outcome", "minutes", "steps_done", "deviations", "note_sealed")


class ContactOver(Exception):
    """The contact was held, given up or cancelled."""


class NotStarted(Exception):
    """An attempt is started before it is logged, and logged once."""


class AlreadyLogged(Exception):
    """A call that was logged is put right, not taken back."""


class LogFirst(Exception):
    """A try that was begun is logged, or taken back, before its call is given up."""


class NotLogged(Exception):
    """Only what was logged can be corrected."""


class NothingCorrected(Exception):
    """The correction says what stands there already."""


def check_caseload(coach: User, participant: Participant) -> None:
    """A coach works in the own caseload, a supervisor in all of the study; raises
    PermissionDenied.
    """
    if not _assigned(participant.pk, coach.pk) and not permissions.may(
        coach, participant.study, "supervise"
    ):
        raise PermissionDenied("not in this coach's caseload")


@prepared
def _assigned(person: int, coach: int) -> QuerySet[CoachAssignment]:
    found = CoachAssignment.objects.filter(plan__participant=person, coach=coach)
    return found.filter(ended_at__isnull=True)[:1]


@once
def show_number(*, participant: Participant, coach: User, by: Actor, at: datetime) -> str:
    """The coach looks at name and number to call: recorded. Gives back the participant's code; the
    page reads the rest.
    """
    check_caseload(coach, participant)
    audit.record(participant, "contact details shown", subject=f"staff {coach.pk}", by=by, at=at)
    return participant.code


def details(participant: Participant) -> Identity | None:
    return (
        Identity.objects.filter(participant=participant).select_related("participant__key").first()
    )


@once
def start(*, contact: Contact, coach: User, by: Actor, at: datetime) -> Attempt:
    """Begin one try. A try that is open already is gone on with."""
    _hold(contact)
    contact = _planned.one(contact.pk)
    participant = contact.plan.participant
    check_caseload(coach, participant)
    if contact.state != "planned" or contact.plan.ended_at:
        raise ContactOver(contact.state)
    found = _open_try.first(contact.pk)
    if found:
        return found
    described = plans.protocol(participant.version, contact.plan.protocol)
    attempt = Attempt.objects.create(
        contact=contact,
        coach=coach,
        started_at=at,
        protocol=contact.plan.protocol,
        protocol_version=described.version,
    )
    summaries.renew(contact.plan)
    audit.record(participant, "call started", subject=f"contact {contact.number}", by=by, at=at)
    return attempt


@prepared
def _planned(contact: int) -> QuerySet[Contact]:
    found = Contact.objects.select_for_update(of=("self",)).filter(pk=contact)
    return found.select_related("plan__participant__version", "plan__participant__study")


@prepared
def _open_try(contact: int) -> QuerySet[Attempt]:
    return Attempt.objects.filter(contact=contact, logged_at__isnull=True).order_by("pk")[:1]


@once
def take_back(*, attempt: Attempt, coach: User, by: Actor, at: datetime) -> Contact:
    """A call that was begun by mistake: no try, and an event that is counted for the coach who
    began it. What was typed of its log goes.
    """
    _hold(attempt.contact)
    attempt = _whole(attempt)
    check_own(coach, attempt)
    if attempt.logged_at:
        raise AlreadyLogged
    contact = attempt.contact
    form = caseload.log_form(contact.plan.participant.code, attempt.pk)
    for owner in {attempt.coach, coach}:
        drafts.give_up(owner=owner, place=typed.place(owner, form))
    attempt.delete()
    summaries.renew(contact.plan)
    audit.record(
        contact.plan.participant,
        caseload.TAKEN_BACK,
        subject=f"staff {attempt.coach_id}",
        old={"contact": contact.number, "started_at": attempt.started_at},
        by=by,
        at=at,
    )
    return contact


@once
def log(
    *,
    attempt: Attempt,
    outcome: str,
    minutes: int | None = None,
    steps_done: Sequence[str] = (),
    deviations: Sequence[str] = (),
    note: str = "",
    next_at: datetime | None = None,
    began_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> Attempt:
    """Log a try: reached holds the contact; `next_at` is the next appointment, for this contact or
    the one after it. Raises NotAccepted, as actions.call_logs judges it.

    The try is dated by when the call began: `began_at`, or else when it was started here, however
    late it is logged.
    """
    _hold(attempt.contact)
    attempt = _whole(attempt)
    if attempt.logged_at:
        raise NotStarted
    contact, participant = attempt.contact, attempt.contact.plan.participant
    check_log(
        CallLog(outcome, minutes, steps_done, deviations, note, next_at, began_at), attempt, at
    )
    attempt.started_at = _began(attempt, began_at)
    attempt.logged_at, attempt.outcome, attempt.minutes = at, outcome, minutes
    attempt.steps_done, attempt.deviations = sorted(steps_done), sorted(deviations)
    attempt.note_sealed = participant.sealed(note)
    attempt.save()
    _move_contact(attempt)
    audit.record(
        participant,
        "call logged",
        subject=f"contact {contact.number}",
        new={
            "started_at": attempt.started_at,
            "outcome": outcome,
            "minutes": minutes,
            "steps": len(attempt.steps_done),
        },
        by=by,
        at=at,
    )
    if next_at:
        _appoint(contact, next_at, by, at)
    summaries.renew(contact.plan)
    if outcome == WRONG_NUMBER:
        _ask_for_number(attempt, by, at)
    return attempt


@once
def correct(
    *,
    attempt: Attempt,
    coach: User,
    reason: str,
    outcome: str,
    minutes: int | None = None,
    steps_done: Sequence[str] = (),
    deviations: Sequence[str] = (),
    note: str = "",
    next_at: datetime | None = None,
    began_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> Attempt:
    """Put a log right, or add to it, by whoever made the call or a supervisor. What stood there is
    kept; the contact follows.
    """
    _hold(attempt.contact)
    attempt = _whole(attempt)
    contact, participant = attempt.contact, attempt.contact.plan.participant
    check_own(coach, attempt)
    if participant.study.state == "locked":
        raise lifecycles.NotAllowedNow("study", "locked", "correct a call")
    if not attempt.logged_at:
        raise NotLogged
    check_log(
        CallLog(outcome, minutes, steps_done, deviations, note, next_at, began_at), attempt, at
    )
    earlier = Correction(
        attempt=attempt,
        corrected_by=coach,
        corrected_at=at,
        reason=reason,
        **{name: getattr(attempt, name) for name in LOGGED},
    )
    old = _logged_values(attempt)
    attempt.started_at = _began(attempt, began_at)
    attempt.outcome, attempt.minutes = outcome, minutes
    attempt.steps_done, attempt.deviations = sorted(steps_done), sorted(deviations)
    is_same_note = note == participant.unsealed(attempt.note_sealed)
    attempt.note_sealed = attempt.note_sealed if is_same_note else participant.sealed(note)
    if old == _logged_values(attempt) and not next_at:
        raise NothingCorrected
    earlier.save()
    attempt.save()
    _follow(attempt, was=earlier)
    audit.record(
        participant,
        "call log corrected",
        subject=f"contact {contact.number}",
        old=old,
        new=_logged_values(attempt),
        reason=reason,
        by=by,
        at=at,
    )
    if outcome == WRONG_NUMBER != earlier.outcome:
        _ask_for_number(attempt, by, at)
    if next_at:
        _appoint(contact, next_at, by, at)
    summaries.renew(contact.plan)
    return attempt


def _ask_for_number(attempt: Attempt, by: Actor, at: datetime) -> None:
    """By mail, once for each try that reached somebody else: only the person themselves knows their
    number.
    """
    participant = attempt.contact.plan.participant
    messages.queue(
        study=participant.study,
        participant=participant,
        kind="check_number",
        subject_ref=f"try {attempt.pk}",
        due_at=at,
        at=at,
        by=by,
    )


def check_own(coach: User, attempt: Attempt) -> None:
    """A log is put right by the coach who made it, or by a supervisor; raises PermissionDenied."""
    check_caseload(coach, attempt.contact.plan.participant)
    if attempt.coach_id != coach.pk and not permissions.may(
        coach, attempt.contact.plan.study, "supervise"
    ):
        raise PermissionDenied("another coach made this call")


def _whole(attempt: Attempt) -> Attempt:
    """The row as it stands, locked."""
    return _tried.one(attempt.pk)


@prepared
def _tried(attempt: int) -> QuerySet[Attempt]:
    found = Attempt.objects.select_for_update(of=("self",)).filter(pk=attempt)
    return found.select_related(
        "contact__plan__participant__version",
        "contact__plan__participant__key",
        "contact__plan__participant__study",
        "contact__plan__study",
    )


def _logged_values(attempt: Attempt) -> dict[str, Any]:
    """What a log says, for the audit trail: the note as ciphertext."""
    return {"sealed" if name == "note_sealed" else name: getattr(attempt, name) for name in LOGGED}


def _follow(attempt: Attempt, *, was: Correction) -> None:
    """The planned call is what its tries say, if the correction is about more than how or when
    nobody was reached.
    """
    contact = attempt.contact
    is_moved = _effect([was.outcome]) != _effect([attempt.outcome])
    is_redated = contact.state == "held" and was.started_at != attempt.started_at
    if not is_moved and not is_redated:
        return
    logged = Attempt.objects.filter(contact=contact, logged_at__isnull=False)
    held = logged.filter(outcome__in=HELD).order_by("started_at").first()
    state = _effect(logged.values_list("outcome", flat=True))
    if contact.plan.ended_at and state != "held":
        state = "not_held" if contact.state == "not_held" and state == "not_held" else "cancelled"
    if state != contact.state:
        contact.state = lifecycles.step("contact", contact.state, f"correct to {state}")
    contact.held_at = held.started_at if held else None
    contact.save(update_fields=["state", "held_at"])


def _effect(outcomes: Iterable[str]) -> str:
    """The state that tries with these outcomes leave a planned call in."""
    found = set(outcomes)
    return "held" if found & HELD else "not_held" if found & GIVEN_UP else "planned"


def _hold(contact: Contact) -> None:
    """Leaving the study at this moment goes first, or waits."""
    Participant.standing(contact.plan.participant_id)


def _began(attempt: Attempt, began_at: datetime | None) -> datetime:
    """When the call began: what is stored knows the seconds too."""
    if began_at is None or is_known_beginning(began_at, attempt):
        return attempt.started_at
    return began_at


def _move_contact(attempt: Attempt) -> None:
    contact = attempt.contact
    if attempt.outcome in HELD:
        contact.state, contact.held_at = (
            lifecycles.step("contact", contact.state, "hold"),
            attempt.started_at,
        )
    elif attempt.outcome in GIVEN_UP and contact.state == "planned":
        contact.state = lifecycles.step("contact", contact.state, "give up")
    contact.save(update_fields=["state", "held_at"])


def _appoint(contact: Contact, next_at: datetime, by: Actor, at: datetime) -> None:
    """The next contact that is still planned gets the appointment: this one, if it was not held."""
    following = Contact.objects.filter(
        plan=contact.plan, state="planned", number__gte=contact.number
    ).first()
    if following:
        Contact.objects.filter(pk=following.pk).update(appointment_at=next_at)
        audit.record(
            contact.plan.participant,
            "appointment made",
            subject=f"contact {following.number}",
            new={"appointment_at": next_at},
            by=by,
            at=at,
        )


@once
def give_up(*, contact: Contact, reason: str, by: Actor, at: datetime) -> Contact:
    """The window passed, or it makes no sense to try again. The reason is a code: it is kept in
    clear.

    Raises LogFirst while a try of it is open.
    """
    check_code(reason)
    _hold(contact)
    whole = Contact.objects.select_for_update(of=("self",)).select_related("plan__participant")
    contact = whole.get(pk=contact.pk)
    if Attempt.objects.filter(contact=contact, logged_at__isnull=True).exists():
        raise LogFirst
    contact.state = lifecycles.step("contact", contact.state, "give up")
    contact.save(update_fields=["state"])
    summaries.renew(contact.plan)
    audit.record(
        contact.plan.participant,
        "contact not held",
        subject=f"contact {contact.number}",
        reason=reason,
        by=by,
        at=at,
    )
    return contact
