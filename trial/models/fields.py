from __future__ import annotations

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class Bytes(models.CharField):
    """Text that either database compares and orders byte by byte, as Python does: so one index
    serves what is equal, what begins alike, and an order in which two tables are read side by side.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor != "postgresql":
            return super().db_type(connection)  # SQLite does so by itself
        # Not called `varchar`: beside a key of that name Django lays another index, for patterns.
        return f'character varying({self.max_length}) COLLATE "C"'
