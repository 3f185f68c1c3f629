"""The reference is results/05_cace_nested_gee.json: lme4 1.1-31, lmerTest, pbkrtest, nlme 3.1-162,
clubSandwich (R 4.2.2).
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import cluster_robust, partially_nested
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.partially_nested import NotEstimable

from . import reference

MODEL = {"outcome": "y", "arm": "g", "guided": "1", "cluster": "coach", "fixed": "base + g"}


def frame_of(name):
    if name == "sim":
        return reference.own("sim_partially_nested")
    names = {"group": "g", "acupuncturist": "coach", "pk1": "base", "pk5": "y"}
    return reference.borrowed("acupuncture_headache").rename(columns=names)


def expected(name):
    return reference.results("05_cace_nested_gee")[name]


def check(fit, theirs, columns, tolerance):
    for ours, key in columns.items():
        for term, value in theirs[key].items():
            term = {"g": "g1", "pk1": "base"}.get(term, term)
            assert fit.coefficients.loc[term, ours] == pytest.approx(value, rel=tolerance, abs=0), (
                ours,
                term,
            )


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("name", ["sim", "acupuncture"])
def test_one_residual_variance_is_lmer(name, df):
    theirs = expected(f"pn_{name}_homo")
    fit = partially_nested.fit(frame_of(name), **MODEL, residual="common", df=df)
    end, se = ("satt", "se") if df == "satterthwaite" else ("kr", "se_kr")
    check(fit, theirs, {"estimate": "coef", "se": se, "df": f"df_{end}", "p": f"p_{end}"}, 1e-6)
    assert fit.n_observations == theirs["n"]
    assert fit.singular is theirs["singular"]
    assert fit.minus_two_log_likelihood == pytest.approx(theirs["REML"], abs=1e-8, rel=0)
    variances = [row["vcov"] for row in theirs["varcomp"]]
    assert [fit.cluster_variance, fit.residual_variances["1"]] == pytest.approx(
        variances, rel=1e-6, abs=1e-12
    )
    assert fit.residual_variances["0"] == fit.residual_variances["1"]


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
def test_controls_in_one_cluster_are_controls_on_their_own(df):
    """pn_sim_homo_onecontrolcluster: the random effect is multiplied by the arm."""
    frame, theirs = frame_of("sim"), expected("pn_sim_homo_onecontrolcluster")
    fit = partially_nested.fit(frame.fillna({"coach": 99}), **MODEL, residual="common", df=df)
    end, se = ("satt", "se") if df == "satterthwaite" else ("kr", "se_kr")
    check(fit, theirs, {"estimate": "coef", "se": se, "df": f"df_{end}", "p": f"p_{end}"}, 1e-6)
    assert fit.minus_two_log_likelihood == pytest.approx(theirs["REML"], abs=1e-8, rel=0)


@pytest.mark.parametrize("name", ["sim", "acupuncture"])
def test_a_residual_variance_per_arm_is_lme(name):
    theirs = expected(f"pn_{name}_hetero")
    fit = partially_nested.fit(frame_of(name), **MODEL, df="satterthwaite")
    check(fit, theirs, {"estimate": "coef", "se": "se"}, 1e-5)
    assert fit.residual_variances == pytest.approx(theirs["resid_var"], rel=1e-5)
    # lme searches on a log scale and never arrives at zero: 1e-6 of its variance is none.
    assert fit.cluster_variance == pytest.approx(theirs["var_cluster"], rel=1e-5, abs=2e-6)
    assert fit.icc == pytest.approx(theirs["icc_treated"], rel=1e-5, abs=1e-8)
    assert fit.minus_two_log_likelihood == pytest.approx(theirs["minus2"], abs=1e-6, rel=0)
    common = partially_nested.fit(frame_of(name), **MODEL, residual="common")
    assert common.minus_two_log_likelihood == pytest.approx(theirs["minus2_homo"], abs=1e-6, rel=0)


def test_least_squares_with_cr2_is_clubsandwich():
    fit = partially_nested.robust(frame_of("sim"), **MODEL)
    check(
        fit,
        expected("pn_sim_cr2"),
        {"estimate": "coef", "se": "se", "df": "df_satt", "p": "p"},
        1e-8,
    )
    assert (fit.n_observations, fit.n_clusters) == (240, 132)


def test_cr2_of_people_alone_is_hc2():
    """With clusters of one, CR2 divides squared residuals by 1 - h (MacKinnon and White 1985)."""
    frame = frame_of("sim").assign(coach=np.nan)
    fit = cluster_robust.fit(frame, outcome="y", cluster="coach", fixed="base + g")
    x = np.column_stack([np.ones(240), frame.base, frame.g])
    phi = np.linalg.inv(x.T @ x)
    e = frame.y - x @ phi @ x.T @ frame.y
    middle = x.T @ (x * (e**2 / (1 - np.einsum("ip,pq,iq->i", x, phi, x))).to_numpy()[:, None])
    assert fit.coefficients.se.to_numpy() == pytest.approx(
        np.sqrt(np.diag(phi @ middle @ phi)), rel=1e-10
    )
    assert fit.test("g").statistic == pytest.approx(fit.coefficients.loc["g", "t"] ** 2)


def test_the_interval_of_the_icc_ends_where_the_likelihood_ratio_test_rejects():
    fit = partially_nested.fit(simulated(3, between=3.0), **MODEL)
    lower, upper = fit.icc_interval()
    assert 0 < lower < fit.icc < upper < 1
    best = fit.fitted.optimum.point.value
    assert fit._profile(fit.icc) == pytest.approx(best, abs=1e-8)
    for end in (lower, upper):
        assert fit._profile(end) - best == pytest.approx(
            3.841458820694124, abs=1e-6
        )  # chi-squared, 95 %
    narrow = fit.icc_interval(0.8)
    assert lower < narrow[0] < narrow[1] < upper


def few(seed):
    """Six controls, and four guided by three coaches."""
    frame = simulated(seed)
    return pd.concat([frame[frame.g == 0].head(6), frame[frame.g == 1].iloc[[0, 1, 6, 12]]])


@pytest.mark.parametrize("seed", [4, 5, 8])
def test_so_few_that_any_icc_could_be_have_an_interval_from_zero_to_one(seed):
    fit = partially_nested.fit(few(seed), **MODEL)
    assert fit.icc_interval() == (0.0, 1.0)
    limit = fit.fitted.optimum.point.value + 3.841458820694124  # chi-squared, 95 %
    assert (
        max(fit._profile(each) for each in (0.0, fit.icc, fit.icc + 0.999 * (1 - fit.icc))) < limit
    )


def test_no_variance_between_coaches_is_said_and_its_interval_starts_at_zero():
    frame = simulated(4)
    guided = frame.g == 1
    frame.loc[guided, "y"] -= frame[guided].groupby("coach").y.transform("mean")
    fit = partially_nested.fit(frame, **MODEL)
    assert fit.singular
    assert fit.warnings == ("the variance between clusters (coach) is zero",)
    assert (fit.icc, fit.icc_interval()[0], fit.design_effect) == (0.0, 0.0, 1.0)


def test_clusters_of_the_guided_arm_are_counted_and_the_lonely_are_named():
    frame = frame_of("sim")
    frame.loc[frame.index[-1], "coach"] = np.nan
    fit = partially_nested.fit(frame, **MODEL)
    assert fit.warnings == ("1 in 1 have no coach: each is a cluster of one",)
    assert fit.n_clusters == 13
    assert fit.mean_cluster_size == pytest.approx(120 / 13)
    difference = fit.difference().iloc[0]
    assert difference.contrast == "1 - 0"
    assert difference.estimate == pytest.approx(fit.coefficients.loc["g1", "estimate"])


def simulated(seed, between=1.0):
    rng = np.random.default_rng(seed)
    coach = np.repeat(np.arange(8), 6)
    y = np.concatenate(
        [rng.normal(size=40), between * rng.normal(size=8)[coach] + 0.7 * rng.normal(size=48)]
    )
    g = np.repeat([0, 1], [40, 48])
    return pd.DataFrame(
        {"g": g, "coach": [*[np.nan] * 40, *coach], "base": rng.normal(size=88), "y": y}
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.001, 1000), st.randoms(use_true_random=False))
def test_scale_order_and_names_do_not_matter(seed, factor, random):
    frame = simulated(seed)
    order = list(range(len(frame)))
    random.shuffle(order)
    changed = frame.iloc[order].assign(
        y=lambda f: f.y * factor, coach=lambda f: "c" + (50 - f.coach).astype("string")
    )
    once, again = (partially_nested.fit(each, **MODEL) for each in (frame, changed))
    for name, power in (("estimate", factor), ("se", factor), ("df", 1.0)):
        assert again.coefficients[name].to_numpy() == pytest.approx(
            once.coefficients[name].to_numpy() * power, rel=1e-5
        )
    assert again.icc == pytest.approx(once.icc, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"residual": "many"}, ValueError, "residual 'many' is not known"),
        ({"df": "kenward-roger", "reml": False}, ValueError, "defined for REML"),
        ({"guided": "2"}, NotEstimable, "g: nobody is in '2'; there are 0, 1"),
        ({"fixed": "base"}, FormulaError, "g is not in 'base'"),
        ({"cluster": "site"}, UnknownColumn, "no column 'site'"),
        ({"cluster": "id"}, NotEstimable, "no id has two people"),
    ],
)
def test_what_cannot_be_fitted_is_refused(changes, error, said):
    with pytest.raises(error, match=said):
        partially_nested.fit(frame_of("sim"), **{**MODEL, **changes})


def test_too_few_clusters_for_robust_errors_are_refused():
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3], "base": [1.0, 2, 3, 5], "coach": [1, 1, 2, 2]})
    with pytest.raises(NotEstimable, match="2 clusters are too few for 2 coefficients"):
        cluster_robust.fit(frame, outcome="y", cluster="coach", fixed="base")
    with pytest.raises(UnknownColumn):
        cluster_robust.fit(frame, outcome="y", cluster="site", fixed="base")
