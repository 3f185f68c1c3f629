"""Encryption at rest. The keys come from the environment; the database alone opens nothing.

Three things are kept apart: the master keys (environment, rotated by putting a new one first), one key per participant
(stored under the master keys and destroyed when the person is erased), and a keyed hash to find a person by address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@lru_cache(maxsize=1)
def _master() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def seal(text: str) -> str:
    """`text` under the master keys, as text."""
    return _master().encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    return _master().decrypt(token.encode()).decode()


def new_person_key() -> str:
    """A fresh key for one person, itself sealed."""
    return seal(Fernet.generate_key().decode())


@lru_cache(maxsize=1024)
def _person(sealed_key: str) -> Fernet:
    return Fernet(unseal(sealed_key).encode())


def seal_for(sealed_key: str, text: str) -> str:
    return _person(sealed_key).encrypt(text.encode()).decode()


def unseal_for(sealed_key: str, token: str) -> str:
    return _person(sealed_key).decrypt(token.encode()).decode()


def keyed_hash(purpose: str, text: str) -> str:
    """Finds equal values without storing them; `purpose` keeps the hashes of different fields apart."""
    key = f"{purpose}|{settings.HASH_KEY}".encode()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def address_hash(email: str) -> str:
    return keyed_hash("e-mail", email.strip().casefold())


def phone_hash(phone: str) -> str:
    return keyed_hash("phone", "".join(ch for ch in phone if ch.isdigit()))


class EncryptedSerializer:
    """Django's session serializer, so that what a session holds (a code, an address not yet verified) is not readable."""

    def dumps(self, obj: Any) -> bytes:
        return base64.b64encode(_master().encrypt(json.dumps(obj, separators=(",", ":")).encode()))

    def loads(self, data: bytes) -> Any:
        return json.loads(_master().decrypt(base64.b64decode(data)))
