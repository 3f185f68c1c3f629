"""Does the partial likelihood have a maximum? Not where some combination of the columns puts
everybody who had an event above all who were still there then: along it the likelihood rises for
ever. Heinze and Schemper, Biometrics 2001;57:114.

Such a combination is a point of a cone, and a linear programme finds one or shows that there is
none, exactly where following the likelihood can only guess. The number of inequalities is that of
the people: whoever had an event is compared with one of those who had the next, and with those last
seen between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-9  # of the largest difference along a combination


@dataclass(frozen=True)
class Comparisons:
    """Differences of rows of the columns: `never_below` (a, p) of who had an event less who was
    still there; `equal` (b, p) of two who had it at one time.
    """

    never_below: np.ndarray
    equal: np.ndarray

    @property
    def rank(self) -> int:
        return int(np.linalg.matrix_rank(np.concatenate([self.never_below, self.equal])))

    def is_monotone(self, combination: np.ndarray) -> bool:
        """Whether the likelihood rises for ever along this combination (p,) of the columns."""
        along, level = self.never_below @ combination, self.equal @ combination
        most = float(np.abs(along).max(initial=0.0))
        small = ROUNDING * most
        return most > 0 and bool(along.min() >= -small and np.abs(level).max(initial=0.0) <= small)


def comparisons(time: np.ndarray, event: np.ndarray, x: np.ndarray) -> Comparisons:
    """`time`, `event` (n,) with somebody who had it, `x` (n, p)."""
    dead = np.flatnonzero(event)
    at, first, number = np.unique(time[dead], return_index=True, return_inverse=True)
    lead = dead[first]
    others = np.setdiff1d(np.arange(len(dead)), first)
    equal = x[dead[others]] - x[lead[number[others]]]
    seen = np.flatnonzero(~event)
    last_event = np.searchsorted(at, time[seen], side="right") - 1
    there = last_event >= 0
    waiting = x[lead[last_event[there]]] - x[seen[there]]
    return Comparisons(np.concatenate([x[lead[:-1]] - x[lead[1:]], waiting]), equal)


def endless_combination(found: Comparisons) -> np.ndarray | None:
    """A combination (p,) along which the likelihood rises for ever, of one column where one alone
    does; None without any.
    """
    p = found.never_below.shape[1]
    for alone in (*np.eye(p), *-np.eye(p)):
        if found.is_monotone(alone):
            return alone
    if not len(found.never_below):
        return None
    from scipy.optimize import linprog

    rows = np.unique(found.never_below, axis=0)
    level = np.unique(found.equal, axis=0) if len(found.equal) else None
    result = linprog(
        -rows.sum(axis=0),
        A_ub=-rows,
        b_ub=np.zeros(len(rows)),
        A_eq=level,
        b_eq=None if level is None else np.zeros(len(level)),
        bounds=(-1, 1),
        method="highs",
    )
    return result.x if result.x is not None and found.is_monotone(result.x) else None
