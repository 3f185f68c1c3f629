"""Another address for somebody who lost their mailbox: one of the staff asks, another calls the
number on record and agrees.

It takes effect 48 hours after the old address was told at the earliest. That is done at once, and
it can stop it. The trail says that the address changed, not what. Nobody is shown the new address:
the second person hears it from the participant and types it, and it has to be the one that was
asked for (docs/adr/0019).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from trial import audit, contact_details, vault
from trial.actions import own_address, proposals
from trial.actions.once import once
from trial.actions.participants import AddressInUse, NotACode, NotAskedNow
from trial.actors import WORKER, Actor
from trial.models import AddressChange, Decision, Identity, Membership, Participant, Proposal
from trial.queries import lost_mailboxes as reads
from trial.queries import proposals as asked
from trial.words import MAILBOX_REASONS

logger = logging.getLogger(__name__)
MISTYPED_AT_MOST = 5


class NoNumber(Exception):
    """There is no number on record at which a second person could call."""


class NobodySecond(Exception):
    """Nobody on the staff could be the second person, and this never passes alone."""


class AddressOfStaff(Exception):
    """Somebody who works in this installation, or is invited to, reads this mailbox."""


class StoppedLately(Exception):
    """The old address stopped one less than seven days ago."""


class NotCalled(Exception):
    """The second person has not looked up the number since this was asked or the number changed, or
    did not call it.
    """


class OtherAddress(Exception):
    """What the second person was told is not what the first was told."""


@dataclass(frozen=True)
class Reached:
    """What a second person needs to call somebody."""

    name: str
    phone: str
    language: str
    changed_at: datetime | None  # the number, if ever


@once
def ask(*, participant: Participant, email: str, reason: str, by: Actor, at: datetime) -> Proposal:
    """Ask that somebody signs in with another address. Whether they or somebody else in the study
    have it is not told.

    Raises NotACode for an unknown reason, NotAskedNow for whoever left, NoNumber, StoppedLately,
    AddressOfStaff, AlreadyProposed and NobodySecond.
    """
    if reason not in MAILBOX_REASONS:
        raise NotACode
    participant, identity = own_address.held(participant)
    study, email = participant.study, contact_details.email_address(email)
    if not participant.is_in_study:
        raise NotAskedNow
    if not identity.phone:
        raise NoNumber
    if reads.rests_until(participant, at):
        raise StoppedLately
    if reads.is_of_staff(email, study, at):
        raise AddressOfStaff
    if reads.waiting(participant):
        raise proposals.AlreadyProposed
    if not asked.seconds(study, "address", (str(by), None), at).exists():
        raise NobodySecond
    proposal = proposals.ask(
        study=study,
        participant=participant,
        kind="address",
        reason=reason,
        until_at=at + proposals.VALID,
        by=by,
        at=at,
    )
    made = own_address.new(participant, identity, proposal)
    made.new_sealed, made.due_at = participant.sealed(email), at + reads.WAITS
    made.save()
    own_address.tell_old_address("address_asked", made, by=by, at=at)
    to = asked.to_tell_of(study, "address")
    proposals.tell_staff(study=study, kind="two_people", about=proposal.pk, to=to, by=by, at=at)
    return proposal


def show_number(*, proposal: Proposal, key: str | None = None, by: Actor, at: datetime) -> Reached:
    """Name and number for the second person, recorded. Raises SamePerson, NotSecond, AlreadyDecided
    and NotAskedNow.
    """
    proposal = _shown(proposal=proposal, key=key, by=by, at=at)
    proposals.check_second(
        proposal, is_over=asked.is_over(proposal, at), by=by, at=at
    )  # a repeat of the request looks again at how it stands now
    participant = _whose(proposal)
    identity = Identity.objects.select_related("participant__key").get(participant=participant)
    return Reached(identity.name, identity.phone, participant.language, identity.phone_changed_at)


@once
def _shown(*, proposal: Proposal, by: Actor, at: datetime) -> Proposal:
    """Apart from `show_number`, because the result of an action is kept with its key, and name and
    number may not be.
    """
    participant, _identity = own_address.held(_whose(proposal))
    proposals.check_second(proposal, is_over=asked.is_over(proposal, at), by=by, at=at)
    audit.record(
        participant, "contact details shown", subject=f"proposal {proposal.pk}", by=by, at=at
    )
    return proposal


def check_called(*, proposal: Proposal, called: bool, email: str, by: Actor, at: datetime) -> None:
    """A part of agreeing, with the participant locked. Raises NotCalled, OtherAddress, and
    AlreadyDecided where it is over.
    """
    participant, identity = own_address.held(_whose(proposal))
    made = AddressChange.objects.filter(proposal=proposal).first()
    if made is None or not made.is_waiting or asked.is_over(proposal, at):
        raise proposals.AlreadyDecided
    looked_at = reads.number_shown_at(proposal, str(by))
    if not called or looked_at is None or looked_at < (identity.phone_changed_at or looked_at):
        raise NotCalled
    if not email or vault.address_hash(email) != vault.address_hash(
        participant.unsealed(made.new_sealed)
    ):
        raise OtherAddress


@once
def count_mistyped(*, proposal: Proposal, by: Actor, at: datetime) -> Proposal:
    """Apart from the refusal, which keeps nothing: five times, by whoever, and it is over, so that
    nobody guesses an address.
    """
    participant, _identity = own_address.held(_whose(proposal))
    audit.record(participant, reads.MISTYPED, subject=f"proposal {proposal.pk}", by=by, at=at)
    made = reads.waiting(participant)
    if made and made.proposal == proposal and reads.mistyped(proposal) >= MISTYPED_AT_MOST:
        own_address.stop(participant, reads.GUESSED, by=by, at=at)
    return proposal


def decided(*, proposal: Proposal, is_agreed: bool, by: Actor, at: datetime) -> None:
    """What was agreed to waits for its hour; what was not is forgotten."""
    if not is_agreed:
        for made in reads.not_in_force().filter(proposal=proposal):
            own_address.forget_new(made, at)


def stop_agreed(*, proposal: Proposal, by: Actor, at: datetime) -> Decision | None:
    """Somebody of the staff has doubts after all, before it takes effect; None where nobody agreed,
    or it is too late. The caller has locked the participant.
    """
    decision = Decision.objects.filter(proposal=proposal, is_agreed=True).first()
    if decision is None or not reads.not_in_force().filter(proposal=proposal).exists():
        return None
    own_address.stop(_whose(proposal), reads.BY_STAFF, by=by, at=at)
    return decision


def take_back_asked_by(membership: Membership, *, by: Actor, at: datetime) -> None:
    """What was asked for or agreed to in a role, and has not taken effect, goes with it."""
    people = Participant.objects.filter(
        pk__in=reads.in_role(membership).values("participant")
    ).order_by("pk")
    # All first, since whoever is told of it stands in the trail of the study.
    held = [own_address.held(each)[0] for each in people.select_related("study", "version", "key")]
    for participant in held:
        made = reads.waiting(participant)
        is_agreed = made is not None and hasattr(made.proposal, "decision")
        own_address.stop(participant, reads.ROLE_OVER if is_agreed else "taken back", by=by, at=at)


def put_due_in_force(at: datetime) -> int:
    """Entry of settings.WORKER: what was agreed to and has waited long enough; how many addresses
    changed.
    """
    return sum(_put_in_force(made, at) for made in reads.due(at))


def _put_in_force(made: AddressChange, at: datetime) -> bool:
    try:
        return _try_to_put(made, at)
    except Exception as error:  # left for the next round; the others go on
        logger.error("address change %s could not take effect: %s", made.pk, type(error).__name__)
        return False


@transaction.atomic
def _try_to_put(made: AddressChange, at: datetime) -> bool:
    """False where it was stopped since we looked, or where the address cannot be this person's any
    more.
    """
    participant, identity = own_address.held(made.participant)
    made.refresh_from_db(fields=["new_sealed", "changed_at", "stopped_at"])
    if not made.is_waiting or not reads.is_due(made, at):
        return False
    if made.proposal and not reads.have_their_roles(
        made.proposal
    ):  # agreed to at the moment when a role ended
        own_address.stop(participant, reads.ROLE_OVER, by=WORKER, at=at)
        return False
    email = participant.unsealed(made.new_sealed)
    try:
        if reads.is_of_staff(email, participant.study, at):  # since it was asked
            raise AddressOfStaff
        if (
            vault.address_hash(email) == identity.email_hash
        ):  # told to nobody when it was asked, as of any other
            raise AddressInUse
        own_address.put_in_force(made, participant, identity, email, by=WORKER, at=at)
    except (AddressInUse, AddressOfStaff):
        own_address.forget_new(made, at)
        subject = f"proposal {made.proposal.pk}" if made.proposal else ""
        audit.record(participant, reads.NOT_DONE, subject=subject, by=WORKER, at=at)
        own_address.tell_staff_it_is_over(made, at)
        return False
    if participant.user:  # whoever reads the lost mailbox does not stay signed in
        own_address.sign_out(participant.user, by=WORKER, at=at)
    return True


def _whose(proposal: Proposal) -> Participant:
    assert proposal.participant is not None  # an address is always somebody's
    return proposal.participant
