"""Tables compared with the audit trail: whether every fact is what the newest event about it
says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import InvalidToken
from django.conf import settings

from trial import facts
from trial.models import AuditEvent, Study

ERASED = "identity erased"  # the event after which there is no key any more


@dataclass(frozen=True)
class Said:
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


def check(study: Study) -> Checked:
    said, before = _read_trail(study)
    erased = _erased(study)
    rows = {_key(study, row): row for row in _rows(study, said)}
    found = [
        (stream, 0, f"{stream}: no digest in {count} events, from before there were any")
        for stream, count in before.items()
    ]
    for key, row in rows.items():
        stream, last = key[0], said.get(key)
        if _has_no_key(row):
            if row.owner not in erased:
                found.append(
                    (
                        stream,
                        0,
                        f"{stream}: its key is missing, and no event says that it was erased",
                    )
                )
        elif last is None:
            if stream not in before:
                found.append((stream, 0, f"{stream}: {_name(key)} is in no event"))
        elif problem := _differs(row, last):
            found.append(
                (stream, last.event, f"{stream} event {last.event}: {_name(key)} {problem}")
            )
    for key, last in said.items():
        stream = key[0]
        if key not in rows and last.digest != facts.GONE and stream.partition("/")[2] not in erased:
            found.append(
                (stream, last.event, f"{stream} event {last.event}: {_name(key)} is missing")
            )
    gone = [row.owner for row in rows.values() if _has_no_key(row)]
    places = tuple(
        dict.fromkeys(text for *_, text in sorted(found))
    )  # the missing key of somebody is one place
    return Checked(places, len(rows) - len(gone), len(gone), len(set(gone)))


def _key(study: Study, row: facts.Row) -> Key:
    stream = f"{study.slug}/{row.owner}" if row.is_of_person else study.slug
    return stream, facts.label(row.model), row.number


def _has_no_key(row: facts.Row) -> bool:
    return row.is_of_person and not row.sealed_key


def _read_trail(study: Study) -> tuple[dict[Key, Said], dict[str, int]]:
    """The newest digest of each row, and the streams with events that have none, with how many."""
    said: dict[Key, Said] = {}
    before: dict[str, int] = {}
    events = AuditEvent.objects.filter(study=study.slug).order_by("stream", "number")
    for stream, number, text, audit_key in events.values_list(
        "stream", "number", "facts", "facts_key"
    ).iterator():
        if audit_key is None:
            before[stream] = before.get(stream, 0) + 1
        for label, row, version, digest in _parsed(text):
            said[stream, label, row] = Said(number, audit_key or 0, version, digest)
    return said, before


def _parsed(text: str) -> list[list]:
    try:
        return json.loads(text) if text else []
    except ValueError:
        return []  # that the column was changed is said by the chain


def _rows(study: Study, said: dict[Key, Said]) -> Iterator[facts.Row]:
    """Every fact of a study, with the columns that the newest event about it used."""
    versions: dict[str, set[int]] = {}
    for (_, label, _), told in said.items():
        versions.setdefault(label, set()).add(told.version)
    for model in facts.kept():
        newest = facts.newest(model)
        used = versions.get(facts.label(model), set()) & set(model.fact_columns) | {newest}
        ways = [facts.in_study(model, study.pk)] if model.may_be_about_nobody() else []
        ways += [facts.in_persons_of(model, study.pk)] if model.facts_of else []
        for version in sorted(used):
            for which in ways:
                for row in facts.read(model, version, **which):
                    last = said.get(_key(study, row))
                    if version == (last.version if last and last.version in used else newest):
                        yield row


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


def _erased(study: Study) -> set[str]:
    """Codes of the people of whom an event says that they were erased."""
    streams = AuditEvent.objects.filter(study=study.slug, action=ERASED).values_list(
        "stream", flat=True
    )
    return {stream.partition("/")[2] for stream in streams}


def _name(key: Key) -> str:
    return f"{key[1]} {key[2]}"
