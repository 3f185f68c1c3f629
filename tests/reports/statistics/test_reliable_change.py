"""Reliable and clinically significant change against results/02_simple.json, the worked example of
1991, and laws.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import reliable_change
from reports.statistics.reliable_change import (
    HIGHER_BETTER,
    ImpossibleReference,
    Population,
    Reference,
)

from .reference import borrowed, own, results

RCI = results("02_simple")["rci"]


def close(expected):
    return pytest.approx(expected, rel=1e-9)


def check(found, expected, subjects):
    reference = found.reference
    assert (
        reference.standard_error_of_measurement,
        reference.standard_error_of_difference,
    ) == close((expected["sem"], expected["s_diff"]))
    assert reference.threshold == close(expected["rc_threshold"])
    assert {kind: reference.cut_off(kind) for kind in "abc"} == close(expected["cutoffs"])
    assert found.counts == expected["counts"]
    assert found.index == close(np.array(expected["rci"]))
    assert list(found.category) == expected["category"]
    assert list(subjects) == expected["subject"]


@pytest.mark.parametrize("arm", ["TAU", "BtheB"])
def test_change_in_btheb_is_that_of_the_reference(arm):
    # The reference's parameters are in its `params`: clinical M and SD of all 100 baselines.
    frame = own("BtheB_wide")
    before = frame["bdi.pre"]
    clinical = Population(before.mean(), before.std())
    reference = Reference(clinical.sd, 0.88, clinical, Population(8, 8))
    kept = frame[(frame.treatment == arm) & frame["bdi.8m"].notna()]
    found = reliable_change.clinical_change(kept["bdi.pre"], kept["bdi.8m"], reference)
    check(found, RCI["btheb_8m"][arm], kept.subject)


def test_change_in_jacobsons_data_is_that_of_the_reference():
    # Dysfunctional attitudes of a trial of 1989. The functional mean of 114 and SD of 14 follow
    # from cut-offs b and c.
    wide = (
        borrowed("clinsig_jacobson_1989")
        .pivot(index="subject", columns="time", values="das")
        .dropna()
    )
    clinical = Population(wide.pre.mean(), wide.pre.std())
    reference = Reference(clinical.sd, 0.88, clinical, Population(114, 14), HIGHER_BETTER)
    found = reliable_change.clinical_change(wide.pre, wide.post, reference)
    assert found.n == RCI["jacobson_das"]["n"]
    check(found, RCI["jacobson_das"], wide.index)


def test_the_worked_example_of_jacobson_and_truax():
    # SD 7.5, r .80: S_E 3.35, S_diff 4.74, change of 15 is RC 3.16; a = 55, b = 45, c = 50 (in
    # `published_check`).
    reference = Reference(7.5, 0.80, Population(40, 7.5), Population(60, 7.5), HIGHER_BETTER)
    assert [reference.cut_off(kind) for kind in "abc"] == [55, 45, 50]
    assert reference.standard_error_of_measurement == pytest.approx(3.35, abs=0.005)
    assert reference.standard_error_of_difference == pytest.approx(4.74, abs=0.005)
    found = reliable_change.clinical_change([32.5], [47.5], reference)
    assert found.index[0] == pytest.approx(3.16, abs=0.005)
    # Reliably better, yet 47.5 is short of c = 50; by b = 45 it is recovery.
    assert found.category == ("improved",)
    assert reliable_change.clinical_change([32.5], [47.5], reference, "b").category == (
        "recovered",
    )


def test_the_missing_are_left_out_or_counted_as_unchanged():
    reference = Reference(5, 0.9, Population(20, 5), Population(5, 5))
    scores = [22, 21, None, 20], [4, None, 3, 28]
    observed = reliable_change.clinical_change(*scores, reference)
    assert observed.category == ("recovered", None, None, "deteriorated")
    assert (observed.n, observed.imputed) == (2, 0)
    filled = reliable_change.clinical_change(*scores, reference, 12.5, "non-responder")
    assert (filled.n, filled.imputed, filled.counts["unchanged"]) == (4, 2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Reference(0, 0.8), ImpossibleReference, "not above 0"),
        (lambda: Reference(5, 1.0), ImpossibleReference, "outside 0 to 1"),
        (
            lambda: Reference(5, 0.8, Population(10, 2), Population(20, 2)),
            ImpossibleReference,
            "direction",
        ),
        (lambda: Reference(5, 0.8, Population(10, 0)), ImpossibleReference, "not above 0"),
        (lambda: Reference(5, 0.8, direction="up"), ValueError, "not known"),
        (lambda: Reference(5, 0.8).cut_off("c"), ImpossibleReference, "needs both populations"),
        (lambda: Reference(5, 0.8).cut_off("d"), ValueError, "not known"),
        (
            lambda: reliable_change.clinical_change([1], [1, 2], Reference(5, 0.8), 3.0),
            ValueError,
            "same people",
        ),
        (
            lambda: reliable_change.clinical_change([1], [1], Reference(5, 0.8), 3.0, "locf"),
            ValueError,
            "not known",
        ),
        (lambda: reliable_change.jacobson_truax(5, -0.1), ImpossibleReference, "outside 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(call, error, message):
    with pytest.raises(error, match=message):
        call()


score = st.integers(0, 63)


@given(
    st.lists(st.tuples(score, score), min_size=1, max_size=30),
    st.floats(0.5, 0.95),
    st.floats(1, 15),
)
def test_categories_add_up_and_turn_with_the_scale(pairs, reliability, sd):
    before, after = (np.array(each, dtype=float) for each in zip(*pairs, strict=True))
    reference = Reference(sd, reliability, Population(30, sd), Population(10, sd))
    turned = Reference(sd, reliability, Population(33, sd), Population(53, sd), HIGHER_BETTER)
    found = reliable_change.clinical_change(before, after, reference, 20.0)
    other = reliable_change.clinical_change(63 - before, 63 - after, turned, 43.0)
    assert sum(found.counts.values()) == len(pairs)
    assert found.category == other.category
    plain = reliable_change.classify(before, after, reference.threshold)
    simple = ["improved" if name == "recovered" else name for name in found.category]
    margin = np.abs(np.abs(before - after) - reference.threshold) > 1e-9
    assert [a for a, m in zip(plain, margin, strict=True) if m] == [
        a for a, m in zip(simple, margin, strict=True) if m
    ]
