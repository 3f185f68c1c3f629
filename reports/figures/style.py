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
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # matplotlib names ten families; two of like width and a last resort are enough. svglib knows bold by name only.
    text = re.sub(r"font-family: [^;]+;", "font-family: 'DejaVu Sans', Verdana, sans-serif;", out.getvalue())
    return text.replace("font-weight: 700", "font-weight: bold")


def place(figure, axes_height: float, below: float, width: float = 0.66, left: float = 0.095):
    """Axes of `axes_height` inches standing on `below` points, and the share of its height that one point is."""
    height = figure.get_figheight()
    axes = figure.add_axes((left, below / 72 / height, width, axes_height / height))
    return axes, 1 / (72 * axes_height)


def wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=False)) or text


def apart(ticks: Sequence[float], gap: float) -> list[float]:
    """The ticks that can be labelled without touching: the first, the last, and between them those `gap` away."""
    kept = list(ticks[:1])
    for tick in ticks[1:-1]:
        if tick - kept[-1] >= gap and ticks[-1] - tick >= gap:
            kept.append(tick)
    return kept + list(ticks[1:][-1:])


def spread(values: Sequence[float], gap: float) -> list[float]:
    """`values` pushed apart until neighbours are at least `gap` from each other, keeping their order and middle."""
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
