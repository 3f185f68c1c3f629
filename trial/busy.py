"""A database that does not answer now: a lock that could not be had in time, or a connection that
was cut. Whoever asked is told to come back; nothing is ever done without the lock, and what was not
committed is not done.
"""

from __future__ import annotations

from django.db import InterfaceError, NotSupportedError, OperationalError

RETRY_AFTER = 5  # seconds
# PostgreSQL: lock not available, cancelled by a timeout, deadlock, serialisation. SQLite: another
# writes.
STATES = {"55P03", "57014", "40P01", "40001"}
SQLITE_BUSY = 5
# Classes of states of PostgreSQL: connection, resources (too many clients, disk full), operator
# intervention.
CLASSES_AWAY = ("08", "53", "57P")
PLAN_IS_OLD = "0A000"  # of a statement that the connection keeps, after a migration
SQLITE_AWAY = {10, 13, 14}  # cannot be read, disk full, cannot be opened


def is_busy(error: BaseException) -> bool:
    """Whether the database refused because somebody else was at it, so that nothing is wrong and a
    retry will do.
    """
    cause = error.__cause__
    if not isinstance(error, OperationalError) or cause is None:
        return False
    code = getattr(
        cause, "sqlite_errorcode", None
    )  # the kind of busy stands above the lowest eight bits
    return getattr(cause, "sqlstate", None) in STATES or (
        code is not None and code & 0xFF == SQLITE_BUSY
    )


def is_away(error: BaseException) -> bool:
    """Whether the database was not there to answer: the connection could not be made or was cut, or
    a column was changed under it.
    """
    if isinstance(error, InterfaceError):  # what is asked of a connection that was closed meanwhile
        return True
    cause = error.__cause__
    if isinstance(error, NotSupportedError) and getattr(cause, "sqlstate", None) == PLAN_IS_OLD:
        return True
    if not isinstance(error, OperationalError) or cause is None:
        return False
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in SQLITE_AWAY
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith(CLASSES_AWAY)


def is_passing(error: BaseException | None) -> bool:
    """Whether nothing is wrong with what was asked, so that asking again will do."""
    return error is not None and (is_busy(error) or is_away(error))
