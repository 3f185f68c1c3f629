"""No entry of results/05 is a GEE: the estimating equations are checked by hand (Liang and Zeger,
Biometrika 1986;73:13).
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import estimating_equations, gee, logistic
from reports.statistics.gee import NotEstimable

MODEL = {"subject": "person", "fixed": "arm + time"}


def simulated(seed=1, n=40, size=3):
    rng = np.random.default_rng(seed)
    person, time = np.repeat(np.arange(n), size), np.tile(np.arange(size), n)
    y = rng.normal(size=n)[person] + rng.normal(size=n * size) + 0.4 * (person % 2) + 0.2 * time
    frame = pd.DataFrame(
        {"person": person, "time": time, "arm": np.where(person % 2, "b", "a"), "y": y}
    )
    frame["yes"] = (y > 0.3).astype(float)
    return frame.drop(index=[1, 5, 10, 11]).reset_index(drop=True)


def design(frame):
    return np.column_stack([np.ones(len(frame)), frame.arm == "b", frame.time]).astype(float)


def equations(frame, outcome, beta, correlation, binomial):
    """The sum of the estimating equations and the sandwich at beta."""
    x, y = design(frame), frame[outcome].to_numpy()
    eta = x @ beta
    mu = 1 / (1 + np.exp(-eta)) if binomial else eta
    v = mu * (1 - mu) if binomial else np.ones_like(mu)
    score, bread, meat = np.zeros(3), np.zeros((3, 3)), np.zeros((3, 3))
    for _, rows in frame.groupby("person").indices.items():
        d = x[rows] * (v[rows] if binomial else 1.0)[..., None] if binomial else x[rows]
        r = np.full((len(rows), len(rows)), correlation)
        np.fill_diagonal(r, 1.0)
        w = np.linalg.inv(r * np.sqrt(np.outer(v[rows], v[rows])))
        own = d.T @ w @ (y[rows] - mu[rows])
        score, bread, meat = score + own, bread + d.T @ w @ d, meat + np.outer(own, own)
    phi = np.linalg.inv(bread)
    return score, phi @ meat @ phi


@pytest.mark.parametrize("working", gee.WORKING)
@pytest.mark.parametrize(("outcome", "family"), [("y", "gaussian"), ("yes", "binomial")])
def test_the_estimating_equations_are_zero_and_the_sandwich_is_theirs(outcome, family, working):
    frame = simulated()
    fit = gee.fit(frame, outcome=outcome, family=family, working=working, **MODEL)
    score, vcov = equations(frame, outcome, fit.beta, fit.correlation or 0.0, family == "binomial")
    assert np.abs(score).max() < 1e-6
    assert fit.vcov.to_numpy() == pytest.approx(vcov, rel=1e-5)
    assert (fit.correlation is None) == (working == "independence")
    assert (fit.n_subjects, fit.n_observations) == (40, 116)


def test_intervals_are_normal_and_odds_ratios_are_exponents():
    fit = gee.fit(simulated(), outcome="yes", family="binomial", **MODEL)
    row, ratio = fit.coefficients.loc["armb"], fit.odds_ratios.loc["armb"]
    assert row.df == np.inf
    assert row.upper == pytest.approx(row.estimate + 1.959963984540054 * row.se)
    assert ratio.lower == pytest.approx(np.exp(row.lower))
    assert fit.test("arm").p == pytest.approx(row.p)
    assert fit.contrasts("arm").loc[0, "estimate"] == pytest.approx(row.estimate)


def test_a_joint_test_is_chi_squared():
    fit = gee.fit(simulated(), outcome="y", subject="person", fixed="arm * C(time)")
    test = fit.test("arm:time")
    assert (test.df1, test.df2) == (2, np.inf)
    assert test.p == pytest.approx(np.exp(-test.statistic))  # of two degrees of freedom


def test_few_clusters_have_wider_errors():
    robust, reduced, model = (
        gee.fit(simulated(), outcome="y", se=each, **MODEL).coefficients.loc["armb", "se"]
        for each in gee.ERRORS
    )
    assert reduced > robust
    assert model > 0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.randoms(use_true_random=False))
def test_scale_order_and_names_do_not_matter(seed, factor, random):
    frame = simulated(seed)
    order = list(range(len(frame)))
    random.shuffle(order)
    changed = frame.iloc[order].assign(y=lambda f: f.y * factor, person=lambda f: 99 - f.person)
    once, again = (gee.fit(each, outcome="y", **MODEL) for each in (frame, changed))
    for name in ("estimate", "se"):
        assert again.coefficients[name].to_numpy() == pytest.approx(
            once.coefficients[name].to_numpy() * factor, rel=1e-5
        )


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"family": "poisson"}, ValueError, "family 'poisson' is not known"),
        ({"working": "ar1"}, ValueError, "working 'ar1' is not known"),
        ({"se": "hc3"}, ValueError, "se 'hc3' is not known"),
        ({"family": "binomial"}, NotEstimable, "y: a yes-or-no outcome has zeros and ones"),
        ({"subject": "arm"}, NotEstimable, "2 subjects are too few for 3 coefficients"),
    ],
)
def test_what_cannot_be_fitted_is_refused(changes, error, said):
    with pytest.raises(error, match=said):
        gee.fit(simulated(), **{"outcome": "y", **MODEL, **changes})


def test_groups_that_are_told_apart_are_refused():
    frame = simulated().assign(yes=lambda f: (f.arm == "b").astype(float))
    with pytest.raises((NotEstimable, gee.NotConverged)):
        gee.fit(frame, outcome="yes", family="binomial", **MODEL)


@pytest.mark.parametrize("se", gee.ERRORS)
@pytest.mark.parametrize("working", gee.WORKING)
def test_an_outcome_that_the_model_fits_exactly_is_refused(working, se):
    frame = simulated().assign(y=lambda f: 2.0 * f.time)
    with pytest.raises(NotEstimable, match="the outcome does not vary around the model"):
        gee.fit(frame, outcome="y", working=working, se=se, **MODEL)


def by_statsmodels(frame, outcome, family, working, se):
    """An independent computation: subject by subject."""
    import statsmodels.api as sm

    families = {"gaussian": sm.families.Gaussian, "binomial": sm.families.Binomial}
    structures = {
        "exchangeable": sm.cov_struct.Exchangeable,
        "independence": sm.cov_struct.Independence,
    }
    errors = {"robust": "robust", "bias-reduced": "bias_reduced", "model": "naive"}
    model = sm.GEE(
        frame[outcome].to_numpy(),
        design(frame),
        groups=frame.person.to_numpy(),
        family=families[family](),
        cov_struct=structures[working](),
    )
    return model.fit(maxiter=200, ctol=1e-11, cov_type=errors[se])


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("se", gee.ERRORS)
@pytest.mark.parametrize("working", gee.WORKING)
@pytest.mark.parametrize(("outcome", "family"), [("y", "gaussian"), ("yes", "binomial")])
def test_the_solution_is_that_of_statsmodels(outcome, family, working, se, seed):
    frame = simulated(seed, n=60, size=4)
    fit = gee.fit(frame, outcome=outcome, family=family, working=working, se=se, **MODEL)
    expected = by_statsmodels(frame, outcome, family, working, se)
    assert fit.beta == pytest.approx(expected.params, rel=1e-10, abs=1e-10)
    assert fit.vcov.to_numpy() == pytest.approx(
        np.asarray(expected.cov_params()), rel=1e-9, abs=1e-12
    )
    assert fit.dispersion == pytest.approx(float(expected.scale), rel=1e-10)
    if working == "exchangeable":
        assert fit.correlation == pytest.approx(
            float(expected.model.cov_struct.dep_params), abs=1e-10
        )


def test_a_correlation_needs_more_pairs_than_coefficients():
    alone = simulated().drop_duplicates("person")
    with pytest.raises(NotEstimable, match="no person has two rows"):
        gee.fit(alone, outcome="y", subject="person", fixed="arm")
    two_pairs = simulated(size=5).iloc[:300].drop_duplicates("person")
    two_pairs = pd.concat([two_pairs, simulated(size=5).iloc[[3, 8]]])
    with pytest.raises(NotEstimable, match="2 pairs of rows of one person are too few"):
        gee.fit(two_pairs, outcome="y", subject="person", fixed="arm")
    assert (
        gee.fit(
            alone, outcome="y", subject="person", fixed="arm", working="independence"
        ).correlation
        is None
    )


def test_somebody_who_alone_determines_a_coefficient_has_no_bias_reduced_error():
    frame = simulated()
    x = np.column_stack([design(frame), frame.person == 3])
    arguments = (frame.y.to_numpy(), x, frame.person.to_numpy())
    found = estimating_equations.solve(
        *arguments, binomial=False, exchangeable=False, most_steps=50
    )
    assert found.converged
    assert np.isnan(found.bias_reduced()).all()


def test_equations_that_do_not_settle_are_refused(monkeypatch):
    monkeypatch.setattr(gee, "MOST_STEPS", 3)
    with pytest.raises(gee.NotConverged, match="Iteration limit reached"):
        gee.fit(simulated(), outcome="yes", family="binomial", **MODEL)


def test_a_continuous_outcome_has_no_odds_ratios():
    with pytest.raises(ValueError, match="odds ratios are of a yes-or-no outcome"):
        _ = gee.fit(simulated(), outcome="y", **MODEL).odds_ratios


def test_one_person_far_out_is_no_separation():
    """Right with independence is the logistic regression; statsmodels 0.14 agrees (exchangeable
    within pairs that are independent is near to it).
    """
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    x[0] = 40.0
    yes = (rng.random(400) < 1 / (1 + np.exp(-x))).astype(int)
    frame = pd.DataFrame({"x": x, "yes": yes, "pair": np.arange(400) // 2})
    want = logistic.fit(frame, outcome="yes", fixed="x").coefficients.estimate
    asked = {"outcome": "yes", "subject": "pair", "fixed": "x", "family": "binomial"}
    found = gee.fit(frame, working="independence", **asked).coefficients.estimate
    assert found.to_numpy() == pytest.approx(want.to_numpy(), rel=1e-6)
    together = gee.fit(frame, **asked)
    assert together.coefficients.estimate["x"] == pytest.approx(want["x"], rel=0.1)
    assert np.isfinite(together.coefficients.to_numpy()[:, :2]).all()


def test_what_does_not_converge_is_not_called_separation(monkeypatch):
    monkeypatch.setattr(gee, "MOST_STEPS", 1)
    with pytest.raises(gee.NotConverged):
        gee.fit(simulated(), outcome="yes", family="binomial", **MODEL)


@pytest.mark.parametrize("working", gee.WORKING)
def test_separation_is_refused_whatever_the_search_does(working):
    frame = simulated()
    frame["yes"] = (frame.time > 0).astype(float)
    with pytest.raises(NotEstimable, match="tells zeros and ones apart"):
        gee.fit(frame, outcome="yes", family="binomial", working=working, **MODEL)
