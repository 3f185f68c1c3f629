"""The days of a week as folders and forms name them, in their order."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

A_DAY = timedelta(days=1)

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as date.weekday() counts them
PREFERRED = WEEK[:5]  # on which somebody can say that they would rather be called
PARTS = ("morning", "afternoon", "evening")
TIMES = tuple(f"{day}-{part}" for day in PREFERRED for part in PARTS)


def in_order(times: Iterable[str]) -> list[str]:
    """Parts of days, such as mon-evening, in the order of the week, each once."""
    return sorted(set(times), key=TIMES.index)


def name(day: date) -> str:
    return WEEK[day.weekday()]


def first_on(day: date, weekdays: Collection[str]) -> date:
    """The day itself, or the first after it that is one of `weekdays`; every day is, where none is
    named.
    """
    while weekdays and name(day) not in weekdays:
        day += A_DAY
    return day


def days_from(day: date, count: int, weekdays: Collection[str]) -> list[date]:
    """The first `count` of these weekdays, from `day` on."""
    found = [first_on(day, weekdays)]
    while len(found) < count:
        found.append(first_on(found[-1] + A_DAY, weekdays))
    return found
