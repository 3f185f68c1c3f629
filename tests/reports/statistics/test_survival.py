"""Time to an event against R's survival 3.5-3 (results/03), and the laws it keeps."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import survival
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.survival.concordance import concordance

from .reference import own, results

REFERENCE = results("03_survival")
TIMES = st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=50)


def btheb_dropout():
    """The month of the first visit after the last observed one, 8 (censored) for who was seen
    then.
    """
    wide = own("BtheB_wide")
    months = np.array([2, 3, 5, 8])
    seen = wide[[f"bdi.{month}m" for month in months]].notna().to_numpy()
    stayed = np.where(seen.any(axis=1), 4 - seen[:, ::-1].argmax(axis=1), 0)
    return wide.assign(time=months[np.minimum(stayed, 3)].astype(float), event=stayed < 4)


CASES = {
    "btheb_dropout": (
        btheb_dropout,
        "treatment",
        ["TAU", "BtheB"],
        "treatment + drug + length",
        {"treatment": "TAU"},
    ),
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
        each: survival.kaplan_meier(
            *frame.loc[frame[arm] == each, ["time", "event"]].to_numpy().T, **options
        )
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
            want = [
                expected["quantiles"][kind][share][number]
                for kind in ("quantile", "lower", "upper")
            ]
            assert [found.value, found.lower, found.upper] == want


def test_the_log_rank_test_is_that_of_survdiff(case):
    expected, frame, arm, arms, _, _ = case
    found = survival.log_rank(frame.time, frame.event, frame[arm])
    order = [found.arms.index(each) for each in arms]
    want = expected["logrank"]
    assert (found.chi_squared, found.p) == pytest.approx((want["chisq"], want["p"]), rel=1e-9)
    assert [found.observed[i] for i in order] == pytest.approx(want["obs"], rel=1e-9)
    assert [found.expected[i] for i in order] == pytest.approx(want["exp"], rel=1e-9)
    assert found.variance[np.ix_(order, order)] == pytest.approx(
        np.array(want["var"]["rows"]), rel=1e-9
    )
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
    found = survival.cox(
        frame, time="time", event="event", formula=formula, reference=reference, ties=ties
    )
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
        assert dict(table[ours]) == {
            name: pytest.approx(value, rel=1e-9) for name, value in want[theirs].items()
        }
    assert found.log_likelihood == pytest.approx(tuple(want["loglik"]), rel=1e-9)
    assert found.score_test.statistic == pytest.approx(want["score"], rel=1e-9)
    assert found.likelihood_ratio_test.statistic == pytest.approx(want["lrt"], rel=1e-9)
    assert round(found.wald_test.statistic, 2) == want["wald"]  # R rounds it
    assert found.concordance == pytest.approx(want["concordance"], rel=1e-9)
    proportional = found.proportionality()
    assert list(proportional.index) == [each["term"] for each in want["zph"]]
    for row, each in zip(proportional.itertuples(), want["zph"], strict=True):
        assert (row.chi_squared, row.df, row.p) == pytest.approx(
            (each["chisq"], each["df"], each["p"]), rel=1e-9
        )


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
    assert survival.kaplan_meier(*zip(*people, strict=True)) == survival.kaplan_meier(
        *zip(*moved, strict=True)
    )


@given(st.integers(0, 10_000))
def test_the_score_test_of_an_arm_without_ties_is_the_log_rank_test(seed):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "time": generator.permutation(40) + 1.0,
            "event": generator.random(40) < 0.7,
            "arm": [0.0, 1.0] * 20,
        }
    )
    score = survival.cox(frame, time="time", event="event", formula="arm").score_test.statistic
    assert score == pytest.approx(
        survival.log_rank(frame.time, frame.event, frame.arm).chi_squared, abs=1e-9
    )


def test_strata_add_up_their_tables():
    frame = own("sim_survival")
    sex = np.arange(len(frame)) % 2
    parts = [survival.log_rank(part.time, part.event, part.arm) for _, part in frame.groupby(sex)]
    both = survival.log_rank(frame.time, frame.event, frame.arm, strata=sex)
    assert both.expected == pytest.approx(np.sum([part.expected for part in parts], axis=0))
    assert both.variance == pytest.approx(sum(part.variance for part in parts))


def a_frame(**changed):
    return pd.DataFrame(
        {"time": [1.0, 2, 3, 4, 5, 6], "event": [1, 1, 1, 0, 1, 0], "x": [1.0, 3, 2, 2, 4, 1]}
        | changed
    )


@pytest.mark.parametrize(
    ("changed", "formula", "error", "says"),
    [
        ({"event": [0] * 6}, "x", survival.NotEstimable, "nobody had an event"),
        ({"x": [2.0] * 6}, "x", survival.NotEstimable, "x is the same for everybody"),
        ({"y": [2.0, 6, 4, 4, 8, 2]}, "x + y", survival.NotEstimable, "follows from the others"),
        (
            {"x": [1.0, 3, 2, 2, 4, 1], "event": [0, 0, 0, 0, 0, 1]},
            "x",
            survival.NotEstimable,
            "nobody differs",
        ),
        ({"x": [6.0, 5, 4, 3, 2, 1]}, "x", survival.Monotone, "hazard ratio of x is infinite"),
        ({"x": [1.0, 2, 3, 4, 5, 6]}, "x", survival.Monotone, "hazard ratio of x is 0"),
        (
            {"x": [6.0, 5, 3, 4, 2, 1], "y": [0.0, 0, 1, 0, 0, 0]},
            "x + y",
            survival.Monotone,
            "of x and y are 0 or inf",
        ),
        ({"time": [-1.0, 2, 3, 4, 5, 6]}, "x", survival.UnknownTimes, "below zero"),
        ({"event": [1, 2, 1, 1, 2, 1]}, "x", survival.UnknownTimes, "neither yes"),
        ({}, "z", UnknownColumn, "no column 'z'"),
        ({}, "1", FormulaError, "names no variable"),
    ],
)
def test_what_cox_cannot_estimate_is_said(changed, formula, error, says):
    with pytest.raises(error, match=says):
        survival.cox(a_frame(**changed), time="time", event="event", formula=formula)


# From here to the next test: no event in an arm, or all of one before the other, is an infinite
# hazard ratio (coxph of R warns "coefficient may be infinite"; Heinze and Schemper, Biometrics
# 2001;57:114), whatever the size, the ties, the other columns.
def arms_of(n):
    rng = np.random.default_rng(n)
    arm = np.where(np.arange(n) % 2, "guided", "unguided")
    event = (arm == "unguided") & (np.arange(n) % 3 > 0)
    return pd.DataFrame(
        {"time": rng.integers(1, 31, n) + 0.0, "event": event, "arm": arm, "x": rng.normal(size=n)}
    )


def cox_of(frame, formula="arm", **options):
    return survival.cox(frame, time="time", event="event", formula=formula, **options)


@pytest.mark.parametrize("formula", ["arm", "arm + x"])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("n", [8, 20, 60, 200, 1000])
def test_no_event_in_an_arm_has_no_hazard_ratio(n, ties, formula):
    with pytest.raises(survival.Monotone, match="nobody in arm guided had an event"):
        cox_of(arms_of(n), formula, ties=ties)
    with pytest.raises(survival.Monotone, match="nobody in arm guided had an event"):
        cox_of(arms_of(n), formula, ties=ties, reference={"arm": "unguided"})


@pytest.mark.parametrize("n", [6, 60, 600])
def test_one_arm_before_the_other_has_no_hazard_ratio(n):
    frame = pd.DataFrame(
        {"time": np.arange(n) + 1.0, "event": 1, "arm": ["x"] * (n // 2) + ["y"] * (n - n // 2)}
    )
    with pytest.raises(survival.Monotone, match="hazard ratio of army is 0"):
        cox_of(frame)
    frame.loc[n // 2 - 1, "arm"], frame.loc[n // 2, "arm"] = (
        "y",
        "x",
    )  # one pair the other way round
    assert np.isfinite(cox_of(frame).coefficients.to_numpy()).all()


@pytest.mark.parametrize(
    ("level", "ratios"), [("c", "ratio of armc is 0"), ("a", "ratios of armb and armc are")]
)
def test_a_level_of_three_without_events_has_no_hazard_ratio(level, ratios):
    frame = pd.DataFrame({"time": np.arange(90) % 17 + 1.0, "arm": list("abc") * 30})
    frame["event"] = (frame.arm != level) & (frame.index % 4 > 0)
    with pytest.raises(survival.Monotone, match=ratios + f".*nobody in arm {level} had an event"):
        cox_of(frame)


@st.composite
def small_trials(draw):
    """Few times, values and people, so that likelihoods without a maximum are about as frequent as
    those with one.
    """
    whole = st.tuples(st.integers(1, 6), st.booleans(), st.integers(0, 2), st.integers(0, 2))
    return pd.DataFrame(
        draw(st.lists(whole, min_size=5, max_size=12)), columns=["time", "event", "x", "y"]
    )


def has_a_maximum(frame):
    """In whole numbers: is there a direction that no pair of who had an event and who was still
    there goes against?

    An edge of the cone of such directions is at right angles to some difference; where all are
    parallel they point along it.
    """
    pairs = [
        (int(one.x - other.x), int(one.y - other.y))
        for one in frame[frame.event].itertuples()
        for other in frame[frame.time >= one.time].itertuples()
    ]
    directions = {
        (sign * a, sign * b) for x, y in pairs for a, b in ((x, y), (-y, x)) for sign in (1, -1)
    }
    along = [[x * a + y * b for x, y in pairs] for a, b in directions]
    return not any(min(each) >= 0 and max(each) > 0 for each in along)


@settings(max_examples=200, deadline=None)
@given(small_trials(), st.sampled_from(["efron", "breslow"]))
def test_it_is_refused_just_where_no_maximum_exists(frame, ties):
    try:
        found = cox_of(frame, "x + y", ties=ties)
    except survival.Monotone:
        assert not has_a_maximum(frame)
    except survival.NotEstimable as reason:
        assert str(reason).startswith(("nobody", "x is", "y is", "a column follows"))
    else:
        assert has_a_maximum(frame)
        assert found.coefficients.se.max() < 1e3


def summed(tenths):
    """So many tenths, added up one by one: 0.1 + 0.2 is 0.30000000000000004."""
    return float(np.cumsum(np.full(tenths, 0.1))[-1])


def test_times_that_differ_by_rounding_are_one_time():
    # R 4.5, survfit(Surv(c(0.1 + 0.2, 0.3, 0.3, 0.5), c(1, 1, 0, 1)) ~ 1): 0.5 at 0.3, then 0; its
    # timefix is on by default.
    curve = survival.kaplan_meier([0.1 + 0.2, 0.3, 0.3, 0.5], [1, 1, 0, 1])
    assert [(step.time, step.at_risk, step.events, step.survival) for step in curve.steps] == [
        (0.3, 4, 2, 0.5),
        (0.5, 1, 1, 0.0),
    ]
    later = survival.kaplan_meier([0.1 + 0.2, 0.5, 0.6], [1, 1, 0])
    assert later.at(0.3) == later.at(0.1 + 0.2) == later.steps[0]
    assert later.at_risk(0.3) == later.at_risk(0.1 + 0.2) == 3
    assert later.at(0.6 - 1e-12) == later.at(0.6) == later.at(0.6 + 1e-12) == later.steps[-1]
    assert survival.restricted_mean(later, 0.6 + 1e-12).estimate == pytest.approx(
        0.1 + 0.2 + 0.4 / 3 + 0.1 / 3
    )


def test_what_lies_further_apart_is_no_tie():
    # aeqSurv of survival 3.5: tied within sqrt(2^-52) = 1.49e-8 of the mean of the different times,
    # here 2.
    for apart, steps in ((2.9e-8, 3), (3.1e-8, 4)):
        assert len(survival.kaplan_meier([1, 2, 2 + apart, 3], [1] * 4).steps) == steps
    assert (
        len(survival.kaplan_meier([1e-12, 2e-12, 3e-12], [1] * 3).steps) == 3
    )  # whatever the unit


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 2)), min_size=12, max_size=60
    )
)
def test_rounding_of_the_times_changes_no_result(people):
    tenths, event, x = (np.array(each) for each in zip(*people, strict=True))
    arm = np.arange(len(event)) % 2
    once = pd.DataFrame({"time": tenths / 10, "event": event, "x": x, "arm": arm})
    again = once.assign(time=[summed(n) if i % 3 else n / 10 for i, n in enumerate(tenths)])

    def everything(frame):
        curve = survival.kaplan_meier(frame.time, frame.event)
        for step in curve.steps:
            yield [step.at_risk, step.events, step.survival]
        yield [
            survival.restricted_mean(curve, 0.1).estimate,
            *(curve.at_risk(k / 10) for k in range(1, 13)),
        ]
        yield [getattr(curve.at(k / 10), "survival", -1.0) for k in range(1, 13)]
        for do in (
            lambda: survival.log_rank(frame.time, frame.event, frame.arm).chi_squared,
            lambda: (
                survival.log_rank(
                    frame.time, frame.event, frame.arm, rho=1, strata=frame.x
                ).chi_squared
            ),
            lambda: [
                *cox_of(frame, "x + arm").coefficients.estimate,
                cox_of(frame, "x + arm").concordance,
            ],
        ):
            try:
                yield do()
            except survival.NotEstimable as reason:
                yield str(reason)

    for first, second in zip(everything(once), everything(again), strict=True):
        assert second == (first if isinstance(first, str) else pytest.approx(first, nan_ok=True))


def test_all_who_are_still_followed_have_an_exact_interval():
    # Clopper and Pearson of n of n: the lower limit is 0.025 to the power 1 / n.
    curve = survival.kaplan_meier([10, 20, 30, 30, 40], [0, 0, 1, 0, 0])
    found = [
        (curve.at(t).survival, curve.at(t).lower, curve.at(t).upper) for t in (5, 10, 15, 20, 25)
    ]
    assert found == [(1.0, pytest.approx(0.025 ** (1 / n)), 1.0) for n in (5, 5, 4, 4, 3)]
    assert [step.lower for step in curve.steps[:2]] == pytest.approx(
        [0.025 ** (1 / 5), 0.025 ** (1 / 4)]
    )
    assert curve.at(0) == survival.Step(
        0.0, 5, 0, 1.0, 0.0, 1.0, 1.0
    )  # then everybody is there by definition
    assert curve.median.lower == 30  # a limit of the curve crosses where somebody stops, as in R
    for like_r in ("log-log", "log"):
        assert survival.kaplan_meier([10, 20], [0, 0], interval=like_r).at(15).lower == 1.0


@given(TIMES, st.sampled_from(["log-log-or-exact"]), st.floats(0.5, 0.999))
def test_no_share_but_that_of_the_beginning_is_certain(people, interval, confidence):
    curve = survival.kaplan_meier(*zip(*people, strict=True), confidence, interval)
    for time in range(1, 17):
        step = curve.at(time)
        assert step is None or step.lower is None or step.lower < step.upper


def test_a_mean_time_without_events_has_no_interval():
    stays = survival.kaplan_meier([30] * 9, [0] * 9)
    leaves = survival.kaplan_meier([10, 20, 30], [1, 1, 0])
    mean = survival.restricted_mean(stays, 30)
    assert (mean.estimate, mean.se, mean.lower, mean.upper) == (30, 0, None, None)
    same = survival.restricted_mean_difference(stays, stays, 30)
    assert (same.estimate, same.lower, same.upper, same.p) == (0, None, None, None)
    assert survival.restricted_mean_difference(stays, leaves, 30).lower > 0
    with pytest.raises(survival.BeyondFollowUp):
        survival.restricted_mean(stays, math.nan)


def paired(time, event, risk):
    """Harrell's concordance, pair by pair."""
    right = pairs = 0.0
    for i, j in itertools.permutations(range(len(time)), 2):
        if event[i] and (time[j] > time[i] or (time[j] == time[i] and not event[j])):
            pairs += 1
            right += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    return right / pairs if pairs else math.nan


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.booleans(), st.integers(-3, 3)), min_size=1, max_size=40
    )
)
def test_concordance_counts_every_pair(people):
    time, event, risk = (np.array(each) for each in zip(*people, strict=True))
    found = concordance(time.astype(float), event, risk.astype(float))
    assert found == pytest.approx(paired(time, event, risk), abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("seed", [292, 397, 393])
def test_a_covariate_with_far_outliers_is_fitted_at_its_maximum(seed):
    # A whole step of Newton's method goes past it here, and lowers the likelihood.
    generator = np.random.default_rng(seed)
    n = generator.integers(4, 30)
    x = generator.standard_t(1, size=n) * (1 if seed % 2 == 0 else 10)
    frame = pd.DataFrame(
        {"time": generator.permutation(n) + 1.0, "event": generator.random(n) < 0.7, "x": x}
    )
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
    found = survival.cox(
        a_frame(x=[1.0, 3, 2, 2, 4, None]), time="time", event="event", formula="x"
    )
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


@pytest.mark.parametrize(
    ("ask", "error", "says"),
    [
        (
            lambda: cox_of(arms_of(60), reference={"arn": "guided"}),
            UnknownColumn,
            "reference names arn",
        ),
        (
            lambda: cox_of(arms_of(60).assign(x=lambda f: f.x * 1e160), "x"),
            survival.NotEstimable,
            "x",
        ),
        (
            lambda: cox_of(arms_of(60).assign(x=lambda f: f.x * 1e-160), "x"),
            survival.NotEstimable,
            "x",
        ),
        (lambda: cox_of(arms_of(60).assign(x=math.inf), "x"), survival.NotEstimable, "infinite"),
        (
            lambda: survival.kaplan_meier([1, 2], [1, 0]).at(math.nan),
            survival.UnknownTimes,
            "missing",
        ),
        (
            lambda: survival.kaplan_meier([1, 2], [1, 0]).quantile(1.5),
            ValueError,
            "between 0 and 1",
        ),
        (lambda: survival.log_rank([1, 2], [1, 1], ["a", "b"], rho=math.nan), ValueError, "rho"),
    ],
)
def test_what_is_no_question_is_refused(ask, error, says):
    with pytest.raises(error, match=says):
        ask()


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
