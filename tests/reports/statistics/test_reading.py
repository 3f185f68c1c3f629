"""What a column holds: numbers and what is no number among them, levels and codes that are one, the
order of visits.
"""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import (
    ancova,
    baseline,
    cace,
    cluster_robust,
    descriptives,
    effect_sizes,
    gee,
    linear_mixed,
    logistic,
    mediation,
    missingness,
    mmrm,
    moderation,
    partially_nested,
    reading,
    reference_based,
    reliable_change,
    rerandomisation,
    responders,
    survival,
    t_tests,
)
from reports.statistics import multiple_imputation as mi
from reports.statistics.formula import FormulaError, levels_of
from reports.statistics.model_frame import NotEstimable

from .reference import own

REFUSED = (NotEstimable, mi.NotImputable)


def weeks():
    return own("weeks")


def wide():
    frame = weeks()
    frame = frame[frame.week == 2].reset_index(drop=True)
    return frame.assign(
        coach=np.where(frame.arm == "cbt", "c" + (frame.id % 5).astype(str), None), dose=frame.w
    )


PLAN = reference_based.Plan(
    outcome="y",
    subject="id",
    visit="week",
    arm="arm",
    control="tau",
    fixed="arm * week",
    covariance="cs",
)
# How every function that takes a frame reads the outcome y, of people (wide) or of visits (weeks).
OUTCOMES = {
    "regress": (wide, lambda f: ancova.regress(f, outcome="y", fixed="pre + arm").beta),
    "logistic": (
        wide,
        lambda f: logistic.fit(f.assign(y=_halved(f.y)), outcome="y", fixed="pre + arm").beta,
    ),
    "cluster_robust": (
        wide,
        lambda f: cluster_robust.fit(f, outcome="y", cluster="coach", fixed="pre + arm").beta,
    ),
    "cace": (
        wide,
        lambda f: (
            cace.fit(
                f.assign(dose=np.arange(len(f)) % 3.0),
                outcome="y",
                arm="arm",
                offered="cbt",
                dose="dose",
            ).beta
        ),
    ),
    "mediation": (
        wide,
        lambda f: (
            mediation.fit(
                f,
                outcome="y",
                mediator="pre",
                treatment="arm",
                rng=np.random.default_rng(1),
                resamples=100,
            ).indirect.estimate
        ),
    ),
    "moderation": (
        wide,
        lambda f: moderation.fit(f, outcome="y", treatment="arm", moderator="pre").model.beta,
    ),
    "partially_nested": (
        wide,
        lambda f: (
            partially_nested.fit(
                f, outcome="y", arm="arm", guided="cbt", cluster="coach", fixed="arm"
            ).beta
        ),
    ),
    "baseline": (wide, lambda f: baseline.table(f, arm="arm", numbers=["y"]).row("y").overall.mean),
    "chained": (
        wide,
        lambda f: mi.chained(
            f.assign(other=f.pre.where(f.id % 3 > 0)),
            ["y", "other"],
            m=2,
            generator=np.random.default_rng(1),
        ).values.mean(),
    ),
    "mmrm": (
        weeks,
        lambda f: (
            mmrm.fit(f, outcome="y", subject="id", visit="week", fixed="arm", covariance="cs").beta
        ),
    ),
    "linear_mixed": (
        weeks,
        lambda f: linear_mixed.fit(f, outcome="y", subject="id", fixed="arm").beta,
    ),
    "gee": (weeks, lambda f: gee.fit(f, outcome="y", subject="id", fixed="arm").beta),
    "reference_based": (
        weeks,
        lambda f: reference_based.conditional_mean(
            f, PLAN, strategies="jump-to-reference"
        ).contrasts.estimate.to_numpy(),
    ),
}
SCALE = reliable_change.Reference(sd=2.0, reliability=0.8)
ARRAYS = {
    "ancova.fit": lambda y: ancova.fit(y, list(range(7)), list("abababa")).coefficients,
    "ancova.fit baseline": lambda y: (
        ancova.fit([2.0, 1, 4, 3, 7, 5, 6], y, list("abababa")).coefficients
    ),
    "welch": lambda y: t_tests.welch(y, [1.0, 2, 4]).p,
    "paired": lambda y: t_tests.paired(y, [1.0, 2, 4, 3, 1, 1, 1]).p,
    "rank_sum": lambda y: t_tests.rank_sum(y, [1.0, 2, 4]).p,
    "between": lambda y: effect_sizes.between(y, [1.0, 2, 4]).effect.value,
    "within": lambda y: effect_sizes.within(y, [1.0, 2, 4, 3, 1, 1, 1]).effect.value,
    "describe": lambda y: descriptives.describe(y).mean,
    "pooled_sd": lambda y: descriptives.pooled_sd([y])[0],
    "standardised_difference": lambda y: descriptives.standardised_difference(y, [1.0, 2, 4]),
    "classify": lambda y: reliable_change.classify(y, [1.0, 2, 4, 3, 1, 1, 1], 2.0),
    "clinical_change": lambda y: (
        reliable_change.clinical_change(y, [1.0, 2, 4, 3, 1, 1, 1], SCALE, 2.5).index
    ),
    "response": lambda y: responders.response(y, [1.0, 2, 4, 3, 1, 1, 1]).status,
    "remission": lambda y: responders.remission(y, 2.0).status,
    "deterioration": lambda y: responders.deterioration(y, [1.0, 2, 4, 3, 1, 1, 1], 1.0).status,
    "rerandomisation": lambda y: rerandomisation.test(y, list("abababa"), rule=None, exact=True).p,
}
WORDS = ["NaN", "nan", "NA", "", " ", "1,5", "5", "inf", "None", "N/A", "-99 ", "1_000"]


def _halved(y):
    """As yes or no, what is no number left as it is."""
    return y.map(
        lambda v: (
            float(v > 12) if isinstance(v, (int, float, np.floating, Decimal)) and v == v else v
        )
    )


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", OUTCOMES)
def test_text_among_the_numbers_of_an_outcome_is_refused_by_name(name, word):
    made, fit = OUTCOMES[name]
    frame = made()
    mixed = frame.assign(y=frame.y.astype(object))
    mixed.loc[5, "y"] = word
    with pytest.raises(REFUSED, match="y is") as raised:
        fit(mixed)
    assert repr(word) in str(raised.value)


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, pd.NaT, Decimal("NaN")], ids=repr)
@pytest.mark.parametrize("name", OUTCOMES)
def test_what_is_missing_in_an_outcome_is_missing_however_it_is_written(name, nothing):
    made, fit = OUTCOMES[name]
    frame = made()
    plain = fit(frame.assign(y=frame.y.where(frame.index != 5)))
    mixed = frame.assign(y=frame.y.astype(object))
    mixed.at[5, "y"] = nothing
    assert np.asarray(fit(mixed)) == pytest.approx(np.asarray(plain), rel=1e-6)


@pytest.mark.parametrize("kind", ["Float64", "object", "decimal", "text categories", "float32"])
@pytest.mark.parametrize("name", OUTCOMES)
def test_numbers_are_numbers_whatever_holds_them(name, kind):
    made, fit = OUTCOMES[name]
    frame = made()
    frame = frame.assign(y=frame.y.round(2).where(frame.index != 5))
    if kind == "decimal":
        other = frame.y.map(lambda v: None if v != v else Decimal(str(v))).astype(object)
    elif kind == "text categories":
        other = frame.y.astype(str).astype("category")
    else:
        other = frame.y.astype(kind)
    if kind == "text categories":
        with pytest.raises((*REFUSED, FormulaError)):
            fit(frame.assign(y=other))
    else:
        close = 1e-4 if kind == "float32" else 1e-9
        assert np.asarray(fit(frame.assign(y=other))) == pytest.approx(
            np.asarray(fit(frame)), rel=close, abs=close
        )


@pytest.mark.parametrize("name", OUTCOMES)
@pytest.mark.parametrize("other", [np.inf, -np.inf, 10**400], ids=["inf", "-inf", "10^400"])
def test_endless_numbers_are_refused_by_name(name, other):
    made, fit = OUTCOMES[name]
    frame = made()
    mixed = frame.assign(y=frame.y.astype(object))
    mixed.loc[5, "y"] = other
    if name != "logistic":
        with pytest.raises(REFUSED, match="y has infinite values"):
            fit(mixed)


@pytest.mark.parametrize("name", OUTCOMES)
def test_dates_are_no_outcome(name):
    made, fit = OUTCOMES[name]
    frame = made()
    with pytest.raises((*REFUSED, FormulaError), match=r"^y is"):
        fit(frame.assign(y=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.y, unit="D")))


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_column_that_stands_twice_is_refused_by_name(name):
    made, fit = OUTCOMES[name]
    frame = made()
    if name != "logistic":
        with pytest.raises(REFUSED, match="two columns 'y'"):
            fit(pd.concat([frame, frame[["y"]] + 1], axis=1))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ARRAYS)
def test_text_among_the_numbers_of_an_array_is_refused(name, word):
    with pytest.raises(NotEstimable):
        ARRAYS[name]([1.0, 2, word, 3, 5, 2, 2])


@pytest.mark.parametrize("name", ARRAYS)
def test_other_numbers_in_an_array_are_what_they_are(name):
    plain = ARRAYS[name]([1.0, 2, 1.5, 3, 5, 2, 0])
    same = (
        (lambda other: other == plain)
        if name == "classify"
        else (lambda other: other == pytest.approx(plain))
    )
    assert same(ARRAYS[name]([1, Decimal("2"), np.float32(1.5), np.int64(3), 5.0, 2, False]))
    assert same(ARRAYS[name](pd.Series([1.0, 2, 1.5, 3, 5, 2, 0], dtype="Float64")))


@pytest.mark.parametrize("word", WORDS)
def test_text_among_times_is_refused(word):
    for times, events in (([1.0, word, 3.0], [1, 0, 1]), ([1.0, 2.0, 3.0], [1, word, 1])):
        with pytest.raises(survival.UnknownTimes, match="is not numbers"):
            survival.kaplan_meier(times, events)
        frame = pd.DataFrame(
            {
                "t": pd.Series(times, dtype=object),
                "e": pd.Series(events, dtype=object),
                "x": [1.0, 2, 4],
            }
        )
        with pytest.raises(survival.UnknownTimes, match="is not numbers"):
            survival.cox(frame, time="t", event="e", formula="x")


@pytest.mark.parametrize("word", WORDS)
def test_a_covariate_of_numbers_with_text_among_them_is_neither_number_nor_category(word):
    """It would be a category with as many levels as there are scores."""
    frame = wide()
    mixed = frame.assign(pre=frame.pre.astype(object))
    mixed.loc[5, "pre"] = word
    for fit in (
        lambda f: ancova.regress(f, outcome="y", fixed="pre + arm"),
        lambda f: mmrm.fit(f, outcome="y", subject="id", visit="week", fixed="pre + arm"),
        lambda f: linear_mixed.fit(f, outcome="y", subject="id", fixed="arm", random="1 + pre"),
        lambda f: baseline.table(f, arm="arm", numbers=["pre"]),
    ):
        with pytest.raises(NotEstimable, match="pre is numbers with"):
            fit(mixed)
    with pytest.raises(NotEstimable, match="x is numbers with"):
        ancova.fit(
            [1.0, 2, 4, 3, 6], [2.0, 1, 5, 4, 4], list("ababa"), {"x": [1.0, word, 2.0, 3.0, 4.0]}
        )


def test_numbers_in_a_column_of_objects_are_a_number_with_what_is_missing_left_out():
    frame = wide()
    gone = frame.pre.where(frame.id != 4)
    plain = ancova.regress(frame.assign(pre=gone), outcome="y", fixed="pre + arm")
    mixed = [None if v != v else Decimal(str(v)) if i % 2 else v for i, v in enumerate(gone)]
    found = ancova.regress(
        frame.assign(pre=pd.Series(mixed, dtype=object)), outcome="y", fixed="pre + arm"
    )
    assert found.names == ("(Intercept)", "pre", "armtau")
    assert found.beta == pytest.approx(plain.beta)


@pytest.mark.parametrize("declared", ["C(site)", "reference"])
def test_one_and_the_text_of_it_are_one_level(declared):
    """Case: kaz-yos/MRCIEU 241. The right value is that of the site as a number that is a
    category.
    """
    y = [3.0, 5, 4, 7, 6, 8, 2, 9]
    mixed = pd.Series([1, "1", 2, "2", 1.0, "1", np.int64(2), Decimal(2)], dtype=object)
    plain = pd.Series([1, 1, 2, 2, 1, 1, 2, 2])
    asked = (
        {"fixed": "C(site)"}
        if declared == "C(site)"
        else {"fixed": "site", "reference": {"site": 1}}
    )
    found, want = (
        ancova.regress(pd.DataFrame({"y": y, "site": each}), outcome="y", **asked)
        for each in (mixed, plain)
    )
    assert found.names == want.names == ("(Intercept)", "site2")
    assert found.beta == pytest.approx(want.beta)
    assert levels_of("site", pd.Categorical(mixed.iloc[:4], categories=[2, "2", 1, "1"]), None)[
        0
    ] == ("2", "1")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "a "),
        ("a", " a"),
        ("new  site", "new site"),
        ("5", "5.0"),
        ("caf\u00e9", "cafe\u0301"),
        ("a", "a\u00a0"),
        ("ab", "a\u200bb"),
        ("ab", "\ufeffab"),
    ],
)
def test_levels_that_look_alike_are_refused_by_name(first, second):
    site = [first, "z", second, "z", first, "z", second, "z"]
    frame = pd.DataFrame({"y": [3.0, 5, 4, 7, 6, 8, 2, 9], "site": site, "arm": list("aabbaabb")})
    for fit in (
        lambda: ancova.regress(frame, outcome="y", fixed="site"),
        lambda: ancova.regress(frame.astype({"site": "category"}), outcome="y", fixed="site"),
        lambda: linear_mixed.fit(frame, outcome="y", subject="site", fixed="arm"),
        lambda: gee.fit(frame, outcome="y", subject="site", fixed="arm"),
        lambda: cluster_robust.fit(frame, outcome="y", cluster="site", fixed="arm"),
        lambda: mmrm.fit(frame, outcome="y", subject="site", visit="arm", fixed="arm"),
        lambda: mi.chained(frame, ["y", "arm"], by="site", m=2, generator=np.random.default_rng(1)),
        lambda: baseline.table(frame, arm="arm", categories=["site"]),
    ):
        with pytest.raises(NotEstimable, match=r"site: .* look alike"):
            fit()


@pytest.mark.parametrize("nothing", ["", " ", "NaN", "nan", "<NA>"])
def test_text_that_stands_for_nothing_is_no_level(nothing):
    frame = pd.DataFrame({"y": [3.0, 5, 4, 7, 6, 8], "site": ["a", "b", nothing, "b", "a", "a"]})
    with pytest.raises(NotEstimable, match=r"site: .* is a level; make it missing"):
        ancova.regress(frame, outcome="y", fixed="site")


@pytest.mark.parametrize(
    "fit", ["mmrm", "linear_mixed", "gee", "cluster_robust", "reference_based"]
)
def test_a_person_is_one_whether_their_code_is_a_number_or_text(fit):
    """Case: easystats/parameters 289. The right value is that of the codes as numbers."""
    frame = weeks()
    mixed = frame.assign(id=frame.id.astype(object))
    mixed.loc[mixed.week == 4, "id"] = frame.id[frame.week == 4].astype(str)
    mixed.loc[mixed.week == 6, "id"] = frame.id[frame.week == 6].astype(float)
    calls = {
        "mmrm": lambda f: (
            mmrm.fit(
                f, outcome="y", subject="id", visit="week", fixed="arm * week", covariance="cs"
            ).vcov
        ),
        "linear_mixed": lambda f: linear_mixed.fit(f, outcome="y", subject="id", fixed="arm").vcov,
        "gee": lambda f: gee.fit(f, outcome="y", subject="id", fixed="arm").vcov,
        "cluster_robust": lambda f: (
            cluster_robust.fit(f, outcome="y", cluster="id", fixed="arm").vcov
        ),
        "reference_based": lambda f: reference_based.conditional_mean(
            f, PLAN, strategies="copy-reference"
        ).contrasts[["estimate"]],
    }
    found, want = (calls[fit](each) for each in (mixed, frame))
    assert found.to_numpy() == pytest.approx(want.to_numpy(), rel=1e-9)
    with pytest.raises(NotEstimable, match=r"id: .* look alike"):
        calls[fit](frame.assign(id=frame.id.astype(str) + np.where(frame.week == 4, " ", "")))


@pytest.mark.parametrize("covariance", ["ar1", "ar1h", "toep", "ad"])
def test_visits_in_text_stand_in_the_order_of_their_numbers(covariance):
    """Case: openpharma/brms.mmrm 113. AR(1) by R: gls(corAR1), minus two log REML likelihood
    760.5337498.
    """
    frame = weeks().assign(visit=lambda f: "week " + f.week.astype(str))
    asked = {
        "outcome": "y",
        "subject": "id",
        "fixed": "pre + arm * visit",
        "covariance": covariance,
    }
    want = mmrm.fit(weeks().assign(visit=lambda f: f.week), visit="visit", **asked)
    if covariance == "ar1":
        assert want.minus_two_log_likelihood == pytest.approx(760.5337498, abs=1e-6)
    for visit in (frame.visit, frame.visit.astype("category"), frame.visit.astype("string")):
        found = mmrm.fit(frame.assign(visit=visit), visit="visit", **asked)
        assert found.visits == tuple(f"week {week}" for week in (2, 4, 6, 8, 10, 12))
        assert found.minus_two_log_likelihood == pytest.approx(
            want.minus_two_log_likelihood, abs=1e-7
        )
        assert found.warnings == ()


def test_a_declared_order_of_visits_goes_before_the_natural_one():
    names = {2: "post", 4: "early", 6: "late", 8: "mid", 10: "end", 12: "far"}
    frame = weeks().assign(visit=lambda f: f.week.map(names))
    order = list(names.values())
    asked = {
        "outcome": "y",
        "subject": "id",
        "visit": "visit",
        "fixed": "pre + arm * visit",
        "covariance": "ar1",
    }
    declared = frame.assign(visit=pd.Categorical(frame.visit, categories=order, ordered=True))
    for found in (mmrm.fit(frame, **asked, visits=order), mmrm.fit(declared, **asked)):
        assert found.visits == tuple(order)
        assert found.minus_two_log_likelihood == pytest.approx(760.5337498, abs=1e-6)
        assert found.warnings == ()
    guessed = mmrm.fit(frame, **asked)
    assert guessed.warnings == (
        "visit is text, taken in the order early, end, far, late, mid, post",
    )
    with pytest.raises(FormulaError, match="the order that is given lacks far"):
        mmrm.fit(frame, **asked, visits=order[:5])
    # An unstructured covariance is the same in any order: nothing to warn of.
    assert mmrm.fit(frame, **{**asked, "covariance": "cs"}).warnings == ()


def test_reference_based_imputation_takes_visits_in_their_order():
    """What follows a dropout depends on the order; right is that of the weeks as numbers."""
    want = reference_based.conditional_mean(weeks(), PLAN, strategies="copy-increments")
    frame = weeks().assign(week=lambda f: "week " + f.week.astype(str))
    found = reference_based.conditional_mean(frame, PLAN, strategies="copy-increments")
    assert found.contrasts.visit.tolist() == [f"week {week}" for week in (2, 4, 6, 8, 10, 12)]
    assert found.contrasts.estimate.to_numpy() == pytest.approx(
        want.contrasts.estimate.to_numpy(), rel=1e-8
    )


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (["week 10", "week 2"], ("week 2", "week 10")),
        (["v1.10", "v1.9", "v1.5"], ("v1.10", "v1.5", "v1.9")),
        (["month 1.5", "month 1.25", "month 12"], ("month 1.25", "month 1.5", "month 12")),
        (["week 0", "week -2", "week 1"], ("week -2", "week 0", "week 1")),
        (["T10", "T2", "T1"], ("T1", "T2", "T10")),
        (["12 weeks", "2 weeks", "baseline"], ("2 weeks", "12 weeks", "baseline")),
        ([10, 9, 1.5], ("1.5", "9", "10")),
        (["10", "9"], ("9", "10")),
        ([True, False], ("False", "True")),
        (["b", "B", "a"], ("B", "a", "b")),
    ],
)
def test_natural_order(given_, expected):
    assert levels_of("visit", pd.Series(given_, dtype=object), None)[0] == expected


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["week 2", "week 10"], True),
        (["2024-01-05", "2024-02-02", "2024-10-01"], True),
        (["5/1/2024", "2/2/2024", "3/3/2024", "1/10/2024"], False),
        (["05-01-2024", "02-02-2024"], False),
        (["part 1 week 4", "part 2 week 2"], False),
        (["part 1 week 4", "part 1 week 12"], True),
        (["W10", "W-2"], False),  # a hyphen, or a minus: two weeks before the start
        (["W-2", "W-10"], True),
        (["pre", "post"], False),
        (["pre"], True),
    ],
)
def test_one_number_that_differs_tells_the_order_and_two_do_not(levels, expected):
    assert reading.are_numbered(levels) is expected


@pytest.mark.parametrize(
    "names",
    [
        ["pre", "post", "fu1", "fu2", "fu3", "fu4"],
        ["5/1/2024", "2/2/2024", "3/3/2024", "1/4/2024", "9/5/2024", "4/6/2024"],
    ],
)
def test_reference_based_imputation_takes_no_order_that_text_does_not_tell(names):
    """Right is what the weeks as numbers give: text in alphabetical order gave another answer."""
    frame = weeks().assign(
        week=lambda f: f.week.map(dict(zip((2, 4, 6, 8, 10, 12), names, strict=True)))
    )
    with pytest.raises(NotEstimable, match=r"week: the order of .* does not follow from the text"):
        reference_based.conditional_mean(frame, PLAN, strategies="copy-increments")
    want = reference_based.conditional_mean(weeks(), PLAN, strategies="copy-increments").contrasts
    ordered = frame.assign(week=pd.Categorical(frame.week, categories=names, ordered=True))
    for given_, plan in ((frame, replace(PLAN, visits=names)), (ordered, PLAN)):
        found = reference_based.conditional_mean(given_, plan, strategies="copy-increments")
        assert found.contrasts.estimate.to_numpy() == pytest.approx(
            want.estimate.to_numpy(), rel=1e-8
        )


def test_arms_that_are_numbers_may_be_named_as_numbers():
    frame = weeks().assign(arm=lambda f: (f.arm == "cbt").astype(int))
    numbered, named = replace(PLAN, control=0), replace(PLAN, control="0")
    for asked in ({}, {"references": {1: 0}}):
        found, want = (
            reference_based.conditional_mean(
                frame, replace(each, **asked), strategies="jump-to-reference"
            ).contrasts
            for each in (numbered, named)
        )
        assert found.equals(want)
    wide_ = wide().assign(arm=lambda f: (f.arm == "cbt").astype(int))
    asked = {"visit": "coach", "arm": "arm"}
    assert missingness.differential(wide_, first=1, second=0, **asked) == missingness.differential(
        wide_, first="1", second="0", **asked
    )


@pytest.mark.parametrize("kind", [np.float32, np.float16, "Float32"])
def test_short_floats_are_the_decimals_that_were_written(kind):
    """2.3 - 1.9 is 0.4, the bar, and not the 0.39999986 of single precision."""
    before, after = (pd.Series([each], dtype=kind) for each in (2.3, 1.9))
    for first, last in (
        (before, after),
        (before.to_numpy(), after.to_numpy()),
        (list(before.to_numpy()), list(after.to_numpy())),
    ):
        assert reliable_change.classify(first, last, 0.4) == ["improved"]
    assert reading.numbers(pd.Series([2.3, None], dtype=kind), "x").tolist()[0] == 2.3
    assert np.isnan(reading.numbers(pd.Series([2.3, None], dtype=kind), "x")[1])


def test_what_is_masked_is_missing():
    mask = [False, True, False]
    for kind in (float, int, object, np.float32, bool):
        values = np.ma.array(np.array([1, 0, 1], dtype=kind), mask=mask)
        found = reading.numbers(values, "x")
        assert found[[0, 2]].tolist() == [1.0, 1.0]
        assert np.isnan(found[1])
        assert reading.labels(values, "x")[1].tolist() == [0, -1, 0]
        assert reading.codes_of(values, "x").tolist() == [0, -1, 0]
        assert reading.is_known(values, "x").tolist() == [True, False, True]
    text = np.ma.array(["a", "b", "a"], mask=mask)
    assert reading.labels(text, "x")[:2] == (["a"], pytest.approx([0, -1, 0]))
    assert reading.level_texts(text, "x") == ["a", None, "a"]
    assert reading.is_missing(text[1])
    with pytest.raises(NotEstimable, match="there are missing values"):
        t_tests.welch(np.ma.array([1.0, 2, 9], mask=mask), [1.0, 2, 3])


def test_differences_that_are_the_same_as_decimals_are_tied_ranks():
    """Four times 0.2 against 0.1 and 0.3 twice: as wilcox.test's normal approximation by hand."""
    same = [0.5 - 0.3, 0.7 - 0.5, 0.9 - 0.7, 1.1 - 0.9]
    other = [0.1, 0.2, 0.3, 0.3]
    assert len(set(same)) > 1
    assert t_tests.rank_sum(same, other) == t_tests.rank_sum([0.2] * 4, other)
    found = t_tests.rank_sum(same, [0.2, 0.3, 0.4, 0.5])
    # By hand: W = 4 * 1/2 = 2 of 16; its variance 16/12 (9 - (5^3 - 5) / 56).
    z = (2 - 8 + 0.5) / np.sqrt(16 / 12 * (9 - 120 / 56))
    assert (found.probability, found.z) == pytest.approx((0.125, z), rel=1e-12)
    assert found.p == pytest.approx(0.069, abs=5e-4)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 2000), min_size=1, unique=True),
    st.sampled_from(["week {}", "T{}", "{} months", "v {} b"]),
)
def test_numbers_within_text_are_in_the_order_of_the_numbers(numbers, pattern):
    levels = [pattern.format(number) for number in numbers]
    found = levels_of("visit", pd.Series(levels, dtype=object), None)[0]
    assert found == tuple(pattern.format(number) for number in sorted(numbers))
    assert reading.are_numbered(found)


def test_a_number_that_does_not_vary_is_left_out_and_named():
    """As R's lm: the right values are those of the formula without it."""
    frame = weeks().assign(same=0.1)
    want = mmrm.fit(frame, outcome="y", subject="id", visit="week", fixed="pre + arm * week")
    found = mmrm.fit(
        frame, outcome="y", subject="id", visit="week", fixed="same + pre + arm * week + same:week"
    )
    assert found.names == want.names
    assert found.beta == pytest.approx(want.beta)
    assert found.warnings == ("same does not vary: it is left out of the model",)
    plain = ancova.regress(wide().assign(same=1e8 + 0.1), outcome="y", fixed="same * arm + pre")
    assert (plain.data.dropped, plain.names) == (("same",), ("(Intercept)", "armtau", "pre"))
    for call in (
        lambda: ancova.regress(wide().assign(same=3.0), outcome="y", fixed="same"),
        lambda: moderation.fit(
            wide().assign(same=3.0), outcome="y", treatment="arm", moderator="same"
        ),
        lambda: moderation.fit(
            wide().assign(same=3.0), outcome="y", treatment="same", moderator="pre"
        ),
        lambda: mediation.fit(
            wide().assign(same=3.0),
            outcome="y",
            mediator="pre",
            treatment="same",
            covariates="arm",
            rng=np.random.default_rng(1),
        ),
    ):
        with pytest.raises(NotEstimable, match=r"same.*everybody has the same"):
            call()


ONE = {"y": [3.0, 5, 4, 7, 6, 8, 2, 9, 4, 5, 6, 3, 7, 8], "arm": ["g"] * 7 + ["u"] * 7}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: partially_nested.fit(
                pd.DataFrame(ONE).assign(coach=["Ann"] * 7 + [None] * 7),
                outcome="y", arm="arm", guided="g", cluster="coach", fixed="arm",
            ),
            "coach: there is one in g; a variance between them needs several",
        ),
        (
            lambda: partially_nested.robust(
                pd.DataFrame(ONE).assign(coach=["Ann"] * 7 + [None] * 7),
                outcome="y", arm="arm", guided="g", cluster="coach", fixed="arm",
            ),
            "armu hangs on one cluster alone",
        ),
        (
            lambda: cluster_robust.fit(
                pd.DataFrame(ONE).assign(site=["x"] * 7 + list("abcabca")), outcome="y", cluster="site", fixed="arm"  # noqa: E501
            ),
            "armu hangs on one cluster alone",
        ),
        (
            lambda: gee.fit(pd.DataFrame(ONE).assign(site=["x"] * 7 + list("abcabca")), outcome="y", subject="site", fixed="arm"),  # noqa: E501
            "armu hangs on one cluster alone",
        ),
        (
            lambda: gee.fit(pd.DataFrame(ONE).assign(site=range(14)), outcome="y", subject="site", fixed="arm"),  # noqa: E501
            "no site has two rows, so there is no correlation within them",
        ),
        (
            lambda: linear_mixed.fit(pd.DataFrame(ONE).assign(site="x"), outcome="y", subject="site", fixed="arm"),  # noqa: E501
            "site: there is one; a variance between them needs several",
        ),
        (
            lambda: linear_mixed.fit(pd.DataFrame(ONE).assign(site=range(14)), outcome="y", subject="site", fixed="arm"),  # noqa: E501
            "the data do not tell the variances apart",
        ),
        (
            lambda: mmrm.fit(
                pd.DataFrame(ONE).assign(site="x", visit=range(14)), outcome="y", subject="site", visit="visit", fixed="arm"  # noqa: E501
            ),
            "there is one subject",
        ),
    ],
)  # fmt: skip
def test_one_cluster_and_clusters_of_one_are_refused_where_nothing_is_known_of_how_they_differ(
    call, message
):
    """lme4 24 (a random effect of one level); one cluster of an arm leaves its robust variance
    zero.
    """
    with pytest.raises(NotEstimable, match=message):
        call()


def test_clusters_of_one_with_robust_errors_are_hc2():
    """With every cluster of one, CR2 is the HC2 of linear models (Pustejovsky and Tipton 2018)."""
    frame = pd.DataFrame(ONE).assign(site=range(14))
    found = cluster_robust.fit(frame, outcome="y", cluster="site", fixed="arm")
    want = ancova.regress(frame, outcome="y", fixed="arm", covariance="hc2")
    assert found.vcov.to_numpy() == pytest.approx(want.vcov.to_numpy(), rel=1e-12)


def test_text_is_not_somebody_seen_at_a_visit():
    frame = pd.DataFrame(
        {
            "first": [1.0, 2, 3],
            "then": pd.Series([2, "NaN", None], dtype=object),
            "arm": list("aba"),
        }
    )
    for call in (
        lambda: missingness.patterns(frame, ["first", "then"]),
        lambda: missingness.predictors(frame, visit="then", fixed="first"),
        lambda: missingness.differential(frame, visit="then", arm="arm", first="a", second="b"),
    ):
        with pytest.raises(NotEstimable, match="then is numbers with 'NaN' among them"):
            call()


def test_arms_in_an_analysis_of_covariance_are_read_as_levels_are():
    outcome, before = [1.0, 2, 4, 3, 6], [1.0, 3, 2, 4, 1]
    mixed = ancova.fit(outcome, before, [1, "1", 2, 2.0, "2"])
    assert mixed.difference("1", "2") == ancova.fit(outcome, before, list("11222")).difference(
        "1", "2"
    )
    # Arms as the numbers or truth values that they are.
    numbered = ancova.fit(outcome, before, np.array([1, 1, 2, 2, 2]))
    assert numbered.difference(1, 2.0) == mixed.difference("1", "2")
    told = ancova.fit(outcome, before, np.array([True, True, False, False, False]))
    assert told.difference(True, np.False_).p == pytest.approx(mixed.difference(1, 2).p)
    with pytest.raises(NotEstimable, match="'b' and 'b ' look alike"):
        ancova.fit(outcome, before, ["a", "b", "a", "b ", "b"])
    with pytest.raises(NotEstimable, match="somebody who has all values has no arm"):
        ancova.fit(outcome, before, ["a", "b", "a", None, "b"])


def test_a_table_is_no_column():
    with pytest.raises(NotEstimable, match="is a table, not one column"):
        t_tests.welch(np.ones((3, 2)), [1.0, 2, 3])


@pytest.mark.parametrize("pair", [(0.1, 0.1), (0.1 + 0.2, 0.3)])
def test_a_hazard_ratio_of_what_does_not_vary_is_refused(pair):
    frame = pd.DataFrame(
        {
            "t": [1.0, 2, 3, 4, 5, 6],
            "e": [1, 0, 1, 1, 0, 1],
            "x": [2.0, 1, 3, 1, 2, 5],
            "same": [*pair] * 3,
        }
    )
    with pytest.raises(NotEstimable, match="same is the same for everybody"):
        survival.cox(frame, time="t", event="e", formula="same + x")
