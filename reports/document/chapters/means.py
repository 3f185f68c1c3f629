"""Means over time: a figure and a table for each instrument."""

from collections.abc import Iterator

from ...dataset import POOLED
from ...figures import Point, Series, means_plot
from ..spans import Block, ColumnHead, Figure, Heading, Row, Spans, Table, plain
from ..writer import Writer, row


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("outcomes"))
    for instrument in w.data.instruments:
        points = measured_points(w, instrument.code)
        if points:
            yield from _instrument(w, instrument.code, instrument.direction, points)


def measured_points(w: Writer, instrument: str) -> list[str]:
    """The time points, baseline included, at which this instrument was due."""
    groups = w.data.groups
    return [
        p.code for p in w.data.timepoints if any(w.has("n", instrument, p.code, g) for g in groups)
    ]


def _instrument(w: Writer, instrument: str, direction: str, points: list[str]) -> Iterator[Block]:
    table = w.next("table")
    if any(_plotted(w, instrument, points, group) for group in w.data.groups):
        drawing = _drawing(w, instrument, points)
        note = w.say("figure_numbers", table=table)
        yield Figure(
            w.next("figure"), _title(w, instrument, points), drawing, w.word("means_alt"), (note,)
        )
    lines = (w.say("lines", level=w.level()),) if w.has_intervals else ()
    notes = (w.say("means_note"), *lines, w.say(direction))
    caption = w.say("means_table", instrument=w.title_of(instrument))
    yield Table(table, caption, tuple(_heads(w)), tuple(_rows(w, instrument, points)), notes)


def _title(w: Writer, instrument: str, points: list[str]) -> Spans:
    """The message: from where to where each arm's mean went, between the first and last points that
    all arms know.
    """
    seen = {g: [p.code for p in _known(w, instrument, points, g)] for g in w.data.groups}
    groups = [group for group, codes in seen.items() if codes]
    shared = [code for code in points if all(code in seen[group] for group in groups)]
    if not shared:
        return w.title_of(instrument)
    first, last = shared[0], shared[-1]
    if first == last:
        return _title_so_far(w, instrument, last, groups)
    head = w.say(
        "means_title", instrument=w.instrument(instrument), start=w.point(first), end=w.point(last)
    )

    def places(group: str) -> dict[str, Spans]:
        return {
            "from_": w.value("mean", instrument, first, group),
            "to": w.value("mean", instrument, last, group),
        }

    return (*head, *w.by_group("means_arm", "means_pooled", places, groups))


def _title_so_far(w: Writer, instrument: str, point: str, groups: list[str]) -> Spans:
    """There is nothing else yet that all arms know."""
    head = w.say("means_so_far", instrument=w.instrument(instrument), start=w.point(point))

    def place(group: str) -> dict[str, Spans]:
        return {"from_": w.value("mean", instrument, point, group)}

    return (*head, *w.by_group("means_so_far_arm", "means_so_far_pooled", place, groups))


def _known(w: Writer, instrument: str, points: list[str], group: str):
    at = {point.code: point for point in w.data.timepoints}
    return [at[c] for c in points if w.number("mean", instrument, c, group).value is not None]


def _plotted(w: Writer, instrument: str, points: list[str], group: str) -> list[Point]:
    plotted = []
    for point in _known(w, instrument, points, group):
        number = w.number("mean", instrument, point.code, group)
        plotted.append(
            Point(
                w.data.day_of(group, point.code),
                number.value or 0.0,
                number.lower,
                number.upper,
                number.n or 0,
            )
        )
    return plotted


def _drawing(w: Writer, instrument: str, points: list[str]) -> str:
    series = [
        Series(w.arm_name(group), _plotted(w, instrument, points, group)) for group in w.data.groups
    ]
    ticks = [
        (_tick(w, point.code), w.text(point.label))
        for point in w.data.timepoints
        if point.code in points
    ]
    title = plain(w.say("score", title=w.title_of(instrument)))
    return means_plot(
        [s for s in series if s.points], ticks, w.word(w.data.time_unit + "s"), title, w.word("n")
    )


def _tick(w: Writer, code: str) -> float:
    """In the middle of the days of the arms that have it."""
    days = [
        w.data.day_of(group, code) for group in w.data.groups if w.data.has_timepoint(group, code)
    ]
    return (min(days) + max(days)) / 2


def _heads(w: Writer) -> Iterator[ColumnHead]:
    yield ColumnHead(w.say("timepoint"), numeric=False)
    if w.data.groups != (POOLED,):
        yield ColumnHead(w.say("arm"), numeric=False)
    yield ColumnHead(w.say("n"))
    yield ColumnHead(w.say("mean"))
    yield ColumnHead(w.say("sd"))
    if w.has_intervals:
        yield ColumnHead(w.ci())


def _rows(w: Writer, instrument: str, points: list[str]) -> Iterator[Row]:
    for code in points:
        for i, group in enumerate(asked(w, instrument, code)):
            where = (instrument, code, group)
            names = [w.point(code) if i == 0 else ()] + ([w.arm(group)] if group != POOLED else [])
            numbers = [w.count("n", *where), w.value("mean", *where), w.value("sd", *where)]
            interval = [w.interval("mean", *where)] if w.has_intervals else []
            yield row(*names, *numbers, *interval)


def asked(w: Writer, instrument: str, timepoint: str) -> list[str]:
    """The groups that the questionnaire is planned for then; of the others a table would hold
    zeros.
    """
    return [group for group in w.data.groups if w.is_asked(group, instrument, timepoint)]
