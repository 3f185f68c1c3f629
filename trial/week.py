"""The days of a week as folders and forms name them, in their order."""

from collections.abc import Iterable

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as date.weekday() counts them
PREFERRED = WEEK[:5]  # on which somebody can say that they would rather be called
PARTS = ("morning", "afternoon", "evening")
TIMES = tuple(f"{day}-{part}" for day in PREFERRED for part in PARTS)


def in_order(times: Iterable[str]) -> list[str]:
    """Parts of days, such as mon-evening, in the order of the week, each once."""
    return sorted(set(times), key=TIMES.index)
