"""What rules across strata share: the people of a history in the levels of the newcomer, and
simulation by steps.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from randomisation.methods.rule import BadProfile, Draws, History, ImpossibleHistory, Profile, Rule

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Placed(Rule):
    """Chances follow from how many of each lot stand in each of the newcomer's places."""

    scope: ClassVar[Literal["stratum", "point"]] = "point"

    @abstractmethod
    def places_of(self, profile: Profile | None) -> list[tuple[Any, ...]]:
        """Where somebody counts, and what is looked at when they come."""

    @abstractmethod
    def chances(self, counts: Sequence[Sequence[int]]) -> list[Fraction]:
        """For each lot, from how many of each lot stand in each of the newcomer's places."""


def check_profile(profile: Profile | None, factors: Sequence[str]) -> Profile:
    known = profile or {}
    missing = [factor for factor in factors if factor not in known]
    if missing:
        raise BadProfile(f"the profile lacks {', '.join(missing)}")
    return known


def check_lots(history: History, lots: Sequence[str]) -> None:
    unknown = {lot for lot, _ in history} - set(lots)
    if unknown:
        raise ImpossibleHistory(
            f"not an arm of this design: {', '.join(sorted(map(str, unknown)))}"
        )


def having(history: History, factor: str, level: str) -> list[Any]:
    """Those of a history who have this level."""
    try:
        return [each for each in history if each[1][factor] == level]
    except KeyError:
        raise BadProfile(f"somebody in the history has no {factor}") from None


def in_level(history: History, factor: str, level: str, lots: Sequence[str]) -> list[int]:
    """How many of each lot have this level."""
    found = Counter([lot for lot, _ in having(history, factor, level)])
    return [found[lot] for lot in lots]


def stepwise(
    n: int,
    draws: int,
    places: Callable[[Profile], Sequence[Hashable]],
    profiles: Sequence[Profile] | None,
    lots: int,
    choose: Callable[[list[Integers], Profile], Integers],
) -> Draws:
    """Allocate n people in turn in all draws at once.

    `places(profile)` are the places where a person counts; for each there is an array (lots, draws)
    of how many stand there. `choose(counts of the places, profile)` gives the lot in every draw.
    """
    if profiles is None or len(profiles) < n:
        raise BadProfile(f"{n} people need {n} profiles")
    counts: dict[Hashable, Integers] = {}
    every = np.arange(draws)
    result = np.empty((n, draws), dtype=np.int64)
    for step in range(n):
        where = places(profiles[step])
        here = [
            counts.setdefault(place, np.zeros((lots, draws), dtype=np.int64)) for place in where
        ]
        lot = result[step] = choose(here, profiles[step])
        for each in here:
            each[lot, every] += 1
    return np.ascontiguousarray(result.T)


def pick(chances: NDArray[np.float64], generator: np.random.Generator) -> Integers:
    """From chances (lots, draws) one lot a draw."""
    limits = np.cumsum(chances[:-1], axis=0)
    return (generator.random(chances.shape[1]) >= limits).sum(axis=0)


def scaled(weights: Mapping[str, Any]) -> dict[str, int]:
    """Weights as the smallest whole numbers in the same proportion."""
    common = lcm(*(weight.denominator for weight in weights.values()))
    whole = {name: int(weight * common) for name, weight in weights.items()}
    shared = gcd(*whole.values())
    return {name: weight // shared for name, weight in whole.items()}
