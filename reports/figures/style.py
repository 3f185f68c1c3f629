"""What all figures share: size, type, the look of each arm, and the SVG."""

import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

INK, QUIET, HAIR = "#1a1a1a", "#595959", "#b8b8b8"
WIDTH = 6.7
SMALL, NORMAL = 7.5, 8.5
LEFT, RIGHT = (
    0.095,
    0.755,
)  # of the width of a figure: where axes begin and end that have names beside them
GAP = 5.0  # points between two labels side by side
LINE = 9.1  # points from line to line of small text


@dataclass(frozen=True)
class Look:
    marker: str
    line: Any
    colour: str


LOOKS = (
    Look("o", "-", "#0072B2"),
    Look("s", (0, (5, 2)), "#D55E00"),
    Look("^", (0, (5, 2, 1, 2)), "#009E73"),
    Look("D", (0, (1, 1.5)), "#CC79A7"),
)


def look(number: int) -> Look:
    return LOOKS[number % len(LOOKS)]


def new_figure(height: float, width: float = WIDTH):
    """An empty figure of `width` by `height` inches, without the global state of pyplot."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasSVG(figure)
    return figure


def tidy(axes) -> None:
    """Two quiet spines, ticks outwards, small type."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(labelsize=SMALL, colors=INK, width=0.6, length=3)


def svg(figure) -> str:
    """The figure as SVG; letters stay letters, and the same values give the same bytes."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "handvat"}):
        figure.savefig(
            out,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    # matplotlib names ten families; two of like width and a last resort are enough. svglib knows
    # bold by name only.
    text = re.sub(
        r"font-family: [^;]+;", "font-family: 'DejaVu Sans', Verdana, sans-serif;", out.getvalue()
    )
    return text.replace("font-weight: 700", "font-weight: bold")


def place(figure, axes_height: float, below: float, left: float):
    """Axes of `axes_height` inches standing on `below` points, and the share of its height that one
    point is.
    """
    height = figure.get_figheight()
    axes = figure.add_axes((left, below / 72 / height, RIGHT - left, axes_height / height))
    return axes, 1 / (72 * axes_height)


def points_across(left: float) -> float:
    """How many points wide axes are that begin at `left`."""
    return (RIGHT - left) * WIDTH * 72


def left_of(y_label: str) -> float:
    """Where axes begin that have a title of so many lines on their left, as a share of the
    figure.
    """
    lines = y_label.count("\n") + 1
    return max(LEFT, (28 + 10.5 * lines) / (WIDTH * 72))


def across(text: str, size: float = SMALL) -> float:
    """The width of the longest line, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", size=size)
    return max(
        text_to_path.get_text_width_height_descent(line, font, False)[0]
        for line in text.split("\n")
    )


def wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=False)) or text


def apart(ticks: Sequence[float], labels: Sequence[str], points: float) -> list[bool]:
    """Which ticks can be labelled without touching: the first, the last where it leaves room for
    that, and those between that do. `points` is how many points one unit of the axis is long.
    """
    half = [across(label) / 2 for label in labels]
    last = len(ticks) - 1

    def touch(i: int, k: int) -> bool:
        return (ticks[k] - ticks[i]) * points < half[i] + half[k] + GAP

    kept = [0] if ticks else []
    for i in range(1, last):
        if not touch(kept[-1], i) and not touch(i, last):
            kept.append(i)
    if last > 0 and not touch(kept[-1], last):
        kept.append(last)
    return [i in kept for i in range(len(ticks))]


def spread(values: Sequence[float], gap: float) -> list[float]:
    """`values` pushed apart until neighbours are at least `gap` from each other, keeping their
    order and middle.
    """
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = list(values)
    for _ in range(100):
        moved = False
        for low, high in pairwise(order):
            lack = gap - (placed[high] - placed[low])
            if lack > 1e-9:
                placed[low] -= lack / 2
                placed[high] += lack / 2
                moved = True
        if not moved:
            break
    return placed


def within(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """`values`, at least `gap` apart, moved down and up until they lie between `low` and `high`, as
    far as they fit.
    """
    order, placed = sorted(range(len(values)), key=lambda i: values[i]), list(values)
    for rank, i in enumerate(reversed(order)):
        placed[i] = min(placed[i], high - rank * gap)
    for rank, i in enumerate(order):
        placed[i] = max(placed[i], low + rank * gap)
    return placed
