"""The empty database of a rehearsal: migrated once for this code and these keys, and copied from
then on.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.db import OperationalError, connection

from trial import stamp

KEPT = 4  # of the newest code; what older code left goes


def lay() -> None:
    """An empty database where none stands: a copy of the one that was kept, or else migrated, and
    kept. Only an embedded database of a rehearsal: a live one is made by its own migrations.
    """
    if stamp.stands():
        return
    if connection.vendor != "sqlite" or settings.DATABASE_KIND != "rehearsal":
        stamp.start()
        return
    connection.close()
    path = Path(str(connection.settings_dict["NAME"]))
    try:
        kept = _directory() / f"{_fingerprint()}.sqlite3"
        with _whole(path) as copy:
            shutil.copyfile(kept, copy)
        return
    except (OSError, RuntimeError):  # nothing is kept yet, or the user has no home
        stamp.start()
    with suppress(OSError, RuntimeError, OperationalError):  # no room, or no right: anew each time
        _keep(_directory() / f"{_fingerprint()}.sqlite3")


def _keep(kept: Path) -> None:
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _whole(kept) as made, connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(made)])
    by_age = sorted(kept.parent.glob("*.sqlite3"), key=lambda each: each.stat().st_mtime)
    for old in by_age[:-KEPT]:
        old.unlink(missing_ok=True)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A name beside `path`, which becomes it once all is written; where that fails nothing is
    left.
    """
    aside = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _directory() -> Path:
    """Where a machine keeps what can be made again (XDG Base Directory Specification). Raises
    RuntimeError for a user without a home.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "handvat"


def _fingerprint() -> str:
    """Of all that an empty database is made from: our sources, the packages whose migrations are
    run, and the keys it is for.
    """
    digest = hmac.new(b"\0".join(settings.FIELD_KEYS), digestmod="sha256")
    for each in apps.get_app_configs():
        root = Path(each.path)
        is_ours = root.parent == settings.BASE_DIR
        for path in sorted(root.rglob("*.py") if is_ours else (root / "migrations").glob("*.py")):
            content = path.read_bytes()
            digest.update(f"{each.label}/{path.relative_to(root)} {len(content)}\n".encode())
            digest.update(content)
    digest.update(django.__version__.encode())
    return digest.hexdigest()[:32]
