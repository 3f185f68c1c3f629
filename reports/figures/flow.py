"""The CONSORT 2025 flow diagram: boxes whose size follows from their words, from enrolment down to
analysis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .style import INK, QUIET, new_figure, svg, wrapped

SIZE, LEADING, PAD = 7.6, 10.4, 5.0
WIDTH, MARGIN, GUTTER, GAP = 482.0, 60.0, 10.0, 14.0
LETTER = 4.2


@dataclass(frozen=True)
class Box:
    """The head stands in bold; `lines` beginning with two spaces are reasons, set in."""

    head: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One arm: its boxes from allocation to analysis."""

    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class _Placed:
    x: float
    top: float
    width: float
    height: float
    text: tuple[tuple[str, bool], ...]

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.top + self.height


def flow_diagram(
    top: Sequence[Box], excluded: Box | None, columns: Sequence[Column], phases: Sequence[str]
) -> str:
    """`top` from assessed to randomised, `excluded` beside the arrow between them, `phases` name
    the rows.
    """
    placed, arrows, labels = _lay_out(top, excluded, columns, phases)
    height = max(box.bottom for box in placed) + 4
    figure = new_figure(height / 72, WIDTH / 72)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    axes.axis("off")
    for box in placed:
        _draw(axes, box)
    for path in arrows:
        _arrow(axes, path)
    for text, top_of_row in labels:
        axes.text(
            1,
            top_of_row + PAD + SIZE * 0.85,
            text,
            fontsize=SIZE,
            color=QUIET,
            weight="bold",
            va="baseline",
        )
    return svg(figure)


def _lay_out(
    top: Sequence[Box], excluded: Box | None, columns: Sequence[Column], phases: Sequence[str]
):
    inner = WIDTH - MARGIN - 2
    wide, aside = 190.0, inner / 2 - 18
    centre = MARGIN + inner / 2
    placed: list[_Placed] = []
    arrows: list[list[tuple[float, float]]] = []
    y = 3.0
    for i, box in enumerate(top):
        placed.append(_place(box, centre - wide / 2, y, wide))
        y = placed[-1].bottom + GAP
        if i == 0 and excluded is not None and len(top) > 1:
            side = _place(excluded, MARGIN + inner - aside, y - GAP / 2, aside)
            arrows.append(
                [(centre, side.top + side.height / 2), (side.x, side.top + side.height / 2)]
            )
            y = side.bottom + GAP / 2
            placed.append(side)
    main = [box for box in placed if abs(box.middle - centre) < 1]
    arrows += [[(centre, a.bottom), (centre, b.top)] for a, b in pairwise(main)]
    labels = [(phases[0], 3.0)]
    rows, more, row_labels = _columns(columns, main[-1], y, phases[1:])
    return placed + rows, arrows + more, labels + row_labels


def _columns(columns: Sequence[Column], root: _Placed, y: float, phases: Sequence[str]):
    inner = WIDTH - MARGIN - 2
    width = (inner - GUTTER * (len(columns) - 1)) / len(columns)
    width = min(width, 260.0)
    left = MARGIN + (inner - width * len(columns) - GUTTER * (len(columns) - 1)) / 2
    placed, arrows, labels = [], [], []
    above: list[_Placed] = []
    for row in range(max(len(column.boxes) for column in columns)):
        boxes = [
            _place(c.boxes[row], left + i * (width + GUTTER), y, width)
            for i, c in enumerate(columns)
        ]
        tallest = max(box.height for box in boxes)
        boxes = [_Placed(b.x, b.top, b.width, tallest, b.text) for b in boxes]
        arrows += (
            [
                [
                    (root.middle, root.bottom),
                    (root.middle, y - GAP / 2),
                    (b.middle, y - GAP / 2),
                    (b.middle, y),
                ]
                for b in boxes
            ]
            if not above
            else [
                [(a.middle, a.bottom), (b.middle, b.top)] for a, b in zip(above, boxes, strict=True)
            ]
        )
        placed += boxes
        labels.append((phases[row], y))
        y += tallest + GAP
        above = boxes
    return placed, arrows, labels


def _place(box: Box, x: float, top: float, width: float) -> _Placed:
    letters = int((width - 2 * PAD) / LETTER)
    text = [(part, True) for part in wrapped(box.head, int(letters * 0.9)).split("\n")]
    for line in box.lines:
        indent = line[: len(line) - len(line.lstrip())]
        parts = wrapped(line.strip(), letters - len(indent)).split("\n")
        text += [(indent + ("  " if i else "") + part, False) for i, part in enumerate(parts)]
    return _Placed(x, top, width, len(text) * LEADING + 2 * PAD - 2, tuple(text))


def _draw(axes, box: _Placed) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (box.x, box.top), box.width, box.height, facecolor="white", edgecolor=INK, linewidth=0.8
        )
    )
    for i, (text, bold) in enumerate(box.text):
        indent = len(text) - len(text.lstrip())
        x, y = box.x + PAD + indent * 4, box.top + PAD + i * LEADING + SIZE * 0.85
        weight = "bold" if bold else "normal"
        axes.text(x, y, text.strip(), fontsize=SIZE, color=INK, weight=weight, va="baseline")


def _arrow(axes, path: list[tuple[float, float]]) -> None:
    xs, ys = zip(*path, strict=True)
    axes.plot(xs, ys, color=INK, linewidth=0.8, solid_joinstyle="miter")
    (x0, _), (x1, y1) = path[-2:]
    head = (
        [(x1 - 2.6, y1 - 5), (x1 + 2.6, y1 - 5), (x1, y1)]
        if x0 == x1
        else [(x1 - 5, y1 - 2.6), (x1 - 5, y1 + 2.6), (x1, y1)]
    )
    axes.fill(*zip(*head, strict=True), color=INK, linewidth=0)
