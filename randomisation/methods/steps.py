"""A rule one step after another: the chances that it gives to a whole history, without reading that
history each time.

For making whole lists, of every stratum of a trial. Chances are equal to `Rule.probabilities`,
exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import factorial, gcd, lcm, prod

from randomisation.methods.blocks import PermutedBlocks
from randomisation.methods.counted import Counted
from randomisation.methods.rule import Rule

Counts = tuple[int, ...]


@dataclass
class Steps:
    """For any rule of a stratum: it is asked about the whole history."""

    rule: Rule
    history: list[str] = field(default_factory=list)

    def probabilities(self) -> dict[str, Fraction]:
        return self.rule.probabilities(self.history)

    def add(self, arm: str) -> None:
        self.history.append(arm)


@dataclass
class CountedSteps(Steps):
    """For a rule that needs no more than the count of each arm; `known` may serve every list of the
    rule.
    """

    known: dict[Counts, dict[str, Fraction]] = field(default_factory=dict)
    counts: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = dict.fromkeys(self.rule.ratio, 0)

    def probabilities(self) -> dict[str, Fraction]:
        key = tuple(self.counts.values())
        if key not in self.known:
            self.known[key] = self.rule.probabilities(self.history)
        return self.known[key]

    def add(self, arm: str) -> None:
        super().add(arm)
        self.counts[arm] += 1


class BlockSteps:
    """For permuted blocks of any sizes, with whole numbers for weights.

    `starts` are the places where the open block may have begun: the counts there, and the weight of
    all ways to get there. A block of size b that began at one of them has the weight of its start,
    times the chance of b over the orders of such a block, times the orders of what is left in it;
    those that go on with an arm are the orders of what is left without it.
    """

    def __init__(self, rule: PermutedBlocks) -> None:
        self.arms = list(rule.ratio)
        unit, weights = sum(rule.ratio.values()), sum(weight for _, weight in rule.sizes)
        full = {
            size: tuple(share * size // unit for share in rule.ratio.values())
            for size, _ in rule.sizes
        }
        chances = {
            size: Fraction(weight, weights * _orders(full[size])) for size, weight in rule.sizes
        }
        self.scale = lcm(*(chance.denominator for chance in chances.values()))
        self.blocks = [(full[size], int(chance * self.scale)) for size, chance in chances.items()]
        self.counts: Counts = (0,) * len(self.arms)
        self.starts: list[tuple[Counts, int]] = [(self.counts, 1)]

    def probabilities(self) -> dict[str, Fraction]:
        mass = [0] * len(self.arms)
        for begun, weight in self.starts:
            for full, chance in self.blocks:
                left = self._left(begun, full)
                if min(left) >= 0 and any(left):
                    for arm in range(len(left)):
                        mass[arm] += weight * chance * _orders_without(left, arm)
        return {arm: Fraction(each, sum(mass)) for arm, each in zip(self.arms, mass, strict=True)}

    def add(self, arm: str) -> None:
        place = self.arms.index(arm)
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
    rule: Rule, known: dict[Counts, dict[str, Fraction]] | None = None
) -> Steps | BlockSteps:
    """From the empty history. Lists of one rule may share `known`, what it said of counts that came
    up before.
    """
    if isinstance(rule, PermutedBlocks):
        return BlockSteps(rule)
    if isinstance(rule, Counted):
        return CountedSteps(rule, known={} if known is None else known)
    return Steps(rule)


@cache
def _orders(counts: Counts) -> int:
    """In how many orders these can come."""
    return factorial(sum(counts)) // prod(map(factorial, counts))


def _orders_without(left: Counts, arm: int) -> int:
    """Of the orders of what is left, those that begin with this arm."""
    return _orders((*left[:arm], left[arm] - 1, *left[arm + 1 :])) if left[arm] else 0
