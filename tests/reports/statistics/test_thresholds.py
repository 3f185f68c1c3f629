"""A bar that is reached exactly is reached, whatever binary makes of the decimals: against exact
fractions.
"""

import ast
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import cace, reliable_change, responders, thresholds
from trial import thresholds as without_arrays

ROOT = Path(thresholds.__file__).parents[2]
APPS = ("trial", "outcomes", "coaching_protocol", "randomisation", "reports")
PAIRS = [(before, after) for before in range(11) for after in range(before)]
BARS = {"threshold", "cut_off", "cut", "bar", "fraction", "margin", "idle_after"}


@st.composite
def decimals(draw, most=2000):
    """As somebody writes them: up to four places."""
    places = draw(st.integers(0, 4))
    return Decimal(draw(st.integers(-most * 10**places, most * 10**places))).scaleb(-places)


@st.composite
def changes(draw):
    """Before, after and a bar that is often exactly the change between them."""
    before, after, other = draw(decimals()), draw(decimals()), draw(decimals())
    nudge = draw(st.sampled_from([Decimal(0), Decimal("0.0001"), Decimal("-0.0001")]))
    return before, after, draw(st.sampled_from([abs(before - after) + nudge, abs(other)]))


@given(changes())
def test_a_change_is_compared_as_decimals_are(given_):
    before, after, bar = given_
    value, numbers = float(before) - float(after), (float(before), float(after))
    assert bool(thresholds.at_least(value, float(bar), *numbers)) == (before - after >= bar)
    for at_most in (thresholds.at_most, without_arrays.at_most):
        assert bool(at_most(value, float(bar), *numbers)) == (before - after <= bar)
    assert bool(thresholds.above(value, float(bar), *numbers)) == (before - after > bar)


@given(changes(), st.sampled_from([reliable_change.HIGHER_WORSE, reliable_change.HIGHER_BETTER]))
def test_reliable_change_and_deterioration_count_a_change_of_exactly_the_bar(given_, direction):
    before, after, bar = given_
    bar = abs(bar) + Decimal("0.5")
    gain = (before - after) * (1 if direction == reliable_change.HIGHER_WORSE else -1)
    expected = "improved" if gain >= bar else "deteriorated" if gain <= -bar else "unchanged"
    scores = [float(before)], [float(after)]
    assert reliable_change.classify(*scores, float(bar), direction) == [expected]
    assert responders.deterioration(*scores, float(bar), direction=direction).count == (
        gain <= -bar
    )
    at_cut = responders.remission(scores[1], float(before), direction=direction).count
    assert at_cut == (
        after <= before if direction == reliable_change.HIGHER_WORSE else after >= before
    )


@given(decimals(), st.integers(1, 1000), st.integers(-1, 1), st.booleans())
def test_a_response_of_exactly_the_fraction_counts(before, thousandths, nudge, worse):
    before, fraction = abs(before), Decimal(thousandths) / 1000
    after = before * (1 - fraction if worse else 1 + fraction) + Decimal(nudge).scaleb(-6)
    direction = reliable_change.HIGHER_WORSE if worse else reliable_change.HIGHER_BETTER
    found = responders.response(
        [float(before)], [float(after)], float(fraction), direction=direction
    )
    assert found.count == (nudge <= 0 if worse else nudge >= 0)


@given(st.integers(2, 30), st.data())
def test_a_mean_of_items_reaches_the_cut_off_that_it_is(items, data):
    """Prorated: the mean of the answered items times their number, in fractions, against every bar
    of two places near it.
    """
    answered = data.draw(st.integers(1, items))
    score = Fraction(data.draw(st.integers(0, 4 * answered)) * items, answered)
    for hundredths in (math.floor(score * 100), math.ceil(score * 100)):
        bar = Fraction(hundredths, 100)
        found = responders.remission([float(score)], float(bar)).count
        assert found == (score <= bar)
        better = responders.remission(
            [float(score)], float(bar), direction=reliable_change.HIGHER_BETTER
        ).count
        assert better == (score >= bar)


@pytest.mark.parametrize(
    ("fraction", "before", "after"),
    [(0.9, 10, 1), (0.8, 10, 2), (0.8, 25, 5), (0.3, 90, 63), (0.9, 9.0, 0.9), (0.5, 20, 10)],
)
def test_percentages_by_hand(fraction, before, after):
    # 10 to 1 is 90 %, 10 to 2 is 80 %, 90 to 63 is 30 %, 9.0 to 0.9 is 90 %: by hand.
    assert responders.response([before], [after], fraction).count == 1


def test_the_bar_is_not_rounded():
    bar = reliable_change.jacobson_truax(
        7.5, 0.84
    )  # 8.3156...: 8.3 is not enough, nor is a 14th digit less
    assert reliable_change.classify([20.0, 20.0], [20 - 8.3, 20 - 8.4], bar) == [
        "unchanged",
        "improved",
    ]
    assert not thresholds.at_least(bar - 1e-13, bar)
    assert thresholds.at_least(bar, bar)


@pytest.mark.parametrize(
    ("reliability", "points"), [(0.92, "0.4"), (0.98, "0.2"), (0.995, "0.1"), (0.5, "1")]
)
@pytest.mark.parametrize("sd", ["5", "7.5", "0.3", "12.25"])
def test_a_reliable_change_of_exactly_the_index_counts(sd, reliability, points):
    # sqrt(2 (1 - r)) is 0.4 for r = .92, 0.2 for .98, 0.1 for .995 and 1 for .5: the bar is a
    # decimal.
    bar = Decimal("1.96") * Decimal(sd) * Decimal(points)
    reference = reliable_change.Reference(float(sd), reliability, reliable_change.Population(50, 5))
    for start in (Decimal(60), Decimal("33.3"), Decimal("7.7")):
        before = [float(start), float(start)]
        after = [float(start - bar), float(start - bar + Decimal("0.0001"))]
        found = reliable_change.clinical_change(
            before, after, reference, cut_off=float(start - bar)
        )
        assert found.category == ("recovered", "unchanged")
        assert (
            reliable_change.count(
                before, after, reliable_change.jacobson_truax(float(sd), reliability)
            ).improved
            == 1
        )


def test_somebody_at_the_cut_off_was_not_on_its_clinical_side():
    reference = reliable_change.Reference(1.0, 0.9)
    found = reliable_change.clinical_change([0.1 + 0.2, 0.31], [-5, -5], reference, cut_off=0.3)
    assert found.category == ("improved", "recovered")


def test_a_dose_of_exactly_the_threshold_is_exposure():
    dose = [dose for each in (0.1 + 0.2, 0.3, 0.2) for dose in (each, 0.0)] * 10
    frame = pd.DataFrame(
        {"y": np.random.default_rng(1).normal(size=60), "arm": ["a", "b"] * 30, "dose": dose}
    )
    found = cace.fit(
        frame, outcome="y", arm="arm", offered="a", dose="dose", threshold=0.3, fixed="1"
    )
    assert dict(found.exposure_by_arm)["a"] == pytest.approx(2 / 3)


@given(
    st.lists(
        st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, math.inf, -math.inf, math.nan]),
        min_size=3,
        max_size=3,
    )
)
def test_no_number_is_at_odds_with_itself(numbers):
    value, bar, other = numbers
    found = thresholds.at_least([value], [bar], [other])[0]
    if math.isnan(value) or math.isnan(bar):
        assert not found
    elif not math.isfinite(value) or value > bar:
        assert found == (value >= bar)
    assert found or value < bar or math.isnan(value) or math.isnan(bar)


MODULES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if path.stem != "thresholds"
)


def bars_compared(source):
    """Lines on which a bar is compared with anything but a constant, which is how one sees whether
    it makes sense.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops
        ):
            sides = [
                side
                for side in (node.left, *node.comparators)
                if not isinstance(side, ast.Constant)
            ]
            names = {
                getattr(each, "id", getattr(each, "attr", ""))
                for side in sides
                for each in ast.walk(side)
            }
            if len(sides) > 1 and names & BARS:
                yield node.lineno


def test_no_bar_is_compared_bit_by_bit():
    found = {
        str(path): lines for path in MODULES if (lines := list(bars_compared(path.read_text())))
    }
    assert found == {}
    assert list(bars_compared("a >= b\nif x.gain >= threshold:\n  0 < fraction <= 1")) == [2]


@settings(max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), st.floats(-1e6, 1e6))
def test_arrays_and_numbers_say_the_same(values, bar):
    one_by_one = [without_arrays.at_most(value, bar) for value in values]
    assert thresholds.at_most(values, bar).tolist() == one_by_one


def test_every_pair_of_a_scale_of_tenths_reaches_its_own_difference():
    assert len(PAIRS) == 55
    for before, after in PAIRS:
        scores = [before / 10], [after / 10]
        assert reliable_change.count(*scores, (before - after) / 10).improved == 1
