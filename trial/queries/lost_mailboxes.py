"""Reads about addresses that staff asked to change: what waits, what is due, and whose mailbox one
may not be.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db.models import Max, Q, QuerySet

from trial import vault
from trial.models import (
    AddressChange,
    AuditEvent,
    Identity,
    Membership,
    Message,
    Participant,
    Proposal,
    Study,
    User,
)
from trial.prepared import prepared
from trial.queries import staff

WAITS = timedelta(hours=48)
RESTS = timedelta(days=7)  # after the old address stopped one
# Events that end what was asked for without the word of a second person.
BY_OLD_ADDRESS = "change of address stopped by the old address"
BY_STAFF = "change of address stopped by staff"
OVERTAKEN = "change of address overtaken by another"
LEFT = "change of address over with the study"
NOT_DONE = "e-mail address could not be changed"
ROLE_OVER = "change of address over with a role"
GUESSED = "change of address over after five other addresses"
ENDS = (BY_OLD_ADDRESS, BY_STAFF, OVERTAKEN, LEFT, NOT_DONE, ROLE_OVER, GUESSED)
MISTYPED = "another address typed than was asked for"


def not_in_force() -> QuerySet[AddressChange]:
    """What was asked for, has not taken effect and was not stopped."""
    return AddressChange.objects.filter(changed_at=None, stopped_at=None)


def waiting(participant: Participant) -> AddressChange | None:
    """What was asked for somebody and has not taken effect."""
    found = not_in_force().filter(participant=participant)
    return found.select_related("proposal__decision", "participant").first()


def has_number(participant: Participant) -> bool:
    """Whether there is somebody to call, who is in the study."""
    identity = (
        Identity.objects.filter(participant=participant).select_related("participant__key").first()
    )
    return identity is not None and bool(identity.phone)


def takes_effect_at(made: AddressChange) -> datetime | None:
    """The earliest; None while the warning to the old address has not left. One that the mail host
    refused never will, as to a mailbox that is gone.
    """
    warning = Message.objects.filter(
        participant=made.participant_id, kind="address_asked", subject_ref=str(made.pk)
    ).first()
    if made.due_at is None or warning is None:
        return None
    if warning.state == "failed":
        return made.due_at
    if warning.state not in ("sent", "uncertain") or warning.handed_over_at is None:
        return None
    return max(made.due_at, warning.handed_over_at + WAITS)


def is_due(made: AddressChange, at: datetime) -> bool:
    starts_at = takes_effect_at(made)
    return starts_at is not None and starts_at <= at


def due(at: datetime) -> list[AddressChange]:
    """What was agreed to and waited long enough, also since the old address was told."""
    return [made for made in _agreed(at) if is_due(made, at)]


@prepared
def _agreed(at: datetime) -> QuerySet[AddressChange]:
    waits = not_in_force().filter(due_at__lte=at, proposal__decision__is_agreed=True)
    return waits.select_related("proposal", "participant__study").order_by("due_at", "pk")


def is_of_staff(email: str, study: Study, at: datetime) -> bool:
    """Whether whoever works in this installation, did, or is invited to reads this mailbox; those
    of the team included.
    """
    works = Q(memberships__isnull=False) | Q(is_staff=True)
    people = User.objects.filter(works)
    addresses = {*people.values_list("email", flat=True)}
    addresses |= {
        *EmailAddress.objects.filter(user__in=people.values("pk")).values_list("email", flat=True)
    }
    contacts = study.current.protocol.contacts
    addresses |= {contacts.team.email, *([contacts.safety.email] if contacts.safety else [])}
    mailbox = vault.address_hash(email)
    if mailbox in {vault.address_hash(each) for each in addresses if each}:
        return True
    return staff.standing(at).filter(email_hash=mailbox).exists()


def ended_by(proposal: Proposal) -> str:
    """Which of the events above ended this; "" where none did."""
    events = _about(proposal).filter(action__in=ENDS).order_by("number")
    return events.values_list("action", flat=True).last() or ""


def stops(participant: Participant) -> list[datetime]:
    """When the old address stopped a change, oldest first."""
    events = AuditEvent.objects.filter(stream=_stream(participant), action=BY_OLD_ADDRESS)
    return list(events.order_by("number").values_list("at", flat=True))


def rests_until(participant: Participant, at: datetime) -> datetime | None:
    """Until when none can be asked for, after the old address stopped one; None where it can."""
    until = [stopped_at + RESTS for stopped_at in stops(participant)][-1:]
    return until[0] if until and at < until[0] else None


def mistyped(proposal: Proposal) -> int:
    """How often a second person typed an address that was not asked for."""
    return _about(proposal).filter(action=MISTYPED).count()


def in_role(membership: Membership) -> QuerySet[AddressChange]:
    """What waits and was asked for, or agreed to, in this role."""
    who = f"staff {membership.user_id}"
    asked = Q(proposal__by=who, proposal__role=membership.role)
    agreed = Q(proposal__decision__by=who, proposal__decision__role=membership.role)
    found = not_in_force().filter(asked | agreed)
    return found.filter(proposal__study=membership.study)


def have_their_roles(proposal: Proposal) -> bool:
    """Whether whoever asked and whoever agreed still have the roles in which they did."""
    held = Membership.objects.filter(study=proposal.study, ended_at=None)
    did = [(proposal.by, proposal.role), (proposal.decision.by, proposal.decision.role)]
    return all(held.filter(user=staff.number(by), role=role).exists() for by, role in did)


def number_shown_at(proposal: Proposal, who: str) -> datetime | None:
    """When somebody last looked up the number for this."""
    return (
        _about(proposal)
        .filter(action="contact details shown", by=who)
        .aggregate(at=Max("at"))["at"]
    )


def _about(proposal: Proposal) -> QuerySet[AuditEvent]:
    assert proposal.participant is not None
    return AuditEvent.objects.filter(
        stream=_stream(proposal.participant), subject=f"proposal {proposal.pk}"
    )


def _stream(participant: Participant) -> str:
    return f"{participant.study.slug}/{participant.code}"
