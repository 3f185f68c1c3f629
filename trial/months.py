"""Calendar months of a study: their first days, when they begin and end, and what is told of one.
Plain values.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

ENOUGH = (
    10  # people randomised in a month, all arms together; of a month with fewer nothing is told
)


def of(at: datetime, timezone: str) -> date:
    """The first day of the month of a moment."""
    return at.astimezone(ZoneInfo(timezone)).date().replace(day=1)


def after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def between(first: date, last: date) -> Iterator[date]:
    """Every month from `first` up to and including `last`."""
    while first <= last:
        yield first
        first = after(first)


def begins_at(month: date, timezone: str) -> datetime:
    return datetime.combine(month, time(), tzinfo=ZoneInfo(timezone))


def in_tens(done: int, planned: int) -> int | None:
    """Percent, rounded to ten, halves upward; None where nothing was planned."""
    return (20 * done + planned) // (2 * planned) * 10 if planned else None
