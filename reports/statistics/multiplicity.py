"""p values adjusted for several hypotheses, so that one below alpha is rejected with the error rate
of the family kept.

Holm, Scand J Stat 1979;6:65. Hochberg, Biometrika 1988;75:800 (p values independent or positively
dependent). Fixed sequence: Maurer, Hothorn and Lehmacher 1995. Gatekeeping in families by the
declared order: Dmitrienko, Tamhane and Wiens, Biom J 2008;50:667; serial and parallel gates as in
Dmitrienko, Offen and Westfall, Stat Med 2003;22:2387.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SERIAL, PARALLEL = "serial", "parallel"


class NotAPValue(ValueError):
    """A p value outside 0 to 1, or missing."""


@dataclass(frozen=True)
class Family:
    """Hypotheses of the same rank, and the gate that they are to those of the families after them.

    A serial gate opens when all are rejected; the family is tested by Holm. A parallel gate opens
    in part: with r of n rejected, the next family gets the share (1 - truncation) r / n of the
    error rate, or all of it with all rejected. A parallel family is tested by Bonferroni, or by
    Holm truncated at `truncation` (from 0, Bonferroni, to below 1). The last family is a gate to
    nothing and is tested by Holm.
    """

    names: tuple[str, ...]
    gate: str = SERIAL
    truncation: float = 0.0

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("a family has at least one hypothesis")
        if self.gate not in (SERIAL, PARALLEL):
            raise ValueError(f"gate {self.gate!r} is not known; use {SERIAL} or {PARALLEL}")
        if not 0 <= self.truncation < 1:
            raise ValueError(f"truncation {self.truncation} lies outside 0 to 1, 1 not included")


@dataclass(frozen=True)
class Adjusted:
    """A hypothesis is rejected at every level of at least `adjusted`; `raw` is the p value
    given.
    """

    name: str
    raw: float
    adjusted: float
    family: int


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """In the order given: p times their number, at most 1."""
    _check(p_values)
    return [min(1.0, len(p_values) * p) for p in p_values]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given: never smaller than p, never larger than
    1.
    """
    _check(p_values)
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def hochberg(p_values: Sequence[float]) -> list[float]:
    """Hochberg's step-up adjustment, in the order given: between p and Holm's."""
    _check(p_values)
    order = sorted(range(len(p_values)), key=lambda i: -p_values[i])
    adjusted = [0.0] * len(p_values)
    smallest = 1.0
    for rank, i in enumerate(order):
        smallest = min(smallest, (rank + 1) * p_values[i])
        adjusted[i] = smallest
    return adjusted


def fixed_sequence(p_values: Sequence[float]) -> list[float]:
    """Tested in the order given, each at the full level, until the first that is not rejected."""
    _check(p_values)
    return [max(p_values[: i + 1]) for i in range(len(p_values))]


def gatekeeping(p_values: Mapping[str, float], families: Sequence[Family]) -> list[Adjusted]:
    """Families in their declared order; results in that order.

    The share of the error rate that a family gets is a step function of the level; a hypothesis is
    rejected from the lowest level at which its bound, times that share, reaches its p value.
    Errors: NotAPValue; ValueError for names that do not match.
    """
    names = [name for family in families for name in family.names]
    if sorted(names) != sorted(p_values):
        raise ValueError(
            f"the families hold {', '.join(names)}; there are p values of {', '.join(p_values)}"
        )
    _check(list(p_values.values()))
    steps = [(0.0, 1.0)]  # from this level on the family gets this share of it
    results = []
    for number, family in enumerate(families):
        last = number == len(families) - 1
        truncation = 1.0 if last or family.gate == SERIAL else family.truncation
        raw = [p_values[name] for name in family.names]
        adjusted = _adjusted_within(raw, truncation, steps)
        results += [
            Adjusted(name, p, min(1.0, a), number)
            for name, p, a in zip(family.names, raw, adjusted, strict=True)
        ]
        steps = _passed_on(adjusted, truncation, steps)
    return results


def _adjusted_within(
    raw: Sequence[float], truncation: float, steps: list[tuple[float, float]]
) -> list[float]:
    """The level from which each is rejected: step-down with bounds level x share x (truncation /
    left + (1 - truncation) / n).
    """
    n = len(raw)
    adjusted, largest = [0.0] * n, 0.0
    for rank, i in enumerate(sorted(range(n), key=lambda i: raw[i])):
        needed = raw[i] / (truncation / (n - rank) + (1 - truncation) / n)
        largest = max(largest, _lowest_level(needed, steps))
        adjusted[i] = largest
    return adjusted


def _lowest_level(needed: float, steps: list[tuple[float, float]]) -> float:
    """The lowest level whose share reaches `needed`; infinite where none does."""
    return min(
        (max(level, needed / share) for level, share in steps if share > 0), default=math.inf
    )


def _passed_on(
    adjusted: Sequence[float], truncation: float, steps: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    n = len(adjusted)
    levels = sorted(
        {level for level, _ in steps} | {level for level in adjusted if level < math.inf}
    )
    found = []
    for level in levels:
        share = next(share for start, share in reversed(steps) if start <= level)
        rejected = sum(a <= level for a in adjusted)
        fraction = 1.0 if rejected == n else (1 - truncation) * rejected / n
        found.append((level, share * fraction))
    return found


def _check(p_values: Sequence[float]) -> None:
    for p in p_values:
        if not 0 <= p <= 1:
            raise NotAPValue(f"{p} is not a p value")
