"""The coins of Pocock and Simon (1975, Biometrics 31): from how arms rank to the chance of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Coin(ABC):
    """By rank, the best first; arms that tie share, in proportion to their shares, what their ranks
    have together.
    """

    @abstractmethod
    def by_rank(self, arms: int) -> list[Fraction]: ...

    def chances(
        self, ranks: Sequence[int], scores: Sequence[Fraction] | None, shares: Sequence[int]
    ) -> list[Fraction]:
        """For each arm; `ranks` are 0 for the best, and equal for arms that tie."""
        sums = [Fraction(0), *accumulate(self.by_rank(len(ranks)))]
        found = []
        for rank, share in zip(ranks, shares, strict=True):
            together = sums[rank + ranks.count(rank)] - sums[rank]
            found.append(
                together
                * Fraction(share, sum(s for r, s in zip(ranks, shares, strict=True) if r == rank))
            )
        return found

    def simulated(self, scores: Floats, shares: Sequence[int]) -> Floats:
        """The same for scores (arms, draws), as floats."""
        sums = np.array([0.0, *accumulate(float(each) for each in self.by_rank(len(scores)))])
        below = (scores[:, None, :] > scores[None, :, :]).sum(axis=1)
        tied = scores[:, None, :] == scores[None, :, :]
        weights = np.array(shares, dtype=float)
        part = weights[:, None] / (tied * weights[None, :, None]).sum(axis=1)
        return (sums[below + tied.sum(axis=1)] - sums[below]) * part

    def is_certain(self, arms: int) -> bool:
        """Whether nothing is left to chance while no arms tie."""
        return False

    @property
    def by_difference(self) -> bool:
        """Whether it matters only which of two arms is worse, and not by how much of how much."""
        return True


@dataclass(frozen=True)
class CoinA(Coin):
    """The best arm p, the others (1 - p) / (K - 1) each."""

    p: Fraction

    def by_rank(self, arms: int) -> list[Fraction]:
        return [self.p, *[(1 - self.p) / (arms - 1)] * (arms - 1)]

    def is_certain(self, arms: int) -> bool:
        return self.p == 1


@dataclass(frozen=True)
class CoinB(Coin):
    """p_(k) = q - 2 (K q - 1) / (K (K + 1)) k, for ranks k = 1 to K; 1/K < q < 2/(K - 1)."""

    q: Fraction

    def by_rank(self, arms: int) -> list[Fraction]:
        step = 2 * (arms * self.q - 1) / (arms * (arms + 1))
        return [self.q - step * rank for rank in range(1, arms + 1)]


@dataclass(frozen=True)
class CoinC(Coin):
    """p_k = (1 - t G_k / sum G) / (K - t): not by rank, but by how much worse an arm would be; 1/K
    where all G are 0.
    """

    t: Fraction

    def is_certain(self, arms: int) -> bool:
        """Of two arms one may leave no imbalance at all, and then has every chance."""
        return self.t == 1 and arms == 2

    @property
    def by_difference(self) -> bool:
        return False

    def by_rank(self, arms: int) -> list[Fraction]:
        raise NotImplementedError("coin c reads scores, not ranks")

    def chances(
        self, ranks: Sequence[int], scores: Sequence[Fraction] | None, shares: Sequence[int]
    ) -> list[Fraction]:
        assert scores is not None
        total = sum(scores)
        arms = len(scores)
        if not total:
            return [Fraction(1, arms)] * arms
        return [(1 - self.t * score / total) / (arms - self.t) for score in scores]

    def simulated(self, scores: Floats, shares: Sequence[int]) -> Floats:
        total = scores.sum(axis=0)
        arms, t = len(scores), float(self.t)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = (1 - t * scores / total) / (arms - t)
        return np.where(total == 0, 1 / arms, found)
