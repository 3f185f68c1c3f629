"""The statistic: a score for each person, fixed, and what the allocation makes of the scores."""

from __future__ import annotations

import numpy as np

from ..variation import is_rounding, largest
from .trial import RANK, RESIDUAL, Trial

# of the largest score: two statistics nearer to each other are the same number, rounded differently
ALMOST = 1e-10


def scores(trial: Trial, shifts: np.ndarray) -> np.ndarray:
    """Scores (m, shifts) of the people seen, each column with mean 0, after a shift is taken off
    whoever was in the first arm.
    """
    own = trial.outcome[trial.seen][:, None] - realised(trial)[:, None] * shifts
    if trial.statistic == RANK:
        return np.column_stack([_average_ranks(column) for column in own.T])
    return residuals(trial, own)


def realised(trial: Trial) -> np.ndarray:
    """Of the people seen (m,): 1 for those in the first arm of the contrast, else 0."""
    first = -1 if trial.contrast is None else trial.contrast[0]
    return (trial.codes[trial.seen] == first).astype(float)


def residuals(trial: Trial, columns: np.ndarray) -> np.ndarray:
    """What a least-squares fit on the covariates, without the arm, leaves; without covariates the
    distance from the mean.
    """
    centred = columns - columns.mean(axis=0)
    if trial.statistic != RESIDUAL:
        return _without_rounding(centred, columns)
    x = trial.covariates[trial.seen]
    x = x - x.mean(axis=0)
    scale = np.sqrt((x**2).sum(axis=0))
    basis, size, _ = np.linalg.svd(x / np.where(scale > 0, scale, 1.0), full_matrices=False)
    basis = basis[:, size > 1e-10]
    return _without_rounding(centred - basis @ (basis.T @ centred), columns)


def _without_rounding(found: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Columns of scores that are rounding alone become zeros: outcomes that are all the same tell
    no arms apart.
    """
    nothing = [
        is_rounding(largest(each), largest(own))
        for each, own in zip(found.T, columns.T, strict=True)
    ]
    return np.where(nothing, 0.0, found)


def _average_ranks(values: np.ndarray) -> np.ndarray:
    """Ties share a rank, and are told from rounding; less the mean rank."""
    order = np.sort(values)
    apart = np.diff(order, prepend=-np.inf) > ALMOST * max(1e-300, float(np.abs(order).max()))
    starts = np.flatnonzero(apart)
    ends = np.append(starts[1:], len(values))
    rank = (starts + 1 + ends) / 2
    place = np.searchsorted(order[starts], values, side="right") - 1
    # A value a rounding below the start of its own group does not occur: the start is the group's
    # smallest.
    return rank[place] - (len(values) + 1) / 2


def statistics(trial: Trial, codes: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of sequences (sequences, n) and scores (m, shifts): statistics (sequences, shifts), and which
    sequences have an arm to compare without anybody seen (sequences,); the statistic of those is 0.

    A contrast: the difference in mean score, or for ranks the rank sum of the first arm less what
    it is expected to be, which with more arms is half the difference between two such sums. All
    arms: the sum over arms of n_k (mean_k)^2.
    """
    seen = codes if len(trial.seen) == trial.n else codes[:, trial.seen]
    if trial.contrast is None:
        sums, counts = zip(
            *(_sums(seen, arm, given) for arm in range(len(trial.arms))), strict=True
        )
        return sum(
            total**2 / _above_0(n) for total, n in zip(sums, counts, strict=True)
        ), _any_empty(*counts)
    first, n_first = _sums(seen, trial.contrast[0], given)
    if len(trial.arms) == 2:
        second, n_second = -first, seen.shape[1] - n_first  # scores add up to 0
    else:
        second, n_second = _sums(seen, trial.contrast[1], given)
    empty = _any_empty(n_first, n_second)
    if trial.statistic == RANK:
        return (first - second) / 2, empty
    return np.where(
        empty[:, None], 0.0, first / _above_0(n_first) - second / _above_0(n_second)
    ), empty


def _sums(codes: np.ndarray, arm: int, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    here = (codes == arm).astype(float)
    return here @ given, here.sum(axis=1).astype(np.int64)


def _above_0(counts: np.ndarray) -> np.ndarray:
    return np.maximum(counts, 1)[:, None]


def _any_empty(*counts: np.ndarray) -> np.ndarray:
    return np.minimum.reduce(counts) == 0


def rounding(trial: Trial, given: np.ndarray) -> np.ndarray:
    """How far apart (shifts,) two statistics are the same."""
    largest = np.abs(given).max(axis=0)
    if trial.contrast is None:
        return ALMOST * largest**2 * len(given)
    return ALMOST * largest * (len(given) if trial.statistic == RANK else 1)
