"""Change larger than measurement error: improved, deteriorated or neither. Jacobson and Truax 1991, JCCP 59:12."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

HIGHER_WORSE, HIGHER_BETTER = "higher_worse", "higher_better"


@dataclass(frozen=True)
class ReliableChange:
    """How many of `n` people with both scores changed by at least the threshold, and which way."""

    threshold: float
    n: int
    improved: int
    deteriorated: int

    @property
    def unchanged(self) -> int:
        return self.n - self.improved - self.deteriorated


def jacobson_truax(sd: float, reliability: float, z: float = 1.96) -> float:
    """The points that change must exceed: z times the standard error of a difference of two scores."""
    return z * sd * math.sqrt(2) * math.sqrt(1 - reliability)


def classify(
    before: Sequence[float],
    after: Sequence[float],
    threshold: float,
    direction: str = HIGHER_WORSE,
) -> list[str]:
    """`improved`, `deteriorated` or `unchanged` for each person; a change of exactly the threshold counts."""
    sign = 1 if direction == HIGHER_WORSE else -1
    return [_class(sign * (b - a), threshold) for b, a in zip(before, after, strict=True)]


def _class(gain: float, threshold: float) -> str:
    if gain >= threshold:
        return "improved"
    return "deteriorated" if gain <= -threshold else "unchanged"


def count(
    before: Sequence[float],
    after: Sequence[float],
    threshold: float,
    direction: str = HIGHER_WORSE,
) -> ReliableChange:
    classes = classify(before, after, threshold, direction)
    return ReliableChange(
        threshold,
        len(classes),
        classes.count("improved"),
        classes.count("deteriorated"),
    )
