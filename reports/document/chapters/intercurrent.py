"""Intercurrent events that are on record, by arm."""

from collections.abc import Iterator

from ...results.intercurrent import recorded
from ..spans import Block, ColumnHead, Heading, Spans, Table
from ..writer import Writer, row


def chapter(w: Writer) -> Iterator[Block]:
    if w.data.intercurrent is None:
        return
    yield Heading(w.say("intercurrent"))
    heads = (
        ColumnHead(w.say("intercurrent_event"), numeric=False),
        *(ColumnHead(w.arm(group)) for group in w.data.groups),
    )
    rows = tuple(
        row(_name(w, what), *(w.count("intercurrent", group, what) for group in w.data.groups))
        for what in recorded(w.data, w.plan)
    )
    yield Table(w.next("table"), w.say("intercurrent_table"), heads, rows)
    yield w.body("intercurrent_not", "note")
    if w.plan.contacts and w.plan.contacts.justification:
        yield w.body("why_enough_calls", "note", why=w.label(w.plan.contacts.justification))


def _name(w: Writer, what: str) -> Spans:
    if what == "too_few_contacts":
        return w.say("intercurrent.too_few_contacts", n=w.count("plan.contacts.at_least"))
    return w.say(f"intercurrent.{what}")
