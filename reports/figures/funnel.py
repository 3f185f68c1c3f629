"""How far people came in the programme: the share of each arm that opened and that finished each module."""

from collections.abc import Sequence
from dataclasses import dataclass

from .style import HAIR, INK, NORMAL, SMALL, look, new_figure, svg, tidy, wrapped


@dataclass(frozen=True)
class Rung:
    """`shares`: one (opened, completed, lower, upper) an arm, of those given the programme; None where nobody was."""

    label: str
    shares: Sequence[tuple[float, float, float, float] | None]


def funnel(rungs: Sequence[Rung], arms: Sequence[str], x_label: str, opened: str, completed: str) -> str:
    """Filled marks with an interval are `completed`, hollow ones `opened`."""
    height = 0.85 + (0.14 + 0.12 * len(arms)) * len(rungs)
    figure = new_figure(height)
    axes = figure.add_axes((0.3, 0.5 / height, 0.46, 1 - 0.62 / height))
    for row, rung in enumerate(rungs):
        for i, shares in enumerate(rung.shares):
            if shares is not None:
                _mark(axes, shares, row + (i - (len(arms) - 1) / 2) * 0.26, i)
    tidy(axes)
    axes.set_yticks(range(len(rungs)), [wrapped(rung.label, 34) for rung in rungs])
    axes.set_ylim(len(rungs) - 0.5, -0.5)
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xlabel(x_label, fontsize=NORMAL, color=INK)
    axes.xaxis.grid(True, color=HAIR, linewidth=0.4)
    axes.set_axisbelow(True)
    _key(axes, arms, opened, completed)
    return svg(figure)


def _mark(axes, shares: tuple[float, float, float, float], y: float, number: int) -> None:
    opened, completed, lower, upper = shares
    style = look(number)
    axes.plot([lower, upper], [y, y], color=style.colour, linewidth=1.0)
    axes.plot([opened], [y], style.marker, markerfacecolor="white", markeredgecolor=style.colour, markersize=5)
    axes.plot([completed], [y], style.marker, color=style.colour, markersize=5)


def _key(axes, arms: Sequence[str], opened: str, completed: str) -> None:
    top, right = 0.0, 1.07
    looks = [(look(i).marker, look(i).colour, look(i).colour, name) for i, name in enumerate(arms)]
    # The two kinds of mark belong to no arm.
    looks += [("o", INK, "white", opened), ("o", INK, INK, completed)]
    place = axes.get_yaxis_transform()
    for marker, edge, face, text in looks:
        axes.plot(
            [right],
            [top],
            marker,
            markerfacecolor=face,
            markeredgecolor=edge,
            markersize=5,
            transform=place,
            clip_on=False,
        )
        label = wrapped(text, 22)
        axes.text(right + 0.03, top, label, fontsize=SMALL, color=INK, transform=place, va="center")
        top += 0.55 + 0.35 * label.count("\n")
    axes.set_xlim(0, 1.02)
