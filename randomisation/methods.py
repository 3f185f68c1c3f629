"""How an allocation is drawn: from what was allocated before to the exact probability of each arm.

A rule is a pure function of the history of its stratum: no hidden state, fractions throughout. Definitions follow
Rosenberger and Lachin, Randomization in Clinical Trials (2016); probabilities of single steps are what
`randomisation.stream` draws with, whole sequences are for simulation.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Profile = Mapping[str, str]


class UnknownMethod(ValueError):
    """A method that is not offered."""


class BadParameter(ValueError):
    """A parameter that the method does not know, or with a value it cannot have."""


class ImpossibleHistory(ValueError):
    """A history that this rule cannot have produced."""


class Rule(Protocol):
    @property
    def ratio(self) -> dict[str, int]: ...

    def probabilities(self, history: Sequence[str], profile: Profile | None = None) -> dict[str, Fraction]:
        """For each arm, in the order of the ratio, the chance that it comes next in this stratum."""
        ...

    def sequences(self, n: int, draws: int, generator: np.random.Generator) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class Complete:
    """Every allocation for itself: p_k = r_k / sum r."""

    ratio: dict[str, int]

    def probabilities(self, history: Sequence[str], profile: Profile | None = None) -> dict[str, Fraction]:
        _check_arms(history, self.ratio)
        total = sum(self.ratio.values())
        return {arm: Fraction(share, total) for arm, share in self.ratio.items()}

    def sequences(self, n: int, draws: int, generator: np.random.Generator) -> NDArray[np.int64]:
        return generator.choice(_template(self.ratio, sum(self.ratio.values())), size=(draws, n))


@dataclass(frozen=True)
class PermutedBlocks:
    """Blocks that each hold the ratio exactly, in random order; with several sizes each block's is equally likely.

    Within a block of size b = m * sum r, after c_k of arm k among its first `pos`: p_k = (m r_k - c_k) / (b - pos).

    With several (S) sizes the history tells neither the size of the open block nor where it started; what is given is
    the exact mixture. By dynamic programming, `starts[i]` is the probability that the first i allocations are as they
    were and that a block ended there: the sum over sizes b of starts[i - b] * 1/S * (1 over the number of ways to order
    a block of b), where those b allocations hold the ratio. An open block that started at i with size b has weight
    starts[i] * 1/S * (the chance of its allocations so far), and the p_k above are averaged with these weights.
    """

    ratio: dict[str, int]
    block_sizes: tuple[int, ...]

    def probabilities(self, history: Sequence[str], profile: Profile | None = None) -> dict[str, Fraction]:
        _check_arms(history, self.ratio)
        mixed = dict.fromkeys(self.ratio, Fraction(0))
        for weight, left in self._open_blocks(history):
            for arm, count in left.items():
                mixed[arm] += weight * Fraction(count, sum(left.values()))
        total = sum(mixed.values())
        if not total:
            raise ImpossibleHistory(f"{len(history)} allocations that no blocks of these sizes can hold")
        return {arm: share / total for arm, share in mixed.items()}

    def sequences(self, n: int, draws: int, generator: np.random.Generator) -> NDArray[np.int64]:
        result = np.empty((draws, n + max(self.block_sizes)), dtype=np.int64)
        filled = np.zeros(draws, dtype=np.int64)
        while (short := np.flatnonzero(filled < n)).size:
            sizes = generator.choice(self.block_sizes, size=short.size)
            for size in self.block_sizes:
                rows = short[sizes == size]
                result[rows[:, None], filled[rows, None] + np.arange(size)] = self._blocks(size, rows.size, generator)
                filled[rows] += size
        return result[:, :n]

    def _blocks(self, size: int, how_many: int, generator: np.random.Generator) -> NDArray[np.int64]:
        return generator.permuted(np.tile(_template(self.ratio, size), (how_many, 1)), axis=1)

    def _open_blocks(self, history: Sequence[str]) -> Iterator[tuple[Fraction, Counter[str]]]:
        """Every block that may be open now: its weight, and what is left in it."""
        starts = self._starts(history)
        for size in self.block_sizes:
            for first in range(max(0, len(history) - size + 1), len(history) + 1):
                weight = starts[first] and starts[first] * self._chance(history[first:], size)
                if weight:
                    yield weight, self._left(history[first:], size)

    def _starts(self, history: Sequence[str]) -> list[Fraction]:
        starts = [Fraction(1)]
        for end in range(1, len(history) + 1):
            sizes = (size for size in self.block_sizes if size <= end and starts[end - size])
            chances = (starts[end - size] * self._chance(history[end - size : end], size) for size in sizes)
            starts.append(sum(chances, Fraction(0)))
        return starts

    def _chance(self, begun: Sequence[str], size: int) -> Fraction:
        """That the next block has this size and begins with these allocations: orders left over orders in all."""
        left = self._left(begun, size)
        if min(left.values()) < 0:
            return Fraction(0)
        return Fraction(_orders(left), _orders(self._left((), size)) * len(self.block_sizes))

    def _left(self, begun: Sequence[str], size: int) -> Counter[str]:
        left = Counter({arm: share * size // sum(self.ratio.values()) for arm, share in self.ratio.items()})
        left.subtract(begun)
        return left


def build(plan: Mapping[str, Any]) -> Rule:
    """The rule of a randomisation plan: `method`, `ratio`, and the method's own parameters, no others.

    `strata` and `chosen_here` may stand in the plan: whose history counts, and why, which is for the caller.
    """
    parameters = {name: value for name, value in plan.items() if name not in {"method", "strata", "chosen_here"}}
    method = plan.get("method")
    if method not in BUILDERS:
        raise UnknownMethod(f"{method!r} is not a method; use one of {', '.join(BUILDERS)}")
    builder, wanted = BUILDERS[method]
    _check_names(parameters, wanted, method)
    return builder(**parameters)


def sequences(rule: Rule, n: int, draws: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """`draws` whole sequences of `n` allocations, shape (draws, n); k is the k-th arm of the ratio."""
    return rule.sequences(n, draws, generator)


def _complete(ratio: Any) -> Complete:
    return Complete(_ratio(ratio))


def _permuted_blocks(ratio: Any, block_sizes: Any) -> PermutedBlocks:
    checked = _ratio(ratio)
    return PermutedBlocks(checked, _block_sizes(block_sizes, sum(checked.values())))


BUILDERS: dict[str, tuple[Callable[..., Rule], tuple[str, ...]]] = {
    "complete": (_complete, ("ratio",)),
    "permuted_blocks": (_permuted_blocks, ("ratio", "block_sizes")),
}


def _check_names(given: Mapping[str, Any], wanted: Sequence[str], method: str) -> None:
    unknown = [name for name in given if name not in wanted]
    if unknown:
        raise BadParameter(f"{method} has no parameter {', '.join(unknown)}; it takes {', '.join(wanted)}")
    missing = [name for name in wanted if name not in given]
    if missing:
        raise BadParameter(f"{method} needs {', '.join(missing)}")


def _ratio(given: Any) -> dict[str, int]:
    if not isinstance(given, Mapping) or len(given) < 2:
        raise BadParameter("ratio gives a share to each of at least two arms")
    return {arm: _whole(share, f"the share of {arm}") for arm, share in given.items()}


def _block_sizes(given: Any, unit: int) -> tuple[int, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise BadParameter("block_sizes is a list of at least one size")
    sizes = tuple(sorted(_whole(size, "a block size") for size in given))
    if len(set(sizes)) < len(sizes):
        raise BadParameter("a block size is given more than once")
    if any(size % unit for size in sizes):
        raise BadParameter(f"a block holds the ratio: its size is a multiple of {unit}")
    return sizes


def _whole(given: Any, what: str) -> int:
    """A whole number above 0, also as the text that a study folder has; never a float, which may hide a fraction."""
    number = int(given) if isinstance(given, str) and given.isdecimal() else given
    if type(number) is not int or number < 1:
        raise BadParameter(f"{what} is a whole number of at least 1, not {given!r}")
    return number


def _check_arms(history: Sequence[str], ratio: Mapping[str, int]) -> None:
    unknown = set(history) - ratio.keys()
    if unknown:
        raise ImpossibleHistory(f"not an arm of this design: {', '.join(sorted(unknown))}")


def _template(ratio: Mapping[str, int], size: int) -> NDArray[np.int64]:
    shares = np.array(list(ratio.values()), dtype=np.int64)
    return np.repeat(np.arange(shares.size), shares * (size // shares.sum()))


def _orders(counts: Mapping[str, int]) -> int:
    return factorial(sum(counts.values())) // prod(map(factorial, counts.values()))
