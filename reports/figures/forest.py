"""Differences with their intervals against zero, one row each."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .style import (
    HAIR,
    INK,
    LINE,
    NORMAL,
    QUIET,
    SMALL,
    WIDTH,
    apart,
    new_figure,
    svg,
    tidy,
    wrapped,
)

LETTERS = 26  # of a line in bold, left of the axes
AXES = 0.4  # of the width of the figure


@dataclass(frozen=True)
class Interval:
    """`text` stands at the right end of the row."""

    label: str
    value: float
    lower: float
    upper: float
    text: str
    strong: bool = False


def forest(
    rows: Sequence[Interval], x_label: str, left: str, right: str, decimal: str = "."
) -> str:
    """`left` and `right` say whom a difference below and above zero favours; `decimal` is the
    language's sign.
    """
    left, right = "◂ " + wrapped(left, 36), wrapped(right, 36) + " ▸"
    below = 0.66 + 0.14 * max(left.count("\n"), right.count("\n"))
    lines = max(wrapped(row.label, LETTERS).count("\n") + 1 for row in rows)
    tall = max(0.27, 0.09 + LINE / 72 * lines)
    height = 0.1 + below + tall * len(rows)
    figure = new_figure(height)
    axes = figure.add_axes((0.3, below / height, AXES, 1 - (below + 0.1) / height))
    axes.axvline(0, color=QUIET, linewidth=0.8)
    for i, row in enumerate(rows):
        _row(axes, row, len(rows) - 1 - i)
    tidy(axes)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    reach = max(max(abs(row.lower), abs(row.upper)) for row in rows) * 1.08
    axes.set_xlim(-reach, reach)
    shown = _ticks([tick for tick in axes.get_xticks() if abs(tick) <= reach], reach, decimal)
    axes.set_xticks(list(shown), list(shown.values()))
    axes.set_xlabel(x_label, fontsize=NORMAL, color=INK, labelpad=4)
    axes.xaxis.grid(True, color=HAIR, linewidth=0.4)
    axes.set_axisbelow(True)
    top = (below - 0.47) / height
    figure.text(0.49, top, left, fontsize=SMALL, color=QUIET, ha="right", va="top")
    figure.text(0.51, top, right, fontsize=SMALL, color=QUIET, ha="left", va="top")
    return svg(figure)


def _ticks(ticks: Sequence[float], reach: float, decimal: str) -> dict[float, str]:
    """Ticks with their labels: every one, every second, every fourth ... from zero, until no two
    labels touch.
    """
    step, stride = min((b - a for a, b in pairwise(ticks)), default=1.0), 1
    while True:
        kept = [tick for tick in ticks if round(tick / step) % stride == 0]
        labels = [f"{tick:g}".replace("-", "−").replace(".", decimal) for tick in kept]
        if all(apart(kept, labels, AXES * WIDTH * 72 / (2 * reach))):
            return dict(zip(kept, labels, strict=True))
        stride *= 2


def _row(axes, row: Interval, y: float) -> None:
    axes.plot([row.lower, row.upper], [y, y], color=INK, linewidth=1.2, solid_capstyle="butt")
    axes.plot(
        [row.value],
        [y],
        "s" if row.strong else "o",
        color=INK,
        markersize=5.5 if row.strong else 4.5,
    )
    place = axes.get_yaxis_transform()
    weight = "bold" if row.strong else "normal"
    label = wrapped(row.label, LETTERS)
    axes.text(
        -0.03,
        y,
        label,
        fontsize=SMALL,
        color=INK,
        transform=place,
        ha="right",
        va="center",
        weight=weight,
    )
    axes.text(
        1.03,
        y,
        row.text,
        fontsize=SMALL,
        color=INK,
        transform=place,
        ha="left",
        va="center",
        weight=weight,
    )
