"""Who is expected: factors with the share of each level, independent of each other, and the strata
they make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Factor:
    """`weights` say how many are expected in each level, relative to each other."""

    name: str
    levels: tuple[str, ...]
    weights: tuple[int, ...]

    @classmethod
    def even(cls, name: str, levels: Sequence[str]) -> Factor:
        return cls(name, tuple(levels), (1,) * len(levels))

    @property
    def shares(self) -> Floats:
        return np.array(self.weights, dtype=float) / sum(self.weights)


def strata(factors: Sequence[Factor]) -> Floats:
    """The expected share of every cell, the last factor running fastest."""
    found = np.ones(1)
    for factor in factors:
        found = (found[:, None] * factor.shares).ravel()
    return found


def how_many(factors: Sequence[Factor]) -> int:
    return prod(len(factor.levels) for factor in factors)


def people(
    factors: Sequence[Factor], n: int, draws: int, generator: np.random.Generator
) -> dict[str, Integers]:
    """For each factor the number of everybody's level, (draws, n)."""
    limits = {factor.name: np.cumsum(factor.shares)[:-1] for factor in factors}
    return {
        name: np.searchsorted(limit, generator.random((draws, n)), side="right")
        for name, limit in limits.items()
    }


def cells(
    factors: Sequence[Factor], levels: dict[str, Integers], shape: tuple[int, int]
) -> Integers:
    """The number of everybody's stratum, in the order of `strata`."""
    found = np.zeros(shape, dtype=np.int64)
    for factor in factors:
        found = found * len(factor.levels) + levels[factor.name]
    return found
