"""Every number: named, unique, the same each time, and in agreement with the flow."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from reports.dataset import FlowDoesNotAddUp, ReliableChange
from reports.plan import AnalysisPlan, Outcome
from reports.results import Number, Results, analyse, outcomes, results_json, ticks
from reports.results.meta import ROOT, sources

from .people import ARMS, PLAN, a_trial

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
PAIRS = ["coached-unguided", "coached-waiting", "unguided-waiting"]


def test_the_same_snapshot_gives_the_same_numbers():
    assert analyse(a_trial(60), PLAN) == analyse(a_trial(60), PLAN)


def test_with_three_arms_every_contrast_is_named():
    results = analyse(a_trial(60), PLAN)
    found = [n.id for n in results.numbers if n.id.startswith("difference.PHQ9.post1.")]
    assert found == [f"difference.PHQ9.post1.{pair}" for pair in PAIRS]


def test_a_contrast_of_the_plan_keeps_its_direction():
    turned = PLAN.model_copy(update={"contrasts": (("waiting", "coached"),)})
    ahead, behind = analyse(a_trial(60), PLAN), analyse(a_trial(60), turned)
    value = behind["difference.PHQ9.post1.waiting-coached"].value
    assert value == pytest.approx(-ahead["difference.PHQ9.post1.coached-waiting"].value)


def test_holm_is_taken_over_the_primary_outcomes_only():
    results = analyse(a_trial(60), PLAN)
    ids = [f"PHQ9.post1.{pair}" for pair in PAIRS] + [f"CESD.post1.{pair}" for pair in PAIRS]
    adjusted = step_down([results[f"p.{id}"].value for id in ids])
    assert [results[f"p_holm.{id}"].value for id in ids] == adjusted
    assert sorted(n.id for n in results.numbers if n.id.startswith("p_holm")) == sorted(
        f"p_holm.{id}" for id in ids
    )


def step_down(raw):
    """Holm by hand: the smallest times how many there are, the next times one less, and so on;
    never below the one before.
    """
    order, largest, adjusted = sorted(range(len(raw)), key=lambda i: raw[i]), 0.0, [0.0] * len(raw)
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(raw) - rank) * raw[i]))
        adjusted[i] = largest
    return adjusted


@pytest.mark.parametrize(
    ("contrasts", "primary"),
    [
        ((("coached", "waiting"),), PLAN.primary),
        ((("waiting", "coached"), ("coached", "unguided")), PLAN.primary),
        ((("waiting", "coached"), ("coached", "unguided")), PLAN.primary[:1]),
        ((), PLAN.primary),
        ((), PLAN.primary[:1]),
    ],
)
def test_the_family_is_what_the_plan_names_and_nothing_else(contrasts, primary):
    plan = PLAN.model_copy(update={"contrasts": contrasts, "primary": primary})
    results = analyse(a_trial(60), plan)
    named = ["-".join(pair) for pair in contrasts or (pair.split("-") for pair in PAIRS)]
    ids = [f"{each.instrument}.post1.{pair}" for each in primary for pair in named]
    adjusted = step_down([results[f"p.{id}"].value for id in ids])
    found = {n.id: n.value for n in results.numbers if n.id.startswith("p_holm.")}
    assert found == pytest.approx(
        {f"p_holm.{id}": p for id, p in zip(ids, adjusted, strict=True)}, rel=1e-12
    )
    assert results["holm.tests"].value == len(ids)
    others = {n.id for n in results.numbers if n.id.startswith("p.")}
    assert len(others) == 12  # every pair at every time point has a p of its own


@pytest.mark.parametrize("lost", ["not due yet", "nobody answered"])
def test_what_cannot_be_estimated_stays_in_the_family_as_a_p_of_one(lost):
    data = a_trial(60)
    if lost == "not due yet":
        data = without(data, ("CESD", "post1", None))
    else:
        scores = tuple(
            dataclasses.replace(row, score=None, state="missed")
            if (row.instrument, row.timepoint) == ("CESD", "post1")
            else row
            for row in data.scores
        )
        flow = dataclasses.replace(data.flow, arms=())
        data = dataclasses.replace(data, scores=scores, flow=flow)
    results = {n.id: n for n in outcomes.numbers(data, PLAN)}
    raw = [results[f"p.PHQ9.post1.{pair}"].value for pair in PAIRS]
    expected = step_down([*raw, 1.0, 1.0, 1.0])[:3]
    assert [results[f"p_holm.PHQ9.post1.{pair}"].value for pair in PAIRS] == pytest.approx(expected)
    said = "Holm over 6 tests of the plan, 3 of which cannot be estimated and count as 1"
    assert {results[f"p_holm.PHQ9.post1.{pair}"].method for pair in PAIRS} == {said}
    told = [results.get(f"p_holm.CESD.post1.{pair}") for pair in PAIRS]
    if lost == "not due yet":  # there is no row to tell it in
        assert told == [None] * 3
    else:
        assert [each.value for each in told] == [1.0] * 3


def test_one_test_is_not_corrected():
    plan = PLAN.model_copy(
        update={"primary": PLAN.primary[:1], "contrasts": (("coached", "waiting"),)}
    )
    assert [n.id for n in outcomes.numbers(a_trial(60), plan) if "holm" in n.id] == []


def test_the_people_of_a_difference_are_those_of_its_model():
    """Degrees of freedom and coefficients by hand: intercept, baseline, sex and two arms."""
    data = a_trial(60)
    results = analyse(data, PLAN)
    for outcome in PLAN.primary:
        known = [
            person
            for person in data.participants
            if None
            not in (
                data.score(person.code, outcome.instrument, point) for point in ("pre", "post1")
            )
        ]
        for pair in PAIRS:
            where = f"{outcome.instrument}.post1.{pair}"
            found = {
                kind: results[f"{kind}.{where}"]
                for kind in ("difference", "difference_n", "p", "effect")
            }
            assert {n.n for kind, n in found.items() if kind != "difference_n"} == {len(known)}
            assert found["difference_n"].value == len(known)
            assert f"{len(known) - 5} degrees of freedom" in found["difference"].method


def test_a_choice_whose_codes_are_numbers_is_no_slope():
    """Options 1 to 4 of a question: intercept, baseline, three of the four options and two of the
    three arms.
    """
    data = a_trial(60)
    people = tuple(
        dataclasses.replace(person, values={**person.values, "sex": str(1 + i % 4)})
        for i, person in enumerate(data.participants)
    )
    results = analyse(dataclasses.replace(data, participants=people), PLAN)
    number = results["difference.PHQ9.post1.coached-waiting"]
    assert f"{number.n - 7} degrees of freedom" in number.method


def of_clusters(people=60, code="sex"):
    return a_trial(people), PLAN.model_copy(update={"cluster": code, "covariates": ()})


def test_where_clusters_were_randomised_no_number_pretends_that_it_was_people():
    data, plan = of_clusters()
    results = analyse(data, plan)
    assert [n.id for n in results.numbers if n.lower is not None or n.upper is not None] == []
    kinds = {n.id.partition(".")[0] for n in results.numbers}
    assert kinds & {"p", "p_holm", "effect", "effect_sd", "difference_n", "holm"} == set()
    found = [n for n in results.numbers if n.id.startswith("difference.")]
    assert {(n.value, n.reason) for n in found} == {(None, "clusters")}
    assert len(found) == 12
    said = json.loads(results_json(results, data, plan, AT))["meta"]["not_possible"]
    assert sorted(said) == ["differences", "effects", "intervals", "p_values"]
    assert json.loads(results_json(results, data, PLAN, AT))["meta"]["not_possible"] == {}
    assert [n.id for n in results.numbers if n.id.startswith("baseline.sex.smd")] == []


@pytest.mark.parametrize("people", [4, 60])
def test_where_clusters_were_randomised_no_method_names_an_interval(people):
    data, plan = of_clusters(people)
    named = ("t interval", "Wilson", "exact interval", "log-log", "covariance", "Hedges", "Holm")
    methods = {number.method for number in analyse(data, plan).numbers}
    assert [method for method in methods if any(word in method for word in named)] == []
    assert {"mean; no interval, since clusters were randomised", "share"} & {
        method.replace("share; no interval, since clusters were randomised", "share")
        for method in methods
    } == {"mean; no interval, since clusters were randomised", "share"}


def test_without_clusters_the_same_numbers_stand_there_with_their_intervals():
    data, plan = of_clusters()
    people = analyse(data, plan.model_copy(update={"cluster": None})).by_id
    for number in analyse(data, plan).numbers:
        if not number.id.startswith("difference."):
            assert (number.value, number.n) == (people[number.id].value, people[number.id].n)


def test_an_effect_tells_how_it_was_made():
    number = analyse(a_trial(60), PLAN)["effect.PHQ9.post1.coached-waiting"]
    sd = analyse(a_trial(60), PLAN)["effect_sd.PHQ9.post1.coached-waiting"].value
    assert number.recipe == (
        f"standardiser: pooled baseline SD of everybody randomised to the two arms = {sd!r}; "
        f"adjustment: adjusted for "
        f"baseline, sex; n: {_n('coached')} and {_n('waiting')}; correction: Hedges J (exact); "
        f"interval: large sample, "
        "normal, se^2 = (se of difference / SD)^2 + d^2 / (2 n of SD)"
    )


def _n(arm):
    return int(analyse(a_trial(60), PLAN)[f"flow.{arm}.analysed.PHQ9.post1"].value)


def test_the_flow_must_agree_with_the_model():
    data = a_trial(30)
    row = data.flow.arms[0].follow_up[0]
    moved = dataclasses.replace(row, analysed=row.analysed - 1, left_out={"no_baseline": 1})
    arm = dataclasses.replace(
        data.flow.arms[0], follow_up=(moved, *data.flow.arms[0].follow_up[1:])
    )
    flow = dataclasses.replace(data.flow, arms=(arm, *data.flow.arms[1:]))
    with pytest.raises(
        FlowDoesNotAddUp,
        match=r"coached: . analysed in the flow, . in the model, for PHQ9 at post1",
    ):
        analyse(dataclasses.replace(data, flow=flow), PLAN)


def test_a_pooled_analysis_has_no_number_by_arm_and_no_contrast():
    results = analyse(a_trial(60, arms=None), PLAN)
    assert [n.id for n in results.numbers if any(arm in n.id for arm in ARMS)] == []
    assert [n.id for n in results.numbers if n.id.startswith(("difference", "effect", "p."))] == []


def test_too_few_people_are_said_to_be_too_few():
    results = analyse(
        a_trial(4), PLAN.model_copy(update={"covariates": (), "multiplicity": "none"})
    )
    number = results["difference.PHQ9.post1.coached-unguided"]
    assert number.value is None
    assert number.method.startswith("not estimable: ")
    assert number.reason == "too_few"


def with_scores(data, score):
    return dataclasses.replace(
        data,
        scores=tuple(
            dataclasses.replace(row, score=score(row.score))
            if row.timepoint == "post1" and row.score is not None
            else row
            for row in data.scores
        ),
    )


def with_sexes(data, sex):
    return dataclasses.replace(
        data,
        participants=tuple(
            dataclasses.replace(person, values={**person.values, "sex": sex(i, person)})
            for i, person in enumerate(data.participants)
        ),
    )


@pytest.mark.parametrize(
    ("changed", "method", "reason"),
    [
        (lambda d: with_scores(d, lambda x: (x + 1) * 1e205), "use another unit", "not_estimable"),
        (
            lambda d: with_sexes(d, lambda i, _: "North A" if i % 5 else "North  A"),
            "look alike",
            "not_estimable",
        ),
        (lambda d: with_sexes(d, lambda i, _: "x" if i % 5 else "nan"), "level", "not_estimable"),
        (lambda d: with_sexes(d, lambda _, p: p.arm), "cannot be told apart", "too_few"),
        (lambda d: with_scores(d, lambda _: 0.1), "does not vary", "does_not_vary"),
    ],
    ids=["beyond squares", "look alike", "says nothing", "arms", "the same"],
)
def test_a_difference_that_is_not_estimable_has_the_reason_that_is_so(changed, method, reason):
    found = [
        number
        for number in analyse(changed(a_trial(60)), PLAN).numbers
        if number.id.startswith("difference.PHQ9.post1.")
    ]
    assert [(n.value, n.reason) for n in found] == [(None, reason)] * 3
    assert all(method in n.method for n in found)


def test_two_numbers_never_share_an_id():
    with pytest.raises(ValueError, match="two numbers with the same id: a"):
        Results((Number("a", 1), Number("a", 2)))


def test_a_plan_does_not_compare_an_arm_with_itself():
    with pytest.raises(ValueError, match="not a twice"):
        AnalysisPlan(contrasts=(("a", "a"),), primary=(Outcome(instrument="X", timepoint="y"),))


def test_results_json_keeps_times_hashes_and_versions_in_meta_alone():
    data = a_trial(30)
    results = analyse(data, PLAN)
    made = json.loads(results_json(results, data, PLAN, AT))
    later = json.loads(results_json(results, data, PLAN, datetime(2027, 1, 1, tzinfo=UTC)))
    assert sorted(made) == ["meta", "numbers"]
    assert made["numbers"] == later["numbers"]
    assert made["meta"]["snapshot_sha256"] == data.snapshot_hash
    assert made["meta"]["notice"] == "Simulated people. Not the published trial."
    assert sorted(made["numbers"][0]) == [
        "id",
        "lower",
        "method",
        "n",
        "reason",
        "recipe",
        "unit",
        "upper",
        "value",
    ]


def test_retention_ends_with_the_last_time_point_that_the_arm_has():
    data = a_trial(60)
    waiting = {person.code for person in data.people("waiting")}
    kept = tuple(
        row for row in data.scores if row.participant not in waiting or row.timepoint != "post2"
    )
    results = analyse(dataclasses.replace(data, scores=kept), PLAN)
    assert results["retention.waiting.at.post2"].value is None
    assert (
        results["retention.waiting.at.post2"].method == "nobody in the group is followed until then"
    )
    assert results["retention.waiting.at.post1"].value is not None
    assert results["retention.coached.at.post2"].value is not None


def test_everybody_or_nobody_who_stays_is_no_certainty():
    """Clopper and Pearson: all of n have a lower limit of 0.025 to the power 1 / n."""
    data = a_trial(60)
    answered = tuple(dataclasses.replace(row, state="answered") for row in data.scores)
    people = tuple(
        dataclasses.replace(p, study_left_at=None if p.arm == "coached" else 10.0)
        for p in data.participants
    )
    results = analyse(dataclasses.replace(data, participants=people, scores=answered), PLAN)
    n = results["retention.coached.n"].value
    for point in ("post1", "post2"):
        found = results[f"retention.coached.at.{point}"]
        assert (found.value, found.lower, found.upper) == (
            1.0,
            pytest.approx(0.025 ** (1 / n)),
            1.0,
        )
        assert found.method.endswith("exact interval of all out of all who are still followed")
        gone = results[f"retention.unguided.at.{point}"]
        assert (gone.value, gone.lower, gone.upper) == (0.0, None, None)
        assert gone.method.endswith("nobody is left, which has no interval")


def test_no_interval_of_the_report_has_no_width():
    """Whatever the arm: where nothing varies, there is a wider interval or none."""
    data = a_trial(60)
    level = tuple(dataclasses.replace(row, score=10.0, state="answered") for row in data.scores)
    people = tuple(dataclasses.replace(p, study_left_at=None) for p in data.participants)
    use = tuple(
        dataclasses.replace(row, completed_at=row.opened_at and row.opened_at + 1)
        for row in data.module_use
    )
    for changed in ({}, {"scores": level, "participants": people, "module_use": use}):
        results = analyse(dataclasses.replace(data, **changed), PLAN)
        narrow = [
            n.id
            for n in results.numbers
            if n.lower is not None and n.upper is not None and n.lower >= n.upper
        ]
        assert narrow == []


def test_the_people_at_risk_under_a_curve_are_numbers_too():
    data = a_trial(60)
    results = analyse(data, PLAN)
    for kind in ("retention", "use"):
        found = [n for n in results.numbers if n.id.startswith(f"{kind}.coached.at_risk.")]
        assert [n.id.rpartition(".")[2] for n in found] == [
            f"d{tick}" for tick in ticks(data, kind)
        ]
        assert (found[0].value, found[-1].value) == (results[f"{kind}.coached.n"].value, 0)
        assert [n.value for n in found] == sorted((n.value for n in found), reverse=True)


def without(data, *rows):
    """Without the scores of an instrument at a time point (of an arm)."""
    gone = {
        (person.code, i, t)
        for i, t, arm in rows
        for person in data.participants
        if arm in (None, person.arm)
    }
    kept = tuple(r for r in data.scores if (r.participant, r.instrument, r.timepoint) not in gone)
    return dataclasses.replace(data, scores=kept, flow=dataclasses.replace(data.flow, arms=()))


@pytest.mark.parametrize(
    ("gone", "reason", "text"),
    [
        (
            ("PHQ9", "pre", None),
            "no_baseline_score",
            "not estimable: no baseline score of this questionnaire",
        ),
        (
            ("PHQ9", "post2", "waiting"),
            "one_arm",
            "not estimable: nobody in arm waiting has all values",
        ),
    ],
)
def test_a_difference_that_cannot_be_estimated_says_why(gone, reason, text):
    data = without(a_trial(60), gone)
    number = {n.id: n for n in outcomes.numbers(data, PLAN)}[
        "difference.PHQ9.post2.coached-waiting"
    ]
    assert (number.value, number.reason, number.method) == (None, reason, text)


def test_the_code_version_is_of_everything_a_number_passes_through():
    found = {path.relative_to(ROOT).as_posix() for path in sources()}
    passed = {
        "outcomes/scoring.py",
        "outcomes/library/PHQ9.yaml",
        "trial/anchors.py",
        "randomisation/methods/blocks.py",
    }
    assert passed | {"reports/statistics/ancova.py", "coaching_protocol/queries/tables.py"} <= found
    assert [name for name in found if "migrations" in name] == []


def test_where_two_arms_began_alike_to_the_point_their_effect_has_no_standard_to_be_measured_by():
    data = a_trial(60)
    waiting = {person.code for person in data.people("waiting")}
    scores = tuple(
        dataclasses.replace(row, score=12.0)
        if (row.instrument, row.timepoint) == ("PHQ9", "pre") and row.participant not in waiting
        else row
        for row in data.scores
    )
    results = analyse(dataclasses.replace(data, scores=scores), PLAN)
    number = results["effect.PHQ9.post1.coached-unguided"]
    assert (number.value, number.method) == (None, "not estimable: the standardiser has no spread")
    assert results["difference.PHQ9.post1.coached-unguided"].value is not None
    assert results["effect.PHQ9.post1.coached-waiting"].value is not None


@pytest.mark.parametrize("reference", [None, ReliableChange(sd=8), ReliableChange(reliability=0.9)])
def test_without_points_or_an_sd_with_its_reliability_nobody_changed_reliably_or_not(reference):
    data = a_trial(30)
    first = dataclasses.replace(data.instruments[0], reliable_change=reference)
    results = analyse(dataclasses.replace(data, instruments=(first, *data.instruments[1:])), PLAN)
    found = {
        number.id.split(".")[1] for number in results.numbers if number.id.startswith("reliable")
    }
    assert found == {"CESD"}


def test_an_outcome_that_is_the_same_for_everybody_has_no_difference_with_a_p():
    data = a_trial(60)
    same = tuple(
        dataclasses.replace(row, score=5.0)
        if row.timepoint == "post1" and row.score is not None
        else row
        for row in data.scores
    )
    results = analyse(
        dataclasses.replace(data, scores=same), PLAN.model_copy(update={"multiplicity": "none"})
    )
    number = results["difference.PHQ9.post1.coached-waiting"]
    assert (number.value, number.method) == (
        None,
        "not estimable: the outcome does not vary around the model",
    )
    assert number.reason == "does_not_vary"
    assert "p.PHQ9.post1.coached-waiting" not in results.by_id


def test_lessons_without_a_record_of_use_and_use_without_lessons_each_have_their_own_numbers():
    data = a_trial(30)
    ids = {}
    for name, gone in (
        ("lessons", {"usage": None}),
        ("use", {"modules": None, "module_use": None}),
    ):
        results = analyse(dataclasses.replace(data, **gone), PLAN)
        ids[name] = {
            number.id
            for number in results.numbers
            if number.id.startswith(("adherence.coached", "use.coached"))
        }
    assert {"adherence.coached.access", "adherence.coached.modules"} <= ids["lessons"]
    assert {id for id in ids["lessons"] if id.startswith("use.")} == set()
    assert {"adherence.coached.access", "adherence.coached.last_use", "use.coached.n"} <= ids["use"]
    assert "adherence.coached.modules" not in ids["use"]


@pytest.mark.parametrize("same", [12.0, 0.1, 1 / 3, 1e8 + 0.1])
def test_a_baseline_that_does_not_vary_is_left_out_of_the_model_and_named(same):
    """R: lm() drops the constant column; what is left is the difference of means, here without
    covariates.
    """
    data = everybody_began_at(a_trial(60), same)
    plan = PLAN.model_copy(update={"covariates": (), "multiplicity": "none"})
    number = analyse(data, plan)["difference.PHQ9.post1.coached-waiting"]
    scores = {
        arm: [s for p in data.people(arm) if (s := data.score(p.code, "PHQ9", "post1")) is not None]
        for arm in ARMS
    }
    off = sum(scores["coached"]) / len(scores["coached"]) - sum(scores["waiting"]) / len(
        scores["waiting"]
    )
    assert number.value == pytest.approx(off, rel=1e-12)
    assert number.reason == "not_adjusted:baseline"
    assert number.recipe == "not adjusted; without baseline, of which nothing is left to adjust for"


def everybody_began_at(data, score):
    began = tuple(
        dataclasses.replace(row, score=score)
        if row.timepoint == "pre" and row.score is not None
        else row
        for row in data.scores
    )
    return dataclasses.replace(data, scores=began)


def test_an_effect_by_the_sd_of_three_people_has_no_small_sample_correction_and_is_not_given():
    """Hedges' J does not exist at one degree of freedom; the difference itself has its own two."""
    data = a_trial(5)
    given = {("PHQ9", "post1"): 3.0, ("PHQ9", "pre"): 12.0}
    rows = {
        (p.code, i, t): s + (p.code > data.participants[2].code)
        for p in data.participants
        for (i, t), s in given.items()
    }
    scores = tuple(
        dataclasses.replace(r, score=rows.get((r.participant, r.instrument, r.timepoint), r.score))
        for r in data.scores
    )
    data = dataclasses.replace(data, scores=scores, flow=dataclasses.replace(data.flow, arms=()))
    data = everybody_began_at(data, 12.0)
    plan = PLAN.model_copy(
        update={"covariates": (), "multiplicity": "none", "standardiser": "post_sd"}
    )
    found = {n.id: n for n in outcomes.numbers(data, plan)}
    few = next(i for i in found if i.startswith("effect.PHQ9.post1") and found[i].value is None)
    assert found[few].method == "not estimable: 1 degrees of freedom are too few for Hedges J"
    assert found[few.replace("effect", "difference")].value is not None
