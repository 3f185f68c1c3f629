"""Queries whose statement is built once: to build one through the ORM costs several times what it
costs to run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Generic, ParamSpec, TypeVar

from django.db import connection, models, transaction
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
        return self._statement().rows(self._bound(given, named))

    def first(self, *given: P.args, **named: P.kwargs) -> R | None:
        return next(iter(self(*given, **named)), None)

    def one(self, *given: P.args, **named: P.kwargs) -> R:
        """The only row; raises the DoesNotExist of its model."""
        found = self(*given, **named)
        if len(found) != 1:
            raise self._statement().model.DoesNotExist(f"{len(found)} rows where one was wanted")
        return found[0]

    def _statement(self) -> _Statement:
        vendor = connection.vendor
        if vendor not in self._statements:
            self._statements[vendor] = _Statement(self._build(*self._slots))  # type: ignore
        return self._statements[vendor]

    def _bound(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
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


class _Slot(models.Expression):
    """The place of a value."""

    def __init__(self, name: str, output_field: models.Field) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: sql.SQLCompiler, connection: Any) -> Any:
        return "%s", [self]


class _Statement:
    """A compiled query. Django's own code makes rows of what the database answers: it is given a
    compiler that knows its statement already.
    """

    def __init__(self, asked: models.QuerySet) -> None:
        if asked._prefetch_related_lookups:  # type: ignore[attr-defined]
            raise NotPreparable("what is prefetched is asked for by statements of its own")
        self.model: Any = asked.model
        self._asked = asked
        self._compiler = asked.query.get_compiler(asked.db)
        self._text, self._parameters = self._compiler.as_sql()
        columns = [each for each, *_ in self._compiler.select[: self._compiler.col_count]]
        self._converters = self._compiler.get_converters(columns)

    def rows(self, given: Mapping[str, Any]) -> list[Any]:
        bound = tuple(
            given[each.name] if isinstance(each, _Slot) else each for each in self._parameters
        )
        compiler = copy(self._compiler)
        compiler.connection = transaction.get_connection()  # each thread has its own
        if self._asked.query.select_for_update and not compiler.connection.in_atomic_block:
            raise transaction.TransactionManagementError("a row is held within a transaction")
        compiler.as_sql = lambda *_, **__: (self._text, bound)  # type: ignore[method-assign]
        compiler.get_converters = lambda _: self._converters  # type: ignore[method-assign]
        query = copy(self._asked.query)
        query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        asked = type(self._asked)(self._asked.model, query)
        made: Any = self._asked._iterable_class  # type: ignore[attr-defined]
        return list(made(asked))
