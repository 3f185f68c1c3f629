"""A rule one step after another: the chances that it gives, without reading the history each time.

For draws, which carry on where the one before them ended, and for whole lists. Chances are equal to
`Rule.lot_probabilities`, exactly. What is `held` of a history goes through JSON unchanged, and says
of which lot each count is: a later version of the protocol may write the same ratio in another
order.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from fractions import Fraction
from functools import cache
from math import factorial, gcd, lcm, prod
from typing import Any

from randomisation.methods.balance import Placed
from randomisation.methods.blocks import PermutedBlocks
from randomisation.methods.counted import Counted
from randomisation.methods.minimisation import FakeArms
from randomisation.methods.rule import Profile, Rule

Counts = tuple[int, ...]


class Steps(ABC):
    """From the empty history on."""

    held: Any  # all that is known of the history

    @abstractmethod
    def lot_probabilities(self, profile: Profile | None = None) -> dict[str, Fraction]:
        """For each lot the chance that it is drawn next."""

    @abstractmethod
    def add(self, lot: str, profile: Profile | None = None) -> None:
        """It was drawn, for somebody with this profile."""


class CountedSteps(Steps):
    """Held is the count of each arm, by name. `known`, what the rule said of counts that came up
    before, may serve every list of the rule.
    """

    def __init__(self, rule: Counted, known: dict[Counts, dict[str, Fraction]]) -> None:
        self.rule, self.known = rule, known
        self.held: dict[str, int] = dict.fromkeys(rule.lots, 0)

    def lot_probabilities(self, profile: Profile | None = None) -> dict[str, Fraction]:
        counts = tuple(self.held[lot] for lot in self.rule.lots)
        if counts not in self.known:
            self.known[counts] = dict(zip(self.rule.lots, self.rule.shares(counts), strict=True))
        return self.known[counts]

    def add(self, lot: str, profile: Profile | None = None) -> None:
        self.held[lot] += 1


class PlacedSteps(Steps):
    """Held is, for each place in which anybody stands, how many of each lot do, by name."""

    def __init__(self, rule: Placed) -> None:
        self.rule = rule
        self.held: dict[str, dict[str, int]] = {}

    def lot_probabilities(self, profile: Profile | None = None) -> dict[str, Fraction]:
        lots, nobody = self.rule.lots, dict.fromkeys(self.rule.lots, 0)
        counted = [self.held.get(place, nobody) for place in self._places(profile)]
        here = [[counts[lot] for lot in lots] for counts in counted]
        return dict(zip(lots, self.rule.chances(here), strict=True))

    def add(self, lot: str, profile: Profile | None = None) -> None:
        for place in self._places(profile):
            counts = self.held.setdefault(place, dict.fromkeys(self.rule.lots, 0))
            counts[lot] += 1

    def _places(self, profile: Profile | None) -> list[str]:
        return [json.dumps(place) for place in self.rule.places_of(profile)]


class BlockSteps(Steps):
    """For permuted blocks of any sizes, with whole numbers for weights. Held are counts and starts,
    which stand in order of the arms' codes: named, they would be several times as long.

    `starts` are the places where the open block may have begun: the counts there, and the weight of
    all ways to get there. A block of size b that began at one of them has the weight of its start,
    times the chance of b over the orders of such a block, times the orders of what is left in it;
    those that go on with an arm are the orders of what is left without it.
    """

    def __init__(self, rule: PermutedBlocks) -> None:
        self.arms = sorted(rule.ratio)
        unit, weights = sum(rule.ratio.values()), sum(weight for _, weight in rule.sizes)
        full = {
            size: tuple(rule.ratio[arm] * size // unit for arm in self.arms)
            for size, _ in rule.sizes
        }
        chances = {
            size: Fraction(weight, weights * _orders(full[size])) for size, weight in rule.sizes
        }
        self.scale = lcm(*(chance.denominator for chance in chances.values()))
        self.blocks = [(full[size], int(chance * self.scale)) for size, chance in chances.items()]
        self.counts: Counts = (0,) * len(self.arms)
        self.starts: list[tuple[Counts, int]] = [(self.counts, 1)]

    @property
    def held(self) -> Any:
        return [self.counts, self.starts]

    @held.setter
    def held(self, held: Any) -> None:
        counts, starts = held
        self.counts = tuple(counts)
        self.starts = [(tuple(begun), weight) for begun, weight in starts]

    def lot_probabilities(self, profile: Profile | None = None) -> dict[str, Fraction]:
        mass = [0] * len(self.arms)
        for begun, weight in self.starts:
            for full, chance in self.blocks:
                left = self._left(begun, full)
                if min(left) >= 0 and any(left):
                    for arm in range(len(left)):
                        mass[arm] += weight * chance * _orders_without(left, arm)
        return {arm: Fraction(each, sum(mass)) for arm, each in zip(self.arms, mass, strict=True)}

    def add(self, lot: str, profile: Profile | None = None) -> None:
        place = self.arms.index(lot)
        self.counts = tuple(count + (k == place) for k, count in enumerate(self.counts))
        ended, open_still = 0, []
        for begun, weight in self.starts:
            lefts = [(self._left(begun, full), chance) for full, chance in self.blocks]
            ended += sum(weight * chance for left, chance in lefts if not any(left))
            if any(min(left) >= 0 and any(left) for left, _ in lefts):
                open_still.append((begun, weight * self.scale))
        if ended:
            open_still.append((self.counts, ended))
        common = gcd(*(weight for _, weight in open_still))
        self.starts = [(begun, weight // common) for begun, weight in open_still]

    def _left(self, begun: Counts, full: Counts) -> Counts:
        return tuple(
            all_ - (now - then) for all_, now, then in zip(full, self.counts, begun, strict=True)
        )


def stepping(
    rule: Rule, known: dict[Counts, dict[str, Fraction]] | None = None, held: Any = None
) -> Steps:
    """From the empty history, or on from what was `held`. Lists of one rule may share `known`."""
    steps = _from_nothing(rule, {} if known is None else known)
    if held is not None:
        steps.held = held
    return steps


def _from_nothing(rule: Rule, known: dict[Counts, dict[str, Fraction]]) -> Steps:
    match rule:
        case PermutedBlocks():
            return BlockSteps(rule)
        case Counted():
            return CountedSteps(rule, known)
        case FakeArms():
            return PlacedSteps(rule.inner)
        case Placed():
            return PlacedSteps(rule)
    raise TypeError(f"no steps are known for {type(rule).__name__}")


@cache
def _orders(counts: Counts) -> int:
    """In how many orders these can come."""
    return factorial(sum(counts)) // prod(map(factorial, counts))


def _orders_without(left: Counts, arm: int) -> int:
    """Of the orders of what is left, those that begin with this arm."""
    return _orders((*left[:arm], left[arm] - 1, *left[arm + 1 :])) if left[arm] else 0
