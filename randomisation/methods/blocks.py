"""Permuted blocks, of one size or of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import factorial, prod
from typing import Any

import numpy as np

from randomisation.methods.rule import (
    Draws,
    History,
    ImpossibleHistory,
    Profile,
    Rule,
    arm_counts,
    template,
)

MOST_PATTERNS = 20_000


@dataclass(frozen=True)
class PermutedBlocks(Rule):
    """Blocks that each hold the ratio exactly, in random order. `sizes` are pairs of a size and its
    weight.

    Within a block of size b = m * sum r, after c_k of arm k among its first `pos`: p_k = (m r_k -
    c_k) / (b - pos).

    With several sizes the history tells neither the size of the open block nor where it started;
    what is given is the exact mixture. `weight[i]` is the chance, up to a common factor, that the
    first i allocations are as they were and that a block ended there: the sum over sizes b of
    weight[i - b] * (the chance of b) / (the orders of a block of b), where those b allocations hold
    the ratio. An open block that started at i with size b weighs weight[i] * (the chance of b) *
    (the chance of its allocations so far), and the p_k above are averaged with these weights.

    A place where every way to cut the history into blocks has a boundary is a fresh start: nothing
    before it matters to the chances, so the sums begin at the last such place, and a long history
    costs no more than a short one.
    """

    sizes: tuple[tuple[int, int], ...]

    @property
    def block_sizes(self) -> tuple[int, ...]:
        return tuple(size for size, _ in self.sizes)

    def lot_probabilities(
        self, history: History, profile: Profile | None = None
    ) -> dict[str, Fraction]:
        arm_counts(history, self.lots)
        mixed = dict.fromkeys(self.ratio, Fraction(0))
        for weight, left in self._open_blocks(history):
            for arm, count in left.items():
                mixed[arm] += weight * Fraction(count, sum(left.values()))
        total = sum(mixed.values())
        if not total:
            raise ImpossibleHistory(
                f"{len(history)} allocations that no blocks of these sizes can hold"
            )
        return {arm: share / total for arm, share in mixed.items()}

    def _open_blocks(self, history: History) -> Iterator[tuple[Fraction, Counter[str]]]:
        """Every block that may be open now: its weight, and what is left in it."""
        ends = self._ends(history)
        possible = []
        for size in self.block_sizes:
            for first in range(max(0, len(history) - size + 1), len(history) + 1):
                if ends[first] and min((left := self._left(history[first:], size)).values()) >= 0:
                    possible.append((first, size, left))
        if not possible:
            return
        weights = self._weights(
            ends, self._fresh_start(ends, min(first for first, _, _ in possible))
        )
        for first, size, left in possible:
            if weights[first]:
                yield weights[first] * self._chances[size] * _orders(left), left

    def _ends(self, history: History) -> bytearray:
        """1 for every place where a block may have ended, the beginning among them."""
        ends = bytearray(len(history) + 1)
        ends[0] = 1
        sizes = self.block_sizes
        for place in self._balanced(history):
            for size in sizes:
                if size <= place and ends[place - size]:
                    ends[place] = 1
                    break
        return ends

    def _fresh_start(self, ends: bytearray, low: int) -> int:
        """The last place that every way to cut the history passes; `low` is the earliest start of a
        block open now.
        """
        for place in range(len(ends) - 1, -1, -1):
            if place == low:
                return place
            if ends[place]:
                low = min(
                    low,
                    *(
                        place - size
                        for size in self.block_sizes
                        if size <= place and ends[place - size]
                    ),
                )
        return 0

    def _balanced(self, history: History) -> Iterator[int]:
        """Places where the arms so far hold the ratio exactly: where all n_k * sum r - i * r_k are
        0, added up as the digits of one number, which is fast.
        """
        total, base = sum(self.ratio.values()), 4 * sum(self.ratio.values()) * (len(history) + 1)
        every = sum(share * base**place for place, share in enumerate(self.ratio.values()))
        step = {arm: total * base**place - every for place, arm in enumerate(self.ratio)}
        sums = accumulate(map(step.__getitem__, history))
        return (place for place, value in enumerate(sums, 1) if not value)

    def _weights(self, ends: bytearray, fresh: int) -> dict[int, Fraction]:
        weights = {place: Fraction(0) for place in range(fresh, len(ends)) if ends[place]} | {
            fresh: Fraction(1)
        }
        for end in weights:
            for size in self.block_sizes:
                if weights.get(end - size):
                    weights[end] += weights[end - size] * self._chances[size]
        return weights

    @cached_property
    def _chances(self) -> dict[int, Fraction]:
        """For each size, its chance times that of one order of such a block."""
        total = sum(weight for _, weight in self.sizes)
        return {
            size: Fraction(weight, total * _orders(self._left((), size)))
            for size, weight in self.sizes
        }

    def _left(self, begun: Sequence[str], size: int) -> Counter[str]:
        left = Counter(
            {arm: share * size // sum(self.ratio.values()) for arm, share in self.ratio.items()}
        )
        left.subtract(begun)
        return left

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        if len(self.sizes) == 1:
            (size,) = self.block_sizes
            blocks = -(-n // size)
            return self._blocks(size, draws * blocks, generator).reshape(draws, blocks * size)[
                :, :n
            ]
        chances = np.array([weight for _, weight in self.sizes], dtype=float)
        result = np.empty((draws, n + max(self.block_sizes)), dtype=np.int64)
        filled = np.zeros(draws, dtype=np.int64)
        while (short := np.flatnonzero(filled < n)).size:
            sizes = generator.choice(self.block_sizes, size=short.size, p=chances / chances.sum())
            for size in self.block_sizes:
                rows = short[sizes == size]
                result[rows[:, None], filled[rows, None] + np.arange(size)] = self._blocks(
                    size, rows.size, generator
                )
                filled[rows] += size
        return result[:, :n]

    def _blocks(self, size: int, how_many: int, generator: np.random.Generator) -> Draws:
        """Whole blocks, one a row: picked from the list of all orders where it is not too long."""
        patterns = _patterns(tuple(self.ratio.values()), size)
        if patterns is None:
            return generator.permuted(np.tile(template(self.ratio, size), (how_many, 1)), axis=1)
        return patterns[generator.integers(len(patterns), size=how_many)]


_known: dict[tuple[tuple[int, ...], int], Draws | None] = {}


def _patterns(shares: tuple[int, ...], size: int) -> Draws | None:
    """All orders of a block, one a row; None where there are too many to list."""
    if (shares, size) not in _known:
        counts = tuple(share * size // sum(shares) for share in shares)
        few = _orders(Counter(dict(enumerate(counts)))) <= MOST_PATTERNS
        _known[shares, size] = (
            np.array(list(_arrangements(counts)), dtype=np.int64) if few else None
        )
    return _known[shares, size]


def _arrangements(counts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if not any(counts):
        yield ()
    for arm, count in enumerate(counts):
        if count:
            for rest in _arrangements((*counts[:arm], count - 1, *counts[arm + 1 :])):
                yield (arm, *rest)


def _orders(counts: Mapping[Any, int]) -> int:
    """In how many orders these can come."""
    return factorial(sum(counts.values())) // prod(map(factorial, counts.values()))
