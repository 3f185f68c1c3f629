"""What the entries of the lists in settings give back: plain frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Destination:
    """Where something is done: the page of this name, and the endpoint that does the same."""

    audience: str  # join | participant
    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One thing a participant can do, or will be able to. `due_at` orders the list; `opens_at` in
    the future means later. A task that leads nowhere asks nothing of the participant, such as a
    call.
    """

    title: str
    leads_to: Destination | None
    kind: str  # join | questionnaire | lesson | call
    due_at: datetime | None = None
    opens_at: datetime | None = None
    is_latest: bool = False  # `opens_at` is the latest day: it may be sooner
    minutes: int | None = None
    lead: str = ""
    code: str = ""


@dataclass(frozen=True)
class Done:
    """This step of the journey is behind the participant for good."""


@dataclass(frozen=True)
class Ask:
    """The participant has something to do before the journey goes on; at `until` the step is looked
    at again.
    """

    task: Task
    until: datetime | None = None


@dataclass(frozen=True)
class Wait:
    """Nothing to do in this step before `until` (None: until something else happens). Later steps
    are looked at too.
    """

    until: datetime | None = None


Outcome = Done | Ask | Wait


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    body: str
    sender: str = ""  # a name; the address is the installation's
    reply_to: str = ""  # where an answer goes


@dataclass(frozen=True)
class Figure:
    """One number of a panel, with its definition."""

    label: str
    value: str
    of: str = ""
    definition: str = ""


@dataclass(frozen=True)
class Panel:
    """A part of the researcher's dashboard: figures, and rows under a heading. Pooled over the
    arms.
    """

    title: str
    figures: Sequence[Figure] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    note: str = ""
    url: str = ""
    words: int = 1  # how many of the first columns hold words; the others hold numbers
    tells_arm: bool = (
        False  # hangs on the arm: in a rehearsal its page says that a live study would not show it
    )


@dataclass(frozen=True)
class Column:
    """A column of an export and its line in the codebook."""

    name: str
    label: str
    kind: str = "text"  # text | integer | number | date | datetime | boolean | code
    unit: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    missing: str = "empty: not recorded"


@dataclass(frozen=True)
class Table:
    """One CSV file of an export. Its rows may be as many as there are answers: they are made while
    they are read, once.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class IntercurrentEvent:
    """What happened to somebody after allocation that bears on what their outcomes mean (ICH
    E9(R1)), and on which day in the study's time zone.
    """

    participant: int  # key
    what: str  # a code
    on: date
