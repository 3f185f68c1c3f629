"""Tests of association in a table of two by two, alone or in strata.

Pearson's chi-squared with Yates's correction or the factor (N - 1) / N (Campbell, Stat Med
2007;26:3661); Fisher's exact test with the conditional odds ratio (Fisher 1935; Cornfield 1956);
Cochran, Mantel and Haenszel (J Natl Cancer Inst 1959;22:719) with the interval of Robins, Breslow
and Greenland (Biometrics 1986;42:311).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..distributions import check_confidence, chi_squared_p, normal_quantile
from ..thresholds import at_least
from .ratios import ZeroCell
from .shares import ImpossibleCount, check_groups

TIES = 1 + 1e-7  # tables this close in probability count as equally likely, as in R


@dataclass(frozen=True)
class Association:
    """A chi-squared test of no association."""

    statistic: float
    df: int
    p: float
    method: str


@dataclass(frozen=True)
class Fisher:
    """`odds_ratio` is the conditional maximum likelihood estimate: 0 or infinite where a cell is
    empty.
    """

    p: float
    odds_ratio: float
    lower: float
    upper: float


@dataclass(frozen=True)
class MantelHaenszel:
    """The common odds ratio over `strata` with its interval, and the chi-squared test that it is
    one.
    """

    statistic: float
    p: float
    odds_ratio: float
    lower: float
    upper: float
    strata: int


def chi_squared(x1: int, n1: int, x2: int, n2: int, correction: str = "none") -> Association:
    """`correction`: none, yates or n-1. Errors: ZeroCell where nobody or everybody has the event;
    ImpossibleCount.
    """
    check_groups(x1, n1, x2, n2)
    if correction not in ("none", "yates", "n-1"):
        raise ValueError(f"correction {correction!r} is not known; use none, yates or n-1")
    observed = np.array([[x1, n1 - x1], [x2, n2 - x2]], dtype=float)
    total = observed.sum()
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / total
    if not expected.all():
        raise ZeroCell("nobody or everybody has the event, so there is nothing to test")
    off = np.abs(observed - expected)
    off -= min(0.5, float(off.min())) if correction == "yates" else 0.0
    statistic = float((off**2 / expected).sum())
    statistic *= (total - 1) / total if correction == "n-1" else 1.0
    return Association(
        statistic, 1, chi_squared_p(statistic, 1), f"chi-squared, correction {correction}"
    )


def fisher(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Fisher:
    """Two-sided: the sum over all tables with these margins that are no more likely than the one
    seen.

    Errors: ZeroCell where nobody or everybody has the event; ImpossibleCount.
    """
    check_confidence(confidence)
    check_groups(x1, n1, x2, n2)
    counts, logs = _hypergeometric(n1, n2, x1 + x2)
    if len(counts) == 1:
        raise ZeroCell("nobody or everybody has the event, so there is nothing to test")
    chance = _tilted(logs, counts, 0.0)
    seen = int(x1 - counts[0])
    p = min(1.0, float(chance[chance <= chance[seen] * TIES].sum()))
    tail = (1 - confidence) / 2
    first, last = seen == 0, seen == len(counts) - 1

    def mean(log_odds: float) -> float:
        return float(_tilted(logs, counts, log_odds) @ counts) - x1

    def above(log_odds: float) -> float:
        return float(_tilted(logs, counts, log_odds)[seen:].sum()) - tail

    def below(log_odds: float) -> float:
        return tail - float(_tilted(logs, counts, log_odds)[: seen + 1].sum())

    estimate = 0.0 if first else math.inf if last else math.exp(_increasing_root(mean))
    lower = 0.0 if first else math.exp(_increasing_root(above))
    upper = math.inf if last else math.exp(_increasing_root(below))
    return Fisher(p, estimate, lower, upper)


def mantel_haenszel(
    tables: object, confidence: float = 0.95, corrected: bool = False
) -> MantelHaenszel:
    """`tables` (strata, 2, 2) of counts: groups in rows, event yes and no in columns.

    `corrected`: with the continuity correction of half, which R makes unless told not to. A stratum
    with an empty margin says nothing and is left out. Errors: ZeroCell where no stratum is left or
    the common odds ratio does not exist; ImpossibleCount.
    """
    given = np.asarray(tables, dtype=float)
    if given.ndim != 3 or given.shape[1:] != (2, 2) or (given < 0).any():
        raise ImpossibleCount(
            f"tables are (strata, 2, 2) counts of at least 0, not of shape {given.shape}"
        )
    kept = given[(given.sum(axis=1) > 0).all(axis=1) & (given.sum(axis=2) > 0).all(axis=1)]
    if not len(kept):
        raise ZeroCell("in no stratum are there two groups, and people with and without the event")
    a, b, c, d = kept[:, 0, 0], kept[:, 0, 1], kept[:, 1, 0], kept[:, 1, 1]
    n = kept.sum(axis=(1, 2))
    off = abs(float((a - (a + b) * (a + c) / n).sum()))
    variance = float(((a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))).sum())
    statistic = (
        off - (0.5 if corrected and at_least(off, 0.5, float(a.sum())) else 0.0)
    ) ** 2 / variance
    r, s = a * d / n, b * c / n
    if not r.sum() or not s.sum():
        raise ZeroCell("the common odds ratio is 0 or infinite")
    se = math.sqrt(_log_odds_variance((a + d) / n, (b + c) / n, r, s))
    value = float(r.sum() / s.sum())
    factor = math.exp(normal_quantile((1 + confidence) / 2) * se)
    return MantelHaenszel(
        statistic, chi_squared_p(statistic, 1), value, value / factor, value * factor, len(kept)
    )


def _log_odds_variance(p: np.ndarray, q: np.ndarray, r: np.ndarray, s: np.ndarray) -> float:
    big_r, big_s = r.sum(), s.sum()
    mixed = (p * s + q * r).sum() / (2 * big_r * big_s)
    return float((p * r).sum() / (2 * big_r**2) + mixed + (q * s).sum() / (2 * big_s**2))


def _hypergeometric(n1: int, n2: int, events: int) -> tuple[np.ndarray, np.ndarray]:
    """Possible counts of events in the first group, and the log of their weights up to a
    constant.
    """
    from scipy.special import gammaln

    counts = np.arange(max(0, events - n2), min(n1, events) + 1)
    others = events - counts
    parts = (counts, n1 - counts, others, n2 - others)
    return counts, -sum(gammaln(part + 1) for part in parts)


def _tilted(logs: np.ndarray, counts: np.ndarray, log_odds: float) -> np.ndarray:
    raised = logs + counts * log_odds
    weights = np.exp(raised - raised.max())
    return weights / weights.sum()


def _increasing_root(function: Callable[[float], float]) -> float:
    from scipy.optimize import brentq

    width = 1.0
    while function(width) < 0 or function(-width) > 0:
        width *= 2
    return float(brentq(function, -width, width, xtol=1e-15, rtol=1e-15, maxiter=500))
