from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import BadProfile, ImpossibleHistory, balance

from .laws import PAIR, minimised, rule_of

ADA, BEN = {"site": "north", "sex": "f"}, {"site": "south", "sex": "m"}
RULES = {
    "minimisation": minimised(),
    "fake arms": minimised({"a": 2, "b": 1}, unequal="fake-arms"),
    "hu_hu": rule_of(
        "hu_hu", factors=["sex", "site"], weights={"stratum": 1, "sex": 1, "site": 1}, p="0.8"
    ),
    "hierarchical": rule_of(
        "hierarchical",
        factors=["sex", "site"],
        limits=[
            {"level": "sex", "limit": 1},
            {"level": "site", "limit": 1},
            {"level": "stratum", "limit": 1},
        ],
    ),
}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


@every_rule
@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"site": "north"}, "the profile lacks sex"),
        ({}, "the profile lacks sex, site"),
        (None, "the profile lacks sex, site"),
        ({"SITE": "north", "sex": "f"}, "the profile lacks site"),
    ],
)
def test_a_profile_has_every_factor(rule, profile, message):
    for history in ([], [("a", ADA)]):
        with pytest.raises(BadProfile) as caught:
            rule.probabilities(history, profile)
        assert str(caught.value) == message


@every_rule
def test_everybody_in_the_history_has_every_factor(rule):
    lot = rule.lots[0]
    with pytest.raises(BadProfile, match=r"^somebody in the history has no site$"):
        rule.probabilities([(lot, ADA), (lot, {"sex": "f"})], ADA)


@every_rule
def test_a_simulation_needs_a_profile_for_everybody(rule):
    for profiles in (None, [ADA, BEN]):
        with pytest.raises(BadProfile, match=r"^3 people need 3 profiles$"):
            rule.sequences(3, 2, np.random.default_rng(1), profiles)
    with pytest.raises(BadProfile, match=r"^the profile lacks site$"):
        rule.sequences(2, 2, np.random.default_rng(1), [ADA, {"sex": "f"}])


@every_rule
def test_more_profiles_than_people_are_left_alone(rule):
    few = rule.sequences(2, 50, np.random.default_rng(1), [ADA, BEN])
    assert np.array_equal(few, rule.sequences(2, 50, np.random.default_rng(1), [ADA, BEN, {}]))


@every_rule
def test_a_profile_may_hold_more_than_the_factors(rule):
    lot = rule.lots[0]
    assert rule.probabilities(
        [(lot, {**ADA, "age": "9"})], {**ADA, "age": "8"}
    ) == rule.probabilities([(lot, ADA)], ADA)


@pytest.mark.parametrize("method", ["hu_hu", "hierarchical"])
def test_without_factors_nobody_needs_a_profile(method):
    more = {
        "hu_hu": {"weights": {"overall": 1}, "p": "0.8"},
        "hierarchical": {"limits": [{"level": "overall", "limit": 1}]},
    }
    rule = rule_of(method, **more[method])
    behind = {"hu_hu": Fraction(4, 5), "hierarchical": Fraction(1)}[method]
    assert rule.probabilities([("a", {})]) == {"a": 1 - behind, "b": behind}


def test_an_arm_of_another_design_is_refused():
    with pytest.raises(ImpossibleHistory, match=r"^not an arm of this design: c, d$"):
        balance.check_lots([("a", ADA), ("d", ADA), ("c", ADA)], list(PAIR))


# Weights of 0.1, 0.2 and 0.3 tie where they should, which sums of floats do not.
@settings(max_examples=25)
@given(st.lists(st.fractions(0, 5, max_denominator=12), min_size=1, max_size=4).filter(any))
def test_scaled_weights_are_the_smallest_whole_numbers_in_the_same_proportion(weights):
    named = dict(enumerate(weights))
    found = balance.scaled(named)
    assert {type(each) for each in found.values()} == {int}
    assert [found[0] * other for other in weights] == [found[place] * weights[0] for place in named]
    assert np.gcd.reduce(list(found.values())) == 1


def test_a_lot_is_picked_by_its_chance():
    chances = np.array([[1.0, 0.0, 0.0, 0.25], [0.0, 1.0, 0.0, 0.25], [0.0, 0.0, 1.0, 0.5]]).repeat(
        20_000, axis=1
    )
    picked = balance.pick(chances, np.random.default_rng(2)).reshape(4, 20_000)
    assert [np.unique(row).tolist() for row in picked[:3]] == [[0], [1], [2]]
    counts = np.bincount(picked[3], minlength=3)
    # 4.5 standard errors of a share of 1/4 and of 1/2 among 20,000 are 276 and 318.
    assert [
        abs(counts[0] - 5000) < 276,
        abs(counts[1] - 5000) < 276,
        abs(counts[2] - 10_000) < 318,
    ] == [True] * 3
