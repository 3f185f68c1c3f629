"""Sums of square roots of fractions, compared exactly: standard deviations rank arms, and a
rounding must not.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isqrt

Term = tuple[Fraction, Fraction]  # a factor, and the fraction under the root


def sign(terms: Iterable[Term]) -> int:
    """The sign (-1, 0, 1) of the sum of factor * sqrt(radicand).

    Roots whose radicands multiply to a square are multiples of each other and are added up. The
    roots that remain are linearly independent over the fractions (Besicovitch 1940, J. London Math.
    Soc. 15), so the sum is 0 only where none remains; otherwise it is worked out with more and more
    binary places until its sign is certain.
    """
    classes = _classes(terms)
    bits = 64
    while classes:
        low = sum(_floor(factor, radicand, bits) for factor, radicand in classes)
        if low >= 0:
            return 1  # the sum is above every floor, and not 0
        if low + len(classes) <= 0:
            return -1
        bits *= 2
    return 0


def _classes(terms: Iterable[Term]) -> list[tuple[Fraction, int]]:
    found: list[tuple[Fraction, int]] = []
    for factor, under in terms:
        if factor and under:
            # sqrt(a / b) = sqrt(a b) / b
            _add(found, factor / under.denominator, under.numerator * under.denominator)
    return [(factor, radicand) for factor, radicand in found if factor]


def _add(found: list[tuple[Fraction, int]], factor: Fraction, radicand: int) -> None:
    for place, (theirs, known) in enumerate(found):
        root = isqrt(known * radicand)
        if root * root == known * radicand:
            found[place] = (theirs + factor * Fraction(root, known), known)
            return
    found.append((factor, radicand))


def _floor(factor: Fraction, radicand: int, bits: int) -> int:
    """The whole number not above factor * sqrt(radicand) * 2^bits, and less than 1 below it."""
    square = factor.numerator**2 * radicand << 2 * bits
    below = isqrt(square // factor.denominator**2)
    if factor > 0:
        return below
    return -below if below * below * factor.denominator**2 == square else -below - 1
