"""Statements that are built once, planned once for each connection, and sent together: to build one
through the ORM costs several times what it costs to run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Generic, NamedTuple, ParamSpec, TypeVar

from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import compiler as sql

P = ParamSpec("P")
R = TypeVar("R")
FIELDS = {
    "int": models.BigIntegerField,
    "str": models.TextField,
    "bool": models.BooleanField,
    "datetime": models.DateTimeField,
    "date": models.DateField,
}


@dataclass(frozen=True)
class Answer:
    rows: list[tuple[Any, ...]]  # none of what answers none
    count: int  # of rows that were read or written


class Statement(NamedTuple):
    text: str
    values: Sequence[Any]
    heard: Callable[[Answer], None] | None = None  # called with what came of it


def at_once(*statements: Statement) -> list[Answer]:
    """Each statement after the one before it, seeing all that was committed until then; on
    PostgreSQL in one way there and back. What follows on one that fails is not done.
    """
    database = transaction.get_connection()
    is_heard = database.execute_wrappers or database.queries_logged  # who counts hears each
    if database.vendor == "postgresql" and not is_heard:
        answers = _on_postgresql(database, statements)
    else:
        sent = (_executed(database.cursor(), each) for each in statements)
        answers = [_answer(cursor, bool(cursor.description)) for cursor in sent]
    for statement, answer in zip(statements, answers, strict=True):
        if statement.heard:
            statement.heard(answer)
    return answers


def _on_postgresql(database: BaseDatabaseWrapper, statements: Sequence[Statement]) -> list[Answer]:
    """By cursors whose statements the server keeps (`prepare_threshold` in settings). Django's own
    put values into the text, so that each is read and planned anew.
    """
    import psycopg

    database.validate_thread_sharing()
    database.close_if_health_check_failed()  # as a cursor of Django's begins
    database.ensure_connection()
    database.validate_no_broken_transaction()
    own: Any = database.connection
    with database.wrap_database_errors, own.pipeline() if len(statements) > 1 else nullcontext():
        sent = [_executed(psycopg.Cursor(own), each) for each in statements]
    return [_answer(each, each.pgresult.nfields > 0) for each in sent]


def _executed(cursor: Any, statement: Statement) -> Any:
    cursor.execute(statement.text, statement.values)
    return cursor


def _answer(cursor: Any, has_rows: bool) -> Answer:
    rows = cursor.fetchall() if has_rows else []
    count = cursor.rowcount
    cursor.close()
    return Answer(rows, count)


class NotPreparable(Exception):
    """A parameter of a kind that has no place in a statement: a list, or what may be None."""


class Prepared(Generic[P, R]):
    """Asks for rows with values. `build` says which, from a place for each of its parameters: it is
    called once for each kind of database, so it may look at nothing else that changes. Parameters
    are numbers, texts, truth values, moments or days, as annotated, and never None: SQL asks for
    what is not there in other words.
    """

    def __init__(self, build: Callable[P, models.QuerySet[Any, R]]) -> None:
        self._build = build
        self._slots = [
            _Slot(name, self._field(name, parameter.annotation))
            for name, parameter in inspect.signature(build).parameters.items()
        ]
        self._statements: dict[str, _Statement] = {}

    def __call__(self, *given: P.args, **named: P.kwargs) -> list[R]:
        """Every row."""
        (answer,) = at_once(self.asked(*given, **named))
        return self.made(answer.rows)

    def asked(self, *given: P.args, **named: P.kwargs) -> Statement:
        """To be sent with others; `made` makes rows of the answer."""
        connection = transaction.get_connection()  # each thread has its own
        return self._statement(connection).asked(self._bound(given, named, connection), connection)

    def made(self, rows: Sequence[tuple[Any, ...]]) -> list[R]:
        connection = transaction.get_connection()
        return self._statement(connection).made(rows, connection)

    def first(self, *given: P.args, **named: P.kwargs) -> R | None:
        return next(iter(self(*given, **named)), None)

    def one(self, *given: P.args, **named: P.kwargs) -> R:
        """The only row; raises the DoesNotExist of its model."""
        found = self(*given, **named)
        if len(found) != 1:
            model = self._statement(transaction.get_connection()).model
            raise model.DoesNotExist(f"{len(found)} rows where one was wanted")
        return found[0]

    def _statement(self, connection: Any) -> _Statement:
        vendor = connection.vendor
        if vendor not in self._statements:
            self._statements[vendor] = _Statement(self._build(*self._slots))  # type: ignore
        return self._statements[vendor]

    def _bound(
        self, given: tuple[Any, ...], named: Mapping[str, Any], connection: Any
    ) -> dict[str, Any]:
        if named or len(given) != len(self._slots) or None in given:
            raise NotPreparable(f"{self._build.__qualname__} takes {len(self._slots)} values")
        return {
            slot.name: slot.output_field.get_db_prep_value(value, connection)
            for slot, value in zip(self._slots, given, strict=True)
        }

    def _field(self, name: str, annotation: str) -> models.Field:
        try:
            return FIELDS[annotation]()
        except KeyError:
            raise NotPreparable(f"{self._build.__qualname__}: {name} is {annotation}") from None


def prepared(build: Callable[P, models.QuerySet[Any, R]]) -> Prepared[P, R]:
    """To be written above a function that gives the rows."""
    return Prepared(build)


class Saved(models.Model):
    """A row that is saved by statements which are built once for its columns. All else about saving
    is Django's.
    """

    class Meta:
        abstract = True

    def _do_update(  # type: ignore[override]
        self, base_qs: Any, using: Any, pk_val: Any, values: Any, *others: Any
    ) -> Any:
        if not values or any(hasattr(value, "resolve_expression") for *_, value in values):
            return super()._do_update(base_qs, using, pk_val, values, *others)
        connection = transaction.get_connection(using)
        given = [field.get_db_prep_save(value, connection) for field, _, value in values]
        columns = tuple(field.column for field, *_ in values)
        with connection.cursor() as cursor:
            cursor.execute(_changing(type(self), columns, connection.vendor), [*given, pk_val])
            return cursor.rowcount > 0

    def _do_insert(
        self, manager: Any, using: Any, fields: Any, returning_fields: Any, raw: Any
    ) -> Any:
        values = [
            getattr(self, field.attname) if raw else field.pre_save(self, True) for field in fields
        ]
        if any(hasattr(value, "resolve_expression") for value in values):
            return super()._do_insert(manager, using, fields, returning_fields, raw)  # type: ignore[misc]
        connection = transaction.get_connection(using)
        given = [
            field.get_db_prep_save(value, connection)
            for field, value in zip(fields, values, strict=True)
        ]
        columns = tuple(field.column for field in fields)
        returned = tuple(field.column for field in returning_fields)
        with connection.cursor() as cursor:
            cursor.execute(_adding(type(self), columns, returned, connection.vendor), given)
            return [cursor.fetchone()] if returned else []


@lru_cache
def _changing(model: type[models.Model], columns: tuple[str, ...], vendor: str) -> str:
    quote = transaction.get_connection().ops.quote_name
    new = ", ".join(f"{quote(column)} = %s" for column in columns)
    key = quote(model._meta.pk.column)  # type: ignore[union-attr,arg-type]
    return f"UPDATE {quote(model._meta.db_table)} SET {new} WHERE {key} = %s"  # noqa: S608


@lru_cache
def _adding(
    model: type[models.Model], columns: tuple[str, ...], returned: tuple[str, ...], vendor: str
) -> str:
    quote = transaction.get_connection().ops.quote_name
    back = f" RETURNING {', '.join(map(quote, returned))}" if returned else ""
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, columns))}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * len(columns))}){back}"
    )


class _Slot(models.Expression):
    """The place of a value."""

    def __init__(self, name: str, output_field: models.Field) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: sql.SQLCompiler, connection: Any) -> Any:
        return "%s", [self]


class _Statement:
    """A compiled query, which stands in for query and compiler where Django's own code makes rows
    of what the database answers.
    """

    def __init__(self, asked: models.QuerySet) -> None:
        if asked._prefetch_related_lookups:  # type: ignore[attr-defined]
            raise NotPreparable("what is prefetched is asked for by statements of its own")
        self.model: Any = asked.model
        self._makes: Any = asked._iterable_class  # type: ignore[attr-defined]
        self._fields = asked._fields  # type: ignore[attr-defined]
        self._is_held = asked.query.select_for_update
        compiler = asked.query.get_compiler(asked.db)
        self._text, self._parameters = compiler.as_sql()
        self.select, self.klass_info = compiler.select, compiler.klass_info
        self.annotation_col_map = compiler.annotation_col_map
        columns = [each for each, *_ in self.select[: compiler.col_count]]
        self._converters = [
            (place, converter, column)
            for place, (converters, column) in compiler.get_converters(columns).items()
            for converter in converters
        ]

    def asked(self, given: Mapping[str, Any], connection: Any) -> Statement:
        if self._is_held and not connection.in_atomic_block:
            raise transaction.TransactionManagementError("a row is held within a transaction")
        bound = [given[each.name] if isinstance(each, _Slot) else each for each in self._parameters]
        return Statement(self._text, bound)

    def made(self, rows: Sequence[tuple[Any, ...]], connection: Any) -> list[Any]:
        found = [list(row) for row in rows]
        for place, converter, column in self._converters:
            for row in found:
                row[place] = converter(row[place], column, connection)
        return list(self._makes(_Answered(self, found, connection.alias))) if found else []


class _Answered:
    """What the database answered, as Django's makers of rows ask for it: of a queryset, of its
    query and of the compiler of that.
    """

    _known_related_objects: ClassVar[dict[Any, Any]] = {}

    def __init__(self, statement: _Statement, found: list[list[Any]], db: str) -> None:
        self.query, self.db, self._found = self, db, found
        self.model, self._fields = statement.model, statement._fields
        self.select, self.klass_info = statement.select, statement.klass_info
        self.annotation_col_map = statement.annotation_col_map

    def get_compiler(self, *_: Any, **__: Any) -> _Answered:
        return self

    def execute_sql(self, *_: Any, **__: Any) -> list[list[Any]]:
        return self._found

    def results_iter(self, *_: Any, tuple_expected: bool = False, **__: Any) -> Iterable[Any]:
        return map(tuple, self._found) if tuple_expected else self._found
