"""Mediation: identities of least squares, a plain bootstrap written out, and coverage-free laws of
its intervals.
"""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import ancova, mediation
from reports.statistics.formula import UnknownColumn
from reports.statistics.model_frame import NotEstimable


def trial(seed=1, n=120):
    rng = np.random.default_rng(seed)
    arm = np.repeat(["control", "active"], n // 2)
    age = rng.normal(40, 10, n)
    m = 2 * (arm == "active") + 0.05 * age + rng.normal(size=n)
    y = 10 - 1.5 * m - 0.5 * (arm == "active") + 0.1 * age + rng.normal(size=n)
    return pd.DataFrame({"arm": arm, "age": age, "activation": m, "phq": y})


def fitted(frame, seed=7, **asked):
    given_ = {
        "outcome": "phq",
        "mediator": "activation",
        "treatment": "arm",
        "covariates": "age",
        "reference": {"arm": "control"},
        "resamples": 500,
        "rng": np.random.default_rng(seed),
    }
    return mediation.fit(frame, **{**given_, **asked})


def product(frame):
    """a times b by two calls of lstsq."""
    t = (frame.arm == "active").astype(float)
    x = np.column_stack([np.ones(len(frame)), t, frame.age])
    a = np.linalg.lstsq(x, frame.activation, rcond=None)[0][1]
    return a * np.linalg.lstsq(np.column_stack([x, frame.activation]), frame.phq, rcond=None)[0][3]


def test_indirect_and_direct_add_up_to_the_total():
    found = fitted(trial())
    assert found.indirect.estimate + found.direct.estimate == pytest.approx(
        found.total.estimate, rel=1e-10
    )
    assert found.indirect.estimate == pytest.approx(product(trial()), rel=1e-10)
    total = ancova.regress(trial(), outcome="phq", fixed="age + arm", reference={"arm": "control"})
    assert found.total.se == pytest.approx(total.coefficients.se["armactive"], rel=1e-12)
    assert found.n == 120


def test_the_draws_are_those_of_a_bootstrap_written_out():
    frame, rng = trial(), np.random.default_rng(7)
    drawn = rng.integers(0, len(frame), size=(500, len(frame)))
    expected = [product(frame.iloc[rows]) for rows in drawn]
    assert fitted(frame).draws == pytest.approx(np.array(expected), rel=1e-8)


def test_intervals_follow_from_the_draws():
    found = fitted(trial(), interval="percentile")
    assert (found.indirect.lower, found.indirect.upper) == pytest.approx(
        np.quantile(found.draws, [0.025, 0.975])
    )
    lower, upper = found.limits("bias-corrected")
    shift = (found.draws < found.indirect.estimate).mean() - 0.5
    # More draws below the estimate than above move both limits up, and the other way round.
    assert np.sign(lower - found.indirect.lower) in (0, np.sign(shift))
    assert np.sign(upper - found.indirect.upper) in (0, np.sign(shift))
    assert found.indirect.se == pytest.approx(found.sobel_se, rel=0.2)


def test_the_same_generator_gives_the_same_interval():
    assert fitted(trial()).indirect == fitted(trial()).indirect
    assert fitted(trial(), seed=8).indirect != fitted(trial()).indirect


def test_percentile_intervals_hold_the_true_product_about_as_often_as_they_say():
    # The true product is 2 x -1.5 = -3; 95 % of 60 trials is 57, four standard errors below is 50.
    inside = 0
    for seed in range(60):
        found = fitted(trial(1000 + seed, 80), seed, interval="percentile", resamples=200)
        inside += found.indirect.lower <= -3 <= found.indirect.upper
    assert inside >= 50


@settings(max_examples=20)
@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(-50, 50))
def test_the_indirect_effect_does_not_know_the_unit_of_the_mediator(unit, outcome_unit, shift):
    frame = trial()
    moved = frame.assign(activation=frame.activation * unit + shift, phq=frame.phq * outcome_unit)
    one, other = fitted(frame, resamples=100), fitted(moved, resamples=100)
    assert other.indirect.estimate == pytest.approx(one.indirect.estimate * outcome_unit, rel=1e-6)
    assert other.draws == pytest.approx(one.draws * outcome_unit, rel=1e-5)


def test_draws_do_not_depend_on_the_origin_of_a_covariate():
    moved = trial().assign(age=lambda f: f.age + 1e6)
    assert fitted(moved).draws == pytest.approx(fitted(trial()).draws, rel=1e-6)


def test_draws_that_all_lie_on_one_side_of_the_estimate_cannot_be_corrected_for_bias():
    found = fitted(trial())
    above = dataclasses.replace(found, draws=found.indirect.estimate + np.arange(1.0, 6.0))
    with pytest.raises(NotEstimable, match="all draws lie on one side of the estimate"):
        above.limits("bias-corrected")
    assert above.limits("percentile")[0] > found.indirect.estimate


def test_what_cannot_be_estimated_is_refused_with_the_reason():
    frame = trial()
    with pytest.raises(NotEstimable, match="arm has 3 levels"):
        fitted(frame.assign(arm=np.resize(["a", "b", "c"], len(frame))), reference=None)
    with pytest.raises(NotEstimable, match="activation cannot be told apart"):
        fitted(frame.assign(activation=(frame.arm == "active") * 2.0 + frame.age))
    with pytest.raises(UnknownColumn, match="mood"):
        fitted(frame, mediator="mood")
    with pytest.raises(NotEstimable, match="activation is not numbers"):
        fitted(frame.assign(activation="high"))
    with pytest.raises(ValueError, match="too few"):
        fitted(frame, resamples=50)
    with pytest.raises(ValueError, match="not known"):
        fitted(frame, interval="bca")
    with pytest.raises(ValueError, match="not known"):
        fitted(frame).limits("bca")
    with pytest.raises(NotEstimable, match="resamples do not determine"):
        small = trial().iloc[[0, 1, 2, 3, 4, 5, 60]]
        fitted(small, covariates="")
    assert math.isfinite(fitted(frame, covariates="").indirect.se)
