"""What holds for every rule, whatever its parameters and whatever happened before."""

import json
from copy import deepcopy
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import BUILDERS, ImpossibleHistory, build

from .laws import (
    ALIKE,
    KNOWN,
    LEVELS,
    PEOPLE,
    PLANS,
    PROFILES,
    TRIO,
    TWO_TO_ONE,
    by_ratio,
    chances_by_step,
    errors_in,
    law_of_arms,
    minimised,
    rule_of,
    walks,
)

METHODS = sorted(PLANS)
every_method = pytest.mark.parametrize("method", METHODS)
few = settings(max_examples=10)


def test_every_method_is_tried():
    assert sorted(BUILDERS) == METHODS


@every_method
@few
@given(st.data())
def test_chances_are_fractions_that_sum_to_exactly_one_in_the_order_of_the_ratio(method, data):
    plan, history, profile = data.draw(walks(PLANS[method]))
    rule = build(plan)
    for shares, names in [
        (rule.probabilities(history, profile), tuple(plan["ratio"])),
        (rule.lot_probabilities(history, profile), rule.lots),
    ]:
        assert tuple(shares) == names
        assert {type(share) for share in shares.values()} == {Fraction}
        assert min(shares.values()) >= 0
        assert sum(shares.values()) == 1


@every_method
@few
@given(st.data())
def test_an_answer_follows_from_history_and_profile_alone_and_changes_neither(method, data):
    plan, history, profile = data.draw(walks(PLANS[method]))
    rule, before = build(plan), deepcopy((plan, history, profile))
    answer = rule.lot_probabilities(history, profile)
    stored = json.loads(json.dumps([history, profile]))
    assert rule.lot_probabilities(history, profile) == answer
    assert build(plan).lot_probabilities(tuple(history), profile) == answer
    assert rule.lot_probabilities(*stored) == answer
    assert (plan, history, profile) == before


@every_method
@few
@given(st.data(), st.randoms())
def test_the_order_of_keys_in_a_plan_does_not_matter(method, data, random):
    plan, history, profile = data.draw(walks(PLANS[method]))
    turned = {
        key: shuffled(value, random) if key != "limits" else value
        for key, value in shuffled(plan, random).items()
    }
    assert build(turned).lot_probabilities(history, profile) == build(plan).lot_probabilities(
        history, profile
    )


def shuffled(value, random):
    if isinstance(value, dict):
        return dict(random.sample(list(value.items()), len(value)))
    return random.sample(value, len(value)) if isinstance(value, list) else value


# Found in RANDI2: Han's table used the first arm where it should use the one with the lowest share,
# so 3:2:1 was wrong.
@every_method
@few
@given(st.data(), st.randoms())
def test_renaming_the_arms_renames_the_answer(method, data, random):
    plan, history, profile = data.draw(walks(PLANS[method]))
    rule = build(plan)
    names = dict(
        zip(
            plan["ratio"],
            random.sample(["p", "q", "r/1", "s|t", ""], len(plan["ratio"])),
            strict=True,
        )
    )
    renamed = build(
        {**plan, "ratio": {names[arm]: share for arm, share in reversed(plan["ratio"].items())}}
    )

    def name(lot):
        return names[rule.arm(lot)] + lot.removeprefix(rule.arm(lot))

    moved = [(name(each[0]), each[1]) if rule.scope == "point" else name(each) for each in history]
    expected = {name(lot): share for lot, share in rule.lot_probabilities(history, profile).items()}
    assert renamed.lot_probabilities(moved, profile) == expected
    assert {lot: renamed.arm(lot) for lot in renamed.lots} == {
        name(lot): names[rule.arm(lot)] for lot in rule.lots
    }


@every_method
@few
@given(st.data())
def test_levels_are_names_and_nothing_more_whatever_signs_they_hold(method, data):
    plan, history, profile = data.draw(walks(PLANS[method]))
    rule = build(plan)
    odd = dict(
        zip(
            ("north", "south", "east", "f", "m", "one"),
            ("a|b", "a", "b,c;d=e", "", "f|", "0.1"),
            strict=True,
        )
    )

    def moved(who):
        return {factor: odd[level] for factor, level in who.items()}

    strange = [(each[0], moved(each[1])) if rule.scope == "point" else each for each in history]
    assert rule.lot_probabilities(strange, moved(profile)) == rule.lot_probabilities(
        history, profile
    )


@every_method
@few
@given(st.data(), st.randoms())
def test_only_blocks_read_the_order_of_a_history(method, data, random):
    plan, history, profile = data.draw(walks(PLANS[method]))
    rule = build(plan)
    if method != "permuted_blocks":
        turned = random.sample(history, len(history))
        assert rule.lot_probabilities(turned, profile) == rule.lot_probabilities(history, profile)


@every_method
@few
@given(st.data(), st.integers(0, 14), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_simulated_sequences_are_possible_histories_and_the_same_for_the_same_seed(
    method, data, n, draws, seed
):
    rule = build(data.draw(PLANS[method]))
    n = n if rule.length is None else min(n, rule.length)
    people = (
        data.draw(st.lists(PROFILES, min_size=n, max_size=n)) if rule.scope == "point" else None
    )
    drawn = rule.sequences(n, draws, np.random.default_rng(seed), people)
    assert (drawn.shape, drawn.dtype) == ((draws, n), np.int64)
    assert np.array_equal(drawn, rule.sequences(n, draws, np.random.default_rng(seed), people))
    if rule.lots == tuple(
        rule.ratio
    ):  # a history of arms alone takes long where several lots stand for one
        for row in drawn[:2].tolist():
            check_possible(rule, [list(rule.ratio)[number] for number in row], people)


def check_possible(rule, arms, people):
    history = []
    for place, arm in enumerate(arms):
        profile = people[place] if people else None
        assert rule.probabilities(history, profile)[arm] > 0
        history.append((arm, profile) if people else arm)


# What is offered, with a name, as it is used in the tests of laws below.
FAIR = {
    "complete": rule_of("complete"),
    "complete 3:2:1": rule_of("complete", {"a": 3, "b": 2, "c": 1}),
    "list": rule_of("random_allocation", n=12),
    "list 2:1": rule_of("random_allocation", TWO_TO_ONE, n=12),
    "blocks of 4": rule_of("permuted_blocks", block_sizes=[4]),
    "blocks of 2 and 4": rule_of("permuted_blocks", block_sizes=[2, 4]),
    "blocks of 3 and 6, 2:1, weighed": rule_of(
        "permuted_blocks", TWO_TO_ONE, block_sizes={3: 1, 6: 3}
    ),
    "blocks of 3 and 6, three arms": rule_of("permuted_blocks", TRIO, block_sizes={3: 2, 6: 1}),
    "urn 2": rule_of("block_urn", limit=2),
    "urn 3, three arms": rule_of("block_urn", TRIO, limit=3),
    "urn 1, 2:1": rule_of("block_urn", TWO_TO_ONE, limit=1),
    "urn 1, 1:3:2": rule_of("block_urn", {"a": 1, "b": 3, "c": 2}, limit=1),
    "big stick 2": rule_of("big_stick", tolerance=2),
    "efron 2/3": rule_of("efron", p="2/3"),
    "chen 2/3, 3": rule_of("chen", p="2/3", tolerance=3),
    "wei 0 1": rule_of("wei", a=0, b=1),
    "wei 1 2, three arms": rule_of("wei", TRIO, a=1, b=2),
    "smith 5": rule_of("smith", rho=5),
    "maximal 12, 2": rule_of("maximal", n=12, tolerance=2),
    "range": minimised(),
    "variance, weighed": minimised(factors={"site": "2", "sex": "0.5"}, distance="variance"),
    "sd, weighed": minimised(factors={"site": "0.1", "sex": "0.2"}, distance="sd"),
    "range, coin b": minimised(p=None, q="1.2"),
    "variance, coin c": minimised(distance="variance", p=None, t="0.7"),
    "range, coin c": minimised(p=None, t="0.9"),
    "range, three arms": minimised(TRIO),
    "variance, three arms": minimised(TRIO, distance="variance", factors={"site": "1", "sex": "0"}),
    "sd, three arms": minimised(TRIO, distance="sd", factors={"site": "0.1", "sex": "0.2"}),
    "range, three arms, ties by ratio": minimised(TRIO, ties="ratio"),
    "sd, three arms, coin b": minimised(TRIO, distance="sd", p=None, q="0.7"),
    "variance, three arms, coin c": minimised(TRIO, distance="variance", p=None, t="0.7"),
    "certain": minimised(TRIO, p="1", justification=KNOWN),
    "fake arms 2:1": minimised(TWO_TO_ONE, unequal="fake-arms"),
    "fake arms 2:1, sd": minimised(TWO_TO_ONE, unequal="fake-arms", distance="sd", ties="ratio"),
    "fake arms 2:1, coin b": minimised(TWO_TO_ONE, unequal="fake-arms", p=None, q="0.8"),
    "fake arms 2:4, coin c": minimised(
        {"a": 2, "b": 4}, unequal="fake-arms", distance="variance", p=None, t="0.5"
    ),
    "hu and hu": rule_of(
        "hu_hu",
        factors=["site", "sex"],
        weights={"overall": "0.3", "stratum": "0.2", "site": "0.5"},
        p="0.85",
    ),
    "hierarchical": rule_of(
        "hierarchical",
        factors=["site", "sex"],
        limits=[
            {"level": "stratum", "limit": 1},
            {"level": "site", "limit": 2},
            {"level": "overall", "limit": 2},
        ],
    ),
    "hierarchical, 0.8": rule_of(
        "hierarchical",
        factors=["site", "sex"],
        limits=[{"level": "sex", "limit": 1}, {"level": "overall", "limit": 2}],
        p="0.8",
    ),
}
NOT_FAIR = {
    "urn 2, 2:1": rule_of("block_urn", TWO_TO_ONE, limit=2, acknowledged=KNOWN),
    "naive 2:1": minimised(TWO_TO_ONE, unequal="naive", p="0.9", acknowledged=KNOWN),
    "naive 2:1, sd, ties by ratio": minimised(
        TWO_TO_ONE, unequal="naive", distance="sd", ties="ratio", acknowledged=KNOWN
    ),
    "naive 1:2, coin c": minimised(
        {"a": 1, "b": 2}, unequal="naive", p=None, t="0.9", acknowledged=KNOWN
    ),
    "han 2:1": minimised(TWO_TO_ONE, unequal="han", p="0.9", acknowledged=KNOWN),
    "han 3:2:1": minimised(
        {"a": 3, "b": 2, "c": 1}, unequal="han", distance="variance", acknowledged=KNOWN
    ),
    "han 1:2:2, ties by ratio": minimised(
        {"a": 1, "b": 2, "c": 2}, unequal="han", ties="ratio", acknowledged=KNOWN
    ),
}


def steps_of(rule):
    """As many steps as can be enumerated in a moment."""
    if rule.scope == "stratum":
        return (
            12
            if len(rule.ratio) == 2 and not hasattr(rule, "sizes")
            else 8
            if len(rule.ratio) == 2
            else 6
        )
    return 8 if len(rule.lots) == 2 else 5


@pytest.mark.parametrize("name", FAIR)
def test_everybody_has_the_chances_of_the_ratio_whatever_their_number(name):
    rule = FAIR[name]
    assert rule.keeps_ratio is True
    assert chances_by_step(rule, steps_of(rule)) == [by_ratio(rule.ratio)] * steps_of(rule)


@pytest.mark.parametrize("ratio", [TWO_TO_ONE, TRIO], ids=str)
def test_twelve_people_alike_have_the_chances_of_the_ratio_under_minimisation(ratio):
    rule = minimised(ratio, factors=["site"], p="0.9", unequal="fake-arms")
    assert chances_by_step(rule, 12, ALIKE) == [by_ratio(ratio)] * 12


@pytest.mark.parametrize("name", NOT_FAIR)
def test_a_rule_that_does_not_keep_the_ratio_says_so(name):
    rule = NOT_FAIR[name]
    assert rule.keeps_ratio is False
    assert chances_by_step(rule, 5) != [by_ratio(rule.ratio)] * 5


@pytest.mark.parametrize("name", FAIR | NOT_FAIR)
def test_simulated_sequences_follow_the_law_of_single_steps(name):
    rule = (FAIR | NOT_FAIR)[name]
    n, draws = (6 if len(rule.lots) == 2 else 4), 10_000
    drawn = rule.sequences(
        n, draws, np.random.default_rng(3), PEOPLE if rule.scope == "point" else None
    )
    assert errors_in(drawn, law_of_arms(rule, n)) == {}


@pytest.mark.parametrize("name", [name for name, rule in FAIR.items() if rule.scope == "stratum"])
def test_what_is_no_arm_is_no_history(name):
    with pytest.raises(ImpossibleHistory, match=r"^not an arm of this design: y, z$"):
        FAIR[name].probabilities(["a", "z", "y"])


@pytest.mark.parametrize("name", [name for name, rule in FAIR.items() if rule.scope == "point"])
def test_what_is_no_arm_is_no_history_across_strata(name):
    who = {factor: levels[0] for factor, levels in LEVELS.items()}
    with pytest.raises(ImpossibleHistory, match=r"^not an arm of this design: y, z$"):
        FAIR[name].probabilities([("z", who), ("y", who)], who)
