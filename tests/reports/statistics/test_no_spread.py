"""Outcomes that do not vary, or by rounding alone, in every function that takes outcomes; and small
spreads that are real.

R stops with "data are essentially constant" (t.test) or "essentially perfect fit" (summary.lm).
What a spread is beside is in `variation`; the right values are those of the same numbers nearer to
zero, or in another unit.
"""

import importlib
import inspect
import math
import pkgutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reports.statistics
from reports.statistics import (
    ancova,
    baseline,
    cace,
    cluster_robust,
    descriptives,
    effect_sizes,
    gee,
    linear_mixed,
    mediation,
    mmrm,
    moderation,
    partially_nested,
    reference_based,
    rerandomisation,
    survival,
    t_tests,
    variation,
)
from reports.statistics import multiple_imputation as mi
from reports.statistics.mmrm import covariances as mmrm_structures
from reports.statistics.model_frame import NotEstimable

N = 24
GENERATOR = np.random.default_rng(5)
X = GENERATOR.integers(0, 21, N).astype(float)
NOISE = GENERATOR.integers(-6, 7, N).astype(float)
ARM = np.array(["a", "b"] * (N // 2))
DOSE = np.where(ARM == "b", GENERATOR.integers(0, 6, N), 0).astype(float)


def a_frame(y):
    """Twelve people at two visits, or 24 people; six clusters, of which the coaches are those of
    arm b.
    """
    person, visit = np.arange(N) // 2, np.arange(N) % 2
    arm = np.array(["a", "b"])[person % 2]
    return pd.DataFrame(
        {
            "y": y,
            "x": X,
            "who": person,
            "visit": visit,
            "arm": ARM,
            "group": arm,
            "own": np.arange(N) // 4,
            "dose": DOSE,
        }
    ).assign(
        base=lambda f: f.groupby("who").x.transform("first"),
        coach=np.where(ARM == "b", np.arange(N) // 6, -1),
    )


PLAN = reference_based.Plan(
    outcome="y",
    subject="who",
    visit="visit",
    arm="group",
    control="a",
    fixed="group * visit",
    covariance="cs",
)
RULE = {"guided": 1, "usual": 1}


def imputed(y):
    gone = np.where(np.arange(N) % 6 == 1, np.nan, X)
    frame = a_frame(y).assign(gone=gone, z=NOISE)
    return mi.chained(frame, ["gone", "z"], m=3, generator=np.random.default_rng(1), iterations=2)


def dense(y):
    """People by visits: intercept, arm and the outcome."""
    group = np.repeat((np.arange(N // 2) % 2).astype(float)[:, None], 2, axis=1)
    return np.stack([np.ones((N // 2, 2)), group, y.reshape(-1, 2)], axis=2)


REFUSE = {
    "t_tests.student": lambda y: t_tests.student(y[ARM == "a"], y[ARM == "b"]),
    "t_tests.welch": lambda y: t_tests.welch(y[ARM == "a"], y[ARM == "b"]),
    "t_tests.paired": lambda y: t_tests.paired(y[ARM == "a"], y[ARM == "b"]),
    "t_tests.rank_sum": lambda y: t_tests.rank_sum(y[ARM == "a"], y[ARM == "b"]),
    "effect_sizes.between": lambda y: effect_sizes.between(y[ARM == "a"], y[ARM == "b"]),
    "effect_sizes.within": lambda y: effect_sizes.within(
        y[ARM == "a"], y[ARM == "b"], standardiser="average"
    ),
    "ancova.fit": lambda y: ancova.fit(list(y), list(X), list(ARM)).difference("a", "b"),
    "linear_model.regress": lambda y: ancova.regress(
        a_frame(y), outcome="y", fixed="x + arm", covariance="hc3"
    ),
    "cace.fit": lambda y: cace.fit(
        a_frame(y), outcome="y", arm="arm", offered="b", dose="dose", fixed="x"
    ),
    "cluster_robust.fit": lambda y: cluster_robust.fit(
        a_frame(y), outcome="y", cluster="own", fixed="x + arm"
    ),
    "gee.fit": lambda y: gee.fit(a_frame(y), outcome="y", subject="who", fixed="x + group"),
    "linear_mixed.fit": lambda y: linear_mixed.fit(
        a_frame(y), outcome="y", subject="who", fixed="x + group"
    ),
    "mediation.fit": lambda y: mediation.fit(
        a_frame(y),
        outcome="y",
        mediator="x",
        treatment="arm",
        rng=np.random.default_rng(1),
        resamples=100,
    ),
    "mmrm.fit.fit": lambda y: mmrm.fit(
        a_frame(y),
        outcome="y",
        subject="who",
        visit="visit",
        fixed="group * visit",
        covariance="cs",
    ),
    "mmrm.arrays.fit_arrays": lambda y: mmrm.fit_arrays(
        dense(y), np.ones((N // 2, 2), dtype=bool), covariance="cs"
    ),
    "moderation.fit": lambda y: moderation.fit(
        a_frame(y), outcome="y", treatment="arm", moderator="x"
    ),
    "multiple_imputation.regression.regress": lambda y: mi.regress(imputed(y), "y", "gone + arm"),
    "partially_nested.fit": lambda y: partially_nested.fit(
        a_frame(y), outcome="y", arm="arm", guided="b", cluster="coach", fixed="x + arm"
    ),
    "partially_nested.robust": lambda y: partially_nested.robust(
        a_frame(y), outcome="y", arm="arm", guided="b", cluster="coach", fixed="x + arm"
    ),
    "reference_based.jackknife.conditional_mean": lambda y: reference_based.conditional_mean(
        with_a_gap(a_frame(y)), PLAN, strategies="jump-to-reference"
    ),
    "reference_based.draws.approximate_bayesian": lambda y: reference_based.approximate_bayesian(
        with_a_gap(a_frame(y)),
        PLAN,
        strategies="jump-to-reference",
        draws=5,
        generator=np.random.default_rng(1),
    ),
    "multiple_imputation.chained.chained": lambda y: mi.chained(
        with_a_gap(a_frame(y)), ["x", "y"], m=2, generator=np.random.default_rng(1)
    ),
    "multiple_imputation.joint.normal": lambda y: mi.normal(
        with_a_gap(a_frame(y)), ["x", "y"], m=2, generator=np.random.default_rng(1)
    ),
}
# What says nothing of a spread, or nothing about outcomes: counts, classes of change, data that
# others fit.
NOT_OF_SPREAD = {
    "descriptives.standardised_difference_of_counts",
    "logistic.fit",
    "missingness.differential",
    "mmrm.fit.prepare",
    "model_frame.build",
    "reference_based.data.arrange",
    "reliable_change.clinical_change",
    "reliable_change.classify",
    "reliable_change.count",
    "reliable_change.reliable_change_index",
    "rerandomisation.significance.missing",
    "rerandomisation.trial.observed",
    "responders.response",
    "responders.deterioration",
    "sample_size.means.repeated_measures",
    "sample_size.means.repeated_measures_factor",
    "survival.restricted_mean.restricted_mean_difference",
}
# Tested one by one below: they describe, and refuse nothing.
DESCRIBE = {
    "descriptives.describe",
    "descriptives.pooled_sd",
    "descriptives.standardised_difference",
    "baseline.table",
    "rerandomisation.significance.rerandomise",
    "rerandomisation.inversion.interval",
}
CONSTANTS = [0.0, 0.1, 1 / 3, 1e-5, 1e8 + 0.1, -7.3, 5.0, 1e15 / 3]


def with_a_gap(frame):
    return frame.assign(y=frame.y.where((frame.who % 4 != 1) | (frame.visit == 0)))


def test_every_function_of_outcomes_is_in_this_sweep():
    found = set()
    for module in pkgutil.walk_packages(reports.statistics.__path__, "reports.statistics."):
        for name, function in vars(importlib.import_module(module.name)).items():
            own = (
                inspect.isfunction(function)
                and function.__module__ == module.name
                and not name.startswith("_")
            )
            if own and {"outcome", "before", "first", "groups", "dense"} & set(
                inspect.signature(function).parameters
            ):
                found.add(f"{module.name.removeprefix('reports.statistics.')}.{name}")
    found -= {"mmrm.blocks.arrange", "mmrm.blocks.products"}
    assert found <= {*REFUSE, *NOT_OF_SPREAD, *DESCRIBE}


@pytest.mark.parametrize("name", REFUSE)
@pytest.mark.parametrize("same", CONSTANTS)
def test_an_outcome_that_does_not_vary_is_refused(name, same):
    with pytest.raises((NotEstimable, mi.NotImputable)):
        REFUSE[name](np.full(N, same))


@pytest.mark.parametrize("name", REFUSE)
@pytest.mark.parametrize(
    "pair",
    [(0.1 + 0.2, 0.3), (1.1 * 1.1, 1.21), (1e8 + 0.1, (1e8 + 0.2) - 0.1), (49 * (1 / 49), 1.0)],
)
def test_an_outcome_that_varies_by_rounding_alone_is_refused(name, pair):
    mixed = np.where(np.arange(N) % 3 == 0, *pair)
    assert len(set(mixed)) == 2
    with pytest.raises((NotEstimable, mi.NotImputable)):
        REFUSE[name](mixed)


@pytest.mark.parametrize("name", REFUSE)
def test_an_outcome_that_varies_is_not(name):
    if name != "t_tests.rank_sum":
        assert REFUSE[name](NOISE) is not None


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-1e9, 1e9).filter(lambda v: v == 0 or abs(v) > 1e-90),
    st.integers(3, 40),
    st.floats(0.01, 100),
)
def test_no_number_however_often_has_a_spread(value, n, factor):
    same = np.full(n, value) * factor / factor
    assert variation.standard_deviation(same) == 0
    assert variation.is_constant(same)
    with pytest.raises(NotEstimable):
        t_tests.welch(same, np.full(n, value))


@pytest.mark.parametrize("same", CONSTANTS)
def test_what_describes_says_no_spread(same):
    y = np.full(N, same)
    a, b = y[ARM == "a"], y[ARM == "b"] + (1.0 if same else 0)
    described = descriptives.describe(a)
    assert (described.sd, described.lower, described.upper) == (0.0, None, None)
    assert descriptives.pooled_sd([a, b]) == (0.0, N)
    assert descriptives.standardised_difference(a, b) is None
    row = baseline.table(a_frame(y), arm="arm", numbers=["y"], p_values=True).row("y")
    assert (row.differences, row.p) == ({"b": None}, None)


@pytest.mark.parametrize("statistic", ["difference", "rank"])
@pytest.mark.parametrize("same", CONSTANTS)
def test_outcomes_that_are_all_the_same_tell_no_arms_apart_whatever_the_allocation(same, statistic):
    found = rerandomisation.test(
        np.full(6, same), ["a", "b"] * 3, statistic=statistic, exact=True, rule=None
    )
    assert found.p == 1


@pytest.mark.parametrize(
    "name",
    ["linear_model.regress", "ancova.fit", "linear_mixed.fit", "cace.fit", "cluster_robust.fit"],
)
@pytest.mark.parametrize("factor", [0.1, 1 / 3, 1e-5, 1e6])
@pytest.mark.parametrize("shift", [0.0, 0.1, 1e5 + 0.3])
def test_an_outcome_that_the_model_fits_exactly_is_refused(name, factor, shift):
    with pytest.raises(NotEstimable):
        REFUSE[name](factor * X + shift)


def numbers_of(found):
    """Estimate and error of the comparison of arms, and what has no unit."""
    if isinstance(found, t_tests.TTest):
        return found.difference, found.se, (found.df, found.p)
    if isinstance(found, effect_sizes.Comparison | effect_sizes.Change):
        return (
            found.difference.difference,
            found.difference.se,
            (found.effect.value, found.effect.lower, found.effect.upper),
        )
    if isinstance(found, ancova.Difference):
        return found.estimate, found.se, (found.df, found.p)
    if isinstance(found, cace.Fit):
        return found.effect.estimate, found.effect.se, (found.effect.p,)
    row = found.coefficients.iloc[-1]
    return row.estimate, row.se, (row.p,)


COMPARE = [
    name
    for name in REFUSE
    if name.split(".")[0] in ("t_tests", "effect_sizes", "ancova", "linear_model", "cace")
]
COMPARE = [name for name in COMPARE if name != "t_tests.rank_sum"]
COMPARE += [
    "cluster_robust.fit",
    "linear_mixed.fit",
    "mmrm.fit.fit",
    "partially_nested.fit",
    "gee.fit",
]


@pytest.mark.parametrize("name", COMPARE)
@pytest.mark.parametrize("shift", [1e6, -1e6, 1e9])
def test_a_small_spread_far_from_zero_is_real(name, shift):
    """Moving an outcome moves no difference: the right values are those of small whole numbers."""
    estimate, se, free = numbers_of(REFUSE[name](NOISE))
    far_estimate, far_se, far_free = numbers_of(REFUSE[name](NOISE + shift))
    loose = 1e-4 if name == "gee.fit" else 1e-6
    assert (far_estimate, far_se) == pytest.approx((estimate, se), rel=loose, abs=loose * se)
    if name != "effect_sizes.within":  # of the SDs alone: the mean may be anything
        assert far_free == pytest.approx(free, rel=loose)


@pytest.mark.parametrize("name", COMPARE)
@pytest.mark.parametrize("unit", [2.0**-150, 2.0**-40, 2.0**40, 2.0**150])
def test_another_unit_changes_the_unit_alone(name, unit):
    estimate, se, free = numbers_of(REFUSE[name](NOISE))
    found_estimate, found_se, found_free = numbers_of(REFUSE[name](NOISE * unit))
    assert (found_estimate / unit, found_se / unit) == pytest.approx((estimate, se), rel=1e-7)
    assert found_free == pytest.approx(free, rel=1e-7)


SCALED = [name for name in COMPARE if name.split(".")[0] in ("t_tests", "effect_sizes")]


@pytest.mark.parametrize("name", REFUSE)
@pytest.mark.parametrize("unit", [1e200, 1e-160, 1e300, 1e-300])
def test_numbers_whose_squares_cannot_be_computed_are_scaled_or_refused_by_name(name, unit):
    if name == "t_tests.rank_sum":
        assert REFUSE[name](NOISE * unit) == REFUSE[name](NOISE)
    elif name in SCALED:
        estimate, se, free = numbers_of(REFUSE[name](NOISE))
        found_estimate, found_se, found_free = numbers_of(REFUSE[name](NOISE * unit))
        assert (found_estimate / unit, found_se / unit) == pytest.approx((estimate, se), rel=1e-12)
        assert found_free == pytest.approx(free, rel=1e-12)
    else:
        with pytest.raises((NotEstimable, mi.NotImputable), match="squares cannot be computed"):
            REFUSE[name](NOISE * unit)


def test_descriptions_of_enormous_and_tiny_numbers_are_those_of_plain_ones():
    plain = descriptives.describe(NOISE)
    for unit in (2.0**1000, 2.0**-1000):
        found = descriptives.describe(NOISE * unit)
        assert (found.mean / unit, found.sd / unit, found.lower / unit) == pytest.approx(
            (plain.mean, plain.sd, plain.lower)
        )
        assert descriptives.standardised_difference(
            NOISE[:9] * unit, NOISE[9:] * unit
        ) == pytest.approx(descriptives.standardised_difference(NOISE[:9], NOISE[9:]))


def test_the_digits_of_numbers_that_begin_with_thirteen_alike_are_those_of_the_first_group():
    """The design of NIST's StRD one-way files (Simon and Lesage 1989): .4, and then .3 and .5 in
    turns, here around 2^40, where a quarter is exact: the SD of 21 such values by hand is sqrt(20 /
    16 / 20) = 1/4.
    """
    y = 2.0**40 + np.array([0.0, *([-0.25, 0.25] * 10)])
    assert variation.standard_deviation(y) == pytest.approx(math.sqrt(20 / 16 / 20), rel=1e-12)
    assert t_tests.welch(y, y + 0.25).t == pytest.approx(
        -0.25 / math.sqrt(2 * 0.0625 / 21), rel=1e-12
    )


def clustered():
    """Sixty people in ten clusters of six, both arms in each; two who are always the same."""
    generator, n = np.random.default_rng(1), 60
    own = generator.normal(0, 1, n)
    arm = np.array(["g", "u"] * (n // 2))
    level = np.repeat(generator.normal(0, 1, 10), 6)
    return pd.DataFrame(
        {
            "arm": arm,
            "c": np.arange(n) // 6,
            "x": generator.normal(0, 1, n),
            "own": own,
            "level": level,
        }
    )


NESTED = {"arm": "arm", "guided": "g", "cluster": "c", "fixed": "arm"}


@pytest.mark.parametrize(
    "call",
    [
        lambda f: partially_nested.fit(
            f.assign(y=f.own.where(f.arm == "g", 0.1)), outcome="y", **NESTED
        ),
        lambda f: partially_nested.fit(
            f.assign(y=f.own.where(f.arm == "u", 0.1)), outcome="y", **NESTED
        ),
        lambda f: partially_nested.fit(
            f.assign(y=f.own.where(f.arm == "u", f.level)), outcome="y", **NESTED
        ),
        lambda f: linear_mixed.fit(f, outcome="level", subject="c", fixed="arm"),
        lambda f: linear_mixed.fit(
            f.assign(y=f.level + 2 * f.x + 1e6), outcome="y", subject="c", fixed="arm + x"
        ),
    ],
)
def test_where_clusters_leave_nothing_of_the_outcome_there_is_no_residual_variance(call):
    """The likelihood has no maximum there: it was a singular matrix, or a search without end."""
    with pytest.raises(variation.DoesNotVary, match="there is no residual variance"):
        call(clustered())


def test_an_arm_that_does_not_vary_is_no_matter_where_both_share_a_variance():
    frame = clustered().assign(y=lambda f: f.own.where(f.arm == "g", 0.1))
    found = partially_nested.fit(frame, outcome="y", residual="common", **NESTED)
    want = frame.y[frame.arm == "u"].mean() - frame.y[frame.arm == "g"].mean()
    assert found.coefficients.estimate.iloc[-1] == pytest.approx(want, abs=0.05)


@pytest.mark.parametrize("fit", [cluster_robust.fit, gee.fit])
def test_a_difference_within_clusters_that_are_all_alike_has_no_standard_error(fit):
    who = {"cluster": "c"} if fit is cluster_robust.fit else {"subject": "c"}
    found = fit(clustered(), outcome="level", fixed="arm", **who)
    assert found.coefficients.se.isna().to_dict() == {"(Intercept)": False, "armu": True}
    assert found.warnings == (
        "clusters do not differ in what armu is estimated from, so it has no standard error",
    )
    for ask in (lambda: found.contrasts("arm"), lambda: found.test("arm")):
        with pytest.raises(NotEstimable, match="clusters do not differ in what this is estimated"):
            ask()


def an_arm_at_its_floor():
    c = np.arange(24) // 2
    y = np.where(c % 2, (np.arange(24) * 7 % 5).astype(float), 3.0)
    return pd.DataFrame(
        {"c": c, "arm": np.where(c % 2, "b", "a"), "y": y, "time": np.arange(24) % 2}
    )


def test_an_arm_at_its_floor_costs_its_own_error_and_not_the_difference():
    """statsmodels 0.14 GEE, exchangeable: armb -0.91667, se 0.27428."""
    found = gee.fit(an_arm_at_its_floor(), outcome="y", subject="c", fixed="arm")
    row = found.coefficients.loc["armb"]
    assert (row.estimate, row.se) == pytest.approx((-0.91667, 0.27428), abs=5e-6)
    assert found.coefficients.se.isna().to_dict() == {"(Intercept)": True, "armb": False}
    assert found.contrasts("arm").se[0] == pytest.approx(row.se)
    assert found.marginal_means("arm").se.isna().tolist() == [True, False]


def test_least_squares_with_an_arm_at_its_floor_has_the_error_of_the_other_arm():
    """By hand: the scores of the arm that varies are its clusters' sums of residuals, and CR2
    divides each cluster's residuals by the root of 1 - 1/6, there being 6 clusters of one size.
    """
    frame = an_arm_at_its_floor()
    found = cluster_robust.fit(frame, outcome="y", cluster="c", fixed="arm")
    own = frame[frame.arm == "b"]
    sums = (own.y - own.y.mean()).groupby(own.c).sum()
    want = np.sqrt((sums**2).sum() / (1 - 1 / 6)) / len(own)
    assert found.coefficients.se["armb"] == pytest.approx(want, rel=1e-12)
    assert np.isnan(found.coefficients.se["(Intercept)"])
    assert found.test("arm").p == pytest.approx(found.coefficients.p["armb"])


def three_visits():
    """Of ten people three come to the last visit, and both of one arm have the same score."""
    rows = [
        (i, "CT"[i % 2], v, float((i * 7 + v * 3) % 5 + (i % 3)))
        for i in range(10)
        for v in (0, 1, 2)
        if v < 2 or i in (0, 2, 3)
    ]
    frame = pd.DataFrame(rows, columns=["id", "arm", "v", "y"])
    frame.loc[(frame.v == 2) & (frame.arm == "C"), "y"] = 3.0
    return frame


def test_a_visit_that_is_fitted_exactly_is_no_matter_where_visits_share_a_variance():
    frame = three_visits()
    asked = {"outcome": "y", "subject": "id", "fixed": "arm + v"}
    want = linear_mixed.fit(frame.assign(v=frame.v.astype(str)), **asked).coefficients.loc["armT"]
    asked |= {"visit": "v", "covariance": "cs"}
    found = mmrm.fit(frame, df="satterthwaite", **asked).coefficients.loc["armT"]
    assert (found.estimate, found.se) == pytest.approx((want.estimate, want.se), rel=1e-6)
    found = mmrm.fit(frame, **asked).coefficients.loc["armT"]
    assert (found.estimate, found.se) == pytest.approx((-0.28123, 0.80727), abs=1e-5)


@pytest.mark.parametrize("covariance", mmrm_structures.NAMES)
def test_a_visit_that_is_fitted_exactly_is_refused_where_it_has_a_variance_of_its_own(covariance):
    asked = {"outcome": "y", "subject": "id", "visit": "v", "fixed": "arm + v"}
    if covariance == "us" or covariance.endswith("h"):
        with pytest.raises(NotEstimable, match="at visit 2 the outcome does not vary"):
            mmrm.fit(three_visits(), covariance=covariance, **asked)
    else:
        found = mmrm.fit(three_visits(), covariance=covariance, **asked).coefficients
        assert np.isfinite(found.to_numpy()).all()


def test_a_visit_that_does_not_vary_in_one_group_is_refused_where_groups_have_a_covariance_each():
    frame = a_frame(NOISE)
    asked = {
        "outcome": "y",
        "subject": "who",
        "visit": "visit",
        "fixed": "x + group * visit",
        "covariance": "csh",
    }
    same = frame.assign(y=frame.y.where((frame.visit == 0) | (frame.group == "a"), 0.1))
    with pytest.raises(NotEstimable, match="at visit 1 the outcome does not vary"):
        mmrm.fit(same, groups="group", **asked)
    assert mmrm.fit(same, **asked).n_subjects == 12
    # A covariate that all visits share does not hide that nothing varies at one of them.
    with pytest.raises(NotEstimable, match="at visit 1 the outcome does not vary"):
        mmrm.fit(frame.assign(y=frame.y.where(frame.visit == 0, 0.1)), **asked)


def test_a_log_rank_test_whose_variance_is_rounding_has_nothing_to_compare():
    """One stratum is of one arm, in the other both arms stop at once: by hand every variance is
    zero, of which adding up left 1e-17 and a singular matrix for these twelve people.
    """
    time = [4, 3, 2, 2, 1, 1, 1, 1, 5, 4, 5, 3, 1, 1]
    event = [1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1]
    arm, strata = ["a"] * 13 + ["b"], [0] * 12 + [1, 1]
    with pytest.raises(
        survival.NothingToCompare, match="nobody had an event while two arms were there"
    ):
        survival.log_rank(time, event, arm, strata=strata)


DATED = {
    "mmrm": lambda f: mmrm.fit(f, outcome="y", subject="id", visit="v", fixed="arm * start + v"),
    "linear_mixed": lambda f: linear_mixed.fit(f, outcome="y", subject="id", fixed="arm + start"),
    "gee": lambda f: gee.fit(f, outcome="y", subject="id", fixed="arm * start"),
    "cluster_robust": lambda f: cluster_robust.fit(
        f, outcome="y", cluster="id", fixed="arm * start"
    ),
}


@pytest.mark.parametrize("name", DATED)
def test_a_date_far_from_zero_is_a_covariate_like_any_other(name):
    """Right are the same days counted from the first of them: all but the intercept is the same,
    and the intercept is moved by the slope.
    """
    rng = np.random.default_rng(5)
    n = 40
    who = np.repeat(np.arange(n), 3)
    start = rng.integers(0, 40, n)[who]
    y = rng.normal(size=n)[who] + rng.normal(size=3 * n) + 0.05 * start + who % 2
    frame = pd.DataFrame(
        {"id": who, "arm": np.where(who % 2, "b", "a"), "v": np.tile(range(3), n), "y": y}
    )
    near, far = (DATED[name](frame.assign(start=start + float(zero))) for zero in (0, 738000))
    slopes = [term for term in near.names if "start" in term]
    for column in ("estimate", "se"):
        assert far.coefficients[column][slopes].to_numpy() == pytest.approx(
            near.coefficients[column][slopes].to_numpy(), rel=1e-6
        )
    want = near.beta[0] - 738000 * near.coefficients.estimate["start"]
    assert far.beta[0] == pytest.approx(want, rel=1e-6)
    assert np.sqrt(np.diag(far.vcov)) == pytest.approx(far.coefficients.se.to_numpy(), rel=1e-6)
    assert far.test("arm" if len(slopes) == 1 else "arm:start").p == pytest.approx(
        near.test("arm" if len(slopes) == 1 else "arm:start").p, rel=1e-5
    )
    if hasattr(near, "minus_two_log_likelihood"):
        assert far.minus_two_log_likelihood == pytest.approx(
            near.minus_two_log_likelihood, rel=1e-7
        )
