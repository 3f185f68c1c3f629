"""Means over time with their intervals, one line an arm, labelled at its end, n under every time
point.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .style import (
    GAP,
    HAIR,
    INK,
    LINE,
    NORMAL,
    QUIET,
    SMALL,
    across,
    apart,
    left_of,
    look,
    new_figure,
    place,
    points_across,
    spread,
    svg,
    tidy,
    within,
    wrapped,
)

PLOT = 1.65
TITLE = 26  # letters of a line beside the axis
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
    series: Sequence[Series],
    ticks: Sequence[tuple[float, str]],
    x_label: str,
    y_label: str,
    n_label: str,
) -> str:
    """`ticks` are (time, name) of the time points."""
    span = (ticks[-1][0] - ticks[0][0]) or 1.0
    last = max(ticks[-1][0], *(p.at for one in series for p in one.points))
    left, right = ticks[0][0] - span * 0.04, last + span * 0.04
    title = wrapped(y_label, TITLE)
    per_unit = points_across(left_of(title)) / (right - left)
    names = _tick_labels(ticks, per_unit)
    deep = 10 + LINE * max(name.count("\n") + 1 for name in names)
    below = deep + 17 + 13 * len(series)
    figure = new_figure(PLOT + 0.1 + below / 72)
    axes, point = place(figure, PLOT, below, left_of(title))
    for i, one in enumerate(series):
        _line(axes, one, i, (i - (len(series) - 1) / 2) * span * 0.009)
    tidy(axes)
    axes.margins(y=0.12)
    axes.set_xlim(left, right)
    axes.set_xticks([at for at, _ in ticks], names)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel(title, fontsize=NORMAL, color=INK, multialignment="center")
    axes.yaxis.grid(True, color=HAIR, linewidth=0.4)
    axes.set_axisbelow(True)
    _direct_labels(axes, series)
    _counts(axes, series, n_label, deep, point, per_unit)
    axes.set_xlabel(x_label, fontsize=NORMAL, color=INK)
    axes.xaxis.set_label_coords(0.5, -(deep + 13 * len(series)) * point)
    return svg(figure)


def _tick_labels(ticks: Sequence[tuple[float, str]], per_unit: float) -> list[str]:
    """The time and the name under it; only the names where each after the first tells the time
    already.

    Times that would touch are left out; a name that would touch the one before it stands lower.
    """
    at = [time for time, _ in ticks]
    names = [wrapped(name, 12) for _, name in ticks]
    if all(f"{time:g}" in name.split() for time, name in ticks[1:]):
        if all(apart(at, names, per_unit)):
            return names
        names = [names[0], *("" for _ in names[1:])]
    times = [f"{time:.0f}" if time >= WHOLE else f"{time:g}" for time in at]
    shown = apart(at, times, per_unit)
    lowered = _lowered(at, names, per_unit)
    return [
        "\n".join([time if is_shown else "", *[""] * lines, name]).rstrip("\n")
        for time, is_shown, lines, name in zip(times, shown, lowered, names, strict=True)
    ]


def _lowered(at: Sequence[float], names: Sequence[str], per_unit: float) -> list[int]:
    """How many lines lower each name stands, so that none touches another."""
    deep = max(name.count("\n") + 1 for name in names)
    ends: list[float] = []  # of what stands in each tier so far, in points
    lines = []
    for time, name in zip(at, names, strict=True):
        middle, half = time * per_unit, across(name) / 2
        tier = next((i for i, end in enumerate(ends) if middle - half >= end + GAP), len(ends))
        ends[tier : tier + 1] = [middle + half]
        lines.append(tier * deep)
    return lines


def _line(axes, one: Series, number: int, shift: float) -> None:
    style = look(number)
    points = list(one.points)
    at = [p.at + shift for p in points]
    axes.plot(
        at,
        [p.mean for p in points],
        linestyle=style.line,
        color=style.colour,
        linewidth=1.3,
        zorder=3,
    )
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
    gap = (high - low) * (LINE * lines + 2) / (72 * PLOT)
    heights = within(spread([mean for _, mean in ends], gap), gap, low + gap / 2, high - gap / 2)
    right = axes.get_xlim()[1]
    for i, (one, height) in enumerate(zip([s for s in series if s.points], heights, strict=True)):
        text = wrapped(one.label, 24)
        axes.text(
            right,
            height,
            "  " + text.replace("\n", "\n  "),
            fontsize=SMALL,
            color=look(i).colour,
            va="center",
        )


def _counts(
    axes, series: Sequence[Series], n_label: str, deep: float, point: float, per_unit: float
) -> None:
    """A row of n for each arm under the ticks, led by the arm's marker; without those that would
    touch.
    """
    under = axes.get_xaxis_transform()
    left, right = axes.get_xlim()
    top, step = -(deep + 3) * point, 13 * point
    axes.text(
        left - (right - left) * 0.1,
        top,
        n_label,
        fontsize=SMALL,
        color=QUIET,
        transform=under,
        va="center",
    )
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
        numbers = [str(p.n) for p in one.points]
        shown = apart([p.at for p in one.points], numbers, per_unit)
        for p, number, is_shown in zip(one.points, numbers, shown, strict=True):
            if is_shown:
                axes.text(
                    p.at,
                    y,
                    number,
                    fontsize=SMALL,
                    color=INK,
                    ha="center",
                    va="center",
                    transform=under,
                )
    axes.set_xlim(left, right)
