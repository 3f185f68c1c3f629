"""The snapshot itself, its groups, and its hash."""

import dataclasses
import hashlib
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from .conduct import Conduct
from .durations import Duration, opened_days, retention, use
from .flow import POOLED, Flow
from .rows import (
    Arm,
    Attempt,
    Coached,
    Contact,
    Instrument,
    IntercurrentEvent,
    Module,
    ModuleUse,
    Participant,
    Score,
    Texts,
    Timepoint,
    Usage,
    Variable,
)

OF_PEOPLE = ("scores", "module_use", "usage", "contacts", "attempts", "coached", "intercurrent")
PRINTED_ONLY = ("code_version", "audit_seal", "left_aside")


@dataclass(frozen=True)
class LeftAside:
    """What of a data file was not read: the columns that its plan does not name, and the rows
    without anything in them.
    """

    columns: tuple[str, ...] = ()
    empty_rows: int = 0


@dataclass(frozen=True)
class Meta:
    """What the report says of its origin. `source` by language. `code_version`, `audit_seal` and
    `left_aside` are printed, not hashed.

    `conduct` None: not recorded. `left_aside` None: not made from a data file. `names_published`:
    the study names a published trial, which simulated people are not to be taken for.
    """

    title: Texts
    study: str
    simulated: bool
    source: Texts
    code_version: str
    languages: tuple[str, ...] = ("en",)
    protocol_version: int | None = None
    protocol_sha256: str | None = None
    audit_seal: str | None = None
    conduct: Conduct | None = None
    left_aside: LeftAside | None = None
    names_published: bool = False

    @property
    def notice(self) -> str:
        """What stands on everything that is made of people who do not exist; empty for people who
        do.
        """
        if not self.simulated:
            return ""
        return (
            "Simulated people. Not the published trial."
            if self.names_published
            else "Simulated people."
        )

    @property
    def hashed(self) -> dict[str, object]:
        """What of it is a part of the snapshot, in plain values."""
        return {
            part.name: _plain(getattr(self, part.name))
            for part in dataclasses.fields(self)
            if part.name not in PRINTED_ONLY
        }


@dataclass(frozen=True)
class Dataset:
    """Everybody randomised and what is known of them. A part that is None was "not recorded in this
    data set".

    `arms` None pools everything: no row carries an arm then. `baseline` is the code of the time
    point before allocation; `timepoints` are in order and include it. Participants are in order of
    randomisation. `idle_after` is how long nobody uses the programme who has stopped with it; None
    where use is not recorded. `reasons` are the study's own words for the codes of reasons in the
    flow, under the code or under `box.code`. `tables_hash` is of the tables that it was
    put together from, where there were any (see `Digest`).
    """

    meta: Meta
    arms: tuple[Arm, ...] | None
    participants: tuple[Participant, ...]
    instruments: tuple[Instrument, ...]
    timepoints: tuple[Timepoint, ...]
    baseline: str
    scores: tuple[Score, ...]
    flow: Flow
    variables: tuple[Variable, ...] = ()
    modules: tuple[Module, ...] | None = None
    module_use: tuple[ModuleUse, ...] | None = None
    usage: tuple[Usage, ...] | None = None
    contacts: tuple[Contact, ...] | None = None
    attempts: tuple[Attempt, ...] | None = None
    coached: tuple[Coached, ...] | None = None
    intercurrent: tuple[IntercurrentEvent, ...] | None = None
    time_unit: str = "day"
    idle_after: float | None = None
    reasons: Mapping[str, Texts] = field(default_factory=dict)
    tables_hash: str = ""

    def __post_init__(self) -> None:
        if self.usage is not None and self.idle_after is None:
            raise ValueError(
                "use is recorded, so it must be said after how long without it somebody has stopped"
            )
        if self.arms is None and any(person.arm is not None for person in self.participants):
            raise ValueError("a pooled data set carries no arm")
        if self.arms is not None and {p.arm for p in self.participants} - {
            arm.code for arm in self.arms
        }:
            raise ValueError("a participant is in an arm that the data set does not name")

    @property
    def groups(self) -> tuple[str, ...]:
        """The codes by which everything is counted: the arms, or `all`."""
        return tuple(arm.code for arm in self.arms) if self.arms is not None else (POOLED,)

    def group_of(self, person: Participant) -> str:
        return person.arm or POOLED

    def people(self, group: str) -> list[Participant]:
        return [person for person in self.participants if self.group_of(person) == group]

    @cached_property
    def score_of(self) -> Mapping[tuple[str, str, str], Score]:
        """Scores by (participant, instrument, time point)."""
        return {(row.participant, row.instrument, row.timepoint): row for row in self.scores}

    def score(self, participant: str, instrument: str, timepoint: str) -> float | None:
        row = self.score_of.get((participant, instrument, timepoint))
        return row.score if row else None

    def has_timepoint(self, group: str, timepoint: str) -> bool:
        """Whether anybody in the group is asked anything at it."""
        return (group, timepoint) in self._asked

    @cached_property
    def _asked(self) -> frozenset[tuple[str, str]]:
        group_of = {person.code: self.group_of(person) for person in self.participants}
        return frozenset((group_of[row.participant], row.timepoint) for row in self.scores)

    def day_of(self, group: str, timepoint: str) -> float:
        """When it opened to the person in the middle of the group; the planned time where nobody's
        day is told.
        """
        days = self._opened_days.get((group, timepoint))
        return statistics.median(days) if days else self._planned[timepoint]

    def last_day_of(self, group: str, timepoint: str) -> float:
        """When it had opened to everybody in the group; the planned time where nobody's day is
        told.
        """
        days = self._opened_days.get((group, timepoint))
        return days[-1] if days else self._planned[timepoint]

    @cached_property
    def _opened_days(self) -> Mapping[tuple[str, str], list[float]]:
        return opened_days(self)

    @cached_property
    def _planned(self) -> Mapping[str, float]:
        return {point.code: point.at for point in self.timepoints}

    @cached_property
    def retention(self) -> Mapping[str, Duration]:
        """By participant: how long they stayed in the study."""
        return retention(self)

    @cached_property
    def use(self) -> Mapping[str, Duration] | None:
        """By participant who was given the programme: how long they used it. None: not recorded."""
        return use(self)

    @cached_property
    def snapshot_hash(self) -> str:
        """SHA-256 of the tables that it was put together from, else of its content: no clock, no
        code version, and people by position instead of by code.
        """
        if self.tables_hash:
            return self.tables_hash
        position = {person.code: f"#{i}" for i, person in enumerate(self.participants)}
        content: dict[str, Any] = {
            part.name: _plain(getattr(self, part.name))
            for part in dataclasses.fields(self)
            if part.name != "tables_hash"
        }
        content["meta"] = self.meta.hashed
        _anonymise(content, position)
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _anonymise(content: dict, position: Mapping[str, str]) -> None:
    """Codes are drawn at random; the order of people and rows is not."""
    for person in content["participants"]:
        person["code"] = position[person["code"]]
    for part in OF_PEOPLE:
        rows = content[part] or []
        for row in rows:
            row["participant"] = position[row["participant"]]
        rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
