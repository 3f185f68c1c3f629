"""Every sequence that a rule can bring, each with its exact probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import gcd, lcm
from typing import Any

import numpy as np

from randomisation.methods import Profile

from ..model_frame import NotEstimable
from .streams import Stream, beside

MOST_SEQUENCES = 1_000_000
QUICK, PATIENT = (
    4_000,
    100_000,
)  # different histories to ask a rule about, a fraction of a millisecond each
State = tuple[Any, ...]


class TooManySequences(NotEstimable):
    """More than can be listed: draw some of them."""


@dataclass(frozen=True)
class Listed:
    """`codes` (sequences, n), numbers of arms; `weights` (sequences,) whole numbers in proportion
    to their probabilities.
    """

    codes: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Step:
    """From each state (a history, or what a rule reads of it) by each lot: the chance as a whole
    number over a common denominator (states, lots), 0 where it cannot be drawn, and the number of
    the state that follows.
    """

    shares: np.ndarray
    following: np.ndarray


def listed(streams: tuple[Stream, ...], n: int, patience: int = PATIENT) -> Listed:
    """Of all streams, one beside the other, with `n` people. Errors: TooManySequences, also for
    more than `patience` histories.
    """
    walks, room = [], MOST_SEQUENCES
    for stream in streams:
        walk, number = _walk(stream, room, patience)
        walks.append(walk)
        room //= number
    codes, weights = np.empty((1, n), dtype=np.int8), np.array([1], dtype=object)
    for (stream, people), walk in zip(beside(streams), walks, strict=True):
        found, own = _expanded(stream, walk)
        codes = np.repeat(codes, len(found), axis=0)
        codes[:, people] = np.tile(found, (len(weights), 1))
        weights = np.repeat(weights, len(found)) * np.tile(own, len(weights))
    return Listed(codes, _compact(weights))


def _walk(stream: Stream, most: int, patience: int) -> tuple[list[Step], int]:
    """Step by step through the states, those alike once, and the number of sequences: it never
    falls, so too many show early.
    """
    states: list[State] = [()]
    ways, asked, steps = np.array([1], dtype=object), 0, []
    for place in range(stream.n):
        asked += len(states)
        if asked > patience:
            raise TooManySequences(f"more than {patience} histories in a stream of {stream.n}")
        step, states = _step(stream, place, states)
        reached = np.zeros(len(states), dtype=object)
        np.add.at(
            reached,
            step.following[step.shares != 0],
            np.repeat(ways, (step.shares != 0).sum(axis=1)),
        )
        ways = reached
        if ways.sum() > most:
            raise TooManySequences(f"more than {MOST_SEQUENCES} sequences")
        steps.append(step)
    return steps, int(ways.sum())


def _step(stream: Stream, place: int, states: list[State]) -> tuple[Step, list[State]]:
    profile = None if stream.profiles is None else stream.profiles[place]
    known = _number_of(stream)
    lots, canonical = stream.rule.lots, _canonical(stream)
    chances = [stream.rule.lot_probabilities(_history(stream, state), profile) for state in states]
    common = lcm(*(chance.denominator for each in chances for chance in each.values()))
    numbers: dict[State, int] = {}
    shares = np.zeros((len(states), len(lots)), dtype=object)
    following = np.zeros((len(states), len(lots)), dtype=np.int64)
    for i, (state, each) in enumerate(zip(states, chances, strict=True)):
        for k, lot in enumerate(lots):
            shares[i, k] = int(each[lot] * common)
            if shares[i, k]:
                after = canonical((*state, lot if profile is None else (known[place], lot)))
                following[i, k] = numbers.setdefault(after, len(numbers))
    return Step(shares, following), list(numbers)


def _number_of(stream: Stream) -> list[int]:
    """For each person the place of the first with the same profile: profiles are mappings and
    cannot be sorted.
    """
    profiles = stream.profiles or ()
    return [profiles.index(each) for each in profiles]


def _history(stream: Stream, state: State) -> list[str] | list[tuple[str, Profile]]:
    if stream.profiles is None:
        return list(state)
    return [(lot, stream.profiles[place]) for place, lot in state]


def _canonical(stream: Stream) -> Callable[[State], State]:
    """The same for histories after which the rule goes on in the same way."""
    if stream.reads_counts_alone:
        return lambda state: tuple(sorted(state))
    if stream.block is not None:
        size = stream.block
        return lambda state: tuple(sorted(state)) if len(state) < size else ()
    return lambda state: state


def _expanded(stream: Stream, walk: list[Step]) -> tuple[np.ndarray, np.ndarray]:
    """The sequences (sequences, m) of a walk, and their weights."""
    arms = np.array(
        [stream.arms.index(stream.rule.arm(lot)) for lot in stream.rule.lots], dtype=np.int8
    )
    state, weights = np.zeros(1, dtype=np.int64), np.array([1], dtype=object)
    codes = np.empty((1, stream.n), dtype=np.int8)
    for place, step in enumerate(walk):
        row, lot = np.nonzero(step.shares[state])
        codes, before = codes[row], state[row]
        codes[:, place] = arms[lot]
        weights, state = weights[row] * step.shares[before, lot], step.following[before, lot]
    return codes, weights


def _compact(weights: np.ndarray) -> np.ndarray:
    """Over their common divisor, and in machine numbers where their sum fits."""
    divisor = reduce(gcd, set(weights.tolist()))
    small = weights // divisor
    return small.astype(np.int64) if small.sum() < 2**62 else small
