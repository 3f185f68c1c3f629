"""A person corrects their name, or the address with which they sign in; and the old address takes that back."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from trial import audit, contact_details, vault
from trial.actions import messages, tokens
from trial.actions.once import once
from trial.actions.participants import AddressInUse, NotAskedNow, locked
from trial.actors import Actor
from trial.models import AddressChange, DoorMail, Identity, Participant

TAKEN_BACK_WITHIN = timedelta(days=7)


class SameName(Exception):
    """The name that is to be corrected is this very one."""


class SameAddress(Exception):
    """The address that is to be corrected is this very one."""


class LinkOver(Exception):
    """The link was used, is older than seven days, or never existed."""


@once
def correct_name(*, participant: Participant, name: str, by: Actor, at: datetime) -> Participant:
    """What a person is called from now on. What they signed stays signed as it was. Raises SameName, NotAskedNow."""
    participant, identity = _held(participant)
    if name == identity.name:
        raise SameName
    old, identity.name_sealed = identity.name_sealed, participant.sealed(name)
    identity.save(update_fields=["name_sealed"])
    sealed = {"sealed": identity.name_sealed}
    audit.record(participant, "name corrected", subject=participant.code, old={"sealed": old}, new=sealed, by=by, at=at)
    return participant


@once
def change(*, participant: Participant, email: str, by: Actor, at: datetime) -> AddressChange:
    """The person signs in with another address from now on, which a code has proved. The old one is told at once.

    The trail says that it changed, not what. Raises AddressInUse, SameAddress and NotAskedNow.
    """
    participant, identity = _held(participant)
    email = contact_details.email_address(email)
    if vault.address_hash(email) == identity.email_hash:
        raise SameAddress
    nonce = secrets.token_hex(16)
    made = AddressChange.objects.create(
        participant=participant,
        old_sealed=identity.email_sealed,
        nonce=nonce,
        token_hash=_token_hash(_token(nonce)),
        changed_at=at,
    )
    _put(participant, identity, email)
    audit.record(participant, "e-mail address changed", subject=participant.code, by=by, at=at)
    messages.queue(
        study=participant.study,
        participant=participant,
        kind="address_changed",
        subject_ref=str(made.pk),
        due_at=at,
        at=at,
        by=by,
    )
    return made


def find(token: str, at: datetime) -> AddressChange:
    """What a link takes back; raises LinkOver."""
    made = _of(token)
    if made is None or not can_be_taken_back(made, at):
        raise LinkOver
    return made


def can_be_taken_back(made: AddressChange, at: datetime) -> bool:
    return made.taken_back_at is None and at < made.changed_at + TAKEN_BACK_WITHIN


def _of(token: str) -> AddressChange | None:
    return AddressChange.objects.filter(token_hash=_token_hash(token)).first()


def token_of(made: AddressChange) -> str:
    """The link's token: derived, so that the mail is composed at hand-over and nothing readable is stored."""
    return _token(made.nonce)


@transaction.atomic
def take_back(*, token: str, by: Actor, at: datetime) -> Participant:
    """The old address counts again, whatever was changed after it, and whoever is signed in is signed out.

    A repeat changes nothing. Raises LinkOver, and AddressInUse where somebody else has the old address by now.
    """
    made = _of(token)
    if made is None:
        raise LinkOver
    participant, identity = _held(made.participant)
    old = participant.unsealed(made.old_sealed)
    made.refresh_from_db(fields=["taken_back_at"])
    if made.taken_back_at and vault.address_hash(old) == identity.email_hash:
        return participant
    find(token, at)
    AddressChange.objects.filter(participant=participant, pk__gte=made.pk, taken_back_at__isnull=True).update(
        taken_back_at=at
    )
    _put(participant, identity, old)
    user = participant.user
    assert user is not None  # whoever has an identity has a login
    user.set_unusable_password()  # sessions hang on it, also where there is no password
    user.save(update_fields=["password"])
    tokens.end_all(user=user, by=by, at=at)
    audit.record(participant, "e-mail address change taken back", subject=participant.code, by=by, at=at)
    return participant


def _held(participant: Participant) -> tuple[Participant, Identity]:
    participant = locked(participant)
    identity = Identity.objects.filter(participant=participant).first()
    if identity is None:
        raise NotAskedNow
    return participant, identity


def _put(participant: Participant, identity: Identity, email: str) -> None:
    """Codes that wait for the address that goes are over."""
    identity.email_sealed, identity.email_hash = participant.sealed(email), vault.address_hash(email)
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
