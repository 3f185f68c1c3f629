"""Rows written as SQL: for what every action passes, building a statement through the ORM costs
more than running it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models

from trial import facts

Statement = tuple[str, list[Any]]  # and the values in it
GATE = 4107  # of advisory locks, so that none of another kind is meant


def pass_gate(study: int, *, alone: bool = False) -> None:
    """A fair queue in front of a study's row, held until the transaction ends: draws pass together,
    whoever stops them passes alone. PostgreSQL lets those who lock a row for sharing pass whoever
    waits to change it, so that a pause would wait for as long as people keep coming.
    """
    if connection.vendor == "postgresql":
        kind = "" if alone else "_shared"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT pg_advisory_xact_lock{kind}(%s, mod(%s, 2147483647)::int)", [GATE, study]
            )


def insert(row: models.Model, *, unless: Sequence[str] = ()) -> bool:
    """Write a new row; whether it was written. Its number, where the database gives one, is read
    back of a fact alone.

    `unless` names columns that are unique together: where a row with the same stands already
    nothing is written, and where one is being written right now, that is waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute(*insertion(row, unless=unless))
        if not isinstance(row, facts.Fact):
            return cursor.rowcount == 1
        written = cursor.fetchone()
    if written:
        row.pk = written[0]
        facts.note_new(row)
    return written is not None


def update(model: type[models.Model], where: Mapping[str, Any], **new: Any) -> int:
    """Set what is `new` where all columns are as `where` says; how many rows that is. A fact is
    named by its number.
    """
    with connection.cursor() as cursor:
        cursor.execute(*change(model, where, **new))
        count = cursor.rowcount
    if issubclass(model, facts.Fact):
        facts.note_changed(model, where["id"], new)
    return count


def at_once(*statements: Statement) -> None:
    """One after the other, of no facts: on PostgreSQL in one way there and back."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            texts, values = zip(*statements, strict=True)
            cursor.execute("; ".join(texts), [each for given in values for each in given])
        else:
            for statement in statements:
                cursor.execute(*statement)


def insertion(row: models.Model, *, unless: Sequence[str] = ()) -> Statement:
    values = [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in _written(type(row))
    ]
    return _insertion(type(row), tuple(unless)), values


def change(model: type[models.Model], where: Mapping[str, Any], **new: Any) -> Statement:
    asked = {name: value for name, value in where.items() if value is not None}
    values = [
        _column(model, name).get_db_prep_save(value, connection)
        for name, value in [*new.items(), *asked.items()]
    ]
    empty = tuple(name for name in where if name not in asked)
    return _change(model, tuple(new), tuple(asked), empty), values


def removal(model: type[models.Model], where: Mapping[str, Any]) -> Statement:
    """Of rows that nothing hangs on."""
    quote = connection.ops.quote_name
    same = " AND ".join(f"{quote(name)} = %s" for name in where)
    table = quote(model._meta.db_table)
    return f"DELETE FROM {table} WHERE {same}", list(where.values())  # noqa: S608


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
    number = (
        f" RETURNING {quote(str(model._meta.pk.column))}" if issubclass(model, facts.Fact) else ""
    )
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(names)}) VALUES "  # noqa: S608
        f"({places}){conflict}{number}"
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
    return (
        f"UPDATE {quote(model._meta.db_table)} SET {', '.join(values)} WHERE "  # noqa: S608
        f"{' AND '.join(same)}"
    )
