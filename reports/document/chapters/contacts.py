"""Calls planned, tried and held, and their minutes; and what each coach did."""

from collections.abc import Iterator

from ...results.coaches import codes
from ..spans import Block, ColumnHead, Heading, Label, Spans, Table
from ..writer import Writer, row

MEASURES = (
    ("people", 0),
    ("planned", 0),
    ("attempted", 0),
    ("attempts", 0),
    ("held", 0),
    ("held_each", 1),
    ("minutes", 0),
    ("minutes_each", 1),
    ("minutes_each_sd", 1),
)

OF_A_COACH = {
    "people": 0,
    "held": 0,
    "minutes_each": 1,
    "steps": 0,
    "deviations": 0,
    "corrections": 0,
}


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("contacts"))
    if w.data.contacts is None:
        yield w.missing("contacts_table")
        return
    groups = [group for group in w.data.groups if w.number("contacts", group, "planned").value]
    if not groups:
        yield w.body("no_calls", "missing")
        return
    heads = (
        ColumnHead(w.say("measure"), numeric=False),
        *(ColumnHead(w.arm(group)) for group in groups),
    )
    rows = tuple(row(w.say(f"contacts.{key}"), *_cells(w, groups, key, n)) for key, n in MEASURES)
    lacking = [w.arm(group) for group in w.data.groups if group not in groups]
    notes = (w.say("no_calls_in", arms=w.listed(lacking, ", ")),) if lacking else ()
    yield Table(w.next("table"), w.say("contacts_table"), heads, rows, notes)
    yield from _by_coach(w)


def _by_coach(w: Writer) -> Iterator[Block]:
    found = codes(w.data)
    if not found:
        return
    heads = (
        ColumnHead(w.say("coach"), numeric=False),
        *(ColumnHead(w.say(f"coach.{key}")) for key in OF_A_COACH),
    )
    rows = tuple(row((Label(code),), *_of_coach(w, code)) for code in found)
    notes = (w.say("coach_codes"), w.say("coach_steps"))
    yield Table(w.next("table"), w.say("coaches_table"), heads, rows, notes)


def _of_coach(w: Writer, code: str) -> Iterator[Spans]:
    for key, decimals in OF_A_COACH.items():
        shown = w.percent if key == "steps" else w.value
        yield shown("coach", code, key, decimals=decimals)


def _cells(w: Writer, groups: list[str], key: str, decimals: int) -> list[Spans]:
    return [w.value("contacts", group, key, decimals=decimals) for group in groups]
