"""Work that is due, shared by any number of workers: each row is one worker's, and none waits for
another.

A row whose work takes several transactions is marked (`take`) until a moment, so that a worker that
died keeps nobody from it for long; one whose work is a single transaction is held by its own lock
(`hold`). PostgreSQL skips rows that somebody else has; SQLite lets one write at a time.
"""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

BATCH = 50  # rows: seconds of work, after which whatever is more urgent is looked for


def take(due: models.QuerySet, **mark: Any) -> list[int]:
    """The numbers of the first rows of `due`, in its order, marked for whoever asked. The mark must
    be one with which they are due no more.

    To be called where something is due: SQLite waits for whoever writes, if only to find nothing.
    """
    with transaction.atomic():
        rows = due.select_for_update(skip_locked=True, of=("self",))
        numbers = list(rows.values_list("pk", flat=True)[:BATCH])
        due.model._base_manager.filter(pk__in=numbers).update(**mark)
    return numbers


def hold(due: models.QuerySet, number: int | str) -> bool:
    """Lock the row of `due` with this key until the transaction ends; False where somebody else has
    it or has done it. Only in a transaction.
    """
    found = due.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(pk=number)
    return found.values_list("pk", flat=True).first() is not None
