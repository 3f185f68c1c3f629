from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from math import isqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import roots

factors = st.builds(Fraction, st.integers(-60, 60), st.integers(1, 12))
radicands = st.builds(Fraction, st.integers(0, 400), st.integers(1, 12))
sums = st.lists(st.tuples(factors, radicands), max_size=5)


def terms(*pairs):
    return [(Fraction(factor), Fraction(radicand)) for factor, radicand in pairs]


@pytest.mark.parametrize(
    ("given_terms", "expected"),
    [
        (terms(), 0),
        (terms((0, 2), (5, 0)), 0),
        (terms((1, 2)), 1),
        (terms((-1, 2)), -1),
        (terms((1, 8), (-2, 2)), 0),  # sqrt 8 = 2 sqrt 2
        (terms((1, 8), (-1, 2), (-1, 2)), 0),
        (terms((3, "1/2"), (-1, "9/2")), 0),
        (terms((1, 2), (1, 8), (-1, 18)), 0),  # sqrt 2 + 2 sqrt 2 = 3 sqrt 2
        (terms(("0.1", 3), ("0.2", 3), ("-0.3", 3)), 0),  # as floats 0.1 + 0.2 is not 0.3
        (terms((1, 4), (-2, 1)), 0),
        (terms((1, 12), (-1, 3), (-1, 2)), 1),
        (terms((1, 2), (1, 3), (-1, 5)), 1),
        (terms((1, 10), (1, 11), (-1, 5), (-1, 18)), 1),
        (terms((10**20, 2), (-1, 2 * 10**40)), 0),
        (terms((10**20, 2), (-1, 2 * 10**40 + 1)), -1),
        (terms((10**20, 2), (-1, 2 * 10**40 - 1)), 1),
    ],
)
def test_the_sign_of_a_sum_of_roots(given_terms, expected):
    assert roots.sign(given_terms) == expected


def best_below_and_above(radicand, size):
    """Fractions that lie next to a root: floor and ceiling of it over 10^size."""
    below = isqrt(radicand * 10 ** (2 * size))
    return Fraction(below, 10**size), Fraction(below + 1, 10**size)


# sqrt 2 + sqrt 3 = sqrt(5 + 2 sqrt 6); with a fraction next to 2 sqrt 6 the sum misses 0 by less
# than any float shows.
@pytest.mark.parametrize("size", [3, 20, 60, 200])
def test_near_ties_are_told_apart_however_near(size):
    below, above = best_below_and_above(24, size)
    assert roots.sign(terms((1, 2), (1, 3), (-1, 5 + below))) == 1
    assert roots.sign(terms((1, 2), (1, 3), (-1, 5 + above))) == -1
    assert roots.sign(terms((-1, 2), (-1, 3), (1, 5 + below))) == -1


@pytest.mark.parametrize("bits", [63, 64, 65, 128, 500])
def test_a_root_next_to_a_whole_number_is_not_one(bits):
    whole = 2**bits
    assert roots.sign(terms((1, whole**2 + 1), (-whole, 1))) == 1
    assert roots.sign(terms((1, whole**2 - 1), (-whole, 1))) == -1
    assert roots.sign(terms((1, whole**2), (-whole, 1))) == 0


@settings(max_examples=25)
@given(sums)
def test_the_sign_is_that_of_a_sum_to_ninety_places(given_terms):
    with localcontext(prec=90):
        exact = sum(
            Decimal(f.numerator)
            / Decimal(f.denominator)
            * (Decimal(r.numerator) / Decimal(r.denominator)).sqrt()
            for f, r in given_terms
        )
        near = 0 if abs(exact) < Decimal("1e-60") else 1 if exact > 0 else -1
    assert roots.sign(given_terms) == near


@settings(max_examples=25)
@given(sums, st.randoms())
def test_a_sum_less_itself_is_nothing_however_its_roots_are_written(given_terms, random):
    squares = [Fraction(random.randint(1, 9), random.randint(1, 9)) for _ in given_terms]
    rewritten = [
        (-f / square, r * square**2) for (f, r), square in zip(given_terms, squares, strict=True)
    ]
    assert roots.sign(random.sample([*given_terms, *rewritten], 2 * len(given_terms))) == 0


@settings(max_examples=25)
@given(sums)
def test_a_sum_turned_round_has_the_other_sign(given_terms):
    assert roots.sign([(-f, r) for f, r in given_terms]) == -roots.sign(given_terms)


def test_roots_of_whole_numbers_rise():
    assert [roots.sign(terms((1, more), (-1, less))) for less, more in pairwise(range(1, 50))] == [
        1
    ] * 48
