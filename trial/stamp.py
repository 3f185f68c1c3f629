"""What a database is for: a rehearsal or a live study. Each kind refuses the other's commands."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from trial import triggers, vault
from trial.models import Stamp

KINDS = ("live", "rehearsal")
MARKER = "made with these keys"


class WrongDatabase(Exception):
    """This command is for the other kind of database."""


class WeakKeys(CommandError):
    """A live database is not opened with keys that stand in the source, or are short. A
    CommandError, so that every command says it in a line, wherever the database is opened first.
    """


class OtherKeys(CommandError):
    """None of the field keys opens what this database was stamped with: it was made with others."""


_known_kinds: dict[
    tuple[str, str, str], str
] = {}  # of databases that this process has opened: neither they nor its keys change


def check_keys(sender: object, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Whenever a database is opened: raises WeakKeys for a live one and OtherKeys for one that was
    made with others, and leaves it closed. What has no stamp yet holds nothing, and is refused when
    it would be migrated to a live one (`check_keys_before_migrating`).
    """
    where = (
        connection.vendor,
        str(connection.settings_dict["NAME"]),
        str(connection.settings_dict["HOST"]),
    )
    kind, marker = (_known_kinds[where], "") if where in _known_kinds else _stamped(connection)
    if kind == "live" and settings.WEAK_KEYS:
        connection.close()
        raise _weak_keys()
    if marker and not vault.opens(marker):
        connection.close()
        raise OtherKeys(
            "This database was made with other keys: none of HANDVAT_FIELD_KEYS opens what is "
            "sealed in it. Give it the keys "
            "that it was made with; where keys were changed, put the older ones behind the newest "
            "until manage.py "
            "rotate_keys says that they can be taken out."
        )
    if kind:
        _known_kinds[where] = kind


def check_keys_before_migrating(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    if settings.WEAK_KEYS and (_stamped(connections[using])[0] or settings.DATABASE_KIND) == "live":
        raise _weak_keys()


def open_once() -> None:
    """Open the database and close it again, so that a site that may not serve it does not start.
    One that is away for the moment is waited for by whoever asks for a page.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    was_open = connection.connection is not None
    try:
        connection.ensure_connection()
    except OperationalError:
        return
    if not was_open:  # else whoever opened it may be in the middle of something
        connection.close()


def _weak_keys() -> WeakKeys:
    return WeakKeys(
        f"A live database is not opened with these keys: {'; '.join(settings.WEAK_KEYS)}. "
        "manage.py make_keys makes some (make run does it by itself); the README says what losing "
        "them means."
    )


def _stamped(connection: BaseDatabaseWrapper) -> tuple[str, str]:
    """The kind that the stamp says, and its sealed marker; "" twice where there is no stamp."""
    if Stamp._meta.db_table not in connection.introspection.table_names():
        return "", ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT kind, marker_sealed FROM {Stamp._meta.db_table} ORDER BY id LIMIT 1"  # noqa: S608
        )
        found = cursor.fetchone()
    return (str(found[0]), str(found[1])) if found else ("", "")


def prepare_database(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """After every migrate: the shared cache's table, the stamp at the first time, the triggers each
    time.
    """
    connection = connections[using]
    if Stamp._meta.db_table not in connection.introspection.table_names():
        return  # migrated backwards, or another app first
    call_command("createcachetable", database=using, verbosity=0)
    if not Stamp.objects.using(using).exists():
        kind = settings.DATABASE_KIND
        if kind not in KINDS:
            raise WrongDatabase(f"HANDVAT_KIND must be one of {', '.join(KINDS)}, not {kind!r}")
        Stamp.objects.using(using).create(
            kind=kind, stamped_at=timezone.now(), marker_sealed=vault.seal(MARKER)
        )
    triggers.install(connection)


def start() -> None:
    """Migrate a database in which nothing stands yet, for the commands that begin an installation.
    One in use is left to whoever runs it, since a migration may need the site to stand still.
    """
    if not stands():
        call_command("migrate", verbosity=0)


def stands() -> bool:
    """Whether this database was ever migrated."""
    return Stamp._meta.db_table in connections[DEFAULT_DB_ALIAS].introspection.table_names()


def kind() -> str:
    return Stamp.objects.order_by("pk").values_list("kind", flat=True)[0]


def installation() -> str:
    """A name of this database: no two live ones were stamped in the same microsecond (rehearsals
    may be copies of one, and each has a directory of its own). It stays the same when keys are
    rotated and when a backup is put back.
    """
    stamped_at = Stamp.objects.order_by("pk").values_list("stamped_at", flat=True)[0]
    return f"{stamped_at:%Y%m%dT%H%M%S%f}"


def check_kind(wanted: str) -> None:
    """Raises WrongDatabase unless this database is of the wanted kind."""
    found = kind()
    if found != wanted:
        raise WrongDatabase(f"This is a {found} database; the command is for a {wanted} one.")


def kind_of_file(path: Path) -> str:
    """What an embedded database that is not ours now is for, read without writing; "" where no
    stamp can be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute(
                f"SELECT kind FROM {Stamp._meta.db_table} ORDER BY id"  # noqa: S608
            ).fetchone()
    except sqlite3.Error:
        return ""
    return str(found[0]) if found else ""
