"""The baseline table: arms side by side, standardised differences, no p values."""

from collections.abc import Iterator

from ...dataset import Instrument, Variable
from ...results import pair_of
from ...results.baseline import levels, pairs
from ..spans import Block, ColumnHead, Heading, Label, Row, Spans, Table, Text
from ..writer import Writer, row


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("baseline"))
    caption = w.say("baseline_table" if w.data.arms is not None else "baseline_table_pooled")
    notes = [w.say("baseline_note")] if w.data.arms is not None else []
    if nobody := [_level(w, *each) for each in _without_people(w)]:
        notes.append(w.say("nobody_note", what=w.listed(nobody)))
    yield Table(w.next("table"), caption, tuple(_heads(w)), tuple(_rows(w)), tuple(notes))


def _heads(w: Writer) -> Iterator[ColumnHead]:
    yield ColumnHead(w.say("characteristic"), numeric=False)
    for group in w.data.groups:
        stage = "allocated" if w.has("flow", group, "allocated") else "randomised"
        name = (*w.arm(group), Text(" (n\u00a0=\u00a0"), *w.count("flow", group, stage), Text(")"))
        yield ColumnHead(w.say("mean_or_n"), name)
        yield ColumnHead(w.say("sd_or_percent"), name)
    contrasts = pairs(w.data, w.plan)
    for first, second in contrasts:
        if len(contrasts) == 1:
            yield ColumnHead(w.say("smd"))
        else:
            yield ColumnHead(
                w.say("smd_of", first=w.arm(first), second=w.arm(second)), w.say("smd")
            )


def _rows(w: Writer) -> Iterator[Row]:
    for variable in w.data.variables:
        yield from _number(w, variable) if variable.kind == "number" else _choice(w, variable)
    for instrument in w.data.instruments:
        if any(w.has("baseline", instrument.code, group, "mean") for group in w.data.groups):
            yield from _number(w, instrument)


def _number(w: Writer, thing: Variable | Instrument) -> Iterator[Row]:
    code = thing.code
    name = (
        w.label(thing.label)
        if isinstance(thing, Variable)
        else (*w.title_of(code), Text(" ("), Label(code), Text(")"))
    )
    if isinstance(thing, Variable) and thing.unit:
        name = (*name, Text(", "), Label(thing.unit))
    cells: list[Spans] = []
    for group in w.data.groups:
        cells += [w.value("baseline", code, group, "mean"), w.value("baseline", code, group, "sd")]
    yield row(name, *cells, *_smd(w, code))


def _choice(w: Writer, variable: Variable) -> Iterator[Row]:
    blank: list[Spans] = [()] * (2 * len(w.data.groups))
    yield row(w.label(variable.label), *blank, *_smd(w, variable.code))
    for level in levels(w.data, variable):
        if not _has_people(w, variable, level):
            continue
        text = w.text(variable.levels[level]) if level in variable.levels else level
        cells: list[Spans] = []
        for group in w.data.groups:
            id = ("baseline", variable.code, level, group)
            cells += [w.count(*id, "count"), w.percent(*id, "share")]
        yield row((Label("\u00a0\u00a0\u00a0" + text),), *cells, *[()] * len(pairs(w.data, w.plan)))


def _has_people(w: Writer, variable: Variable, level: str) -> bool:
    return any(
        w.number("baseline", variable.code, level, group, "count").value for group in w.data.groups
    )


def _without_people(w: Writer) -> Iterator[tuple[Variable, str]]:
    for variable in w.data.variables:
        for level in variable.levels if variable.kind != "number" else ():
            if not _has_people(w, variable, level):
                yield variable, level


def _level(w: Writer, variable: Variable, level: str) -> Spans:
    return (*w.label(variable.label), Text(": "), *w.label(variable.levels[level]))


def _smd(w: Writer, code: str) -> list[Spans]:
    if code == w.plan.cluster:
        return [()] * len(pairs(w.data, w.plan))
    return [
        w.value("baseline", code, "smd", pair_of(pair), decimals=2)
        for pair in pairs(w.data, w.plan)
    ]
