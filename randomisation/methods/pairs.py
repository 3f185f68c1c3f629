"""Two arms 1:1 balanced in several places at once: the rule of Hu and Hu, and hierarchical dynamic
balancing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randomisation.methods import balance
from randomisation.methods.balance import Integers, Placed
from randomisation.methods.rule import Draws, History, Profile

OVERALL, STRATUM = "overall", "stratum"
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Balanced(Placed):
    """The chance of the first arm follows from the differences between the arms in the newcomer's
    places: overall, in their stratum (the cross of all factors), and in each factor's level.
    """

    factors: tuple[str, ...]

    @property
    @abstractmethod
    def places(self) -> tuple[str, ...]:
        """Which differences are read, by name: overall, stratum, or a factor."""

    @abstractmethod
    def first(self, differences: Sequence[int]) -> Fraction:
        """The chance of the first arm, from the differences (first arm less second) in the
        places.
        """

    def lot_probabilities(
        self, history: History, profile: Profile | None = None
    ) -> dict[str, Fraction]:
        balance.check_lots(history, self.lots)
        known = balance.check_profile(profile, self.factors)
        first = self.first([self._difference(history, known, place) for place in self.places])
        return dict(zip(self.lots, (first, 1 - first), strict=True))

    def places_of(self, profile: Profile | None) -> list[tuple[Any, ...]]:
        known = balance.check_profile(profile, self.factors)
        return [(place, *self._within(known, place).items()) for place in self.places]

    def chances(self, counts: Sequence[Sequence[int]]) -> list[Fraction]:
        first = self.first([ours - theirs for ours, theirs in counts])
        return [first, 1 - first]

    def _difference(self, history: History, profile: Profile, place: str) -> int:
        wanted = self._within(profile, place)
        for factor, level in wanted.items():
            history = balance.having(history, factor, level)
        ahead = [lot for lot, _ in history].count(self.lots[0])
        return 2 * ahead - len(history)

    def _within(self, profile: Profile, place: str) -> dict[str, str]:
        factors = {OVERALL: (), STRATUM: self.factors}.get(place, (place,))
        return {factor: profile[factor] for factor in factors}

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        def choose(here: list[Integers], profile: Profile) -> Integers:
            chances = self.simulated([counts[0] - counts[1] for counts in here])
            return (generator.random(draws) >= chances).astype(np.int64)

        return balance.stepwise(n, draws, self.places_of, profiles, 2, choose)

    @abstractmethod
    def simulated(self, differences: list[Integers]) -> NDArray[np.float64]:
        """`first` for all draws at once."""


@dataclass(frozen=True)
class HuHu(Balanced):
    """Hu and Hu (2012, Ann. Stat. 40): Imb = w_overall D^2 + sum over factors w_f D_f^2 + w_stratum
    D_stratum^2; the arm that leaves it smaller gets p, at a tie a fair coin. (D + 1)^2 - (D - 1)^2
    = 4 D, so the sign of sum w D decides.
    """

    weights: dict[str, Fraction]
    p: Fraction

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def first(self, differences: Sequence[int]) -> Fraction:
        ahead = sum(w * d for w, d in zip(self.weights.values(), differences, strict=True))
        return HALF if not ahead else 1 - self.p if ahead > 0 else self.p

    def simulated(self, differences: list[Integers]) -> NDArray[np.float64]:
        weights = balance.scaled(self.weights).values()
        ahead = np.sign(sum(w * d for w, d in zip(weights, differences, strict=True)))
        return 0.5 - ahead * (float(self.p) - 0.5)


@dataclass(frozen=True)
class Hierarchical(Balanced):
    """Hierarchical dynamic balancing (Signorini, Leung, Simes, Beller and Gebski 1993, Stat. Med.
    12; Heritier, Gebski and Pillai 2005): the first place, in order, where the arms differ by its
    limit gives the arm behind with chance p, which is 1 unless the plan says less; where none does,
    a fair coin. With p = 1 the first place never passes its limit.
    """

    limits: tuple[tuple[str, int], ...]
    p: Fraction

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(place for place, _ in self.limits)

    def first(self, differences: Sequence[int]) -> Fraction:
        for difference, (_, limit) in zip(differences, self.limits, strict=True):
            if abs(difference) >= limit:
                return self.p if difference < 0 else 1 - self.p
        return HALF

    def simulated(self, differences: list[Integers]) -> NDArray[np.float64]:
        chances = np.full(differences[0].shape, 0.5)
        for difference, (_, limit) in reversed(list(zip(differences, self.limits, strict=True))):
            reached = np.where(difference < 0, float(self.p), float(1 - self.p))
            chances = np.where(np.abs(difference) >= limit, reached, chances)
        return chances
