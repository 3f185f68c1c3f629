"""Moderation: marginal effects against regressions with a moved origin, regions against the
intervals at their ends.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import ancova, moderation
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.model_frame import NotEstimable

from .reference import own


def btheb():
    return own("BtheB_wide").rename(columns=lambda name: name.replace(".", "_"))


def fitted(frame=None, **asked):
    given_ = {
        "outcome": "bdi_2m",
        "treatment": "treatment",
        "moderator": "bdi_pre",
        "reference": {"treatment": "TAU"},
    }
    return moderation.fit(btheb() if frame is None else frame, **{**given_, **asked})


@pytest.mark.parametrize("covariance", ["ols", "hc3"])
@pytest.mark.parametrize("at", [5.0, 20.0, 40.0])
def test_the_effect_at_a_value_is_the_coefficient_with_the_origin_moved_there(at, covariance):
    frame = btheb()
    row = fitted(covariates="drug", covariance=covariance).effects([at]).iloc[0]
    moved = frame.assign(bdi_pre=frame.bdi_pre - at)
    fixed = "drug + treatment * bdi_pre"
    model = ancova.regress(
        moved, outcome="bdi_2m", fixed=fixed, reference={"treatment": "TAU"}, covariance=covariance
    )
    want = model.coefficients.loc["treatmentBtheB"]
    assert (row.estimate, row.se, row.p, row.lower, row.upper) == pytest.approx(
        (want.estimate, want.se, want.p, want.lower, want.upper), rel=1e-9
    )


def test_without_values_effects_are_at_the_mean_and_one_sd_to_both_sides():
    frame = btheb().dropna(subset=["bdi_2m"])
    mean, sd = frame.bdi_pre.mean(), frame.bdi_pre.std()
    assert fitted().effects().bdi_pre.tolist() == pytest.approx([mean - sd, mean, mean + sd])


def test_effects_over_a_category_are_the_contrasts_at_its_levels():
    found = fitted(moderator="drug", covariates="bdi_pre")
    contrasts = found.model.contrasts("treatment", by="drug", reference="TAU")
    effects = found.effects()
    assert effects.drug.tolist() == ["No", "Yes"]
    assert effects.estimate.tolist() == pytest.approx(contrasts.estimate.tolist(), rel=1e-10)
    assert effects.se.tolist() == pytest.approx(contrasts.se.tolist(), rel=1e-10)
    interaction = found.model.coefficients.loc["treatmentBtheB:drugYes"]
    assert found.interaction.p == pytest.approx(interaction.p, rel=1e-9)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(-1, 1), st.floats(-2, 2))
def test_at_the_end_of_a_region_the_interval_touches_zero_and_inside_it_leaves_zero_out(
    seed, slope, effect
):
    rng = np.random.default_rng(seed)
    w, arm = rng.normal(10, 3, 60), np.tile(["a", "b"], 30)
    y = (arm == "b") * (effect + slope * (w - 10)) + w + rng.normal(size=60)
    frame = pd.DataFrame({"y": y, "w": w, "arm": arm})
    found = moderation.fit(frame, outcome="y", treatment="arm", moderator="w")
    regions = found.johnson_neyman()
    for value in np.linspace(-10, 30, 41):
        row = found.effects([value]).iloc[0]
        region = next((each for each in regions if each.lower <= value <= each.upper), None)
        ends = [end for each in regions for end in (each.lower, each.upper)]
        if all(abs(value - end) > 1e-6 for end in ends):
            assert (row.lower > 0 or row.upper < 0) == (region is not None)
        if region is not None and min(abs(row.lower), abs(row.upper)) > 1e-6:
            assert np.sign(row.estimate) == region.sign
    for end in (end for each in regions for end in (each.lower, each.upper) if math.isfinite(end)):
        row = found.effects([end]).iloc[0]
        assert min(abs(row.lower), abs(row.upper)) == pytest.approx(
            0, abs=1e-6 * max(1, abs(row.estimate))
        )
    assert sum(region.n for region in regions) <= 60


@pytest.mark.parametrize(
    ("square", "linear", "constant", "where"),
    [
        (0.0, 0.0, 1.0, [(-math.inf, math.inf)]),
        (0.0, 0.0, -1.0, []),
        (0.0, 2.0, -6.0, [(3.0, math.inf)]),
        (0.0, -2.0, 6.0, [(-math.inf, 3.0)]),
        (1.0, 0.0, 1.0, [(-math.inf, math.inf)]),
        (-1.0, 0.0, -1.0, []),
        (1.0, -3.0, 2.0, [(-math.inf, 1.0), (2.0, math.inf)]),
        (-1.0, 3.0, -2.0, [(1.0, 2.0)]),
    ],
)
def test_a_curve_of_the_second_degree_is_above_zero_between_or_outside_its_roots(
    square, linear, constant, where
):
    assert moderation._where_positive(square, linear, constant) == where


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(-math.inf, math.inf), (-math.inf, -2.0), (-math.inf, 3.0), (-5.0, math.inf), (1.0, 2.0)],
)
def test_the_sign_of_a_region_is_taken_inside_it(lower, upper):
    assert lower < moderation._inside(lower, upper) < upper


def test_what_cannot_be_estimated_is_refused_with_the_reason():
    with pytest.raises(FormulaError, match="moderate itself"):
        fitted(moderator="treatment")
    with pytest.raises(UnknownColumn, match="mood"):
        fitted(moderator="mood")
    with pytest.raises(FormulaError, match="regions are of a number"):
        fitted(moderator="drug").johnson_neyman()
    with pytest.raises(FormulaError, match="at its levels"):
        fitted(moderator="drug").effects([1.0])
    with pytest.raises(NotEstimable, match="treatment has 3 levels"):
        fitted(
            btheb().assign(treatment=lambda f: np.resize(["x", "y", "z"], len(f))), reference=None
        )
