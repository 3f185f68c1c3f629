"""The trail of each copy: events of their own stream, chained, with true digests of the copied
facts.

A digest is that of the row as it stands now: those of how it stood before are not looked at by
anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.db import connection

from randomisation.models import Allocation
from tests.scale.people import ANEW, Copy, Crowd, bulk, bulk_rows
from trial import audit, facts, vault
from trial.models import AuditEvent, AuditHead

PLACES = {str(each.column): place for place, each in enumerate(AuditEvent._meta.concrete_fields)}
TEXTS = ("by", "subject", "old", "new", "reason")


@dataclass(frozen=True)
class Told:
    """A fact of somebody who is copied, and what becomes of its values: places, each with how far
    it moves, or with the name of what is new, or where the code stands.
    """

    row: facts.Row
    moved: tuple[tuple[int, int], ...]
    anew: tuple[tuple[int, str], ...]
    spelt: tuple[int, ...]


@dataclass(frozen=True)
class Event:
    """One event of somebody who is copied, with what is worked out of it once for all copies."""

    row: AuditEvent
    prepared: list[Any]  # every column as the database takes it
    spelt: dict[str, str]  # columns in which the code stands
    facts: list[tuple[str, int, int, str]]


class Trail:
    """To be made before the copies are written, which it reads nothing of."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.newest = vault.newest_audit_key()
        self.told = dict(self._read())
        self.events = {
            code: [_event(each, code) for each in events] for code, events in crowd.events.items()
        }
        self.heads: list[AuditHead] = []

    def write(self, made: Sequence[Copy]) -> None:
        rows = (row for each in made for row in self._rows(each))
        bulk_rows(AuditEvent._meta.db_table, list(PLACES), rows)
        bulk(AuditHead, self.heads)

    def _read(self) -> Iterator[tuple[tuple[str, int, int], Told]]:
        versions: dict[str, set[int]] = {}
        for events in self.crowd.events.values():
            for event in events:
                for label, _, version, _ in json.loads(event.facts or "[]"):
                    versions.setdefault(label, set()).add(version)
        people = [person.pk for person in self.crowd.people]
        for label, found in versions.items():
            model: Any = apps.get_model(label)
            table = self.crowd.tables.get(model)  # none where all its rows are deleted
            for version in found if table else ():
                for row in facts.read(model, version, **{f"{table.path}__in": people}):
                    yield (label, row.number, version), self._as_told(row)

    def _as_told(self, row: facts.Row) -> Told:
        names = facts.columns(row.model, row.version)
        table = self.crowd.tables[row.model]
        anew = ANEW.get(row.model, {})
        strides = {
            each.name: self.crowd.tables[each.related_model].stride  # type: ignore[index]
            for each in table.fields
            if each.name in table.moved
        }
        return Told(
            row,
            tuple((place, strides[name]) for place, name in enumerate(names) if name in strides),
            tuple((place, anew[name]) for place, name in enumerate(names) if name in anew),
            tuple(place for place, name in enumerate(names) if name in table.spelt),
        )

    def _rows(self, made: Copy) -> Iterator[list[Any]]:
        study, old = self.crowd.study.slug, made.like.code
        digests: dict[tuple[str, int, int], str] = {}
        stream, previous, number = f"{study}/{made.code}", audit.START, 0
        for each in self.events[old]:
            number = each.row.number
            new = {name: text.replace(old, made.code) for name, text in each.spelt.items()}
            new |= {"stream": stream, "previous": previous}
            new |= {"facts": self._facts(each, made, digests), "facts_key": self.newest}
            if each.row.action == "allocated" and made.allocation is not None:
                new["subject"] = f"draw {made.allocation.draw_index} of its stratum"
            for name, value in new.items():
                setattr(each.row, name, value)
            previous = new["hash"] = audit.event_hash(each.row)
            row = each.prepared.copy()
            for name, value in new.items():
                row[PLACES[name]] = value
            yield row
        self.heads.append(AuditHead(stream=stream, study=study, number=number, hash=previous))

    def _facts(self, event: Event, made: Copy, digests: dict[tuple[str, int, int], str]) -> str:
        found = []
        for label, number, version, digest in event.facts:
            key = (label, number, version)
            if digest != facts.GONE and key in self.told:
                if key not in digests:
                    digests[key] = self._digest(self.told[key], made)
                digest = digests[key]
            found.append([label, self.crowd.number(label, number, made), version, digest])
        return json.dumps(found, separators=(",", ":")) if found else ""

    def _digest(self, told: Told, made: Copy) -> str:
        row = told.row
        if row.sealed_key is None:  # erased: nobody can compare it
            return "0" * 64
        values = list(row.values)
        for place, stride in told.moved:
            if values[place] is not None:
                values[place] += made.turn * stride
        for place, name in told.anew:
            values[place] = made.values[name]
        for place in told.spelt:
            values[place] = values[place].replace(made.like.code, made.code)
        if row.model is Allocation:
            values = self._drawn(row, values, made)
        return replace(
            row,
            number=self.crowd.number(facts.label(row.model), row.number, made),
            sealed_key=made.values["sealed_key"],
            owner=made.code,
            values=tuple(values),
        ).digest(self.newest)

    def _drawn(self, row: facts.Row, values: list[Any], made: Copy) -> list[Any]:
        names = facts.columns(row.model, row.version)
        return [
            value
            if name == "participant"
            else getattr(made.allocation, Allocation._meta.get_field(name).attname)
            for name, value in zip(names, values, strict=True)
        ]


def _event(row: AuditEvent, code: str) -> Event:
    return Event(
        row,
        [
            each.get_db_prep_save(getattr(row, each.attname), connection)
            for each in AuditEvent._meta.concrete_fields
        ],
        {name: text for name in TEXTS if code in (text := getattr(row, name))},
        [tuple(each) for each in json.loads(row.facts or "[]")],
    )
