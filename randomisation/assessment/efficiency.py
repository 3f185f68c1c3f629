"""What unequal numbers cost: people, and power.

With a common variance the mean difference between arms i and j has variance sigma^2 (1/N_i +
1/N_j). The mean of this over all pairs of arms is 2 sigma^2 / K * sum 1/N_k, so the information on
a difference is K / (2 sum 1/N_k); for two arms that is N_A N_B / n, of which n/4 would be had in
balance. What is lost is n times the share of that information that is missing: D^2 / n people for
two arms 1:1, the loss of Atkinson (2002) and the efficiency that Lachin (1988, Control. Clin.
Trials 9) works out for each design. It follows from the variance alone and takes no source on
trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ALPHA = 0.05  # two-sided
PLANNED_POWER = 0.8


def information(counts: NDArray[np.int64]) -> Floats:
    """On the mean difference between two arms, over the last axis; 0 where an arm is empty."""
    held = np.asarray(counts, dtype=float)
    with np.errstate(divide="ignore"):
        return held.shape[-1] / (2 * (1 / held).sum(axis=-1))


def balanced_information(people: float | Floats, ratio: Mapping[str, int]) -> Floats:
    shares = np.array(list(ratio.values()), dtype=float)
    return np.asarray(people) * len(shares) / (2 * (shares.sum() / shares).sum())


def lost_people(counts: NDArray[np.int64], ratio: Mapping[str, int]) -> Floats:
    """How many fewer people would have told as much, in the ratio; over the last axis."""
    people = np.asarray(counts).sum(axis=-1).astype(float)
    ideal = balanced_information(1.0, ratio)
    return people - information(counts) / ideal


def planned_effect(people: int, ratio: Mapping[str, int]) -> float:
    """The standardised difference that so many people in the ratio would find with a power of
    0.8.
    """
    from scipy.special import ndtri

    return float(
        (ndtri(1 - ALPHA / 2) + ndtri(PLANNED_POWER))
        / sqrt(float(balanced_information(people, ratio)))
    )


def power(told: Floats, effect: float) -> Floats:
    """Of a two-sided z-test at 0.05, from the information and the standardised difference."""
    from scipy.special import ndtr, ndtri

    limit, shift = ndtri(1 - ALPHA / 2), effect * np.sqrt(told)
    return ndtr(shift - limit) + ndtr(-shift - limit)
