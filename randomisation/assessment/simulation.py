"""What cannot be worked out is simulated: many trials side by side, each with people drawn from the
expected shares.

Where the rule's chances are at hand their means are taken rather than the arms that came out, which
is as right and less noisy. Every mean comes with its Monte-Carlo standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from randomisation.assessment import population
from randomisation.assessment.chains import Floats, Integers, correct, scale, spread
from randomisation.assessment.efficiency import lost_people
from randomisation.assessment.population import Factor
from randomisation.methods import balance
from randomisation.methods.counted import Counted
from randomisation.methods.minimisation import FakeArms, Minimisation
from randomisation.methods.pairs import OVERALL, STRATUM, Balanced
from randomisation.methods.rule import Rule

CERTAIN = 1 - 1e-12
Place = tuple[
    Integers, Integers
]  # everybody's place (draws, n); how many of each lot stand in it (places, lots, draws)


@dataclass(frozen=True)
class Trials:
    """One value a trial, but for `arms`."""

    guesses: dict[str, Floats]  # who guesses -> the share of correct guesses
    forced: Floats
    arms: Floats  # (n, arms): the mean chance of each arm at allocation 1, 2, ...
    counts: Integers  # (draws, arms), at the end
    furthest: Floats
    within: Floats  # the mean over strata at the end
    within_furthest: Floats
    within_lost: Floats  # people


@dataclass
class _Tally:
    """What has been allocated so far, in every trial: overall and by stratum."""

    ratio: dict[str, int]
    counts: Integers  # (arms, draws)
    cells: Integers  # (strata, arms, draws)
    furthest: Integers  # (draws,)
    cell_furthest: Integers  # (strata, draws)

    @classmethod
    def empty(cls, ratio: dict[str, int], strata: int, draws: int) -> _Tally:
        arms = len(ratio)
        return cls(
            ratio,
            _zeros(arms, draws),
            _zeros(strata, arms, draws),
            _zeros(draws),
            _zeros(strata, draws),
        )

    def add(self, arm: Integers, cell: Integers) -> None:
        every = np.arange(arm.size)
        self.counts[arm, every] += 1
        self.cells[cell, arm, every] += 1
        np.maximum(self.furthest, spread(self.counts.T, self.ratio), out=self.furthest)
        here = spread(self.cells[cell, :, every], self.ratio)
        self.cell_furthest[cell, every] = np.maximum(self.cell_furthest[cell, every], here)


def trials(
    rule: Rule,
    factors: Sequence[Factor],
    n: int,
    draws: int,
    generator: np.random.Generator,
    *,
    guessers: bool = True,
) -> Trials:
    """`draws` trials of n people. The rule reads counts: its stratum's, or those of its own places
    across strata.
    """
    levels = population.people(factors, n, draws, generator)
    cells = population.cells(factors, levels, (draws, n))
    tally = _Tally.empty(rule.ratio, population.how_many(factors), draws)
    places, lots = _places(rule, factors, levels, cells), _lots(rule)
    seen = _onlookers(factors, levels, draws, len(rule.ratio)) if guessers else {}
    guesses = {name: np.zeros(draws) for name in ("overall", "stratum", *seen)}
    forced, arms, every = np.zeros(draws), np.zeros((n, len(rule.ratio))), np.arange(draws)
    chances_of = _chances(rule)
    for step in range(n):
        here = [counts[where[:, step], :, every].T for where, counts in places]
        by_lot = chances_of(here)
        chances = np.stack([by_lot[lots == arm].sum(axis=0) for arm in range(len(rule.ratio))])
        cell = cells[:, step]
        guesses["overall"] += correct(tally.counts.T, chances.T, rule.ratio)
        guesses["stratum"] += correct(tally.cells[cell, :, every], chances.T, rule.ratio)
        for name, (where, counts) in seen.items():
            guesses[name] += correct(counts[where[:, step], :, every], chances.T, rule.ratio)
        forced += (chances > CERTAIN).any(axis=0)
        arms[step] = chances.mean(axis=1)
        lot = balance.pick(by_lot, generator)
        arm = lots[lot]
        for where, counts in places:
            counts[where[:, step], lot, every] += 1
        for where, counts in seen.values():
            counts[where[:, step], arm, every] += 1
        tally.add(arm, cell)
    return _trials({name: total / n for name, total in guesses.items()}, forced / n, arms, tally)


def stratified(
    rule: Rule, factors: Sequence[Factor], n: int, draws: int, generator: np.random.Generator
) -> tuple[Floats, Integers]:
    """For a rule with a stream in each stratum: how far the arms were apart at the worst overall
    (draws,), and the counts at the end (draws, arms).
    """
    levels = population.people(factors, n, draws, generator)
    cells = population.cells(factors, levels, (draws, n))
    arm = _streams(rule, cells, population.how_many(factors), generator)
    counts = np.stack([(arm == k).cumsum(axis=1) for k in range(len(rule.ratio))], axis=-1)
    return spread(counts, rule.ratio).max(axis=1) / scale(rule.ratio), counts[:, -1]


def _streams(rule: Rule, cells: Integers, strata: int, generator: np.random.Generator) -> Integers:
    """Everybody the next of their stratum's sequence; -1 where a list has run out."""
    draws, n = cells.shape
    order = np.argsort(cells, axis=1, kind="stable")
    rows = np.arange(draws)[:, None] * strata
    sizes = np.bincount((cells + rows).ravel(), minlength=draws * strata).reshape(draws, strata)
    starts = np.cumsum(sizes, axis=1) - sizes
    length = int(sizes.max()) if rule.length is None else min(int(sizes.max()), rule.length)
    sequences = rule.sequences(length, draws * strata, generator).reshape(draws, strata, length)
    sorted_cells = np.take_along_axis(cells, order, axis=1)
    place = np.arange(n) - np.take_along_axis(starts, sorted_cells, axis=1)
    drawn = sequences[np.arange(draws)[:, None], sorted_cells, np.minimum(place, length - 1)]
    arm = np.empty((draws, n), dtype=np.int64)
    np.put_along_axis(arm, order, np.where(place < length, drawn, -1), axis=1)
    return arm


def _places(
    rule: Rule, factors: Sequence[Factor], levels: dict[str, Integers], cells: Integers
) -> list[Place]:
    """Where a person counts for the rule."""
    draws, lots = len(cells), len(rule.lots)
    number = {factor.name: len(factor.levels) for factor in factors}
    everywhere = (np.zeros_like(cells), 1)
    known = {OVERALL: everywhere, STRATUM: (cells, population.how_many(factors))}
    known |= {name: (where, number[name]) for name, where in levels.items()}
    places = [known.get(name, everywhere) for name in _read(rule)]
    return [(where, _zeros(how_many, lots, draws)) for where, how_many in places]


def _read(rule: Rule) -> tuple[str, ...]:
    if isinstance(rule, Balanced):
        return rule.places
    if isinstance(rule, FakeArms | Minimisation):
        return rule.factors
    return (STRATUM,)


def _lots(rule: Rule) -> Integers:
    """The arm's number that each lot stands for."""
    arms = list(rule.ratio)
    return np.array([arms.index(rule.arm(lot)) for lot in rule.lots])


def _chances(rule: Rule) -> Callable[[list[Integers]], Floats]:
    """From the counts in the newcomer's places the chance of every lot, (lots, draws)."""
    if isinstance(rule, FakeArms):
        return rule.inner.simulated
    if isinstance(rule, Minimisation):
        return rule.simulated
    if isinstance(rule, Balanced):
        return lambda here: _pair(rule.simulated([counts[0] - counts[1] for counts in here]))
    if isinstance(rule, Counted):
        return lambda here: _by_counts(rule, here[0])
    raise TypeError(f"{type(rule).__name__} reads more than counts")


def _pair(first: Floats) -> Floats:
    return np.stack([first, 1 - first])


def _by_counts(rule: Counted, counts: Integers) -> Floats:
    present, place = np.unique(counts, axis=1, return_inverse=True)
    shares = [
        [float(share) for share in rule.shares(tuple(map(int, column)))] for column in present.T
    ]
    return np.array(shares)[place.ravel()].T


def _onlookers(
    factors: Sequence[Factor], levels: dict[str, Integers], draws: int, arms: int
) -> dict[str, Place]:
    """Who sees one level of one factor, such as a site."""
    if len(factors) < 2:
        return {}  # with one factor its level is the stratum
    return {
        factor.name: (levels[factor.name], _zeros(len(factor.levels), arms, draws))
        for factor in factors
    }


def _trials(guesses: dict[str, Floats], forced: Floats, arms: Floats, tally: _Tally) -> Trials:
    ratio, unit = tally.ratio, scale(tally.ratio)
    cells = tally.cells.transpose(0, 2, 1)
    return Trials(
        guesses,
        forced,
        arms,
        tally.counts.T,
        tally.furthest / unit,
        spread(cells, ratio).mean(axis=0) / unit,
        tally.cell_furthest.mean(axis=0) / unit,
        lost_people(cells, ratio).sum(axis=0),
    )


def _zeros(*shape: int) -> Integers:
    return np.zeros(shape, dtype=np.int64)
