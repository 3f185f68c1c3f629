"""A CSV and its plan: what is read, and how each mistake is named."""

from pathlib import Path

import pytest

from reports.csv_input import BadInput, read_data, read_plan
from reports.dataset.durations import Duration

DATA = Path(__file__).parent.parent / "data"
PLAN = """\
title: {en: Small trial}
source: made up
columns: {participant: id, arm: arm, baseline: pre}
outcome: {code: S, title: {en: Scale}, direction: higher_worse}
visits:
  - {column: m2, label: {en: 2 months}, months: 2}
  - {column: m8, label: {en: 8 months}, months: 8}
arms: [{code: a, name: {en: A}}, {code: "No", name: {en: B}}]
contrasts: [[a, "No"]]
covariates: [sex, age]
"""
ROWS = "id,arm,pre,m2,m8,sex,age\n1,a,10,5,NA,f,30\n2,No,11,,,m,40\n3,a,12,6,7,NA,50\n"


def plan(tmp_path, text=PLAN):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    return read_plan(path)


def data(tmp_path, rows=ROWS, text=PLAN):
    path = tmp_path / "data.csv"
    path.write_text(rows)
    return read_data(path, plan(tmp_path, text), "test")


def messages(call, *args):
    with pytest.raises(BadInput) as caught:
        call(*args)
    return caught.value.messages


def test_beat_the_blues_is_read_as_it_is():
    read = read_data(DATA / "btheb.csv", read_plan(DATA / "btheb.plan.yaml"), "test")
    assert len(read.participants) == 100
    assert [sum(person.arm == arm for person in read.participants) for arm in ("BtheB", "TAU")] == [52, 48]
    # tests/data/README.md: NA where missing, 3, 27, 42 and 48 people.
    lost = [sum(sum(arm.follow_up[i].lost.values()) for arm in read.flow.arms) for i in range(4)]
    assert lost == [3, 27, 42, 48]


def test_a_text_column_is_a_choice_and_a_column_of_numbers_a_number(tmp_path):
    read = data(tmp_path)
    assert [(v.code, v.kind) for v in read.variables] == [("sex", "choice"), ("age", "number")]
    assert [person.values for person in read.participants] == [
        {"sex": "f", "age": 30.0},
        {"sex": "m", "age": 40.0},
        {"sex": None, "age": 50.0},
    ]


def test_who_is_never_seen_again_left_at_the_first_visit_missed(tmp_path):
    assert data(tmp_path).retention == {"1": Duration(8, True), "2": Duration(2, True), "3": Duration(8, False)}


def test_a_missing_covariate_keeps_a_person_out_of_the_analysis(tmp_path):
    row = data(tmp_path).flow.arms[0].follow_up[0]
    assert (row.analysed, row.left_out) == (1, {"no_covariate": 1})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            ROWS.replace("sex,age", "sex,shoe"),
            [
                "column age: the plan names it, the file does not have it",
                "column shoe: unknown; the plan does not name it",
            ],
        ),
        (ROWS.replace("\n2,No", "\n1,No"), ["column id, row 3: 1 already stands in row 2"]),
        (ROWS.replace("\n2,No", "\n,No"), ["column id, row 3: no participant"]),
        (ROWS.replace("10,5", "ten,5"), ["column pre, row 2: 'ten' is not a number"]),
        (ROWS.replace("6,7", "6,inf"), ["column m8, row 4: 'inf' is not a number"]),
        (ROWS.replace("2,No", "2,Maybe"), ["column arm, row 3: Maybe is not one of the arms a, No"]),
        (ROWS + "4,a,9\n", ["row 5: 3 cells where the header has 7"]),
        (ROWS.splitlines()[0] + "\n", ["there is no row under the header"]),
        (ROWS.replace("pre,m2,m8", "pre,m2,m2"), [
            "column m8: the plan names it, the file does not have it",
            "column m2: stands in the header 2 times",
        ]),
        (
            ROWS.replace("10,5", "x,5").replace("2,No", "3,Nein"),
            [
                "column id, row 4: 3 already stands in row 3",
                "column arm, row 3: Nein is not one of the arms a, No",
                "column pre, row 2: 'x' is not a number",
            ],
        ),
    ],
)  # fmt: skip
def test_every_mistake_in_the_data_names_column_and_row(tmp_path, rows, expected):
    assert messages(data, tmp_path, rows) == [f"data.csv: {text}" for text in expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("source: made up\n", "", ["plan.yaml:1: source: field required"]),
        ("months: 8", "months: soon", [
            "plan.yaml:7: visits.1.months: input should be a valid number, unable to parse string as a number"
        ]),
        ("covariates: [sex, age]", "covariates: [sex, age]\nlooks: 3", [
            "plan.yaml:11: looks: extra inputs are not permitted"
        ]),
        ("source: made up", "source: made up\nsource: again", ["plan.yaml:3: source stands here a second time"]),
        ('[[a, "No"]]', "[[a, c]]", ["plan.yaml:9: contrasts: c is not one of the arms a, No"]),
        ('[[a, "No"]]', "[[a, a]]", ["plan.yaml:9: contrasts: a contrast needs two different arms, not a twice"]),
        ("[sex, age]", "[sex, m2]", ["plan.yaml:3: column m2 is named for two things"]),
        ("[sex, age]", "[sex\n", ["plan.yaml:12: expected ',' or ']', but got '<stream end>'"]),
        ("[sex, age]", "[sex, age]\nlabels: {m2: {}}", ["plan.yaml:11: labels: m2 is not one of the covariates sex, age"]),
        ("[sex, age]", "[sex, age]\nprimary: [m2, m9]", [
            "plan.yaml:11: primary: m9 is not the column of a visit (m2, m8)"
        ]),
        ('{code: "No", name: {en: B}}', '{code: "No", name: {en: B}}, {code: a, name: {en: C}}', [
            "plan.yaml:8: arms: two arms have the same code"
        ]),
        ("[sex, age]", "[sex, age]\nreliable_change: {sd: 7, source: A}", [
            "plan.yaml:11: reliable_change: give points, or sd and reliability"
        ]),
        ("[sex, age]", "[sex, age]\nreliable_change: {reliability: 0.8, source: A}", [
            "plan.yaml:11: reliable_change: give points, or sd and reliability"
        ]),
    ],
)  # fmt: skip
def test_every_mistake_in_the_plan_names_file_and_line(tmp_path, old, new, expected):
    assert messages(plan, tmp_path, PLAN.replace(old, new)) == expected


def test_an_empty_plan_lists_all_that_is_needed(tmp_path):
    found = [message.split(": ")[1] for message in messages(plan, tmp_path, "{}")]
    assert found == ["title", "source", "columns", "outcome", "visits", "arms"]
    assert messages(plan, tmp_path, "") == ["plan.yaml: the file is empty"]


@pytest.mark.parametrize("change", ["points: 6", "sd: 8, reliability: 0.9"])
def test_a_plan_names_its_primary_visit_and_its_bar_for_change(tmp_path, change):
    more = f"primary: [m8]\nreliable_change: {{{change}, source: A}}\n"
    read = plan(tmp_path, PLAN + more)
    assert [(each.instrument, each.timepoint) for each in read.analysis().primary] == [("S", "m8")]
