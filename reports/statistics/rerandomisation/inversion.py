"""Intervals: the shifts that the re-randomisation test does not reject.

Under a shift d the outcome of whoever was in the first arm is lowered by d and everything is as
under no effect. A statistic that is linear in the scores is S_l - d C_l for sequence l, with C_l
that of the realised arm itself, and S - d C as realised. Sequence l is as extreme as the realised
one while d lies between (S - S_l) / (C - C_l) and (S + S_l) / (C + C_l), and both are known at once
for all d: a limit is the order statistic of these at which the share of sequences comes to exceed 1
- level. Where abs(C_l) is above C, which covariates can bring about, it is as extreme outside the
two instead. One-sided limits need the first ratio alone. (Rosenberger and Lachin 2016, chapter 6,
search for the limits.) The interval is the shortest that holds every shift that is not rejected.

A rank sum is a step function of d with steps where an outcome of one arm comes past one of the
other. The share of sequences as extreme rises to the estimate and falls after it, so the limits are
found by bisection over those differences. Hodges and Lehmann, Ann Math Stat 1963;34:598 for the
estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from randomisation.methods import Profile

from ..model_frame import NotEstimable
from . import wording
from .reference import Reference, kept, reference
from .scores import ALMOST, realised, residuals, statistics
from .significance import tally
from .trial import DIFFERENCE, GREATER, LESS, RANK, TWO_SIDED, Rules, Trial, observed

AT_ONCE = 32  # shifts tried in one pass over the sequences
SAME = 1e-9


@dataclass(frozen=True)
class Interval:
    """Shifts of the first arm against the second, in the unit of the outcome, with a p above 1 -
    `level`: coverage is at least `level` over repeated allocations if the effect is the same for
    everybody. Infinite where too few sequences can reject. `estimate`: the shift under which the
    statistic is 0 (for ranks the median difference). Counts as of Rerandomisation.
    """

    estimate: float
    lower: float
    upper: float
    level: float
    exact: bool
    draws: int
    removed: int
    n: int
    missing: int
    method: str
    assumptions: tuple[str, ...]


@dataclass(frozen=True)
class Counted:
    draws: int
    removed: int


def interval(
    outcome: ArrayLike,
    arm: Sequence[str],
    *,
    level: float = 0.95,
    rule: Rules = None,
    strata: Sequence[str] | None = None,
    profiles: Sequence[Profile] | None = None,
    statistic: str = DIFFERENCE,
    covariates: ArrayLike | None = None,
    alternative: str = TWO_SIDED,
    conditional: bool = False,
    contrast: tuple[str, str] | None = None,
    draws: int = 10_000,
    generator: np.random.Generator | None = None,
    exact: bool | None = None,
) -> Interval:
    """Arguments as of `significance.rerandomise`; with a one-sided alternative one limit is
    infinite. Two arms only: a shift between two says nothing about a third. Errors as of
    `rerandomise`.
    """
    if not 0 < level < 1:
        raise ValueError(f"level {level} lies outside 0 to 1")
    trial = observed(
        outcome,
        arm,
        rule=rule,
        strata=strata,
        profiles=profiles,
        statistic=statistic,
        covariates=covariates,
        contrast=contrast,
        alternative=alternative,
        conditional=conditional,
    )
    if len(trial.arms) > 2:
        raise NotEstimable(
            "a shift between two arms says nothing about the others; a trial of two arms has one"
        )
    allocations = reference(trial, draws, generator, exact)
    find = _by_ranks if statistic == RANK else _linear
    estimate, lower, upper, counted = find(trial, allocations, 1 - Fraction(str(level)))
    return Interval(
        estimate,
        lower,
        upper,
        level,
        allocations.is_exact,
        counted.draws,
        counted.removed,
        trial.n,
        trial.n - len(trial.seen),
        f"Inversion under a constant shift: "
        f"{wording.method(trial, allocations.is_exact, counted.draws)}",
        wording.shifted(trial),
    )


Found = tuple[float, float, float, Counted]


def _linear(trial: Trial, allocations: Reference, alpha: Fraction) -> Found:
    columns = np.column_stack([trial.outcome[trial.seen], realised(trial)])
    given = residuals(trial, columns)
    s, c = statistics(trial, trial.codes[None, :], given)[0][0]
    if not c > SAME:
        raise NotEstimable("the covariates tell the arms apart: no shift can be told from them")
    parts, removed = [], 0
    for codes, weights in allocations.blocks():
        values, empty = statistics(trial, codes, given)
        parts.append((values[~empty], weights[~empty]))
        removed += int(empty.sum())
    values, weights = (np.concatenate([part[i] for part in parts]) for i in range(2))
    if not len(values):
        raise NotEstimable(
            "no sequence could be used: too few hold the numbers in the arms, or leave nobody out"
        )
    spans = _spans(values[:, 0], values[:, 1], s, c, trial.alternative, weights)
    added = 0 if allocations.is_exact else 1
    lower, upper = _limits(spans, added, alpha * (int(weights.sum()) + added))
    return float(s / c), lower, upper, Counted(len(values), removed)


@dataclass(frozen=True)
class Spans:
    """From which shift to which a sequence is as extreme as the realised one, and what it weighs;
    some have two spans.
    """

    starts: np.ndarray
    ends: np.ndarray
    weights: np.ndarray


def _spans(
    values: np.ndarray, own: np.ndarray, s: float, c: float, alternative: str, weights: np.ndarray
) -> Spans:
    """`values` S_l, `own` C_l; `s` and `c` as realised."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (s - values) / (c - own), (s + values) / (c + own)
    low, high = np.full_like(first, -np.inf), np.full_like(first, np.inf)
    near = SAME * max(abs(s), float(np.abs(values).max()))
    always = (np.abs(c - own) <= SAME * c) & (np.abs(s - values) <= near)
    if alternative == TWO_SIDED:
        always |= (np.abs(c + own) <= SAME * c) & (np.abs(s + values) <= near)
        outside = (np.abs(own) > c) & ~always
        starts = np.where(always | outside, low, np.minimum(first, second))
        ends = np.where(
            always, high, np.where(outside, np.minimum(first, second), np.maximum(first, second))
        )
        again = np.maximum(first, second)[outside]
        return Spans(
            np.concatenate([starts, again]),
            np.concatenate([ends, np.full_like(again, np.inf)]),
            np.concatenate([weights, weights[outside]]),
        )
    rises = (c > own) == (alternative == GREATER)
    return Spans(
        np.where(rises & ~always, first, low), np.where(rises | always, high, first), weights
    )


def _limits(spans: Spans, added: int, most: Fraction) -> tuple[float, float]:
    """The first and the last shift at which the spans that hold it weigh more than `most`, with
    what is added everywhere.

    The weight goes up at starts alone and down after ends alone, so these are the only places to
    look.
    """
    if added > most:
        return -math.inf, math.inf
    starts, ends = np.argsort(spans.starts, kind="stable"), np.argsort(spans.ends, kind="stable")
    first, last = spans.starts[starts], spans.ends[ends]
    begun = np.concatenate([[0], np.cumsum(spans.weights[starts])])
    over = np.concatenate([[0], np.cumsum(spans.weights[ends])])

    def enough(places: np.ndarray) -> np.ndarray:
        held = (
            begun[np.searchsorted(first, places, side="right")]
            - over[np.searchsorted(last, places, side="left")]
        )
        return held + added > math.floor(most)

    return float(first[enough(first).argmax()]), float(last[::-1][enough(last[::-1]).argmax()])


def _by_ranks(trial: Trial, allocations: Reference, alpha: Fraction) -> Found:
    values, first = trial.outcome[trial.seen], realised(trial) == 1
    every = np.sort((values[first][:, None] - values[~first][None, :]).ravel())
    steps = _distinct(every)
    search = _Search(
        trial,
        kept(allocations, trial.n),
        alpha,
        np.concatenate([[steps[0] - 1], _middles(steps), [steps[-1] + 1]]),
    )
    end, middle = len(steps), int(np.searchsorted(steps, np.median(every)))
    low = (
        0
        if trial.alternative == LESS
        else search.first(0, end if trial.alternative == GREATER else middle)
    )
    high = (
        end
        if trial.alternative == GREATER
        else search.last(0 if trial.alternative == LESS else middle, end)
    )
    lower = steps[low - 1] if low else -math.inf
    upper = steps[high] if high < end else math.inf
    return float(np.median(every)), float(lower), float(upper), search.counted()


def _distinct(values: np.ndarray) -> np.ndarray:
    """Of sorted values; those that differ by rounding once."""
    return values[
        np.diff(values, prepend=-np.inf) > ALMOST * max(1e-300, float(np.abs(values).max()))
    ]


def _middles(values: np.ndarray) -> np.ndarray:
    return (values[1:] + values[:-1]) / 2


@dataclass(frozen=True)
class _Search:
    """`shifts`: one before, between and after the steps. Many are tried in one pass, so that few
    passes are needed.
    """

    trial: Trial
    allocations: Reference
    alpha: Fraction
    shifts: np.ndarray

    def first(self, low: int, high: int) -> int:
        """The first that is not rejected, where all before it are and `high` is not."""
        while low < high:
            tried = np.unique(np.linspace(low, high - 1, AT_ONCE).astype(int))
            kept = self._kept(tried)
            at = int(kept.argmax()) if kept.any() else len(tried)
            low = int(tried[at - 1]) + 1 if at else low
            high = int(tried[at]) if at < len(tried) else high
        return high

    def last(self, low: int, high: int) -> int:
        """The last that is not rejected, where all after it are and `low` is not: the first of the
        mirror image.
        """
        mirrored = _Search(self.trial, self.allocations, self.alpha, self.shifts[::-1])
        end = len(self.shifts) - 1
        return end - mirrored.first(end - high, end - low)

    def _kept(self, tried: np.ndarray) -> np.ndarray:
        found = tally(self.trial, self.allocations, self.shifts[tried])
        added = 0 if self.allocations.is_exact else 1
        return np.array(
            [added + each > self.alpha * (added + found.total) for each in found.extreme]
        )

    def counted(self) -> Counted:
        found = tally(self.trial, self.allocations, self.shifts[:1])
        return Counted(found.draws, found.removed)
