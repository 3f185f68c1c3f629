"""What is expected of a chain after each number of steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from randomisation.assessment.chains import Chain, Floats, Integers, scale, units
from randomisation.assessment.efficiency import lost_people


@dataclass(frozen=True)
class Curves:
    """Exact but for rounding. The first axis of each is the number of allocations so far, 0 to n,
    unless it says else.
    """

    correct: Floats  # (n,): the chance that allocation 1, 2, ... is guessed
    forced: Floats  # (n,): the chance that it is certain
    # (n, arms): the chance of each arm at allocation 1, 2, ..., before anything is drawn
    arms: Floats
    apart: Floats  # (n + 1,): the mean of max - min of N_k / r_k; for 1:1 E|D|
    furthest: Floats  # (n + 1,): the mean of the largest of these so far
    lost: Floats  # (n + 1,): the mean number of people that the imbalance costs
    differences: (
        Floats | None
    )  # (n + 1, 2 w + 1) for two arms: the law of x_A - x_B in `units`, from -w to w
    counts: Integers  # (states, arms) after n allocations
    chances: Floats  # (states,)

    @property
    def steps(self) -> int:
        return len(self.apart) - 1


def curves(chain: Chain) -> Curves:
    """`reached` follows, for every state and level, the chance to be there without ever having been
    further apart than that level; its last column is the chance to be there at all.
    """
    levels = np.unique(np.concatenate([layer.spread for layer in chain.layers]))
    reached = chain.start[:, None] * _within(chain, 0, levels)
    rows: list[_Row] = []
    for step in range(chain.steps + 1):
        if step:
            reached = (chain.layer(step - 1).following @ reached) * _within(chain, step, levels)
        rows.append(_row(chain, step, reached, levels))
    last, before = rows[-1], rows[:-1]
    return Curves(
        np.array([row.correct for row in before]),
        np.array([row.forced for row in before]),
        np.array([row.arms for row in before]).reshape(-1, len(chain.ratio)),
        np.array([row.apart for row in rows]) / scale(chain.ratio),
        np.array([row.furthest for row in rows]) / scale(chain.ratio),
        np.array([row.lost for row in rows]),
        _differences(chain, rows) if len(chain.ratio) == 2 else None,
        _counts(chain, chain.steps),
        last.mass,
    )


@dataclass(frozen=True)
class _Row:
    mass: Floats
    correct: float
    forced: float
    arms: Floats
    apart: float
    furthest: float
    lost: float


def _row(chain: Chain, step: int, reached: Floats, levels: Integers) -> _Row:
    layer, mass = chain.layer(step), reached[:, -1]
    counts = _counts(chain, step)
    is_end = step == chain.steps
    return _Row(
        mass,
        0.0 if is_end else float(mass @ layer.correct),
        0.0 if is_end else float(mass @ layer.forced),
        np.zeros(len(chain.ratio)) if is_end else mass @ layer.shares,
        float(mass @ layer.spread),
        float(levels[-1] - reached.sum(axis=0)[:-1] @ np.diff(levels)),
        float(mass @ lost_people(counts, chain.ratio)),
    )


def _within(chain: Chain, step: int, levels: Integers) -> Floats:
    return (chain.layer(step).spread[:, None] <= levels).astype(float)


def _counts(chain: Chain, step: int) -> Integers:
    """How many each arm has in all: what an open block holds, and whole sets of the ratio before
    it.
    """
    counts = chain.layer(step).counts
    shares = np.array(list(chain.ratio.values()))
    # A state that cannot be reached at this step has a chance of 0; its whole sets may be a
    # fraction.
    sets = np.maximum(step - counts.sum(axis=1), 0) // shares.sum()
    return counts + sets[:, None] * shares


def _differences(chain: Chain, rows: list[_Row]) -> Floats:
    weighed = [
        (chain.layer(step).counts * units(chain.ratio)) @ np.array([1, -1])
        for step in range(len(rows))
    ]
    widest = max(int(np.abs(each).max()) for each in weighed)
    found = np.zeros((len(rows), 2 * widest + 1))
    for step, (row, values) in enumerate(zip(rows, weighed, strict=True)):
        found[step] = np.bincount(values + widest, weights=row.mass, minlength=2 * widest + 1)
    return found
