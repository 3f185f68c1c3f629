"""The reference is results/01b_lmm.json: lme4 1.1-31, lmerTest 3.1-3, pbkrtest 0.5.2, emmeans 1.8.4
(R 4.2.2).
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import linear_mixed
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.linear_covariance import batches, factor_forms, maximise
from reports.statistics.linear_mixed import NotEstimable

from . import reference

TAU = {"treatment": "TAU"}
MODELS = {
    "btheb_ri": {
        "outcome": "bdi",
        "subject": "subject",
        "fixed": "bdi_pre + drug + length + treatment * C(month)",
        "reference": TAU,
    },
    "btheb_ri_lin": {
        "outcome": "bdi",
        "subject": "subject",
        "fixed": "bdi_pre + month_n + drug + treatment + length",
        "reference": TAU,
    },
    "btheb_rs": {
        "outcome": "bdi",
        "subject": "subject",
        "fixed": "bdi_pre + mon * treatment + drug + length",
        "random": "1 + mon",
        "reference": TAU,
    },
    "fev_ri": {
        "outcome": "FEV1",
        "subject": "USUBJID",
        "fixed": "RACE + SEX + ARMCD * AVISIT",
        "reference": {"SEX": "Male"},
    },
    "sleepstudy_rs": {
        "outcome": "Reaction",
        "subject": "Subject",
        "fixed": "Days",
        "random": "1 + Days",
    },
}
WAYS = {
    "satterthwaite": ("satterthwaite", "anova_satterthwaite_type3", "emmeans_satterthwaite"),
    "kenward-roger": ("kenward_roger", "anova_kr_type3", "emmeans_kenward-roger"),
}
MEANS = {"btheb_ri": ("treatment", "month"), "fev_ri": ("ARMCD", "AVISIT")}
EMMEANS = {
    "estimate": "emmean",
    "se": "SE",
    "df": "df",
    "lower": "lower.CL",
    "upper": "upper.CL",
}


def btheb():
    frame = reference.own("BtheB_long").rename(columns={"bdi.pre": "bdi_pre"})
    return frame.assign(month_n=frame.month, mon=frame.month)


def frame_of(name):
    if name.startswith("btheb"):
        return btheb()
    return (
        reference.own("sleepstudy") if name.startswith("sleep") else reference.borrowed("fev_data")
    )


def fitted(name, df="satterthwaite", **changes):
    return linear_mixed.fit(frame_of(name), df=df, **{**MODELS[name], **changes})


def same(found, expected, tolerance=1e-6):
    assert found == pytest.approx(expected, rel=tolerance, abs=0)


def same_p(found, expected, tolerance):
    """A tail far out multiplies what t and df deviate by: it is compared by its logarithm."""
    if expected > 1e-3:
        same(found, expected, tolerance)
    else:
        same(math.log(found), math.log(expected), tolerance)


def df_tolerance(name, df):
    return 2e-5 if (name, df) == ("btheb_rs", "satterthwaite") else 1e-6  # R's Hessian is numeric


@pytest.mark.parametrize("df", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_coefficients_are_those_of_lmertest(name, df):
    fit, expected = fitted(name, df).coefficients, reference.results("01b_lmm")[name][WAYS[df][0]]
    loose = df_tolerance(name, df)
    assert list(fit.index) == list(expected["coef"])
    for term in fit.index:
        same(fit.loc[term, "estimate"], expected["coef"][term])
        same(fit.loc[term, "se"], expected["se"][term])
        same(fit.loc[term, "t"], expected["t"][term])
        same(fit.loc[term, "df"], expected["df"][term], loose)
        same_p(fit.loc[term, "p"], expected["p"][term], loose)


@pytest.mark.parametrize("name", MODELS)
def test_variances_and_likelihood_are_those_of_lme4(name):
    fit, expected = fitted(name), reference.results("01b_lmm")[name]
    assert fit.minus_two_log_likelihood == pytest.approx(
        expected["REML_criterion"], abs=1e-8, rel=0
    )
    assert fit.singular is expected["singular"]
    found = fit.variance_components
    assert list(found["first"]) == [row["var1"] or "" for row in expected["varcomp"]]
    for (_, row), theirs in zip(found.iterrows(), expected["varcomp"], strict=True):
        if row["second"]:  # a correlation is not relative to anything
            assert row["sd_or_correlation"] == pytest.approx(theirs["sdcor"], abs=1e-6, rel=0)
        else:
            same(row["sd_or_correlation"], theirs["sdcor"])
            same(row["estimate"], theirs["vcov"], 2e-6)


@pytest.mark.parametrize("df", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_type_three_tests_are_those_of_lmertest(name, df):
    fit, loose = fitted(name, df), df_tolerance(name, df)
    for row in reference.results("01b_lmm")[name][WAYS[df][1]]:
        found = fit.test(row["term"])
        assert found.df1 == row["NumDF"]
        same(found.statistic, row["F value"])
        same(found.df2, row["DenDF"], loose)
        same_p(found.p, row["Pr(>F)"], loose)


@pytest.mark.parametrize("df", WAYS)
@pytest.mark.parametrize("name", MEANS)
def test_marginal_means_and_contrasts_are_those_of_emmeans(name, df):
    fit, expected = fitted(name, df), reference.results("01b_lmm")[name][WAYS[df][2]]
    arm, visit = MEANS[name]
    means = fit.marginal_means(arm, by=visit).set_index([arm, visit])
    for row in expected["means"]:
        for ours, theirs in EMMEANS.items():
            same(means.loc[(row[arm], row[visit]), ours], row[theirs])
    contrasts = fit.contrasts(arm, by=visit, reference=row_reference(expected)).set_index(visit)
    for row in expected["contrasts"]:
        assert contrasts.loc[row[visit], "contrast"] == row["contrast"]
        for ours, theirs in {
            **EMMEANS,
            "estimate": "estimate",
            "t": "t.ratio",
            "p": "p.value",
        }.items():
            same(contrasts.loc[row[visit], ours], row[theirs])


def row_reference(expected):
    return expected["contrasts"][0]["contrast"].split(" - ")[1]


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
def test_clusters_in_both_arms_are_a_random_intercept(df):
    """results/05: nested_both_acupuncture, lmer with the acupuncturist as cluster."""
    frame = reference.borrowed("acupuncture_headache").rename(columns={"group": "g"})
    expected = reference.results("05_cace_nested_gee")["nested_both_acupuncture"]
    short = WAYS[df][0]
    fit = linear_mixed.fit(frame, outcome="pk5", subject="acupuncturist", fixed="pk1 + g", df=df)
    assert fit.n_observations == expected["n"]
    assert fit.minus_two_log_likelihood == pytest.approx(expected["REML"], abs=1e-8, rel=0)
    same(list(fit.variance_components.estimate), [row["vcov"] for row in expected["varcomp"]])
    end = "satt" if short == "satterthwaite" else "kr"
    for ours, theirs in (("estimate", "coef"), ("se", "se" if end == "satt" else "se_kr")):
        for term, value in expected[theirs].items():
            same(fit.coefficients.loc[term, ours], value)
    for ours in ("df", "p"):
        for term, value in expected[f"{ours}_{end}"].items():
            same_p(fit.coefficients.loc[term, ours], value, 1e-6)


def simulated(seed=1, n=12, size=4, between=1.0, slope=0.0):
    rng = np.random.default_rng(seed)
    person, time = np.repeat(np.arange(n), size), np.tile(np.arange(size), n)
    arm = np.where(person % 2, "b", "a")
    y = (
        between * rng.normal(size=n)[person]
        + slope * rng.normal(size=n)[person] * time
        + rng.normal(size=n * size)
    )
    return pd.DataFrame({"person": person, "time": time, "arm": arm, "y": y + 0.3 * time})


MODEL = {"outcome": "y", "subject": "person", "fixed": "arm * time"}


def likelihood_at(frame, theta):
    """From the definition, one dense matrix for all rows."""
    from scipy.stats import multivariate_normal

    person = frame.person.to_numpy()
    v = theta[0] * (person[:, None] == person[None]) + theta[1] * np.eye(len(frame))
    b = (frame.arm == "b").to_numpy(dtype=float)
    x = np.column_stack([np.ones(len(frame)), b, frame.time, b * frame.time])
    inverse = np.linalg.inv(v)
    beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ frame.y)
    return -2 * multivariate_normal.logpdf(frame.y, x @ beta, v)


def test_maximum_likelihood_is_the_density_at_its_highest():
    frame = simulated()
    fit = linear_mixed.fit(frame, **MODEL, reml=False)
    theta = fit.variance_components.estimate.to_numpy()
    assert fit.minus_two_log_likelihood == pytest.approx(likelihood_at(frame, theta), rel=1e-10)
    for change in ([1e-3, 0], [-1e-3, 0], [0, 1e-3], [0, -1e-3]):
        assert likelihood_at(frame, theta + change) > fit.minus_two_log_likelihood
    assert fit.aic == pytest.approx(fit.minus_two_log_likelihood + 2 * 6)
    assert fit.bic == pytest.approx(fit.minus_two_log_likelihood + math.log(12) * 6)


def test_derivatives_are_those_of_differences():
    fit = linear_mixed.fit(simulated(slope=0.5), **MODEL, random="1 + time")
    likelihood, theta = fit.fitted.optimum.likelihood, fit.fitted.optimum.point.theta * 1.3
    slopes, step = likelihood.slopes(likelihood.at(theta)), 1e-5
    for number in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[number] += step
        down[number] -= step
        above, below = likelihood.at(up), likelihood.at(down)
        assert slopes.gradient[number] == pytest.approx(
            (above.value - below.value) / (2 * step), rel=1e-6
        )
        second = (likelihood.slopes(above).gradient - likelihood.slopes(below).gradient) / (
            2 * step
        )
        assert slopes.observed[number] == pytest.approx(second, rel=1e-5, abs=1e-5)


def test_a_balanced_random_intercept_is_the_analysis_of_variance():
    """Between persons: an arm's mean difference has n - 2 degrees of freedom (Searle, Casella and
    McCulloch, ch. 4).
    """
    frame = simulated(between=3.0)
    fit = linear_mixed.fit(frame, outcome="y", subject="person", fixed="arm", df="kenward-roger")
    means = frame.groupby(["arm", "person"]).y.mean()
    a, b = means["a"], means["b"]
    se = math.sqrt((a.var() + b.var()) / 2 * (1 / len(a) + 1 / len(b)))
    assert fit.coefficients.loc["armb", "estimate"] == pytest.approx(b.mean() - a.mean(), rel=1e-9)
    assert fit.coefficients.loc["armb", "se"] == pytest.approx(se, rel=1e-9)
    assert fit.coefficients.loc["armb", "df"] == pytest.approx(10, rel=1e-9)


def test_residual_degrees_of_freedom_are_observations_less_coefficients():
    frame = simulated()
    plain, satterthwaite = (
        linear_mixed.fit(frame, **MODEL, df=df).coefficients for df in ("residual", "satterthwaite")
    )
    assert plain.df.tolist() == [48 - 4] * 4
    assert plain.se.tolist() == satterthwaite.se.tolist()


def test_a_joint_test_counts_a_combination_once_and_refuses_none_at_all():
    fit = linear_mixed.fit(simulated(), **MODEL)
    row = np.array([0.0, 1.0, 0.0, 0.0])
    test, own = fit.combined(np.array([row, 2 * row])), fit.coefficients.loc["armb"]
    assert (test.df1, test.df2) == (1, pytest.approx(own.df))
    assert (test.statistic, test.p) == pytest.approx((own.t**2, own.p))
    with pytest.raises(ValueError, match="there is nothing to test: every combination is zero"):
        fit.combined(np.zeros((1, 4)))


def test_a_variance_of_zero_is_said_and_satterthwaite_drops_it():
    frame = simulated()
    frame["y"] = frame.y - frame.groupby("person").y.transform("mean")
    fit = linear_mixed.fit(frame, **MODEL)
    assert fit.singular
    assert fit.variance_components.estimate[0] == 0
    assert "a variance is zero" in fit.warnings[0]
    assert fit.coefficients.df.to_numpy() == pytest.approx(len(frame) - 4)
    kept = linear_mixed.fit(frame, **MODEL, df="kenward-roger")
    assert kept.coefficients.loc["armb", "df"] < len(frame) - 5


def test_a_correlation_of_one_is_said():
    frame = simulated(between=0.0)
    effect = np.random.default_rng(2).normal(size=12)[frame.person]
    frame["y"] += 2 * effect + effect * frame.time
    fit = linear_mixed.fit(frame, **MODEL, random="1 + time")
    if fit.singular:
        assert abs(fit.variance_components.sd_or_correlation[2]) == pytest.approx(1)
    assert np.isfinite(fit.coefficients.df).all()


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 1000),
    st.floats(0.001, 1000),
    st.sampled_from(["1", "1 + time"]),
    st.sampled_from(list(WAYS)),
)
def test_scaling_the_outcome_scales_the_estimates(seed, factor, random, df):
    frame = simulated(seed, slope=0.5)
    once = linear_mixed.fit(frame, **MODEL, random=random, df=df)
    scaled = linear_mixed.fit(frame.assign(y=frame.y * factor), **MODEL, random=random, df=df)
    for name, power in (("estimate", factor), ("se", factor), ("df", 1.0)):
        assert scaled.coefficients[name].to_numpy() == pytest.approx(
            once.coefficients[name].to_numpy() * power, rel=1e-5
        )
    assert scaled.residual_variance == pytest.approx(once.residual_variance * factor**2, rel=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_levels_change_nothing(seed, random):
    frame = simulated(seed)
    order = list(range(len(frame)))
    random.shuffle(order)
    renamed = frame.iloc[order].assign(
        arm=lambda f: f.arm.map({"a": "old", "b": "zeal"}), person=lambda f: 900 - f.person
    )
    once, again = (linear_mixed.fit(each, **MODEL, df="kenward-roger") for each in (frame, renamed))
    for name in ("estimate", "se", "df"):
        assert again.coefficients[name].to_numpy() == pytest.approx(
            once.coefficients[name].to_numpy(), rel=1e-6, abs=1e-9
        )


def test_the_reference_level_does_not_change_a_type_three_test():
    frame = btheb()
    tests = [
        linear_mixed.fit(frame, **{**MODELS["btheb_rs"], "reference": {"treatment": level}}).test(
            "mon"
        )
        for level in ("TAU", "BtheB")
    ]
    assert tests[0].statistic == pytest.approx(tests[1].statistic, rel=1e-8)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"df": "between"}, ValueError, "df 'between' is not known"),
        ({"df": "kenward-roger", "reml": False}, ValueError, "Kenward-Roger is defined for REML"),
        ({"random": "1 + arm"}, FormulaError, "arm: random slopes are of numbers"),
        ({"random": "1 + dose"}, UnknownColumn, "no column 'dose'"),
        ({"subject": "row"}, NotEstimable, "do not tell the variances apart"),
        ({"subject": "all"}, NotEstimable, "all: there is one"),
        ({"outcome": "straight"}, NotEstimable, "does not vary around the model"),
        ({"random": "1 + all"}, NotEstimable, "all does not vary, so it has no slope"),
        (
            {"fixed": "C(row)", "outcome": "row"},
            NotEstimable,
            "48 observations are too few for 48 coefficients",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(changes, error, said):
    frame = simulated().assign(row=range(48), all=1, straight=lambda f: 2.0 * f.time)
    with pytest.raises(error, match=said):
        linear_mixed.fit(frame, **{**MODEL, **changes})


def test_a_search_from_zero_variance_without_residual_is_refused():
    u, cluster = np.ones((4, 2)), np.array([0, 0, 1, 1])
    likelihood = linear_mixed.fit(simulated(), **MODEL).fitted.optimum.likelihood
    with pytest.raises(linear_mixed.NotConverged, match="to start from"):
        maximise(likelihood, factor_forms(1, 1, 1), np.zeros(2))
    assert len(batches(u, cluster, np.ones((4, 1)))) == 1
