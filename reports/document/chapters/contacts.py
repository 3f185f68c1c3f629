"""Calls planned, tried and held, and their minutes."""

from collections.abc import Iterator

from ..spans import Block, ColumnHead, Heading, Table
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


def chapter(w: Writer) -> Iterator[Block]:
    yield Heading(w.say("contacts"))
    if w.data.contacts is None:
        yield w.missing("contacts_table")
        return
    heads = (
        ColumnHead(w.say("measure"), numeric=False),
        *(ColumnHead(w.arm(group)) for group in w.data.groups),
    )
    rows = tuple(
        row(w.say(f"contacts.{key}"), *(w.value("contacts", group, key, decimals=decimals) for group in w.data.groups))
        for key, decimals in MEASURES
    )
    yield Table(w.next("table"), w.say("contacts_table"), heads, rows)
