"""Multiple imputation against R (results/04a: pooling, and mice on Beat the Blues), and the laws it
keeps.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import multiple_imputation as mi
from reports.statistics.formula import UnknownColumn

from .reference import own, results

REFERENCE = results("04a_mi_rubin_mice")
COLUMNS = ["drug", "length", "bdi_pre", "bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m"]
VISITS = COLUMNS[3:]


@pytest.fixture(scope="module")
def btheb():
    frame = own("BtheB_wide")
    return frame.rename(columns={name: name.replace(".", "_") for name in frame.columns})


def a_frame(seed=1, n=60):
    """Three related numbers and a category; the second number and the category are missing at
    random given the first.
    """
    generator = np.random.default_rng(seed)
    x = generator.normal(10, 2, n)
    y = x + generator.normal(0, 1, n)
    z = y - x / 2 + generator.normal(0, 1, n)
    kind = np.where(generator.random(n) < 1 / (1 + np.exp(10 - x)), "high", "low").astype(object)
    gone = generator.random((n, 2)) < np.where(x > 10, 0.4, 0.1)[:, None]
    y[gone[:, 0]] = np.nan
    kind[gone[:, 1]] = None
    return pd.DataFrame(
        {"x": x, "y": y, "z": z, "kind": kind, "arm": np.where(np.arange(n) % 2, "a", "b")}
    )


def imputed_by(how, frame, columns, **options):
    generator = np.random.default_rng(options.pop("seed", 1))
    return {"normal": mi.normal, "chained": mi.chained}[how](
        frame, columns, generator=generator, **{"m": 5, **options}
    )


@pytest.mark.parametrize("name", "abc")
def test_pooling_is_that_of_rubin_and_of_barnard_and_rubin(name):
    want = REFERENCE["rubin"][name]
    found = mi.pool(want["Q"], want["U"], complete_df=want["n"] - want["k"])
    pairs = {
        "estimate": "qbar",
        "se": "se",
        "df": "df_barnard_rubin",
        "within": "ubar",
        "between": "b",
        "total": "t",
    }
    pairs |= {"riv": "r", "fmi": "fmi", "share": "lambda", "p": "p", "m": "m"}
    for ours, theirs in pairs.items():
        assert getattr(found, ours) == pytest.approx(want[theirs], rel=1e-10, abs=0), ours
    assert [found.lower, found.upper] == pytest.approx(want["ci"], rel=1e-10)
    large = math.inf if want["df_rubin1987"] is None else want["df_rubin1987"]
    assert found.large_sample_df == pytest.approx(large, rel=1e-10)
    assert mi.pool(want["Q"], want["U"]).df == pytest.approx(large, rel=1e-10)


@pytest.mark.parametrize("how", ["chained", "normal"])
@pytest.mark.parametrize("seed", ["seed1", "seed2"])
def test_the_difference_between_arms_is_that_of_mice(btheb, how, seed):
    options = {"iterations": 20} if how == "chained" else {}
    imputed = imputed_by(how, btheb, COLUMNS, m=200, by="treatment", seed=5, **options)
    for visit, want in REFERENCE["mice_btheb"][seed].items():
        found = mi.regress(
            imputed, visit, "bdi_pre + drug + length + treatment", reference={"treatment": "TAU"}
        )
        arm = found["treatmentBtheB"]
        assert abs(arm.estimate - want["est"]) < 4 * want["mc_se"]
        assert arm.se == pytest.approx(want["se"], rel=0.12)
        assert arm.fmi == pytest.approx(
            want["fmi"], abs=0.1
        )  # its own Monte-Carlo error is about 0.04


@pytest.mark.parametrize("how", ["chained", "normal"])
def test_what_was_observed_stays_and_every_gap_is_filled(how, btheb):
    imputed = imputed_by(how, btheb, COLUMNS, by="treatment")
    observed = btheb[VISITS].to_numpy()
    assert imputed.columns == tuple(VISITS)
    for frame in imputed.frames():
        completed = frame[VISITS].to_numpy()
        assert not np.isnan(completed).any()
        assert np.array_equal(completed[~np.isnan(observed)], observed[~np.isnan(observed)])
        pd.testing.assert_frame_equal(frame[COLUMNS[:3]], btheb[COLUMNS[:3]])


@pytest.mark.parametrize("how", ["chained", "normal"])
def test_the_same_generator_gives_the_same_imputations(how, btheb):
    first, second = (imputed_by(how, btheb, COLUMNS, by="treatment").values for _ in range(2))
    assert np.array_equal(first, second)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["chained", "normal"]))
def test_with_nothing_missing_pooling_gives_the_complete_data_back(seed, how):
    frame = a_frame(seed).dropna()
    found = mi.regress(imputed_by(how, frame, ["x", "y", "z"]), "y", "x + arm")
    x = np.column_stack([np.ones(len(frame)), frame.x, frame.arm == "b"]).astype(float)
    assert [each.estimate for each in found.values()] == pytest.approx(
        np.linalg.lstsq(x, frame.y.to_numpy(), rcond=None)[0]
    )
    assert [each.fmi for each in found.values()] == pytest.approx(
        [2 / (each.df + 3) for each in found.values()]
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_the_unit_of_a_column_only_changes_the_unit_of_its_imputations(seed, factor, shift):
    frame = a_frame(seed)
    for how in ("chained", "normal"):
        first = imputed_by(how, frame, ["x", "y", "z"]).values
        second = imputed_by(how, frame.assign(y=frame.y * factor + shift), ["x", "y", "z"]).values
        assert second == pytest.approx(first * factor + shift, rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 5)), min_size=2, max_size=20))
def test_pooling_is_of_the_mean_and_never_less_sure_than_within(pairs):
    found = mi.pool(*zip(*pairs, strict=True), complete_df=50)
    assert found.estimate == pytest.approx(np.mean([q for q, _ in pairs]), abs=1e-12)
    assert found.total >= found.within
    assert 0 <= found.share < 1
    assert found.df <= 50


def test_pmm_only_gives_values_that_somebody_has(btheb):
    imputed = imputed_by("chained", btheb, COLUMNS, methods=dict.fromkeys(VISITS, "pmm"))
    for j, visit in enumerate(VISITS):
        assert set(np.unique(imputed.values[:, :, j])) <= set(btheb[visit].dropna())


def test_draws_centre_on_the_regression_where_one_column_is_missing():
    # With one incomplete column both ways draw around the least-squares prediction from the
    # complete rows.
    frame = a_frame(2)
    complete = frame.dropna(subset=["y"])
    x = np.column_stack([np.ones(len(complete)), complete.x, complete.z])
    beta = np.linalg.lstsq(x, complete.y.to_numpy(), rcond=None)[0]
    gaps = frame.y.isna().to_numpy()
    expected = (np.column_stack([np.ones(len(frame)), frame.x, frame.z]) @ beta)[gaps]
    for how in ("chained", "normal"):
        drawn = imputed_by(how, frame, ["x", "y", "z"], m=400, iterations=10).values[:, gaps, 0]
        assert np.abs((drawn.mean(axis=0) - expected) / (drawn.std(axis=0) / 20)).max() < 4.5


def test_a_category_of_two_levels_is_imputed_with_its_probability():
    frame = a_frame(3, n=400)
    drawn = imputed_by("chained", frame, ["x", "y", "z", "kind"], m=40)
    gaps = frame.kind.isna().to_numpy()
    high = np.mean([(each.kind[gaps] == "high").to_numpy() for each in drawn.frames()], axis=0)
    true = 1 / (1 + np.exp(10 - frame.x[gaps]))  # what the data were made with
    assert np.abs(high - true).mean() < 0.15
    assert high.mean() == pytest.approx(true.mean(), abs=0.1)


def test_categories_that_a_predictor_separates_perfectly_still_get_finite_draws():
    frame = a_frame(3)
    frame["kind"] = np.where(frame.x > 10, "high", "low").astype(object)
    frame.loc[::5, "kind"] = None
    kinds = {
        kind
        for each in imputed_by("chained", frame, ["x", "z", "kind"], m=20).frames()
        for kind in each.kind
    }
    assert kinds == {"high", "low"}


def test_the_trace_is_the_mean_of_what_was_imputed():
    frame = a_frame()
    for how in ("chained", "normal"):
        imputed = imputed_by(how, frame, ["x", "y", "z"], by="arm")
        gaps = frame.y.isna().to_numpy()
        assert imputed.trace[-1, 0] == pytest.approx(imputed.values[:, gaps, 0].mean(axis=1))


@pytest.mark.parametrize(
    ("how", "change", "options", "error", "says"),
    [
        ("normal", {}, {"m": 1}, mi.NotImputable, "1 imputations are too few"),
        ("normal", {}, {"columns": ["x", "kind"]}, mi.NotImputable, "only chained equations"),
        ("normal", {}, {"columns": ["x", "w"]}, UnknownColumn, "no column 'w'"),
        ("normal", {"z": 1.0}, {}, mi.NotImputable, "z: one value alone"),
        (
            "chained",
            {"z": np.nan},
            {},
            mi.NotImputable,
            "z: 0 values are too few to learn from with 3 columns",
        ),
        ("chained", {"z": np.inf}, {}, mi.NotImputable, "z has infinite values"),
        (
            "chained",
            {},
            {"columns": ["x", "y", "arm"], "by": "arm"},
            mi.NotImputable,
            "cannot be among the columns",
        ),
        (
            "chained",
            {},
            {"columns": ["x", "y"], "by": "kind"},
            mi.NotImputable,
            "kind is missing for somebody",
        ),
        ("chained", {}, {"methods": {"y": "tree"}}, mi.NotImputable, "'tree' is no method"),
        ("chained", {}, {"methods": {"x": "pmm"}}, mi.NotImputable, "nothing is missing there"),
        (
            "chained",
            {},
            {"methods": {"y": "logistic"}},
            mi.NotImputable,
            "logistic is for two categories",
        ),
        ("chained", {}, {"columns": ["x", "x"]}, mi.NotImputable, "each once"),
    ],
)
def test_what_cannot_be_imputed_is_said(how, change, options, error, says):
    frame = a_frame().assign(**change)
    with pytest.raises(error, match=says):
        imputed_by(how, frame, options.pop("columns", ["x", "y", "z"]), **options)


def test_a_column_that_follows_from_others_is_said():
    frame = a_frame()
    frame["w"] = frame.x + frame.z
    for how in ("chained", "normal"):
        with pytest.raises(mi.NotImputable, match="follows from the others"):
            imputed_by(how, frame, ["x", "y", "z", "w"])


@pytest.mark.parametrize("how", ["chained", "normal"])
def test_nobody_needs_to_be_complete(how):
    generator = np.random.default_rng(7)
    level = generator.normal(0, 1, 60)
    values = level[:, None] + generator.normal(0, 0.5, (60, 3))
    values[np.arange(60), np.arange(60) % 3] = np.nan
    imputed = imputed_by(
        how, pd.DataFrame(values, columns=["a", "b", "c"]), ["a", "b", "c"], m=20, iterations=30
    )
    drawn = imputed.values.mean(axis=0)[np.arange(60), np.arange(60) % 3]
    assert np.corrcoef(drawn, level)[0, 1] > 0.8


def test_a_regression_on_what_was_not_imputed_is_refused():
    imputed = imputed_by("chained", a_frame(), ["x", "y", "z"])
    with pytest.raises(mi.NotImputable, match="kind: missing values that were not imputed"):
        mi.regress(imputed, "y", "kind")
    with pytest.raises(mi.NotImputable, match="cannot tell its columns apart"):
        mi.regress(_doubled(imputed), "y", "x + x2")
    with pytest.raises(UnknownColumn, match="no column w"):
        mi.regress(imputed, "y", "w")


def _doubled(imputed):
    frame = imputed.frame.assign(x2=2 * imputed.frame.x)
    return mi.Imputed(frame, imputed.columns, imputed.levels, imputed.values, imputed.trace)


@pytest.mark.parametrize(
    ("estimates", "variances", "says"),
    [
        ([1.0], [1.0], "at least two"),
        ([1.0, math.nan], [1.0, 1.0], "not a number"),
        ([1.0, 2.0], [1.0, 0.0], "not above zero"),
    ],
)
def test_what_cannot_be_pooled_is_said(estimates, variances, says):
    with pytest.raises(mi.NotPoolable, match=says):
        mi.pool(estimates, variances)


def test_a_model_with_as_many_coefficients_as_people_cannot_be_pooled():
    with pytest.raises(
        mi.NotPoolable, match="0 degrees of freedom of the complete data are too few"
    ):
        mi.pool([1.0, 2.0], [1.0, 1.0], complete_df=0)


def test_columns_that_determine_each_other_among_those_who_have_them_are_said():
    generator = np.random.default_rng(4)
    a = generator.normal(size=40)
    frame = pd.DataFrame({"x": generator.normal(size=40), "a": a, "b": 2 * a + 1})
    frame.loc[:4, "a"], frame.loc[35:, "b"] = np.nan, np.nan
    with pytest.raises(mi.NotImputable, match=r"leave one out|follows from the others"):
        mi.normal(frame, ["x", "a", "b"], m=2, generator=generator)
