"""`manage.py analyse` on Beat the Blues, and a recomputation from its tables that uses nothing of
the project.
"""

import csv
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from django.core.management import call_command

from reports.csv_input import read_data, read_plan

DATA = Path(__file__).parent.parent / "data"
CSV, PLAN = DATA / "btheb.csv", DATA / "btheb.plan.yaml"


def analyse(out, data=CSV, **options):
    call_command("analyse", str(data), plan=PLAN, out=out, stdout=io.StringIO(), **options)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    out = tmp_path_factory.mktemp("btheb")
    analyse(out)
    assert sorted(path.name for path in out.iterdir()) == [
        "report.html",
        "report.pdf",
        "results.json",
    ]
    return {
        number["id"]: number for number in json.loads((out / "results.json").read_text())["numbers"]
    }


def people():
    with open(CSV) as file:
        return list(csv.DictReader(file))


def number(text):
    return math.nan if text == "NA" else float(text)


@pytest.mark.parametrize("visit", ["bdi.2m", "bdi.3m", "bdi.5m", "bdi.8m"])
def test_differences_come_out_of_statsmodels_too(numbers, visit):
    rows = [row for row in people() if row[visit] != "NA"]
    y = np.array([number(row[visit]) for row in rows])
    x = np.column_stack(
        [np.ones(len(rows))]
        + [np.array([number(row["bdi.pre"]) for row in rows])]
        + [
            np.array([float(row[key] == level) for row in rows])
            for key, level in (("drug", "Yes"), ("length", ">6m"))
        ]
        + [np.array([float(row["treatment"] == "BtheB") for row in rows])]
    )
    fit = sm.OLS(y, x).fit()
    found = numbers[f"difference.BDI.{visit}.BtheB-TAU"]
    lower, upper = fit.conf_int()[-1]
    expected = (fit.params[-1], lower, upper, len(rows))
    assert (found["value"], found["lower"], found["upper"], found["n"]) == pytest.approx(
        expected, rel=1e-9
    )


@pytest.mark.parametrize("visit", ["bdi.pre", "bdi.2m", "bdi.3m", "bdi.5m", "bdi.8m"])
@pytest.mark.parametrize("arm", ["BtheB", "TAU"])
def test_means_and_sds_come_out_of_numpy_too(numbers, visit, arm):
    values = [
        number(row[visit]) for row in people() if row["treatment"] == arm and row[visit] != "NA"
    ]
    where = f"BDI.{visit.replace('bdi.pre', 'baseline')}.{arm}"
    found = [numbers[f"{kind}.{where}"]["value"] for kind in ("n", "mean", "sd")]
    assert found == pytest.approx([len(values), np.mean(values), np.std(values, ddof=1)], rel=1e-12)


def test_a_bad_file_ends_with_status_2_and_leaves_nothing(tmp_path, capsys):
    bad = tmp_path / "bad.csv"
    bad.write_text(CSV.read_text().replace("1,No,>6m,TAU,29", "1,No,>6m,TAU,many", 1))
    with pytest.raises(SystemExit) as caught:
        analyse(tmp_path / "out", data=bad)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "bad.csv: column 'bdi.pre', row 2: 'many' is not a number\n"
    assert not (tmp_path / "out").exists()


def test_a_missing_file_ends_with_status_2(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        analyse(tmp_path / "out", data=tmp_path / "none.csv")
    assert caught.value.code == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none.csv'}: there is no such file\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            CSV.read_bytes().replace(b",", b";"),
            "this looks semicolon-separated; save it with commas between the cells",
        ),
        (
            CSV.read_bytes().replace(b",", b"\t"),
            "this looks tab-separated; save it with commas between the cells",
        ),
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n", "the file is empty"),
        (
            CSV.read_bytes().replace(b"2,Yes", b"2,Y\xe9s", 1),
            "row 3: this is not UTF-8 text; save the file as UTF-8",
        ),
    ],
)
def test_a_file_that_is_no_csv_is_refused_in_one_line(tmp_path, capsys, content, expected):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        analyse(tmp_path / "out", data=bad)
    assert (caught.value.code, capsys.readouterr().err) == (2, f"bad.csv: {expected}\n")
    assert not (tmp_path / "out").exists()


def test_a_file_where_a_directory_is_needed_is_left_as_it_is(tmp_path, capsys):
    out = tmp_path / "out"
    out.write_text("mine")
    for target in (out, out / "deeper"):
        with pytest.raises(SystemExit) as caught:
            analyse(target)
        assert caught.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"{out}: this is a file; --out names a directory"
    assert second == f"{out / 'deeper'}: cannot be written: Not a directory"
    assert out.read_text() == "mine"


def test_covariates_and_their_levels_are_called_as_the_plan_says(tmp_path):
    analyse(tmp_path, language="nl")
    text = (tmp_path / "report.html").read_text()
    wanted = ("Antidepressiva", "Nee", "Duur van de huidige episode", "Korter dan 6 maanden")
    assert [word for word in wanted if word not in text] == []
    assert "&lt;6m" not in re.sub("<[^>]+>", "", text)


def test_a_report_in_dutch_says_so(tmp_path):
    analyse(tmp_path, language="nl")
    assert '<html lang="nl">' in (tmp_path / "report.html").read_text()


def test_the_data_set_holds_what_was_read():
    data = read_data(CSV, read_plan(PLAN), "test")
    assert [person.arm for person in data.participants] == [row["treatment"] for row in people()]
    written = [row.score for row in data.scores if row.timepoint == "bdi.8m"]
    assert written == [None if row["bdi.8m"] == "NA" else float(row["bdi.8m"]) for row in people()]


def test_a_file_without_reasons_gives_no_reason(numbers, tmp_path):
    assert (
        numbers["flow.BtheB.lost.BDI.bdi.8m.unknown"]["value"]
        == numbers["flow.BtheB.lost.BDI.bdi.8m"]["value"]
        > 0
    )
    analyse(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert ("reason not recorded in this data set" in page, "not answered" in page) == (True, False)


def test_covariates_are_called_as_the_plan_calls_them(tmp_path):
    analyse(tmp_path, language="nl")
    assert (
        "Gecorrigeerd voor: de score bij de voormeting, Antidepressiva, Duur van de huidige "
        "episode." in (text_of(tmp_path / "report.html"))
    )


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page.read_text()))


def test_what_was_left_aside_of_the_file_is_told_on_the_screen_in_the_report_and_in_the_numbers(
    tmp_path, capsys
):
    rows = CSV.read_text().splitlines()
    wide = tmp_path / "wide.csv"
    wide.write_text(
        "\n".join([f"{rows[0]},shoe", *(f"{row},42" for row in rows[1:]), ",,,,,,,,,", ""])
    )
    out = io.StringIO()
    call_command("analyse", str(wide), plan=PLAN, out=tmp_path, stdout=out)
    assert out.getvalue().splitlines()[3:] == [
        "left aside, since the plan does not name them: columns 'shoe'",
        "left aside, since every cell is empty: 1 row",
    ]
    said = text_of(tmp_path / "report.html").replace("&#x27;", "'")
    assert "Columns that the plan does not name'shoe'Empty rows left aside1" in said
    made = json.loads((tmp_path / "results.json").read_text())
    assert made["meta"]["left_aside"] == {"columns": ["shoe"], "empty_rows": 1}


def test_a_file_without_a_programme_says_nothing_of_how_long_nobody_used_it(numbers):
    assert [id for id in numbers if "idle" in id] == []


def test_a_category_in_numbers_is_the_category_that_it_is_in_words(tmp_path):
    """Against statsmodels with a coefficient for each level but one."""
    rows = people()
    words, digits = tmp_path / "words.csv", tmp_path / "digits.csv"
    site = {row["subject"]: int(row["subject"]) % 4 + 1 for row in rows}
    for path, name in ((words, "S{}"), (digits, "{}")):
        lines = [",".join([*(row.values()), name.format(site[row["subject"]])]) for row in rows]
        path.write_text("\n".join([",".join([*rows[0], "site"]), *lines]) + "\n")
    found = []
    for path, more in ((words, ""), (digits, "kinds: {site: category}\n")):
        plan = tmp_path / "plan.yaml"
        plan.write_text(PLAN.read_text().replace("[drug, length]", "[drug, length, site]") + more)
        call_command("analyse", str(path), plan=plan, out=tmp_path, stdout=io.StringIO())
        numbers = {
            n["id"]: n for n in json.loads((tmp_path / "results.json").read_text())["numbers"]
        }
        found.append(numbers["p.BDI.bdi.2m.BtheB-TAU"]["value"])
    known = [row for row in rows if row["bdi.2m"] != "NA"]
    x = np.column_stack(
        [np.ones(len(known)), [float(row["bdi.pre"]) for row in known]]
        + [
            [float(row[key] == level) for row in known]
            for key, level in (("drug", "Yes"), ("length", ">6m"))
        ]
        + [[float(site[row["subject"]] == level) for row in known] for level in (2, 3, 4)]
        + [[float(row["treatment"] == "BtheB") for row in known]]
    )
    expected = sm.OLS(np.array([float(row["bdi.2m"]) for row in known]), x).fit().pvalues[-1]
    assert found == pytest.approx([expected, expected], rel=1e-9)
