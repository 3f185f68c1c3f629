"""No text of a figure stands on another or beyond its edge, whatever the times, names and numbers.

The boxes of the texts are worked out from the SVG with Pillow's measures of the same font, not by
the code that places them.
"""

import inspect
import re
import xml.etree.ElementTree as ET
from functools import cache
from itertools import combinations
from pathlib import Path

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from reports import figures
from reports.figures import (
    Interval,
    Point,
    Rung,
    Series,
    Stay,
    forest,
    funnel,
    means_plot,
    survival_curves,
)
from reports.figures.style import LOOKS

SVG = "{http://www.w3.org/2000/svg}"
SLACK = 1.0  # points that two boxes may share: letters do not fill theirs


@cache
def font(bold):
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, 100)


def boxes(svg):
    """(text, left, top, right, bottom) of every line of text that stands upright, and the size of
    the figure.
    """
    root = ET.fromstring(svg)
    size = [float(part) for part in root.get("viewBox").split()[2:]]
    found = []
    for element in root.iter(f"{SVG}text"):
        style, transform = element.get("style"), element.get("transform", "")
        if "rotate(-90" in transform or not (element.text or "").strip():
            continue
        points = float(re.search(r"font(?:-size)?: (?:bold )?([\d.]+)px", style)[1])
        wide = font("bold" in style).getlength(element.text) * points / 100
        moved = re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", transform)
        x, y = (
            map(float, moved.groups())
            if moved
            else (float(element.get("x")), float(element.get("y")))
        )
        anchor = re.search(r"text-anchor: (\w+)", style)
        x -= {"middle": wide / 2, "end": wide}.get(anchor[1] if anchor else "start", 0.0)
        found.append((element.text, x, y - 0.73 * points, x + wide, y + 0.1 * points))
    return found, size


def assert_readable(svg):
    found, (width, height) = boxes(svg)
    assert found
    for (a, *one), (b, *other) in combinations(found, 2):
        across = min(one[2], other[2]) - max(one[0], other[0])
        down = min(one[3], other[3]) - max(one[1], other[1])
        assert min(across, down) <= SLACK, f"{a!r} stands on {b!r}"
    beyond = [
        text
        for text, left, top, right, low in found
        if left < -2 or top < -2 or right > width + 2 or low > height + 2
    ]
    assert beyond == []


words = st.sampled_from(
    ["Baseline", "Week", "13", "Post-test", "follow-up", "months", "nameting", "1", "half"]
)
names = st.lists(words, min_size=1, max_size=3).map(" ".join)
arms = st.sampled_from(
    [
        "A",
        "Waiting list",
        "Computerised cognitive behavioural therapy",
        "Usual care by the general practitioner",
    ]
)
times = st.lists(st.integers(0, 700), min_size=2, max_size=8, unique=True).map(sorted)
close = st.tuples(
    st.lists(st.integers(0, 9), min_size=2, max_size=4, unique=True), st.integers(60, 700)
).map(lambda both: sorted([*both[0], both[1]]))
titles = st.sampled_from(
    ["PHQ-9, mean score", "Center for Epidemiologic Studies Depression Scale, mean score"]
)


@st.composite
def visits(draw):
    at = draw(st.one_of(times, close))
    groups = draw(st.lists(arms, min_size=1, max_size=4, unique=True))
    n = st.integers(0, draw(st.sampled_from([9, 99, 9999])))
    low = draw(st.floats(-20, 60))
    series = [
        Series(
            name,
            [
                Point(day, mean, mean - 2, mean + 2, draw(n))
                for day in at
                for mean in [low + draw(st.floats(0, 20))]
            ],
        )
        for name in groups
    ]
    ticks = [(float(day), draw(names)) for day in at]
    return series, ticks, "Days since randomisation", draw(titles), "n"


@settings(max_examples=40, deadline=None)
@given(visits())
def test_means_over_time_can_be_read(drawn):
    assert_readable(means_plot(*drawn))


def test_the_first_days_of_a_long_trial_can_be_read():
    """Days 0 and 7 of 91, as in a rehearsal: the names of both stand there, one below the other."""
    points = [Point(day, 10, 9, 11, 30) for day in (0, 7, 91)]
    svg = means_plot(
        [Series("A", points)],
        [(0, "Baseline"), (7, "Week 1"), (91, "Week 13")],
        "Days",
        "PHQ-9",
        "n",
    )
    assert_readable(svg)
    found = {text: top for text, _, top, *_ in boxes(svg)[0]}
    assert found["Week 1"] > found["Baseline"]
    assert {"0", "7", "91", "Week 13"} <= set(found)


@st.composite
def stays(draw):
    end = draw(st.integers(1, 900))
    step = draw(st.sampled_from([1, 7, 14, 28, 56, 112, 224]))
    ticks = list(range(0, max(end, step) + step, max(step, end // 9 // step * step)))
    most = draw(st.sampled_from([9, 99, 9999]))
    made = []
    for name in draw(st.lists(arms, min_size=1, max_size=4, unique=True)):
        share = draw(st.floats(0.05, 1))
        steps = [(0.0, 1.0, 1.0, 1.0, 0), (end * 0.7, share, share * 0.9, min(1.0, share * 1.1), 2)]
        made.append(Stay(name, steps, [draw(st.integers(0, most)) for _ in ticks]))
    return (
        made,
        ticks,
        "Days since the programme was given",
        "Still using the programme, %",
        "at risk",
    )


@settings(max_examples=40, deadline=None)
@given(stays())
def test_curves_and_the_people_at_risk_can_be_read(drawn):
    assert_readable(survival_curves(*drawn))


@st.composite
def intervals(draw):
    size = draw(st.sampled_from([0.003, 0.07, 0.9, 4.0, 35.0, 400.0]))
    rows = []
    for _ in range(draw(st.integers(1, 9))):
        value, half = draw(st.floats(-size, size)), draw(st.floats(size / 10, size))
        pair = draw(st.lists(arms, min_size=2, max_size=2, unique=True))
        label = f"{draw(names)}, {pair[0]} v. {pair[1]}" if draw(st.booleans()) else draw(names)
        rows.append(
            Interval(
                label,
                value,
                value - half,
                value + half,
                f"{value:.2f} (0.00 to 0.00)",
                draw(st.booleans()),
            )
        )
    title = draw(
        st.sampled_from(
            ["PHQ-9: adjusted difference, points", "Hospital Scale: adjusted difference, points"]
        )
    )
    return rows, title, f"in favour of {draw(arms)}", f"in favour of {draw(arms)}"


@settings(max_examples=40, deadline=None)
@given(intervals())
def test_differences_can_be_read(drawn):
    assert_readable(forest(*drawn))


@st.composite
def rungs(draw):
    groups = draw(st.lists(arms, min_size=1, max_size=4, unique=True))
    shares = st.floats(0, 1).map(lambda share: (share, share / 2, share / 3, share))
    titles = st.sampled_from(
        [
            "Welcome",
            "Lesson 3: a longer title of a lesson",
            "A title of a lesson that " + "goes on and on " * 6,
        ]
    )
    made = [
        Rung(draw(titles), [draw(shares) for _ in groups]) for _ in range(draw(st.integers(1, 9)))
    ]
    return made, groups, "Share of those given the programme, %", "opened", "completed"


@settings(max_examples=40, deadline=None)
@given(rungs())
def test_the_modules_can_be_read(drawn):
    assert_readable(funnel(*drawn))


def test_every_figure_is_held_to_this():
    """A figure is a function that gives SVG; the flow diagram, without axes, makes its boxes as
    large as its words.
    """
    made = {name for name in figures.__all__ if inspect.isfunction(getattr(figures, name))}
    held = {"forest", "funnel", "means_plot", "survival_curves"}
    assert made == held | {"flow_diagram"}


def test_numbers_in_two_languages_have_ticks_that_can_be_read():
    rows = [Interval("Week 8", -0.012, -0.031, 0.004, "−0,01")]
    svg = forest(rows, "Difference", "left", "right", decimal=",")
    assert_readable(svg)
    assert [text for text, *_ in boxes(svg)[0] if "." in text] == []


@pytest.mark.parametrize("number", range(len(LOOKS)))
def test_a_box_of_the_measure_is_where_the_text_is(number):
    """The measure itself: two labels on one another are found."""
    texts = [
        f'<text style="font-size: 10px" transform="translate({x} 20)">word</text>'
        for x in (5, 5 + 10 * number)
    ]
    svg = f'<svg xmlns="{SVG[1:-1]}" viewBox="0 0 99 40">{"".join(texts)}</svg>'
    wide = font(False).getlength("word") / 10
    if 10 * number < wide - SLACK:
        with pytest.raises(AssertionError, match="stands on"):
            assert_readable(svg)
    else:
        assert_readable(svg)
