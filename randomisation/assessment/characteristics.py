"""The operating characteristics of a rule for one's own number of people and strata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from randomisation.assessment import efficiency, population, simulation, strata
from randomisation.assessment.chains import (
    Floats,
    Integers,
    TooManyStates,
    chain_of,
    scale,
    spread,
    units,
)
from randomisation.assessment.curves import Curves, curves
from randomisation.assessment.population import Factor
from randomisation.assessment.steps import first_steps
from randomisation.methods.counted import Counted
from randomisation.methods.rule import Rule, is_equal

DRAWS = 500
STEPS = 6
SAME = 1e-9  # chances that differ by less are the same: what rounding leaves


@dataclass(frozen=True)
class Estimate:
    """`error` is the Monte-Carlo standard error; 0 for what is worked out and not simulated."""

    value: float
    error: float = 0.0


@dataclass(frozen=True)
class Characteristics:
    """Imbalance is max - min of N_k / r_k over the arms, for 1:1 the absolute difference D between
    them.

    `correct` is the expected share of right guesses by somebody who names the arm with the fewest
    so far in the stratum of the newcomer; for a rule that reads across strata, by the best of those
    who count overall, in a stratum, or in one level of one factor. `deterministic` is the share of
    allocations that are certain for who knows the rule and who went before. `lost` people of n tell
    nothing because of the overall imbalance, `lost_within` because of that in strata, which counts
    where the strata are in the model, as they should be.
    """

    n: int
    strata: int
    draws: int  # trials simulated; 0 where nothing was
    allocated: float  # expected; below n where lists run out
    correct: Estimate
    deterministic: Estimate
    imbalance: Estimate  # at the end
    furthest: Estimate  # the largest on the way
    deviation: (
        Estimate  # the standard deviation of the difference at the end; for more arms of the widest
    )
    within: Estimate  # at the end, in the average stratum
    within_furthest: Estimate
    lost: Estimate
    lost_within: Estimate
    effect: float  # the planned standardised difference
    power: Estimate
    balanced_power: float
    steps: tuple[tuple[float, ...], ...]  # the chance of each arm at the first allocations
    off_ratio: float  # by how much such a chance is off the ratio, at most

    @property
    def keeps_ratio(self) -> bool:
        return not self.off_ratio


def assess(
    rule: Rule,
    n: int,
    factors: Sequence[Factor] = (),
    *,
    generator: np.random.Generator,
    effect: float | None = None,
    draws: int = DRAWS,
) -> Characteristics:
    """Exact for one stratum of a rule that reads counts or of permuted blocks; over several strata
    exact but for the largest imbalance on the way and, with three arms or more, what follows from
    the overall counts. Simulated for rules that read across strata, and where there are too many
    counts to go through. Raises TooManyStates for very large blocks.
    """
    effect = efficiency.planned_effect(n, rule.ratio) if effect is None else effect
    if rule.scope == "point":
        return _simulated(rule, n, factors, effect, draws, generator)
    shares = population.strata(factors)
    try:
        found = curves(chain_of(rule, strata.longest(n, float(shares.max()))))
    except TooManyStates:
        if not isinstance(rule, Counted):
            raise  # what a block holds does not follow from the counts
        return _simulated(rule, n, factors, effect, draws, generator)
    return _worked_out(rule, found, n, factors, effect, draws, generator)


def _worked_out(
    rule: Rule,
    found: Curves,
    n: int,
    factors: Sequence[Factor],
    effect: float,
    draws: int,
    generator: np.random.Generator,
) -> Characteristics:
    shares = population.strata(factors)
    means = strata.averages(found, n, shares)
    is_one = len(shares) == 1
    furthest = Estimate(float(found.furthest[-1]))
    counts: Integers = found.counts
    chances: Floats | None = found.chances
    if not is_one:
        worst, counts = simulation.stratified(rule, factors, n, draws, generator)
        furthest, chances = _mean(worst), None
    if len(rule.ratio) == 2:
        counts, chances = strata.overall(found, n, shares, units(rule.ratio))
    return Characteristics(
        n=n,
        strata=len(shares),
        draws=0 if is_one else draws,
        allocated=float(n) if rule.length is None else means.allocated,
        correct=Estimate(means.correct),
        deterministic=Estimate(means.forced),
        furthest=furthest,
        within=Estimate(means.apart),
        within_furthest=Estimate(means.furthest),
        lost_within=Estimate(means.lost),
        steps=tuple(tuple(map(float, row)) for row in found.arms[:STEPS]),
        off_ratio=_off(found.arms, rule.ratio),
        **_from_counts(rule.ratio, n, counts, chances, effect),
    )


def _simulated(
    rule: Rule,
    n: int,
    factors: Sequence[Factor],
    effect: float,
    draws: int,
    generator: np.random.Generator,
) -> Characteristics:
    found = simulation.trials(rule, factors, n, draws, generator)
    exact = np.array([[float(each) for each in step.values()] for step in first_steps(rule, STEPS)])
    guesser = (
        max(found.guesses, key=lambda name: found.guesses[name].mean())
        if rule.scope == "point"
        else "stratum"
    )
    return Characteristics(
        n=n,
        strata=population.how_many(factors),
        draws=draws,
        allocated=float(n),
        correct=_mean(found.guesses[guesser]),
        deterministic=_mean(found.forced),
        furthest=_mean(found.furthest),
        within=_mean(found.within),
        within_furthest=_mean(found.within_furthest),
        lost_within=_mean(found.within_lost),
        steps=tuple(tuple(map(float, row)) for row in exact),
        off_ratio=0.0 if rule.keeps_ratio and is_equal(rule.ratio) else _off(exact, rule.ratio),
        **_from_counts(rule.ratio, n, found.counts, None, effect),
    )


def _from_counts(
    ratio: dict[str, int], n: int, counts: Integers, chances: Floats | None, effect: float
) -> dict[str, Any]:
    """What follows from the numbers in the arms at the end: with their chances exactly, or from a
    sample of them.
    """
    told = efficiency.information(counts)
    lost = n - told / float(efficiency.balanced_information(1.0, ratio))

    def mean(values: Floats) -> Estimate:
        return _mean(values) if chances is None else Estimate(float(chances @ values))

    return {
        "imbalance": mean(spread(counts, ratio) / scale(ratio)),
        "deviation": _deviation(counts, ratio, chances),
        "lost": mean(lost),
        "effect": effect,
        "power": mean(efficiency.power(told, effect)),
        "balanced_power": float(
            efficiency.power(efficiency.balanced_information(n, ratio), effect)
        ),
    }


def _deviation(counts: Integers, ratio: dict[str, int], chances: Floats | None) -> Estimate:
    """Of the difference N_i / r_i - N_j / r_j of the pair of arms where it is largest."""
    weighed = counts * units(ratio) / scale(ratio)
    pairs = [(i, j) for j in range(len(ratio)) for i in range(j)]
    weights = np.full(len(counts), 1 / len(counts)) if chances is None else chances
    found = []
    for i, j in pairs:
        difference = weighed[:, i] - weighed[:, j]
        squares = (difference - weights @ difference) ** 2
        variance = float(weights @ squares)
        # The error of a root, from that of the variance: half of it over the root.
        error = (
            squares.std() / np.sqrt(len(squares)) / (2 * np.sqrt(variance))
            if variance and chances is None
            else 0.0
        )
        found.append((float(np.sqrt(variance)), float(error)))
    return Estimate(*max(found))


def _mean(values: Floats) -> Estimate:
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))


def _off(arms: Floats, ratio: dict[str, int]) -> float:
    shares = np.array(list(ratio.values())) / sum(ratio.values())
    off = float(np.abs(arms - shares).max()) if arms.size else 0.0
    return off if off > SAME else 0.0
