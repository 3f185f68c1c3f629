"""Simulated trials: the laws of the draws, analyses against their references, the same numbers on
one core and on two.
"""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import partially_nested, power_simulation, sample_size
from reports.statistics.power_simulation import (
    Ancova,
    Coaches,
    Leaving,
    Mmrm,
    NoTrial,
    PartiallyNested,
    Stopping,
    Trial,
)
from reports.statistics.power_simulation.nested import fit_nested
from reports.statistics.power_simulation.simulate import THREADS, _one_thread_each

from .reference import own, results

VISITS = 4
PLAIN = Trial(
    n=(40, 40),
    means=((12, 11, 10, 10), (12, 9, 7, 7)),
    covariance=power_simulation.compound_symmetry(6.0, 0.6, VISITS),
    baseline=15.0,
)
FULL = replace(
    PLAIN,
    missing=(0.05,) * VISITS,
    stopping=Stopping((0.1, 0.1, 0.05, 0.0), kept=0.5),
    leaving=Leaving(((0.05,) * VISITS, (0.08,) * VISITS), slope=0.4, after_stopping=1.0),
    coaches=Coaches(6, 0.05),
)


def rng(seed=1):
    return np.random.default_rng(seed)


def test_scores_have_the_means_and_covariance_declared():
    scores = power_simulation.draw(PLAIN, 2000, rng())
    for arm in (0, 1):
        found = scores.y[:, PLAIN.treated == arm].mean(axis=(0, 1))
        assert found == pytest.approx(np.array(PLAIN.means[arm]), abs=0.1)
    together = np.concatenate([scores.baseline[..., None], scores.y], axis=-1)[
        :, : PLAIN.n[0]
    ].reshape(-1, VISITS + 1)
    assert np.cov(together.T) == pytest.approx(PLAIN.sigma, abs=1.0)
    assert scores.seen.all()


def test_who_stops_stays_stopped_and_loses_the_effect_but_is_still_seen():
    trial = replace(PLAIN, stopping=Stopping((0.3, 0.2, 0.1, 0.0), kept=0.5))
    scores = power_simulation.draw(trial, 3000, rng())
    assert not scores.stopped[:, ~trial.treated].any()
    assert (np.diff(scores.stopped.astype(int), axis=-1) >= 0).all()
    assert scores.seen.all()
    treated = scores.y[:, trial.treated].mean(axis=(0, 1)) - np.array(trial.means[0])
    assert treated == pytest.approx(trial.policy_effect, abs=0.1)
    # By hand: at the second visit 0.56 are in, 0.14 stopped before it (half is left), 0.3 before
    # the first (a quarter).
    assert trial.policy_effect[1] == pytest.approx(-2 * (0.56 + 0.14 * 0.5 + 0.3 * 0.25))


def test_who_leaves_is_never_seen_again_and_worse_scores_leave_more():
    trial = replace(PLAIN, leaving=Leaving(((0.1,) * VISITS, (0.2,) * VISITS), slope=1.0))
    scores = power_simulation.draw(trial, 500, rng())
    assert (np.diff(scores.seen.astype(int), axis=-1) <= 0).all()
    gone = ~scores.seen[..., 1] & scores.seen[..., 0]
    stayed = scores.seen[..., 1]
    assert scores.y[..., 0][gone].mean() > scores.y[..., 0][stayed].mean() + 2
    at_random = replace(PLAIN, leaving=Leaving(((0.1,) * VISITS, (0.2,) * VISITS)))
    share = 1 - power_simulation.draw(at_random, 1000, rng()).seen[..., 0].mean(axis=0)
    assert share[~PLAIN.treated].mean() == pytest.approx(0.1, abs=0.01)
    assert share[PLAIN.treated].mean() == pytest.approx(0.2, abs=0.01)


def test_people_of_one_coach_are_alike_by_the_icc():
    trial = replace(PLAIN, coaches=Coaches(5, 0.2))
    scores = power_simulation.draw(trial, 3000, rng())
    last = scores.y[:, trial.treated, -1] - trial.means[1][-1]
    groups = np.stack([last[:, trial.coach[trial.treated] == k] for k in range(5)], axis=1)
    between = (groups[..., 0] * groups[..., 1]).mean()
    assert between / last.var() == pytest.approx(0.2, abs=0.02)


def test_fit_of_arrays_is_that_of_the_frame_and_of_r():
    from reports.statistics import mmrm

    frame = own("sim_trial_500x5").dropna(subset=["y"])
    visits = sorted(frame.visit.unique())
    ids = sorted(frame.id.unique())
    row, column = np.searchsorted(ids, frame.id), np.searchsorted(visits, frame.visit)
    m = len(visits)
    dense, seen = np.zeros((len(ids), m, 3 * m + 3)), np.zeros((len(ids), m), dtype=bool)
    visit = np.eye(m)[column]
    arm, base = frame.arm.to_numpy(float)[:, None], frame.base.to_numpy(float)[:, None] / 20
    strat = np.column_stack([frame.strat == "B", frame.strat == "C"]).astype(float)
    dense[row, column] = np.column_stack([visit, visit * arm, visit * base, strat, frame.y])
    seen[row, column] = True
    combinations = np.eye(3 * m + 2)[m : 2 * m]
    estimate, se, df = mmrm.fit_arrays(dense, seen, near=np.eye(m) * 30 + 20).combined(combinations)
    expected = results("07_sim_trial_500x5")["sim_trial_500x5"][
        "Kenward-Roger:Kenward-Roger-Linear"
    ]
    assert estimate[0] == pytest.approx(expected["coef"]["arm1"], rel=1e-5)
    assert se[0] == pytest.approx(expected["se"]["arm1"], rel=1e-5)
    assert df[0] == pytest.approx(expected["df"]["arm1"], rel=1e-5)
    fit = mmrm.fit(
        frame.assign(arm=frame.arm.astype(str)),
        outcome="y",
        subject="id",
        visit="visit",
        fixed="base * visit + arm * visit + strat",
        reference={"arm": "0"},
    )
    contrasts = fit.contrasts("arm", by="visit", reference="0")
    for found, name in ((estimate, "estimate"), (se, "se"), (df, "df")):
        assert found == pytest.approx(contrasts[name].to_numpy(), rel=1e-8)


def test_start_does_not_change_the_fit():
    from reports.statistics import mmrm

    scores = power_simulation.draw(FULL, 1, rng())
    analysis = Mmrm()
    dense = analysis._template(FULL)
    analysis._put(dense, scores.baseline[0] - 15, scores.y[0])
    combination = np.eye(dense.shape[-1] - 1)
    near, far = (
        mmrm.fit_arrays(dense, scores.seen[0], near=each) for each in (FULL.sigma[1:, 1:], None)
    )
    for a, b in zip(near.combined(combination), far.combined(combination), strict=True):
        assert a == pytest.approx(b, rel=1e-7)


def test_arrays_that_determine_nothing_say_so():
    from reports.statistics import mmrm

    rows = rng().normal(size=(20, 3, 3))
    seen = np.ones((20, 3), dtype=bool)
    for column, says in ((0.0, "column 1 is zero"), (2 * rows[..., 0], "follows from the others")):
        dense = rows.copy()
        dense[..., 1] = column
        with pytest.raises(mmrm.NotEstimable, match=says):
            mmrm.fit_arrays(dense, seen)
    seen[1:] = False
    with pytest.raises(mmrm.NotEstimable, match="too few"):
        mmrm.fit_arrays(rows, seen)


def test_a_visit_where_no_treated_is_seen_is_a_failure_of_that_trial():
    trial = replace(PLAIN, n=(40, 3), leaving=Leaving(((0.0,) * VISITS, (0.0, 0.0, 0.0, 0.7))))
    found = Mmrm()(power_simulation.draw(trial, 30, rng()))
    nobody = np.isnan(found.estimate)
    assert 0 < nobody.sum() < 30


def test_ancova_is_least_squares():
    scores = power_simulation.draw(FULL, 3, rng())
    found = Ancova(visit=2)(scores)
    for t in range(3):
        there = scores.seen[t, :, 2]
        x = np.column_stack([np.ones(there.sum()), FULL.treated[there], scores.baseline[t, there]])
        y = scores.y[t, there, 2]
        beta, left, *_ = np.linalg.lstsq(x, y)
        se = np.sqrt(left[0] / (len(y) - 3) * np.linalg.inv(x.T @ x)[1, 1])
        assert (found.estimate[t], found.se[t], found.df[t]) == pytest.approx(
            (beta[1], se, len(y) - 3)
        )


def test_partially_nested_is_that_of_lme():
    frame = own("sim_partially_nested")
    z = np.column_stack([np.ones(len(frame)), frame.g, frame.base, frame.y])[None]
    coach = frame.coach.astype("category").cat.codes.to_numpy()
    fit = fit_nested(z, np.ones((1, len(frame)), dtype=bool), coach)
    expected = results("05_cace_nested_gee")["pn_sim_hetero"]
    names = ["(Intercept)", "g", "base"]
    assert fit.value[0] == pytest.approx(expected["minus2"], abs=1e-8)
    assert fit.beta[0] == pytest.approx([expected["coef"][name] for name in names], rel=1e-5)
    assert np.sqrt(np.diag(fit.phi[0])) == pytest.approx(
        [expected["se"][name] for name in names], rel=1e-5
    )
    variances = [expected["resid_var"]["0"], expected["resid_var"]["1"], expected["var_cluster"]]
    assert fit.theta[0] == pytest.approx(variances, rel=1e-5)
    assert fit.icc[0] == pytest.approx(expected["icc_treated"], rel=1e-5)


def test_partially_nested_is_that_of_one_trial_from_a_frame():
    frame = own("sim_partially_nested")
    frame["arm"] = np.where(frame.g == 1, "coached", "alone")
    z = np.column_stack([np.ones(len(frame)), frame.g, frame.base, frame.y])[None]
    fit = fit_nested(
        z, np.ones((1, len(frame)), dtype=bool), frame.coach.astype("category").cat.codes.to_numpy()
    )
    other = partially_nested.fit(
        frame,
        outcome="y",
        arm="arm",
        guided="coached",
        cluster="coach",
        fixed="base + arm",
        reference={"arm": "alone"},
        residual="by-arm",
        df="satterthwaite",
    )
    row = other.coefficients.loc["armcoached"]
    estimate, se, df = (float(each[0]) for each in fit.combined(np.array([0.0, 1.0, 0.0])))
    assert (estimate, se, df) == pytest.approx((row.estimate, row.se, row.df), rel=1e-6)


def test_no_coach_variance_is_two_variances():
    # Coaches that differ less than chance: the variance stays at 0 and the answer is weighted least
    # squares by arm.
    scores = power_simulation.draw(replace(PLAIN, coaches=Coaches(8, 0.0)), 40, rng())
    z = np.stack(
        [np.ones((40, 80)), np.broadcast_to(PLAIN.treated, (40, 80)), scores.y[..., -1]], axis=-1
    )
    fit = fit_nested(z, np.ones((40, 80), dtype=bool), scores.trial.coach)
    at_zero = fit.theta[:, 2] == 0
    assert 5 < at_zero.sum() < 35
    estimate, se, df = fit.combined(np.array([0.0, 1.0]))
    for t in np.flatnonzero(at_zero):
        first, second = scores.y[t, :40, -1], scores.y[t, 40:, -1]
        v1, v2 = first.var(ddof=1) / 40, second.var(ddof=1) / 40
        assert estimate[t] == pytest.approx(second.mean() - first.mean())
        assert se[t] == pytest.approx(np.sqrt(v1 + v2), rel=1e-6)
        assert df[t] == pytest.approx((v1 + v2) ** 2 / (v1**2 / 39 + v2**2 / 39), rel=1e-5)  # Welch


@pytest.mark.parametrize(
    "analysis",
    [Mmrm(), Ancova(), PartiallyNested(), Mmrm(baseline_by_visit=True, covariance="csh")],
)
def test_the_same_seed_gives_the_same_on_one_core_and_on_two(analysis):
    found = [
        power_simulation.simulate(FULL, analysis, rng(5), trials=120, cores=cores)
        for cores in (1, 2)
    ]
    assert found[0] == found[1]
    assert found[0].trials == 120
    other = power_simulation.simulate(FULL, analysis, rng(6), trials=120, cores=1)
    assert other != found[0]


def test_power_of_ancova_is_that_of_the_formula():
    trial = replace(
        PLAIN, means=((12,), (9,)), covariance=power_simulation.compound_symmetry(6.0, 0.6, 1)
    )
    found = power_simulation.simulate(trial, Ancova(), rng(), trials=4000, cores=1)
    expected = sample_size.ancova(3, 6, 0.6).power(40)
    # The formula leaves out that baseline differs by chance, which costs under 0.01 at this size.
    assert found.power.value == pytest.approx(expected, abs=4 * found.power.error)
    assert abs(found.bias.value) < 4 * found.bias.error
    assert found.coverage.value == pytest.approx(0.95, abs=4 * found.coverage.error)
    assert found.se.value == pytest.approx(found.spread.value, abs=4 * found.spread.error)


def test_mmrm_keeps_its_level_and_its_coverage():
    found = power_simulation.simulate(FULL.without_effect(), Mmrm(), rng(3), trials=400, cores=1)
    assert found.failures == 0
    plain = replace(FULL, coaches=None).without_effect()
    found = power_simulation.simulate(plain, Mmrm(), rng(3), trials=600, cores=1)
    assert found.truth == 0
    assert found.power.value == pytest.approx(0.05, abs=4 * found.power.error)
    assert found.coverage.value == pytest.approx(1 - found.power.value)


def test_what_the_bias_is_about_is_named():
    trial = replace(PLAIN, stopping=Stopping((0.3,) * VISITS, kept=0.0))
    policy = power_simulation.simulate(trial, Mmrm(), rng(), trials=300, cores=1)
    assert abs(policy.bias.value) < 4 * policy.bias.error
    wanting = power_simulation.simulate(
        trial, Mmrm(after_stopping=False), rng(), trials=300, estimand="hypothetical", cores=1
    )
    assert abs(wanting.bias.value) < 4 * wanting.bias.error
    assert abs(wanting.truth) > abs(policy.truth)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 400), st.floats(0.2, 5), st.floats(0.2, 5))
def test_arms_add_up(total, control, treated):
    assert sum(power_simulation.arms(total, (control, treated))) == total


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.0, 0.5), st.floats(0.0, 0.5))
def test_more_leaving_is_never_more_seen(seed, rate, more):
    low, high = (
        replace(PLAIN, leaving=Leaving(((r,) * VISITS, (r,) * VISITS), slope=0.3))
        for r in (rate, min(rate + more, 0.9))
    )
    few, many = (power_simulation.draw(each, 3, rng(seed)).seen for each in (high, low))
    assert not (few & ~many).any()


def test_failed_analyses_are_counted_and_not_called_rejections():
    found = power_simulation.TrialEstimates(
        np.array([5.0, np.nan, 0.0, -5.0]),
        np.array([1.0, np.nan, 1.0, 1.0]),
        np.array([50.0, np.nan, 50.0, 50.0]),
    )
    told = power_simulation.summarised(found, 0.0)
    assert (told.trials, told.failures, told.power.value) == (4, 1, 0.5)


def test_one_trial_with_an_estimate_is_too_few_to_sum_up():
    found = power_simulation.TrialEstimates(*(np.array([1.0, np.nan, np.nan]) for _ in range(3)))
    with pytest.raises(ValueError, match="the analysis failed in 2 of 3 trials"):
        power_simulation.summarised(found, 0.0)


def test_without_coaches_nobody_has_one():
    assert PLAIN.coach.tolist() == [-1] * 80
    coached = replace(PLAIN, coaches=Coaches(3, 0.1)).coach
    assert coached[:40].tolist() == [-1] * 40
    assert np.bincount(coached[40:]).tolist() == [14, 13, 13]


def test_how_many_threads_linear_algebra_may_use_is_afterwards_what_it_was(monkeypatch):
    first, *others = THREADS
    monkeypatch.setenv(first, "3")
    for name in others:
        monkeypatch.delenv(name, raising=False)
    with _one_thread_each():
        assert {os.environ[name] for name in THREADS} == {"1"}
    assert {name: os.environ[name] for name in THREADS if name in os.environ} == {first: "3"}


def test_a_power_of_all_simulated_trials_is_not_known_without_error():
    # Half an event of 200: sqrt(0.9975 x 0.0025 / 200) = 0.00353.
    made = power_simulation.TrialEstimates(
        np.linspace(9, 11, 200), np.ones(200), np.full(200, 50.0)
    )
    found = power_simulation.summarised(made, 10.0)
    assert (found.power.value, found.power.error) == (1.0, pytest.approx(0.003531, abs=1e-6))
    assert found.coverage.error > 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n": (1, 40)}, "at least 2"),
        ({"means": ((1, 2), (1,))}, "same visits"),
        ({"covariance": ((1.0,),)}, "5 by 5"),
        (
            {"covariance": tuple(tuple(1.0 for _ in range(5)) for _ in range(5))},
            "positive definite",
        ),
        ({"missing": (0.1,)}, "4 numbers"),
        ({"missing": (1.0,) * 4}, "below 1"),
        ({"missing": (0.1, np.nan, 0.1, 0.1)}, "from 0 to below 1"),
        ({"means": ((1, 2, 3, np.nan), (1, 2, 3, 4))}, "missing or infinite"),
        ({"stopping": Stopping((0.1,) * 4, kept=2)}, "share"),
        ({"leaving": Leaving(((0.1,), (0.1,)))}, "4 numbers"),
        ({"coaches": Coaches(1, 0.1)}, "coaches"),
    ],
)
def test_what_is_no_trial_says_so(change, says):
    with pytest.raises(NoTrial, match=says):
        replace(PLAIN, **change)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"estimand": "composite"}, "not known"),
        ({"alpha": 1.0}, "alpha"),
        ({"trials": 1}, "at least 2"),
        ({"analysis": Ancova(visit=4)}, "no visit 4"),
        ({"analysis": PartiallyNested()}, "coaches"),
    ],
)
def test_what_cannot_be_simulated_says_so(more, says):
    given = {"analysis": Ancova(), "trials": 10, "cores": 1, **more}
    with pytest.raises(ValueError, match=says):
        power_simulation.simulate(PLAIN, given.pop("analysis"), rng(), **given)
