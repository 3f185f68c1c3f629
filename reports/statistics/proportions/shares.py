"""A share of people with Wilson's score interval, which stays inside 0 and 1, or the exact one of
Clopper and Pearson.

Wilson, J Am Stat Assoc 1927;22:209; Clopper and Pearson, Biometrika 1934;26:404; Newcombe, Stat Med
1998;17:857.
"""

import math
from dataclasses import dataclass

from ..distributions import check_confidence, normal_quantile


class ImpossibleCount(ValueError):
    """A count below 0 or above the number of people, or a group without people."""


@dataclass(frozen=True)
class Share:
    """`count` of `n` with its interval, all from 0 to 1."""

    count: int
    n: int
    value: float | None
    lower: float | None
    upper: float | None


def share(count: int, n: int, confidence: float = 0.95, corrected: bool = False) -> Share:
    """Wilson's interval, with a continuity correction where `corrected`; None where there is
    nobody.
    """
    if not n:
        return Share(count, n, None, None, None)
    check_count(count, n)
    return Share(count, n, count / n, *wilson_limits(count, n, confidence, corrected))


def wilson_limits(count: int, n: int, confidence: float, corrected: bool) -> tuple[float, float]:
    """Wilson's score limits, with continuity correction where `corrected`. Newcombe, Stat Med
    1998;17:857.
    """
    z = normal_quantile((1 + confidence) / 2)
    return _corrected(count, n, z) if corrected else _wilson(count, n, z)


def _wilson(count: int, n: int, z: float) -> tuple[float, float]:
    p = count / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    lower = 0.0 if count == 0 else (centre - half) / scale
    return lower, 1.0 if count == n else (centre + half) / scale


def _corrected(count: int, n: int, z: float) -> tuple[float, float]:
    """Newcombe 1998 (single proportion), method 4."""
    p, scale = count / n, 2 * (n + z * z)
    low = z * math.sqrt(z * z - 2 - 1 / n + 4 * p * (n * (1 - p) + 1)) if count else 0.0
    high = z * math.sqrt(z * z + 2 - 1 / n + 4 * p * (n * (1 - p) - 1)) if count < n else 0.0
    lower = (2 * n * p + z * z - 1 - low) / scale if count else 0.0
    upper = (2 * n * p + z * z + 1 + high) / scale if count < n else 1.0
    return max(0.0, lower), min(1.0, upper)


def clopper_pearson(count: int, n: int, confidence: float = 0.95) -> Share:
    """The exact interval: limits under which a count as extreme has probability (1 - confidence) /
    2.
    """
    from scipy.special import betaincinv

    check_confidence(confidence)
    if not n:
        return Share(count, n, None, None, None)
    check_count(count, n)
    tail = (1 - confidence) / 2
    lower = float(betaincinv(count, n - count + 1, tail)) if count else 0.0
    upper = float(betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return Share(count, n, count / n, lower, upper)


def check_count(count: int, n: int) -> None:
    """ImpossibleCount unless 0 <= count <= n and there is somebody."""
    if not 0 <= count <= n:
        raise ImpossibleCount(
            f"{count} of {n} people: a count lies between 0 and the number of people"
        )


def check_groups(x1: int, n1: int, x2: int, n2: int) -> None:
    """As `check_count`, for both groups."""
    for count, n in ((x1, n1), (x2, n2)):
        if n < 1:
            raise ImpossibleCount("a group has nobody in it")
        check_count(count, n)
