"""What a report is made of. Running text is built from spans, and only some kinds of span may hold
a digit:

`Value` (a Number of the results, with its id), `Label` (a name from the study, the plan or the
literature), `Meta` (hashes, versions, times) and `Ref` (the number of a table or figure). `Text`,
from the word table, holds none.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Value:
    """`text` is the Number's value, lower or upper, formatted; `about` says how it was made."""

    text: str
    id: str
    about: str = ""


@dataclass(frozen=True)
class Label:
    text: str


@dataclass(frozen=True)
class Meta:
    text: str


@dataclass(frozen=True)
class Ref:
    text: str


Span = Text | Value | Label | Meta | Ref
Spans = tuple[Span, ...]


@dataclass(frozen=True)
class Heading:
    spans: Spans


@dataclass(frozen=True)
class Paragraph:
    """`kind`: body, note (small, under a table), notice (framed), missing (this was not
    recorded).
    """

    spans: Spans
    kind: str = "body"


@dataclass(frozen=True)
class ColumnHead:
    """Adjacent columns with the same `group` stand under one head; `numeric` columns are aligned on
    the right.
    """

    spans: Spans
    group: Spans = ()
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """`kind`: normal, section (a head inside the table) or strong (a primary outcome)."""

    cells: tuple[Spans, ...]
    kind: str = "normal"


@dataclass(frozen=True)
class Table:
    ref: Spans
    caption: Spans
    heads: tuple[ColumnHead, ...]
    rows: tuple[Row, ...]
    notes: tuple[Spans, ...] = ()


@dataclass(frozen=True)
class Figure:
    """`table` are the same numbers for whoever cannot see the drawing."""

    ref: Spans
    title: Spans
    svg: str
    alt: str
    notes: tuple[Spans, ...] = ()


@dataclass(frozen=True)
class Facts:
    """The list of what this report was made from: (name, value) pairs."""

    pairs: tuple[tuple[Spans, Spans], ...]


Block = Heading | Paragraph | Table | Figure | Facts


@dataclass(frozen=True)
class Report:
    """`foot` stands at the foot of every page; `mark`, when not empty, visibly on every page."""

    language: str
    title: str
    subtitle: str
    mark: str
    foot: str
    page_word: str
    blocks: tuple[Block, ...]


def plain(spans: Sequence[Span]) -> str:
    return "".join(span.text for span in spans)
