"""People and studies that are made once a process and put back row by row afterwards.

Most tests begin with the same study and the same person, made by the real actions at some 200 statements each. What
those wrote is kept the first time, and the next test that asks for the same in the same database gets the same rows.

That holds only while nothing else could have had a say: a write in between, settings or code that a test replaced, a clock
that it moved, or transactions that others see. Then, and whenever it is in doubt, they are made by the actions again.
"""

from __future__ import annotations

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
from django.db import connection, models

ROOT = Path(__file__).resolve().parent.parent
READS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "PRAGMA", "SET ", "BEGIN", "SHOW")
Key = tuple
Rows = dict[Any, tuple]  # primary key -> row


@dataclass(frozen=True)
class Written:
    """What somebody wrote, by table: rows to insert, rows to change; and the type and key of what came back."""

    inserted: dict[str, list[tuple]]
    changed: dict[str, list[tuple]]
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
            or time_machine.escape_hatch.is_travelling()
            or (self.patched is not None and _count(self.patched) != self.patches)
        )


here = Where()


def begin(monkeypatch: pytest.MonkeyPatch, *, is_rolled_back: bool) -> None:
    """At the start of a test. Only what one transaction holds, and takes back, is known."""
    here.patched, here.patches = monkeypatch, _count(monkeypatch)
    here.state = (connection.vendor,) if is_rolled_back else None
    if is_rolled_back and _watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(_watch)


def frozen(make: Callable[..., Any]) -> Callable[..., Any]:
    """For a function that writes and returns one row; its arguments are rows, plain values, and paths of this project."""

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


def _count(monkeypatch: pytest.MonkeyPatch) -> int:
    return len(monkeypatch._setattr) + len(monkeypatch._setitem)


def _watch(execute: Callable, sql: str, params: Any, many: bool, context: dict) -> Any:
    if not sql.lstrip().upper().startswith(READS):
        here.state = None
    return execute(sql, params, many, context)


def _key(make: Callable[..., Any], args: tuple, named: dict[str, Any]) -> Key | None:
    try:
        given = [*map(_plain, args), *((name, _plain(value)) for name, value in sorted(named.items()))]
    except TypeError:
        return None
    return (here.state, make.__qualname__, *given)


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
            table, keys = model._meta.db_table, model._meta.pk.column
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            place = [column[0] for column in cursor.description].index(keys)
            found[table] = {row[place]: row for row in cursor.fetchall()}
    return found


def _difference(before: dict[str, Rows], after: dict[str, Rows], result: models.Model) -> Written:
    gone = {table: rows.keys() - after[table].keys() for table, rows in before.items()}
    assert not any(gone.values()), f"a factory deletes: {gone}"
    inserted = {table: [row for pk, row in rows.items() if pk not in before[table]] for table, rows in after.items()}
    changed = {
        table: [row for pk, row in rows.items() if pk in before[table] and row != before[table][pk]]
        for table, rows in after.items()
    }
    return Written(
        {table: rows for table, rows in inserted.items() if rows},
        {table: rows for table, rows in changed.items() if rows},
        (type(result), result.pk),
    )


def _write(written: Written) -> None:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for model in _models():
            table = model._meta.db_table
            if table in written.inserted:
                rows = written.inserted[table]
                cursor.executemany(f"INSERT INTO {quote(table)} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
            if table in written.changed:
                columns = _columns(cursor, table)
                pk = columns.index(model._meta.pk.column)
                sets = ", ".join(f"{quote(name)} = %s" for name in columns)
                cursor.executemany(
                    f"UPDATE {quote(table)} SET {sets} WHERE {quote(columns[pk])} = %s",
                    [(*row, row[pk]) for row in written.changed[table]],
                )


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} WHERE 1 = 0")
    return [column[0] for column in cursor.description]
