"""Analysis of covariance and tests of two groups against lm, emmeans, sandwich, t.test and
wilcox.test of R.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import ancova, t_tests
from reports.statistics.formula import FormulaError, UnknownColumn

from .reference import borrowed, own, results

SIMPLE = results("02_simple")
VISITS = ["bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m"]
ACUPUNCTURE = ["pk2", "pk5", "pk5_adj"]


def close(expected, tolerance=1e-9):
    return pytest.approx(expected, rel=tolerance)


def btheb():
    return own("BtheB_wide").rename(columns=lambda name: name.replace(".", "_"))


def acupuncture():
    frame = borrowed("acupuncture_headache")
    frame["group"] = frame["group"].map({0: "control", 1: "acupuncture"})
    return frame.astype({"sex": str, "migraine": str})


def check(frame, expected, arm, control):
    fixed = expected["formula"].split("~")[1]
    fit = ancova.regress(frame, outcome=expected["outcome"], fixed=fixed, reference={arm: control})
    check_fit(fit, expected)
    check_means(fit, expected, arm, control)
    for hc in expected["hc"]:
        robust = ancova.regress(
            frame,
            outcome=expected["outcome"],
            fixed=fixed,
            reference={arm: control},
            covariance=hc["type"].lower(),
        )
        check_columns(robust.coefficients, hc, {"se": "se", "t": "t", "p": "p"})


def check_fit(fit, expected):
    assert (fit.n, fit.df) == (expected["n"], expected["df_resid"])
    assert (fit.sigma, fit.r_squared, fit.adjusted_r_squared) == close(
        (expected["sigma"], expected["r2"], expected["adj_r2"])
    )
    names = {"estimate": "coef", "se": "se", "t": "t", "p": "p", "lower": "ci_lo", "upper": "ci_hi"}
    check_columns(fit.coefficients, expected, names)
    table = fit.sequential()
    for row in expected["anova_type1"]:
        got = table.loc[row["term"]]
        assert (got.df, got.sum_sq, got.mean_sq) == close(
            (row["Df"], row["Sum Sq"], row["Mean Sq"])
        )
        if row["F value"] is not None:
            assert (got.f, got.p) == close((row["F value"], row["Pr(>F)"]))


def check_columns(frame, expected, names):
    for column, key in names.items():
        assert frame[column].to_dict() == close(expected[key])


def check_means(fit, expected, arm, control):
    for weights, key in (("equal", "emmeans"), ("proportional", "emmeans_proportional")):
        means = fit.marginal_means(arm, weights=weights).set_index(arm)
        for row in expected[key]:
            check_row(means.loc[row[arm]], row, "emmean")
    contrasts = fit.contrasts(arm, reference=control).set_index("contrast")
    for row in expected["contrast"]:
        check_row(contrasts.loc[row["contrast"]], row, "estimate")


def check_row(got, row, estimate):
    want = (
        row[estimate],
        row["SE"],
        row["df"],
        row["lower.CL"],
        row["upper.CL"],
        row["t.ratio"],
        row["p.value"],
    )
    assert (got.estimate, got.se, got.df, got.lower, got.upper, got.t, got.p) == close(want)


@pytest.mark.parametrize("visit", VISITS)
def test_ancova_of_btheb_is_that_of_the_reference(visit):
    check(btheb(), SIMPLE["ancova"][visit], "treatment", "TAU")


@pytest.mark.parametrize("outcome", ACUPUNCTURE)
def test_ancova_of_acupuncture_is_that_of_the_reference(outcome):
    check(acupuncture(), SIMPLE["ancova_acupuncture"][outcome], "group", "control")


@pytest.mark.parametrize("visit", VISITS)
def test_tests_of_two_groups_are_those_of_the_reference(visit):
    frame, expected = btheb().dropna(subset=[visit]), SIMPLE["t_tests"][visit]
    groups = [frame[visit][frame.treatment == arm] for arm in ("BtheB", "TAU")]
    for name in ("student", "welch"):
        found, want = getattr(t_tests, name)(*groups), expected[name]
        assert (found.t, found.df, found.p, found.lower, found.upper) == close(
            (want["t"], want["df"], want["p"], *want["ci"])
        )
    assert t_tests.student(*groups).difference == close(expected["student"]["diff"])
    ranks = t_tests.rank_sum(*groups)
    assert (ranks.w, ranks.p) == close((expected["wilcoxon"]["W"], expected["wilcoxon"]["p"]))


def test_both_ways_to_fit_agree():
    frame = btheb()
    columns = {
        name: [None if pd.isna(v) else v for v in frame[name]] for name in ("bdi_2m", "bdi_pre")
    }
    old = ancova.fit(columns["bdi_2m"], columns["bdi_pre"], list(frame.treatment)).difference(
        "BtheB", "TAU"
    )
    new = ancova.regress(frame, outcome="bdi_2m", fixed="bdi_pre + treatment").contrasts(
        "treatment", reference="TAU"
    )
    assert (old.estimate, old.se, old.p) == close((new.estimate[0], new.se[0], new.p[0]), 1e-12)


def test_a_joint_test_of_one_coefficient_is_its_t_squared():
    fit = ancova.regress(btheb(), outcome="bdi_2m", fixed="bdi_pre + treatment", covariance="hc3")
    row = fit.coefficients.iloc[1]
    assert (fit.joint(np.eye(3)[1]).f, fit.joint(np.eye(3)[1]).p) == close((row.t**2, row.p))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"fixed": "bdi_pre + nothing"}, UnknownColumn, "nothing"),
        ({"fixed": "bdi_pre + twice"}, ancova.NotEstimable, "twice cannot be told apart"),
        ({"fixed": "bdi_pre + one"}, ancova.NotEstimable, "everybody has x"),
        ({"outcome": "absent"}, ancova.NotEstimable, "nobody has all values"),
        ({"outcome": "exact"}, ancova.NotEstimable, "does not vary around the model"),
        ({"outcome": "one"}, ancova.NotEstimable, "one is not numbers"),
        ({"fixed": "endless"}, ancova.NotEstimable, "endless has infinite values"),
        ({"outcome": "endless"}, ancova.NotEstimable, "endless has infinite values"),
        ({"covariance": "hc4"}, ValueError, "not known"),
        ({"reference": {"treatment": "Placebo"}}, FormulaError, "no level 'Placebo'"),
        ({"fixed": "bdi_pre + alone", "covariance": "hc3"}, ancova.NotEstimable, "leverage 1"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(change, error, message):
    frame = btheb().assign(
        twice=lambda f: 2 * f.bdi_pre + 1,
        one="x",
        endless=lambda f: f.bdi_pre.where(f.subject != 2, np.inf),
        absent=float("nan"),
        exact=lambda f: f.bdi_pre * 3,
        alone=lambda f: (f.subject == 2).astype(int),
    )
    asked = {"outcome": "bdi_2m", "fixed": "bdi_pre + treatment", **change}
    with pytest.raises(error, match=message):
        ancova.regress(frame, **asked)


def test_groups_without_spread_or_with_missing_values_are_refused():
    with pytest.raises(ancova.NotEstimable, match="do not vary"):
        t_tests.student([1, 1], [2, 2])
    with pytest.raises(ancova.NotEstimable, match="do not vary"):
        t_tests.welch([1, 1], [2, 2])
    with pytest.raises(ancova.NotEstimable, match="missing values"):
        t_tests.welch([1, float("nan")], [2, 3])
    with pytest.raises(ancova.NotEstimable, match="groups of 1 and 2"):
        t_tests.student([1], [2, 3])
    with pytest.raises(ancova.NotEstimable, match="groups of 1 and 1: each needs at least 2"):
        t_tests.paired([1], [2])
    with pytest.raises(ancova.NotEstimable, match="missing values in the first group"):
        t_tests.paired([1, 4, float("nan")], [2, 3, 5])
    with pytest.raises(ancova.NotEstimable, match="all values are the same"):
        t_tests.rank_sum([1, 1], [1, 1])


values = st.lists(st.integers(-50, 50), min_size=3, max_size=20).filter(lambda v: len(set(v)) > 1)


@given(values, values, st.integers(-100, 100), st.integers(1, 9))
def test_a_test_does_not_depend_on_unit_or_origin(first, second, shift, scale):
    for test in (t_tests.student, t_tests.welch, t_tests.rank_sum):
        moved = test([scale * v + shift for v in first], [scale * v + shift for v in second])
        assert moved.p == pytest.approx(test(first, second).p, rel=1e-9)


@given(values, values)
def test_student_is_the_regression_on_the_group(first, second):
    frame = pd.DataFrame({"y": [*first, *second], "g": ["b"] * len(first) + ["a"] * len(second)})
    row = ancova.regress(frame, outcome="y", fixed="g").coefficients.loc["gb"]
    found = t_tests.student(first, second)
    assert (row.estimate, row.se, row.p) == pytest.approx(
        (found.difference, found.se, found.p), rel=1e-8, abs=1e-12
    )
