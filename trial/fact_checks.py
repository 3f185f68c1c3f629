"""Tables compared with the audit trail: whether every fact is what the newest event about it
says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from cryptography.fernet import InvalidToken
from django.conf import settings

from trial import facts
from trial.models import Study
from trial.streams import Event, Stream

ERASED = "identity erased"  # the event after which there is no key any more
PEOPLE = 250  # whose rows are read at a time


class Said(NamedTuple):
    """What the newest event about a row says of it."""

    event: int
    audit_key: int
    version: int
    digest: str


@dataclass(frozen=True)
class Checked:
    """What came of comparing: places that do not hold, in the order of the trail, and what could
    not be compared.
    """

    places: tuple[str, ...]
    rows: int  # compared
    erased_rows: int
    erased_people: int


Key = tuple[
    str, str, int
]  # stream, a model's label, a row's number: one that was deleted may be another's later
Place = tuple[str, int, str]  # stream, event, and what is said of it


class Comparison:
    """The facts of a study compared while its trail goes by: it is told every event, and when each
    stream ends. What was said of a few people is held until their rows are read.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.models = facts.kept()
        self.places: list[str] = []
        self.rows = self.erased_rows = self.erased_people = 0
        self._begin()

    def _begin(self) -> None:
        self.streams: list[str] = []
        self.said: dict[Key, Said] = {}  # the newest digest of each row
        self.before: dict[str, int] = {}  # events that have none, of streams that have such
        self.erased: set[str] = set()  # streams of people of whom an event says that they were

    def hear(self, event: Event) -> None:
        if event.study != self.study.slug:
            return
        if event.facts_key is None:
            self.before[event.stream] = self.before.get(event.stream, 0) + 1
        if event.action == ERASED:
            self.erased.add(event.stream)
        for label, row, version, digest in _parsed(event.facts):
            said = Said(event.number, event.facts_key or 0, version, digest)
            self.said[event.stream, label, row] = said

    def end(self, stream: Stream) -> None:
        self.streams.append(stream.name)
        if len(self.streams) == PEOPLE:
            self._compare()

    def checked(self) -> Checked:
        self._compare()
        return Checked(tuple(self.places), self.rows, self.erased_rows, self.erased_people)

    def _compare(self) -> None:
        found: list[Place] = [
            (stream, 0, f"{stream}: no digest in {count} events, from before there were any")
            for stream, count in self.before.items()
        ]
        missing, nameless = dict(self.said), set()
        for row in self._rows():
            key = self._key(row)
            last = missing.pop(key, None)
            if row.is_of_person and not row.sealed_key:
                self.erased_rows += 1
                nameless.add(key[0])
            else:
                self.rows += 1
                found += self._place(key, row, last)
        found += [
            (stream, 0, f"{stream}: its key is missing, and no event says that it was erased")
            for stream in nameless - self.erased
        ]
        found += [
            (key[0], last.event, f"{key[0]} event {last.event}: {_name(key)} is missing")
            for key, last in missing.items()
            if last.digest != facts.GONE and key[0] not in self.erased
        ]
        self.erased_people += len(nameless)
        self.places += [text for *_, text in sorted(found)]
        self._begin()

    def _place(self, key: Key, row: facts.Row, last: Said | None) -> list[Place]:
        stream = key[0]
        if last is None:
            text = f"{stream}: {_name(key)} is in no event"
            return [] if stream in self.before else [(stream, 0, text)]
        problem = _differs(row, last)
        text = f"{stream} event {last.event}: {_name(key)} {problem}"
        return [(stream, last.event, text)] if problem else []

    def _key(self, row: facts.Row) -> Key:
        slug = self.study.slug
        stream = f"{slug}/{row.owner}" if row.is_of_person else slug
        return stream, facts.label(row.model), row.number

    def _rows(self) -> Iterator[facts.Row]:
        """Every fact of these streams, with the columns that the newest event about it used."""
        versions: dict[str, set[int]] = {}
        for (_, label, _), told in self.said.items():
            versions.setdefault(label, set()).add(told.version)
        for model in self.models:
            newest = facts.newest(model)
            used = versions.get(facts.label(model), set()) & set(model.fact_columns) | {newest}
            for which in self._ways(model):
                for version in sorted(used):
                    for row in facts.read(model, version, **which):
                        last = self.said.get(self._key(row))
                        if version == (last.version if last and last.version in used else newest):
                            yield row

    def _ways(self, model: type[facts.Fact]) -> Iterator[dict[str, Any]]:
        slug = self.study.slug
        if slug in self.streams and model.may_be_about_nobody():
            yield facts.in_study(model, self.study.pk)
        begins = f"{slug}/"
        codes = [each.removeprefix(begins) for each in self.streams if each.startswith(begins)]
        if codes and model.facts_of:
            yield facts.in_persons_of(model, self.study.pk, codes)


def _parsed(text: str) -> list[list]:
    try:
        return json.loads(text) if text else []
    except ValueError:
        return []  # that the column was changed is said by the chain


def _differs(row: facts.Row, told: Said) -> str:
    """In words, or an empty text."""
    if told.digest == facts.GONE:
        return "was deleted, and is there"
    if told.audit_key not in settings.AUDIT_KEYS:
        return f"was digested under audit key {told.audit_key}, which is not here"
    if told.version != row.version:
        return f"was digested by list {told.version} of its columns, which is not known"
    try:
        return (
            ""
            if row.digest(told.audit_key) == told.digest
            else "is not what it was after this event"
        )
    except InvalidToken:
        return "cannot be opened"


def _name(key: Key) -> str:
    return f"{key[1]} {key[2]}"
