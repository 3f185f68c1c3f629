"""A CSV and its plan: what is read, and how each mistake is named."""

from pathlib import Path

import pytest

from reports.csv_input import BadInput, CsvPlan, read_data, read_plan
from reports.dataset import LeftAside
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
KEYS = ", ".join([name for name in CsvPlan.model_fields if name != "chosen_here"] + ["chosen_here"])
ROWS = "id,arm,pre,m2,m8,sex,age\n1,a,10,5,NA,f,30\n2,No,11,,,m,40\n3,a,12,6,7,NA,50.5\n"


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
    assert [sum(person.arm == arm for person in read.participants) for arm in ("BtheB", "TAU")] == [
        52,
        48,
    ]
    # tests/data/README.md: NA where missing, 3, 27, 42 and 48 people.
    lost = [sum(sum(arm.follow_up[i].lost.values()) for arm in read.flow.arms) for i in range(4)]
    assert lost == [3, 27, 42, 48]


def test_a_text_column_is_a_choice_and_a_column_of_numbers_a_number(tmp_path):
    read = data(tmp_path)
    assert [(v.code, v.kind) for v in read.variables] == [("sex", "choice"), ("age", "number")]
    assert [person.values for person in read.participants] == [
        {"sex": "f", "age": 30.0},
        {"sex": "m", "age": 40.0},
        {"sex": None, "age": 50.5},
    ]


def test_who_is_never_seen_again_left_at_the_first_visit_missed(tmp_path):
    assert data(tmp_path).retention == {
        "1": Duration(8, True),
        "2": Duration(2, True),
        "3": Duration(8, False),
    }


def test_a_missing_covariate_keeps_a_person_out_of_the_analysis(tmp_path):
    row = data(tmp_path).flow.arms[0].follow_up[0]
    assert (row.analysed, row.left_out) == (1, {"no_covariate": 1})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            ROWS.replace("sex,age", "sex,shoe"),
            [
                "the plan names a column that is not there: unknown column 'age'; "
                "known: id, arm, pre, m2, m8, sex, shoe"
            ],
        ),
        (ROWS.replace("\n2,No", "\n1,No"), ["column 'id', row 3: '1' already stands in row 2"]),
        (ROWS.replace("\n2,No", "\n,No"), ["column 'id', row 3: no participant"]),
        (ROWS.replace("10,5", "ten,5"), ["column 'pre', row 2: 'ten' is not a number"]),
        (ROWS.replace("6,7", "6,inf"), ["column 'm8', row 4: 'inf' is not a number"]),
        (ROWS.replace("2,No", "2,Maybe"), ["column 'arm', row 3: unknown arm 'Maybe'; known: a, "
                                           "No"]),
        (ROWS + "4,a,9\n", ["row 5: 3 cells where the header has 7"]),
        (ROWS.splitlines()[0] + "\n", ["there is no row under the header"]),
        (ROWS.replace("pre,m2,m8", "pre,m2,m2"), [
            "column 'm2': stands in the header 2 times",
            "the plan names a column that is not there: unknown column 'm8'; "
            "known: id, arm, pre, m2, sex, age",
        ]),
        (
            ROWS.replace("10,5", "x,5").replace("2,No", "3,Nein"),
            [
                "column 'id', row 4: '3' already stands in row 3",
                "column 'arm', row 3: unknown arm 'Nein'; known: a, No",
                "column 'pre', row 2: 'x' is not a number",
            ],
        ),
    ],
)  # fmt: skip
def test_every_mistake_in_the_data_names_column_and_row(tmp_path, rows, expected):
    assert messages(data, tmp_path, rows) == [f"data.csv: {text}" for text in expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("source: made up\n", "", ["plan.yaml:1: 'source' is missing"]),
        ("source: made "
         "up\n", "source:\n", ["plan.yaml:2: source: is empty; write a value or leave the key "
                               "out"]),
        ("months: 8", "months: soon", ["plan.yaml:7: visits[1].months: 'soon' is not a number"]),
        ("months: "
         "8", "months: -1", ["plan.yaml:7: visits[1].months: '-1' is too small; more than 0.0"]),
        ("direction: higher_worse", "direction: up", [
            "plan.yaml:4: outcome.direction: unknown value 'up'; known: higher_worse, higher_better"
        ]),
        ('[[a, '
         '"No"]]', "[[a]]", ["plan.yaml:9: contrasts[0]: needs at least 2 in the list; there are "
                             "1"]),
        ('[[a, "No"]]', '[[a, "No"], ["No", a]]', [
            "plan.yaml:9: contrasts[1]: No, a are compared already; keep one direction"
        ]),
        ("[sex, "
         "age]", "[sex, age]\nlooks: 3", [f"plan.yaml:11: unknown key 'looks'; known: {KEYS}"]),
        ("source: made up", "source: made up\nsource: again", [
            "plan.yaml:3: 'source' stands here twice, first in line 2; keep one"
        ]),
        ('[[a, "No"]]', "[[a, c]]", ["plan.yaml:9: contrasts[0]: unknown arm 'c'; known: a, No"]),
        ('[[a, '
         '"No"]]', "[[a, "
                   "a]]", ["plan.yaml:9: contrasts[0]: compares 'a' with itself; name two arms"]),
        ("[sex, age]", "[sex, m2]", ["plan.yaml:3: columns: column 'm2' is named for two things"]),
        ("[sex, age]", "[sex\n", [
            "plan.yaml:10: not readable as YAML: a bracket that is never closed; from ' #' on a "
            "line is a comment, "
            "unless the text stands in quotes"
        ]),
        ("[sex, age]", "[sex, age]\nlabels: {m2: {}}", [
            "plan.yaml:11: labels.m2: unknown covariate 'm2'; known: sex, age"
        ]),
        ("[sex, age]", "[sex, age]\nkinds: {agr: number}", [
            "plan.yaml:11: kinds.agr: unknown covariate 'agr'; did you mean 'age'? known: sex, age"
        ]),
        ("[sex, age]", "[sex, age]\nkinds: {age: slope}", [
            "plan.yaml:11: kinds.age: unknown value 'slope'; known: category, number"
        ]),
        ("[sex, age]", '[sex, age]\nkinds: {sex: number}\nlabels: {sex: {levels: {f: {en: F}}}}', [
            "plan.yaml:11: kinds.sex: 'sex' has levels under labels, so it is a category"
        ]),
        ("[sex, age]", "[sex, age]\nprimary: [m2, m9]", [
            "plan.yaml:11: primary[1]: unknown visit 'm9'; known: m2, m8"
        ]),
        ("[sex, age]", "[sex, age]\nmultiplicity: holm", [
            "plan.yaml:11: multiplicity: holm corrects over the primary visits, and the plan has "
            "no primary; name them"
        ]),
        ("[sex, age]", "[sex, age]\nprimary:\n  - m8\n  - m8", [
            "plan.yaml:13: primary[1]: 'm8' stands in this list twice, first in line 12"
        ]),
        ("[sex, age]", "[sex, age, sex]", [
            "plan.yaml:10: covariates[2]: 'sex' stands in this list twice, first in line 10"
        ]),
        ("column: m8", "column: m2", [
            "plan.yaml:7: visits[1]: 'm2' stands in this list twice, first in line 6"
        ]),
        ("[sex, age]", "[sex, age]\nmissing: [NA, '', NA]", [
            "plan.yaml:11: missing[2]: 'NA' stands in this list twice, first in line 11"
        ]),
        ("[sex, age]", "[sex, age]\nkinds: {age: number, age: number}", [
            "plan.yaml:11: 'age' stands here twice, first in line 11; keep one"
        ]),
        ("[sex, age]", "[sex, age]\nlooks: 3\nprimary: [m2, m9]", [
            f"plan.yaml:11: unknown key 'looks'; known: {KEYS}",
            "plan.yaml:12: primary[1]: unknown visit 'm9'; known: m2, m8",
        ]),
        ('{code: "No", name: {en: B}}', '{code: "No", name: {en: B}}, {code: a, name: {en: C}}', [
            "plan.yaml:8: arms: two arms have the code 'a'"
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
    needed = ("title", "source", "columns", "outcome", "visits", "arms")
    assert found == [f"'{key}' is missing" for key in needed]
    assert messages(plan, tmp_path, "") == ["plan.yaml: the file is empty"]


@pytest.mark.parametrize("change", ["points: 6", "sd: 8, reliability: 0.9"])
def test_a_plan_names_its_primary_visit_and_its_bar_for_change(tmp_path, change):
    more = f"primary: [m8]\nreliable_change: {{{change}, source: A}}\n"
    read = plan(tmp_path, PLAN + more)
    assert [(each.instrument, each.timepoint) for each in read.analysis().primary] == [("S", "m8")]


def replaced(column, *cells):
    """ROWS with these cells in a column, row by row."""
    header, *lines = ROWS.split()
    place = header.split(",").index(column)
    rows = [line.split(",") for line in lines]
    for row, cell in zip(rows, cells, strict=True):
        row[place] = cell
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


@pytest.mark.parametrize("written", ["-99", "-99.0", "-99.00", " -99 ", "-9.9e1", "-0.99E+02"])
@pytest.mark.parametrize("column", ["pre", "m2", "m8", "sex", "age"])
def test_a_code_for_missing_is_one_however_a_program_writes_it(tmp_path, column, written):
    text = PLAN + 'missing: [NA, "", "-99"]\n'
    number = "30"
    read = data(tmp_path, replaced(column, number, number, written), text)
    as_planned = data(tmp_path, replaced(column, number, number, "-99"), text)
    assert read == as_planned
    assert read != data(tmp_path, replaced(column, number, number, "-98"), text)


def test_a_code_for_missing_that_the_plan_writes_with_decimals_is_one_without(tmp_path):
    read = data(
        tmp_path,
        replaced("pre", "10", "11", "-99"),
        PLAN + "missing: [-99.00]\n".replace("[", "[NA, '', "),
    )
    assert read.score("3", "S", "baseline") is None


def test_what_only_looks_like_the_code_for_missing_is_kept(tmp_path):
    text = (
        PLAN.replace("[sex, age]", "[sex, age]\nkinds: {sex: category}")
        + 'missing: [NA, "", "9"]\n'
    )
    read = data(tmp_path, replaced("sex", "09", "9.0", "m"), text)
    assert [person.values["sex"] for person in read.participants] == ["09", None, "m"]


@pytest.mark.parametrize(
    ("cells", "declared", "kind", "values"),
    [
        (
            ("1", "2", "4"),
            "labels: {age: {levels: {1: {en: A}, 2: {en: B}, 3: {en: C}, 4: {en: D}}}}",
            "choice",
            ["1", "2", "4"],
        ),
        (
            ("1.0", "2", "1"),
            "labels: {age: {levels: {1: {en: A}, 2: {en: B}}}}",
            "choice",
            ["1", "2", "1"],
        ),
        (("1", "2", "4"), "kinds: {age: category}", "choice", ["1", "2", "4"]),
        (("2.0", "2", "4"), "kinds: {age: category}", "choice", ["2.0", "2.0", "4"]),
        (("01", "1", "4"), "kinds: {age: category}", "choice", ["01", "1", "4"]),
        (("1", "2", "4"), "kinds: {age: number}", "number", [1.0, 2.0, 4.0]),
        (("0", "1", "1"), "", "number", [0.0, 1.0, 1.0]),
        (("1.5", "2", "4"), "", "number", [1.5, 2.0, 4.0]),
        (("1", "2", "x"), "kinds: {age: category}", "choice", ["1", "2", "x"]),
    ],
)
def test_a_covariate_is_what_the_plan_says_and_its_codes_are_those_of_the_plan(
    tmp_path, cells, declared, kind, values
):
    read = data(tmp_path, replaced("age", *cells), f"{PLAN}{declared}\n")
    assert read.variables[1].kind == kind
    assert [person.values["age"] for person in read.participants] == values


def many(different):
    """Twelve people, whose age and sex have so many different whole numbers."""
    lines = [
        f"{i},{'a' if i % 2 else 'No'},1{i},5,6,{i % different},{i % different}.0"
        for i in range(12)
    ]
    return "\n".join([ROWS.splitlines()[0], *lines]) + "\n"


@pytest.mark.parametrize("different", [3, 4, 10])
def test_a_few_whole_numbers_are_told_to_be_a_number_or_a_category_first(tmp_path, different):
    said = (
        f"{different} different whole numbers may be a number or the codes of a category; add the "
        f"line "
        "`kinds: {sex: category, age: category}` to the plan, or the same with number"
    )
    expected = [f"data.csv: column '{code}': {said}" for code in ("sex", "age")]
    assert messages(data, tmp_path, many(different)) == expected
    read = data(tmp_path, many(different), PLAN + "kinds: {sex: category, age: number}\n")
    assert [each.kind for each in read.variables] == ["choice", "number"]


@pytest.mark.parametrize("different", [2, 11, 12])
def test_two_or_many_whole_numbers_need_not_be_told(tmp_path, different):
    assert [each.kind for each in data(tmp_path, many(different)).variables] == ["number"] * 2


@pytest.mark.parametrize(
    ("different", "people", "asked"),
    [(12, 126, True), (12, 60, True), (12, 59, False), (30, 150, True), (31, 310, False)],
)
def test_many_codes_are_asked_about_where_enough_people_have_each(
    tmp_path, different, people, asked
):
    lines = [f"{i},{'a' if i % 2 else 'No'},1,5,6,f,{i % different}" for i in range(people)]
    rows = "\n".join([ROWS.splitlines()[0], *lines]) + "\n"
    if not asked:
        assert data(tmp_path, rows).variables[1].kind == "number"
        return
    [said] = messages(data, tmp_path, rows)
    assert said.startswith(f"data.csv: column 'age': {different} different whole numbers")


def test_a_value_outside_the_levels_of_the_plan_is_refused(tmp_path):
    levels = "labels: {age: {levels: {1: {en: A}, 2: {en: B}, 9: {en: Nobody}}}}\n"
    assert messages(data, tmp_path, replaced("age", "1.0", "5", "NA"), PLAN + levels) == [
        "data.csv: column 'age', row 3: '5' is none of the levels of the plan ('1', '2', '9')"
    ]


def test_a_cluster_in_several_arms_was_not_randomised_as_one(tmp_path):
    text = PLAN + "cluster: sex\n"
    assert messages(data, tmp_path, replaced("sex", "f", "f", "m"), text) == [
        "data.csv: column 'sex': 'f' has people in the arms a, No, so it was not randomised as one"
    ]


@pytest.mark.parametrize("wrong", [5, 6, 25])
def test_of_many_mistakes_in_a_column_the_first_are_told_and_how_many_more(tmp_path, wrong):
    arms = ["a", "No"]
    lines = [f"{i},{arms[i % 2]},{'x' if i < wrong else 1},5,6,f,{i}.5" for i in range(30)]
    said = messages(data, tmp_path, "\n".join([ROWS.splitlines()[0], *lines]) + "\n")
    first = [f"data.csv: column 'pre', row {i + 2}: 'x' is not a number" for i in range(5)]
    more = [f"data.csv: column 'pre': and {wrong - 5} more"] if wrong > 5 else []
    assert said == first + more


def test_the_line_to_add_holds_what_is_declared_already(tmp_path):
    [said] = messages(data, tmp_path, many(5), PLAN + "kinds: {age: number}\n")
    assert "`kinds: {age: number, sex: category}`" in said


def test_what_is_declared_a_number_is_one_in_every_row(tmp_path):
    said = messages(data, tmp_path, ROWS, PLAN + "kinds: {sex: number}\n")
    assert said == [
        f"data.csv: column 'sex', row {row}: '{cell}' is not a number"
        for row, cell in ((2, "f"), (3, "m"))
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("\n2,No", "\n1 ,No", "column 'id', row 3: '1 ' already stands in row 2, as '1'"),
        ("\n2,No", "\n1.0,No", "column 'id', row 3: '1.0' already stands in row 2, as '1'"),
        ("2,No", "2,No ", "column 'arm', row 3: unknown arm 'No '; did you mean 'No'? known: a, "
                          "No"),
        ("pre,m2", "pre "
                   ",m2", "the plan names a column that is not there: unknown column 'pre'; did "
                          "you mean 'pre '? "
                              "known: id, arm, pre , m2, m8, sex, age"),
    ],
)  # fmt: skip
def test_codes_that_differ_by_a_blank_are_shown(tmp_path, old, new, expected):
    assert messages(data, tmp_path, ROWS.replace(old, new)) == [f"data.csv: {expected}"]


def test_arms_coded_in_numbers_are_read_with_decimals_too(tmp_path):
    text = PLAN.replace("code: a,", "code: 0,").replace('"No"', '"1"').replace("[[a,", "[[0,")
    read = data(tmp_path, ROWS.replace(",a,", ",0.0,").replace(",No,", ",1.00,"), text)
    assert [person.arm for person in read.participants] == ["0", "1", "0"]


def test_empty_rows_are_skipped_and_counted(tmp_path):
    found = data(tmp_path, ROWS + ",,,,,,\n , ,,,,,\n,,\n")
    assert (len(found.participants), found.meta.left_aside) == (3, LeftAside((), 3))
    assert found.snapshot_hash == data(tmp_path).snapshot_hash


def test_columns_that_the_plan_does_not_name_are_left_aside_or_refused(tmp_path):
    lines = ROWS.split()
    wide = "\n".join([lines[0] + ",shoe,", *(line + ",42," for line in lines[1:])]) + "\n"
    found = data(tmp_path, wide)
    assert (found.meta.left_aside, found.snapshot_hash) == (
        LeftAside(("shoe", "")),
        data(tmp_path).snapshot_hash,
    )
    assert messages(data, tmp_path, wide, PLAN + "strict: true\n") == [
        f"data.csv: column '{name}': the plan, which is strict, does not name it"
        for name in ("shoe", "")
    ]


def test_a_plan_may_name_what_was_randomised_as_one(tmp_path):
    text = PLAN + "cluster: sex\n"
    assert plan(tmp_path, text).analysis().cluster == "sex"
    assert messages(data, tmp_path, ROWS, text) == [
        "data.csv: column 'sex', row 4: no cluster, by which the arms were randomised"
    ]
    assert plan(tmp_path, PLAN + "cluster: clinic\n").needed()[-1] == "clinic"


def test_the_guide_shows_every_key_of_the_plan(tmp_path):
    """The example in the guide is read as it stands, and has every key that a plan may have."""
    guide = (DATA.parent.parent / "docs" / "plan-for-a-file.md").read_text()
    example = guide.split("```yaml\n")[1].split("```")[0]
    read = plan(tmp_path, example)
    assert set(CsvPlan.model_fields) - read.model_fields_set == {"chosen_here"}


LOOKS = [
    ("North  A", "North \\u0020A"),
    ("North\u00a0A", "North\\u00a0A"),
    ("North\u2003A", "North\\u2003A"),
    ("Nor\u200bth A", "Nor\\u200bth A"),
    ("\uff2eorth A", "\uff2eorth A"),
]


@pytest.mark.parametrize(("written", "shown"), LOOKS)
@pytest.mark.parametrize("more", ["", "cluster: sex\n", "kinds: {sex: category}\n"])
def test_levels_that_look_alike_are_refused_where_they_stand(tmp_path, written, shown, more):
    found = messages(data, tmp_path, replaced("sex", "North A", "South", written), PLAN + more)
    assert found == [
        f"data.csv: column 'sex', row 4: '{shown}' looks like 'North A' of row 2; write one of them"
    ]


@pytest.mark.parametrize(("written", "shown"), LOOKS)
def test_a_level_that_looks_like_one_of_the_plan_is_refused(tmp_path, written, shown):
    text = PLAN + "labels: {sex: {levels: {North A: {en: N}, South: {en: S}}}}\n"
    found = messages(data, tmp_path, replaced("sex", "South", written, written), text)
    assert found == [
        f"data.csv: column 'sex', row 3: '{shown}' looks like 'North A' of the plan; "
        "write one of them"
    ]


@pytest.mark.parametrize("written", ["nan", "NaN", "NAN", "<NA>", "NaT"])
def test_a_level_that_says_nothing_is_refused_until_the_plan_calls_it_missing(tmp_path, written):
    rows = replaced("sex", "f", written, "m")
    [said] = messages(data, tmp_path, rows)
    line = f"missing: [NA, '', {written}]"
    where = f"data.csv: column 'sex', row 3: '{written}' is no category"
    assert said == f"{where}; add the line `{line}` to the plan"
    assert data(tmp_path, rows, f"{PLAN}{line}\n").participants[1].values["sex"] is None


@pytest.mark.parametrize(("written", "shown"), LOOKS)
def test_people_whose_codes_look_alike_are_refused(tmp_path, written, shown):
    found = messages(data, tmp_path, replaced("id", "North A", "2", written))
    assert found == [
        f"data.csv: column 'id', row 4: '{shown}' already stands in row 2, as 'North A'"
    ]


@pytest.mark.parametrize(("written", "shown"), LOOKS)
def test_arms_and_named_levels_of_a_plan_that_look_alike_are_refused(tmp_path, written, shown):
    arms = PLAN.replace("code: a,", "code: North A,").replace('"No"', f'"{written}"')
    arms = arms.replace("[[a,", "[[North A,")
    said = f"'{shown}' looks like 'North A'; keep one"
    assert messages(plan, tmp_path, arms) == [f"plan.yaml:8: arms: {said}"]
    levels = f'labels: {{sex: {{levels: {{North A: {{en: N}}, "{written}": {{en: S}}}}}}}}\n'
    assert messages(plan, tmp_path, PLAN + levels) == [f"plan.yaml:11: labels.sex.levels: {said}"]


def ages(*cells):
    """Sixty people, the last of whom have these cells for an age."""
    numbers = [str(20 + i * 7 % 15) for i in range(60 - len(cells))]
    lines = [
        f"{i},{'a' if i % 2 else 'No'},1{i % 7},5,6,f,{age}"
        for i, age in enumerate([*numbers, *cells])
    ]
    return "\n".join([ROWS.splitlines()[0], *lines]) + "\n"


@pytest.mark.parametrize("word", ["unknown", "?", "n/a", "-", "inf", "1e999", "NaN", "1,5", "#N/A"])
def test_one_word_among_numbers_makes_no_category_of_them(tmp_path, word):
    rows = ages(f'"{word}"')
    [said] = messages(data, tmp_path, rows)
    assert said.startswith(f"data.csv: column 'age': numbers, but also '{word}' (row 61); add the ")
    missing, kinds = said.split("`")[1::2]
    found = data(tmp_path, rows, f"{PLAN}{missing}\n")
    assert (found.variables[1].kind, found.participants[-1].values["age"]) == ("number", None)
    if word != "NaN":
        found = data(tmp_path, rows, f"{PLAN}{kinds}\n")
        assert (found.variables[1].kind, found.participants[-1].values["age"]) == ("choice", word)
    assert messages(data, tmp_path, rows, PLAN + "kinds: {age: number}\n") == [
        f"data.csv: column 'age', row 61: '{word}' is not a number"
    ]


def test_the_words_among_numbers_are_shown_as_far_as_there_is_room(tmp_path):
    [said] = messages(data, tmp_path, ages("?", "?", "none"))
    assert "also '?' (rows 59, 60), 'none' (row 61); add" in said
    assert "`missing: [NA, '', '?', none]`" in said
    [said] = messages(data, tmp_path, ages(*["?"] * 7))
    assert "'?' (rows 55, 56, 57, 58, 59 and 2 more); add" in said
    [said] = messages(data, tmp_path, ages(*"uvwxyz"))
    assert "'y' (row 60), 1 more; add the line `kinds: {age: category}` to the plan, or" in said


@pytest.mark.parametrize("share", [1, 2, 3, 4])
def test_a_stray_decimal_makes_no_slope_of_codes(tmp_path, share):
    cells = [str(i % 4 + 1) for i in range(60)]
    cells[-share:] = ["1.5"] * share
    rows = ", ".join(str(61 - i) for i in reversed(range(share)))
    [said] = messages(data, tmp_path, ages(*cells))
    assert said == (
        f"data.csv: column 'age': 4 different whole numbers (beside '1.5' "
        f"({'row' if share == 1 else 'rows'} {rows})) may be a number or the codes of a category; "
        "add the line `kinds: {age: category}` to the plan, or the same with number"
    )
    found = data(tmp_path, ages(*cells), PLAN + "kinds: {age: number}\n")
    assert found.variables[1].kind == "number"


@pytest.mark.parametrize("months", ["2", "1.5", "0.1"])
def test_visits_out_of_order_of_time_are_refused(tmp_path, months):
    """Who left at a visit is told from those after it: in another order the curve is another."""
    text = PLAN.replace("months: 8", f"months: {months}")
    assert messages(plan, tmp_path, text) == [
        f"plan.yaml:7: visits[1].months: 'm8' at {months} months is not later than 'm2' at 2; "
        "put the visits in order of time"
    ]


def test_an_arm_of_the_plan_that_nobody_is_in_is_named(tmp_path):
    text = PLAN.replace("arms: [", "arms: [{code: other, name: {en: C}}, ")
    assert messages(data, tmp_path, ROWS, text) == [
        "data.csv: column 'arm': nobody is in the plan's arm 'other'; take it out of the plan, "
        "or look for its people"
    ]
