"""Time to an event against R's survival 3.5-3 (results/03), and the laws it keeps."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import survival
from reports.statistics.formula import FormulaError, UnknownColumn

from .reference import own, results

REFERENCE = results("03_survival")
TIMES = st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=50)


def btheb_dropout():
    """The month of the first visit after the last observed one, 8 (censored) for who was seen then."""
    wide = own("BtheB_wide")
    months = np.array([2, 3, 5, 8])
    seen = wide[[f"bdi.{month}m" for month in months]].notna().to_numpy()
    stayed = np.where(seen.any(axis=1), 4 - seen[:, ::-1].argmax(axis=1), 0)
    return wide.assign(time=months[np.minimum(stayed, 3)].astype(float), event=stayed < 4)


CASES = {
    "btheb_dropout": (btheb_dropout, "treatment", ["TAU", "BtheB"], "treatment + drug + length", {"treatment": "TAU"}),
    "simulated": (lambda: own("sim_survival"), "arm", ["0", "1"], "C(arm) + x", {}),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    make, arm, arms, formula, reference = CASES[request.param]
    frame = make()
    frame = frame.assign(**{arm: frame[arm].astype(str)})
    return REFERENCE[request.param], frame, arm, arms, formula, reference


def curves(frame, arm, arms, **options):
    return {
        each: survival.kaplan_meier(*frame.loc[frame[arm] == each, ["time", "event"]].to_numpy().T, **options)
        for each in arms
    }


@pytest.mark.parametrize("interval", ["log-log", "log"])
def test_curves_and_their_intervals_are_those_of_survfit(case, interval):
    expected, frame, arm, arms, _, _ = case
    found = curves(frame, arm, arms, interval=interval)
    for want in expected["km_loglog" if interval == "log-log" else "km_log"]:
        step = found[want["strata"].split("=")[1]].at(want["time"])
        assert step.survival == pytest.approx(want["surv"], rel=1e-9)
        assert (step.lower, step.upper) == pytest.approx((want["lo"], want["hi"]), rel=1e-9)
        if "se" in want:
            assert step.se == pytest.approx(want["se"], rel=1e-9)
            assert found[want["strata"].split("=")[1]].at_risk(want["time"]) == want["n_risk"]


def test_quantiles_and_their_intervals_are_those_of_survfit(case):
    expected, frame, arm, arms, _, _ = case
    for number, curve in enumerate(curves(frame, arm, arms).values()):
        for share in ("25", "50", "75"):
            found = curve.quantile(int(share) / 100)
            want = [expected["quantiles"][kind][share][number] for kind in ("quantile", "lower", "upper")]
            assert [found.value, found.lower, found.upper] == want


def test_the_log_rank_test_is_that_of_survdiff(case):
    expected, frame, arm, arms, _, _ = case
    found = survival.log_rank(frame.time, frame.event, frame[arm])
    order = [found.arms.index(each) for each in arms]
    want = expected["logrank"]
    assert (found.chi_squared, found.p) == pytest.approx((want["chisq"], want["p"]), rel=1e-9)
    assert [found.observed[i] for i in order] == pytest.approx(want["obs"], rel=1e-9)
    assert [found.expected[i] for i in order] == pytest.approx(want["exp"], rel=1e-9)
    assert found.variance[np.ix_(order, order)] == pytest.approx(np.array(want["var"]["rows"]), rel=1e-9)
    peto = survival.log_rank(frame.time, frame.event, frame[arm], rho=1)
    assert peto.chi_squared == pytest.approx(expected["peto_wilcoxon_rho1"]["chisq"], rel=1e-9)


def test_restricted_means_are_those_of_survfit(case):
    expected, frame, arm, arms, _, _ = case
    both = curves(frame, arm, arms)
    want = expected["rmst"]
    found = [survival.restricted_mean(both[each], want["tau"]) for each in arms]
    assert [each.estimate for each in found] == pytest.approx(want["rmean"], rel=1e-9)
    assert [each.se for each in found] == pytest.approx(want["se"], rel=1e-9)
    difference = survival.restricted_mean_difference(both[arms[1]], both[arms[0]], want["tau"])
    assert difference.estimate == pytest.approx(want["rmean"][1] - want["rmean"][0], rel=1e-9)
    assert difference.se == pytest.approx(math.hypot(*want["se"]), rel=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_proportional_hazards_are_those_of_coxph(case, ties):
    expected, frame, _, _, formula, reference = case
    want = expected[f"cox_{ties}"]
    found = survival.cox(frame, time="time", event="event", formula=formula, reference=reference, ties=ties)
    table = found.coefficients
    columns = {
        "estimate": "coef",
        "se": "se",
        "z": "z",
        "p": "p",
        "hazard_ratio": "hr",
        "lower": "hr_lo",
        "upper": "hr_hi",
    }
    for ours, theirs in columns.items():
        assert dict(table[ours]) == {name: pytest.approx(value, rel=1e-9) for name, value in want[theirs].items()}
    assert found.log_likelihood == pytest.approx(tuple(want["loglik"]), rel=1e-9)
    assert found.score_test.statistic == pytest.approx(want["score"], rel=1e-9)
    assert found.likelihood_ratio_test.statistic == pytest.approx(want["lrt"], rel=1e-9)
    assert round(found.wald_test.statistic, 2) == want["wald"]  # R rounds it
    assert found.concordance == pytest.approx(want["concordance"], rel=1e-9)
    proportional = found.proportionality()
    assert list(proportional.index) == [each["term"] for each in want["zph"]]
    for row, each in zip(proportional.itertuples(), want["zph"], strict=True):
        assert (row.chi_squared, row.df, row.p) == pytest.approx((each["chisq"], each["df"], each["p"]), rel=1e-9)


def test_the_usage_half_life_is_the_median_of_stopping(case):
    expected, frame, arm, arms, _, _ = case
    for number, each in enumerate(arms):
        rows = frame[frame[arm] == each]
        found = survival.usage_half_life(rows.time, rows.event)
        assert found.value == expected["quantiles"]["quantile"]["50"][number]
        assert (found.started, found.stopped) == (len(rows), int(rows.event.sum()))


@given(st.lists(st.integers(0, 15), min_size=1, max_size=50))
def test_without_censoring_the_curve_is_the_share_still_there(times):
    curve = survival.kaplan_meier(times, [True] * len(times))
    for step in curve.steps:
        assert step.survival == pytest.approx(np.mean(np.array(times) > step.time), abs=1e-12)


@given(st.lists(st.integers(1, 15), min_size=2, max_size=50))
def test_without_censoring_the_restricted_mean_is_the_mean(times):
    curve = survival.kaplan_meier(times, [True] * len(times))
    found = survival.restricted_mean(curve, 20)
    assert found.estimate == pytest.approx(np.mean(times))
    assert found.se == pytest.approx(np.std(times) / math.sqrt(len(times)), abs=1e-9)


@given(TIMES, st.randoms(use_true_random=False))
def test_the_order_of_people_changes_no_curve(people, random):
    moved = list(people)
    random.shuffle(moved)
    assert survival.kaplan_meier(*zip(*people, strict=True)) == survival.kaplan_meier(*zip(*moved, strict=True))


@given(st.integers(0, 10_000))
def test_the_score_test_of_an_arm_without_ties_is_the_log_rank_test(seed):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"time": generator.permutation(40) + 1.0, "event": generator.random(40) < 0.7, "arm": [0.0, 1.0] * 20}
    )
    score = survival.cox(frame, time="time", event="event", formula="arm").score_test.statistic
    assert score == pytest.approx(survival.log_rank(frame.time, frame.event, frame.arm).chi_squared, abs=1e-9)


def test_strata_add_up_their_tables():
    frame = own("sim_survival")
    sex = np.arange(len(frame)) % 2
    parts = [survival.log_rank(part.time, part.event, part.arm) for _, part in frame.groupby(sex)]
    both = survival.log_rank(frame.time, frame.event, frame.arm, strata=sex)
    assert both.expected == pytest.approx(np.sum([part.expected for part in parts], axis=0))
    assert both.variance == pytest.approx(sum(part.variance for part in parts))


def a_frame(**changed):
    return pd.DataFrame(
        {"time": [1.0, 2, 3, 4, 5, 6], "event": [1, 1, 1, 0, 1, 0], "x": [1.0, 3, 2, 2, 4, 1]} | changed
    )


@pytest.mark.parametrize(
    ("changed", "formula", "error", "says"),
    [
        ({"event": [0] * 6}, "x", survival.NotConverged, "nobody had an event"),
        ({"x": [2.0] * 6}, "x", survival.NotConverged, "x is the same for everybody"),
        ({"y": [2.0, 6, 4, 4, 8, 2]}, "x + y", survival.NotConverged, "follows from the others"),
        ({"x": [6.0, 5, 4, 3, 2, 1]}, "x", survival.NotConverged, "hazard ratio of x is infinite"),
        ({"time": [-1.0, 2, 3, 4, 5, 6]}, "x", survival.UnknownTimes, "below zero"),
        ({"event": [1, 2, 1, 1, 2, 1]}, "x", survival.UnknownTimes, "neither yes"),
        ({}, "z", UnknownColumn, "no column 'z'"),
        ({}, "1", FormulaError, "names no variable"),
    ],
)
def test_what_cox_cannot_estimate_is_said(changed, formula, error, says):
    with pytest.raises(error, match=says):
        survival.cox(a_frame(**changed), time="time", event="event", formula=formula)


@pytest.mark.parametrize("seed", [292, 397, 393])
def test_a_covariate_with_far_outliers_is_fitted_at_its_maximum(seed):
    # A whole step of Newton's method goes past it here, and lowers the likelihood.
    generator = np.random.default_rng(seed)
    n = generator.integers(4, 30)
    x = generator.standard_t(1, size=n) * (1 if seed % 2 == 0 else 10)
    frame = pd.DataFrame({"time": generator.permutation(n) + 1.0, "event": generator.random(n) < 0.7, "x": x})
    found = survival.cox(frame, time="time", event="event", formula="x")
    ordered = frame.sort_values("time")

    def log_likelihood(beta):
        later = np.logaddexp.accumulate((beta * ordered.x.to_numpy())[::-1])[::-1]
        return (beta * ordered.x - later)[ordered.event].sum()

    beta, se = found.coefficients.loc["x", ["estimate", "se"]]
    assert found.log_likelihood[1] == pytest.approx(log_likelihood(beta))
    for aside in (-0.01 * se, 0.01 * se):
        assert log_likelihood(beta + aside) < log_likelihood(beta)


def test_people_with_missing_values_are_left_out_and_counted():
    found = survival.cox(a_frame(x=[1.0, 3, 2, 2, 4, None]), time="time", event="event", formula="x")
    assert (found.n, found.events, found.left_out) == (5, 4, 1)


def test_a_comparison_needs_two_arms_with_events():
    with pytest.raises(survival.NothingToCompare, match="everybody is in arm a"):
        survival.log_rank([1, 2], [True, True], ["a", "a"])
    with pytest.raises(survival.NothingToCompare, match="nobody had an event"):
        survival.log_rank([1, 2], [False, False], ["a", "b"])
    with pytest.raises(survival.NothingToCompare, match="2 times, but 3 arms and 2 strata"):
        survival.log_rank([1, 2], [True, True], ["a", "b", "a"])
    with pytest.raises(survival.NothingToCompare, match="2 times, but 2 arms and 1 strata"):
        survival.log_rank([1, 2], [True, True], ["a", "b"], strata=["n"])
    with pytest.raises(survival.NothingToCompare, match="missing for somebody"):
        survival.log_rank([1, 2], [True, True], ["a", None])


def test_nothing_is_said_beyond_follow_up_or_of_nobody():
    curve = survival.kaplan_meier([1, 2], [True, False])
    with pytest.raises(survival.BeyondFollowUp, match="3 is not between 0 and 2"):
        survival.restricted_mean(curve, 3)
    with pytest.raises(survival.UnknownTimes, match="there is nobody"):
        survival.kaplan_meier([], [])
    with pytest.raises(survival.UnknownTimes, match="as many of both"):
        survival.kaplan_meier([1, 2], [True])
    with pytest.raises(ValueError, match="'plain' is not known"):
        survival.kaplan_meier([1], [True], interval="plain")
