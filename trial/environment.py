"""What the process is told from outside: secrets, database, mail. Read once by settings.

A development default exists for every secret, so that a fresh machine rehearses; in production it
is refused, and so it is for a live database (trial/stamp.py).
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography.fernet import Fernet

from trial import headers

ENVIRONMENTS = ("development", "production")
DEVELOPMENT_SECRET = "development only: refused when HANDVAT_ENVIRONMENT is production"  # noqa: S105
DEVELOPMENT_FIELD_KEY = base64.urlsafe_b64encode(
    hashlib.sha256(DEVELOPMENT_SECRET.encode()).digest()
)
LOCK_TIMEOUT, STATEMENT_TIMEOUT = "5s", "30s"  # of PostgreSQL, where people wait for the answer
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SECRETS = ("HANDVAT_SECRET_KEY", "HANDVAT_FIELD_KEYS", "HANDVAT_HASH_KEY", "HANDVAT_AUDIT_KEYS")
SHORTEST = 32  # bytes of a secret


class UnknownEnvironment(RuntimeError):
    """HANDVAT_ENVIRONMENT is not one of ENVIRONMENTS."""


class MissingSecret(RuntimeError):
    """A secret is not set in production."""


class MalformedKey(RuntimeError):
    """A field key is not a Fernet key, or an audit key has no number of its own."""


class WeakKey(RuntimeError):
    """A key in production stands in the source, or is short enough to be guessed."""


class MalformedAddress(RuntimeError):
    """HANDVAT_MAIL_FROM is no address, so that no mail could be written."""


class MalformedProxy(RuntimeError):
    """What HANDVAT_PROXIES names is neither an address nor a network."""


class MissingMailHost(RuntimeError):
    """No mail host is set in production, where the console may not show codes and addresses."""


def is_production(env: Mapping[str, str]) -> bool:
    """Raises UnknownEnvironment, so that a typo never means development."""
    name = env.get("HANDVAT_ENVIRONMENT", "development")
    if name not in ENVIRONMENTS:
        raise UnknownEnvironment(
            f"HANDVAT_ENVIRONMENT is {name!r}; it must be {' or '.join(ENVIRONMENTS)}."
        )
    return name == "production"


def secret(env: Mapping[str, str], name: str) -> str:
    """The secret `name`; in production it must be set, elsewhere a fixed development value stands
    in.
    """
    value = env.get(name, "")
    if value and value != DEVELOPMENT_SECRET:
        return value
    if is_production(env):
        raise MissingSecret(
            f"{name} is not set. In production every one of {', '.join(SECRETS)} must be set."
        )
    return DEVELOPMENT_SECRET


def field_keys(env: Mapping[str, str]) -> list[bytes]:
    """Fernet keys, newest first, comma-separated in HANDVAT_FIELD_KEYS; the first encrypts, all
    decrypt.
    """
    value = secret(env, "HANDVAT_FIELD_KEYS")
    if value == DEVELOPMENT_SECRET:
        return [DEVELOPMENT_FIELD_KEY]
    keys = [key.strip().encode() for key in value.split(",") if key.strip()]
    if not keys:
        raise MissingSecret("HANDVAT_FIELD_KEYS holds no key.")
    for place, key in enumerate(keys, start=1):
        _check_key(key, place)
    return keys


def _check_key(key: bytes, place: int) -> None:
    try:
        Fernet(key)
    except ValueError:  # its words are left out: what was typed is a secret
        raise MalformedKey(
            f"key {place} of HANDVAT_FIELD_KEYS is not a Fernet key: 32 random bytes in URL-safe "
            f"base64, "
            "as cryptography.fernet.Fernet.generate_key() makes them."
        ) from None


def audit_keys(env: Mapping[str, str]) -> dict[int, bytes]:
    """Keys of the digests in the audit trail, by number, as `1:key,2:key` in HANDVAT_AUDIT_KEYS;
    the highest number makes new ones, and each event names the number that its digest was made
    with.
    """
    value = secret(env, "HANDVAT_AUDIT_KEYS")
    if value == DEVELOPMENT_SECRET:
        return {1: value.encode()}
    found: dict[int, bytes] = {}
    for place, each in enumerate(value.split(","), start=1):
        number, _, key = each.strip().partition(":")
        if (
            not (number.isascii() and number.isdigit() and len(number) < 6 and key)
            or int(number) in found
        ):
            raise MalformedKey(
                f"key {place} of HANDVAT_AUDIT_KEYS is not NUMBER:KEY with a number of its own."
            )
        found[int(number)] = key.encode()
    return found


def weaknesses(env: Mapping[str, str]) -> list[str]:
    """Why these keys are not fit for a live database, one clause for each name; none of them shows
    a key.

    Raises WeakKey in production, where no database is served with them.
    """
    plain = {
        name: [secret(env, name).encode()] for name in ("HANDVAT_SECRET_KEY", "HANDVAT_HASH_KEY")
    }
    keys = {
        **plain,
        "HANDVAT_FIELD_KEYS": field_keys(env),
        "HANDVAT_AUDIT_KEYS": list(audit_keys(env).values()),
    }
    known = {DEVELOPMENT_SECRET.encode(), DEVELOPMENT_FIELD_KEY}
    found = [
        f"{name} stands in the source"
        if known & set(keys[name])
        else f"{name} is shorter than {SHORTEST} bytes"
        for name in SECRETS
        if known & set(keys[name]) or any(len(key) < SHORTEST for key in keys[name])
    ]
    if found and is_production(env):
        raise WeakKey("; ".join(found) + ".")
    return found


def mail_host(env: Mapping[str, str]) -> str:
    """The host that mail goes to; raises MissingMailHost in production."""
    host = env.get("HANDVAT_MAIL_HOST", "")
    if not host and is_production(env):
        raise MissingMailHost(
            "HANDVAT_MAIL_HOST is not set. In production mail is sent, never shown on the console."
        )
    return host


def mail_from(env: Mapping[str, str]) -> str:
    """The address that mail comes from, with or without a name; raises MalformedAddress."""
    value = env.get("HANDVAT_MAIL_FROM", "no-reply@localhost")
    try:
        headers.read(value)
    except headers.Unwritable as error:
        raise MalformedAddress(f"HANDVAT_MAIL_FROM: {error}") from None
    return value


def proxies(env: Mapping[str, str]) -> tuple[Network, ...]:
    """The proxies whose word about a client's address and scheme counts: addresses or networks,
    with commas between.
    """
    named = [each.strip() for each in env.get("HANDVAT_PROXIES", "").split(",") if each.strip()]
    try:
        return tuple(ipaddress.ip_network(each) for each in named)
    except ValueError as error:
        raise MalformedProxy(
            f"HANDVAT_PROXIES: {error}; write addresses or networks, as 10.0.0.0/8."
        ) from None


def _given(query: str) -> dict[str, Any]:
    """What a DATABASE_URL says after its question mark; `prepare_threshold=none` for a pooler that
    keeps no statements.
    """
    given: dict[str, Any] = dict(parse_qsl(query))
    if "prepare_threshold" in given:
        told = given["prepare_threshold"]
        given["prepare_threshold"] = None if told.lower() == "none" else int(told)
    return given


def database(env: Mapping[str, str], base: Path) -> dict[str, Any]:
    """Django's DATABASES["default"] from DATABASE_URL, or SQLite at HANDVAT_DATABASE (default
    var/handvat.sqlite3).
    """
    url = env.get("DATABASE_URL", "")
    if url:
        return _postgresql(url, env.get("HANDVAT_ANSWERS", "") == "people")
    path = Path(env.get("HANDVAT_DATABASE") or base / "var" / "handvat.sqlite3")
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            # A transaction takes the write lock at once: no deadlock between two readers that both
            # want to write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA "
            "foreign_keys=ON;",
        },
    }


DATABASE = "handvat.sqlite3"
FILES = "handvat.files"


def files(env: Mapping[str, str], database: Mapping[str, Any], base: Path) -> Path:
    """The directory of what the worker makes: HANDVAT_FILES, else beside the embedded database, or
    in var/ where that is a server.
    """
    if env.get("HANDVAT_FILES"):
        return Path(env["HANDVAT_FILES"])
    is_embedded = database["ENGINE"].endswith("sqlite3")
    return (Path(database["NAME"]).parent if is_embedded else base / "var") / FILES


def of_rehearsal(directory: Path, bind: str, env: Mapping[str, str]) -> dict[str, str]:
    """What a process is told that works on the rehearsal in `directory`, whatever else it was
    told.
    """
    return {
        "HANDVAT_DATABASE": str(directory.resolve() / DATABASE),
        "HANDVAT_FILES": str(directory.resolve() / FILES),
        "HANDVAT_KIND": "rehearsal",
        "HANDVAT_MAIL_DIRECTORY": str(directory.resolve()),
        "DATABASE_URL": "",
        **public_url(bind, env),
    }


def public_url(bind: str, env: Mapping[str, str]) -> dict[str, str]:
    """Links in mail lead to where the site is served, unless somebody said what it is called
    outside.
    """
    host, _, port = bind.rpartition(":")
    here = "127.0.0.1" if host in {"", "0.0.0.0", "[::]"} else host  # noqa: S104  (compared, not bound to)
    return {"HANDVAT_PUBLIC_URL": env.get("HANDVAT_PUBLIC_URL") or f"http://{here}:{port}"}


def answering_people(env: MutableMapping[str, str]) -> None:
    """Said by a process that answers requests, before it reads its settings: it waits for no lock
    longer than a person waits for a page. The worker, migrations and reports take the time they
    need.
    """
    env["HANDVAT_ANSWERS"] = "people"


def _postgresql(url: str, answers_people: bool) -> dict[str, Any]:
    parts = urlsplit(url)
    # Compiling a statement of a page takes longer than running it: a caseload has dozens of parts.
    waits = f"-c lock_timeout={LOCK_TIMEOUT} -c statement_timeout={STATEMENT_TIMEOUT}"
    patience = {"options": f"{waits} -c jit=off"}
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(f"DATABASE_URL must begin with postgresql://, not {parts.scheme}://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": {
            **(patience if answers_people else {}),
            # What trial.prepared sends is kept from the first time on: counted to a second time it
            # would be forgotten before, among all that Django sends with values in its text.
            "prepare_threshold": 0,
            **_given(parts.query),
        },
        "CONN_MAX_AGE": 60,
        # a connection that was cut meanwhile is made anew before anything is asked
        "CONN_HEALTH_CHECKS": True,
    }
