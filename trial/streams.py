"""The trail of a study read once: stream after stream, each with all that stands of it side by
side.

Every table is asked in the order of streams, so that no more than one stream of each is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Collate

from trial.models import AuditEvent, AuditHead, AuditSealedHead, Participant, Study

SEALS = "!seals"  # how the stream of a study's seals ends
HEAD, SEALED, OWNER, EVENT = range(4)  # in this order, of one stream


class Event(NamedTuple):
    """A row of AuditEvent: to build its model for each of millions costs more than to hash it."""

    stream: str
    number: int
    study: str
    action: str
    subject: str
    by: str
    role: str
    at: datetime
    recorded_at: datetime
    old: str
    new: str
    reason: str
    facts: str
    facts_key: int | None
    previous: str
    hash: str

    @property
    def key(self) -> str:
        return f"{self.stream}#{self.number}"


class End(NamedTuple):
    """How far a stream is by a head or by a sealed head, and the name of that seal."""

    number: int
    hash: str
    seal: str


@dataclass
class Stream:
    """`events` are to be gone through before the next stream is asked for."""

    name: str
    is_own: bool  # whether its name is one of this study
    head: End | None = None
    sealed: list[End] = field(default_factory=list)  # by seals of this study
    sealed_elsewhere: list[End] = field(default_factory=list)
    events: Iterator[Event] = field(default_factory=lambda: iter(()))


Found = tuple[str, int, Any]  # of a stream, what it is, and the row


def of_study(study: Study) -> Iterator[Stream]:
    """In the order of their names: whatever has an event, a head, a sealed head or an owner."""
    found = merge(
        _heads(study.slug),
        _sealed(study.slug),
        _foreign_sealed(study.slug),
        _owners(study),
        _events(study.slug),
        _foreign_events(study.slug),
        key=itemgetter(0, 1),
    )
    for name, rows in groupby(found, key=itemgetter(0)):
        stream = Stream(name, name == study.slug or name.startswith(f"{study.slug}/"))
        for _, kind, row in rows:
            if kind == HEAD:
                stream.head = row
            elif kind == SEALED:
                is_ours = row.seal.startswith(f"{study.slug}!")
                (stream.sealed if is_ours else stream.sealed_elsewhere).append(row)
            elif kind == EVENT:
                stream.events = chain([row], (event for *_, event in rows))
                break
        yield stream


def beginning(name: str, prefix: str) -> dict[str, str]:
    """What picks the rows whose column of bytes begins so."""
    return {f"{name}__gte": prefix, f"{name}__lt": prefix[:-1] + chr(ord(prefix[-1]) + 1)}


def heads(study: str) -> QuerySet[AuditHead]:
    """Those of a study's streams of events."""
    return AuditHead.objects.filter(study=study).exclude(stream__endswith=SEALS)


def sealed_heads(study: str) -> QuerySet[AuditSealedHead]:
    """What the seals of a study say."""
    return AuditSealedHead.objects.filter(**beginning("seal", f"{study}!"))


def _heads(study: str) -> Iterator[Found]:
    found = heads(study).order_by("stream").values_list("stream", "number", "hash")
    for stream, number, digest in found.iterator():
        yield stream, HEAD, End(number, digest, "")


def _sealed(study: str) -> Iterator[Found]:
    """Whatever seal says it: a row under another name is to be seen too."""
    for part in _own(study):
        yield from _read_sealed(AuditSealedHead.objects.filter(part))


def _foreign_sealed(study: str) -> Iterator[Found]:
    of_study, below = _own(study)
    yield from _read_sealed(sealed_heads(study).exclude(of_study | below))


def _read_sealed(which: QuerySet[AuditSealedHead]) -> Iterator[Found]:
    found = which.order_by("stream", "number").values_list("stream", "number", "hash", "seal")
    for stream, number, digest, seal in found.iterator():
        yield stream, SEALED, End(number, digest, seal)


def _owners(study: Study) -> Iterator[Found]:
    """The study and its people: a stream of theirs may be gone and their rows there."""
    yield study.slug, OWNER, None
    code = Collate("code", "C") if connection.vendor == "postgresql" else F("code")
    codes = Participant.objects.filter(study=study.pk).annotate(bytes=code).order_by("bytes")
    for each in codes.values_list("code", flat=True).iterator():
        yield f"{study.slug}/{each}", OWNER, None


def _events(study: str) -> Iterator[Found]:
    for part in _own(study):
        yield from _read(part)


def _foreign_events(study: str) -> Iterator[Found]:
    of_study, below = _own(study)
    yield from _read(Q(study=study) & ~(of_study | below))


def _own(study: str) -> tuple[Q, Q]:
    """The stream of the study, and those of its people, which come after it."""
    return Q(stream=study), Q(**beginning("stream", f"{study}/"))


def _read(which: Q) -> Iterator[Found]:
    found = AuditEvent.objects.filter(which).order_by("stream", "number")
    for row in found.values_list(*Event._fields).iterator():
        yield row[0], EVENT, Event._make(row)
