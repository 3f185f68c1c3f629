"""What every allocation rule answers, and what can be wrong with a plan or a history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Profile = Mapping[str, str]
History = Sequence[
    Any
]  # arms; or, where a rule reads across strata, pairs of an arm (or lot) and a profile
Draws = NDArray[np.int64]


class UnknownMethod(ValueError):
    """A method that is not offered."""


class BadParameter(ValueError):
    """A parameter that the method does not know, or with a value it cannot have."""


class AcknowledgementMissing(BadParameter):
    """The method does not keep the ratio at every step, and the plan does not say that this is
    known.
    """


class ImpossibleHistory(ValueError):
    """A history that this rule cannot have produced."""


class HistoryTooLong(ValueError):
    """With arms alone, too many ways to have drawn the fake arms: give the lots that were drawn."""


class ListExhausted(Exception):
    """Every place of a list of fixed length is taken."""


class BadProfile(ValueError):
    """A profile without one of the factors."""


@dataclass(frozen=True)
class Rule(ABC):
    """A pure function from what was allocated before to the exact chance of each arm: no hidden
    state, no floats.

    `scope` says whose history counts: one stratum's, or that of the whole point, with profiles.
    What is drawn are `lots`: the arms, but for fake arms, several of which stand for one arm.
    """

    ratio: dict[str, int]

    scope: ClassVar[Literal["stratum", "point"]] = "stratum"

    @property
    def keeps_ratio(self) -> bool:
        """Whether every person, whatever their number, has the ratio's chance of each arm before
        anything is drawn.
        """
        return True

    @property
    def length(self) -> int | None:
        """How many can be allocated, for a list of fixed length."""
        return None

    @property
    def lots(self) -> tuple[str, ...]:
        return tuple(self.ratio)

    def arm(self, lot: str) -> str:
        """The arm that a lot stands for."""
        return lot

    @abstractmethod
    def lot_probabilities(
        self, history: History, profile: Profile | None = None
    ) -> dict[str, Fraction]:
        """For each lot the chance that it is drawn next."""

    def probabilities(
        self, history: History, profile: Profile | None = None
    ) -> dict[str, Fraction]:
        """For each arm, in the order of the ratio, the chance that it comes next; the sum is
        exactly 1.
        """
        chances = dict.fromkeys(self.ratio, Fraction(0))
        for lot, chance in self.lot_probabilities(history, profile).items():
            chances[self.arm(lot)] += chance
        return chances

    @abstractmethod
    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        """`draws` whole sequences of `n` allocations, shape (draws, n); k is the k-th arm of the
        ratio.

        `profiles` are those of the n people, in order, for a rule that reads them.
        """


def arm_counts(history: Sequence[str], arms: Sequence[str]) -> tuple[int, ...]:
    """How many went to each arm; raises ImpossibleHistory for what is no arm of the design."""
    counts = tuple(history.count(arm) for arm in arms)
    if sum(counts) != len(history):
        unknown = sorted({str(each) for each in history} - set(arms))
        raise ImpossibleHistory(f"not an arm of this design: {', '.join(unknown)}")
    return counts


def is_equal(ratio: Mapping[str, int]) -> bool:
    return len(set(ratio.values())) == 1


def reduced(ratio: Mapping[str, int]) -> dict[str, int]:
    """The same ratio in its smallest whole numbers."""
    common = gcd(*ratio.values())
    return {arm: share // common for arm, share in ratio.items()}


def template(ratio: Mapping[str, int], size: int) -> Draws:
    """The numbers of the arms, each as often as a block of this size holds it."""
    shares = np.array(list(ratio.values()), dtype=np.int64)
    return np.repeat(np.arange(shares.size), shares * (size // shares.sum()))
