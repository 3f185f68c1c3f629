"""A lock that could not be had in time. Whoever asked is told to come back; nothing is ever done without the lock."""

from __future__ import annotations

from django.db import OperationalError

RETRY_AFTER = 5  # seconds
# PostgreSQL: lock not available, cancelled by a timeout, deadlock, serialisation. SQLite: another writes.
STATES = {"55P03", "57014", "40P01", "40001"}
SQLITE_BUSY = 5


def is_busy(error: BaseException) -> bool:
    """Whether the database refused because somebody else was at it, so that nothing is wrong and a retry will do."""
    cause = error.__cause__
    if not isinstance(error, OperationalError) or cause is None:
        return False
    code = getattr(cause, "sqlite_errorcode", None)  # the kind of busy stands above the lowest eight bits
    return getattr(cause, "sqlstate", None) in STATES or (code is not None and code & 0xFF == SQLITE_BUSY)
