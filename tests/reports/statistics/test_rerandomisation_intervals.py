"""Intervals by inversion: their limits are where the test itself turns, whatever the statistic and
the side.
"""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation import methods
from reports.statistics import ancova, rerandomisation
from reports.statistics.model_frame import NotEstimable
from reports.statistics.rerandomisation.enumeration import listed
from reports.statistics.rerandomisation.streams import Stream

PAIR = {"A": 1, "B": 1}
BIG_STICK = methods.build({"method": "big_stick", "ratio": PAIR, "tolerance": 2})
ARM = "ABBAABABBBAABA"
Y = [12.0, 8.5, 9.1, 14.2, 11.7, 7.3, 13.3, 10.1, 6.6, 9.9, 15.8, 12.4, 8.8, 13.1]
X = [3.0, 1.2, 2.2, 4.1, 2.6, 0.4, 3.9, 2.4, 0.9, 1.1, 4.4, 3.2, 1.9, 2.7]
SIDES = ["two-sided", "greater", "less"]


def asked_of(statistic, **more):
    return {
        "rule": BIG_STICK,
        "statistic": statistic,
        **({"covariates": X} if statistic == "residual" else {}),
        **more,
    }


def p_at(shift, statistic, generator=None, **more):
    found = rerandomisation.test(
        Y, ARM, **asked_of(statistic, **more), shift=shift, generator=generator
    )
    return found.p


@pytest.mark.parametrize("alternative", SIDES)
@pytest.mark.parametrize("statistic", ["difference", "residual", "rank"])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_just_inside_a_limit_p_is_above_alpha_and_just_outside_it_is_not(
    statistic, alternative, level
):
    found = rerandomisation.interval(
        Y, ARM, **asked_of(statistic, alternative=alternative), level=level
    )
    alpha, step = 1 - Fraction(str(level)), 1e-6
    ends = {"two-sided": (1, 1), "greater": (1, 0), "less": (0, 1)}[alternative]
    assert (math.isfinite(found.lower), math.isfinite(found.upper)) == tuple(map(bool, ends))
    for limit, outwards in ((found.lower, -step), (found.upper, step)):
        if math.isfinite(limit):
            assert p_at(limit + outwards, statistic, alternative=alternative) <= alpha
            assert p_at(limit - outwards, statistic, alternative=alternative) > alpha
    assert found.lower < found.estimate < found.upper
    assert (found.exact, found.n, found.missing, found.level) == (True, 14, 0, level)


@pytest.mark.parametrize("statistic", ["difference", "residual", "rank"])
def test_with_drawn_sequences_the_limits_are_those_of_the_test_on_the_same_draws(statistic):
    def drawn():
        return {"exact": False, "draws": 700, "generator": np.random.default_rng(8)}

    found = rerandomisation.interval(Y, ARM, **asked_of(statistic), **drawn())
    for limit, outwards in ((found.lower, -1e-6), (found.upper, 1e-6)):
        assert (
            p_at(limit + outwards, statistic, **drawn())
            <= 0.05
            < p_at(limit - outwards, statistic, **drawn())
        )
    assert (found.exact, found.draws + found.removed) == (False, 700)
    # p goes by steps, few of them large: at the limit it is near alpha.
    assert p_at(found.lower, statistic, **drawn()) == pytest.approx(0.05, abs=0.03)


def test_the_estimates_are_the_difference_the_coefficient_of_ancova_and_the_median_difference():
    first = np.array([each == "A" for each in ARM])
    y = np.array(Y)
    plain, adjusted, ranks = (
        rerandomisation.interval(Y, ARM, **asked_of(statistic)).estimate
        for statistic in ("difference", "residual", "rank")
    )
    assert plain == pytest.approx(y[first].mean() - y[~first].mean(), rel=1e-12)
    frame = pd.DataFrame({"y": Y, "x": X, "arm": list(ARM)})
    model = ancova.regress(frame, outcome="y", fixed="x + arm", reference={"arm": "B"})
    assert adjusted == pytest.approx(model.coefficients.estimate["armA"], rel=1e-10)
    assert ranks == np.median(y[first][:, None] - y[~first])


@settings(max_examples=30)
@given(st.integers(-20, 20), st.sampled_from(["difference", "rank"]), st.sampled_from(SIDES))
def test_an_effect_added_to_one_arm_moves_the_interval_by_it(effect, statistic, alternative):
    shifted = [y + effect * (each == "A") for y, each in zip(Y, ARM, strict=True)]
    plain, moved = (
        rerandomisation.interval(outcome, ARM, **asked_of(statistic, alternative=alternative))
        for outcome in (Y, shifted)
    )
    assert (moved.estimate, moved.lower, moved.upper) == pytest.approx(
        (plain.estimate + effect, plain.lower + effect, plain.upper + effect)
    )


@pytest.mark.parametrize("statistic", ["difference", "rank"])
def test_over_all_allocations_the_interval_holds_the_effect_at_least_as_often_as_it_says(statistic):
    # The effect is 4 for everybody; every sequence of eight takes its turn as the realised one.
    rule = methods.build({"method": "efron", "ratio": PAIR, "p": "3/5"})
    every = listed((Stream(rule, 7, ("A", "B")),), 7)
    base, held, total = np.array([3, 1, 4, 1, 5, 9, 2]), 0, 0
    for codes, weight in zip(every.codes, every.weights.tolist(), strict=True):
        if 0 < codes.sum() < 7:
            arm = ["AB"[k] for k in codes]
            found = rerandomisation.interval(
                base + 4 * (codes == 0), arm, rule=rule, statistic=statistic, level=0.8
            )
            held += weight * (found.lower - 1e-9 <= 4 <= found.upper + 1e-9)
            total += weight
    assert 0.8 <= held / total < 1


def test_too_few_sequences_to_reject_leave_it_infinite():
    blocks = methods.build({"method": "permuted_blocks", "ratio": PAIR, "block_sizes": [4]})
    for statistic in ("difference", "rank"):
        found = rerandomisation.interval([1, 2, 3, 4], "ABBA", rule=blocks, statistic=statistic)
        assert (found.lower, found.upper) == (-math.inf, math.inf)


def test_sequences_that_fit_the_covariates_better_than_the_realised_are_as_extreme_outside_two_shifts():  # noqa: E501
    # The covariate is nearly the arm itself, so others differ more in what it leaves of the
    # realised arm.
    near = [float(each == "A") + 0.3 * x for each, x in zip(ARM, X, strict=True)]
    asked = {"rule": BIG_STICK, "statistic": "residual", "covariates": near}
    found = rerandomisation.interval(Y, ARM, **asked)
    assert (found.lower, found.upper) == (-math.inf, math.inf)
    assert rerandomisation.test(Y, ARM, **asked, shift=found.estimate - 1e6).p > 0.05
    narrow = rerandomisation.interval(Y, ARM, **asked, level=0.5)
    around = np.linspace(narrow.lower - 5, narrow.upper + 5, 80)
    kept = [shift for shift in around if rerandomisation.test(Y, ARM, **asked, shift=shift).p > 0.5]
    assert narrow.lower <= min(kept) < narrow.lower + 0.3
    assert narrow.upper - 0.3 < max(kept) <= narrow.upper


def test_too_few_draws_to_reject_at_all_leave_it_infinite():
    # The realised sequence counts as one of 11: its share alone is above 0.05.
    found = rerandomisation.interval(
        Y, ARM, **asked_of("difference"), exact=False, draws=10, generator=np.random.default_rng(1)
    )
    assert (found.lower, found.upper) == (-math.inf, math.inf)
    assert found.estimate == pytest.approx(
        np.mean(Y, where=[a == "A" for a in ARM]) - np.mean(Y, where=[a == "B" for a in ARM])
    )


@pytest.mark.parametrize("statistic", ["difference", "rank"])
def test_numbers_that_are_never_drawn_again_leave_no_interval(statistic):
    rare = methods.build({"method": "complete", "ratio": {"A": 20, "B": 1}})
    asked = {"rule": rare, "statistic": statistic, "conditional": True, "draws": 1}
    with pytest.raises(NotEstimable, match="no sequence could be used"):
        rerandomisation.interval(
            np.arange(60.0), "AB" * 30, **asked, generator=np.random.default_rng(1)
        )


def test_missing_outcomes_and_removed_sequences_are_counted():
    rule = methods.build({"method": "complete", "ratio": PAIR})
    found = rerandomisation.interval([1, math.nan, 4, 2], "ABBA", rule=rule)
    assert (found.missing, found.draws, found.removed) == (1, 12, 4)
    assert found.assumptions == (
        "The effect is the same number for everybody.",
        "Allocation followed the stated procedure, in the stated order, strata and covariates.",
        "Whether an outcome is missing does not depend on the arm.",
    )
    assert found.method == (
        "Inversion under a constant shift: Re-randomisation test of the difference in means, "
        "allocation by complete, "
        "exact over 12 sequences"
    )


def test_a_covariate_that_is_the_arm_leaves_nothing_to_shift():
    covariate = [float(each == "A") for each in ARM]
    with pytest.raises(NotEstimable, match="the covariates tell the arms apart"):
        rerandomisation.interval(Y, ARM, rule=BIG_STICK, statistic="residual", covariates=covariate)


def test_a_level_lies_between_0_and_1():
    with pytest.raises(ValueError, match="level 95 lies outside 0 to 1"):
        rerandomisation.interval(Y, ARM, rule=BIG_STICK, level=95)
