"""Numbers against a bar, at the 15 significant digits that a float keeps of a decimal that somebody
wrote.

0.3 - 0.1 is a little less than 0.2 in binary, and 9.6 as a float a little less than 48/5: compared
bit by bit, a change of exactly the bar is missed. Two numbers are the same where they differ by
less than half a unit of the fifteenth digit of the largest number that takes part; neither is
rounded.
"""

import math
from fractions import Fraction

DIGITS = 15


def decimal(value: float) -> Fraction:
    """The decimal of 15 digits that a float stands for, exactly. Errors: OverflowError, ValueError
    for what is not finite.
    """
    return Fraction(f"{value:.{DIGITS}g}") if math.isfinite(value) else Fraction(value)


def at_most(value: float, bar: float, *made_of: float) -> bool:
    """`made_of`: the numbers whose sum or difference `value` is; a small one of large ones has
    fewer digits.
    """
    return value <= bar or _is_same(value, bar, made_of)


def _is_same(value: float, bar: float, made_of: tuple[float, ...]) -> bool:
    largest = max(abs(each) for each in (value, bar, *made_of))
    return math.isfinite(largest) and abs(value - bar) < half_a_unit(largest)


def half_a_unit(largest: float) -> float:
    """Of the fifteenth digit of this number, which is at least 0."""
    return 0.5 * 10.0 ** (math.floor(math.log10(largest)) + 1 - DIGITS) if largest else 0.0
