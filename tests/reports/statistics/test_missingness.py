"""Missingness in BtheB, against counts made by hand and the published dropout of van Luenen
2018.
"""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import logistic, missingness
from reports.statistics.formula import FormulaError, UnknownColumn
from reports.statistics.model_frame import NotEstimable

from .reference import own

VISITS = ["bdi.2m", "bdi.3m", "bdi.5m", "bdi.8m"]


def test_patterns_of_btheb_add_up_to_the_people_seen():
    found = missingness.patterns(own("BtheB_wide"), VISITS, "treatment")
    # n of the analyses in results/02_simple.json, both arms together: 97, 73, 58, 52.
    assert list(found.observed.values()) == [97, 73, 58, 52]
    assert found.arms["BtheB"] == {"bdi.2m": 52, "bdi.3m": 37, "bdi.5m": 29, "bdi.8m": 27}
    assert found.n == 100 == found.complete + found.dropped_out + found.intermittent
    assert found.patterns[0].n == found.complete == 52
    assert str(found.patterns[0]) == "xxxx"
    assert found.intermittent == 0
    assert [pattern.n for pattern in found.patterns] == [52, 24, 15, 6, 3]


def test_predictors_of_dropout_are_a_logistic_regression_of_being_missing():
    frame = own("BtheB_wide")
    found = missingness.predictors(
        frame, visit="bdi.8m", fixed="`bdi.pre` + treatment", reference={"treatment": "TAU"}
    )
    same = logistic.fit(
        frame.assign(gone=frame["bdi.8m"].isna()),
        outcome="gone",
        fixed="`bdi.pre` + treatment",
        reference={"treatment": "TAU"},
    )
    assert found.events == 48
    assert found.coefficients.equals(same.coefficients)
    with pytest.raises(NotEstimable, match="nobody has the event"):
        missingness.predictors(frame, visit="bdi.pre", fixed="treatment")


def test_a_column_that_is_called_missing_is_a_predictor_like_another():
    frame = own("BtheB_wide")
    asked = {"visit": "bdi.8m", "fixed": "`bdi.pre`"}
    named = frame.assign(missing=frame["bdi.pre"], missing_=0)
    found = missingness.predictors(named, visit="bdi.8m", fixed="missing")
    assert found.coefficients.loc["missing"].equals(
        missingness.predictors(frame, **asked).coefficients.loc["bdi.pre"]
    )


def test_differential_dropout_is_that_of_the_published_trial():
    # van Luenen 2018: 22 of 97 against 14 of 91 without a post measurement, RR 1.47 (0.80 to 2.70)
    # (FACTS 1.1).
    arms = ["i"] * 97 + ["c"] * 91
    post = [None] * 22 + [1.0] * 75 + [None] * 14 + [1.0] * 77
    found = missingness.differential(
        pd.DataFrame({"arm": arms, "post": post}), visit="post", arm="arm", first="i", second="c"
    )
    assert (found.difference.x1, found.difference.x2) == (22, 14)
    assert [round(v, 2) for v in (found.ratio.value, found.ratio.lower, found.ratio.upper)] == [
        1.47,
        0.80,
        2.70,
    ]
    nobody = pd.DataFrame({"arm": list("iicc"), "post": [None, 1.0, 1.0, 1.0]})
    assert (
        missingness.differential(nobody, visit="post", arm="arm", first="i", second="c").ratio
        is None
    )


def test_what_is_not_in_the_data_is_refused():
    frame = own("BtheB_wide")
    with pytest.raises(UnknownColumn, match="bdi"):
        missingness.patterns(frame, ["bdi"])
    with pytest.raises(NotEstimable, match="nobody"):
        missingness.patterns(frame[:0], VISITS)
    with pytest.raises(FormulaError, match="no level 'placebo'"):
        missingness.differential(
            frame, visit="bdi.8m", arm="treatment", first="BtheB", second="placebo"
        )


@given(st.lists(st.tuples(*[st.booleans()] * 3), min_size=1, max_size=40))
def test_everybody_has_one_pattern_and_is_complete_dropped_out_or_intermittent(rows):
    frame = pd.DataFrame(
        [[1.0 if seen else None for seen in row] for row in rows], columns=list("abc")
    )
    found = missingness.patterns(frame, list("abc"))
    assert sum(pattern.n for pattern in found.patterns) == len(rows)
    assert found.complete + found.dropped_out + found.intermittent == len(rows)
    assert len({pattern.observed for pattern in found.patterns}) == len(found.patterns)
