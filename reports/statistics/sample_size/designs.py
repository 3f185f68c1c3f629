"""What all designs share, and the sizes that they give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..distributions import normal_quantile
from ..sequential import Boundary, drift_for, exits, inflation
from ..thresholds import at_most

MOST = 1e9  # people in an arm


class NoSize(ValueError):
    """No number of people answers what was asked; says why."""


@dataclass(frozen=True)
class Size:
    """People in the first and the second arm, not rounded."""

    n1: float
    n2: float

    @property
    def total(self) -> float:
        return self.n1 + self.n2

    @property
    def whole(self) -> tuple[int, int]:
        """Rounded up; a size that is whole but for the last digits stays."""
        return math.ceil(self.n1 - 1e-9), math.ceil(self.n2 - 1e-9)

    def inflated(self, attrition: float) -> Size:
        """So many that this many are left when a share `attrition` of them is lost."""
        if not 0 <= attrition < 1:
            raise NoSize(f"attrition is a share from 0 to below 1, not {attrition}")
        return Size(self.n1 / (1 - attrition), self.n2 / (1 - attrition))

    def times(self, factor: float) -> Size:
        return Size(self.n1 * factor, self.n2 * factor)


@dataclass(frozen=True)
class Design:
    """What all designs share. `effect` is the distance from the null hypothesis in the design's own
    unit.

    A test of a difference looks in the direction of that difference, whichever it is. `directed` is
    one with a margin: it looks above 0 alone, and a truth beyond the margin is an effect below 0.
    """

    effect: float
    alpha: float = 0.05
    sided: int = 2
    ratio: float = 1.0
    directed: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_rate("alpha", self.alpha)
        if self.sided not in (1, 2):
            raise NoSize(f"a test has 1 or 2 sides, not {self.sided}")
        if not 0 < self.ratio < math.inf:
            raise NoSize(f"the ratio of the arms is above 0, not {self.ratio}")
        if not math.isfinite(self.effect):
            raise NoSize(f"an effect is a number, not {self.effect}")

    @property
    def distance(self) -> float:
        """From the null hypothesis into the direction in which the test looks."""
        return self.effect if self.directed else abs(self.effect)

    @property
    def z_alpha(self) -> float:
        return normal_quantile(1 - self.alpha / self.sided)

    @property
    def least(self) -> float:
        """A number of people in the first arm below which there is no test."""
        return 1e-6

    def power(self, n: float) -> float:
        raise NotImplementedError

    def at(self, n: float) -> Size:
        return Size(n, n / self.ratio)

    def size(self, power: float) -> Size:
        """Errors: NoSize where there is no difference to find, or none that `MOST` people find."""
        self.check_power(power)
        n = self._needed(power)
        if not n <= MOST:
            raise NoSize(f"more than {MOST:.0e} people in an arm would be needed")
        return self.at(n)

    def check_power(self, power: float) -> None:
        """NoSize where no number of people has this power, or any number has it."""
        check_rate("power", power)
        if self.directed and self.effect <= 0:
            where = "at" if self.effect == 0 else "beyond"
            raise NoSize(
                f"the truth lies {where} the margin: no number of people shows that it does not"
            )
        if not self.effect:
            raise NoSize("without a difference from the null hypothesis no size has this power")
        self._check_above_level(power)

    def _check_above_level(self, power: float) -> None:
        if self.z_alpha + normal_quantile(power) <= 0:
            raise NoSize(
                f"power {power} is not above the level of the test: any trial has more power than "
                f"that"
            )

    def _needed(self, power: float) -> float:
        return solved(lambda n: self.power(n) - power, self.least, MOST)

    def detectable(self, n: float, power: float) -> float:
        """The smallest effect above zero that `n` people in the first arm have this power for."""
        check_rate("power", power)
        self._check_above_level(power)
        if not self.least <= n < math.inf:
            raise NoSize(f"{n} people in the first arm are too few for this test")
        low, high = self._least_effect, self._most_effect(n)
        return solved(lambda effect: replace(self, effect=effect).power(n) - power, low, high)

    @property
    def _least_effect(self) -> float:
        return 0.0

    def _most_effect(self, n: float) -> float:
        raise NotImplementedError


@dataclass(frozen=True)
class SequentialSize:
    """`most` if the trial goes on to its last look; `expected` under the design's effect,
    `expected_null` without one.
    """

    most: Size
    expected: Size
    expected_null: Size


def sequential(fixed: Size, boundary: Boundary, power: float) -> SequentialSize:
    """What a trial with this boundary needs, where `fixed` is the size with one look, the same
    level and the same power.
    """
    most = fixed.times(inflation(boundary, power))
    drift = drift_for(boundary, power)
    expected, null = (exits(boundary, each).expected_information for each in (drift, 0.0))
    return SequentialSize(most, most.times(expected), most.times(null))


def normal_cdf(z: float) -> float:
    """P(Z <= z) of the standard normal."""
    from scipy.special import ndtr

    return float(ndtr(z))


def solved(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function is zero. Errors: NoSize where that lies outside `low` to `high`."""
    from scipy.optimize import brentq

    if rising(low) > 0:
        raise NoSize("the smallest there can be has more power than that")
    if rising(high) < 0:
        raise NoSize("no number is large enough for this power")
    return float(brentq(rising, low, high, xtol=1e-12, rtol=1e-14, maxiter=500))


def left_over(*parts: float) -> float:
    """The sum of these numbers as decimals: 0.6 - 0.7 + 0.1 is 0, where binary leaves -3e-17."""
    total = math.fsum(parts)
    return 0.0 if at_most(abs(total), 0.0, *parts) else total


def check_rate(what: str, value: float) -> None:
    """NoSize unless the value lies strictly between 0 and 1."""
    if not 0 < value < 1:
        raise NoSize(f"{what} is between 0 and 1, not {value}")


def check_margin(margin: float) -> None:
    """NoSize unless it is a number above 0."""
    if not (margin > 0 and math.isfinite(margin)):
        raise NoSize(f"a margin is above 0, not {margin}")
