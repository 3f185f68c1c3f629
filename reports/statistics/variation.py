"""What varies, and what differs by rounding alone: one criterion wherever something is divided by a
spread.

0.1 has no exact binary form, so three scores of 0.1 have a mean of 0.10000000000000002 and an SD of
1.7e-17, not zero, and a test of them a t of 1e15. A spread counts as none where it is at most 64
units in the last place of the largest number that it was computed from: as much as a mean, a
difference or a least-squares fit leaves of rounding. The criterion is relative, so that the unit
does not matter, and narrow, so that a million and one differs from a million and two.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

ROUNDING = 64 * float(np.finfo(float).eps)
LARGEST, SMALLEST = 1e50, 1e-50  # beyond them the squares of variances leave the range of a double


class NotConverged(RuntimeError):
    """There is a best value and the search did not find it: says what went wrong."""


class NotEstimable(ValueError):
    """The data do not determine what is asked; says which column, level or person is the
    trouble.
    """


class TooFew(NotEstimable):
    """Too few people have all values, or arm and covariates go together in all of them."""


class DoesNotVary(NotEstimable):
    """An outcome that is the same for everybody, or that the model fits exactly: nothing is left to
    divide by.
    """


def is_rounding(spread: float, size: float) -> bool:
    """Whether `spread` is none; `size`, in its unit, is the largest number that it was computed
    from.
    """
    return not spread > ROUNDING * size


def largest(*values: Any) -> float:
    """The largest absolute value in all of these arrays, 0 where there is none."""
    return max(
        (float(np.abs(each).max()) for each in map(np.asarray, values) if each.size), default=0.0
    )


def unit_of(*values: Any) -> float:
    """A power of two near the largest absolute value, 1 where all are zero: dividing by it costs no
    digit, and squares of what is left are neither beyond the largest double nor lost below the
    smallest.
    """
    size = largest(*values)
    # Short of the ends of the range, where a power of two or its reciprocal is no double.
    return (
        2.0 ** min(max(math.frexp(size)[1], -1000), 1000) if size and math.isfinite(size) else 1.0
    )


def mean(values: Any) -> float:
    """Of numbers without missing ones, also where their sum is beyond the largest double."""
    x = np.asarray(values, dtype=float)
    return float((x / unit_of(x)).mean()) * unit_of(x)


def standard_deviation(values: Any) -> float:
    """With n - 1, of numbers without missing ones; exactly 0 where they differ by rounding
    alone.
    """
    x = np.asarray(values, dtype=float)
    unit = unit_of(x)
    found = float((x / unit).std(ddof=1)) * unit
    return 0.0 if is_rounding(found, largest(x)) else found


def is_constant(values: Any) -> bool:
    """Whether numbers without missing ones differ by rounding alone; so does one number, or
    none.
    """
    x = np.asarray(values, dtype=float)
    return len(x) < 2 or is_rounding(float(np.ptp(x)), largest(x))


def tied(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the different numbers (n,), from 0 for the smallest, each of `values` (n,) is, and
    how often each of those occurs; numbers that differ by rounding alone are the same.
    """
    order = np.argsort(values, kind="stable")
    is_new = np.diff(values[order]) > ROUNDING * largest(values)
    place = np.empty(len(values), dtype=np.int64)
    place[order] = np.concatenate([[0], np.cumsum(is_new)])
    return place, np.bincount(place)


def check_varies(residuals: np.ndarray, *terms: np.ndarray) -> None:
    """DoesNotVary where `residuals` are rounding beside the `terms` that they were computed from:
    the outcome, and what the model takes from it.
    """
    if is_rounding(math.sqrt(float(np.mean(residuals**2))), largest(*terms)):
        raise DoesNotVary("the outcome does not vary around the model")


def is_fitted_exactly(x: np.ndarray, y: np.ndarray, size: float) -> bool:
    """Whether columns `x` (n, p), of which some may follow from others, leave rounding alone of `y`
    (n,), though there are more rows than they have directions. `size`: of the largest number that
    `y` was computed from.
    """
    beta, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)
    left = y - x @ beta
    return len(y) > rank and is_rounding(
        math.sqrt(float(np.mean(left**2))), max(size, largest(x * beta))
    )


def check_magnitude(values: np.ndarray, name: str) -> None:
    """NotEstimable for numbers (NaN where missing) whose squares cannot be computed."""
    size = largest(values[np.isfinite(values)])
    if size > LARGEST or 0 < size < SMALLEST:
        raise NotEstimable(
            f"{name} has values of {size:.0e}, whose squares cannot be computed; use another unit"
        )
