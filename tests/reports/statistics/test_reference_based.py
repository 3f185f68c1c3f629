"""Reference-based imputation against rbmi 1.5.2 (results/08), and the laws it keeps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import mmrm
from reports.statistics import reference_based as rb
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.reference_based import imputation

from .reference import own, results

REFERENCE = results("08_rbmi_condmean_btheb")["btheb"]
STRATEGIES = {
    "MAR": "mar",
    "JR": "jump-to-reference",
    "CR": "copy-reference",
    "CIR": "copy-increments",
}
# Where rbmi's optimiser (L-BFGS-B) stopped: the covariance, by rows of its lower triangle, that
# gives all of its 48 estimates.
STOPPED_AT = [
    *(69.3235826800427, 51.450526082771, 88.3155250273912, 53.2613376417219, 63.84773874527),
    *(87.1850647869132, 43.5662525943308, 50.7753877762176, 59.7337745807008, 72.4772295972354),
]
# Small differences that this moves by more than 1e-4 of themselves: by at most 2.2e-4.
MOVED = {("MAR", "trt_5"), ("MAR", "trt_8"), ("JR", "trt_5"), ("JR", "trt_8")}
MODEL = rb.Plan(
    outcome="bdi",
    subject="subject",
    visit="month",
    arm="treatment",
    control="TAU",
    fixed="bdi_pre * month + drug + length + treatment * month",
    adjustment="bdi_pre + drug + length",
)
SMALL = rb.Plan(
    outcome="y",
    subject="person",
    visit="week",
    arm="arm",
    control="a",
    fixed="base + arm * week",
    adjustment="base",
)


@pytest.fixture(scope="module")
def btheb():
    return own("BtheB_long").rename(columns={"bdi.pre": "bdi_pre"})


def a_trial(seed=1, n=40, visits=3, missing=0.3):
    """Monotone dropout from two arms, people as rows by visit."""
    generator = np.random.default_rng(seed)
    base = generator.normal(20, 5, n)
    arm = np.where(np.arange(n) % 2 == 0, "a", "b")
    level = base + generator.normal(0, 4, n)
    y = (
        level[:, None]
        - np.arange(1, visits + 1) * (1 + (arm == "b"))[:, None]
        + generator.normal(0, 3, (n, visits))
    )
    stops = np.where(generator.random(n) < missing, generator.integers(1, visits, n), visits)
    y[np.arange(visits) >= stops[:, None]] = np.nan
    person, week = np.repeat(np.arange(n), visits), np.tile(np.arange(1, visits + 1), n)
    return pd.DataFrame(
        {"person": person, "week": week, "y": y.ravel(), "base": base[person], "arm": arm[person]}
    )


def ordinary_ancova(frame, visit):
    rows = frame[frame.week == visit]
    x = np.column_stack([np.ones(len(rows)), rows.base, rows.arm == "b"]).astype(float)
    return np.linalg.lstsq(x, rows.y.to_numpy(), rcond=None)[0][2]


def named(result):
    differences = {f"trt_{row.visit}": row for row in result.contrasts.itertuples()}
    short = {"TAU": "ref", "BtheB": "alt"}
    return differences | {
        f"lsm_{short[row.arm]}_{row.visit}": row for row in result.marginal_means.itertuples()
    }


@pytest.mark.parametrize("name", STRATEGIES)
def test_conditional_means_and_jackknife_are_those_of_rbmi(btheb, name):
    got = named(rb.conditional_mean(btheb, MODEL, strategies=STRATEGIES[name]))
    for want in REFERENCE[name]["pool"]:
        found = got[want["parameter"]]
        near = 2.5e-4 if (name, want["parameter"]) in MOVED else 1e-4
        assert found.estimate == pytest.approx(want["est"], rel=near)
        assert found.se == pytest.approx(want["se"], rel=1e-3)
        assert (found.lower, found.upper) == pytest.approx(
            (want["lci"], want["uci"]), abs=1e-3 * want["se"]
        )


def test_at_the_covariance_where_rbmi_stopped_all_its_estimates_are_ours(btheb):
    for name, strategy in STRATEGIES.items():
        trial, model, analysis = MODEL.begin(btheb, strategy, None)
        best = model.fit.optimum
        there = replace(best, point=best.likelihood.at(np.array(STOPPED_AT)))
        assert (
            0 < there.point.value - best.point.value < 1e-5
        )  # of minus two log likelihood: rbmi stopped short of it
        completed = imputation.imputed_means(
            np.nan_to_num(trial.y), model.incomplete, model.models([there])
        )
        means = analysis.means(completed)[0]
        want = {each["parameter"]: each["est"] for each in REFERENCE[name]["pool"]}
        for place, visit in enumerate(trial.visits):
            assert means[0, place] == pytest.approx(want[f"lsm_ref_{visit}"], rel=1e-10)
            assert means[1, place] - means[0, place] == pytest.approx(
                want[f"trt_{visit}"], rel=1e-10
            )


def test_how_many_miss_the_end_is_what_rbmi_counted(btheb):
    trial = rb.conditional_mean(btheb, MODEL).trial
    assert (len(trial.subjects), int((trial.before < 4).sum())) == (
        REFERENCE["n"],
        REFERENCE["n_ice"],
    )


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(imputation.STRATEGIES), st.booleans())
def test_with_nothing_missing_every_strategy_is_the_ancova_of_the_complete_data(
    seed, strategy, by_arm
):
    frame = a_trial(seed, missing=0)
    found = rb.conditional_mean(
        frame, replace(SMALL, by_arm=by_arm), strategies=strategy, delta=5.0
    ).contrasts
    assert list(found.estimate) == pytest.approx(
        [ordinary_ancova(frame, visit) for visit in (1, 2, 3)]
    )


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_renaming_and_reordering_people_changes_nothing(seed, random):
    frame = a_trial(seed)
    names = list(range(40))
    random.shuffle(names)
    renamed = frame.assign(person=[names[i] for i in frame.person]).sample(
        frac=1, random_state=seed
    )
    first, second = (rb.conditional_mean(each, SMALL).contrasts for each in (frame, renamed))
    assert second[["estimate", "se"]].to_numpy() == pytest.approx(
        first[["estimate", "se"]].to_numpy(), rel=1e-7
    )


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.floats(-10, 10))
def test_a_shift_of_the_outcome_shifts_the_means_alone(seed, shift):
    frame = a_trial(seed)
    first, second = (
        rb.conditional_mean(each, SMALL, strategies="copy-increments")
        for each in (frame, frame.assign(y=frame.y + shift))
    )
    assert second.contrasts.estimate.to_numpy() == pytest.approx(
        first.contrasts.estimate.to_numpy(), abs=1e-6
    )
    assert second.means == pytest.approx(first.means + shift, abs=1e-6)


def test_the_jackknife_is_that_of_leaving_everybody_out_by_hand():
    frame = a_trial(3, n=24)
    plan = replace(SMALL, by_arm=True)
    result = rb.conditional_mean(frame, plan, strategies="jump-to-reference")
    for place, person in enumerate(frame.person.unique()):
        rest = rb.conditional_mean(
            frame[frame.person != person], plan, strategies="jump-to-reference"
        )
        assert result.without[place] == pytest.approx(rest.means, rel=1e-6)


def test_last_mean_carried_forward_expects_no_change_of_mean():
    # By hand: with one earlier visit, y2 = mu1 + s12 / s11 (y1 - mu1).
    frame = a_trial(5, visits=2)
    result = rb.conditional_mean(frame, SMALL, strategies="last-mean")
    fit = mmrm.fit(
        frame,
        outcome="y",
        subject="person",
        visit="week",
        fixed=SMALL.fixed,
        reference={"arm": "a"},
    )
    person = int(np.flatnonzero(result.trial.missing[:, 1])[0])
    row = result.trial.baseline.loc[person]
    mean = fit.beta @ [1, row.base, row.arm == "b", 0, 0]
    sigma = fit.covariance.to_numpy()
    expected = mean + sigma[0, 1] / sigma[0, 0] * (result.imputed[person, 0] - mean)
    assert result.imputed[person, 1] == pytest.approx(expected)


def test_with_a_covariance_for_each_arm_copying_the_reference_copies_its_covariance_too():
    # By hand: who is seen at the first of two visits has at the second mu1 + s12 / s11 (y1 - mu0),
    # all of the control arm.
    frame = a_trial(5, visits=2)
    plan = replace(SMALL, by_arm=True)
    result = rb.conditional_mean(frame, plan, strategies="copy-reference")
    fit = mmrm.fit(
        frame,
        outcome="y",
        subject="person",
        visit="week",
        fixed=SMALL.fixed,
        reference={"arm": "a"},
        groups="arm",
    )
    treated = result.trial.missing[:, 1] & (result.trial.arm_of == 1)
    person = int(np.flatnonzero(treated)[0])
    base, sigma = result.trial.baseline.loc[person].base, fit.covariance["a"].to_numpy()
    first, second = fit.beta @ [1, base, 0, 0, 0], fit.beta @ [1, base, 0, 1, 0]
    expected = second + sigma[0, 1] / sigma[0, 0] * (result.imputed[person, 0] - first)
    assert result.imputed[person, 1] == pytest.approx(expected)


def test_a_visit_that_nobody_teaches_the_model_is_refused():
    frame = a_trial(4, missing=0)
    events = pd.DataFrame(
        {"subject": range(40), "visit": 3, "event": "stopped"}
    )  # all are seen there, after it
    with pytest.raises(
        mmrm.NotEstimable,
        match="the imputation model lacks a visit or an arm: nobody was seen there",
    ):
        rb.conditional_mean(frame, SMALL, events=events, strategies="jump-to-reference")


@pytest.mark.parametrize(("people", "seed"), [(8, 0), (8, 1), (10, 0), (10, 1)])
def test_a_trial_too_small_to_be_drawn_again_says_how_many_samples_failed(people, seed):
    with pytest.raises(rb.NotRefitted, match=r"\d+ bootstrap samples did not converge; the last: "):
        rb.approximate_bayesian(
            a_trial(seed, n=people), SMALL, draws=5, generator=np.random.default_rng(3)
        )


def test_samples_that_did_not_converge_are_drawn_again_and_counted():
    found = rb.approximate_bayesian(
        a_trial(2, n=10), SMALL, draws=5, generator=np.random.default_rng(3)
    )
    assert found.failures > 0
    assert {pooled.m for pooled in found.pooled_contrasts} == {5}
    assert np.isfinite(found.contrasts.se).all()


@pytest.mark.parametrize(("arm", "visit"), [("a", "3"), ("c", "3"), ("b", "9")])
def test_a_tipping_point_is_of_a_treated_arm_at_a_visit(arm, visit):
    result = rb.conditional_mean(a_trial(), SMALL)
    with pytest.raises(
        KeyError, match=f"no arm '{arm}' against the control, or no visit '{visit}'"
    ):
        rb.tipping_point(result, visit=visit, arm=arm)


def test_delta_adds_to_what_is_imputed_and_costs_no_fit(btheb):
    at_once = rb.conditional_mean(btheb, MODEL, delta={"BtheB": 5.0})
    later = rb.conditional_mean(btheb, MODEL).with_delta({"BtheB": 5.0})
    pd.testing.assert_frame_equal(at_once.contrasts, later.contrasts)
    places = later.trial.delta_places & (later.trial.arm_of == 1)[:, None]
    assert np.array_equal(later.imputed - later.with_delta(0).imputed, 5.0 * places)


def test_delta_is_what_analysing_the_shifted_data_gives():
    frame = a_trial(2)
    result = rb.conditional_mean(frame, SMALL, delta={"b": 3.0})
    completed = frame.assign(y=result.imputed.ravel())
    assert list(result.contrasts.estimate) == pytest.approx(
        [ordinary_ancova(completed, visit) for visit in (1, 2, 3)]
    )


def test_the_conclusion_tips_where_p_is_alpha(btheb):
    result = rb.conditional_mean(btheb, MODEL, strategies="copy-increments")
    tipping = rb.tipping_point(result, visit="8", arm="BtheB", low=-20, high=0)
    there = result.with_delta({"BtheB": tipping.delta}).contrasts
    assert there.p.iloc[-1] == pytest.approx(0.05, rel=1e-6)
    assert len(tipping.grid) == 21
    assert tipping.grid.p.iloc[-1] == pytest.approx(result.contrasts.p.iloc[-1])
    with pytest.raises(rb.NoTippingPoint, match=r"p is above 0\.05 both at delta 0 and at delta 5"):
        rb.tipping_point(result, visit="8", arm="BtheB", low=0, high=5)


def test_each_kind_of_event_follows_its_own_strategy():
    frame = a_trial(4, missing=0)
    events = pd.DataFrame(
        {
            "subject": [1, 3, 5, 7],
            "visit": [2, 3, 2, 2],
            "event": ["side effects", "cured", "moved", "worse"],
        }
    )
    frame.loc[(frame.person == 1) & (frame.week > 1), "y"] = np.nan
    result = rb.conditional_mean(
        frame,
        SMALL,
        events=events,
        strategies={
            "side effects": "jump-to-reference",
            "cured": "treatment-policy",
            "moved": "hypothetical",
            "worse": rb.Composite(63.0),
        },
    )
    observed = frame.y.to_numpy().reshape(-1, 3)
    assert result.trial.methods[1] == "jump-to-reference"
    assert np.array_equal(result.imputed[3], observed[3])
    assert not np.isclose(result.imputed[5, 1:], observed[5, 1:]).any()
    assert list(result.imputed[7]) == [observed[7, 0], 63.0, 63.0]
    assert result.trial.learns[[3, 5, 7]].tolist() == [
        [True] * 3,
        [True, False, False],
        [True, False, False],
    ]


def test_what_was_seen_after_an_event_is_analysed_but_not_learned_from():
    frame = a_trial(4, missing=0)
    events = pd.DataFrame({"subject": [1], "visit": [3], "event": ["stopped"]})
    result = rb.conditional_mean(frame, SMALL, events=events, strategies="copy-reference")
    assert not result.trial.learns[1, 2]
    assert list(result.contrasts.estimate) == pytest.approx(
        [ordinary_ancova(frame, visit) for visit in (1, 2, 3)]
    )


def test_draws_agree_with_the_conditional_mean(btheb):
    drawn = rb.approximate_bayesian(
        btheb, MODEL, strategies="jump-to-reference", draws=150, generator=np.random.default_rng(8)
    )
    exact = rb.conditional_mean(btheb, MODEL, strategies="jump-to-reference").contrasts
    for found, want, pooled in zip(
        drawn.contrasts.itertuples(), exact.itertuples(), drawn.pooled_contrasts, strict=True
    ):
        # Four Monte-Carlo errors and the difference between a bootstrap's mean and the estimate.
        assert (
            abs(found.estimate - want.estimate) < 4 * (pooled.between / 150) ** 0.5 + 0.05 * want.se
        )
    # Rubin's variance is above the jackknife's under a reference (Bartlett, Stat Biopharm Res
    # 2023).
    assert drawn.contrasts.se.iloc[-1] > exact.se.iloc[-1]


def test_the_same_generator_gives_the_same_draws():
    one, two = (
        rb.approximate_bayesian(
            a_trial(), SMALL, draws=5, generator=np.random.default_rng(3)
        ).contrasts
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"references": {"b": "c"}}, FormulaError, "nobody is in c"),
        ({"control": "c"}, FormulaError, "there is no level 'c'"),
        ({"fixed": "base + arm"}, FormulaError, "week is not in the imputation model"),
        ({"adjustment": "base + week"}, FormulaError, "every visit has an ANCOVA of its own"),
        ({"adjustment": "other"}, UnknownColumn, "no column 'other'"),
        ({"adjustment": "base + twice"}, mmrm.NotEstimable, "ANCOVA cannot tell its columns apart"),
        (
            {"fixed": "base + twice + arm * week"},
            mmrm.NotEstimable,
            "twice cannot be told apart from the columns before",
        ),
        ({"adjustment": "lone"}, mmrm.NotEstimable, "without subject 0 the ANCOVA cannot tell"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_said(changed, error, says):
    frame = a_trial()
    frame = frame.assign(twice=2 * frame.base, lone=np.where(frame.person == 0, "yes", "no"))
    with pytest.raises(error, match=says):
        rb.conditional_mean(frame, replace(SMALL, **changed))


@pytest.mark.parametrize(
    ("change", "arguments", "error", "says"),
    [
        (lambda f: f, {"strategies": "jump"}, rb.UnknownStrategy, "'jump' is no strategy"),
        (lambda f: f, {"strategies": {"moved": "mar"}}, rb.UnknownStrategy, "need events"),
        (lambda f: f, {"delta": {"c": 1}}, FormulaError, "nobody is in c"),
        (
            lambda f: f.assign(base=np.arange(len(f))),
            {},
            rb.NotBaseline,
            "base differs between the visits of subject 0",
        ),
        (
            lambda f: f.assign(base=f.base.where(f.person != 3)),
            {},
            rb.NotBaseline,
            "base is missing for subject 3",
        ),
        (
            lambda f: f.assign(week=f.week.where(f.person != 3)),
            {},
            mmrm.NotEstimable,
            "a row has no week",
        ),
        (
            lambda f: f.assign(y=f.y.where(f.person != 3, np.inf)),
            {},
            mmrm.NotEstimable,
            "y has infinite values",
        ),
        (lambda f: pd.concat([f, f[:1]]), {}, mmrm.Duplicate, "subject 0 has two rows at week 1"),
        (
            lambda f: f.assign(y=f.y.where(f.week < 3)),
            {},
            mmrm.NotEstimable,
            "nobody was seen at week 3",
        ),
        (lambda f: f[f.arm == "a"], {}, mmrm.NotEstimable, "everybody is in arm a"),
        (
            lambda f: f.assign(y=f.y.where(f.person > 0)),
            {"strategies": "last-mean"},
            rb.UnknownStrategy,
            "subject 0: there is no visit before the event",
        ),
    ],
)
def test_what_cannot_be_imputed_is_said(change, arguments, error, says):
    with pytest.raises(error, match=says):
        rb.conditional_mean(change(a_trial()), SMALL, **arguments)


def test_who_has_a_category_that_nobody_seen_has_cannot_be_imputed_for():
    frame = a_trial()
    frame = frame.assign(
        site=np.where(frame.person == 0, "north", "south"), y=frame.y.where(frame.person > 0)
    )
    frame.loc[frame.person.isin([1, 2, 4]), "site"] = "west"
    with pytest.raises(mmrm.NotEstimable, match="site north: nobody who has it was seen"):
        rb.conditional_mean(frame, replace(SMALL, fixed="base + site + arm * week"))


def test_an_event_must_have_a_strategy_a_subject_and_a_visit():
    def with_event(**changed):
        row = {"subject": 1, "visit": 2, "event": "moved"} | changed
        strategies = {"moved": "mar"}
        return rb.conditional_mean(
            a_trial(), SMALL, events=pd.DataFrame([row]), strategies=strategies
        )

    with pytest.raises(rb.UnknownStrategy, match="no strategy is given for 'died'"):
        with_event(event="died")
    with pytest.raises(rb.UnknownStrategy, match="no such subject"):
        with_event(subject=99)
    with pytest.raises(rb.UnknownStrategy, match="no such visit"):
        with_event(visit=9)


def test_a_second_event_and_a_frame_without_its_columns_are_refused():
    twice = pd.DataFrame({"subject": [1, 1], "visit": [2, 3], "event": ["moved", "moved"]})
    with pytest.raises(rb.UnknownStrategy, match="subject 1 has two events"):
        rb.conditional_mean(a_trial(), SMALL, events=twice)
    with pytest.raises(UnknownColumn, match="events: there is no column event"):
        rb.conditional_mean(a_trial(), SMALL, events=twice.drop(columns="event"))


def test_three_arms_are_each_compared_with_the_control():
    frame = a_trial(6, n=60)
    frame["arm"] = np.array(["a", "b", "c"])[frame.person % 3]
    found = rb.conditional_mean(
        frame, replace(SMALL, references={"c": "b"}), strategies="jump-to-reference"
    )
    assert list(found.contrasts.contrast) == ["b - a", "c - a"] * 3
    jumped = found.trial.missing[:, 2] & (found.trial.arm_of == 2)
    other = rb.conditional_mean(frame, SMALL, strategies="jump-to-reference")
    assert not np.isclose(found.imputed[jumped, 2], other.imputed[jumped, 2]).any()
    assert np.array_equal(found.imputed[~jumped], other.imputed[~jumped])


def test_an_outcome_that_the_model_fits_exactly_has_no_error_to_report():
    frame = a_trial(missing=0)
    frame["y"] = frame.y.where(frame.week != 3, 7.0)
    with pytest.raises(mmrm.NotEstimable, match="at visit 3 the outcome does not vary"):
        _ = rb.conditional_mean(frame, SMALL).contrasts
