from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import build

from .laws import (
    PAIR,
    PEOPLE,
    PLANS,
    PROFILES,
    hierarchical_plans,
    law,
    rule_of,
    walks,
)

HALF = Fraction(1, 2)
few = settings(max_examples=20)
ADA = {"site": "north", "sex": "f"}


def those(history, profile, plan, place):
    """The arms of those who share the newcomer's place."""
    factors = {"overall": [], "stratum": plan["factors"]}.get(place, [place])
    return [
        arm for arm, who in history if all(who[factor] == profile[factor] for factor in factors)
    ]


def lead(arms):
    return arms.count("a") - arms.count("b")


# Hu and Hu (2012, Ann. Stat. 40): the imbalance of either choice in full, as the paper has it.
@few
@given(walks(PLANS["hu_hu"]))
def test_hu_and_hu_prefer_the_arm_that_leaves_the_smaller_imbalance(walk):
    plan, history, profile = walk

    def imbalance(newcomer):
        return sum(
            Fraction(weight) * lead([*those(history, profile, plan, place), newcomer]) ** 2
            for place, weight in plan["weights"].items()
        )

    difference, p = imbalance("a") - imbalance("b"), Fraction(plan["p"])
    expected = HALF if not difference else 1 - p if difference > 0 else p
    assert build(plan).probabilities(history, profile)["a"] == expected


# Section 1: Hu and Hu hold minimisation with the variance, and Shao's stratified biased coin, as
# special weights.
@few
@given(st.lists(st.tuples(st.sampled_from("ab"), PROFILES), max_size=12), PROFILES)
def test_with_weights_on_factors_alone_it_is_minimisation_with_the_variance(history, profile):
    weights = {"site": "0.3", "sex": "0.7"}
    theirs = rule_of("minimisation", factors=weights, distance="variance", p="0.8")
    ours = rule_of("hu_hu", factors=["site", "sex"], weights=weights, p="0.8")
    assert ours.probabilities(history, profile) == theirs.probabilities(history, profile)


@few
@given(st.lists(st.tuples(st.sampled_from("ab"), PROFILES), max_size=12), PROFILES)
def test_with_a_weight_on_the_stratum_alone_it_is_efrons_coin_in_each_stratum(history, profile):
    ours = rule_of("hu_hu", factors=["site", "sex"], weights={"stratum": 1}, p="0.8")
    stratum = those(history, profile, {"factors": ["site", "sex"]}, "stratum")
    assert ours.probabilities(history, profile) == rule_of("efron", p="0.8").probabilities(stratum)


def test_weights_as_decimals_tie_exactly():
    # Overall a leads by 3, in the stratum b by 1: 0.1 * 3 - 0.3 * 1 = 0, which floats miss.
    rule = rule_of("hu_hu", factors=["site"], weights={"overall": "0.1", "stratum": "0.3"}, p="0.9")
    history = [("b", {"site": "north"}), *[("a", {"site": "south"})] * 4]
    assert rule.probabilities(history, {"site": "north"}) == {"a": HALF, "b": HALF}


def test_a_place_of_weight_0_is_not_read():
    rule = rule_of("hu_hu", factors=["site", "sex"], weights={"overall": "0", "site": "1"}, p="0.9")
    assert rule.places == ("site",)


# Hierarchical dynamic balancing
# -------------------------------------------------------------------------------------


@few
@given(walks(hierarchical_plans()))
def test_the_first_place_at_its_limit_decides_and_where_none_is_a_fair_coin(walk):
    plan, history, profile = walk
    p, expected = Fraction(plan["p"]), HALF
    for level in reversed(plan["limits"]):
        difference = lead(those(history, profile, plan, level["level"]))
        if abs(difference) >= level["limit"]:
            expected = p if difference < 0 else 1 - p
    assert build(plan).probabilities(history, profile)["a"] == expected


@few
@given(walks(hierarchical_plans().map(lambda plan: plan | {"p": "1"}), most=20))
def test_with_p_1_the_first_place_never_passes_its_limit(walk):
    plan, history, profile = walk
    place, limit = plan["limits"][0]["level"], plan["limits"][0]["limit"]
    for length in range(len(history) + 1):
        for _, who in [*history[:length], ("", profile)]:
            assert abs(lead(those(history[:length], who, plan, place))) <= limit


LIMITS = [{"level": "sex", "limit": 1}, {"level": "overall", "limit": 2}]


def hierarchical(limits, **more):
    return rule_of("hierarchical", factors=["site", "sex"], limits=limits, **more)


def test_the_order_of_the_limits_decides():
    # Among women b is behind, overall a.
    history = [("a", ADA), *[("b", {"site": "north", "sex": "m"})] * 3]
    assert hierarchical(LIMITS).probabilities(history, ADA) == {"a": 0, "b": 1}
    assert hierarchical(LIMITS[::-1]).probabilities(history, ADA) == {"a": 1, "b": 0}


def test_a_limit_on_everybody_alone_is_the_big_stick():
    rule = hierarchical([{"level": "overall", "limit": 2}])
    assert law(rule, 6) == law(rule_of("big_stick", tolerance=2), 6)


def test_p_is_1_unless_the_plan_says_less():
    assert hierarchical(LIMITS) == hierarchical(LIMITS, p="1")
    assert hierarchical(LIMITS, p="0.8").probabilities([("a", ADA)], ADA) == {
        "a": Fraction(1, 5),
        "b": Fraction(4, 5),
    }


# Both in a simulation
# -------------------------------------------------------------------------------------------------


@few
@given(st.sampled_from(["hu_hu", "hierarchical"]).flatmap(PLANS.get), st.data())
def test_the_chances_in_a_simulation_are_the_exact_ones(plan, data):
    rule = build(plan)
    k = len(rule.places)
    draws = data.draw(
        st.lists(st.lists(st.integers(-4, 4), min_size=k, max_size=k), min_size=1, max_size=8)
    )
    exact = [float(rule.first(differences)) for differences in draws]
    found = rule.simulated([np.array(place) for place in zip(*draws, strict=True)])
    assert found.tolist() == pytest.approx(exact, abs=1e-12)


def test_with_p_1_a_simulation_never_passes_the_first_limit():
    rule = hierarchical([{"level": "stratum", "limit": 1}, {"level": "overall", "limit": 1}])
    people = PEOPLE * 5
    drawn = rule.sequences(40, 300, np.random.default_rng(4), people)
    assert rule.ratio == PAIR
    for who in PEOPLE:
        of = [place for place, other in enumerate(people) if other == who]
        differences = np.cumsum(1 - 2 * drawn[:, of], axis=1)
        assert np.abs(differences).max() == 1
