"""What a database is for: a rehearsal or a live study. Each kind refuses the other's commands."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from trial import triggers
from trial.models import Stamp

KINDS = ("live", "rehearsal")


class WrongDatabase(Exception):
    """This command is for the other kind of database."""


def prepare_database(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """After every migrate: the shared cache's table, the stamp at the first time, the triggers each time."""
    connection = connections[using]
    if Stamp._meta.db_table not in connection.introspection.table_names():
        return  # migrated backwards, or another app first
    call_command("createcachetable", database=using, verbosity=0)
    if not Stamp.objects.using(using).exists():
        kind = settings.DATABASE_KIND
        if kind not in KINDS:
            raise WrongDatabase(f"HANDVAT_KIND must be one of {', '.join(KINDS)}, not {kind!r}")
        Stamp.objects.using(using).create(kind=kind, stamped_at=timezone.now())
    triggers.install(connection)


def start() -> None:
    """Migrate a database in which nothing stands yet, for the commands that begin an installation. One in use is left to
    whoever runs it, since a migration may need the site to stand still."""
    connection = connections[DEFAULT_DB_ALIAS]
    if Stamp._meta.db_table not in connection.introspection.table_names():
        call_command("migrate", verbosity=0)


def kind() -> str:
    return Stamp.objects.order_by("pk").values_list("kind", flat=True)[0]


def check_kind(wanted: str) -> None:
    """Raises WrongDatabase unless this database is of the wanted kind."""
    found = kind()
    if found != wanted:
        raise WrongDatabase(f"This is a {found} database; the command is for a {wanted} one.")


def kind_of_file(path: Path) -> str:
    """What an embedded database that is not ours now is for, read without writing; "" where no stamp can be read."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute(f"SELECT kind FROM {Stamp._meta.db_table} ORDER BY id").fetchone()  # noqa: S608
    except sqlite3.Error:
        return ""
    return str(found[0]) if found else ""
