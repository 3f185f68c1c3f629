"""A share of people with Wilson's score interval, which stays inside 0 and 1. Wilson 1927; Newcombe 1998."""

import math
from dataclasses import dataclass

from .distributions import normal_quantile


@dataclass(frozen=True)
class Share:
    count: int
    n: int
    value: float | None
    lower: float | None
    upper: float | None


def share(count: int, n: int, confidence: float = 0.95) -> Share:
    if not n:
        return Share(count, n, None, None, None)
    z = normal_quantile((1 + confidence) / 2)
    p = count / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Share(
        count,
        n,
        p,
        max(0.0, (centre - half) / scale),
        min(1.0, (centre + half) / scale),
    )
