"""Kaplan-Meier curves as steps, with the log-log interval as a band, marks for people last seen,
and people at risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .style import (
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
END, TOP = 1.02, 1.02  # of the last tick, and of everybody: where the axes end
TITLE = 24  # letters of a line beside the axis


@dataclass(frozen=True)
class Stay:
    """One arm: `steps` are (time, survival, lower, upper, last seen there); `at_risk` belongs to
    the ticks.
    """

    label: str
    steps: Sequence[tuple[float, float, float | None, float | None, int]]
    at_risk: Sequence[int]


def survival_curves(
    arms: Sequence[Stay], ticks: Sequence[float], x_label: str, y_label: str, risk_label: str
) -> str:
    below = 35 + 13 * len(arms)
    figure = new_figure(PLOT + 0.1 + below / 72)
    title = wrapped(y_label, TITLE)
    axes, point = place(figure, PLOT, below, left_of(title))
    end = ticks[-1]
    for i, arm in enumerate(arms):
        _steps(axes, arm, i, end)
    tidy(axes)
    axes.set_xlim(0, end * END)
    axes.set_ylim(0, TOP)
    shown = _shown(arms, ticks, points_across(left_of(title)) / (end * END))
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.set_xticks(list(ticks), minor=True)
    axes.tick_params(which="minor", color=QUIET, width=0.6, length=3)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.axhline(0.5, color=QUIET, linewidth=0.6, linestyle=(0, (1, 2)))
    axes.set_ylabel(title, fontsize=NORMAL, color=INK, multialignment="center")
    axes.yaxis.grid(True, color=HAIR, linewidth=0.4)
    axes.set_axisbelow(True)
    _labels(axes, arms, end)
    _at_risk(axes, arms, ticks, shown, risk_label, point)
    axes.set_xlabel(x_label, fontsize=NORMAL, color=INK)
    axes.xaxis.set_label_coords(0.5, -(24 + 13 * len(arms)) * point)
    return svg(figure)


def _shown(arms: Sequence[Stay], ticks: Sequence[float], per_unit: float) -> list[float]:
    """The ticks that have a label, and people at risk under it: as many as stand apart, the widest
    number being everywhere.
    """
    texts = [f"{tick:g}" for tick in ticks] + [str(n) for arm in arms for n in arm.at_risk]
    widest = max(texts, key=across)
    stand = apart(ticks, [widest] * len(ticks), per_unit)
    return [tick for tick, is_shown in zip(ticks, stand, strict=True) if is_shown]


def _path(arm: Stay, end: float) -> list[tuple[float, float, float, float]]:
    """(time, survival, lower, upper) from 0 to the end of the axis or of this arm's knowledge."""
    path = [(0.0, 1.0, 1.0, 1.0)]
    for time, survival, lower, upper, _ in arm.steps:
        path.append(
            (
                time,
                survival,
                survival if lower is None else lower,
                survival if upper is None else upper,
            )
        )
    return [row for row in path if row[0] <= end]


def _steps(axes, arm: Stay, number: int, end: float) -> None:
    style = look(number)
    path = _path(arm, end)
    time, survival, lower, upper = zip(*path, strict=True)
    axes.step(
        time,
        survival,
        where="post",
        color=style.colour,
        linestyle=style.line,
        linewidth=1.4,
        zorder=3,
    )
    axes.fill_between(
        time, lower, upper, step="post", color=style.colour, alpha=0.13, linewidth=0, zorder=1
    )
    seen = [(t, s) for t, s, _, _, censored in arm.steps if censored and t <= end]
    if seen:
        axes.plot(
            *zip(*seen, strict=True),
            "|",
            color=style.colour,
            markersize=6,
            markeredgewidth=1,
            zorder=4,
            clip_on=False,
        )


def _labels(axes, arms: Sequence[Stay], end: float) -> None:
    lines = max(wrapped(arm.label, 24).count("\n") + 1 for arm in arms)
    gap = TOP * (LINE * lines + 2) / (72 * PLOT)
    heights = within(
        spread([_path(arm, end)[-1][1] for arm in arms], gap), gap, gap / 2, TOP - gap / 2
    )
    for i, (arm, height) in enumerate(zip(arms, heights, strict=True)):
        text = wrapped(arm.label, 24).replace("\n", "\n  ")
        axes.text(end * END, height, "  " + text, fontsize=SMALL, color=look(i).colour, va="center")


def _at_risk(
    axes,
    arms: Sequence[Stay],
    ticks: Sequence[float],
    shown: Sequence[float],
    risk_label: str,
    point: float,
) -> None:
    under, end = axes.get_xaxis_transform(), ticks[-1]
    top, step = -26 * point, 13 * point
    axes.text(
        end * 1.07, top, risk_label, fontsize=SMALL, color=QUIET, transform=under, va="center"
    )
    for i, arm in enumerate(arms):
        y, style = top - step * i, look(i)
        axes.plot(
            [-end * 0.05],
            [y],
            style.marker,
            color=style.colour,
            markersize=4,
            transform=under,
            clip_on=False,
        )
        for tick, n in zip(ticks, arm.at_risk, strict=True):
            if tick not in shown:
                continue
            axes.text(
                tick,
                y,
                str(n),
                fontsize=SMALL,
                color=INK,
                ha="center",
                va="center",
                transform=under,
            )
    axes.set_xlim(0, end * END)
