"""The shared cache, from which nothing is taken before its time.

Counters of tries stand in it, so whoever could push them out could try for ever. Django's own table
keeps 300 rows and throws away a third of them when there are more; here only what has expired goes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.cache.backends.db import DatabaseCache


class SharedMemory(DatabaseCache):
    def _cull(self, db: str, cursor: Any, now: datetime, num: int) -> None:
        """Django deletes what has expired, and then, of the `num` that there were, what is still
        too much: here never.
        """
        super()._cull(db, cursor, now, 0)  # type: ignore[misc]
