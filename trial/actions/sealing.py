"""Everything under the master keys sealed anew under the newest of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, transaction

from trial import vault
from trial.queries.sealing import BATCH, NO_KEY, OLDER, Place, Sessions

SEALED_ANEW, CHANGED = "sealed anew", "changed meanwhile"


def seal_anew(place: Place, *, size: int = BATCH) -> Iterator[Counter[str]]:
    """Batch by batch, each in a transaction of its own; may end after any, and goes on where it was
    when it is begun again. What somebody changes meanwhile is left as they wrote it. No event:
    nothing that is a fact has changed, and an event for each row would say nothing but this.
    """
    for batch in place.batches(size):
        counts: Counter[str] = Counter()
        new = []
        for number, stored, is_about_somebody in batch:
            standing = place.standing(stored, is_about_somebody)
            if standing == OLDER:
                new.append((place.stored(vault.seal_anew(place.token(stored))), number, stored))
            else:
                counts[standing] += 1
        if new:
            changed = _write(place, new)
            counts.update({SEALED_ANEW: changed, CHANGED: len(new) - changed})
        yield counts


@transaction.atomic
def _write(place: Place, new: list[tuple[str, Any, str]]) -> int:
    # SQL, past the fields that seal what they are given and the notes of changed facts: the content
    # is the same.
    quote = connection.ops.quote_name
    table, key = quote(place.model._meta.db_table), quote(str(place.model._meta.pk.column))
    column = quote(str(place.model._meta.get_field(place.name).column))  # type: ignore[union-attr]
    changed = 0
    with connection.cursor() as cursor:
        for values in new:
            cursor.execute(
                f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s",  # noqa: S608
                values,
            )
            changed += cursor.rowcount
    return changed


def end_sessions(*, at: datetime) -> int:
    """Of those that are over, or that no key opens, so that they let nobody in; how many."""
    place = Sessions(Session, "session_data")
    ended = Session.objects.filter(expire_date__lt=at).delete()[0]
    for batch in place.batches():
        shut = [number for number, stored, _ in batch if place.standing(stored, False) == NO_KEY]
        ended += Session.objects.filter(pk__in=shut).delete()[0]
    return ended
