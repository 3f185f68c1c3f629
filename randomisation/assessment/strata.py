"""From one stratum to all of them together: independent streams, with people who fall into strata
at random.

How many fall into a stratum is binomial; the curves of one stratum are averaged over it. The law of
the overall difference is that of a sum of independent differences given that the sizes add up to n.
As Poisson sizes given their sum are multinomial, it is the convolution over strata of (size,
difference) with Poisson sizes, at size n: two-dimensional Fourier transforms, exact but for
rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from randomisation.assessment.chains import Floats, Integers
from randomisation.assessment.curves import Curves

NEVER = 1e-12


@dataclass(frozen=True)
class Averages:
    """Over all strata, weighed by how many are expected in each unless it says else."""

    allocated: float  # people; below n where lists run out
    correct: float  # share of the allocated
    forced: float
    lost: float  # people, where the strata are in the model
    apart: float  # in the average stratum
    furthest: float


def longest(n: int, share: float) -> int:
    """So many that a larger stratum is as good as impossible."""
    beyond = _at_least(n, share)
    return int(np.count_nonzero(beyond > NEVER))


def averages(curves: Curves, n: int, shares: Floats) -> Averages:
    kinds, numbers = np.unique(shares.round(14), return_counts=True)
    at_least = [_at_least(n, share)[: curves.steps] for share in kinds]

    def summed(curve: Floats) -> float:
        return sum(
            float(number * (each @ curve)) for number, each in zip(numbers, at_least, strict=True)
        )

    def mean(curve: Floats) -> float:
        # A mean over the sizes, from the steps of the curve: E f(N) = f(0) + sum (f(j) - f(j - 1))
        # P(N >= j).
        return float(curve[0]) * len(shares) + summed(np.diff(curve))

    allocated = summed(np.ones(curves.steps))
    return Averages(
        allocated,
        summed(curves.correct) / allocated,
        summed(curves.forced) / allocated,
        mean(curves.lost),
        mean(curves.apart) / len(shares),
        mean(curves.furthest) / len(shares),
    )


def _at_least(n: int, share: float) -> Floats:
    """P(N >= 1), ..., P(N >= n) for a binomial N."""
    from scipy.special import bdtrc

    return np.ones(n) if share >= 1 else np.asarray(bdtrc(np.arange(n), n, share))


def overall(curves: Curves, n: int, shares: Floats, units: Integers) -> tuple[Integers, Floats]:
    """The counts (n + 1 or fewer, 2) of the two arms that n people can end in, and the chance of
    each.
    """
    assert curves.differences is not None
    if len(shares) == 1:
        law = curves.differences[-1]
        return _as_counts(law, len(law) // 2, min(n, curves.steps), units)
    widest = min(n * int(units.max()), len(shares) * (curves.differences.shape[1] // 2))
    rows, columns = n + 1 + 40 + 10 * int(np.sqrt(n)), 2 * widest + 1
    transform: Floats | complex = 1.0
    for share, number in zip(*np.unique(shares.round(14), return_counts=True), strict=True):
        table = _with_sizes(curves, n, float(share), columns)
        transform = transform * np.fft.rfft2(table, s=(rows, columns)) ** number
    law = np.maximum(np.fft.irfft2(transform, s=(rows, columns))[n], 0.0)
    return _as_counts(np.roll(law, widest), widest, n, units)


def _with_sizes(curves: Curves, n: int, share: float, columns: int) -> Floats:
    """(size, difference): Poisson sizes up to n, differences around 0 with the negative ones at the
    end.
    """
    from scipy.special import gammaln

    differences = curves.differences
    assert differences is not None
    size, mean = np.arange(n + 1), n * share
    chances = np.exp(size * np.log(mean) - mean - gammaln(size + 1))
    widest = differences.shape[1] // 2
    table = np.zeros((n + 1, columns))
    law = differences[np.minimum(size, curves.steps)] * chances[:, None]
    table[:, np.arange(-widest, widest + 1) % columns] = law
    return table


def _as_counts(law: Floats, widest: int, n: int, units: Integers) -> tuple[Integers, Floats]:
    """From x_A - x_B = N_A u_A - N_B u_B and N_A + N_B = n."""
    first, left = np.divmod(np.arange(-widest, widest + 1) + n * units[1], units.sum())
    possible = (left == 0) & (first >= 0) & (first <= n) & (law > 1e-15)
    counts = np.stack([first[possible], n - first[possible]], axis=1)
    return counts, law[possible] / law[possible].sum()
