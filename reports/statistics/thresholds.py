"""Numbers against a bar, at the 15 significant digits that a float keeps of a decimal that somebody
wrote.

0.3 - 0.1 is a little less than 0.2 in binary, so that compared bit by bit a change of exactly the
bar is missed. Two numbers are the same where they differ by less than half a unit of the fifteenth
digit of the largest number that takes part; neither is rounded. Shapes broadcast, NaN reaches
nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DIGITS = 15


def at_least(values: Any, bar: Any, *made_of: Any) -> np.ndarray:
    """`made_of`: the numbers whose sum or difference `values` are; a small one of large ones has
    fewer digits.
    """
    return (np.asarray(values) >= bar) | _is_same(values, bar, made_of)


def at_most(values: Any, bar: Any, *made_of: Any) -> np.ndarray:
    """As `at_least`, from the other side."""
    return (np.asarray(values) <= bar) | _is_same(values, bar, made_of)


def above(values: Any, bar: Any, *made_of: Any) -> np.ndarray:
    """At least the bar and not the same."""
    return (np.asarray(values) > bar) & ~_is_same(values, bar, made_of)


def _is_same(values: Any, bar: Any, made_of: tuple[Any, ...]) -> np.ndarray:
    largest = np.abs(np.asarray(values, dtype=float))
    for each in (bar, *made_of):
        largest = np.maximum(largest, np.abs(np.asarray(each, dtype=float)))
    known = np.isfinite(largest) & (largest > 0)
    place = np.floor(np.log10(largest, where=known, out=np.zeros(largest.shape))) + 1 - DIGITS
    with np.errstate(invalid="ignore"):  # infinite less infinite, which is not known
        apart = np.abs(np.asarray(values, dtype=float) - bar)
    return known & (apart < 0.5 * 10.0**place)
