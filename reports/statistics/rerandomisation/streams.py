"""The streams of allocations: one for each stratum, or one for all where the rule reads across
strata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from randomisation import methods
from randomisation.methods import Profile, Rule


class Allocating(Protocol):
    """The part of a rule that is needed here."""

    @property
    def lots(self) -> tuple[str, ...]: ...

    def arm(self, lot: str) -> str: ...

    def lot_probabilities(
        self, history: Sequence[object], profile: Profile | None = None
    ) -> dict[str, Fraction]: ...

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> np.ndarray: ...


@dataclass(frozen=True)
class Relabelling:
    """Every order of the realised labels is equally likely, whatever the procedure was: the
    ordinary permutation test.
    """

    counts: dict[str, int]

    @property
    def lots(self) -> tuple[str, ...]:
        return tuple(self.counts)

    def arm(self, lot: str) -> str:
        return lot

    def lot_probabilities(
        self, history: Sequence[object], profile: Profile | None = None
    ) -> dict[str, Fraction]:
        left = {arm: count - history.count(arm) for arm, count in self.counts.items()}
        return {arm: Fraction(count, sum(left.values())) for arm, count in left.items()}

    def sequences(
        self,
        n: int,
        draws: int,
        generator: np.random.Generator,
        profiles: Sequence[Profile] | None = None,
    ) -> np.ndarray:
        labels = np.repeat(np.arange(len(self.counts)), list(self.counts.values()))
        return generator.permuted(np.tile(labels, (draws, 1)), axis=1)


@dataclass(frozen=True)
class Stream:
    """The allocations of `n` people, in order; `arms` are those of the trial, and `profiles` those
    people's, where the rule reads them.
    """

    rule: Allocating
    n: int
    arms: tuple[str, ...]
    profiles: tuple[Profile, ...] | None = None

    def draw(self, draws: int, generator: np.random.Generator) -> np.ndarray:
        """Sequences (draws, n) of numbers of arms."""
        drawn = self.rule.sequences(self.n, draws, generator, self.profiles)
        own = tuple(dict.fromkeys(self.rule.arm(lot) for lot in self.rule.lots))
        return (
            drawn if own == self.arms else np.array([self.arms.index(each) for each in own])[drawn]
        )

    @property
    def reads_counts_alone(self) -> bool:
        """Whether the order of a history does not matter to what comes next."""
        return (
            self.profiles is not None
            or isinstance(self.rule, Relabelling)
            or hasattr(self.rule, "shares")
        )

    @property
    def block(self) -> int | None:
        """The size of every block, where there is one."""
        sizes = (
            set(self.rule.block_sizes) if isinstance(self.rule, methods.PermutedBlocks) else set()
        )
        return sizes.pop() if len(sizes) == 1 else None


def beside(streams: Sequence[Stream]) -> Iterator[tuple[Stream, slice]]:
    """Each stream with its people, where those of one stream follow those of the stream before."""
    start = 0
    for stream in streams:
        yield stream, slice(start, start + stream.n)
        start += stream.n


def streams(
    labels: Sequence[str],
    arms: tuple[str, ...],
    rule: Rule | Mapping[str, Rule] | None,
    strata: Sequence[str] | None,
    profiles: Sequence[Profile] | None,
) -> tuple[tuple[Stream, ...], np.ndarray]:
    """The streams, and the places (n,) of their people. Errors: ValueError where strata, profiles
    and rules do not fit.
    """
    if isinstance(rule, Rule) and rule.scope == "point":
        if profiles is None or len(profiles) != len(labels):
            raise ValueError(
                "this rule reads the profile of each person: give profiles, one a person"
            )
        return (Stream(rule, len(labels), arms, tuple(profiles)),), np.arange(len(labels))
    own = [""] * len(labels) if strata is None else [str(each) for each in strata]
    if len(own) != len(labels):
        raise ValueError(f"{len(labels)} arms, but {len(own)} strata")
    places: dict[str, list[int]] = {}
    for place, stratum in enumerate(own):
        places.setdefault(stratum, []).append(place)
    found = tuple(
        Stream(_rule_of(stratum, rule, [labels[place] for place in here]), len(here), arms)
        for stratum, here in places.items()
    )
    return found, np.concatenate([np.array(here) for here in places.values()])


def _rule_of(
    stratum: str, rule: Rule | Mapping[str, Rule] | None, labels: Sequence[str]
) -> Allocating:
    if rule is None:
        return Relabelling({arm: labels.count(arm) for arm in dict.fromkeys(labels)})
    if isinstance(rule, Rule):
        return rule
    if stratum not in rule:
        raise ValueError(f"there is no rule for the stratum {stratum!r}")
    if rule[stratum].scope == "point":
        raise ValueError("a rule that reads across strata is one for all of them")
    return rule[stratum]
