"""A person corrects their name, or the address with which they sign in; and the old address takes
that back.

A change that staff asked for (trial.actions.lost_mailbox) waits, and is stopped here by whatever
goes before it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from trial import audit, contact_details, vault
from trial.actions import messages, proposals, tokens
from trial.actions.once import once
from trial.actions.participants import AddressInUse, NotAskedNow, locked
from trial.actors import WORKER, Actor
from trial.models import AddressChange, Decision, DoorMail, Identity, Participant, Proposal, User
from trial.queries import proposals as asked
from trial.queries.lost_mailboxes import BY_OLD_ADDRESS, OVERTAKEN, not_in_force

TAKEN_BACK_WITHIN = timedelta(days=7)


class SameName(Exception):
    """The name that is to be corrected is this very one."""


class SameAddress(Exception):
    """The address that is to be corrected is this very one."""


class LinkOver(Exception):
    """The link was used, is older than seven days, or never existed."""


@once
def correct_name(*, participant: Participant, name: str, by: Actor, at: datetime) -> Participant:
    """What a person is called from now on. What they signed stays signed as it was. Raises
    SameName, NotAskedNow.
    """
    participant, identity = held(participant)
    if name == identity.name:
        raise SameName
    old, identity.name_sealed = identity.name_sealed, participant.sealed(name)
    identity.save(update_fields=["name_sealed"])
    sealed = {"sealed": identity.name_sealed}
    audit.record(
        participant,
        "name corrected",
        subject=participant.code,
        old={"sealed": old},
        new=sealed,
        by=by,
        at=at,
    )
    return participant


@once
def change(*, participant: Participant, email: str, by: Actor, at: datetime) -> AddressChange:
    """The person signs in with another address from now on, which a code has proved. The old one is
    told at once.

    The trail says that it changed, not what. Raises AddressInUse, SameAddress and NotAskedNow.
    """
    participant, identity = held(participant)
    email = contact_details.email_address(email)
    if vault.address_hash(email) == identity.email_hash:
        raise SameAddress
    stop(participant, OVERTAKEN, by=by, at=at)
    made = new(participant, identity)
    return put_in_force(made, participant, identity, email, by=by, at=at)


def new(
    participant: Participant, identity: Identity, proposal: Proposal | None = None
) -> AddressChange:
    """One that is not stored yet, with the way back to the address that counts now."""
    nonce = secrets.token_hex(16)
    return AddressChange(
        participant=participant,
        proposal=proposal,
        old_sealed=identity.email_sealed,
        nonce=nonce,
        token_hash=_token_hash(_token(nonce)),
    )


def put_in_force(
    made: AddressChange,
    participant: Participant,
    identity: Identity,
    email: str,
    *,
    by: Actor,
    at: datetime,
) -> AddressChange:
    """The new address counts, and the old one is told how to take it back. Raises AddressInUse,
    with nothing changed.
    """
    put(participant, identity, email)
    made.new_sealed, made.changed_at = "", at
    made.save()
    audit.record(participant, "e-mail address changed", subject=participant.code, by=by, at=at)
    tell_old_address("address_changed", made, by=by, at=at)
    return made


def tell_old_address(kind: str, made: AddressChange, *, by: Actor, at: datetime) -> None:
    messages.queue(
        study=made.participant.study,
        participant=made.participant,
        kind=kind,
        subject_ref=str(made.pk),
        due_at=at,
        at=at,
        by=by,
    )


def stop(participant: Participant, event: str, *, by: Actor, at: datetime) -> None:
    """What staff asked for and has not taken effect never will; `event` says why. Nothing where
    nothing waits. The caller has locked the participant.
    """
    for made in (
        not_in_force().filter(participant=participant).select_related("proposal__participant")
    ):
        forget_new(made, at)
        assert made.proposal is not None  # one's own change takes effect at once
        if Decision.objects.filter(proposal=made.proposal).exists():
            audit.record(participant, event, subject=f"proposal {made.proposal.pk}", by=by, at=at)
            tell_staff_it_is_over(made, at)
        else:
            proposals.settle(proposal=made.proposal, is_agreed=False, event=event, by=by, at=at)


def tell_staff_it_is_over(made: AddressChange, at: datetime) -> None:
    """Of what was agreed to. By the worker, since the trail of the study names no participant."""
    assert made.proposal is not None  # staff asked for it
    study = made.participant.study
    to = asked.to_tell_of(study, "address")
    proposals.tell_staff(
        study=study, kind="address_over", about=made.proposal.pk, to=to, by=WORKER, at=at
    )


def forget_new(made: AddressChange, at: datetime) -> None:
    """It is over before it took effect: the new address stands nowhere any more."""
    made.new_sealed, made.stopped_at = "", at
    made.save(update_fields=["new_sealed", "stopped_at"])


def find(token: str, at: datetime) -> AddressChange:
    """What a link takes back, or stops before it takes effect; raises LinkOver."""
    made = _of(token)
    if made is None or not can_be_taken_back(made, at):
        raise LinkOver
    return made


def can_be_taken_back(made: AddressChange, at: datetime) -> bool:
    if made.changed_at is None:
        return made.is_waiting
    return made.taken_back_at is None and at < made.changed_at + TAKEN_BACK_WITHIN


def _of(token: str) -> AddressChange | None:
    return AddressChange.objects.filter(token_hash=_token_hash(token)).first()


def token_of(made: AddressChange) -> str:
    """The link's token: derived, so that the mail is composed at hand-over and nothing readable is
    stored.
    """
    return _token(made.nonce)


@transaction.atomic
def take_back(*, token: str, by: Actor, at: datetime) -> AddressChange:
    """The old address counts again, whatever was changed after it, and whoever is signed in is
    signed out. What has not taken effect yet is stopped, and nobody is signed out for it.

    A repeat changes nothing. Raises LinkOver, and AddressInUse where somebody else has the old
    address by now.
    """
    made = _of(token)
    if made is None:
        raise LinkOver
    participant, identity = held(made.participant)
    old = participant.unsealed(made.old_sealed)
    made.refresh_from_db(fields=["changed_at", "stopped_at", "taken_back_at"])
    if (made.taken_back_at or made.stopped_at) and vault.address_hash(old) == identity.email_hash:
        return made
    find(token, at)
    if made.is_waiting:
        stop(participant, BY_OLD_ADDRESS, by=by, at=at)
        return made
    stop(participant, OVERTAKEN, by=by, at=at)
    later = AddressChange.objects.filter(
        participant=participant, pk__gte=made.pk, changed_at__isnull=False
    )
    later.filter(taken_back_at__isnull=True).update(taken_back_at=at)
    put(participant, identity, old)
    assert participant.user is not None  # whoever has an identity has a login
    sign_out(participant.user, by=by, at=at)
    audit.record(
        participant, "e-mail address change taken back", subject=participant.code, by=by, at=at
    )
    return made


def sign_out(user: User, *, by: Actor, at: datetime) -> None:
    """Everywhere, programs included."""
    user.set_unusable_password()  # sessions hang on it, also where there is no password
    user.save(update_fields=["password"])
    tokens.end_all(user=user, by=by, at=at)


def held(participant: Participant) -> tuple[Participant, Identity]:
    """The person, locked, and who they are; raises NotAskedNow where that is erased."""
    participant = locked(participant)
    identity = Identity.objects.filter(participant=participant).first()
    if identity is None:
        raise NotAskedNow
    return participant, identity


def put(participant: Participant, identity: Identity, email: str) -> None:
    """Codes that wait for the address that goes are over."""
    identity.email_sealed, identity.email_hash = (
        participant.sealed(email),
        vault.address_hash(email),
    )
    try:
        with transaction.atomic():
            identity.save(update_fields=["email_sealed", "email_hash"])
    except IntegrityError:
        raise AddressInUse from None
    DoorMail.objects.filter(user=participant.user_id, used_at__isnull=True).update(code_hash="")


def _token(nonce: str) -> str:
    return vault.keyed_hash("take back", nonce)


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
