"""Rules that read no more of a history than how many went to each arm.

Definitions follow Rosenberger and Lachin, Randomization in Clinical Trials (2016), and the papers
named with each. D is the number in the first arm less the number in the second; n is how many were
allocated.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

import numpy as np

from randomisation.methods.rule import (
    Draws,
    History,
    ImpossibleHistory,
    ListExhausted,
    Profile,
    Rule,
    arm_counts,
    is_equal,
    template,
)

Counts = tuple[int, ...]
Shares = tuple[Fraction, ...]
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Counted(Rule):
    """The chance of each arm follows from the counts: `shares`."""

    @abstractmethod
    def shares(self, counts: Counts) -> Shares:
        """For each arm the chance that it comes next, after `counts` of each."""

    def lot_probabilities(
        self, history: History, profile: Profile | None = None
    ) -> dict[str, Fraction]:
        arms = self.lots
        return dict(zip(arms, self.shares(arm_counts(history, arms)), strict=True))

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        """All draws side by side: at each step the shares are worked out once for every count that
        occurs.
        """
        arms = len(self.ratio)
        result = np.empty((draws, n), dtype=np.int64)
        states: list[Counts] = [(0,) * arms]
        state = np.zeros(draws, dtype=np.int64)
        for step in range(n):
            limits = np.array([_limits(self.shares(counts)) for counts in states]).reshape(-1, arms)
            uniform = generator.random(draws)
            arm = result[:, step] = (uniform[:, None] >= limits[state, :-1]).sum(axis=1)
            states, state = _after(states, state, arm)
        return result


def _limits(shares: Shares) -> list[float]:
    """Cumulated exactly and rounded once, so that what has no chance is never drawn."""
    return [float(share) for share in accumulate(shares)]


def _after(states: list[Counts], state: Draws, arm: Draws) -> tuple[list[Counts], Draws]:
    """The counts that occur after each draw got its arm, and which of them each draw is at."""
    arms = len(states[0]) if states else 1
    move = state * arms + arm
    occurring = np.flatnonzero(np.bincount(move))
    found: dict[Counts, int] = {}
    place = np.empty(len(states) * arms, dtype=np.int64)
    for before, lot in (divmod(each, arms) for each in occurring.tolist()):
        counts = states[before]
        following = (*counts[:lot], counts[lot] + 1, *counts[lot + 1 :])
        place[before * arms + lot] = found.setdefault(following, len(found))
    return list(found), place[move]


@dataclass(frozen=True)
class Complete(Counted):
    """Every allocation for itself: p_k = r_k / sum r."""

    def shares(self, counts: Counts) -> Shares:
        total = sum(self.ratio.values())
        return tuple(Fraction(share, total) for share in self.ratio.values())

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        return generator.choice(template(self.ratio, sum(self.ratio.values())), size=(draws, n))


@dataclass(frozen=True)
class RandomAllocation(Counted):
    """The random allocation rule: every order of a list of `n` that holds the ratio is equally
    likely.
    """

    n: int

    @property
    def length(self) -> int:
        return self.n

    def shares(self, counts: Counts) -> Shares:
        left = [
            share * self.n // sum(self.ratio.values()) - c
            for share, c in zip(self.ratio.values(), counts, strict=True)
        ]
        if min(left) < 0:
            raise ImpossibleHistory(f"more of an arm than a list of {self.n} holds")
        if not sum(left):
            raise ListExhausted(f"all {self.n} places of the list are taken")
        return tuple(Fraction(each, sum(left)) for each in left)

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        _check_length(n, self.n)
        return generator.permuted(np.tile(template(self.ratio, self.n), (draws, 1)), axis=1)[:, :n]


@dataclass(frozen=True)
class BlockUrn(Counted):
    """The block urn design (Zhao and Weng 2011): balls go back into the urn as soon as they make up
    a whole ratio.

    With L the limit, k = min_j floor(N_j / r_j) and W = sum r: p_j = (r_j (L + k) - N_j) / (W (L +
    k) - n).
    """

    limit: int

    @property
    def keeps_ratio(self) -> bool:
        return is_equal(self.ratio) or self.limit == 1

    def shares(self, counts: Counts) -> Shares:
        sets = min(count // share for count, share in zip(counts, self.ratio.values(), strict=True))
        left = [
            share * (self.limit + sets) - c
            for share, c in zip(self.ratio.values(), counts, strict=True)
        ]
        if min(left) < 0:
            raise ImpossibleHistory("more of an arm than this urn held")
        return tuple(Fraction(each, sum(left)) for each in left)


@dataclass(frozen=True)
class Pair(Counted):
    """Two arms 1:1: the chance of the first follows from D and n."""

    def shares(self, counts: Counts) -> Shares:
        first = self.first(counts[0] - counts[1], sum(counts))
        return first, 1 - first

    @abstractmethod
    def first(self, difference: int, n: int) -> Fraction:
        """The chance of the first arm."""


@dataclass(frozen=True)
class BigStick(Pair):
    """The big stick (Soares and Wu 1983): a fair coin while abs(D) is below the tolerance, and at
    it the arm behind.
    """

    tolerance: int

    def first(self, difference: int, n: int) -> Fraction:
        _check_tolerance(difference, self.tolerance)
        return _forced(difference) if abs(difference) == self.tolerance else HALF


@dataclass(frozen=True)
class Efron(Pair):
    """The biased coin (Efron 1971): the arm behind with chance p, at a tie a fair coin."""

    p: Fraction

    def first(self, difference: int, n: int) -> Fraction:
        return _biased(difference, self.p)


@dataclass(frozen=True)
class Chen(Pair):
    """The biased coin with imbalance tolerance (Chen 1999): Efron's coin, and at the tolerance the
    arm behind.
    """

    p: Fraction
    tolerance: int

    def first(self, difference: int, n: int) -> Fraction:
        _check_tolerance(difference, self.tolerance)
        return (
            _forced(difference)
            if abs(difference) == self.tolerance
            else _biased(difference, self.p)
        )


@dataclass(frozen=True)
class Smith(Pair):
    """The generalised biased coin (Smith 1984): N_B^rho / (N_A^rho + N_B^rho), the first by a fair
    coin.
    """

    rho: int

    def first(self, difference: int, n: int) -> Fraction:
        if not n:
            return HALF
        ours, theirs = ((n + difference) // 2) ** self.rho, ((n - difference) // 2) ** self.rho
        return Fraction(theirs, ours + theirs)


@dataclass(frozen=True)
class Maximal(Pair):
    """The maximal procedure (Berger, Ivanova and Knoll 2003): uniform over the sequences of length
    n that end in balance and never leave the tolerance; phi = paths(after A) / paths(now), where
    paths counts what can still follow.
    """

    n: int
    tolerance: int

    @property
    def length(self) -> int:
        return self.n

    def first(self, difference: int, n: int) -> Fraction:
        _check_tolerance(difference, self.tolerance)
        left = self.n - n
        if left < 0:
            raise ImpossibleHistory(f"{n} allocations from a list of {self.n}")
        paths = _paths(self.n, self.tolerance)
        here = paths[left].get(difference, 0)
        if not here:
            raise ImpossibleHistory(
                f"a difference of {abs(difference)} with {left} places left cannot be made up for"
            )
        if not left:
            raise ListExhausted(f"all {self.n} places of the list are taken")
        return Fraction(paths[left - 1].get(difference + 1, 0), here)

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> Draws:
        _check_length(n, self.n)
        return super().sequences(n, draws, generator)


@lru_cache(maxsize=32)
def _paths(n: int, tolerance: int) -> list[dict[int, int]]:
    """For 0 to n places left and each difference, in how many ways balance can still be reached."""
    found = [{0: 1}]
    for _ in range(n):
        last = found[-1]
        inside = range(-tolerance, tolerance + 1)
        found.append({d: ways for d in inside if (ways := last.get(d - 1, 0) + last.get(d + 1, 0))})
    return found


@dataclass(frozen=True)
class Wei(Counted):
    """Wei's urn (1977, 1978): `a` balls of each arm, and after each draw `b` more of each *other*
    arm.

    p_k = (a + b (n - N_k)) / (K a + b n (K - 1)); the first by a fair draw also where a is 0.
    """

    a: int
    b: int

    def shares(self, counts: Counts) -> Shares:
        n = sum(counts)
        balls = [self.a + self.b * (n - count) for count in counts]
        total = sum(balls)
        return tuple(Fraction(each, total) if total else Fraction(1, len(counts)) for each in balls)


def _forced(difference: int) -> Fraction:
    return Fraction(int(difference < 0))


def _biased(difference: int, p: Fraction) -> Fraction:
    return HALF if not difference else p if difference < 0 else 1 - p


def _check_tolerance(difference: int, tolerance: int) -> None:
    if abs(difference) > tolerance:
        raise ImpossibleHistory(
            f"a difference of {abs(difference)}, beyond the tolerance of {tolerance}"
        )


def _check_length(n: int, length: int) -> None:
    if n > length:
        raise ListExhausted(f"{n} allocations from a list of {length}")
