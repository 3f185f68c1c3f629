"""How far people came in the programme: the share of each arm that opened and that finished each
module.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .style import HAIR, INK, LINE, NORMAL, SMALL, look, new_figure, svg, tidy, wrapped

LETTERS = 34
KEY_LINE = 10.0  # points


@dataclass(frozen=True)
class Rung:
    """`shares`: one (opened, completed, lower, upper) an arm, of those given the programme; None
    where nobody was.
    """

    label: str
    shares: Sequence[tuple[float, float, float, float] | None]


def funnel(
    rungs: Sequence[Rung], arms: Sequence[str], x_label: str, opened: str, completed: str
) -> str:
    """Filled marks with an interval are `completed`, hollow ones `opened`."""
    lines = max(wrapped(rung.label, LETTERS).count("\n") + 1 for rung in rungs)
    tall = max(0.14 + 0.12 * len(arms), 0.06 + LINE / 72 * lines)
    key = _key_lines(arms, opened, completed)
    height = 0.85 + max(
        tall * len(rungs), KEY_LINE / 72 * sum(text.count("\n") + 1.4 for text in key)
    )
    figure = new_figure(height)
    axes = figure.add_axes((0.3, 0.5 / height, 0.46, 1 - 0.62 / height))
    for row, rung in enumerate(rungs):
        for i, shares in enumerate(rung.shares):
            if shares is not None:
                _mark(axes, shares, row + (i - (len(arms) - 1) / 2) * 0.26, i)
    tidy(axes)
    axes.set_yticks(range(len(rungs)), [wrapped(rung.label, LETTERS) for rung in rungs])
    axes.set_ylim(len(rungs) - 0.5, -0.5)
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xlabel(x_label, fontsize=NORMAL, color=INK)
    axes.xaxis.grid(True, color=HAIR, linewidth=0.4)
    axes.set_axisbelow(True)
    _key(axes, key, len(rungs) / (72 * (height - 0.62)))
    return svg(figure)


def _mark(axes, shares: tuple[float, float, float, float], y: float, number: int) -> None:
    opened, completed, lower, upper = shares
    style = look(number)
    axes.plot([lower, upper], [y, y], color=style.colour, linewidth=1.0)
    axes.plot(
        [opened],
        [y],
        style.marker,
        markerfacecolor="white",
        markeredgecolor=style.colour,
        markersize=5,
    )
    axes.plot([completed], [y], style.marker, color=style.colour, markersize=5)


def _key_lines(arms: Sequence[str], opened: str, completed: str) -> list[str]:
    """The arms, and then the two kinds of mark, which belong to no arm."""
    return [wrapped(text, 22) for text in (*arms, opened, completed)]


def _key(axes, texts: Sequence[str], point: float) -> None:
    """`point` is how much of the axis one point is."""
    right, place = 1.07, axes.get_yaxis_transform()
    looks = [(look(i).marker, look(i).colour, look(i).colour) for i in range(len(texts) - 2)]
    looks += [("o", INK, "white"), ("o", INK, INK)]
    top = 0.0
    for (marker, edge, face), text in zip(looks, texts, strict=True):
        more = text.count("\n") * KEY_LINE * point
        axes.plot(
            [right],
            [top + more / 2],
            marker,
            markerfacecolor=face,
            markeredgecolor=edge,
            markersize=5,
            transform=place,
            clip_on=False,
        )
        axes.text(
            right + 0.03,
            top + more / 2,
            text,
            fontsize=SMALL,
            color=INK,
            transform=place,
            va="center",
        )
        top += more + 1.4 * KEY_LINE * point
    axes.set_xlim(0, 1.02)
