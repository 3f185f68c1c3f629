"""Rows written as SQL: for what every action passes, building a statement through the ORM costs
more than running it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from django.db import connection, models, transaction

from trial import facts
from trial.prepared import Answer, Statement, at_once

GATE = 4107  # of advisory locks, so that none of another kind is meant


def pass_gate(study: int, *, alone: bool = False) -> None:
    """A fair queue in front of a study's row, held until the transaction ends: draws pass together,
    whoever stops them passes alone. PostgreSQL lets those who lock a row for sharing pass whoever
    waits to change it, so that a pause would wait for as long as people keep coming.
    """
    at_once(*gate(study, alone=alone))


def gate(study: int, *, alone: bool = False) -> list[Statement]:
    """The same, to be sent before what is asked behind the gate. A statement of its own: what is
    asked in it would be seen as it stood before the gate was passed.
    """
    if connection.vendor != "postgresql":
        return []
    kind = "" if alone else "_shared"
    text = f"SELECT pg_advisory_xact_lock{kind}(%s, mod(%s, 2147483647)::int)"
    return [Statement(text, [GATE, study])]


def insert(row: models.Model, *, unless: Sequence[str] = ()) -> bool:
    """Write a new row; whether it was written. Its number, where the database gives one, is read
    back of a fact alone.

    `unless` names columns that are unique together: where a row with the same stands already
    nothing is written, and where one is being written right now, that is waited for.
    """
    (answer,) = at_once(insertion(row, unless=unless))
    return bool(answer.rows) or answer.count == 1


def update(model: type[models.Model], where: Mapping[str, Any], **new: Any) -> int:
    """Set what is `new` where all columns are as `where` says; how many rows that is."""
    (answer,) = at_once(change(model, where, **new))
    return len(answer.rows) or answer.count


def insertion(row: models.Model, *, unless: Sequence[str] = ()) -> Statement:
    """What `insert` sends, to be sent with others."""
    database = transaction.get_connection()
    values = [
        field.get_db_prep_save(getattr(row, field.attname), database)
        for field in _written(type(row))
    ]
    heard = partial(_new, row) if isinstance(row, facts.Fact) else None
    return Statement(_insertion(type(row), tuple(unless)), values, heard)


def change(model: type[models.Model], where: Mapping[str, Any], **new: Any) -> Statement:
    """What `update` sends, to be sent with others."""
    database = transaction.get_connection()
    asked = {name: value for name, value in where.items() if value is not None}
    values = [
        _column(model, name).get_db_prep_save(value, database)
        for name, value in [*new.items(), *asked.items()]
    ]
    empty = tuple(name for name in where if name not in asked)
    is_fact = _changes_facts(model, tuple(new))
    heard: Any = partial(facts.note_standing, model) if is_fact else None  # type: ignore[arg-type]
    return Statement(_change(model, tuple(new), tuple(asked), empty), values, heard)


def removal(model: type[models.Model], where: Mapping[str, Any]) -> Statement:
    """Of rows that nothing hangs on."""
    quote = connection.ops.quote_name
    same = " AND ".join(f"{quote(name)} = %s" for name in where)
    table = quote(model._meta.db_table)
    return Statement(f"DELETE FROM {table} WHERE {same}", list(where.values()))  # noqa: S608


def joined(*writes: Statement) -> list[Statement]:
    """Writes to tables of their own, none of which needs another, where PostgreSQL takes all as one
    statement. What comes of the last is heard alone.
    """
    *before, last = writes
    if any(each.heard for each in before):
        raise ValueError("what comes of any but the last would not be heard")
    if connection.vendor != "postgresql":
        return list(writes)
    if not before:
        return [last]
    texts = [f"w{number} AS ({each.text})" for number, each in enumerate(before)]
    values = [value for each in writes for value in each.values]
    return [Statement(f"WITH {', '.join(texts)} {last.text}", values, last.heard)]


def _new(row: facts.Fact, answer: Answer) -> None:
    if answer.rows:
        row.pk = answer.rows[0][0]
        facts.note_standing(type(row), answer)


@lru_cache
def _written(model: type[models.Model]) -> tuple[models.Field, ...]:
    return tuple(
        field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)
    )


@lru_cache
def _insertion(model: type[models.Model], unless: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    names = [quote(str(field.column)) for field in _written(model)]
    conflict = f" ON CONFLICT ({', '.join(map(quote, unless))}) DO NOTHING" if unless else ""
    places = ", ".join(["%s"] * len(names))
    standing = f" RETURNING {facts.standing(model)}" if issubclass(model, facts.Fact) else ""
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(names)}) VALUES "  # noqa: S608
        f"({places}){conflict}{standing}"
    )


@lru_cache
def _column(model: type[models.Model], name: str) -> models.Field:
    return next(field for field in model._meta.concrete_fields if field.column == name)


@lru_cache
def _change(
    model: type[models.Model], new: tuple[str, ...], where: tuple[str, ...], empty: tuple[str, ...]
) -> str:
    quote = connection.ops.quote_name
    values, same = ([f"{quote(name)} = %s" for name in names] for names in (new, where))
    same += [f"{quote(name)} IS NULL" for name in empty]
    standing = f" RETURNING {facts.standing(model)}" if _changes_facts(model, new) else ""
    return (
        f"UPDATE {quote(model._meta.db_table)} SET {', '.join(values)} WHERE "  # noqa: S608
        f"{' AND '.join(same)}{standing}"
    )


@lru_cache
def _changes_facts(model: type[models.Model], new: tuple[str, ...]) -> bool:
    return issubclass(model, facts.Fact) and facts.names_facts(model, new)
