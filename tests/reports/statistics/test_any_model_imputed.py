"""Any model after multiple imputation: pooling by hand on fixed data sets, and joint tests by the
formulas of their papers.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.statistics import ancova, cace, gee, linear_mixed, logistic, mmrm, proportions, t_tests
from reports.statistics import multiple_imputation as mi
from reports.statistics.survival import cox

from .reference import own


def completed(m=6, n=80, seed=3):
    """The same people m times, with other values where something was missing: a row for each."""
    generator = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2, "guided", "usual")
    x = generator.normal(0, 1, n)
    site = np.array(list("abc"))[np.arange(n) % 3]
    gone = generator.random(n) < 0.25
    frames = []
    for _ in range(m):
        score = (
            10
            - 2 * (arm == "guided")
            + x
            + generator.normal(0, 3, n) * np.where(gone, 1, 0.0)
            + np.cos(np.arange(n))
        )
        yes = (score < 9.3).astype(float)
        frames.append(
            pd.DataFrame(
                {"who": np.arange(n), "arm": arm, "x": x, "site": site, "score": score, "yes": yes}
            )
        )
    return frames


def long(frame):
    parts = [
        frame.assign(visit=visit, y=frame.score + visit * np.sin(3 * frame.who + visit))
        for visit in (1, 2)
    ]
    return pd.concat(parts, ignore_index=True)


def test_least_squares_of_every_data_set_is_what_regress_pools():
    """`regress` is tested against R's mice; this is the same by the way of any model."""
    frame = own("BtheB_wide").rename(columns=lambda name: name.replace(".", "_"))
    columns = ["drug", "length", "bdi_pre", "bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m"]
    imputed = mi.chained(frame, columns, by="treatment", m=5, generator=np.random.default_rng(1))
    formula = "bdi_pre + drug + length + treatment"
    want = mi.regress(imputed, "bdi_8m", formula, reference={"treatment": "TAU"})
    found = mi.analyse(
        imputed,
        lambda f: ancova.regress(
            f, outcome="bdi_8m", fixed=formula, reference={"treatment": "TAU"}
        ),
    )
    assert found.names == tuple(want)
    for name in found.names:
        for what in ("estimate", "se", "df", "lower", "upper", "fmi"):
            assert getattr(found[name], what) == pytest.approx(getattr(want[name], what), rel=1e-9)
    row = found.coefficients.loc["treatmentBtheB"]
    assert (row.estimate, row.se) == (found["treatmentBtheB"].estimate, found["treatmentBtheB"].se)


def risk_difference(frame):
    """By statsmodels and numerical derivatives: the standardised risk difference and its standard
    error.
    """
    import statsmodels.api as sm

    guided = (frame.arm == "guided").to_numpy(dtype=float)
    x = np.column_stack([np.ones(len(frame)), frame.x, guided])
    fit = sm.Logit(frame.yes.to_numpy(), x).fit(disp=0, tol=1e-14, maxiter=200)
    one, none = x.copy(), x.copy()
    one[:, 2], none[:, 2] = 1, 0

    def difference(beta):
        return float(
            (1 / (1 + np.exp(-one @ beta))).mean() - (1 / (1 + np.exp(-none @ beta))).mean()
        )

    beta = np.asarray(fit.params)
    step = 1e-5
    slope = np.array(
        [
            (difference(beta + step * e) - difference(beta - step * e)) / (2 * step)
            for e in np.eye(3)
        ]
    )
    return difference(beta), math.sqrt(slope @ np.asarray(fit.cov_params()) @ slope)


def test_a_standardised_risk_difference_is_that_of_rubin_s_rules_by_hand():
    frames = completed()
    q, se = np.array([risk_difference(frame) for frame in frames]).T
    m = len(q)
    within, between = (se**2).mean(), q.var(ddof=1)
    total = within + (1 + 1 / m) * between
    df = (m - 1) * (1 + within / ((1 + 1 / m) * between)) ** 2
    half = stats.t.ppf(0.975, df) * math.sqrt(total)
    found = mi.analyse(
        frames,
        lambda f: logistic.fit(f, outcome="yes", fixed="x + arm").standardise(
            "arm", "guided", "usual"
        ),
    )["risk difference"]
    assert (found.estimate, found.se, found.df) == pytest.approx(
        (q.mean(), math.sqrt(total), df), rel=1e-6
    )
    assert (found.lower, found.upper) == pytest.approx((q.mean() - half, q.mean() + half), rel=1e-6)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(q.mean()) / math.sqrt(total), df), rel=1e-5)


def test_risks_and_their_ratio_are_pooled_too_the_ratio_as_a_logarithm():
    frames = completed()
    each = [
        logistic.fit(f, outcome="yes", fixed="x + arm").standardise("arm", "guided", "usual")
        for f in frames
    ]
    found = mi.pool_fits(each)
    assert found.names == ("risk guided", "risk usual", "risk difference", "log risk ratio")
    assert found["risk guided"].estimate == pytest.approx(np.mean([s.risk1 for s in each]))
    assert found["log risk ratio"].estimate == pytest.approx(
        np.mean([math.log(s.ratio.value) for s in each])
    )
    with pytest.raises(mi.NotPoolable, match="gives no covariance"):
        found.test(["risk guided", "risk usual"])


MODELS = {
    "mmrm": lambda f: mmrm.fit(
        long(f), outcome="y", subject="who", visit="visit", fixed="x + site + arm * visit"
    ),
    "mixed": lambda f: linear_mixed.fit(
        long(f), outcome="y", subject="who", fixed="x + site + arm", df="kenward-roger"
    ),
    "gee": lambda f: gee.fit(long(f), outcome="y", subject="who", fixed="x + site + arm"),
    "logistic": lambda f: logistic.fit(f, outcome="yes", fixed="x + site + arm"),
    "cox": lambda f: cox(
        f.assign(time=1 + f.who % 17 + f.score.clip(0)),
        time="time",
        event="yes",
        formula="x + site + arm",
    ),
    "regression": lambda f: ancova.regress(
        f, outcome="score", fixed="x + site + arm", covariance="hc3"
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_pooled_in_one_call_estimates_errors_and_joint_tests(name):
    """By Rubin's formulas on the fits themselves, and D2 by that of Li and others 1991 on their
    Wald statistics.
    """
    frames = completed()
    fits = [MODELS[name](frame) for frame in frames]
    found = mi.analyse(frames, MODELS[name])
    m, j = len(fits), found.names.index("siteb")
    q = np.array([fit.beta[j] for fit in fits])
    u = np.array([np.asarray(fit.vcov)[j, j] for fit in fits])
    assert found["siteb"].estimate == pytest.approx(q.mean())
    assert found["siteb"].se == pytest.approx(math.sqrt(u.mean() + (1 + 1 / m) * q.var(ddof=1)))
    d = []
    for fit in fits:
        b, v = fit.beta[j : j + 2], np.asarray(fit.vcov)[j : j + 2, j : j + 2]
        d.append(float(b @ np.linalg.inv(v) @ b))
    r = (1 + 1 / m) * np.sqrt(d).var(ddof=1)
    statistic = max(0.0, (np.mean(d) / 2 - (m + 1) / (m - 1) * r) / (1 + r))
    df2 = 2 ** (-3 / m) * (m - 1) * (1 + 1 / r) ** 2
    for asked in ("site", ["siteb", "sitec"]):
        test = found.test(asked)
        assert (test.statistic, test.df1, test.df2) == pytest.approx((statistic, 2, df2))
        assert test.p == pytest.approx(stats.f.sf(statistic, 2, df2))


@pytest.mark.parametrize("name", MODELS)
def test_data_sets_that_are_all_the_same_give_the_model_itself_back(name):
    frame = completed()[0]
    fit, found = MODELS[name](frame), mi.analyse([frame] * 4, MODELS[name])
    assert [each.estimate for each in found.pooled.values()] == pytest.approx(list(fit.beta))
    assert [each.se for each in found.pooled.values()] == pytest.approx(
        list(np.sqrt(np.diag(fit.vcov)))
    )
    assert [each.large_sample_df for each in found.pooled.values()] == [math.inf] * len(fit.beta)
    wald = found.test("site")
    assert wald.df2 == math.inf
    assert found.test("site", "d1").statistic == pytest.approx(wald.statistic)


def test_contrasts_of_a_repeated_measures_model_are_pooled_by_their_names():
    frames = completed()

    def contrasts(frame):
        return MODELS["mmrm"](frame).contrasts("arm", by="visit", reference="usual")

    found, tables = mi.analyse(frames, contrasts), [contrasts(frame) for frame in frames]
    assert found.names == ("1 guided - usual", "2 guided - usual")
    last = found["2 guided - usual"]
    q, se = (np.array([table[what].iloc[1] for table in tables]) for what in ("estimate", "se"))
    want = mi.pool(q, se**2, complete_df=np.mean([table.df.iloc[1] for table in tables]))
    assert last == want


def test_one_estimate_with_its_error_is_enough():
    frames = completed()

    def complier(frame):
        dosed = frame.assign(dose=np.where(frame.arm == "guided", frame.who % 4, 0))
        return cace.fit(
            dosed, outcome="score", arm="arm", offered="guided", dose="dose", fixed="x"
        ).effect

    found = mi.analyse(frames, complier)
    assert found["estimate"].estimate == pytest.approx(
        np.mean([complier(frame).estimate for frame in frames])
    )
    assert mi.analyse(
        frames, lambda f: mi.Quantities(("a",), np.ones(1), np.ones(1), np.full(1, 9.0))
    ).names == ("a",)
    with pytest.raises(TypeError, match="float has neither coefficients nor an estimate"):
        mi.analyse(frames, lambda f: 1.0)


def test_d2_is_that_of_the_paper_by_hand():
    """Li, Meng, Raghunathan and Rubin 1991. Statistics 4, 9 and 16 with two degrees of freedom:
    roots 2, 3, 4 with variance 1, r = 4/3, D2 = (29/6 - 2 * 4/3) / (7/3) = 13/14, and 2^(-3/3) * 2
    * (1 + 3/4)^2 = 49/16 degrees of freedom.
    """
    found = mi.pool_tests([4, 9, 16], 2)
    assert (found.statistic, found.df1, found.df2) == pytest.approx(
        (13 / 14, 2, 49 / 16), rel=1e-14
    )
    assert found.p == pytest.approx(stats.f.sf(13 / 14, 2, 49 / 16), rel=1e-12)


def test_statistics_that_disagree_more_than_they_say_test_nothing():
    found = mi.pool_tests([0.0, 40.0, 0.0], 3)
    assert (found.statistic, found.p) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("statistics", "df1"),
    [([3.0], 1), ([3.0, 4.0], 0), ([3.0, math.nan], 1), ([3.0, -1e-3], 1), ([3.0, math.inf], 2)],
)
def test_what_are_no_statistics_is_refused(statistics, df1):
    with pytest.raises(mi.NotPoolable):
        mi.pool_tests(statistics, df1)


def made(m, k, seed, df):
    """Quantities of m data sets."""
    generator = np.random.default_rng(seed)
    root = generator.normal(0, 1, (k, k)) + 2 * np.eye(k)
    fits = []
    for _ in range(m):
        u = root @ root.T * generator.uniform(0.8, 1.2)
        q = generator.normal(1, 1, k)
        names = tuple(f"b{j}" for j in range(k))
        fits.append(mi.Quantities(names, q, np.sqrt(np.diag(u)), np.full(k, float(df)), u))
    return fits


@pytest.mark.parametrize(("m", "k"), [(10, 3), (2, 3), (30, 2), (3, 2)])
def test_d1_of_many_people_is_that_of_the_paper(m, k):
    """Li, Raghunathan and Rubin 1991, with sums written out."""
    fits = made(m, k, 1, math.inf)
    mean = sum(fit.estimates for fit in fits) / m
    within = sum(fit.covariance for fit in fits) / m
    between = sum(np.outer(fit.estimates - mean, fit.estimates - mean) for fit in fits) / (m - 1)
    r = (1 + 1 / m) * np.trace(between @ np.linalg.inv(within)) / k
    t = k * (m - 1)
    df2 = (
        4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
        if t > 4
        else t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    )
    statistic = mean @ np.linalg.inv(within) @ mean / (k * (1 + r))
    found = mi.pool_fits(fits).test([f"b{j}" for j in range(k)], "d1")
    assert (found.statistic, found.df1, found.df2) == pytest.approx((statistic, k, df2))


def test_d1_in_small_samples_has_the_degrees_of_freedom_of_reiter():
    """Reiter 2007, equations 1 and 2, with its terms in their own order; and its limits: that of Li
    and others where the sample is large, the (corrected) complete-data degrees of freedom where
    next to nothing is missing.
    """
    m, k, complete = 10, 3, 40
    fits = made(m, k, 2, complete)
    names = [f"b{j}" for j in range(k)]
    found = mi.pool_fits(fits).test(names, "d1")
    q = np.stack([fit.estimates for fit in fits])
    within = np.mean([fit.covariance for fit in fits], axis=0)
    r = (1 + 1 / m) * np.trace(np.cov(q.T) @ np.linalg.inv(within)) / k
    t = k * (m - 1)
    a, star = r * t / (t - 2), complete * (complete + 1) / (complete + 3)
    four, two = star - 4 * (1 + a), star - 2 * (1 + a)
    inverse = 1 / four + (
        a**2 * two / ((1 + a) ** 2 * four)
        + 8 * a**2 * two / ((1 + a) * four**2)
        + 4 * a**2 / ((1 + a) * four)
        + 4 * a**2 / (four * two)
        + 16 * a**2 * two / four**3
        + 8 * a**2 / four**2
    ) / (t - 4)
    assert found.df2 == pytest.approx(4 + 1 / inverse)
    large, endless = (
        mi.pool_fits(made(m, k, 2, df)).test(names, "d1").df2 for df in (1e9, math.inf)
    )
    assert large == pytest.approx(endless, rel=1e-5)
    near = [mi.Quantities(f.names, 1 + 1e-6 * f.estimates, f.se, f.df, f.covariance) for f in fits]
    assert mi.pool_fits(near).test(names, "d1").df2 == pytest.approx(star, rel=1e-6)
    with pytest.raises(mi.NotPoolable, match="too few for D1"):
        mi.pool_fits(made(2, 3, 1, complete)).test(names, "d1")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["d1", "d2"]))
@example(0, "d1")  # imputations that differ so much that no D1 can be had of them
def test_joint_tests_do_not_depend_on_how_a_hypothesis_is_written(seed, method):
    found = mi.pool_fits(made(8, 4, seed, 2000))
    rows = np.eye(4)[1:]
    mixing = np.random.default_rng(seed).normal(0, 1, (3, 3)) + 2 * np.eye(3)

    def tested(rows):
        try:
            test = found.combined(rows, method)
        except mi.NotPoolable as told:
            return str(told)
        return test.statistic, test.df1, test.df2, test.p

    one, other = tested(rows), tested(np.vstack([mixing @ rows, rows]))
    assert isinstance(one, str) == isinstance(other, str)
    assert one == (other if isinstance(other, str) else pytest.approx(other, rel=1e-6))


def test_d1_of_one_coefficient_is_its_squared_t_with_the_degrees_of_freedom_of_barnard_and_rubin():
    found = mi.pool_fits(made(8, 2, 1, 30))
    test = found.test("b1", "d1")
    assert (test.statistic, test.df2, test.p) == pytest.approx(
        (found["b1"].t ** 2, found["b1"].df, found["b1"].p)
    )


def test_a_model_that_fails_says_in_which_data_set_and_so_does_one_that_says_other_things():
    frames = completed()
    frames[2] = frames[2].assign(yes=1.0)
    with pytest.raises(mi.NotPoolable, match="imputation 3: yes: everybody has the event"):
        mi.analyse(frames, MODELS["logistic"])
    frames = completed()
    frames[4] = frames[4][frames[4].site != "c"]
    with pytest.raises(
        mi.NotPoolable, match="imputation 5 has other quantities than the first: sitec"
    ):
        mi.analyse(frames, MODELS["regression"])
    with pytest.raises(mi.NotPoolable, match="1 fits: pooling needs at least two"):
        mi.analyse(frames[:1], MODELS["regression"])
    with pytest.raises(KeyError, match="there is no site9"):
        mi.analyse(frames[:2], MODELS["regression"]).test(["site9"])
    with pytest.raises(ValueError, match="method 'd3' is not known"):
        mi.analyse(frames[:2], MODELS["regression"]).test("site", "d3")


def test_degrees_of_freedom_may_be_said_and_go_before_those_of_the_model():
    """A logistic model's intervals are normal: Rubin's own degrees of freedom, unless n - k is
    wanted, as mice has it.
    """
    frames = completed()
    found = mi.analyse(frames, MODELS["logistic"])["armusual"]
    assert found.df == pytest.approx(found.large_sample_df)
    small = mi.analyse(frames, MODELS["logistic"], complete_df=75)["armusual"]
    assert small.df < min(75, found.df)


def test_what_the_report_says_of_two_arms_is_pooled_as_by_hand():
    """Rubin's rules with numpy: the mean variance, and the spread of the estimates."""

    def counts(frame):
        here = frame.arm == "guided"
        return (
            int(frame.yes[here].sum()),
            int(here.sum()),
            int(frame.yes[~here].sum()),
            int((~here).sum()),
        )

    def groups(frame):
        here = frame.arm == "guided"
        return frame.score[here], frame.score[~here]

    frames = completed()
    fits = [ancova.fit(f.score, f.x, f.arm) for f in frames]
    regressions = [ancova.regress(f, outcome="score", fixed="x + arm") for f in frames]
    tests = [t_tests.welch(*groups(f)) for f in frames]
    risks = np.array([counts(f) for f in frames], dtype=float)
    p1, p2 = risks[:, 0] / risks[:, 1], risks[:, 2] / risks[:, 3]
    own = p1 * (1 - p1) / risks[:, 1] + p2 * (1 - p2) / risks[:, 3]
    relative = (1 - p1) / risks[:, 0] + (1 - p2) / risks[:, 2]
    cases = [
        (
            lambda f: ancova.fit(f.score, f.x, f.arm),
            "arm=usual",
            [each.beta[2] for each in regressions],
            [each.vcov.to_numpy()[2, 2] for each in regressions],
        ),
        (
            lambda f: ancova.fit(f.score, f.x, f.arm).difference("usual", "guided"),
            "estimate",
            [each.coefficients[2] for each in fits],
            [each.covariance[2][2] for each in fits],
        ),
        (
            lambda f: t_tests.welch(*groups(f)),
            "difference",
            [each.difference for each in tests],
            [each.se**2 for each in tests],
        ),
        (lambda f: proportions.difference(*counts(f)), "risk difference", p1 - p2, own),
        (lambda f: proportions.risk_ratio(*counts(f)), "log ratio", np.log(p1 / p2), relative),
    ]
    for model, name, estimates, variances in cases:
        found = mi.analyse(frames, model)[name]
        total = np.mean(variances) + (1 + 1 / len(frames)) * np.var(estimates, ddof=1)
        assert (found.estimate, found.se**2) == pytest.approx((np.mean(estimates), total), rel=1e-9)
