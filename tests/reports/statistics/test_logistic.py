"""Logistic regression, standardised risks and responders against glm of R (results/02_simple.json)
and their laws.
"""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import logistic, proportions, responders
from reports.statistics.model_frame import NotEstimable

from . import as_r_stops
from .reference import own, results

EXPECTED = results("02_simple")["responders"]
KINDS = [
    (visit, kind)
    for visit in ("bdi_2m", "bdi_8m")
    for kind in EXPECTED[visit]
    if "_" in kind and "cmh" not in kind
]
FIXED = "bdi_pre + drug + length + treatment"


def close(expected, tolerance=1e-9):
    return pytest.approx(expected, rel=tolerance)


def btheb():
    return own("BtheB_wide").rename(columns=lambda name: name.replace(".", "_"))


def status(frame, visit, kind):
    missing = "non-responder" if kind.endswith("NRI") else "observed"
    if kind.startswith("responder"):
        return responders.response(frame.bdi_pre, frame[visit], 0.5, missing)
    return responders.remission(frame[visit], 9, missing)


def fitted(visit, kind):
    frame = btheb()
    frame["yes"] = status(frame, visit, kind).status
    return logistic.fit(frame, outcome="yes", fixed=FIXED, reference={"treatment": "TAU"})


@pytest.mark.parametrize(("visit", "kind"), KINDS)
def test_responders_are_those_of_the_reference(visit, kind):
    frame, expected = btheb(), EXPECTED[visit][kind]
    for arm, number in (("BtheB", 1), ("TAU", 2)):
        found = status(frame[frame.treatment == arm], visit, kind)
        assert (found.count, found.n) == (expected[f"x{number}"], expected[f"n{number}"])
        missing = int(frame[visit][frame.treatment == arm].isna().sum())
        assert found.imputed == (missing if kind.endswith("NRI") else 0)


@pytest.mark.parametrize(("visit", "kind"), KINDS)
def test_the_regression_is_that_of_glm(visit, kind):
    fit, expected = fitted(visit, kind), EXPECTED[visit][kind]["logistic"]
    assert fit.coefficients["estimate"].to_dict() == close(expected["coef"])
    assert fit.odds_ratios()["odds_ratio"].to_dict() == close(expected["or"])
    assert (fit.deviance, fit.log_likelihood, fit.aic) == close(
        (expected["deviance"], expected["logLik"], expected["aic"])
    )
    # R's covariance is that of the step before the last; ours is at the optimum.
    names = {"se": "se", "z": "z", "p": "p"}
    limits = {"lower": "wald_ci_lo", "upper": "wald_ci_hi"}
    for each, tolerance in ((fit, 1e-6), (as_r(fit), 1e-9)):
        for column, key in names.items():
            assert each.coefficients[column].to_dict() == close(expected[key], tolerance)
        for column, key in limits.items():
            assert each.odds_ratios()[column].to_dict() == close(expected[key], tolerance)


def as_r(fit):
    _, covariance, _ = as_r_stops.glm(fit.data.x, fit.data.y)
    return dataclasses.replace(fit, covariance_matrix=covariance)


@pytest.mark.parametrize(("visit", "kind"), KINDS)
def test_the_score_is_zero_at_the_optimum_and_the_covariance_is_taken_there(visit, kind):
    fit = fitted(visit, kind)
    risk = 1 / (1 + np.exp(-fit.data.x @ fit.beta))
    assert fit.data.x.T @ (fit.data.y - risk) == pytest.approx(0, abs=1e-9)
    information = (fit.data.x * (risk * (1 - risk))[:, None]).T @ fit.data.x
    assert information @ fit.covariance_matrix == pytest.approx(np.eye(5), abs=1e-10)


@pytest.mark.parametrize(("visit", "kind"), KINDS)
def test_profile_intervals_are_those_of_confint(visit, kind):
    fit, expected = fitted(visit, kind), EXPECTED[visit][kind]["logistic"]
    odds = fit.odds_ratios(interval="profile")
    for j, name in enumerate(fit.names):
        want = expected["profile_ci_lo"][name], expected["profile_ci_hi"][name]
        assert tuple(np.exp(as_r_stops.confint(fit.data.x, fit.data.y, j))) == close(want)
        # R interpolates: its limits are right to three or four digits. Ours lie where the
        # likelihood has fallen enough.
        assert (odds.lower[name], odds.upper[name]) == close(want, 5e-3)
        for limit in (odds.lower[name], odds.upper[name]):
            assert fallen(fit, j, math.log(limit)) == pytest.approx(1.959963984540054**2, rel=1e-8)


def fallen(fit, j, value):
    x, others = fit.data.x, [k for k in range(len(fit.beta)) if k != j]
    _, _, deviance = as_r_stops.glm(
        x[:, others], fit.data.y, x[:, j] * value, x @ fit.beta, epsilon=1e-14
    )
    return deviance - fit.deviance


@pytest.mark.parametrize(("visit", "kind"), KINDS)
def test_standardised_risks_are_those_of_the_reference(visit, kind):
    fit, expected = fitted(visit, kind), EXPECTED[visit][kind]["standardised_rd"]
    found = fit.standardise("treatment", "BtheB", "TAU")
    assert (found.risk1, found.risk2, found.difference.value) == close(
        (expected["p1"], expected["p0"], expected["rd"])
    )
    assert found.ratio.value == close(expected["p1"] / expected["p0"])
    assert found.difference.se == close(expected["se_delta"], 1e-7)
    assert as_r(fit).standardise("treatment", "BtheB", "TAU").difference.se == close(
        expected["se_delta"]
    )


def test_without_covariates_standardised_risks_are_the_shares_and_their_wald_and_katz_intervals():
    frame = pd.DataFrame(
        {"y": [1] * 56 + [0] * 14 + [1] * 48 + [0] * 32, "arm": ["a"] * 70 + ["b"] * 80}
    )
    found = logistic.fit(frame, outcome="y", fixed="arm").standardise("arm", "a", "b")
    wald = proportions.difference(56, 70, 48, 80, method="wald")
    katz = proportions.risk_ratio(56, 70, 48, 80)
    assert (found.difference.value, found.difference.lower, found.difference.upper) == close(
        (wald.value, wald.lower, wald.upper), 1e-10
    )
    assert (found.ratio.value, found.ratio.lower, found.ratio.upper) == close(
        (katz.value, katz.lower, katz.upper), 1e-10
    )


def test_a_column_that_tells_the_outcome_is_named():
    frame = pd.DataFrame(
        {"y": [0, 0, 0, 1, 1, 1], "x": [1.0, 2, 3, 4, 5, 6], "z": [1.0, -1, 1, -1, 1, -1]}
    )
    with pytest.raises(logistic.Separated, match="look at x"):
        logistic.fit(frame, outcome="y", fixed="z + x")
    arms = pd.DataFrame({"y": [0, 0, 0, 1, 0, 1], "arm": list("aaabbb")})
    with pytest.raises(logistic.Separated, match="fitted risk of 0 or 1"):
        logistic.fit(arms, outcome="y", fixed="arm")


def test_intervals_do_not_depend_on_the_origin_of_a_covariate():
    frame = btheb().assign(yes=lambda f: status(f, "bdi_8m", "responder50_NRI").status)
    near = logistic.fit(frame, outcome="yes", fixed=FIXED)
    far = logistic.fit(frame.assign(bdi_pre=frame.bdi_pre + 1e6), outcome="yes", fixed=FIXED)
    for interval in ("wald", "profile"):
        one, other = (fit.odds_ratios(interval=interval).iloc[1:] for fit in (near, far))
        assert other.to_numpy() == pytest.approx(one.to_numpy(), rel=1e-7)


def test_a_risk_near_0_is_no_separation():
    # An outlier at log odds of about -30, and an overlap that keeps the coefficients finite.
    rng = np.random.default_rng(1)
    x = np.append(rng.normal(size=300), -20.0)
    y = rng.random(301) < 1 / (1 + np.exp(-1.5 * x))
    fit = logistic.fit(pd.DataFrame({"y": y, "x": x}), outcome="y", fixed="x")
    assert (fit.data.x @ fit.beta).min() < -25
    assert fit.coefficients.estimate["x"] == pytest.approx(1.5, abs=3 * fit.coefficients.se["x"])


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([0, 1, 2, 1], ValueError, "other than 0 and 1"),
        ([1, 1, 1, 1], NotEstimable, "everybody has the event"),
        ([0, 0, 0, 0], NotEstimable, "nobody has the event"),
        ([0, 1, None, None], NotEstimable, "2 people are too few"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(y, error, message):
    with pytest.raises(error, match=message):
        logistic.fit(pd.DataFrame({"y": y, "x": [1.0, 3, 2, 5]}), outcome="y", fixed="x")


def test_a_side_without_a_profile_limit_is_infinite_and_the_missing_are_counted_as_asked():
    with pytest.raises(ValueError, match="not known"):
        fitted("bdi_2m", "responder50_NRI").odds_ratios(interval="score")
    scores = [20, 20, 20, None], [10, 11, None, 5]
    assert responders.response(*scores).status.tolist() == [1, 0, 0, 0]
    assert (responders.response(*scores, missing="observed").n, responders.response(*scores).n) == (
        2,
        4,
    )
    worse = responders.deterioration([10, 10, 10], [16, 15, None], 6)
    assert (worse.count, worse.n) == (1, 2)
    assert responders.deterioration([10, 10, 10], [16, 15, None], 6, missing="yes").count == 2
    assert worse.definition == "worse by at least 6 points; missing left out"
    with pytest.raises(
        ValueError, match="3 scores before and 2 after; they are of the same people"
    ):
        responders.response([1, 2, 3], [1, 2])
    with pytest.raises(
        ValueError, match="direction 'down' is not known; use higher_worse or higher_better"
    ):
        responders.remission([50, 40], 45, direction="down")
    with pytest.raises(
        ValueError, match="missing 'mean' is not known; use one of non-responder, observed, yes"
    ):
        responders.response(*scores, missing="mean")
    with pytest.raises(ValueError, match="fraction"):
        responders.response(*scores, fraction=1.5)
    better = responders.remission([50, 40], 45, direction="higher_better")
    assert better.status.tolist() == [1, 0]


@settings(max_examples=30)
@given(st.integers(1, 10_000))
def test_standardised_risks_lie_between_0_and_1_and_turn_with_the_arms(seed):
    rng = np.random.default_rng(seed)
    x, arm = rng.normal(size=80), np.repeat(["a", "b"], 40)
    y = rng.random(80) < 1 / (1 + np.exp(-x - (arm == "a")))
    fit = logistic.fit(pd.DataFrame({"y": y, "x": x, "arm": arm}), outcome="y", fixed="x + arm")
    one, other = fit.standardise("arm", "a", "b"), fit.standardise("arm", "b", "a")
    assert 0 < one.risk1 < 1
    assert one.difference.value == pytest.approx(-other.difference.value, rel=1e-9)
    assert one.ratio.value == pytest.approx(1 / other.ratio.value, rel=1e-9)
    assert one.difference.value == pytest.approx(one.risk1 - one.risk2)
