"""The baseline table against R (results/02_simple.json) and its laws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import baseline, descriptives, proportions, t_tests
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.model_frame import NotEstimable

from .reference import borrowed, own, results

SIMPLE = results("02_simple")


def close(expected):
    return pytest.approx(expected, rel=1e-9)


def btheb():
    return own("BtheB_wide").rename(columns=lambda name: name.replace(".", "_"))


def acupuncture():
    # As in the reference: of the 401 people in the data.
    frame = borrowed("acupuncture_headache")
    return frame.assign(group=frame["group"].map({0: "control", 1: "acupuncture"}))


def check(frame, expected, arm, control, treated):
    numbers = [name for name, row in expected.items() if "levels" not in row]
    categories = [name for name, row in expected.items() if "levels" in row]
    asked = {"arm": arm, "numbers": numbers, "categories": categories, "reference": control}
    tables = {kind: baseline.table(frame, quantile_type=kind, **asked) for kind in (7, 2, 6)}
    for name in numbers:
        for kind, table in tables.items():
            check_number(table.row(name), expected[name], kind)
        assert tables[7].row(name).differences == {treated: close(expected[name]["smd"])}
    for name in categories:
        row, want = tables[7].row(name), expected[name]
        assert list(row.levels) == want["levels"]
        assert {each: list(counts) for each, counts in row.counts.items()} == want["counts"]
        assert row.differences == {treated: close(want["smd_yang_dalton"])}
        assert row.p is None


def check_number(row, expected, kind):
    for who, got in {**row.arms, "overall": row.overall}.items():
        want = expected[who]
        assert (got.n, got.mean, got.sd, got.median) == close(
            tuple(want[k] for k in ("n", "mean", "sd", "median"))
        )
        assert (got.q1, got.q3) == close((want[f"q1_type{kind}"], want[f"q3_type{kind}"]))
        assert (got.minimum, got.maximum) == close((want["min"], want["max"]))
    assert row.p is None


def test_the_table_of_btheb_is_that_of_the_reference():
    check(btheb(), SIMPLE["baseline_btheb"], "treatment", "TAU", "BtheB")


def test_the_table_of_acupuncture_is_that_of_the_reference():
    check(acupuncture(), SIMPLE["baseline_acupuncture"], "group", "control", "acupuncture")


def test_p_values_are_there_only_when_asked_for():
    frame = btheb()
    table = baseline.table(
        frame, arm="treatment", numbers=["bdi_pre"], categories=["drug"], p_values=True
    )
    groups = [frame.bdi_pre[frame.treatment == arm] for arm in ("BtheB", "TAU")]
    assert table.row("bdi_pre").p == close(t_tests.student(*groups).p)
    assert table.row("drug").p == close(proportions.chi_squared(30, 52, 14, 48).p)


def test_where_everybody_is_alike_there_is_no_test_between_arms():
    frame = pd.DataFrame({"arm": list("aabb"), "sex": list("ffff"), "x": [1.0, 1, 1, 1]})
    table = baseline.table(frame, arm="arm", numbers=["x"], categories=["sex"], p_values=True)
    assert (table.row("sex").p, table.row("x").p) == (None, None)
    assert table.row("sex").counts == {"a": (2,), "b": (2,)}


def test_one_person_in_every_group_leaves_no_spread_to_pool():
    assert descriptives.pooled_sd([[3.0], [5.0], []]) is None
    # By hand: squares 2 and 8 within the groups, 2 degrees of freedom.
    assert descriptives.pooled_sd([[3.0, 5.0], [1.0, 5.0]]) == (pytest.approx(np.sqrt(5)), 4)


def test_the_missing_are_counted_and_shares_are_of_those_who_answered():
    frame = pd.DataFrame(
        {"arm": list("aabbb"), "x": [1.0, None, 3, 4, 5], "sex": ["f", "m", None, "f", "f"]}
    )
    table = baseline.table(frame, arm="arm", numbers=["x"], categories=["sex"])
    assert table.people == {"a": 2, "b": 3}
    assert table.row("x").missing == {"a": 1, "b": 0}
    assert table.row("x").differences == {"b": None}
    assert table.row("sex").missing == {"a": 0, "b": 1}
    lines = table.frame()
    shares = lines[(lines.variable == "sex") & (lines.level == "f")].set_index("arm").share
    assert shares.to_dict() == {"a": 0.5, "b": 1.0, "overall": 0.75}


def test_what_cannot_be_in_a_table_is_refused():
    frame = pd.DataFrame({"arm": ["a", "b", None], "sex": list("fmf")})
    with pytest.raises(NotEstimable, match="1 people have no arm"):
        baseline.table(frame, arm="arm", categories=["sex"])
    kept = frame.dropna()
    with pytest.raises(FormulaError, match="not a number"):
        baseline.table(kept, arm="arm", numbers=["sex"])
    with pytest.raises(FormulaError, match="no level 'c'"):
        baseline.table(kept, arm="arm", categories=["sex"], reference="c")
    with pytest.raises(UnknownColumn, match="age"):
        baseline.table(kept, arm="arm", numbers=["age"])
    with pytest.raises(UnknownColumn, match="age"):
        baseline.table(kept, arm="arm", categories=["sex"]).row("age")
    with pytest.raises(ValueError, match="quantile type 10"):
        descriptives.describe([1, 2], quantile_type=10)


counts = st.lists(st.integers(0, 40), min_size=3, max_size=3).filter(
    lambda c: sum(c) > 2 and sum(map(bool, c)) == 3
)


@given(counts, counts)
def test_the_difference_of_categories_is_symmetric_and_does_not_know_their_order(first, second):
    found = descriptives.standardised_difference_of_counts(first, second)
    assert found >= 0
    assert descriptives.standardised_difference_of_counts(second, first) == pytest.approx(
        found, abs=1e-9
    )
    turned = descriptives.standardised_difference_of_counts(first[::-1], second[::-1])
    assert turned == pytest.approx(found, abs=1e-7)
    assert descriptives.standardised_difference_of_counts(first, first) == pytest.approx(
        0, abs=1e-9
    )


@given(st.integers(1, 39), st.integers(1, 39))
def test_of_two_categories_it_is_the_difference_of_shares_over_the_root_of_the_mean_variance(a, b):
    p, q = a / 40, b / 40
    expected = abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert descriptives.standardised_difference_of_counts(
        [a, 40 - a], [b, 40 - b]
    ) == pytest.approx(expected, abs=1e-9)
