"""Means over time with their intervals, one line an arm, labelled at its end, n under every time point."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .style import HAIR, INK, NORMAL, QUIET, SMALL, look, new_figure, place, spread, svg, tidy, wrapped

PLOT = 1.65
CLOSE = 0.14  # of the axis: two names beside each other would touch
WHOLE = 10  # from here on a part of a day or month says nothing


@dataclass(frozen=True)
class Point:
    at: float
    mean: float
    lower: float | None
    upper: float | None
    n: int


@dataclass(frozen=True)
class Series:
    label: str
    points: Sequence[Point]


def means_plot(
    series: Sequence[Series], ticks: Sequence[tuple[float, str]], x_label: str, y_label: str, n_label: str
) -> str:
    """`ticks` are (time, name) of the time points."""
    span = (ticks[-1][0] - ticks[0][0]) or 1.0
    names = _tick_labels(ticks, span)
    deep = 10 + 10 * max(name.count("\n") + 1 for name in names)
    below = deep + 17 + 13 * len(series)
    figure = new_figure(PLOT + 0.1 + below / 72)
    axes, point = place(figure, PLOT, below)
    for i, one in enumerate(series):
        _line(axes, one, i, (i - (len(series) - 1) / 2) * span * 0.009)
    tidy(axes)
    axes.margins(y=0.12)
    last = max(ticks[-1][0], *(p.at for one in series for p in one.points))
    axes.set_xlim(ticks[0][0] - span * 0.04, last + span * 0.04)
    axes.set_xticks([at for at, _ in ticks], names)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel(y_label, fontsize=NORMAL, color=INK)
    axes.yaxis.grid(True, color=HAIR, linewidth=0.4)
    axes.set_axisbelow(True)
    _direct_labels(axes, series)
    _counts(axes, series, n_label, deep, point)
    axes.set_xlabel(x_label, fontsize=NORMAL, color=INK)
    axes.xaxis.set_label_coords(0.5, -(deep + 13 * len(series)) * point)
    return svg(figure)


def _tick_labels(ticks: Sequence[tuple[float, str]], span: float) -> list[str]:
    """The time and the name under it; only one of them where every name after the first tells the time already."""
    near = min((b[0] - a[0] for a, b in pairwise(ticks)), default=span) / span
    names = [wrapped(name, 6 if near < CLOSE else 12) for _, name in ticks]
    if all(f"{at:g}" in name.split() for at, name in ticks[1:]):
        return [names[0], *(f"{at:g}" for at, _ in ticks[1:])] if near < CLOSE else names
    return [
        f"{at:.0f}\n{name}" if at >= WHOLE else f"{at:g}\n{name}" for (at, _), name in zip(ticks, names, strict=True)
    ]


def _line(axes, one: Series, number: int, shift: float) -> None:
    style = look(number)
    points = list(one.points)
    at = [p.at + shift for p in points]
    axes.plot(at, [p.mean for p in points], linestyle=style.line, color=style.colour, linewidth=1.3, zorder=3)
    for x, p in zip(at, points, strict=True):
        if p.lower is not None and p.upper is not None:
            axes.plot([x, x], [p.lower, p.upper], color=style.colour, linewidth=1.0, zorder=2)
    axes.plot(
        at,
        [p.mean for p in points],
        style.marker,
        color=style.colour,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        zorder=4,
    )


def _direct_labels(axes, series: Sequence[Series]) -> None:
    ends = [(one.points[-1].at, one.points[-1].mean) for one in series if one.points]
    low, high = axes.get_ylim()
    lines = max(wrapped(one.label, 24).count("\n") + 1 for one in series)
    heights = spread([mean for _, mean in ends], (high - low) * (0.05 + 0.055 * lines))
    right = axes.get_xlim()[1]
    for i, (one, height) in enumerate(zip([s for s in series if s.points], heights, strict=True)):
        text = wrapped(one.label, 24)
        axes.text(right, height, "  " + text.replace("\n", "\n  "), fontsize=SMALL, color=look(i).colour, va="center")


def _counts(axes, series: Sequence[Series], n_label: str, deep: float, point: float) -> None:
    """A row of n for each arm under the ticks, led by the arm's marker."""
    under = axes.get_xaxis_transform()
    left, right = axes.get_xlim()
    top, step = -(deep + 3) * point, 13 * point
    axes.text(left - (right - left) * 0.1, top, n_label, fontsize=SMALL, color=QUIET, transform=under, va="center")
    for i, one in enumerate(series):
        y = top - step * i
        style = look(i)
        axes.plot(
            [left - (right - left) * 0.045],
            [y],
            style.marker,
            color=style.colour,
            markersize=4,
            transform=under,
            clip_on=False,
        )
        for p in one.points:
            axes.text(p.at, y, str(p.n), fontsize=SMALL, color=INK, ha="center", va="center", transform=under)
    axes.set_xlim(left, right)
