from collections import defaultdict
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import HistoryTooLong, ImpossibleHistory, build

from .laws import (
    ALIKE,
    KNOWN,
    PAIR,
    PEOPLE,
    TRIO,
    TWO_TO_ONE,
    by_ratio,
    chances_by_step,
    law,
    minimisation_plans,
    minimised,
    walks,
)

few = settings(max_examples=20)
HALF = Fraction(1, 2)
ADA = {"site": "north", "sex": "f"}


def fake(ratio=TWO_TO_ONE, **more):
    return minimised(ratio, unequal="fake-arms", **more)


def biased(ratio, unequal, **more):
    return minimised(ratio, unequal=unequal, acknowledged=KNOWN, **more)


def at(*lots, **levels):
    """People who all have these levels."""
    return [(lot, levels) for lot in lots]


# The rule again, slowly, as Pocock and Simon (1975) say it; roots to sixty places, apart by 1e-40
# or alike. -----------


def plain(rule, ratio, coin, history, profile):
    """`ratio` of the lots, `coin` of plain numbers: for each lot its chance."""
    with localcontext(prec=60):
        scores = [score(rule, ratio, history, profile, lot) for lot in ratio]
        better = [[other < own - Decimal("1e-40") for other in scores] for own in scores]
    ranks = [sum(each) for each in better]
    parts = list(ratio.values()) if rule.ties == "ratio" else [1] * len(ratio)
    return dict(zip(ratio, coin(ranks, parts), strict=True))


def score(rule, ratio, history, profile, newcomer):
    total = Decimal(0)
    for factor, weight in rule.weights.items():
        x = []
        for lot, share in ratio.items():
            count = sum(
                1 for other, who in history if other == lot and who[factor] == profile[factor]
            )
            x.append(Decimal(count + (lot == newcomer)) / share)
        total += Decimal(weight.numerator) / weight.denominator * spread(x, rule.distance)
    return total


def spread(x, distance):
    if distance == "range":
        return max(x) - min(x)
    mean = sum(x) / len(x)
    variance = sum((each - mean) ** 2 for each in x) / (len(x) - 1)
    return variance if distance == "variance" else variance.sqrt()


def shared(ranked, ranks, parts):
    """Those who tie have the chances of the ranks they take up together, each in proportion to its
    part.
    """
    found = []
    for rank, part in zip(ranks, parts, strict=True):
        taken = ranked[rank : rank + ranks.count(rank)]
        found.append(
            sum(taken) * part / sum(p for r, p in zip(ranks, parts, strict=True) if r == rank)
        )
    return found


def plain_coin(plan, lots):
    k = len(lots)
    if "p" in plan:
        p = Fraction(plan["p"])
        return lambda ranks, parts: shared([p] + [(1 - p) / (k - 1)] * (k - 1), ranks, parts)
    q = Fraction(plan["q"])
    ranked = [q - 2 * (k * q - 1) / (k * (k + 1)) * place for place in range(1, k + 1)]
    return lambda ranks, parts: shared(ranked, ranks, parts)


@few
@given(walks(minimisation_plans(coins="pq", ways=["fake-arms", "naive"])))
def test_minimisation_is_the_plain_rule(walk):
    plan, history, profile = walk
    rule = build(plan)
    inner = getattr(rule, "inner", rule)
    expected = plain(inner, inner.ratio, plain_coin(plan, inner.lots), history, profile)
    assert rule.lot_probabilities(history, profile) == expected


@few
@given(walks(minimisation_plans(coins="t", ways=["fake-arms", "naive"], tied=["average"])))
def test_coin_c_goes_by_the_plain_scores(walk):
    plan, history, profile = walk
    rule = build(plan)
    inner, t = getattr(rule, "inner", rule), Fraction(plan["t"])
    k = len(inner.lots)
    with localcontext(prec=60):
        scores = [score(inner, inner.ratio, history, profile, lot) for lot in inner.lots]
        total = sum(scores)
        expected = [
            float(1 - Decimal(t.numerator) / t.denominator * each / total) / float(k - t)
            if total
            else 1 / k
            for each in scores
        ]
    assert [
        float(each) for each in rule.lot_probabilities(history, profile).values()
    ] == pytest.approx(expected, abs=1e-12)


# By hand
# -----------------------------------------------------------------------------------------------------------  # noqa: E501


@pytest.mark.parametrize(("distance", "better"), [("range", "b"), ("variance", "a"), ("sd", "b")])
def test_distances_may_disagree(distance, better):
    # Site weighs 1, sex 2. In the newcomer's site a is ahead by 0 to 3, in their sex behind by 1: D
    # = -3 and +1. Range and SD go by the sign: -1 * 1 + 2 * 1 > 0, a is ahead. Variance goes by D:
    # -3 + 2 < 0, a is behind.
    history = at("b", "b", "b", site="north", sex="m") + at("a", site="south", sex="f")
    rule = minimised(factors={"site": 1, "sex": 2}, distance=distance)
    assert rule.probabilities(history, ADA)[better] == Fraction(4, 5)


# 0.1 + 0.2 is 0.3 here, and not as floats: the newcomer's two levels where a is ahead weigh what
# the third weighs.
@pytest.mark.parametrize("distance", ["range", "variance", "sd"])
def test_weights_as_decimals_tie_exactly(distance):
    rule = minimised(factors={"x": "0.1", "y": "0.2", "z": "0.3"}, distance=distance, p="0.9")
    history = at("a", x="1", y="1", z="0") + at("b", x="0", y="0", z="1")
    assert rule.probabilities(history, {"x": "1", "y": "1", "z": "1"}) == {"a": HALF, "b": HALF}


def test_standard_deviations_that_are_multiples_of_each_other_tie_exactly():
    # Three arms: with (2, 0, 0) the variance is 4/3, with (1, 0, 0) it is 1/3, half the SD: 1 *
    # sqrt(4/3) = 2 * sqrt(1/3).
    rule = minimised(TRIO, factors={"x": "1", "y": "2"}, distance="sd", p="0.9")
    history = at("a", x="1", y="0") + at("b", "c", x="0", y="1")
    # a joins: x (2,0,0), y (1,1,1): sqrt(4/3). b joins: x (1,1,0), y (0,2,1): sqrt(1/3) + 2. c as
    # b.
    assert rule.probabilities(history, {"x": "1", "y": "1"}) == {
        "a": Fraction(9, 10),
        "b": Fraction(1, 20),
        "c": Fraction(1, 20),
    }
    # With b alone in y: a joins: sqrt(4/3) + 2 sqrt(1/3) = 2 sqrt(4/3); b joins: sqrt(1/3) + 2
    # sqrt(4/3); c joins the least.
    history = at("a", x="1", y="0") + at("b", x="0", y="1")
    assert rule.probabilities(history, {"x": "1", "y": "1"})["c"] == Fraction(9, 10)


@pytest.mark.parametrize("distance", ["range", "variance", "sd"])
def test_ties_among_some_arms_share_their_ranks_alike_or_by_the_ratio(distance):
    history = at("a", site="north")
    average = minimised(TRIO, factors=["site"], distance=distance)
    by_share = minimised(TRIO, factors=["site"], distance=distance, ties="ratio")
    assert by_share.probabilities(history, ADA) == average.probabilities(history, ADA)
    assert average.probabilities(history, ADA) == {
        "a": Fraction(1, 10),
        "b": Fraction(9, 20),
        "c": Fraction(9, 20),
    }


@pytest.mark.parametrize(
    "ratio", [PAIR, TRIO, TWO_TO_ONE, {"a": 3, "b": 2}, {"a": 1, "b": 2, "c": 3}], ids=str
)
@pytest.mark.parametrize("distance", ["range", "variance", "sd"])
def test_the_first_of_new_levels_has_the_chances_of_the_ratio(ratio, distance):
    rule = minimised(ratio, distance=distance, unequal="fake-arms")
    lots = [(lot, {"site": "east", "sex": "m"}) for lot in rule.lots[:1] * 3]
    assert rule.probabilities([], ADA) == by_ratio(ratio)
    assert rule.probabilities(lots, ADA) == by_ratio(ratio)


def test_a_factor_of_weight_0_counts_for_nothing():
    history = at("a", "a", site="north", sex="m") + at("b", site="south", sex="f")
    assert minimised(factors={"site": "0", "sex": "1"}).probabilities(history, ADA) == minimised(
        factors=["sex"]
    ).probabilities(history, ADA)


def test_levels_with_separators_do_not_run_into_each_other():
    rule = minimised(factors=["x", "y"])
    history = at("a", "a", x="a|b", y="c")
    assert rule.probabilities(history, {"x": "a", "y": "b|c"}) == {"a": HALF, "b": HALF}


def test_with_p_1_the_better_arm_is_certain_and_a_tie_is_a_fair_coin():
    rule = minimised(p=1, justification=KNOWN)
    assert rule.probabilities([("a", ADA)], ADA) == {"a": 0, "b": 1}
    assert rule.probabilities([], ADA) == {"a": HALF, "b": HALF}


# RANDOMISATION, allocation-ratio preservation: P(T_j = a), 2:1, one total and no factor, p = .9.
# The sixth of the naive rule is .83448, which the table there has as .835.


@pytest.mark.parametrize("people", [ALIKE, [{"site": "only"}] * 12], ids=["north", "only"])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            biased(TWO_TO_ONE, "naive", factors=["site"], p="0.9"),
            [0.900, 0.180, 0.828, 0.893, 0.251, 0.834],
        ),
        (
            biased(TWO_TO_ONE, "han", factors=["site"], p="0.9"),
            [0.950, 0.142, 0.869, 0.942, 0.181, 0.872],
        ),
        (fake(factors=["site"], p="0.9"), [0.667] * 6),
    ],
    ids=["naive", "han", "fake-arms"],
)
def test_one_factor_of_one_level_is_one_total(rule, expected, people):
    assert [round(float(each["a"]), 3) for each in chances_by_step(rule, 6, people)] == expected


@pytest.mark.parametrize("unequal", ["naive", "han"])
def test_the_arms_by_another_order_of_the_ratio_have_the_same_chances(unequal):
    one = chances_by_step(biased({"a": 3, "b": 2, "c": 1}, unequal), 4)
    other = chances_by_step(biased({"c": 1, "b": 2, "a": 3}, unequal), 4)
    assert one == other


# Han, Enas and McEntegart (2009): the lowest share preferred gets p; arm i preferred 1 - (1 - p)(S
# - r_i)/(S - r_low); of the others each (1 - p) r_j / (S - r_low). By hand for p = .8. `held` are
# what leaves each arm preferred in turn.
@pytest.mark.parametrize(
    ("ratio", "held", "expected"),
    [
        ({"a": 2, "b": 1}, "b", ["9/10", "1/10"]),
        ({"a": 2, "b": 1}, "aa", ["1/5", "4/5"]),
        ({"a": 3, "b": 2, "c": 1}, "bbc", ["22/25", "2/25", "1/25"]),
        ({"a": 3, "b": 2, "c": 1}, "aaac", ["3/25", "21/25", "1/25"]),
        ({"a": 3, "b": 2, "c": 1}, "aaabb", ["3/25", "2/25", "4/5"]),
        ({"a": 1, "b": 2, "c": 3}, "bbccc", ["4/5", "2/25", "3/25"]),
        ({"a": 1, "b": 2, "c": 3}, "accc", ["1/25", "21/25", "3/25"]),
        ({"a": 1, "b": 2, "c": 3}, "abb", ["1/25", "2/25", "22/25"]),
        ({"a": 1, "b": 1, "c": 2}, "acc", ["1/15", "4/5", "2/15"]),
        ({"a": 1, "b": 1, "c": 2}, "ab", ["1/15", "1/15", "13/15"]),
        ({"a": 4, "b": 1, "c": 1}, "aaaab", ["4/25", "1/25", "4/5"]),
    ],
)
def test_hans_table(ratio, held, expected):
    rule = biased(ratio, "han", factors=["site"])
    found = rule.probabilities(at(*held, site="north"), ADA)
    assert list(found.values()) == [Fraction(each) for each in expected]


def test_with_han_arms_that_tie_are_preferred_by_their_shares():
    # 2:2:1 after one c: a and b tie; each is preferred half the time: 1 - .2 * 3/4 = .85 and .2 *
    # 2/4 = .1.
    found = biased({"a": 2, "b": 2, "c": 1}, "han", factors=["site"]).probabilities(
        at("c", site="north"), ADA
    )
    assert found == {"a": Fraction(19, 40), "b": Fraction(19, 40), "c": Fraction(1, 20)}


# Fake arms
# ----------------------------------------------------------------------------------------------------------  # noqa: E501


def by_arms(rule, laws):
    found = defaultdict(Fraction)
    for lots, chance in laws.items():
        found[tuple(rule.arm(lot) for lot in lots)] += chance
    return dict(found)


FAKES = {
    "2:1": fake(),
    "2:1 sd": fake(distance="sd", factors={"site": "0.1", "sex": "0.2"}),
    "2:1 coin b": fake(p=None, q="0.9"),
    "2:1 coin c": fake(p=None, t="0.8", ties="ratio"),
    "1:1:2": fake({"a": 1, "b": 1, "c": 2}),
    "3:2": fake({"a": 3, "b": 2}, p="0.5"),
    "certain": fake(p=1, justification=KNOWN),
}


@pytest.mark.parametrize("name", FAKES)
def test_a_history_of_arms_alone_has_the_law_of_the_fake_arms_behind_it(name):
    rule = FAKES[name]
    n = 4 if sum(rule.ratio.values()) > 3 else 5
    arms = by_arms(rule, law(rule, n))
    assert law(rule, n, arms_only=True) == arms
    for place in range(n):
        total = dict.fromkeys(rule.ratio, Fraction(0))
        for history, chance in arms.items():
            total[history[place]] += chance
        assert total == by_ratio(rule.ratio)


@settings(max_examples=20)
@given(
    st.lists(st.sampled_from(["a/1", "a/2", "b/1"]), max_size=5),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_of_some_people_the_fake_arm_may_be_known_and_of_others_not(lots, hidden):
    rule = fake(factors=["site"])
    told = [rule.arm(lot) if hide else lot for lot, hide in zip(lots, hidden, strict=False)]
    agreeing = {
        full: chance
        for full, chance in law(rule, len(lots), ALIKE).items()
        if all(part in (lot, rule.arm(lot)) for part, lot in zip(told, full, strict=True))
    }
    expected = dict.fromkeys(rule.lots, Fraction(0))
    for full, chance in agreeing.items():
        for lot, share in rule.lot_probabilities(at(*full, site="north"), ADA).items():
            expected[lot] += share * chance / sum(agreeing.values())
    assert rule.lot_probabilities(at(*told, site="north"), ADA) == expected


def test_arms_that_no_fake_arms_can_have_given_are_an_impossible_history():
    with pytest.raises(ImpossibleHistory, match=r"^no fake arms can have given these arms$"):
        FAKES["certain"].probabilities(at("a", "a", "a", site="north", sex="f"), ADA)


def test_too_long_a_history_of_arms_asks_for_the_fake_arms():
    rule = fake({"a": 30, "b": 1}, factors=["site"])
    everywhere = [
        ("a", {"site": place}) for place in ("north", "south", "east")
    ]  # 30^3 = 27,000 ways
    expected = r"^more than 20000 ways to have drawn these arms: give the fake arms$"
    with pytest.raises(HistoryTooLong, match=expected):
        rule.probabilities(everywhere, ADA)


# All draws at once
# -----------------------------------------------------------------------------------------------------  # noqa: E501

FINE = ["1", "0", "2", "0.3", "1/3", "0.12345", "0.98765"]


@st.composite
def counted(draw):
    """A rule, and for some draws how many of each lot stand in each of the newcomer's levels."""
    plan = draw(minimisation_plans())
    names = draw(st.lists(st.sampled_from("xyz"), min_size=1, unique=True))
    rule = build(
        {
            **plan,
            "factors": {name: draw(st.sampled_from(FINE)) for name in names}
            | {names[0]: "0.55555"},
        }
    )
    rule = getattr(rule, "inner", rule)
    numbers = st.lists(
        st.lists(st.integers(0, 3), min_size=len(rule.lots), max_size=len(rule.lots)),
        min_size=len(names),
        max_size=len(names),
    )
    return rule, draw(st.lists(numbers, min_size=1, max_size=6))


@few
@given(counted())
def test_the_chances_in_a_simulation_are_the_exact_ones(of):
    rule, draws = of
    exact = [[float(chance) for chance in rule.chances(counts)] for counts in draws]
    here = [np.array(factor).T for factor in zip(*draws, strict=True)]
    assert rule.simulated(here).T.tolist() == [pytest.approx(each, abs=1e-12) for each in exact]


# Three levels whose SDs are 1, sqrt 3 and 2 in every order: as floats the order of a sum shows in
# its last place.
@pytest.mark.parametrize("weight", ["1", "0.1", "777777", "0.777777"])
def test_sums_of_roots_that_are_equal_tie_in_a_simulation_whatever_their_weight(weight):
    weights = dict.fromkeys("xyz", weight) | {"u": "1"}
    rule = minimised(TRIO, factors=weights, distance="sd")
    turns = [[0, 1, 5], [5, 0, 1], [1, 5, 0]]
    counts = [[4, 4, 4], *turns]  # u, then x, y, z: no arm is better than another
    assert rule.chances(counts) == [Fraction(1, 3)] * 3
    assert rule.simulated([np.array(each)[:, None] for each in counts])[
        :, 0
    ].tolist() == pytest.approx([1 / 3] * 3)


def test_what_people_join_is_what_later_people_read():
    """In a simulation with p = 1 and one factor arms alternate within each level, in every draw."""
    rule = minimised(factors=["site"], p=1, justification=KNOWN)
    drawn = rule.sequences(8, 200, np.random.default_rng(4), PEOPLE)
    for site in ("north", "south", "east"):
        of = [place for place, who in enumerate(PEOPLE) if who["site"] == site]
        pairs = drawn[:, of[: len(of) // 2 * 2]].reshape(200, -1, 2).sum(axis=2)
        assert pairs.tolist() == [[1] * (len(of) // 2)] * 200
