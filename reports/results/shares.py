"""How many of a group, as a count and as a proportion with its interval."""

from ..statistics.proportions import share
from .number import Number, Numbers


def count_and_share(
    id: str, count: int, n: int, confidence: float, method: str = "count"
) -> Numbers:
    """`method` says how those in the count were found."""
    part = share(count, n, confidence)
    yield Number(f"{id}.count", count, n=n, unit="people", method=method)
    yield Number(
        f"{id}.share", part.value, part.lower, part.upper, n, "proportion", "Wilson interval"
    )
