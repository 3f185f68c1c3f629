"""Minimisation (Pocock and Simon 1975, Biometrics 31), for equal ratios and, by fake arms, for
others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import lcm
from typing import Any, ClassVar, Literal

import numpy as np

from randomisation.methods import balance, roots
from randomisation.methods.balance import Integers, Placed
from randomisation.methods.coins import Coin, CoinA, Floats
from randomisation.methods.rule import (
    Draws,
    History,
    HistoryTooLong,
    ImpossibleHistory,
    Profile,
    Rule,
    is_equal,
    reduced,
)

Distance = Literal["range", "variance", "sd"]
MOST_STATES = 20_000
States = dict[tuple, Fraction]
Chances = Callable[[tuple[tuple[int, ...], ...]], list[Fraction]]


@dataclass(frozen=True)
class Minimisation(Placed):
    """For each arm k suppose that the newcomer joins it, and let x_j = n_j / r_j be the people of
    arm j in one of the newcomer's levels. Its distance d is the range, variance (divisor K - 1) or
    standard deviation of x, and G_k = sum over factors of weight * d. The arm with the smallest G
    is the best; a coin decides.

    Ties: arms that tie share the chances of the ranks they span, alike (`average`) or in proportion
    to the ratio (`ratio`). SDs are compared exactly, as sums of roots, and rank only.

    With an unequal ratio, as several programs use it, it does not keep the ratio at every step.
    """

    weights: dict[str, Fraction]
    distance: Distance
    coin: Coin
    ties: Literal["average", "ratio"] = "average"

    @property
    def keeps_ratio(self) -> bool:
        return is_equal(self.ratio)

    @property
    def factors(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def lot_probabilities(
        self, history: History, profile: Profile | None = None
    ) -> dict[str, Fraction]:
        balance.check_lots(history, self.lots)
        known = balance.check_profile(profile, self.factors)
        counts = [
            balance.in_level(history, factor, known[factor], self.lots) for factor in self.factors
        ]
        return dict(zip(self.lots, self.chances(counts), strict=True))

    def places_of(self, profile: Profile | None) -> list[tuple[Any, ...]]:
        known = balance.check_profile(profile, self.factors)
        return [(factor, known[factor]) for factor in self.factors]

    def chances(self, counts: Sequence[Sequence[int]]) -> list[Fraction]:
        return self._tossed(*self._ranked(counts))

    def _tossed(self, scores: list[Fraction] | None, ranks: list[int]) -> list[Fraction]:
        return self.coin.chances(ranks, scores, self._tie_shares)

    @property
    def _tie_shares(self) -> tuple[int, ...]:
        return self._shares if self.ties == "ratio" else (1,) * len(self._shares)

    def _ranked(self, counts: Sequence[Sequence[int]]) -> tuple[list[Fraction] | None, list[int]]:
        """The scores G, where they are fractions, and how many arms are better than each."""
        spreads = [[self._spread(here, lot) for here in counts] for lot in range(len(self._shares))]
        weights = list(self.weights.values())
        if self.distance == "sd":
            return None, _rank_roots(spreads, weights)
        scores = [
            sum((w * d for w, d in zip(weights, each, strict=True)), Fraction(0))
            for each in spreads
        ]
        return scores, [sum(other < score for other in scores) for score in scores]

    def _spread(self, here: Sequence[int], lot: int) -> Fraction:
        """The range, or the variance, of x in one level after `lot` got the newcomer."""
        x = [
            Fraction(count + (k == lot), share)
            for k, (count, share) in enumerate(zip(here, self._shares, strict=True))
        ]
        if self.distance == "range":
            return max(x) - min(x)
        mean = sum(x, Fraction(0)) / len(x)
        return sum(((each - mean) ** 2 for each in x), Fraction(0)) / (len(x) - 1)

    @property
    def _shares(self) -> tuple[int, ...]:
        return tuple(self.ratio.values())

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        def choose(here: list[Integers], profile: Profile) -> Integers:
            return balance.pick(self.simulated(here), generator)

        return balance.stepwise(n, draws, self.places_of, profiles, len(self.lots), choose)

    def simulated(self, here: list[Integers]) -> Floats:
        """The chances (lots, draws) as floats; sums of roots that differ by less than 1e-9 of the
        largest weight count as ties.
        """
        return self._simulated_toss(self._simulated_scores(here))

    def _simulated_toss(self, scores: Floats) -> Floats:
        return self.coin.simulated(scores, self._tie_shares)

    def _simulated_scores(self, here: list[Integers]) -> Floats:
        common = lcm(*self._shares)
        steps = np.array([common // share for share in self._shares])
        weights = balance.scaled(self.weights)
        if len(steps) == 2 and steps[0] == steps[1] and self.coin.by_difference:
            return _pair_scores(here, list(weights.values()), self.distance)
        scores = np.zeros((len(steps), here[0].shape[1]))
        for counts, weight in zip(here, weights.values(), strict=True):
            x = counts * steps[:, None]
            for lot, step in enumerate(steps):
                x[lot] += step
                scores[lot] += weight * self._simulated_spread(x)
                x[lot] -= step
        return scores if self.distance != "sd" else (scores / max(weights.values())).round(9)

    def _simulated_spread(self, x: Integers) -> Floats | Integers:
        if self.distance == "range":
            return x.max(axis=0) - x.min(axis=0)
        # K times the sum of squares less the squared sum: whole numbers, so that ties are ties
        spread = len(x) * (x * x).sum(axis=0) - x.sum(axis=0) ** 2
        return np.sqrt(spread) if self.distance == "sd" else spread


def _pair_scores(here: list[Integers], weights: list[int], distance: Distance) -> Floats:
    """Two arms 1:1: by how much worse each arm would be than the other, which is all that ranks
    them.
    """
    total = np.zeros(here[0].shape[1], dtype=np.int64)
    for counts, weight in zip(here, weights, strict=True):
        difference = counts[0] - counts[1]
        total += weight * (difference if distance == "variance" else np.sign(difference))
    return np.stack([total, -total]).astype(float)


def _rank_roots(spreads: list[list[Fraction]], weights: list[Fraction]) -> list[int]:
    def compare(one: int, other: int) -> int:
        ours = [(w, d) for w, d in zip(weights, spreads[one], strict=True)]
        theirs = [(-w, d) for w, d in zip(weights, spreads[other], strict=True)]
        return roots.sign([*ours, *theirs])

    lots = range(len(spreads))
    return [sum(compare(other, lot) < 0 for other in lots) for lot in lots]


@dataclass(frozen=True)
class Han(Minimisation):
    """The biased coin of Han, Enas and McEntegart (2009, Stat. Med. 28) for an unequal ratio: arm i
    preferred gets 1 - (1 - p)(S - r_i) / (S - r_low), the others (1 - p) r_j / (S - r_low), where S
    = sum r and r_low is the smallest share. Arms that tie are preferred in proportion to their
    shares. It does not keep the ratio at every step.
    """

    def _tossed(self, scores: list[Fraction] | None, ranks: list[int]) -> list[Fraction]:
        best = [k for k, rank in enumerate(ranks) if rank == 0]
        total = sum(self._shares[k] for k in best)
        table = self._table
        return [
            sum((Fraction(self._shares[i], total) * table[i][k] for i in best), Fraction(0))
            for k in range(len(ranks))
        ]

    @property
    def _table(self) -> list[list[Fraction]]:
        """Row i: the chances where arm i is preferred."""
        assert isinstance(self.coin, CoinA)
        shares, left = self._shares, sum(self._shares) - min(self._shares)
        rest = 1 - self.coin.p
        return [
            [
                1 - rest * Fraction(sum(shares) - shares[i], left)
                if k == i
                else rest * Fraction(shares[k], left)
                for k in range(len(shares))
            ]
            for i in range(len(shares))
        ]

    def _simulated_toss(self, scores: Floats) -> Floats:
        best = (scores == scores.min(axis=0)) * np.array(self._shares, dtype=float)[:, None]
        table = np.array([[float(each) for each in row] for row in self._table])
        return table.T @ (best / best.sum(axis=0))


@dataclass(frozen=True)
class FakeArms(Rule):
    """An unequal ratio by fake arms (Kuznetsova and Tymofyeyev 2012, Stat. Med. 31): minimise
    1:1:... over as many fake arms as the ratio has parts, each of which stands for one arm. Fake
    arms are alike before anything is drawn, so the ratio is kept at every step.

    What is drawn is a fake arm, A/1, A/2 or B/1, and a history holds these. A history of arms alone
    is answered by the exact mixture over the fake arms that may stand behind it, which takes long
    for a long history.
    """

    inner: Minimisation = field()

    scope: ClassVar[Literal["stratum", "point"]] = "point"

    @classmethod
    def over(
        cls,
        ratio: dict[str, int],
        weights: dict[str, Fraction],
        distance: Distance,
        coin: Coin,
        ties: Literal["average", "ratio"],
    ) -> FakeArms:
        fake = {
            f"{arm}/{number}": 1
            for arm, share in reduced(ratio).items()
            for number in range(1, share + 1)
        }
        return cls(ratio, Minimisation(fake, weights, distance, coin, ties))

    @property
    def factors(self) -> tuple[str, ...]:
        return self.inner.factors

    @property
    def lots(self) -> tuple[str, ...]:
        return self.inner.lots

    def arm(self, lot: str) -> str:
        return lot.rpartition("/")[0]

    def lot_probabilities(
        self, history: History, profile: Profile | None = None
    ) -> dict[str, Fraction]:
        lots = set(self.lots)
        if all(each in lots for each, _ in history):
            return self.inner.lot_probabilities(history, profile)
        balance.check_lots(history, [*self.lots, *self.ratio])
        return self._mixed(history, balance.check_profile(profile, self.factors))

    def _mixed(self, history: History, profile: Profile) -> dict[str, Fraction]:
        chances = cache(self.inner.chances)  # many states are alike where the newcomer stands
        states = {
            (): Fraction(1)
        }  # how many of each lot stand in each level -> the chance of that, with this history
        for arm, other in history:
            states = self._after(states, arm, self.inner.places_of(other), chances)
        if not states:
            raise ImpossibleHistory("no fake arms can have given these arms")
        total, levels = sum(states.values()), self.inner.places_of(profile)
        mixed = zip(
            *(chances(_here(dict(state), levels, len(self.lots))) for state in states), strict=True
        )
        return {
            lot: sum((w * c for w, c in zip(states.values(), each, strict=True)), Fraction(0))
            / total
            for lot, each in zip(self.lots, mixed, strict=True)
        }

    def _after(
        self, states: States, arm: str, levels: list[tuple[str, str]], chances: Chances
    ) -> States:
        found: States = {}
        lots = self.lots
        fitting = [place for place, lot in enumerate(lots) if arm in (lot, self.arm(lot))]
        for state, weight in states.items():
            table = dict(state)
            known = chances(_here(table, levels, len(lots)))
            for place in fitting:
                if known[place]:
                    after = _added(table, levels, place, len(lots))
                    found[after] = found.get(after, Fraction(0)) + weight * known[place]
            if len(found) > MOST_STATES:
                raise HistoryTooLong(
                    f"more than {MOST_STATES} ways to have drawn these arms: give the fake arms"
                )
        return found

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        arms = list(self.ratio)
        stands_for = np.array([arms.index(self.arm(lot)) for lot in self.lots])
        return stands_for[self.inner.sequences(n, draws, generator, profiles)]


def _here(table: dict, levels: list[tuple[str, str]], lots: int) -> tuple[tuple[int, ...], ...]:
    return tuple(table.get(level, (0,) * lots) for level in levels)


def _added(table: dict, levels: list[tuple[str, str]], place: int, lots: int) -> tuple:
    changed = dict(table)
    for level in levels:
        counts = list(changed.get(level, (0,) * lots))
        counts[place] += 1
        changed[level] = tuple(counts)
    return tuple(sorted(changed.items()))
