"""Harrell's concordance in n log n steps, by a wavelet tree over the ranks of the risks.

Of two people a pair is made where one had the event while the other was still there: seen later, or
last seen at that time. Two events at one time are no pair; a pair with the same risk counts as a
half, as `concordance` of R's survival has it. Harrell et al., Stat Med 1996;15:361. The tree:
Grossi, Gupta and Vitter, SODA 2003:841, as the matrix of Claude, Navarro and Ordonez, Inf Syst
2015;47:15.
"""

from __future__ import annotations

import numpy as np

SAME = 1e-9  # log hazards this close are of people with the same covariates


def concordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> float:
    """The share of pairs in which the one with the greater risk stopped first; NaN where there is
    no pair. (n,) each.
    """
    # Whoever is still there when somebody has the event stands before them: later times first, at
    # one time the last seen.
    order = np.lexsort((event, -time))
    time, event = time[order], event[order]
    rank = _ranks(risk)[order]
    same_time = np.concatenate([[0], np.cumsum(np.diff(time) != 0)])
    first = np.searchsorted(same_time, same_time)
    waiting = np.concatenate([[0], np.cumsum(~event)])
    before = (
        first + waiting[np.searchsorted(same_time, same_time, side="right")] - waiting[first]
    )[event]
    pairs = int(before.sum())
    if not pairs:
        return float("nan")
    less, equal = _counted(rank, before, rank[event])
    return float((less.sum() + 0.5 * equal.sum()) / pairs)


def _ranks(risk: np.ndarray) -> np.ndarray:
    order = np.argsort(risk, kind="stable")
    ranks = np.empty(len(risk), dtype=np.int64)
    ranks[order] = np.concatenate([[0], np.cumsum(np.diff(risk[order]) > SAME)])
    return ranks


def _counted(
    values: np.ndarray, ends: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many of values[:end] are below what is asked, and how many equal it, for every `ends` and
    `asked` (q,).

    By bits of the values, the highest first: those with a 0 go to the left, the others to the
    right, each in their order, and every question follows its own bit. What goes left where it goes
    right is smaller; what goes the whole way is equal.
    """
    less = np.zeros(len(asked), dtype=np.int64)
    low, high = np.zeros(len(asked), dtype=np.int64), ends.astype(np.int64)
    for bit in reversed(range(int(values.max()).bit_length())):
        up = (values >> bit) & 1
        left = np.concatenate([[0], np.cumsum(1 - up)])
        low_left, high_left = left[low], left[high]
        right = ((asked >> bit) & 1).astype(bool)
        less += np.where(right, high_left - low_left, 0)
        low = np.where(right, left[-1] + low - low_left, low_left)
        high = np.where(right, left[-1] + high - high_left, high_left)
        values = np.concatenate([values[up == 0], values[up == 1]])
    return less, high - low
