"""The re-randomisation test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from randomisation.methods import Profile

from ..model_frame import NotEstimable
from ..proportions import clopper_pearson
from ..reading import numbers
from . import wording
from .reference import Reference, reference
from .scores import rounding, scores, statistics
from .trial import DIFFERENCE, GREATER, LESS, TWO_SIDED, Rules, Trial, observed


@dataclass(frozen=True)
class Rerandomisation:
    """`statistic` as realised. `p` in `fraction` exactly, where `exact`; else it is of `draws`
    sequences, and with endless draws it would lie between `lower` and `upper` (95 %, Clopper and
    Pearson 1934). `draws` counts the sequences used, all there are where exact; `removed` those
    left out because an arm had nobody with an outcome. `missing` people had none.
    """

    statistic: float
    p: float
    fraction: Fraction | None
    lower: float
    upper: float
    exact: bool
    draws: int
    removed: int
    n: int
    missing: int
    method: str
    assumptions: tuple[str, ...]


def rerandomise(
    outcome: ArrayLike,
    arm: Sequence[str],
    *,
    rule: Rules = None,
    strata: Sequence[str] | None = None,
    profiles: Sequence[Profile] | None = None,
    statistic: str = DIFFERENCE,
    covariates: ArrayLike | None = None,
    contrast: tuple[str, str] | None = None,
    alternative: str = TWO_SIDED,
    shift: float = 0.0,
    conditional: bool = False,
    draws: int = 10_000,
    generator: np.random.Generator | None = None,
    exact: bool | None = None,
) -> Rerandomisation:
    """`outcome` (n,) in the order of allocation, NaN where missing: that person keeps the place in
    the sequence and is not in the statistic. `arm` (n,). `rule`: of every stratum, or by stratum;
    None for every order of the labels within strata. `profiles` (n,) as they were used, for a rule
    that reads across strata.

    `statistic`: the difference in means, that of residuals of a fit on `covariates` (n, q) without
    the arm, or the rank sum. With more than two arms `contrast` names the first and the second;
    without it the sum of squares between arms is tested. `shift` is the effect of the first arm
    that the hypothesis holds, 0 for none. `conditional`: only sequences with as many in each arm as
    there were. `exact`: None for where the sequences can be listed.

    Errors: ValueError, NotRandomisedSo, NotEstimable, TooManySequences where `exact` is asked for.
    """
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
    if shift and trial.contrast is None:
        raise ValueError("a shift is between two arms: name them as the contrast")
    if shift and len(trial.arms) > 2:
        raise NotEstimable(
            "a shift between two arms says nothing about the others; a trial of two arms has one"
        )
    return _result(trial, reference(trial, draws, generator, exact), shift)


def missing(outcome: ArrayLike, arm: Sequence[str], **asked: object) -> Rerandomisation:
    """The same test of whether an outcome is missing (1) or not (0): does it go with the arm?
    Arguments as of `rerandomise`.
    """
    gone = np.isnan(numbers(outcome, "the outcome")).astype(float)
    if not 0 < gone.sum() < len(gone):
        raise NotEstimable("nobody's outcome is missing, or everybody's")
    return rerandomise(gone, arm, **asked)  # type: ignore[arg-type]


def _result(trial: Trial, allocations: Reference, shift: float) -> Rerandomisation:
    found = tally(trial, allocations, np.array([shift]))
    extreme = int(found.extreme[0])
    if allocations.is_exact:
        fraction = Fraction(extreme, found.total)
        p = lower = upper = float(fraction)
    else:
        fraction, p = None, (1 + extreme) / (1 + found.total)
        limits = clopper_pearson(extreme, found.total)
        lower, upper = float(limits.lower or 0.0), float(limits.upper or 0.0)
    return Rerandomisation(
        float(found.realised[0]),
        p,
        fraction,
        lower,
        upper,
        allocations.is_exact,
        found.draws,
        found.removed,
        trial.n,
        trial.n - len(trial.seen),
        wording.method(trial, allocations.is_exact, found.draws),
        wording.assumptions(trial),
    )


@dataclass(frozen=True)
class Tally:
    """Under each shift: the realised statistic, and what the sequences at least as extreme weigh
    (shifts,), of `total`.
    """

    realised: np.ndarray
    extreme: np.ndarray
    total: int
    draws: int
    removed: int


def tally(trial: Trial, allocations: Reference, shifts: np.ndarray) -> Tally:
    given = scores(trial, shifts)
    realised = statistics(trial, trial.codes[None, :], given)[0][0]
    near = rounding(trial, given)
    extreme = np.zeros(len(shifts), dtype=object)
    total = draws = removed = 0
    for codes, weights in allocations.blocks():
        values, empty = statistics(trial, codes, given)
        hits = at_least(values, realised, near, trial.alternative) & ~empty[:, None]
        extreme += _weighed(hits, weights)
        total += int(weights[~empty].sum())
        draws += int((~empty).sum())
        removed += int(empty.sum())
    if not draws:
        raise NotEstimable(
            "no sequence could be used: too few hold the numbers in the arms, or leave nobody out"
        )
    return Tally(realised, extreme, total, draws, removed)


def at_least(
    values: np.ndarray, realised: np.ndarray, near: np.ndarray, alternative: str
) -> np.ndarray:
    """Which statistics are as extreme as the realised, or the same but for rounding."""
    if alternative == GREATER:
        return values >= realised - near
    if alternative == LESS:
        return values <= realised + near
    return np.abs(values) >= np.abs(realised) - near


def _weighed(hits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What the hits (sequences, shifts) weigh together, by shift, in whole numbers."""
    return np.array([int(weights[column].sum()) for column in hits.T], dtype=object)
