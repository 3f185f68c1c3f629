from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import ImpossibleHistory, ListExhausted, build

from .laws import HALF, PAIR, PLANS, TRIO, TWO_TO_ONE, chances_by_step, law, merged, rule_of, walks

few = settings(max_examples=20)


def lead(history):
    return history.count("a") - history.count("b")


def first(rule, history):
    return rule.probabilities(history)["a"]


# What papers state, step by step
# --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [1, 3])
@few
@given(st.lists(st.sampled_from("ab"), max_size=12))
def test_complete_randomisation_forgets_everything(share, history):
    assert rule_of("complete", {"a": share, "b": 1}).probabilities(history) == {
        "a": Fraction(share, share + 1),
        "b": Fraction(1, share + 1),
    }


def test_every_order_of_a_list_is_equally_likely():
    chances = law(rule_of("random_allocation", TWO_TO_ONE, n=6), 6)
    assert len(chances) == comb(6, 2)
    assert set(chances.values()) == {Fraction(1, comb(6, 2))}
    assert {history.count("a") for history in chances} == {4}


@pytest.mark.parametrize("tolerance", [1, 2, 3])
def test_every_order_of_a_maximal_list_within_its_tolerance_is_equally_likely(tolerance):
    chances = law(rule_of("maximal", n=10, tolerance=tolerance), 10)
    everything = [list(order) for order in law(rule_of("random_allocation", n=10), 10)]
    within = {
        tuple(order)
        for order in everything
        if max(abs(lead(order[:place])) for place in range(11)) <= tolerance
    }
    assert chances == dict.fromkeys(within, Fraction(1, len(within)))


WITH_TOLERANCE = st.sampled_from(["big_stick", "chen", "maximal"]).flatmap(PLANS.get)


@few
@given(walks(WITH_TOLERANCE, most=20))
def test_the_difference_never_passes_the_tolerance_and_is_forced_back_from_it(walk):
    plan, history, _ = walk
    rule, tolerance = build(plan), plan["tolerance"]
    for place in range(len(history) + 1):
        difference = lead(history[:place])
        assert abs(difference) <= tolerance
        if abs(difference) == tolerance:
            assert first(rule, history[:place]) == (0 if difference > 0 else 1)


@few
@given(walks(st.sampled_from(["big_stick", "chen", "efron"]).flatmap(PLANS.get), most=20))
def test_a_coin_is_fair_in_balance_and_biased_as_said_elsewhere(walk):
    plan, history, _ = walk
    difference, p = lead(history), Fraction(plan.get("p", HALF))
    if abs(difference) < plan.get("tolerance", 99):
        expected = HALF if not difference else p if difference < 0 else 1 - p
        assert first(build(plan), history) == expected


@pytest.mark.parametrize("tolerance", [1, 2, 3])
@pytest.mark.parametrize("method", ["big_stick", "chen", "maximal"])
def test_a_difference_beyond_the_tolerance_is_no_history_of_this_rule(method, tolerance):
    more = {"chen": {"p": "2/3"}, "maximal": {"n": 20}}.get(method, {})
    rule = rule_of(method, tolerance=tolerance, **more)
    expected = rf"^a difference of {tolerance + 1}, beyond the tolerance of {tolerance}$"
    for arm in "ab":
        with pytest.raises(ImpossibleHistory, match=expected):
            rule.probabilities([arm] * (tolerance + 1))


# Zhao and Weng (2011, Contemp. Clin. Trials 32): an urn of L balls for each share; a ball drawn
# stays out, and as soon as the balls that are out make up the ratio once they all go back. Played
# out here with real balls.
@few
@given(walks(PLANS["block_urn"], most=20))
def test_the_block_urn_is_an_urn_with_balls(walk):
    plan, history, _ = walk
    ratio, out = plan["ratio"], dict.fromkeys(plan["ratio"], 0)
    urn = {arm: share * plan["limit"] for arm, share in ratio.items()}
    for arm in history:
        urn[arm] -= 1
        out[arm] += 1
        if all(out[each] >= share for each, share in ratio.items()):
            for each, share in ratio.items():
                out[each] -= share
                urn[each] += share
    assert min(urn.values()) >= 0
    expected = {arm: Fraction(balls, sum(urn.values())) for arm, balls in urn.items()}
    assert build(plan).probabilities(history) == expected


@few
@given(walks(PLANS["block_urn"].map(lambda plan: plan | {"limit": 1}), most=20))
def test_a_block_urn_of_one_is_permuted_blocks_of_one_ratio(walk):
    plan, history, _ = walk
    blocks = rule_of("permuted_blocks", plan["ratio"], block_sizes=[sum(plan["ratio"].values())])
    assert build(plan).probabilities(history) == blocks.probabilities(history)


def test_more_of_an_arm_than_the_urn_holds_is_no_history():
    with pytest.raises(ImpossibleHistory, match=r"^more of an arm than this urn held$"):
        rule_of("block_urn", limit=2).probabilities(["a", "a", "a"])


# Wei (1978, JASA 73): the urn played out with balls.
@few
@given(walks(PLANS["wei"], most=20))
def test_weis_urn_is_an_urn_with_balls(walk):
    plan, history, _ = walk
    urn = dict.fromkeys(plan["ratio"], plan["a"])
    for arm in history:
        urn = {each: balls + plan["b"] * (each != arm) for each, balls in urn.items()}
    total = sum(urn.values())
    expected = {
        arm: Fraction(balls, total) if total else Fraction(1, len(urn))
        for arm, balls in urn.items()
    }
    assert build(plan).probabilities(history) == expected


@few
@given(st.integers(1, 6), st.lists(st.sampled_from("ab"), min_size=1, max_size=14))
def test_smiths_coin_follows_the_power_of_the_counts(rho, history):
    ours, theirs = history.count("a"), history.count("b")
    assert first(rule_of("smith", rho=rho), history) == Fraction(
        theirs**rho, ours**rho + theirs**rho
    )


def test_smiths_first_coin_is_fair():
    assert first(rule_of("smith", rho=5), []) == HALF


@few
@given(walks(PLANS["wei"].map(lambda plan: plan | {"a": 0, "b": 1, "ratio": PAIR}), most=20))
def test_wei_0_1_is_smith_1(walk):
    _, history, _ = walk
    assert first(rule_of("wei", a=0, b=1), history) == first(rule_of("smith", rho=1), history)


# Lists run out
# ------------------------------------------------------------------------------------------------------  # noqa: E501

LISTS = [rule_of("random_allocation", n=4), rule_of("maximal", n=4, tolerance=2)]
lists = pytest.mark.parametrize("rule", LISTS, ids=["random_allocation", "maximal"])


@lists
def test_a_list_says_how_long_it_is_and_that_it_is_used_up(rule):
    assert rule.length == 4
    with pytest.raises(ListExhausted, match=r"^all 4 places of the list are taken$"):
        rule.probabilities(["a", "b", "b", "a"])
    with pytest.raises(ListExhausted, match=r"^5 allocations from a list of 4$"):
        rule.sequences(5, 1, np.random.default_rng(1))


@lists
@pytest.mark.parametrize("length", [5, 6, 9, 12, 40])
def test_a_history_longer_than_the_list_is_impossible(rule, length):
    with pytest.raises(ImpossibleHistory):
        rule.probabilities((["a", "b"] * length)[:length])


def test_what_a_list_does_not_hold_is_impossible():
    with pytest.raises(ImpossibleHistory, match=r"^more of an arm than a list of 4 holds$"):
        LISTS[0].probabilities(["a", "a", "a"])
    with pytest.raises(
        ImpossibleHistory, match=r"^a difference of 2 with 0 places left cannot be made up for$"
    ):
        LISTS[1].probabilities(["a", "a", "b", "a"])


def test_only_lists_have_a_length():
    assert {method for method, plan in FAMILIES.items() if build(plan).length is not None} == {
        "random_allocation",
        "maximal",
    }


FAMILIES = {
    "complete": {"method": "complete", "ratio": PAIR},
    "random_allocation": {"method": "random_allocation", "ratio": PAIR, "n": 4},
    "block_urn": {"method": "block_urn", "ratio": PAIR, "limit": 2},
    "big_stick": {"method": "big_stick", "ratio": PAIR, "tolerance": 2},
    "wei": {"method": "wei", "ratio": PAIR, "a": 1, "b": 1},
    "maximal": {"method": "maximal", "ratio": PAIR, "n": 4, "tolerance": 2},
}


# Closed forms
# -------------------------------------------------------------------------------------------------------  # noqa: E501


def characteristics(rule, n, size=None):
    """Over n allocations, exactly: the share of correct guesses of who guesses the arm with fewer
    so far (a fair coin at a tie), the share of certain allocations, E abs(D_n) and Var(D_n). One
    history stands for all with its difference.
    """
    states, correct, certain = {0: ([], 1.0)}, 0.0, 0.0
    for _ in range(n):
        following = {}
        for difference, (history, chance) in states.items():
            share = float(
                first(
                    rule,
                    history[-(len(history) % size) :] if size and len(history) % size else history,
                )
            )
            correct += chance * (0.5 if not difference else share if difference < 0 else 1 - share)
            certain += chance * (share in (0, 1))
            for arm, step, part in (("a", 1, share), ("b", -1, 1 - share)):
                if part:
                    others = following.get(difference + step, (None, 0.0))[1]
                    following[difference + step] = ([*history, arm], others + chance * part)
        states = following
    spread = [(difference, chance) for difference, (_, chance) in states.items()]
    return (
        correct / n,
        certain / n,
        sum(abs(d) * c for d, c in spread),
        sum(d * d * c for d, c in spread),
    )


# RANDOMISATION: exact operating characteristics for N = 100, 1:1, which agree with randomizeR 3.0.2
# and with Zhao, Weng, Wu and Palesch (2012): share of correct guesses, share of certain
# allocations, E abs(D_100).
@pytest.mark.parametrize(
    ("rule", "correct", "certain", "apart"),
    [
        (rule_of("complete"), ".5000", "0.0000", "7.96"),
        (rule_of("permuted_blocks", block_sizes=[2]), ".7500", ".5000", "0.00"),
        (rule_of("permuted_blocks", block_sizes=[4]), ".7083", ".3333", "0.00"),
        (rule_of("permuted_blocks", block_sizes=[6]), ".6800", ".2410", "0.80"),
        (rule_of("permuted_blocks", block_sizes=[8]), ".6621", ".1920", "1.03"),
        (rule_of("efron", p="2/3"), ".6233", "0", "1.33"),
        (rule_of("big_stick", tolerance=2), ".6225", ".245", "1.00"),
        (rule_of("big_stick", tolerance=3), ".5811", ".162", "1.33"),
        (rule_of("big_stick", tolerance=4), ".5587", ".118", "2.00"),
        (rule_of("chen", p="2/3", tolerance=3), ".6413", ".0696", "0.86"),
        (rule_of("block_urn", limit=2), ".6650", ".163", "0.67"),
        (rule_of("block_urn", limit=3), ".6304", ".057", "0.94"),
        (rule_of("maximal", n=100, tolerance=2), ".6683", ".173", "0"),
        (rule_of("maximal", n=100, tolerance=3), ".6285", ".084", "0"),
        (rule_of("wei", a=0, b=1), ".5434", ".01", "4.56"),
        (rule_of("random_allocation", n=100), ".5578", ".0196", "0"),
    ],
    ids=lambda each: type(each).__name__ if hasattr(each, "ratio") else None,
)
def test_a_hundred_people_have_the_operating_characteristics_published(
    rule, correct, certain, apart
):
    sizes = getattr(rule, "block_sizes", (None,))
    found = characteristics(rule, 100, sizes[0])[:3]
    assert [
        rounded(value, text) for value, text in zip(found, (correct, certain, apart), strict=True)
    ] == [
        float(correct),
        float(certain),
        float(apart),
    ]


def rounded(value, text):
    """To as many places as the published text has."""
    return round(value, len(text.partition(".")[2])) + 0.0


@pytest.mark.parametrize("n", [3, 4, 10, 50])
def test_the_variance_of_weis_difference_is_a_third_of_n(n):
    *_, last = moments(rule_of("wei", a=0, b=1), n + 1)
    assert last == Fraction(n, 3)


def moments(rule, n):
    """The exact E D^2 after 0, 1, ... n - 1 allocations."""
    return [
        sum(chance * lead(history) ** 2 for history, chance, _ in now) for now in merged(rule, n)
    ]


@pytest.mark.parametrize("size", [2, 4, 6, 8])
def test_within_a_list_the_variance_of_the_difference_rises_and_falls(size):
    expected = [Fraction(k * (size - k), size - 1) for k in range(size)]
    assert moments(rule_of("random_allocation", n=size), size) == expected


# Efron (1971): in the long run, after an even number, P(D = 0) = 1 - r and P(abs(D) = 2k) = (1 -
# r^2) r^(2k - 1), where r = (1 - p)/p. That law is one which two more steps leave as it is.
@pytest.mark.parametrize("p", ["2/3", "3/4", "0.55"])
def test_efrons_stationary_law_stays(p):
    rule, r = rule_of("efron", p=p), (1 - Fraction(p)) / Fraction(p)

    def stationary(difference):
        return (1 - r**2) * r ** (abs(difference) - 1) / 2 if difference else 1 - r

    def chance(difference):
        return first(rule, ["a"] * max(difference, 0) + ["b"] * max(-difference, 0))

    def after_one(law, difference):
        return law(difference - 1) * chance(difference - 1) + law(difference + 1) * (
            1 - chance(difference + 1)
        )

    for difference in range(-8, 9, 2):
        assert after_one(lambda odd: after_one(stationary, odd), difference) == stationary(
            difference
        )


# Soares and Wu (1983): in the long run 1/2 + 1/(4d) of the guesses are right, and 1/(2d) of the
# allocations are certain.
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_the_big_sticks_long_run(d):
    near = characteristics(rule_of("big_stick", tolerance=d), 400)
    far = characteristics(rule_of("big_stick", tolerance=d), 402)
    correct, certain = (402 * far[place] - 400 * near[place] for place in (0, 1))
    assert correct / 2 == pytest.approx(1 / 2 + 1 / (4 * d), abs=1e-9)
    assert certain / 2 == pytest.approx(1 / (2 * d), abs=1e-9)


# RANDOMISATION, allocation-ratio preservation: P(T_j = a) at 2:1, target .6667.
def test_an_urn_of_two_loses_the_ratio_2_1_at_the_fifth_person():
    rule = rule_of("block_urn", TWO_TO_ONE, limit=2, acknowledged="for the test")
    steps = [round(float(each["a"]), 3) for each in chances_by_step(rule, 6)]
    assert steps == [0.667, 0.667, 0.667, 0.667, 0.640, 0.673]


# Whole sequences
# ----------------------------------------------------------------------------------------------------  # noqa: E501


@pytest.mark.parametrize("method", ["block_urn", "wei"])
def test_many_arms_do_not_overflow_a_simulation(method):
    ratio = {f"arm {number}": 1 for number in range(9)}
    rule = rule_of(method, ratio, **{"block_urn": {"limit": 1}, "wei": {"a": 0, "b": 1}}[method])
    n = 360  # (n + 1)^9 is beyond what 64 bits hold
    drawn = rule.sequences(n, 3, np.random.default_rng(5))
    counts = [np.bincount(row, minlength=9).tolist() for row in drawn]
    if method == "block_urn":
        assert counts == [[n // 9] * 9] * 3
        assert [sorted(row) for row in drawn.reshape(-1, 9).tolist()] == [list(range(9))] * (
            3 * n // 9
        )
    else:
        assert [sum(row) for row in counts] == [n] * 3
        assert (
            max(max(row) - min(row) for row in counts) < 40
        )  # complete randomisation has an SD of 9.4 for each pair


def test_what_has_no_chance_is_never_drawn_however_shares_are_rounded():
    rule = rule_of("block_urn", TRIO, limit=1)
    drawn = rule.sequences(9, 2000, np.random.default_rng(6))
    assert [sorted(block) for block in drawn.reshape(-1, 3).tolist()] == [[0, 1, 2]] * 6000
