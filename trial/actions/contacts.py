"""Contact details that are kept already, written and hashed once more as they are read today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction

from trial import audit, contact_details, vault
from trial.actors import Actor
from trial.models import Identity, Participant


def renew(*, by: Actor, at: datetime) -> Counter[str]:
    """How many people's were `renewed`, `unchanged`, `unreadable` (no number or no address: kept as
    it was) and `clashing` (two people of a study have one address, by the rules of today: kept
    too). A repeat renews nobody.

    Invitations are left alone: their links hang on the hash, and they are over in two weeks.
    """
    people = Identity.objects.order_by("pk").values_list("participant", flat=True)
    return Counter(_renewed(pk, by, at) for pk in list(people))


@transaction.atomic
def _renewed(pk: int, by: Actor, at: datetime) -> str:
    participant = Participant.held().get(pk=pk)
    identity = Identity.objects.filter(participant=participant).first()
    if identity is None:  # erased a moment ago
        return "unchanged"
    country = participant.version.protocol.country
    phone, is_number = _read(
        lambda: contact_details.phone_number(identity.phone, country), identity.phone
    )
    email, is_address = _read(lambda: contact_details.email_address(identity.email), identity.email)
    hashes = {
        "phone_hash": vault.phone_hash(phone, country),
        "email_hash": vault.address_hash(email),
    }
    is_same = hashes == {name: getattr(identity, name) for name in hashes}
    if is_same and (phone, email) == (identity.phone, identity.email):
        return "unchanged" if is_number and is_address else "unreadable"
    old = {"phone": identity.phone_sealed, "email": identity.email_sealed}
    new = {
        "phone_sealed": participant.sealed(phone),
        "email_sealed": participant.sealed(email),
        **hashes,
    }
    try:
        with transaction.atomic():
            Identity.objects.filter(pk=identity.pk).update(**new)
    except IntegrityError:
        return "clashing"
    sealed = {"phone": new["phone_sealed"], "email": new["email_sealed"]}
    audit.record(
        participant,
        "contact details written anew",
        subject=participant.code,
        old=old,
        new=sealed,
        by=by,
        at=at,
    )
    return "renewed"


def _read(read: Callable[[], str], kept: str) -> tuple[str, bool]:
    try:
        return read(), True
    except (contact_details.NotOneNumber, contact_details.NotOneAddress):
        return kept, False
