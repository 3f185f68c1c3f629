"""Counts, means and spreads, and how far two groups stand apart at baseline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .distributions import t_quantile
from .reading import complete_numbers
from .variation import is_rounding, largest, mean, standard_deviation, unit_of

# Quantile types of R (Hyndman and Fan, Am Stat 1996;50:361): 7 is R's default, 2 that of SAS, 6
# that of SPSS.
QUANTILE_TYPES = {
    1: "inverted_cdf",
    2: "averaged_inverted_cdf",
    3: "closest_observation",
    4: "interpolated_inverted_cdf",
    5: "hazen",
    6: "weibull",
    7: "linear",
    8: "median_unbiased",
    9: "normal_unbiased",
}


@dataclass(frozen=True)
class Description:
    """What a column of numbers looks like; everything but `n` is None where it cannot be
    computed.
    """

    n: int
    mean: float | None
    sd: float | None
    lower: float | None
    upper: float | None
    median: float | None
    q1: float | None
    q3: float | None
    minimum: float | None
    maximum: float | None


def describe(
    values: Sequence[float], confidence: float = 0.95, quantile_type: int = 7
) -> Description:
    """Mean with its t interval, SD with n - 1, quartiles by a type of R (Hyndman and Fan, Am Stat
    1996;50:361).

    `values` without missing ones; results in their unit, None where there are too few. Values that
    are all the same have no interval: that they do not vary is no knowledge of the mean without
    error. Errors: ValueError for another type.
    """
    if quantile_type not in QUANTILE_TYPES:
        raise ValueError(
            f"quantile type {quantile_type} is not known; R has 1 to 9, and SAS uses 2"
        )
    x = complete_numbers(values, "the column")
    if not len(x):
        return Description(0, *[None] * 9)
    sd = standard_deviation(x) if len(x) > 1 else None
    centre = mean(x)
    lower, upper = _mean_interval(centre, sd, len(x), confidence)
    method: Any = QUANTILE_TYPES[quantile_type]
    q1, median, q3 = (float(q) for q in np.quantile(x, [0.25, 0.5, 0.75], method=method))
    return Description(
        len(x),
        centre,
        sd,
        lower,
        upper,
        median,
        q1,
        q3,
        float(x.min()),
        float(x.max()),
    )


def _mean_interval(
    mean: float, sd: float | None, n: int, confidence: float
) -> tuple[float | None, float | None]:
    if not sd:  # an SD of rounding is 0 already
        return None, None
    half = t_quantile((1 + confidence) / 2, n - 1) * sd / math.sqrt(n)
    return mean - half, mean + half


def pooled_sd(groups: Sequence[Sequence[float]]) -> tuple[float, int] | None:
    """The SD within groups and the number of values in it, or None with fewer than one degree of
    freedom; an SD of 0 where they differ by rounding alone.
    """
    arrays = [complete_numbers(group, "the group") for group in groups if len(group)]
    n = sum(len(array) for array in arrays)
    df = n - len(arrays)
    if df < 1:
        return None
    unit = unit_of(*arrays)
    squares = sum(float(((array / unit - (array / unit).mean()) ** 2).sum()) for array in arrays)
    sd = math.sqrt(squares / df) * unit
    return (0.0 if is_rounding(sd, largest(*arrays)) else sd), n


def standardised_difference(first: Sequence[float], second: Sequence[float]) -> float | None:
    """First mean minus second, over the root of the mean of both variances (Austin 2009)."""
    a, b = complete_numbers(first, "the first group"), complete_numbers(second, "the second group")
    if len(a) < 2 or len(b) < 2:
        return None
    spread = math.hypot(standard_deviation(a), standard_deviation(b)) / math.sqrt(2)
    unit = unit_of(a, b)
    off = float((a / unit).mean() - (b / unit).mean())
    return off / (spread / unit) if spread else None


def standardised_difference_of_counts(first: Sequence[int], second: Sequence[int]) -> float | None:
    """The Mahalanobis distance between two sets of category counts (Yang and Dalton 2012); never
    negative.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    seen = (a + b) > 0
    if not a.sum() or not b.sum() or seen.sum() < 2:
        return None
    p, q = (a / a.sum())[seen][1:], (b / b.sum())[seen][1:]
    spread = (_multinomial(p) + _multinomial(q)) / 2
    if np.linalg.matrix_rank(spread) < len(p):
        return None
    return float(np.sqrt((p - q) @ np.linalg.solve(spread, p - q)))


def _multinomial(p: np.ndarray) -> np.ndarray:
    return np.diag(p) - np.outer(p, p)
