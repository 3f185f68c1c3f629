"""The number needed to treat, whose interval passes through infinity where that of the difference
contains zero.

Altman, BMJ 1998;317:1309: a difference between -2 % and 10 % is NNT(benefit) 10, to infinity, to
NNT(harm) 50.
"""

import math
from dataclasses import dataclass

from .differences import RiskDifference


@dataclass(frozen=True)
class NumberNeeded:
    """Reciprocals of a risk difference and of its limits, in the order of those limits; negative is
    harm.

    Where `includes_infinity`, the interval runs from `at_upper` up to infinity and back from minus
    infinity to `at_lower`.
    """

    value: float
    at_lower: float
    at_upper: float
    includes_infinity: bool
    difference: RiskDifference

    def __str__(self) -> str:
        value, one, other = (_named(x) for x in (self.value, self.at_upper, self.at_lower))
        if self.includes_infinity:
            return f"{value} ({one} to ∞ to {other})"
        return f"{value} ({one} to {other})"


def number_needed(difference: RiskDifference) -> NumberNeeded:
    """Of a risk difference in which the event is good, first group treated; for a bad event
    exchange the groups.
    """
    d = difference
    return NumberNeeded(
        _inverse(d.value), _inverse(d.lower), _inverse(d.upper), d.lower <= 0 <= d.upper, d
    )


def _inverse(value: float) -> float:
    return 1 / value if value else math.inf


def _named(number: float) -> str:
    if math.isinf(number):
        return "∞"
    return f"{'NNTB' if number > 0 else 'NNTH'} {abs(number):.1f}"
