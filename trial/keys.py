"""The file that holds the keys of an installation, for whoever does not give them in the
environment.

One NAME=value a line, as systemd and Docker read it too. It lies in the user's configuration
folder, is readable by that user alone, and never lies beside the database: who takes the one is not
to have the other.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from trial import environment
from trial.environment import SECRETS

HEAD = """# The keys of Handvat on this machine. Without them nothing that is sealed in its
# database can be read again, by anybody: keep a copy, and keep it apart from the database and its
# backups.
"""
OTHERS = 0o077  # what a group or anybody else may do with a file


class UnfitKeysFile(RuntimeError):
    """The file of keys lies open, beside the database, or cannot be understood."""


class KeysElsewhere(Exception):
    """The keys come from the environment, or are those of a rehearsal: the file is not what would
    have to change.
    """


class KeysStand(Exception):
    """There is a file of keys already: it is never replaced."""


def place(env: Mapping[str, str]) -> Path | None:
    """HANDVAT_KEYS_FILE, else `handvat/keys.env` in the user's configuration folder; None for a
    user without a home.
    """
    if named := env.get("HANDVAT_KEYS_FILE"):
        return Path(named)
    home = env.get("HOME")
    folder = env.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    return Path(folder) / "handvat" / "keys.env" if folder else None


def told(env: Mapping[str, str], database: str) -> dict[str, str]:
    """The environment, with the keys that only the file names. `database` is the path of an
    embedded one.

    A rehearsal reads no file: it goes on with the keys it was made with, whatever keys the machine
    is given later. Raises UnfitKeysFile.
    """
    path = place(env)
    if env.get("HANDVAT_KIND") == "rehearsal" or path is None or not os.path.exists(path):
        return dict(env)
    _check_place(path, database)
    if path.stat().st_mode & OTHERS:
        raise UnfitKeysFile(f"{path} can be read by others than its owner: chmod 600 {path}")
    return {
        **_read(path),
        **{name: value for name, value in env.items() if value or name not in SECRETS},
    }


def make(env: Mapping[str, str], database: str) -> Path:
    """Make the file, whole or not at all. Raises KeysStand where there is one, and UnfitKeysFile
    for a wrong place.
    """
    path = place(env)
    if path is None:
        raise UnfitKeysFile("This user has no home folder: name a file in HANDVAT_KEYS_FILE.")
    _check_place(path, database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _written_beside(
        path, HEAD + "".join(f"{name}={value}\n" for name, value in new().items())
    ) as half:
        try:
            os.link(half, path)  # refuses what is there already, also where two make one at once
        except FileExistsError:
            raise KeysStand(f"{path} holds keys already") from None
    return path


def add_field_key(env: Mapping[str, str], database: str) -> Path:
    """Put a fresh field key in front of those in the file, which stay. Raises KeysElsewhere and
    UnfitKeysFile.
    """
    return _change(
        env, database, "HANDVAT_FIELD_KEYS", lambda keys: f"{Fernet.generate_key().decode()},{keys}"
    )


def add_audit_key(env: Mapping[str, str], database: str) -> Path:
    """Add a fresh audit key under the next number to those in the file. Raises KeysElsewhere and
    UnfitKeysFile.
    """

    def numbered(keys: str) -> str:
        number = max(environment.audit_keys({"HANDVAT_AUDIT_KEYS": keys}), default=0) + 1
        return f"{keys},{number}:{secrets.token_urlsafe(48)}"

    return _change(env, database, "HANDVAT_AUDIT_KEYS", numbered)


def _change(env: Mapping[str, str], database: str, name: str, change: Callable[[str], str]) -> Path:
    """Write one line of the file anew; whoever reads it meanwhile finds it as it was or as it
    is.
    """
    path = place(env)
    if env.get(name) or env.get("HANDVAT_KIND") == "rehearsal" or path is None or not path.exists():
        raise KeysElsewhere(f"{name} is not read from a file here: change it where it comes from.")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # of the folder: the file itself is replaced
        keys = told(env, database).get(name)
        if not keys:
            raise KeysElsewhere(f"{path} has no line {name}=.")
        lines = path.read_text(encoding="utf-8").splitlines()
        new = [f"{name}={change(keys)}" if line.startswith(f"{name}=") else line for line in lines]
        with _written_beside(path, "".join(f"{line}\n" for line in new)) as half:
            half.rename(path)
    finally:
        os.close(folder)
    return path


@contextmanager
def _written_beside(path: Path, text: str) -> Iterator[Path]:
    """A file of mode 600 in the same folder, safely on disk; gone afterwards unless it was
    renamed.
    """
    number, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def new() -> dict[str, str]:
    """Fresh keys, under the names that the environment gives them."""
    return {
        "HANDVAT_SECRET_KEY": secrets.token_urlsafe(48),
        "HANDVAT_FIELD_KEYS": Fernet.generate_key().decode(),
        "HANDVAT_HASH_KEY": secrets.token_urlsafe(48),
        "HANDVAT_AUDIT_KEYS": f"1:{secrets.token_urlsafe(48)}",
    }


def _check_place(path: Path, database: str) -> None:
    if path.resolve().parent == Path(database).resolve().parent:
        raise UnfitKeysFile(
            f"{path} lies beside the database; name another folder in HANDVAT_KEYS_FILE."
        )


def _read(path: Path) -> dict[str, str]:
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, value = line.partition("=")
        if name not in SECRETS:  # what stands there is not shown: it may be a key
            raise UnfitKeysFile(
                f"line {number} of {path} does not begin with one of {', '.join(SECRETS)}, and =."
            )
        found[name] = value.strip()
    return found
