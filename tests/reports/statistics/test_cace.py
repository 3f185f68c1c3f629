"""The reference is results/05_cace_nested_gee.json: AER 1.2-10, sandwich (R 4.2.2) on the
acupuncture trial.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import cace
from reports.statistics.cace import NotEstimable
from reports.statistics.formula import FormulaError, UnknownColumn

from . import reference

ACUPUNCTURE = {
    "outcome": "pk5",
    "arm": "group",
    "offered": "1",
    "dose": "acuptreatments",
    "fixed": "pk1",
}
ENTRIES = {"acu_dose": (None, "dose"), "acu_cace6": (6, "att6")}
ERRORS = {"classical": ("se", "p"), "hc0": ("se_hc0", None), "hc1": ("se_hc1", "p_hc1")}
MODEL = {"outcome": "y", "arm": "arm", "offered": "b", "dose": "dose", "fixed": "x"}


def same(found, expected):
    assert found == pytest.approx(expected, rel=1e-8, abs=0)


@pytest.mark.parametrize("se", ERRORS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_two_stages_are_those_of_ivreg(entry, se):
    (threshold, exposure), expected = ENTRIES[entry], reference.results("05_cace_nested_gee")[entry]
    frame = reference.borrowed("acupuncture_headache_full")
    fit = cace.fit(frame, **ACUPUNCTURE, threshold=threshold, se=se)
    found = fit.coefficients.rename(index={fit.names[-1]: exposure})
    errors, p = ERRORS[se]
    for term, value in expected["coef"].items():
        same(found.loc[term, "estimate"], value)
        same(found.loc[term, "se"], expected[errors][term])
        if p:
            same(found.loc[term, "p"], expected[p][term])
        if se == "classical":
            same(found.loc[term, "t"], expected["t"][term])
    assert (fit.n, fit.df) == (expected["n"], expected["df"])
    same(fit.sigma, expected["sigma"])
    for test, theirs in zip(
        (fit.first_stage, fit.endogeneity), expected["diagnostics"], strict=False
    ):
        assert (test.df1, test.df2) == (theirs["df1"], theirs["df2"])
        same(test.statistic, theirs["statistic"])
        same(test.p, theirs["p-value"])


def test_doses_that_are_not_there_are_counted():
    fit = cace.fit(reference.borrowed("acupuncture_headache_full"), **ACUPUNCTURE, threshold=6)
    assert fit.warnings == ("140 outside 1 have no acuptreatments: taken as 0",)
    assert fit.names[-1] == "acuptreatments>=6"
    assert fit.exposure_by_arm == (("0", 0.0), ("1", pytest.approx(140 / 161)))


def simulated(seed=1, n=60):
    rng = np.random.default_rng(seed)
    arm, x = np.where(np.arange(n) % 2, "b", "a"), rng.normal(size=n)
    dose = np.where(arm == "b", rng.integers(0, 9, size=n), 0).astype(float)
    return pd.DataFrame(
        {"arm": arm, "x": x, "dose": dose, "y": 2 + x - 0.5 * dose + rng.normal(size=n)}
    )


def test_without_covariates_it_is_the_ratio_of_differences():
    """Wald 1940: the difference in outcome over the difference in exposure."""
    frame = simulated()
    fit = cace.fit(frame, **{**MODEL, "fixed": ""}, threshold=4)
    arms = frame.assign(e=frame.dose >= 4).groupby("arm")[["y", "e"]].mean()
    difference = arms.loc["b"] - arms.loc["a"]
    assert fit.intention_to_treat == pytest.approx(difference.y)
    assert fit.effect.estimate == pytest.approx(difference.y / difference.e)
    assert fit.effect_at(0.5).upper < fit.effect.upper


def test_the_assumptions_are_in_words():
    dose, threshold = (
        cace.fit(simulated(), **MODEL, threshold=each).assumptions for each in (None, 4)
    )
    assert any("exclusion" in each for each in dose)
    assert "linearity" in dose[-1]
    assert "below the threshold" in threshold[-1]


def test_when_everybody_takes_up_what_was_offered_the_effect_is_the_difference():
    fit = cace.fit(simulated().assign(dose=lambda f: (f.arm == "b").astype(float)), **MODEL)
    assert fit.effect.estimate == pytest.approx(fit.intention_to_treat)
    assert fit.first_stage.statistic == np.inf
    assert np.isnan(fit.endogeneity.statistic)


def test_a_weak_offer_and_missing_doses_are_said():
    frame = simulated()
    frame["dose"] = np.random.default_rng(3).normal(size=60)
    frame.loc[1, "dose"] = np.nan
    fit = cace.fit(frame, **MODEL)
    assert fit.n == 59
    assert fit.warnings[0] == "1 in b have no dose and are left out"
    assert "the offer hardly changes the exposure" in fit.warnings[1]


def test_who_was_offered_nothing_has_the_dose_that_is_said_for_them():
    frame = simulated()
    frame["dose"] = np.where(frame.arm == "b", frame.dose + 1, 0.0)
    gone = frame.dose.where(frame.arm == "b")  # nobody wrote down that the others had nothing
    known, taken = cace.fit(frame, **MODEL), cace.fit(frame.assign(dose=gone), **MODEL)
    assert taken.effect == known.effect
    assert taken.warnings == ("30 outside b have no dose: taken as 0", *known.warnings)
    one = cace.fit(frame.assign(dose=gone), **MODEL, unoffered_dose=1.0)
    assert one.exposure_by_arm[0] == ("a", 1.0)


def test_classical_errors_are_those_of_one_residual_variance():
    frame = simulated()
    fit = cace.fit(frame, **MODEL, se="classical")
    x = np.column_stack([np.ones(60), frame.x, frame.dose])
    z = np.column_stack([np.ones(60), frame.x, frame.arm == "b"]).astype(float)
    fitted = z @ np.linalg.lstsq(z, x, rcond=None)[0]
    bread = np.linalg.inv(fitted.T @ fitted)
    left = frame.y.to_numpy() - x @ (bread @ fitted.T @ frame.y.to_numpy())
    assert fit.coefficients.se.to_numpy() == pytest.approx(
        np.sqrt(np.diag(bread) * (left @ left) / 57), rel=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0.001, 1000), st.randoms(use_true_random=False))
def test_scale_order_and_names_do_not_matter(seed, factor, random):
    frame = simulated(seed)
    order = list(range(len(frame)))
    random.shuffle(order)
    changed = frame.iloc[order].assign(
        y=lambda f: f.y * factor, arm=lambda f: f.arm.map({"a": "z", "b": "c"})
    )
    once, again = cace.fit(frame, **MODEL), cace.fit(changed, **{**MODEL, "offered": "c"})
    for name in ("estimate", "se"):
        assert again.coefficients[name].to_numpy() == pytest.approx(
            once.coefficients[name].to_numpy() * factor, rel=1e-7
        )
    assert again.first_stage.statistic == pytest.approx(once.first_stage.statistic)


@pytest.mark.parametrize(
    ("changes", "frame", "error", "said"),
    [
        ({"se": "hc3"}, {}, ValueError, "se 'hc3' is not known"),
        ({"fixed": "x + arm"}, {}, FormulaError, "arm is the instrument"),
        ({"offered": "c"}, {}, NotEstimable, "one of them 'c'; there are a, b"),
        ({"dose": "sessions"}, {}, UnknownColumn, "no column 'sessions'"),
        ({}, {"dose": 3.0}, NotEstimable, "does not change the exposure"),
        (
            {"fixed": "x + twin"},
            {"twin": lambda f: 1.0 * (f.arm == "b")},
            NotEstimable,
            "arm follows from the covariates",
        ),
        ({}, {"y": lambda f: f.x}, NotEstimable, "does not vary around the model"),
    ],
)
def test_what_cannot_be_estimated_is_refused(changes, frame, error, said):
    with pytest.raises(error, match=said):
        cace.fit(simulated().assign(**frame), **{**MODEL, **changes})


def test_four_people_are_too_few():
    with pytest.raises(NotEstimable, match="4 people are too few for 3 coefficients"):
        cace.fit(simulated(n=4), **MODEL)
