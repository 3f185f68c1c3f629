"""Two groups, or one group twice, without adjustment: Student, Welch, paired, and Wilcoxon's
rank-sum test.

Welch, Biometrika 1947;34:28. Wilcoxon, Biometrics Bull 1945;1:80, in the normal approximation with
the correction for ties and for continuity, as R's wilcox.test(exact = FALSE).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .distributions import normal_two_sided_p, t_quantile, t_two_sided_p
from .reading import complete_numbers
from .variation import (
    DoesNotVary,
    NotEstimable,
    is_constant,
    is_rounding,
    largest,
    standard_deviation,
    tied,
    unit_of,
)


@dataclass(frozen=True)
class TTest:
    """`difference` is first minus second, in the unit of the values."""

    difference: float
    se: float
    df: float
    t: float
    p: float
    lower: float
    upper: float
    method: str


@dataclass(frozen=True)
class RankSum:
    """`w`: pairs in which the first value is larger, ties counting half."""

    w: float
    z: float
    p: float
    probability: float


def student(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> TTest:
    """One variance for both groups. Missing values are to be left out before. Errors:
    NotEstimable.
    """
    a, b, unit = _groups(first, second)
    df = len(a) + len(b) - 2
    pooled = (
        (len(a) - 1) * standard_deviation(a) ** 2 + (len(b) - 1) * standard_deviation(b) ** 2
    ) / df
    se = math.sqrt(pooled * (1 / len(a) + 1 / len(b)))
    return _test(float(a.mean() - b.mean()), se, df, confidence, "Student", unit)


def welch(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> TTest:
    """A variance for each group, Satterthwaite's degrees of freedom. Errors: NotEstimable."""
    a, b, unit = _groups(first, second)
    u, v = standard_deviation(a) ** 2 / len(a), standard_deviation(b) ** 2 / len(b)
    if not u + v:
        raise DoesNotVary("the values do not vary within the groups")
    share = u / (u + v)
    df = 1 / (share**2 / (len(a) - 1) + (1 - share) ** 2 / (len(b) - 1))
    return _test(float(a.mean() - b.mean()), math.sqrt(u + v), df, confidence, "Welch", unit)


def paired(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> TTest:
    """Of the same people, in the same order. Errors: NotEstimable; ValueError for different
    lengths.
    """
    if len(first) != len(second):
        raise ValueError(
            f"{len(first)} values and {len(second)}; a paired test is of the same people"
        )
    a, b, unit = _groups(first, second)
    sd = standard_deviation(a - b)
    # Changes that differ by rounding in the scores that they were made of do not differ.
    se = 0.0 if is_rounding(sd, largest(a, b)) else sd / math.sqrt(len(a))
    return _test(float((a - b).mean()), se, len(a) - 1, confidence, "paired", unit)


def rank_sum(first: Sequence[float], second: Sequence[float]) -> RankSum:
    """Errors: NotEstimable where all values are the same."""
    a, b, _ = _groups(first, second, least=1)
    n1, n2 = len(a), len(b)
    if is_constant(np.concatenate([a, b])):
        raise DoesNotVary("all values are the same")
    place, count = tied(np.concatenate([a, b]))
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    w = float(ranks[:n1].sum()) - n1 * (n1 + 1) / 2
    n = n1 + n2
    ties = float((count.astype(float) ** 3 - count).sum()) / (n * (n - 1))
    variance = n1 * n2 / 12 * (n + 1 - ties)
    off = w - n1 * n2 / 2
    z = (off - math.copysign(0.5, off) * (off != 0)) / math.sqrt(variance)
    return RankSum(w, z, min(1.0, normal_two_sided_p(z)), w / (n1 * n2))


def _groups(
    first: Sequence[float], second: Sequence[float], least: int = 2
) -> tuple[np.ndarray, np.ndarray, float]:
    """Both groups in a unit in which their squares can be computed, and that unit."""
    a, b = complete_numbers(first, "the first group"), complete_numbers(second, "the second group")
    if min(len(a), len(b)) < least:
        raise NotEstimable(f"groups of {len(a)} and {len(b)}: each needs at least {least}")
    unit = unit_of(a, b)
    return a / unit, b / unit, unit


def _test(
    difference: float, se: float, df: float, confidence: float, method: str, unit: float
) -> TTest:
    if not se:
        raise DoesNotVary("the values do not vary within the groups")
    half = t_quantile((1 + confidence) / 2, df) * se
    t = difference / se
    limits = ((difference - half) * unit, (difference + half) * unit)
    return TTest(difference * unit, se * unit, df, t, t_two_sided_p(t, df), *limits, method)
