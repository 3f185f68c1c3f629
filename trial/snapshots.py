"""One consistent view of the database for as long as something is read, which holds no lock and
lets everybody write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def consistent() -> Iterator[None]:
    """All that is read within is what was committed at its beginning, and nothing can be written.

    Raises RuntimeError inside a transaction: what that has locked would stay locked for as long as
    is read here. What a test case opens around a test is no such transaction.
    """
    if connection.vendor == "postgresql":
        with _on_postgresql(is_outermost=not connection.in_atomic_block):
            yield
    else:
        with _on_sqlite(connection):
            yield


@contextmanager
def _on_postgresql(*, is_outermost: bool) -> Iterator[None]:
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # Within the transaction of a test case it is too late to choose how isolated it is.
            level = "ISOLATION LEVEL REPEATABLE READ, " if is_outermost else ""
            cursor.execute(f"SET TRANSACTION {level}READ ONLY")
            cursor.execute("SELECT 1")  # the first statement takes the snapshot, not the beginning
        yield


@contextmanager
def _on_sqlite(database: BaseDatabaseWrapper) -> Iterator[None]:
    with _deferred(database):
        try:
            with transaction.atomic(durable=True):
                with database.cursor() as cursor:
                    cursor.execute("PRAGMA query_only = ON")
                    cursor.execute("SELECT count(*) FROM sqlite_master")  # the first read takes it
                yield
        finally:  # after the transaction, in which nothing can be said any more once it has failed
            with database.cursor() as cursor:
                cursor.execute("PRAGMA query_only = OFF")


@contextmanager
def _deferred(database: BaseDatabaseWrapper) -> Iterator[None]:
    """Settings begin every transaction with the write lock; this one never takes it."""
    database.ensure_connection()  # which reads the mode from settings
    mode = database.transaction_mode  # type: ignore[attr-defined]
    database.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        yield
    finally:
        database.transaction_mode = mode  # type: ignore[attr-defined]
