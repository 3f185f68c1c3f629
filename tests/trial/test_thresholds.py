"""Rules on decimals: a score of 9.6 is at least 9.6, whichever float it is kept as. Against exact
fractions.
"""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trial import thresholds
from trial.rules import Facts, Rule, holds

LIMITS = {
    "above": lambda value, bar: value > bar,
    "below": lambda value, bar: value < bar,
    "at_least": lambda value, bar: value >= bar,
    "at_most": lambda value, bar: value <= bar,
    "equals": lambda value, bar: value == bar,
}


@given(st.integers(1, 30), st.sampled_from(sorted(LIMITS)), st.data())
def test_a_prorated_score_is_compared_as_the_fraction_that_it_is(items, limit, data):
    answered = data.draw(st.integers(1, items))
    score = Fraction(data.draw(st.integers(0, 4 * answered)) * items, answered)
    places = data.draw(st.integers(0, 3))
    for whole in (math.floor(score * 10**places), math.ceil(score * 10**places)):
        bar = Fraction(whole, 10**places)
        rule = Rule.model_validate({"score": "PHQ9", limit: f"{whole / 10**places:.{places}f}"})
        for kept in (score, float(score)):  # before it is stored, and after
            assert holds(rule, Facts(scores={"PHQ9": kept})) is LIMITS[limit](score, bar)


def test_a_sum_of_eight_over_five_of_six_items_is_nine_point_six():
    # 8 * 6 / 5 = 9.6; the float below 48/5 is 9.5999999999999996447.
    rule = Rule.model_validate({"score": "PHQ9", "at_least": "9.6"})
    assert holds(rule, Facts(scores={"PHQ9": float(Fraction(48, 5))})) is True
    assert holds(rule, Facts(scores={"PHQ9": 9.599999})) is False


@pytest.mark.parametrize("value", [0.1 + 0.2, 0.3, 1 / 3, 12.333333333333334, -2.5, 1e-9])
def test_a_float_is_the_decimal_of_fifteen_digits(value):
    assert thresholds.decimal(value) == Fraction(f"{value:.15g}")
    assert thresholds.decimal(0.1 + 0.2) == Fraction(3, 10)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_reading_a_float_moves_it_by_less_than_its_fifteenth_digit(value):
    assert abs(thresholds.decimal(value) - Fraction(value)) <= Fraction(
        thresholds.half_a_unit(abs(value))
    ) * Fraction(1_000_000_001, 1_000_000_000) + Fraction(5, 10**324)


def test_what_is_not_finite_is_compared_as_it_is():
    assert thresholds.at_most(-math.inf, 1.0)
    assert not thresholds.at_most(math.inf, 1.0)
    assert not thresholds.at_most(math.nan, 1.0)
