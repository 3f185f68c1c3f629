"""The mixed model for repeated measures against the R package mmrm, against SAS, and by its
laws.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.statistics import formula, mmrm
from reports.statistics.mmrm import newton
from reports.statistics.mmrm.covariances import Structure, is_positive
from reports.statistics.mmrm.likelihood import Likelihood
from tests.reports.statistics.reference import borrowed, own, results

TOLERANCE = (
    1e-6  # of the R package, relative to the value or to its standard error, whichever is larger
)


def btheb() -> pd.DataFrame:
    return own("BtheB_long").rename(columns={"bdi.pre": "bdi_pre"})


def acupuncture() -> pd.DataFrame:
    wide = borrowed("acupuncture_headache")
    long = wide.melt(["id", "pk1", "group"], ["pk2", "pk5"], "month", "pk")
    long["month"] = long["month"].map({"pk2": 3, "pk5": 12})
    return long.assign(group=long["group"].map({0: "control", 1: "acupuncture"}))


MODELS = {
    "btheb": (
        btheb,
        {
            "outcome": "bdi",
            "subject": "subject",
            "visit": "month",
            "fixed": "bdi_pre + drug + length + treatment * month",
            "reference": {"treatment": "TAU"},
        },
    ),
    "fev": (
        lambda: borrowed("fev_data"),
        {
            "outcome": "FEV1",
            "subject": "USUBJID",
            "visit": "AVISIT",
            "fixed": "RACE + SEX + ARMCD * AVISIT",
            "reference": {"ARMCD": "PBO", "SEX": "Male"},
        },
    ),
    "fev_simple": (
        lambda: borrowed("fev_data"),
        {
            "outcome": "FEV1",
            "subject": "USUBJID",
            "visit": "AVISIT",
            "fixed": "ARMCD",
            "reference": {"ARMCD": "PBO"},
        },
    ),
    "acupuncture": (
        acupuncture,
        {
            "outcome": "pk",
            "subject": "id",
            "visit": "month",
            "fixed": "pk1 + group * month",
            "reference": {"group": "control"},
        },
    ),
}
ERRORS = {
    "Asymptotic": "model",
    "Kenward-Roger-Linear": "model",
    "Empirical": "empirical",
    "Empirical-Bias-Reduced": "empirical-bias-reduced",
}
# The package's own Kenward-Roger works on another scale of the covariance (README of the reference,
# convention 2).
CASES = [
    (model, entry)
    for model in MODELS
    for entry in results("01a_mmrm")[model]
    if entry.startswith("mmrm:") and not entry.endswith(":Kenward-Roger")
]


def fitted(model: str, entry: str) -> mmrm.Fit:
    frame, arguments = MODELS[model]
    _, covariance, df, vcov = entry.split(":")
    return mmrm.fit(frame(), covariance=covariance, df=df.lower(), se=ERRORS[vcov], **arguments)


def differs(found, expected, se) -> float:
    found, expected, se = (np.asarray(each, dtype=float) for each in (found, expected, se))
    return float((np.abs(found - expected) / np.maximum(np.abs(expected), se)).max())


@pytest.mark.parametrize(("model", "entry"), CASES, ids=lambda value: value)
def test_every_covariance_and_every_inference_is_that_of_the_r_package(model, entry):
    reference = results("01a_mmrm")[model][entry]
    fit = fitted(model, entry)
    assert fit.warnings == ()
    assert (fit.n_observations, fit.n_subjects) == (reference["n_obs"], reference["n_subj"])
    assert fit.minus_two_log_likelihood == pytest.approx(reference["deviance"], abs=1e-8)
    assert (fit.aic, fit.bic) == pytest.approx((reference["AIC"], reference["BIC"]), rel=1e-10)
    found = fit.coefficients.loc[list(reference["coef"])]
    se = list(reference["se"].values())
    assert differs(found["estimate"], list(reference["coef"].values()), se) < TOLERANCE
    assert differs(found["se"], se, 0) < TOLERANCE
    assert differs(found["df"], list(reference["df"].values()), 0) < TOLERANCE
    assert differs(np.log(found["p"]), np.log(list(reference["p"].values())), 1) < TOLERANCE
    sigma = reference["Sigma"]
    sd = np.sqrt(np.diag(sigma["rows"]))
    assert (
        differs(fit.covariance.loc[sigma["names"], sigma["names"]], sigma["rows"], np.outer(sd, sd))
        < 10 * TOLERANCE
    )
    names = reference["vcov"]["names"]
    assert (
        differs(fit.vcov.loc[names, names], reference["vcov"]["rows"], np.outer(se, se)) < TOLERANCE
    )


@pytest.mark.parametrize(
    ("model", "entry"), [c for c in CASES if c[0] != "fev_simple"], ids=lambda value: value
)
def test_marginal_means_and_contrasts_are_those_of_emmeans(model, entry):
    described, fit = results("01a_mmrm")[model], fitted(model, entry)
    arm, visit, reference = described["arm"], described["visit"], described[entry]["emmeans"]
    means = fit.marginal_means(arm, by=visit)
    assert list(means[arm]) == [row[arm] for row in reference["means"]]
    contrasts = fit.contrasts(arm, by=visit, reference=MODELS[model][1]["reference"][arm])
    for found, rows, estimate in (
        (means, reference["means"], "emmean"),
        (contrasts, reference["contrasts"], "estimate"),
    ):
        assert list(found[visit]) == [str(row[visit]) for row in rows]
        se = [row["SE"] for row in rows]
        assert differs(found["estimate"], [row[estimate] for row in rows], se) < TOLERANCE
        assert differs(found["se"], se, 0) < TOLERANCE
        assert differs(found["df"], [row["df"] for row in rows], 0) < TOLERANCE
        assert differs(found["lower"], [row["lower.CL"] for row in rows], se) < TOLERANCE
        assert differs(found["upper"], [row["upper.CL"] for row in rows], se) < TOLERANCE


@pytest.mark.parametrize("model", ["btheb", "fev", "acupuncture"])
@pytest.mark.parametrize("reml", [True, False])
def test_the_likelihood_is_that_of_gls(model, reml):
    frame, arguments = MODELS[model]
    fit = mmrm.fit(frame(), reml=reml, df="satterthwaite", **arguments)
    reference = results("01a_mmrm")[model][f"gls_us_{'REML' if reml else 'ML'}"]
    assert fit.minus_two_log_likelihood == pytest.approx(
        reference["minus2"], abs=1e-5
    )  # gls stops a little earlier
    assert fit.minus_two_log_likelihood <= reference["minus2"] + 1e-8


@pytest.mark.parametrize(
    "entry", ["Satterthwaite:Asymptotic", "Kenward-Roger:Kenward-Roger-Linear"]
)
def test_a_simulated_trial_of_500_people_and_5_visits(entry):
    reference = results("07_sim_trial_500x5")["sim_trial_500x5"][entry]
    fit = mmrm.fit(
        own("sim_trial_500x5"),
        outcome="y",
        subject="id",
        visit="visit",
        fixed="base * visit + C(arm) * visit + strat",
        df=entry.split(":")[0].lower(),
    )
    assert fit.minus_two_log_likelihood == pytest.approx(reference["deviance"], abs=1e-8)
    assert (fit.n_observations, fit.n_subjects) == (reference["n_obs"], reference["n_subj"])
    found = fit.coefficients.loc[list(reference["coef"])]
    se = list(reference["se"].values())
    assert differs(found["estimate"], list(reference["coef"].values()), se) < 1e-5
    assert differs(found["se"], se, 0) < 1e-5
    assert differs(found["df"], list(reference["df"].values()), 0) < 1e-5


def test_kenward_rogers_joint_test_is_that_of_one_contrast_where_there_is_one():
    fit = fitted("btheb", "mmrm:us:Kenward-Roger:Kenward-Roger-Linear")
    row = fit.coefficients.loc["drugYes"]
    found = fit.test("drug")
    assert (found.df1, found.statistic, found.df2, found.p) == pytest.approx(
        (1, row["t"] ** 2, row["df"], row["p"])
    )


@pytest.mark.parametrize("df", ["kenward-roger", "residual"])
def test_a_joint_test_does_not_depend_on_how_the_term_is_coded(df):
    """Against other reference levels. (The degrees of freedom of Fai and Cornelius do depend on it,
    here as in R.)
    """
    frame, arguments = MODELS["btheb"]
    one = mmrm.fit(frame(), df=df, **arguments)
    other = mmrm.fit(
        frame(), df=df, **{**arguments, "reference": {"treatment": "BtheB", "month": "8"}}
    )
    first, second = one.test("treatment:month"), other.test("month:treatment")
    assert (first.df1, first.df2, first.statistic) == pytest.approx(
        (3, second.df2, second.statistic), rel=1e-6
    )


def made(seed: int, n: int = 60, m: int = 3, missing: float = 0.2) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    arm, base = generator.integers(0, 2, n), generator.normal(20, 5, n)
    y = (
        0.5 * base[:, None]
        + arm[:, None] * 0.5
        + generator.normal(size=(n, 1)) * 2
        + generator.normal(size=(n, m)) * 3
    )
    i, v = np.nonzero(generator.random((n, m)) >= missing)
    return pd.DataFrame(
        {"id": i, "visit": v + 1, "arm": np.where(arm, "b", "a")[i], "base": base[i], "y": y[i, v]}
    )


HOW = {"outcome": "y", "subject": "id", "visit": "visit", "fixed": "base + arm * visit"}


@given(seed=st.integers(0, 10_000), structure=st.sampled_from(mmrm.COVARIANCES))
@settings(max_examples=40, deadline=None)
def test_derivatives_are_those_of_differences(seed, structure):
    """Gradient and observed information against central differences of the likelihood, off the
    optimum.
    """
    generator = np.random.default_rng(seed)
    prepared = mmrm.fit(made(seed), covariance="cs", **HOW).prepared
    each = Structure(structure, 3)
    noise = generator.normal(size=(3, 6))
    theta = each.start(noise @ noise.T + np.eye(3) * 4)
    likelihood = Likelihood(prepared.blocks, [each], reml=True)
    slopes = likelihood.slopes(likelihood.at(theta))
    step = 1e-5 * np.maximum(np.abs(theta), 0.1)

    def moved(place: int, by: float) -> np.ndarray:
        return theta + by * step * (np.arange(len(theta)) == place)

    for place in range(len(theta)):
        above, below = (likelihood.at(moved(place, by)) for by in (1, -1))
        slope = (above.value - below.value) / (2 * step[place])
        assert slopes.gradient[place] == pytest.approx(
            slope, rel=1e-4, abs=1e-4 * np.abs(slopes.gradient).max()
        )
        bends = (likelihood.slopes(above).gradient - likelihood.slopes(below).gradient) / (
            2 * step[place]
        )
        assert slopes.observed[place] == pytest.approx(
            bends, rel=1e-4, abs=1e-4 * np.abs(slopes.observed).max()
        )


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
@example(seed=0, scale=0.015625, shift=16.0)
@example(seed=1, scale=1.0, shift=10_000.0)
@settings(max_examples=15, deadline=None)
def test_units_order_and_names_change_nothing_but_themselves(seed, scale, shift):
    frame = made(seed)
    plain = mmrm.fit(frame, **HOW)
    mixed = frame.sample(frac=1, random_state=seed)
    moved = mixed.assign(
        y=mixed["y"] * scale + shift,
        base=mixed["base"] * 1000,
        arm=mixed["arm"].map({"a": "control", "b": "treated"}),
        id="p" + mixed["id"].astype(str),
    )
    other = mmrm.fit(moved, **HOW)
    first = plain.contrasts("arm", by="visit", reference="a")
    second = other.contrasts("arm", by="visit", reference="control")
    for name in ("estimate", "se", "lower", "upper"):
        assert second[name].to_numpy() == pytest.approx(
            first[name].to_numpy() * scale, rel=1e-5, abs=1e-6 * scale
        )
    assert second["df"].to_numpy() == pytest.approx(first["df"].to_numpy(), rel=1e-5)


def test_without_missing_values_the_contrast_of_two_arms_is_the_difference_of_means():
    frame = made(3, missing=0.0)
    fit = mmrm.fit(frame, **{**HOW, "fixed": "arm * visit"})
    means = frame.groupby(["visit", "arm"])["y"].mean().unstack()
    found = fit.contrasts("arm", by="visit", reference="a")["estimate"].to_numpy()
    assert found == pytest.approx((means["b"] - means["a"]).to_numpy(), rel=1e-9)


def test_weights_divide_variances_and_groups_have_covariances_of_their_own():
    frame = made(5, n=120)
    weighted = mmrm.fit(frame.assign(w=4.0), weights="w", **HOW)
    plain = mmrm.fit(frame, **HOW)
    assert weighted.covariance.to_numpy() == pytest.approx(
        4 * plain.covariance.to_numpy(), rel=1e-6
    )
    assert weighted.minus_two_log_likelihood == pytest.approx(
        plain.minus_two_log_likelihood, abs=1e-7
    )
    assert weighted.coefficients["se"].to_numpy() == pytest.approx(
        plain.coefficients["se"].to_numpy(), rel=1e-6
    )
    grouped = mmrm.fit(frame, groups="arm", **HOW)
    apart = [mmrm.fit(frame[frame["arm"] == arm], **{**HOW, "fixed": "visit"}) for arm in "ab"]
    together = mmrm.fit(frame, groups="arm", **{**HOW, "fixed": "arm * visit"})
    assert set(grouped.covariance) == {"a", "b"}
    assert together.minus_two_log_likelihood == pytest.approx(
        sum(a.minus_two_log_likelihood for a in apart), abs=1e-6
    )


def test_a_covariance_that_does_not_converge_falls_back_and_says_so():
    """Two visits that are the same to the last digit: the unstructured matrix lies on the edge."""
    frame = made(7, missing=0.0)
    first = frame[frame["visit"] == 1].set_index("id")["y"]
    same = frame["visit"] == 2
    frame.loc[same, "y"] = frame.loc[same, "id"].map(first)
    fit = mmrm.fit(frame, **HOW)
    assert fit.structure != "us"
    assert len(fit.warnings) == 1
    assert fit.warnings[0].startswith(f"covariance {fit.structure} instead of us (us: ")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            lambda f: f.assign(twin=f["base"] * 2),
            mmrm.NotEstimable,
            "twin cannot be told apart from the columns before",
        ),
        (lambda f: f.assign(twin="x"), mmrm.NotEstimable, "twin: everybody has x"),
        (
            lambda f: f.assign(twin=f["id"] % 5, y=5.0),
            mmrm.NotEstimable,
            "the outcome does not vary around the model",
        ),
        (
            lambda f: f[f["id"] == 1].assign(twin=1.5),
            mmrm.NotEstimable,
            "one subject|everybody has",
        ),
        (
            lambda f: pd.concat([f, f.iloc[:1]]).assign(twin=range(len(f) + 1)),
            mmrm.Duplicate,
            "two rows at visit",
        ),
        (lambda f: f, formula.UnknownColumn, "there is no column 'twin'"),
    ],
)
def test_what_cannot_be_estimated_is_said_in_words(change, error, words):
    with pytest.raises(error, match=words):
        mmrm.fit(change(made(1)), **{**HOW, "fixed": "base + twin + arm * visit"})


def test_an_outcome_that_is_the_same_for_everybody_at_a_visit_is_refused():
    frame = made(1)
    constant = frame.assign(y=frame["y"].where(frame["visit"] != 2, 5.0))
    with pytest.raises(
        mmrm.NotEstimable, match="at visit 2 the outcome does not vary around the model"
    ):
        mmrm.fit(constant, **{**HOW, "fixed": "arm * visit"})


def test_a_visit_with_nobody_is_left_out_and_named():
    frame = made(2)
    frame["visit"] = pd.Categorical(frame["visit"], categories=[1, 2, 3, 9])
    fit = mmrm.fit(frame, **HOW)
    assert fit.warnings == ("visit: nobody has 9",)
    assert list(fit.covariance) == ["1", "2", "3"]


def test_a_visit_at_which_everybody_is_missing_is_named_too():
    frame = made(2)
    last = frame["visit"] == 3
    for fixed in (HOW["fixed"], "arm"):
        how = {**HOW, "fixed": fixed}
        fit = mmrm.fit(frame.assign(y=frame["y"].mask(last)), **how)
        assert fit.warnings == ("visit: nobody has 3",)
        assert fit.coefficients.equals(mmrm.fit(frame[~last], **how).coefficients)


def test_a_reference_level_may_be_written_as_a_number():
    given, as_text = (
        mmrm.fit(made(2), **{**HOW, "reference": {"visit": level}}).coefficients
        for level in (3, "3")
    )
    assert given.equals(as_text)


@pytest.mark.parametrize(
    ("change", "how", "words"),
    [
        (
            lambda f: f.assign(w=np.where(f["id"] == 3, 0.0, 1.0)),
            {"weights": "w"},
            "w: weights are above 0",
        ),
        (
            lambda f: f.assign(w=np.where(f["visit"] == 3, "late", f["arm"])),
            {"groups": "w"},
            "subject is in two groups",
        ),
        (
            lambda f: f[f["id"] == f["id"].iloc[0]],
            {"fixed": "1"},
            "there is one subject; a covariance over visits",
        ),
        (
            lambda f: f.groupby("id").head(1).head(3),
            {"fixed": "base + arm"},
            "3 observations are too few for 3",
        ),
    ],
)
def test_people_who_carry_no_covariance_are_refused_in_words(change, how, words):
    with pytest.raises(mmrm.NotEstimable, match=words):
        mmrm.fit(change(made(1)), **{**HOW, **how})


def test_where_no_covariance_converges_every_one_that_was_tried_says_why():
    """All visits of a person are the same number, so that every correlation is one."""
    frame = made(7, missing=0.0)
    frame["y"] = frame["id"].map(frame[frame["visit"] == 1].set_index("id")["y"])
    with pytest.raises(mmrm.NotConverged) as raised:
        mmrm.fit(frame, covariance="ar1h", **{**HOW, "fixed": "base + arm"})
    assert [part.split(": ")[0] for part in str(raised.value).split("; ")] == ["ar1h", "csh", "cs"]
    assert str(raised.value).endswith(
        "cs: the information is singular: the data do not tell all covariances apart"
    )


def test_a_covariance_that_is_none_is_no_place_to_start_a_search():
    prepared = mmrm.fit(made(1), covariance="csh", **HOW).prepared
    likelihood = Likelihood(prepared.blocks, [Structure("csh", 3)], reml=True)
    for none in (
        [0.0, 0, 0, -0.9],
        [1e4, 0, 0, 0.1],
    ):  # correlations that cannot be, variances beyond any number
        assert likelihood.at(np.array(none)) is None
        with pytest.raises(
            mmrm.NotConverged, match="the covariance to start from is not positive definite"
        ):
            newton.maximise(likelihood, np.array(none))


@pytest.mark.parametrize("name", ["toeph", "adh", "ad"])
def test_where_the_moments_of_the_data_are_no_covariance_the_correlations_are_shrunk(name):
    # Neighbours correlate, and those further apart do not: with five visits no Toeplitz matrix is
    # like that.
    sigma = np.eye(5)
    for i in range(4):
        sigma[i, i + 1] = sigma[i + 1, i] = 0.9
    structure = Structure(name, 5)
    theta = structure.start(sigma)
    assert is_positive(structure.sigma(theta))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"covariance": "ante"}, "covariance 'ante' is not known"),
        ({"df": "between"}, "df 'between' is not known"),
        ({"se": "robust"}, "se 'robust' is not known"),
        ({"se": "empirical"}, "Kenward-Roger is model-based"),
    ],
)
def test_choices_that_do_not_exist_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        mmrm.fit(made(1), **HOW, **given)


@pytest.mark.parametrize("name", mmrm.COVARIANCES)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_every_structure_starts_positive_definite_and_has_the_parameters_it_says(name, size):
    structure = Structure(name, size)
    theta = structure.start(np.eye(size) * 3 + 1)
    assert (len(theta), len(structure.first(theta))) == (
        structure.n_parameters,
        structure.n_parameters,
    )
    assert is_positive(structure.sigma(theta))


SAS = {
    "us": "us",
    "cs": "cs",
    "csh": "csh",
    "ar1": "ar1",
    "ar1h": "arh1",
    "toep": "toep",
    "toeph": "toeph",
    "adh": "adh",
}


def published() -> dict:
    borrowed("fev_data")
    return json.loads(
        (Path(os.environ["HANDVAT_REFERENCE_DATA"]) / "mmrm_sas_published.json").read_text()
    )


def against_sas(row: dict, contrast: pd.Series, df: bool = True) -> None:
    """PROC MIXED stops short of the optimum."""
    assert contrast["estimate"] == pytest.approx(row["Estimate"], rel=5e-5)
    assert contrast["se"] == pytest.approx(row["StdErr"], rel=2e-4)
    if df:
        assert contrast["df"] == pytest.approx(row["DF"], rel=6e-4)


@pytest.mark.parametrize("covariance", SAS)
def test_kenward_roger_is_that_of_sas(covariance):
    """ddfm=kr(linear) for every covariance; ddfm=kr is the same where Sigma is linear in its
    parameters.
    """
    frame, arguments = MODELS["fev_simple"]
    fit = mmrm.fit(frame(), covariance=covariance, **arguments)
    against_sas(
        published()["kr_linear"][SAS[covariance]], fit.contrasts("ARMCD", reference="PBO").iloc[0]
    )
    if covariance == "us":
        against_sas(published()["kr"]["us"], fit.contrasts("ARMCD", reference="PBO").iloc[0])


@pytest.mark.parametrize("weights", [None, "WEIGHT"])
@pytest.mark.parametrize("covariance", SAS)
def test_the_sandwich_is_that_of_sas(covariance, weights):
    frame, arguments = MODELS["fev_simple"]
    fit = mmrm.fit(
        frame(), covariance=covariance, weights=weights, df="residual", se="empirical", **arguments
    )
    entry = SAS[covariance] + ("_weighted" if weights else "")
    against_sas(
        published()["empirical"][entry], fit.contrasts("ARMCD", reference="PBO").iloc[0], df=False
    )


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", ["us", "cs", "csh", "ar1", "ar1h", "toeph", "adh"])
def test_the_likelihood_is_that_of_sas(covariance, method):
    simple = {"reml": "sas_log_simple_reml", "ml": "sas_log_simple"}
    entry = published()["listings"][
        simple[method] if covariance == "us" else f"sas_{covariance}_{method}"
    ]
    assert by_mean_alone(covariance, method) == pytest.approx(entry["minus2loglik"], abs=5e-5)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", ["cs", "csh", "ar1", "ar1h", "toeph", "adh"])
def test_a_covariance_for_each_arm_is_that_of_sas(covariance, method):
    entry = published()["listings"][f"sas_group_{covariance}_{method}"]
    assert by_mean_alone(covariance, method, groups="ARMCD") == pytest.approx(
        entry["minus2loglik"], abs=5e-5
    )


def by_mean_alone(covariance: str, method: str, **more) -> float:
    frame, arguments = MODELS["fev_simple"]
    model = {**arguments, "fixed": "1", "reference": {}}
    fit = mmrm.fit(frame(), covariance=covariance, reml=method == "reml", **model, **more)
    return fit.minus_two_log_likelihood


def test_importing_it_loads_neither_pandas_nor_scipy():
    code = (
        "import sys; import reports.statistics.mmrm; "
        "print([m for m in ('pandas', 'scipy', 'scipy.linalg', 'statsmodels', 'django') if m in "
        "sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
