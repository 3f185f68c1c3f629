"""What is asked of the database: statements, and rows that come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper


@dataclass
class Asked:
    statements: int = 0
    rows: int = 0


@contextmanager
def asked() -> Iterator[Asked]:
    found = Asked()

    class Counting(CursorWrapper):
        def fetchone(self) -> Any:
            row = self.cursor.fetchone()
            found.rows += row is not None
            return row

        def fetchmany(self, *args: Any) -> Any:
            rows = self.cursor.fetchmany(*args)
            found.rows += len(rows)
            return rows

        def fetchall(self) -> Any:
            rows = self.cursor.fetchall()
            found.rows += len(rows)
            return rows

        def __iter__(self) -> Iterator[Any]:
            for row in self.cursor:
                found.rows += 1
                yield row

    def counted(execute: Callable[..., Any], *args: Any) -> Any:
        found.statements += 1
        return execute(*args)

    connection.make_cursor = lambda cursor: Counting(cursor, connection)  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(counted):
            yield found
    finally:
        del connection.make_cursor
