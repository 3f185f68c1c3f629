"""Two groups, or one group twice, without adjustment: Student, Welch, paired, and Wilcoxon's rank-sum test.

Welch, Biometrika 1947;34:28. Wilcoxon, Biometrics Bull 1945;1:80, in the normal approximation with the correction for ties
and for continuity, as R's wilcox.test(exact = FALSE).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .distributions import normal_two_sided_p, t_quantile, t_two_sided_p
from .model_frame import NotEstimable


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
    """One variance for both groups. Missing values are to be left out before. Errors: NotEstimable."""
    a, b = _groups(first, second)
    df = len(a) + len(b) - 2
    pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / df
    se = math.sqrt(pooled * (1 / len(a) + 1 / len(b)))
    return _test(float(a.mean() - b.mean()), se, df, confidence, "Student")


def welch(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> TTest:
    """A variance for each group, Satterthwaite's degrees of freedom. Errors: NotEstimable."""
    a, b = _groups(first, second)
    u, v = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    if not u + v:
        raise NotEstimable("the values do not vary within the groups")
    df = (u + v) ** 2 / (u**2 / (len(a) - 1) + v**2 / (len(b) - 1))
    return _test(float(a.mean() - b.mean()), math.sqrt(u + v), df, confidence, "Welch")


def paired(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> TTest:
    """Of the same people, in the same order. Errors: NotEstimable; ValueError for different lengths."""
    off = np.array([a - b for a, b in zip(first, second, strict=True)], dtype=float)
    if len(off) < 2 or np.isnan(off).any():
        raise NotEstimable("a paired test needs two people or more, without missing values")
    se = float(off.std(ddof=1)) / math.sqrt(len(off))
    return _test(float(off.mean()), se, len(off) - 1, confidence, "paired")


def rank_sum(first: Sequence[float], second: Sequence[float]) -> RankSum:
    """Errors: NotEstimable where all values are the same."""
    a, b = _groups(first, second, least=1)
    n1, n2 = len(a), len(b)
    _, place, count = np.unique(np.concatenate([a, b]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    w = float(ranks[:n1].sum()) - n1 * (n1 + 1) / 2
    n = n1 + n2
    ties = float((count.astype(float) ** 3 - count).sum()) / (n * (n - 1))
    variance = n1 * n2 / 12 * (n + 1 - ties)
    if variance <= 0:
        raise NotEstimable("all values are the same")
    off = w - n1 * n2 / 2
    z = (off - math.copysign(0.5, off) * (off != 0)) / math.sqrt(variance)
    return RankSum(w, z, min(1.0, normal_two_sided_p(z)), w / (n1 * n2))


def _groups(first: Sequence[float], second: Sequence[float], least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if min(len(a), len(b)) < least:
        raise NotEstimable(f"groups of {len(a)} and {len(b)}: each needs at least {least}")
    if np.isnan(a).any() or np.isnan(b).any():
        raise NotEstimable("there are missing values; leave them out first and say so")
    return a, b


def _test(difference: float, se: float, df: float, confidence: float, method: str) -> TTest:
    if not se:
        raise NotEstimable("the values do not vary within the groups")
    half = t_quantile((1 + confidence) / 2, df) * se
    t = difference / se
    return TTest(difference, se, df, t, t_two_sided_p(t, df), difference - half, difference + half, method)
