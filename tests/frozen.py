"""People and studies that are made once a process and put back row by row afterwards.

Most tests begin with the same study and the same person, made by the real actions at some 200
statements each. What those wrote is kept the first time, and the next test that asks for the same
in the same database gets the same rows.

That holds only while nothing else could have had a say: a write in between, on whatever connection
of this process, settings or code that a test replaced, or a clock that it moved and lets run. Then,
and whenever it is in doubt, they are made by the actions again. A process that a test starts is not
seen; what it wrote would collide with the rows, and fail the test.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.conf import UserSettingsHolder, settings
from django.db import connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

ROOT = Path(__file__).resolve().parent.parent
# Counters and sign-ins: no factory reads them.
BESIDE = ("shared_cache", "django_session", 'UPDATE "trial_user" SET "last_login"')
READS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "PRAGMA", "SET ", "BEGIN", "SHOW")
Key = tuple
Rows = dict[Any, dict[str, Any]]  # primary key -> row


@dataclass(frozen=True)
class Written:
    """What somebody wrote, by table: rows to insert, and columns to change by primary key; and the
    type and key of what came back.
    """

    inserted: dict[str, list[tuple]]
    changed: dict[str, list[tuple[Any, dict[str, Any]]]]
    result: tuple[type[models.Model], Any]


@dataclass
class Where:
    """`state` names what the database holds; None says that nobody knows."""

    state: Key | None = None
    patched: pytest.MonkeyPatch | None = None
    patches: int = 0
    kept: dict[Key, Written] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        return self.state is not None and not (
            isinstance(settings._wrapped, UserSettingsHolder)
            or _clock() is None
            or (self.patched is not None and _count(self.patched) != self.patches)
        )


here = Where()


def begin(monkeypatch: pytest.MonkeyPatch, *, is_taken_back: bool) -> None:
    """At the start of a test. What is known is that nothing stands in a database that each test
    leaves as it found it.

    Whoever hears statements keeps them from being sent together (trial.prepared): where that is
    what is tried, a test is marked `as_in_service`.
    """
    here.patched, here.patches = monkeypatch, _count(monkeypatch)
    here.state = (connection.vendor,) if is_taken_back else None
    if is_taken_back:
        _watched(connection)
        connection_created.connect(_watched, dispatch_uid="tests.frozen")
    else:
        connection_created.disconnect(dispatch_uid="tests.frozen")
        if _watch in connection.execute_wrappers:
            connection.execute_wrappers.remove(_watch)


def frozen(make: Callable[..., Any]) -> Callable[..., Any]:
    """For a function that writes and returns one row; its arguments are rows, plain values, and
    paths of this project.
    """

    @wraps(make)
    def made(*args: Any, **named: Any) -> Any:
        key = _key(make, args, named) if here.is_known else None
        if key is None:
            return make(*args, **named)
        if key not in here.kept:
            before = _tables()
            result = make(*args, **named)
            here.kept[key] = _difference(before, _tables(), result)
            here.state = key
            return result
        written = here.kept[key]
        _write(written)
        here.state = key
        model, pk = written.result
        return model._default_manager.get(pk=pk)

    return made


def _clock() -> float | None:
    """Where a test stopped the clock; 0 where it runs as everywhere, None where the test moved it
    and it runs on.
    """
    if not time_machine.escape_hatch.is_travelling():
        return 0.0
    first = time.time()
    return first if time.time() == first else None


def _count(monkeypatch: pytest.MonkeyPatch) -> int:
    return len(monkeypatch._setattr) + len(monkeypatch._setitem)


def _watched(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(_watch)


def _watch(execute: Callable, sql: str, params: Any, many: bool, context: dict) -> Any:
    if (
        here.state is not None
        and not sql.lstrip().upper().startswith(READS)
        and not any(map(sql.__contains__, BESIDE))
    ):
        here.state = None
    return execute(sql, params, many, context)


def _key(make: Callable[..., Any], args: tuple, named: dict[str, Any]) -> Key | None:
    try:
        given = [
            *map(_plain, args),
            *((name, _plain(value)) for name, value in sorted(named.items())),
        ]
    except TypeError:
        return None
    return (here.state, _clock(), make.__qualname__, *given)


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return (value._meta.label, value.pk)
    if isinstance(value, Path):
        if not value.is_relative_to(ROOT):
            raise TypeError(f"{value} may change")
        return str(value)
    if value is None or isinstance(value, str | int | float | datetime):
        return value
    raise TypeError(f"{type(value)} is not plain")


def _models() -> list[type[models.Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


def _tables() -> dict[str, Rows]:
    found = {}
    with connection.cursor() as cursor:
        for model in _models():
            table = model._meta.db_table
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            places = [names.index(field.column) for field in model._meta.pk_fields]
            found[table] = {
                tuple(row[place] for place in places): dict(zip(names, row, strict=True))
                for row in cursor.fetchall()
            }
    return found


def _difference(before: dict[str, Rows], after: dict[str, Rows], result: models.Model) -> Written:
    gone = {table: rows.keys() - after[table].keys() for table, rows in before.items()}
    assert not any(gone.values()), f"a factory deletes: {gone}"
    inserted = {
        table: [tuple(row.values()) for pk, row in rows.items() if pk not in before[table]]
        for table, rows in after.items()
    }
    changed = {
        table: [
            (pk, {name: value for name, value in row.items() if value != before[table][pk][name]})
            for pk, row in rows.items()
            if row != before[table].get(pk, row)
        ]
        for table, rows in after.items()
    }
    return Written(
        {table: rows for table, rows in inserted.items() if rows},
        {table: rows for table, rows in changed.items() if rows},
        (type(result), result.pk),
    )


def _write(written: Written) -> None:
    quote = connection.ops.quote_name
    with transaction.atomic(), connection.cursor() as cursor:
        for model in _models():
            table = model._meta.db_table
            key = " AND ".join(f"{quote(field.column)} = %s" for field in model._meta.pk_fields)
            if rows := written.inserted.get(table):
                places = ", ".join(["%s"] * len(rows[0]))
                cursor.executemany(f"INSERT INTO {quote(table)} VALUES ({places})", rows)
            for pk, columns in written.changed.get(table, []):
                sets = ", ".join(f"{quote(name)} = %s" for name in columns)
                cursor.execute(
                    f"UPDATE {quote(table)} SET {sets} WHERE {key}", [*columns.values(), *pk]
                )
