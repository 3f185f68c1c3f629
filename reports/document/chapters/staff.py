"""Who worked on the study, and who asked for and agreed to that: a reader judges whether they were
different people.
"""

from collections.abc import Iterator

from ...dataset import Given
from ..dates import day
from ..spans import Block, ColumnHead, Heading, Meta, Spans, Table, Text
from ..writer import Writer, row

HEADS = ("given_role", "given_to", "given_since", "given_until", "given_how")


def chapter(w: Writer) -> Iterator[Block]:
    conduct = w.data.meta.conduct
    if conduct is None or not conduct.given:
        return
    yield Heading(w.say("given"))
    heads = tuple(ColumnHead(w.say(key), numeric=False) for key in HEADS)
    rows = tuple(row(*_cells(w, each)) for each in conduct.given)
    yield Table(
        w.next("table"),
        w.say("given_table"),
        heads,
        rows,
        (w.say("given_rule"), w.say("given_people")),
    )


def _cells(w: Writer, given: Given) -> Iterator[Spans]:
    yield w.say(f"given.{given.what}")
    yield (Meta(given.to),) if given.to else (Text("–"),)
    yield (Meta(day(given.since, w.language)),)
    yield (Meta(day(given.until, w.language)),) if given.until else (Text("–"),)
    asked = w.say("given_machine") if given.asked_by == "system invite" else (Meta(given.asked_by),)
    yield w.say(f"given_{given.ground}", asker=asked, second=(Meta(given.agreed_by),))
