"""A rule as a Markov chain: from each state the chance of every arm, and where it leads.

Rules that read counts are a chain over the counts, one layer a step. Permuted blocks are a chain
over the size of the open block and what it holds so far, together with what an onlooker who knows
the sizes can tell: which blocks may be open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randomisation.methods.blocks import PermutedBlocks
from randomisation.methods.counted import Counted
from randomisation.methods.rule import Rule, reduced

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Counts = tuple[int, ...]

MOST_STATES = 120_000  # over all steps: about a second
MOST_BLOCK_STATES = 6_000
NOTHING = 1e-16  # a state less likely than this is left out: beyond what a float can add to 1


class TooManyStates(Exception):
    """More states than can be gone through in about a second: to be simulated."""


@dataclass(frozen=True)
class Layer:
    """The states after a number of steps. `following` (next states, states) holds the chance of
    each move; absent at the end of a list. For a chain that is the same at each step one layer
    stands for all.
    """

    counts: Integers  # (states, arms); in an open block those of the block
    shares: Floats  # (states, arms): the chance of each arm next
    forced: NDArray[np.bool_]  # (states,)
    ratio: dict[str, int]
    following: Any = None

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def correct(self) -> Floats:
        return correct(self.counts, self.shares, self.ratio)

    @cached_property
    def spread(self) -> Integers:
        return spread(self.counts, self.ratio)


@dataclass(frozen=True)
class Chain:
    ratio: dict[str, int]
    start: Floats  # (states of the first layer,)
    layers: Sequence[Layer]  # after 0, 1, 2, ... steps
    steps: int

    def layer(self, step: int) -> Layer:
        return self.layers[min(step, len(self.layers) - 1)]


def units(ratio: dict[str, int]) -> Integers:
    """What one person weighs in each arm, so that arms in the ratio weigh the same: 1 and 1 for
    1:1, 1 and 2 for 2:1.
    """
    shares = list(reduced(ratio).values())
    return np.array([lcm(*shares) // share for share in shares], dtype=np.int64)


def scale(ratio: dict[str, int]) -> int:
    """The weight that stands for one person in an arm of share 1."""
    return lcm(*reduced(ratio).values())


def spread(counts: Integers, ratio: dict[str, int]) -> Integers:
    """How far apart the arms are, over the last axis: max - min of N_k / r_k, in units of 1 /
    `scale`.
    """
    weighed = _weighed(counts, ratio)
    return reduce(np.maximum, weighed) - reduce(np.minimum, weighed)


def correct(counts: Integers, shares: Floats, ratio: dict[str, int]) -> Floats:
    """The chance that the next arm is guessed by who names the arm with the fewest so far, relative
    to the ratio; where several have the fewest, one of them by the ratio, which for equal shares is
    a fair draw. Over the last axis.
    """
    weighed = _weighed(counts, ratio)
    fewest = reduce(np.minimum, weighed)
    named = [
        (each == fewest) * float(share) for each, share in zip(weighed, ratio.values(), strict=True)
    ]
    right = [each * shares[..., arm] for arm, each in enumerate(named)]
    return reduce(np.add, right) / reduce(np.add, named)


def _weighed(counts: Integers, ratio: dict[str, int]) -> list[Integers]:
    # Arm by arm: there are few, and a reduction over a short last axis is slow.
    return [counts[..., arm] * unit for arm, unit in enumerate(units(ratio))]


def chain_of(rule: Rule, steps: int) -> Chain:
    """Raises TooManyStates; TypeError for a rule that reads across strata."""
    if isinstance(rule, PermutedBlocks):
        return _of_blocks(rule, steps)
    if isinstance(rule, Counted):
        return _of_counts(rule, steps if rule.length is None else min(steps, rule.length))
    raise TypeError(f"{type(rule).__name__} reads more than the counts of one stratum")


def _of_counts(rule: Counted, steps: int) -> Chain:
    mass: dict[Counts, float] = {(0,) * len(rule.ratio): 1.0}
    layers: list[Layer] = []
    gone = 0
    for step in range(steps + 1):
        gone += len(mass)
        if gone > MOST_STATES:
            raise TooManyStates(f"{gone} states after {step} steps")
        states, is_last = list(mass), step == steps
        exact = [] if is_last else [rule.shares(state) for state in states]
        shares = np.array([[float(share) for share in each] for each in exact]).reshape(
            -1, len(rule.ratio)
        )
        mass = {} if is_last else _moved(mass, shares)
        counts = np.array(states, dtype=np.int64)
        forced = np.array([1 in each for each in exact], dtype=bool)
        layers.append(
            Layer(
                counts,
                shares,
                forced,
                rule.ratio,
                None if is_last else _matrix(states, mass, shares),
            )
        )
    return Chain(rule.ratio, np.ones(1), layers, steps)


def _moved(mass: dict[Counts, float], shares: Floats) -> dict[Counts, float]:
    found: dict[Counts, float] = {}
    for (state, chance), row in zip(mass.items(), shares, strict=True):
        for arm, share in enumerate(row):
            if share:
                after = _with_one(state, arm)
                found[after] = found.get(after, 0.0) + chance * share
    return {state: chance for state, chance in found.items() if chance > NOTHING}


def _matrix(states: list[Counts], following: Iterable[Counts], shares: Floats) -> Any:
    places = {state: place for place, state in enumerate(following)}
    moves = [
        (target, place, share)
        for place, (state, row) in enumerate(zip(states, shares, strict=True))
        for arm, share in enumerate(row)
        if share and (target := places.get(_with_one(state, arm))) is not None
    ]
    return _sparse(moves, len(places), len(states))


def _sparse(moves: list[tuple[int, int, float]], rows: int, columns: int) -> Any:
    from scipy.sparse import csr_matrix  # slow to import: only where a chain is built

    targets, sources, chances = zip(*moves, strict=True)
    return csr_matrix((chances, (targets, sources)), shape=(rows, columns))


def _with_one(counts: Counts, arm: int) -> Counts:
    return (*counts[:arm], counts[arm] + 1, *counts[arm + 1 :])


# A block that may be open is known by what it would hold so far; two that are open at once differ
# in length.
Open = frozenset[Counts]
State = tuple[int, Counts, Open]


def _of_blocks(rule: PermutedBlocks, steps: int) -> Chain:
    blocks = _Blocks(rule)
    places: dict[State, int] = {}
    waiting = [(size, blocks.empty, frozenset({blocks.empty})) for size, _ in rule.sizes]
    for state in waiting:
        places[state] = len(places)
    moves: list[tuple[int, int, float]] = []
    while waiting:
        state = waiting.pop()
        for after, chance in blocks.following(state):
            if after not in places:
                places[after] = len(places)
                waiting.append(after)
            moves.append((places[after], places[state], chance))
        if len(places) > MOST_BLOCK_STATES:
            raise TooManyStates(f"more than {MOST_BLOCK_STATES} states of blocks")
    start = np.zeros(len(places))
    start[: len(rule.sizes)] = [blocks.chances[size] for size, _ in rule.sizes]
    layer = Layer(
        np.array([held for _, held, _ in places], dtype=np.int64),
        np.array([blocks.shares(size, held) for size, held, _ in places]),
        np.array([blocks.is_forced(seen) for _, _, seen in places], dtype=bool),
        rule.ratio,
        _sparse(moves, len(places), len(places)),
    )
    return Chain(rule.ratio, start, [layer], steps)


class _Blocks:
    def __init__(self, rule: PermutedBlocks) -> None:
        unit, total = sum(rule.ratio.values()), sum(weight for _, weight in rule.sizes)
        self.empty: Counts = (0,) * len(rule.ratio)
        self.full = {
            size: tuple(s * size // unit for s in rule.ratio.values()) for size, _ in rule.sizes
        }
        self.chances = {size: weight / total for size, weight in rule.sizes}

    def shares(self, size: int, held: Counts) -> list[float]:
        left = self._left(size, held)
        return [each / sum(left) for each in left]

    def following(self, state: State) -> list[tuple[State, float]]:
        size, held, seen = state
        found: list[tuple[State, float]] = []
        for arm, share in enumerate(self.shares(size, held)):
            if not share:
                continue
            after, told = _with_one(held, arm), self._seen(seen, arm)
            if after == self.full[size]:
                found += [
                    ((new, self.empty, told), share * chance)
                    for new, chance in self.chances.items()
                ]
            else:
                found.append(((size, after, told), share))
        return found

    def _seen(self, seen: Open, arm: int) -> Open:
        """Which blocks may be open, for who knows the sizes, after one more allocation."""
        grown = [_with_one(held, arm) for held in seen]
        ended = any(held == full for held in grown for full in self.full.values())
        return frozenset(
            [held for held in grown if any(self._fits(size, held) for size in self.full)]
        ) | ({self.empty} if ended else frozenset())

    def is_forced(self, seen: Open) -> bool:
        """Whether every block that may be open has places left for one arm, and that the same."""
        possible = [
            self._left(size, held) for held in seen for size in self.full if self._fits(size, held)
        ]
        arms = Counter(tuple(each > 0 for each in left) for left in possible)
        return len(arms) == 1 and sum(next(iter(arms))) == 1

    def _fits(self, size: int, held: Counts) -> bool:
        return sum(held) < size and min(self._left(size, held)) >= 0

    def _left(self, size: int, held: Counts) -> list[int]:
        return [most - have for most, have in zip(self.full[size], held, strict=True)]
