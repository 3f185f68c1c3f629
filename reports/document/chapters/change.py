"""Reliable improvement and deterioration, with the reference value, its source and its status."""

from collections.abc import Iterator

from ...dataset import POOLED, Instrument
from ..spans import Block, ColumnHead, Heading, Label, Row, Spans, Table
from ..writer import Writer, row
from .means import asked, measured_points


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("change"))
    for instrument in w.data.instruments:
        points = [code for code in measured_points(w, instrument.code) if code != w.data.baseline]
        if not w.has("reliable_change", instrument.code):
            yield w.body("no_reference", "missing", instrument=w.instrument(instrument.code))
        elif points:
            yield _table(w, instrument, points)


def _table(w: Writer, instrument: Instrument, points: list[str]) -> Table:
    decimals = 2 if (w.number("reliable_change", instrument.code).value or 0) % 1 else 0
    bar = w.value("reliable_change", instrument.code, decimals=decimals)
    reference = instrument.reliable_change
    source = (Label(reference.source if reference and reference.source else "–"),)
    status = w.say(f"status.{reference.status if reference else 'unverified'}")
    caption = w.say("change_table", instrument=w.title_of(instrument.code), points=bar)
    notes = (w.say("change_title", source=source, status=status),)
    return Table(
        w.next("table"), caption, tuple(_heads(w)), tuple(_rows(w, instrument.code, points)), notes
    )


def _heads(w: Writer) -> Iterator[ColumnHead]:
    yield ColumnHead(w.say("timepoint"), numeric=False)
    if w.data.groups != (POOLED,):
        yield ColumnHead(w.say("arm"), numeric=False)
    yield ColumnHead(w.say("n"))
    for key in ("improved", "deteriorated"):
        yield ColumnHead(w.say("n"), w.say(key))
        yield ColumnHead(w.say("percent"), w.say(key))
        if w.has_intervals:
            yield ColumnHead(w.ci(), w.say(key))


def _rows(w: Writer, instrument: str, points: list[str]) -> Iterator[Row]:
    for code in points:
        for i, group in enumerate(asked(w, instrument, code)):
            where = ("reliable", instrument, code, group)
            names = [w.point(code) if i == 0 else ()] + ([w.arm(group)] if group != POOLED else [])
            cells: list[Spans] = []
            for key in ("improved", "deteriorated"):
                share = (*where, key, "share")
                cells += [w.count(*where, key, "count"), w.percent(*share)]
                cells += [w.interval(*share, share=True)] if w.has_intervals else []
            yield row(*names, w.count(*where, "n"), *cells)
