"""Re-randomisation tests: exact values from an independent enumeration, every rule against its own
plain tree, and laws.
"""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation import methods
from reports.statistics import rerandomisation
from reports.statistics.model_frame import NotEstimable
from reports.statistics.proportions import clopper_pearson
from reports.statistics.rerandomisation import NotRandomisedSo, TooManySequences
from reports.statistics.rerandomisation.enumeration import listed
from reports.statistics.rerandomisation.reference import (
    BYTES_AT_A_TIME,
    BYTES_EACH,
    Drawn,
    at_a_time,
    reference,
)
from reports.statistics.rerandomisation.streams import Stream
from reports.statistics.rerandomisation.trial import observed

PAIR = {"A": 1, "B": 1}
# The exact p values of the next four tests were worked out by another program, with data that are
# not kept; these data were searched for until all values came out that another enumeration than
# this one gives them, too.
EIGHT, ALLOCATED = [3, 7, 6, 0, 6, 3, 0, 9], "ABBABAAB"


def rule_of(method, ratio=PAIR, **parameters):
    return methods.build({"method": method, "ratio": ratio, **parameters})


@pytest.mark.parametrize(
    ("rule", "p"),
    [
        (rule_of("permuted_blocks", block_sizes=[4]), Fraction(1, 18)),
        (rule_of("efron", p="2/3"), Fraction(29, 1093)),
        (rule_of("big_stick", tolerance=2), Fraction(1, 128)),
        (rule_of("wei", a=1, b=1), Fraction(3168, 181439)),
        (rule_of("maximal", n=8, tolerance=2), Fraction(1, 27)),
    ],
)
def test_eight_people_have_the_exact_p_of_each_procedure(rule, p):
    found = rerandomisation.test(EIGHT, ALLOCATED, rule=rule)
    assert (found.fraction, found.exact, found.p) == (p, True, float(p))
    assert (found.lower, found.upper) == (found.p, found.p)


@pytest.mark.parametrize(
    ("rule", "p"),
    [
        (rule_of("efron", p="2/3"), Fraction(27, 592)),
        (rule_of("big_stick", tolerance=2), Fraction(1, 64)),
    ],
)
def test_the_numbers_in_the_arms_can_be_held(rule, p):
    assert rerandomisation.test(EIGHT, ALLOCATED, rule=rule, conditional=True).fraction == p


@pytest.mark.parametrize(
    ("more", "block", "p"),
    [((0, 0, 1, 4), "BBAA", Fraction(5, 36)), ((0, 0, 4, 9), "ABBA", Fraction(2, 9))],
)
def test_twelve_people_in_blocks_of_four_have_the_same_p_in_one_stratum_or_two(more, block, p):
    blocks = rule_of("permuted_blocks", block_sizes=[4])
    assert rerandomisation.test([*EIGHT, *more], ALLOCATED + block, rule=blocks).fraction == p
    # Two strata of 8 and 4, in the order of allocation one by the other.
    order = [0, 8, 1, 2, 9, 3, 4, 10, 5, 6, 11, 7]
    found = rerandomisation.test(
        np.array([*EIGHT, *more])[order],
        np.array(list(ALLOCATED + block))[order],
        rule={"north": blocks, "south": rule_of("permuted_blocks", block_sizes=[4])},
        strata=np.array(["north"] * 8 + ["south"] * 4)[order],
    )
    assert (found.fraction, found.draws) == (p, 216)
    assert found.method == (
        "Re-randomisation test of the difference in means, allocation by permuted blocks in 2 "
        "strata, exact over 216 sequences"
    )


TEN = [
    ("range", [17, 7, 2, 10, 8, 15, 4, 17, 0, 12], "ABBABABABA", "1000101011000001" + "0110"),
    ("variance", [1, 6, 9, 4, 10, 5, 3, 2, 7, 8], "ABBABAAABB", "0100010011011110" + "0100"),
]


@pytest.mark.parametrize(("distance", "outcome", "arm", "levels"), TEN)
def test_ten_people_minimised_are_far_from_ten_in_any_order(distance, outcome, arm, levels):
    rule = rule_of("minimisation", factors={"sex": 1, "site": 1}, distance=distance, p="0.8")
    profiles = [{"sex": levels[i], "site": levels[i + 1]} for i in range(0, 20, 2)]
    assert rerandomisation.test(outcome, arm, rule=rule, profiles=profiles).fraction == Fraction(
        26421, 488281
    )
    assert rerandomisation.test(outcome, arm).fraction == Fraction(1, 126)


THREE = {"A": 1, "B": 1, "C": 1}
PROFILES = [{"sex": s, "site": t} for s, t in zip("MFFMFMM", "NNSESNS", strict=True)]
RULES = [
    rule_of("complete", {"A": 2, "B": 1}),
    rule_of("random_allocation", {"A": 2, "B": 1}, n=9),
    rule_of("permuted_blocks", block_sizes=[4]),
    rule_of("permuted_blocks", {"A": 2, "B": 1}, block_sizes=[3, 6]),
    rule_of("permuted_blocks", THREE, block_sizes=[3]),
    rule_of("block_urn", {"A": 1, "B": 1}, limit=2),
    rule_of("big_stick", tolerance=2),
    rule_of("efron", p="3/4"),
    rule_of("chen", p="2/3", tolerance=3),
    rule_of("wei", THREE, a=1, b=2),
    rule_of("smith", rho=2),
    rule_of("maximal", n=8, tolerance=2),
    rule_of("minimisation", factors={"sex": 2, "site": 1}, p="0.7"),
    rule_of(
        "minimisation",
        {"A": 2, "B": 1},
        factors={"sex": 1, "site": 1},
        p="0.8",
        unequal="fake-arms",
    ),
    rule_of("minimisation", THREE, factors={"sex": 1}, distance="sd", q="0.5"),
    rule_of(
        "hu_hu", factors=["sex", "site"], weights={"overall": 1, "stratum": 2, "sex": 1}, p="0.8"
    ),
    rule_of("hierarchical", factors=["site"], limits=[{"level": "site", "limit": 1}], p="0.9"),
]


def stream_of(rule, n=7):
    return Stream(
        rule, n, tuple(rule.ratio), tuple(PROFILES[:n]) if rule.scope == "point" else None
    )


def plain_tree(rule, n):
    """The chance of every sequence of arms, asked of the rule lot by lot with whole histories."""
    found, open_ = Counter(), [((), Fraction(1))]
    while open_:
        lots, chance = open_.pop()
        if len(lots) == n:
            found[tuple(list(rule.ratio).index(rule.arm(lot)) for lot in lots)] += chance
            continue
        if rule.scope == "point":
            asked = rule.lot_probabilities(
                list(zip(lots, PROFILES[: len(lots)], strict=True)), PROFILES[len(lots)]
            )
        else:
            asked = rule.lot_probabilities(list(lots))
        open_ += [((*lots, lot), chance * p) for lot, p in asked.items() if p]
    return found


@pytest.mark.parametrize("rule", RULES)
def test_the_sequences_listed_are_those_of_a_plain_tree_with_their_chances(rule):
    n = 5
    found = listed((stream_of(rule, n),), n)
    weights = Counter()
    for codes, weight in zip(found.codes.tolist(), found.weights.tolist(), strict=True):
        weights[tuple(codes)] += weight
    total = sum(weights.values())
    assert {codes: Fraction(weight, total) for codes, weight in weights.items()} == plain_tree(
        rule, n
    )


@pytest.mark.parametrize("rule", RULES)
def test_drawn_sequences_agree_with_all_of_them(rule):
    arms = tuple(rule.ratio)
    drawn = stream_of(rule).draw(20, np.random.default_rng(5))
    arm = next([arms[k] for k in each] for each in drawn if len(set(each)) == len(arms))
    asked = {"rule": rule, "profiles": PROFILES} if rule.scope == "point" else {"rule": rule}
    outcome = [4, 1, 5, 9, 2, 6, 7]
    exact = rerandomisation.test(outcome, arm, **asked, exact=True, contrast=("A", "B"))
    drawn = rerandomisation.test(
        outcome, arm, **asked, exact=False, contrast=("A", "B"), generator=np.random.default_rng(2)
    )
    assert (drawn.exact, drawn.fraction, drawn.draws + drawn.removed) == (False, None, 10_000)
    assert (
        abs(drawn.p - exact.p)
        < 4.5 * math.sqrt(exact.p * (1 - exact.p) / drawn.draws) + 1 / drawn.draws
    )
    assert drawn.statistic == exact.statistic


def test_no_more_than_a_million_sequences_are_listed():
    rng = np.random.default_rng(1)
    blocks, outcome = rule_of("permuted_blocks", block_sizes=[4]), rng.normal(size=36)
    with pytest.raises(TooManySequences, match="more than 1000000 sequences"):
        rerandomisation.test(outcome, "ABBA" * 9, rule=blocks, exact=True)
    assert (
        rerandomisation.test(outcome, "ABBA" * 9, rule=blocks, generator=rng, draws=500).exact
        is False
    )
    assert rerandomisation.test(outcome[:24], "ABBA" * 6, rule=blocks).draws == 6**6
    with pytest.raises(TooManySequences, match="more than 1000000 sequences"):
        rerandomisation.test(outcome, "ABBA" * 9, rule=blocks, strata=["a", "b"] * 18, exact=True)


def test_a_rule_whose_whole_history_counts_is_not_asked_for_ever():
    mixed, arm = rule_of("permuted_blocks", block_sizes=[4, 6]), "ABBABA" * 3
    with pytest.raises(TooManySequences, match="more than 10 histories in a stream of 18"):
        listed((Stream(mixed, 18, ("A", "B")),), 18, patience=10)
    found = rerandomisation.test(
        range(18), arm, rule=mixed, draws=200, generator=np.random.default_rng(1)
    )
    assert found.exact is False


def test_a_drawn_p_counts_the_realised_sequence_and_is_never_0():
    outcome, arm = np.arange(60.0), ["A"] * 30 + ["B"] * 30
    found = rerandomisation.test(outcome, arm, draws=999, generator=np.random.default_rng(1))
    assert (found.p, found.draws, found.lower) == (1 / 1000, 999, 0.0)
    assert found.upper == clopper_pearson(0, 999).upper
    assert found.method == (
        "Re-randomisation test of the difference in means, every order of the labels, by 999 "
        "sequences drawn"
    )


def a_trial(n, **asked):
    rng = np.random.default_rng(3)
    defaults = {
        "rule": rule_of("big_stick", tolerance=3),
        "strata": None,
        "profiles": None,
        "statistic": "difference",
        "covariates": None,
        "contrast": None,
        "alternative": "two-sided",
        "conditional": False,
    }
    return observed(rng.normal(size=n), ["A", "B"] * (n // 2), **{**defaults, **asked})


def test_a_block_of_sequences_is_64_megabytes_at_most():
    assert at_a_time(200) == 10_000
    assert (
        at_a_time(10_000) * 10_000 * BYTES_EACH
        <= BYTES_AT_A_TIME
        < (at_a_time(10_000) + 1) * 10_000 * BYTES_EACH
    )
    assert at_a_time(10**9) == 1


def test_which_sequences_are_drawn_depends_neither_on_how_many_nor_on_the_order_of_the_blocks():
    trial = a_trial(1000, rule=rule_of("permuted_blocks", block_sizes=[4]))
    size = at_a_time(1000)
    few = reference(trial, size, np.random.default_rng(4), None)
    many = reference(trial, 3 * size, np.random.default_rng(4), None)
    assert isinstance(many, Drawn)
    backwards = [many.block(number, size) for number in (2, 1, 0)]
    forwards = [codes for codes, _ in many.blocks()]
    assert [codes.tolist() for codes in forwards] == [
        codes.tolist() for codes in reversed(backwards)
    ]
    (first,) = [codes for codes, _ in few.blocks()]
    assert first.tolist() == forwards[0].tolist()


def test_with_the_numbers_held_as_many_are_drawn_as_are_wanted():
    rule, outcome = rule_of("big_stick", tolerance=2), [*EIGHT]
    found = rerandomisation.test(
        outcome,
        ALLOCATED,
        rule=rule,
        conditional=True,
        exact=False,
        draws=20_000,
        generator=np.random.default_rng(1),
    )
    assert found.draws == 20_000
    assert abs(found.p - 1 / 64) < 4.5 * math.sqrt(1 / 64 * 63 / 64 / 20_000)
    assert found.method.endswith("by 20000 sequences drawn, given the numbers in the arms")


@pytest.mark.parametrize("statistic", ["difference", "rank"])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_under_the_null_an_exact_p_of_a_or_less_has_at_most_chance_a(statistic, alternative):
    # All sequences of the procedure take their turn as the realised one, each with its own chance.
    rule = rule_of("big_stick", tolerance=2)
    every = listed((stream_of(rule, 7),), 7)
    total, ps = int(every.weights.sum()), []
    for codes in every.codes:
        arm = ["AB"[k] for k in codes]
        found = rerandomisation.test(
            [3, 1, 4, 1, 5, 9, 2], arm, rule=rule, statistic=statistic, alternative=alternative
        )
        ps.append(found.fraction)
    for a in (Fraction(1, 100), Fraction(1, 20), Fraction(1, 10), Fraction(1, 4), Fraction(1, 2)):
        reached = sum(int(weight) for p, weight in zip(ps, every.weights, strict=True) if p <= a)
        assert Fraction(reached, total) <= a


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        (rule_of("permuted_blocks", block_sizes=[4]), {"strata": ["n", "s", "s"] * 6}),
        (
            rule_of("minimisation", factors={"sex": 1}, p="0.85"),
            {"profiles": [{"sex": sex} for sex in "MFF" * 6]},
        ),
    ],
)
def test_under_the_null_a_drawn_p_of_a_or_less_is_as_rare_as_a(rule, asked):
    trials, rng, ps = 200, np.random.default_rng(11), []
    for _ in range(trials):
        outcome = np.cumsum(rng.normal(size=18)) + 3 * rng.standard_exponential(
            18
        )  # drifting and skewed
        strata = asked.get("strata", [""] * 18)
        arm = np.empty(18, dtype=object)
        for stratum in set(strata):
            places = [i for i, each in enumerate(strata) if each == stratum]
            drawn = rule.sequences(len(places), 1, rng, asked.get("profiles"))[0]
            arm[places] = np.array(["A", "B"])[drawn]
        ps.append(
            rerandomisation.test(
                outcome, arm, rule=rule, **asked, draws=99, generator=rng, exact=False
            ).p
        )
    for a in (0.01, 0.05, 0.10):
        assert (np.array(ps) <= a).mean() <= a + 4.5 * math.sqrt(a * (1 - a) / trials)


outcomes = st.lists(st.integers(-50, 50), min_size=8, max_size=8).filter(lambda y: len(set(y)) > 1)
arrangements = st.sampled_from(["ABBABAAB", "AABBABAB", "BABABBAA"])
statistics = st.sampled_from(["difference", "rank"])


@settings(max_examples=40)
@given(
    outcomes, arrangements, statistics, st.integers(-1000, 1000), st.sampled_from([0.1, 0.5, 3.0])
)
def test_a_constant_or_another_unit_leaves_p_as_it_is(y, arm, statistic, constant, unit):
    rule = rule_of("permuted_blocks", block_sizes=[4])
    plain = rerandomisation.test(y, arm, rule=rule, statistic=statistic)
    moved = rerandomisation.test(
        [unit * each + constant for each in y], arm, rule=rule, statistic=statistic
    )
    assert moved.fraction == plain.fraction


@settings(max_examples=40)
@given(outcomes, arrangements, statistics)
def test_arms_that_change_their_names_change_the_sign(y, arm, statistic):
    asked = {"rule": rule_of("wei", a=1, b=1), "statistic": statistic}
    swapped = arm.translate(str.maketrans("AB", "BA"))
    one, other = (rerandomisation.test(y, each, **asked) for each in (arm, swapped))
    assert (one.fraction, one.statistic) == (
        other.fraction,
        pytest.approx(-other.statistic, abs=1e-12),
    )
    greater = rerandomisation.test(y, arm, **asked, alternative="greater")
    less = rerandomisation.test(y, swapped, **asked, alternative="less")
    assert greater.fraction == less.fraction


@settings(max_examples=40)
@given(outcomes, arrangements, statistics)
def test_the_two_sides_add_up_to_one_and_the_chance_of_the_realised_value(y, arm, statistic):
    asked = {"rule": rule_of("permuted_blocks", block_sizes=[4]), "statistic": statistic}
    greater, less = (
        rerandomisation.test(y, arm, **asked, alternative=each) for each in ("greater", "less")
    )
    assert Fraction(1, 36) <= greater.fraction + less.fraction - 1 <= 1


def test_tied_decimals_count_as_ties():
    # 0.1 + 0.2 and 0.3 are one outcome: with A first or second the sums are the same.
    asked = {"rule": rule_of("permuted_blocks", block_sizes=[2]), "exact": True}
    assert rerandomisation.test([0.1 + 0.2, 0.3, 1, 2], "ABAB", **asked).fraction == 1
    found = rerandomisation.test([0.1 + 0.2, 0.3, 1, 2], "ABAB", **asked, statistic="rank")
    assert (found.statistic, found.fraction) == (-0.5, 1)


def test_somebody_without_an_outcome_keeps_the_place_in_the_sequence():
    asked = {"rule": rule_of("permuted_blocks", block_sizes=[2])}
    found = rerandomisation.test([1, math.nan, math.nan, 2, 3, 4], "ABBAAB", **asked)
    # By hand: of persons 1, 4, 5, 6 the last two are a pair with one each, the first and the fourth
    # are free of each other. Differences A - B: -2, -1/2 (two with B alone), ... the realised is (1
    # + 2 + 3) / 3 - 4 = -2.
    assert (found.statistic, found.missing, found.n, found.draws, found.removed) == (-2, 2, 6, 8, 0)
    differences = [6 / 3 - 4, 7 / 3 - 3, 4 / 2 - 6 / 2, 5 / 2 - 5 / 2]
    assert found.fraction == Fraction(2 * sum(abs(each) >= 2 for each in differences), 8)


def test_sequences_that_leave_an_arm_empty_are_removed_and_counted():
    found = rerandomisation.test([1, 2, 4], "ABA", rule=rule_of("complete"))
    # Six of eight are left. A - B: 4 - 1.5 and its like; |2.5 - 2| = 0.5 is the least extreme there
    # is.
    assert (found.draws, found.removed, found.fraction) == (6, 2, 1)
    gone = rerandomisation.test([1, math.nan, 4], "ABB", rule=rule_of("complete"))
    assert (gone.draws, gone.removed) == (4, 4)
    drawn = rerandomisation.test(
        [1, 2, 4], "ABA", rule=rule_of("complete"), exact=False, generator=np.random.default_rng(1)
    )
    assert drawn.draws + drawn.removed == 10_000
    assert abs(drawn.removed - 2500) < 4.5 * math.sqrt(10_000 * 3 / 16)


def test_whether_an_outcome_is_missing_is_tested_itself():
    outcome = [math.nan, 3, 4, math.nan, 1, math.nan, math.nan, 2]
    rule = rule_of("permuted_blocks", block_sizes=[4])
    found = rerandomisation.missing(outcome, "ABBABAAB", rule=rule)
    # All four in A have none: as extreme are this sequence and its mirror image, of 36.
    assert (found.statistic, found.fraction, found.missing) == (1, Fraction(2, 36), 0)
    with pytest.raises(NotEstimable, match="nobody's outcome is missing"):
        rerandomisation.missing(EIGHT, ALLOCATED, rule=rule)


def test_a_residual_is_what_a_fit_without_the_arm_leaves():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(8, 2))
    design = np.column_stack([np.ones(8), x])
    left = np.array(EIGHT) - design @ np.linalg.lstsq(design, np.array(EIGHT), rcond=None)[0]
    rule = rule_of("efron", p="2/3")
    found = rerandomisation.test(EIGHT, ALLOCATED, rule=rule, statistic="residual", covariates=x)
    plain = rerandomisation.test(left, ALLOCATED, rule=rule)
    assert (found.fraction, found.statistic) == (
        plain.fraction,
        pytest.approx(plain.statistic, rel=1e-12),
    )
    doubled = np.column_stack([x, x[:, 0] - x[:, 1], np.ones(8)])
    again = rerandomisation.test(
        EIGHT, ALLOCATED, rule=rule, statistic="residual", covariates=doubled
    )
    assert again.statistic == pytest.approx(found.statistic, rel=1e-9)


def test_the_rank_sum_is_less_its_expectation():
    # A has ranks 3.5, 1.5, 3.5, 1.5 of 3, 0, 3, 0: sum 10, expected 4 x 9 / 2 = 18.
    rule = rule_of("permuted_blocks", block_sizes=[4])
    found = rerandomisation.test(EIGHT, ALLOCATED, rule=rule, statistic="rank")
    assert (found.statistic, found.fraction) == (-8, Fraction(1, 18))


def test_three_arms_are_compared_two_by_two_or_at_once():
    outcome, arm = [1, 2, 6, 4, 9, 3, 5, 7, 8], "CABCBACBA"
    asked = {"rule": rule_of("permuted_blocks", THREE, block_sizes=[3])}
    pair = rerandomisation.test(outcome, arm, **asked, contrast=("B", "C"))
    assert pair.statistic == pytest.approx((6 + 9 + 7) / 3 - (1 + 4 + 5) / 3)
    assert (pair.draws, pair.assumptions[1]) == (
        216,
        "It is about all 3 arms at once, whichever two are compared.",
    )
    half = rerandomisation.test(outcome, arm, **asked, contrast=("B", "C"), statistic="rank")
    assert half.statistic == pytest.approx((22 - 10) / 2)
    every = rerandomisation.test(outcome, arm, **asked)
    assert every.statistic == pytest.approx(
        3 * ((13 / 3 - 5) ** 2 + (22 / 3 - 5) ** 2 + (10 / 3 - 5) ** 2)
    )
    assert every.method == (
        "Re-randomisation test of the sum of squares between 3 arms, allocation by permuted "
        "blocks, exact over 216 sequences"
    )
    # In ranks, which these outcomes are, it is Kruskal and Wallis' H up to 12 / (n (n + 1)).
    tripled = rerandomisation.test([y**3 for y in outcome], arm, **asked, statistic="rank")
    assert (tripled.statistic, tripled.fraction) == (pytest.approx(every.statistic), every.fraction)


def test_arms_may_stand_in_another_order_in_each_rule():
    blocks = {
        "n": rule_of("permuted_blocks", block_sizes=[4]),
        "s": rule_of("wei", {"B": 1, "A": 1}, a=0, b=1),
    }
    strata, arm = ["n", "s"] * 4, "ABBAABBA"
    found = rerandomisation.test(EIGHT, arm, rule=blocks, strata=strata)
    turned = rerandomisation.test(
        EIGHT, arm, rule={"s": blocks["s"], "n": blocks["n"]}, strata=strata
    )
    assert (found.fraction, found.statistic) == (turned.fraction, -turned.statistic)


def test_what_is_assumed_is_said():
    rule = rule_of("permuted_blocks", block_sizes=[2])
    found = rerandomisation.test([1, math.nan, 2, 3], "ABBA", rule=rule)
    assert found.assumptions == (
        "The hypothesis is strict: nobody's outcome depends on their own arm or on that of others.",
        "Allocation followed the stated procedure, in the stated order, strata and covariates.",
        "Whether an outcome is missing does not depend on the arm.",
    )
    assert rerandomisation.test([1, 2, 3, 4], "ABBA").assumptions[1] == (
        "Every order of the labels counts as equally likely, which another procedure did not make "
        "so."
    )


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (
            {"statistic": "median"},
            ValueError,
            "statistic 'median' is not known; use one of difference, residual, rank",
        ),
        (
            {"alternative": "more"},
            ValueError,
            "alternative 'more' is not known; use one of two-sided, greater, less",
        ),
        ({"arm": "ABB"}, ValueError, "8 outcomes, but 3 arms"),
        ({"strata": ["n"]}, ValueError, "8 arms, but 1 strata"),
        ({"arm": "ABBABAAC"}, NotRandomisedSo, "the rule has no arm C"),
        (
            {"arm": "AAAAAABB"},
            NotRandomisedSo,
            "the rule as given cannot have brought the realised allocation",
        ),
        ({"arm": "A" * 8}, NotEstimable, "nobody in B has an outcome"),
        ({"rule": None, "arm": "A" * 8}, NotEstimable, "everybody is in the same arm"),
        ({"contrast": ("A", "C")}, ValueError, "arm 'C' is not known; use one of A, B"),
        ({"contrast": ("A", "A")}, ValueError, "a contrast needs two different arms, not A twice"),
        (
            {"covariates": [[1]] * 8},
            ValueError,
            "covariates go with the statistic 'residual', and with no other",
        ),
        (
            {"statistic": "residual"},
            ValueError,
            "covariates go with the statistic 'residual', and with no other",
        ),
        (
            {"statistic": "residual", "covariates": [1, 2]},
            ValueError,
            "8 outcomes, but covariates of 2",
        ),
        (
            {"statistic": "residual", "covariates": [math.nan] * 8},
            NotEstimable,
            "a covariate is missing for somebody with an outcome",
        ),
        ({"exact": False}, ValueError, "sequences are to be drawn: give a generator"),
        (
            {"exact": False, "draws": 0, "generator": np.random.default_rng(1)},
            ValueError,
            "0 draws: at least one is needed",
        ),
        (
            {"rule": {"n": rule_of("efron", p="2/3")}},
            ValueError,
            "there is no rule for the stratum ''",
        ),
        (
            {"rule": rule_of("minimisation", factors=["sex"], p="0.8")},
            ValueError,
            "this rule reads the profile of each person: give profiles, one a person",
        ),
        (
            {"rule": {"": rule_of("minimisation", factors=["sex"], p="0.8")}},
            ValueError,
            "a rule that reads across strata is one for all of them",
        ),
    ],
)
def test_what_cannot_be_tested_is_said(asked, error, message):
    given_ = {
        "outcome": EIGHT,
        "arm": ALLOCATED,
        "rule": rule_of("permuted_blocks", block_sizes=[4]),
        **asked,
    }
    with pytest.raises(error) as raised:
        rerandomisation.test(given_.pop("outcome"), given_.pop("arm"), **given_)
    assert str(raised.value) == message


def test_three_arms_have_no_direction_and_no_shift():
    asked = {"rule": rule_of("permuted_blocks", THREE, block_sizes=[3])}
    with pytest.raises(ValueError, match="a shift is between two arms: name them as the contrast"):
        rerandomisation.test([1, 2, 3], "ABC", **asked, shift=1)
    with pytest.raises(
        ValueError, match="the alternative 'less' is of two arms: name them as the contrast"
    ):
        rerandomisation.test([1, 2, 3], "ABC", **asked, alternative="less")
    with pytest.raises(
        NotEstimable, match="a shift between two arms says nothing about the others"
    ):
        rerandomisation.test([1, 2, 3], "ABC", **asked, contrast=("A", "B"), shift=1)
    with pytest.raises(
        NotEstimable, match="a shift between two arms says nothing about the others"
    ):
        rerandomisation.interval([1, 2, 3], "ABC", **asked, contrast=("A", "B"))


def test_numbers_that_are_never_drawn_again_leave_no_p():
    rare = rule_of("complete", {"A": 20, "B": 1})
    with pytest.raises(NotEstimable, match="no sequence could be used"):
        rerandomisation.test(
            np.arange(60.0),
            "AB" * 30,
            rule=rare,
            conditional=True,
            draws=1,
            generator=np.random.default_rng(1),
        )
