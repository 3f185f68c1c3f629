"""The empty database of a rehearsal: migrated once for this code and these keys, and copied from
then on.
"""

from __future__ import annotations

import hmac
import os
import shutil
from contextlib import suppress
from pathlib import Path

import django
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
    kept = _directory() / f"{_fingerprint()}.sqlite3"
    connection.close()
    try:
        shutil.copyfile(kept, str(connection.settings_dict["NAME"]))
    except OSError:
        stamp.start()
        with suppress(OSError, OperationalError):  # no room, or no right: made anew each time
            _keep(kept)


def _keep(kept: Path) -> None:
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = kept.with_suffix(f".{os.getpid()}")
    made.unlink(missing_ok=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(made)])
    made.replace(kept)
    by_age = sorted(kept.parent.glob("*.sqlite3"), key=lambda each: each.stat().st_mtime)
    for old in by_age[:-KEPT]:
        old.unlink(missing_ok=True)


def _directory() -> Path:
    """Where a machine keeps what can be made again (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "handvat"


def _fingerprint() -> str:
    """Of all that an empty database is made from: our sources, Django, and the keys it is for."""
    digest = hmac.new(b"\0".join(settings.FIELD_KEYS), digestmod="sha256")
    digest.update(django.__version__.encode())
    apps = ("trial", "outcomes", "randomisation", "coaching_protocol", "reports")
    for path in sorted(each for app in apps for each in (settings.BASE_DIR / app).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
