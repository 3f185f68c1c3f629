"""Encryption at rest. The keys come from the environment; the database alone opens nothing.

Four things are kept apart: the master keys (environment, rotated by putting a new one first), one
key per participant (stored under the master keys and destroyed when the person is erased), a keyed
hash to find a person by address, and the numbered keys of the digests in the audit trail.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from trial import contact_details


@lru_cache(maxsize=4)
def _opened_by(*keys: bytes) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _master() -> MultiFernet:
    return _opened_by(*settings.FIELD_KEYS)


def seal(text: str) -> str:
    """`text` under the master keys, as text."""
    return _master().encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    return _master().decrypt(token.encode()).decode()


def opens(token: str, *, newest_alone: bool = False) -> bool:
    """Whether one of the master keys opens it; with `newest_alone`, whether the first does."""
    try:
        (_opened_by(settings.FIELD_KEYS[0]) if newest_alone else _master()).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def seal_anew(token: str) -> str:
    """The same content under the newest master key, as long as before. Raises InvalidToken where
    none opens it.
    """
    return _master().rotate(token.encode()).decode()


def new_person_key() -> str:
    """A fresh key for one person, itself sealed."""
    return seal(Fernet.generate_key().decode())


@lru_cache(maxsize=1024)
def _person_key(sealed_key: str) -> bytes:
    return unseal(sealed_key).encode()


@lru_cache(maxsize=1024)
def _person(sealed_key: str) -> Fernet:
    return Fernet(_person_key(sealed_key))


def seal_for(sealed_key: str, text: str) -> str:
    return _person(sealed_key).encrypt(text.encode()).decode()


def unseal_for(sealed_key: str, token: str) -> str:
    return _person(sealed_key).decrypt(token.encode()).decode()


def keyed_hash(purpose: str, text: str) -> str:
    """Finds equal values without storing them; `purpose` keeps the hashes of different fields
    apart.
    """
    key = f"{purpose}|{settings.HASH_KEY}".encode()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def device_key(place: str, sealed_key: str = "") -> str:
    """256 bits in base64 under which a browser keeps what is typed at `place` until it is sent;
    gone with the key of the person it is about.
    """
    person = unseal(sealed_key) if sealed_key else ""
    return base64.b64encode(bytes.fromhex(keyed_hash("device", f"{place}|{person}"))).decode()


def newest_audit_key() -> int:
    """The number of the key that new digests of the audit trail are made with."""
    return max(settings.AUDIT_KEYS)


def audit_digest(number: int, sealed_key: str, text: str) -> str:
    """Of a row, under the audit key of this number mixed with the person's key, so that it can be
    checked by nobody once the person is erased; with no person, under the audit key alone. Raises
    KeyError for a number that is not here.
    """
    mixed = hmac.new(
        settings.AUDIT_KEYS[number], _person_key(sealed_key) if sealed_key else b"", hashlib.sha256
    )
    return hmac.new(mixed.digest(), text.encode(), hashlib.sha256).hexdigest()


def address_hash(email: str) -> str:
    """Of the mailbox: the same for every way to write the address, capitals included."""
    try:
        mailbox = contact_details.email_address(email)
    except contact_details.NotOneAddress:
        mailbox = email.strip()
    return keyed_hash("e-mail", mailbox.casefold())


def phone_hash(phone: str, country: str = contact_details.HOME) -> str:
    """Of the number, however it is written; what is no number is hashed by its digits, so that it
    meets its like.
    """
    try:
        number = contact_details.phone_number(phone, country)
    except contact_details.NotOneNumber:
        number = contact_details.digits(phone)
    return keyed_hash("phone", number)


class EncryptedSerializer:
    """Django's session serializer, so that what a session holds (a code, an address not yet
    verified) is not readable.
    """

    def dumps(self, obj: Any) -> bytes:
        return base64.b64encode(_master().encrypt(json.dumps(obj, separators=(",", ":")).encode()))

    def loads(self, data: bytes) -> Any:
        return json.loads(_master().decrypt(base64.b64decode(data)))


class UnopenedSerializer:
    """What EncryptedSerializer writes, as it stands: text in, text out. For whoever seals a session
    anew.
    """

    def dumps(self, obj: str) -> bytes:
        return base64.b64encode(obj.encode())

    def loads(self, data: bytes) -> str:
        return base64.b64decode(data).decode()
