"""The reference set: the allocations that could have come, all of them or many drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .enumeration import PATIENT, QUICK, Listed, TooManySequences, listed
from .streams import Stream, beside
from .trial import NotRandomisedSo, Trial

BYTES_AT_A_TIME = 64 * 2**20
MOST_AT_A_TIME = 10_000
BYTES_EACH = 24  # of one allocation: as drawn, and as it enters the product of matrices
LONGEST_TRIED = 40  # people; the procedures on offer have more sequences than can be listed
TRIES = 100  # sequences drawn for each that is wanted, where the numbers in the arms are held
Block = tuple[np.ndarray, np.ndarray]


class Reference(Protocol):
    """`blocks` gives numbers of arms (sequences, n) and how much each sequence weighs, the same
    ones at every call.
    """

    @property
    def is_exact(self) -> bool: ...

    def blocks(self) -> Iterator[Block]: ...


@dataclass(frozen=True)
class Every:
    sequences: Listed
    held: np.ndarray | None

    @property
    def is_exact(self) -> bool:
        return True

    def blocks(self) -> Iterator[Block]:
        codes, weights = self.sequences.codes, self.sequences.weights
        size = at_a_time(codes.shape[1])
        for start in range(0, len(codes), size):
            kept = _holding(codes[start : start + size], self.held)
            yield codes[start : start + size][kept], weights[start : start + size][kept]


@dataclass(frozen=True)
class Kept:
    """Blocks that need not be made again for every look at them."""

    made: tuple[Block, ...]
    is_exact: bool

    def blocks(self) -> Iterator[Block]:
        return iter(self.made)


@dataclass(frozen=True)
class Drawn:
    """A block of sequences has a seed of its own: which they are depends neither on the blocks
    before nor on who draws them.

    `held`: the numbers in the arms that a sequence must have to count; others are passed over.
    """

    streams: tuple[Stream, ...]
    n: int
    draws: int
    seeds: tuple[np.random.SeedSequence, ...]
    held: np.ndarray | None

    @property
    def is_exact(self) -> bool:
        return False

    def blocks(self) -> Iterator[Block]:
        wanted, size = self.draws, at_a_time(self.n)
        for number in range(len(self.seeds)):
            codes = self.block(number, size if self.held is not None else min(size, wanted))
            codes = codes[_holding(codes, self.held)][:wanted]
            wanted -= len(codes)
            yield codes, np.ones(len(codes), dtype=np.int64)
            if not wanted:
                return

    def block(self, number: int, size: int) -> np.ndarray:
        generator = np.random.default_rng(self.seeds[number])
        codes = np.empty((size, self.n), dtype=np.int8)
        for stream, people in beside(self.streams):
            codes[:, people] = stream.draw(size, generator)
        return codes


def kept(allocations: Reference, n: int) -> Reference:
    """For many looks: the same sequences, held in memory where they fit."""
    if isinstance(allocations, Drawn) and allocations.draws * n <= BYTES_AT_A_TIME:
        return Kept(tuple(allocations.blocks()), allocations.is_exact)
    return allocations


def at_a_time(n: int) -> int:
    """Sequences of `n` people in a block: it follows from their number alone."""
    return int(np.clip(BYTES_AT_A_TIME // (BYTES_EACH * max(n, 1)), 1, MOST_AT_A_TIME))


def reference(
    trial: Trial, draws: int, generator: np.random.Generator | None, exact: bool | None
) -> Reference:
    """All sequences where `exact`, or where it is None and they are few. Errors: ValueError,
    TooManySequences.
    """
    held = trial.counts if trial.conditional else None
    if exact or (exact is None and trial.n <= LONGEST_TRIED):
        try:
            return Every(
                _possible(trial, listed(trial.streams, trial.n, PATIENT if exact else QUICK)), held
            )
        except TooManySequences:
            if exact:
                raise
    if generator is None:
        raise ValueError("sequences are to be drawn: give a generator")
    if draws < 1:
        raise ValueError(f"{draws} draws: at least one is needed")
    blocks = -(-draws * (TRIES if trial.conditional else 1) // at_a_time(trial.n))
    seeds = generator.bit_generator.seed_seq.spawn(blocks)  # type: ignore[attr-defined]
    return Drawn(trial.streams, trial.n, draws, tuple(seeds), held)


def _possible(trial: Trial, sequences: Listed) -> Listed:
    if not (sequences.codes == trial.codes).all(axis=1).any():
        raise NotRandomisedSo("the rule as given cannot have brought the realised allocation")
    return sequences


def _holding(codes: np.ndarray, held: np.ndarray | None) -> np.ndarray:
    """Which sequences (sequences,) have the numbers in the arms that are held."""
    if held is None:
        return np.ones(len(codes), dtype=bool)
    found = [(codes == arm).sum(axis=1) == count for arm, count in enumerate(held)]
    return np.logical_and.reduce(found)
