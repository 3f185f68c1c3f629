"""The audit trail: append-only, chained per stream, sealed per study.

A stream is one participant or the study itself. Each event holds the hash of the one before; the
head row of the stream is locked last and moved on in the same transaction as the thing that
happened. Once an hour the worker seals all heads that moved into one chain per study, and the
newest seal is printed in every report and export, so that a cut tail shows. It is sealed whether
anything moved or not: seals that came with what happens would tell when something did, and so an
arm.

The chain needs no key, so that anybody can follow it. The digests of facts that events carry do:
with them the tables are compared with the trail (trial/fact_checks.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from math import inf
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from trial import claims, fact_checks, facts, rows, streams, vault
from trial.actors import Actor
from trial.models import AuditEvent, AuditHead, AuditSeal, AuditSealedHead, Participant, Study
from trial.prepared import prepared

START = "0" * 64
COLUMNS = [
    "key",
    "stream",
    "number",
    "study",
    "action",
    "subject",
    "by",
    "role",
    "at",
    "recorded_at",
    "old",
    "new",
    "reason",
    "previous",
]
FACTS = [
    "facts",
    "facts_key",
]  # with these, every column but the hash itself; an event from before digests has neither


def record(
    on: Participant | Study,
    action: str,
    *,
    by: Actor,
    at: datetime,
    subject: str = "",
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    reason: str = "",
    writes: Sequence[rows.Statement] = (),
) -> AuditEvent:
    """Write that `action` happened, and before it what is to be written with it (`writes`). To be
    called inside the action's transaction.

    To be called after the last change: the event carries a digest of every fact that was changed on
    the same person or study (trial/facts.py). `old` and `new` must not hold contact details, free
    text or answers in clear: seal those with the person's key first.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            f"{action!r} is recorded in the transaction in which it happens"
        )
    study, stream = (
        (on.study.slug, f"{on.study.slug}/{on.code}")
        if isinstance(on, Participant)
        else (on.slug, on.slug)
    )
    person = on.pk if isinstance(on, Participant) else None
    *_, end = rows.at_once(*writes, _asked_end(stream))
    number, previous = end.rows[0] if end.rows else _new_end(study, stream)
    changed = facts.take(person=person, study=on.study_id if isinstance(on, Participant) else on.pk)
    event = AuditEvent(
        stream=stream,
        number=number + 1,
        study=study,
        action=action,
        subject=subject,
        by=str(by),
        role=by.role,
        at=at,
        recorded_at=timezone.now(),
        old=_text(old),
        new=_text(new),
        reason=reason,
        facts=json.dumps(changed, separators=(",", ":")) if changed else "",
        facts_key=vault.newest_audit_key(),
        previous=previous,
    )
    event.hash = event_hash(event)
    _append(event)
    return event


def event_hash(event: AuditEvent | streams.Event) -> str:
    names = COLUMNS if event.facts_key is None else [*COLUMNS, *FACTS]
    return _digest([_plain(getattr(event, name)) for name in names])


def is_sealed(study: Study, at: datetime) -> bool:
    """Whether the newest seal was made in the clock hour of `at`, or after it."""
    newest = _newest_sealed_at.first(study.slug)
    return newest is not None and newest >= at.replace(minute=0, second=0, microsecond=0)


@prepared
def _newest_sealed_at(study: str) -> QuerySet[AuditSeal, datetime]:
    newest = AuditSeal.objects.filter(study=study).order_by("-number")
    return newest.values_list("at", flat=True)[:1]


def seal(study: Study, at: datetime, *, hourly: bool = False) -> AuditSeal | None:
    """Seal every head that moved since the last seal, be it none; None where `hourly` and this hour
    has its seal, or another worker is making it.
    """
    stream = f"{study.slug}{streams.SEALS}"
    with transaction.atomic():
        if hourly and _is_taken(stream):
            return None
        chain = _locked_head(study.slug, stream)
        if hourly and is_sealed(study, at):
            return None
        number = chain.number + 1
        result = AuditSeal(
            key=f"{study.slug}!{number}",
            study=study.slug,
            number=number,
            at=at,
            previous=chain.hash,
        )
        _seal_heads(result, chain)
        sealed = AuditSealedHead.objects.filter(seal=result.key).order_by("stream")
        result.hash = seal_hash(result, sealed.values_list("stream", "number", "hash").iterator())
        result.save(force_insert=True)
        _move(chain, number, result.hash)
        return result


def _is_taken(stream: str) -> bool:
    """Whether somebody has the head of this stream; of a stream without one nobody does."""
    heads = AuditHead.objects.filter(stream=stream)
    return heads.exists() and not claims.hold(heads, stream)


def _seal_heads(the_seal: AuditSeal, chain: AuditHead) -> None:
    """Write down every head that no seal of its study says, as one statement sees them: what is
    being written now is sealed next time. Heads are read and neither locked nor changed, so that no
    writer waits for a seal, however many moved.

    What another seal says counts for nothing: the primary key refuses the head that it says.
    """
    head, sealed = AuditHead._meta.db_table, AuditSealedHead._meta.db_table
    own = streams.beginning("seal", f"{the_seal.study}!")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {sealed} (seal, stream, number, hash) "  # noqa: S608
            f"SELECT %s, head.stream, head.number, head.hash FROM {head} head "
            f"WHERE head.study = %s AND head.stream <> %s AND NOT EXISTS (SELECT 1 FROM {sealed} "
            f"before WHERE before.stream = head.stream AND before.number = head.number "
            f"AND before.seal >= %s AND before.seal < %s)",
            [the_seal.key, the_seal.study, chain.stream, *own.values()],
        )


def seal_hash(the_seal: AuditSeal, heads: Iterable[tuple[str, int, str]]) -> str:
    """`heads` are stream, number and hash of each, in order of stream. The digest of one list of
    lists, of which no more than a piece is held.
    """
    own = [the_seal.key, the_seal.study, the_seal.number, _plain(the_seal.at), the_seal.previous]
    digest = hashlib.sha256(f"[{_json(own)},[".encode())
    for place, (stream, number, of_event) in enumerate(heads):
        told = [f"{the_seal.key}/{stream}", the_seal.key, stream, number, of_event]
        digest.update(f"{',' if place else ''}{_json(told)}".encode())
    digest.update(b"]]")
    return digest.hexdigest()


def count_events(study: Study) -> int:
    """How many events a study has, by the heads of its streams: nobody waits for a trail to be
    counted.
    """
    return streams.heads(study.slug).aggregate(count=Sum("number", default=0))["count"]


def newest_seal(study: Study) -> str:
    """`number:hash` of the newest seal, or an empty text."""
    found = (
        AuditSeal.objects.filter(study=study.slug)
        .order_by("-number")
        .values_list("number", "hash")
        .first()
    )
    return f"{found[0]}:{found[1]}" if found else ""


@dataclass(frozen=True)
class Examined:
    """What came of going through a trail: every place that does not hold, and how the facts were
    compared.
    """

    places: list[str]
    facts: fact_checks.Checked


def verify(study: Study, *, printed: str = "") -> list[str]:
    """Every place where the trail of a study does not hold together, and every fact that is not as
    the trail says; an empty list when all holds. To be asked in one consistent view
    (trial/snapshots.py) where others may write meanwhile.

    `printed` is a seal as a report or an export shows it (`number:hash`): whoever cuts the tail
    together with its seals and moves every head back leaves a trail that holds together, but not
    one that this seal is part of.
    """
    return examine(study, printed=printed).places


def examine(study: Study, *, printed: str = "") -> Examined:
    """What `verify` says, with how many facts were compared."""
    comparison = fact_checks.Comparison(study)
    places = _verify_chain(study, printed, comparison)
    checked = comparison.checked()
    return Examined([*places, *checked.places], checked)


def _verify_chain(study: Study, printed: str, comparison: fact_checks.Comparison) -> list[str]:
    """The trail is gone through once, stream after stream, whoever else listens to it."""
    found = _Found()
    for stream in streams.of_study(study):
        _go_through(stream, found, comparison)
        comparison.end(stream)
    seals = sorted([*_verify_seals(study.slug), *found.seals], key=itemgetter(0))
    return [
        *found.events,
        *found.heads,
        *found.foreign,
        *(text for _, text in seals),
        *_verify_printed(study.slug, printed),
    ]


@dataclass
class _Found:
    """Places by what does not hold there, each in the order of the trail."""

    events: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    seals: list[tuple[float, str]] = field(default_factory=list)  # with the number of the seal


def _go_through(stream: streams.Stream, found: _Found, comparison: fact_checks.Comparison) -> None:
    sealed = {end.number: end for end in stream.sealed}
    number, previous = 0, START
    for event in stream.events:
        comparison.hear(event)
        if not stream.is_own:
            found.foreign.append(f"{_place(event)}: its stream is not of this study")
            continue
        found.events += _verify_event(event, number, previous)
        number, previous = event.number, event.hash
        if number in sealed and sealed[number].hash == event.hash:
            del sealed[number]
    found.heads += _verify_head(stream, number, previous)
    for end in stream.sealed_elsewhere:
        text = f"{stream.name} event {end.number}: sealed in {end.seal}, no seal of its study"
        found.seals.append((inf, text))
    for end in sealed.values():
        which = _number_of(end.seal)
        text = (
            f"{stream.name} event {end.number}: sealed in seal {which}, and missing or changed "
            f"since"
        )
        found.seals.append((which, text))


def _verify_event(event: streams.Event, number: int, previous: str) -> Iterator[str]:
    """`number` and `previous` are the number and the hash of the event before it."""
    if event.number != number + 1:
        yield f"{event.stream}: events {number + 1} to {event.number - 1} are missing"
    elif event.previous != previous:
        yield f"{_place(event)}: does not follow the event before it"
    if event.hash != event_hash(event):
        yield f"{_place(event)}: a column was changed"


def _place(event: streams.Event) -> str:
    return f"{event.stream} event {event.number}"


def _verify_head(stream: streams.Stream, number: int, digest: str) -> Iterator[str]:
    """`number` and `digest` are those of the last event."""
    if stream.head is None:
        if number:
            yield f"{stream.name}: its head is missing"
    elif (stream.head.number, stream.head.hash) != (number, digest):
        yield f"{stream.name}: ends at event {number}, the head says {stream.head.number}"


def _verify_printed(study: str, printed: str) -> Iterator[str]:
    number, _, digest = printed.partition(":")
    if printed and not AuditSeal.objects.filter(key=f"{study}!{number}", hash=digest).exists():
        yield f"{study} seal {number}: was printed as {digest}, and is missing or changed since"


def _verify_seals(study: str) -> Iterator[tuple[float, str]]:
    """Places of the chain of seals, with the number of the seal. Seals are held, one for each hour;
    what they sealed is not.
    """
    own = f"{study}!"
    found = AuditSeal.objects.filter(Q(key__startswith=own) | Q(study=study)).order_by("number")
    seals = {}
    for seal in found:
        if seal.key.startswith(own):
            seals[seal.key] = seal
        else:
            yield (
                seal.number,
                f"{study} seal {seal.number}: is named {seal.key}, as no seal of its study is",
            )
    number, previous = 0, START
    for seal in seals.values():
        if seal.number != number + 1 or seal.key != f"{study}!{seal.number}":
            yield seal.number, f"{study}: a seal before {seal.number} is missing"
        elif seal.previous != previous:
            yield seal.number, f"{study} seal {seal.number}: does not follow the seal before it"
        number, previous = seal.number, seal.hash
    yield from _verify_sealed(study, seals)
    for text in _verify_end_of_seals(study, number, previous):
        yield inf, text


def _verify_sealed(study: str, seals: Mapping[str, AuditSeal]) -> Iterator[tuple[float, str]]:
    bare = dict(seals)  # those of which no head is found
    rows = streams.sealed_heads(study).order_by("seal", "stream")
    told = rows.values_list("seal", "stream", "number", "hash").iterator()
    for key, heads in groupby(told, key=itemgetter(0)):
        seal = bare.pop(key, None)
        if seal is None:
            yield inf, f"{study}: heads of a seal that does not exist ({key})"
        elif seal.hash != seal_hash(seal, (row[1:] for row in heads)):
            yield seal.number, _changed(study, seal)
    for seal in bare.values():
        if seal.hash != seal_hash(seal, ()):
            yield seal.number, _changed(study, seal)


def _changed(study: str, seal: AuditSeal) -> str:
    return f"{study} seal {seal.number}: a column was changed or a sealed head is missing"


def _verify_end_of_seals(study: str, number: int, last_hash: str) -> Iterator[str]:
    chain = AuditHead.objects.filter(stream=f"{study}{streams.SEALS}").first()
    if chain is None and number:
        yield f"{study}: the head of the seals is missing"
    elif chain is not None and (chain.number, chain.hash) != (number, last_hash):
        yield f"{study}: seals end at {number}, the head says {chain.number}"
    elif chain is not None and chain.study != study:
        yield f"{study}: a column of the head of the seals was changed"


def _number_of(seal: str) -> float:
    number = seal.rpartition("!")[2]
    return int(number) if number.isdecimal() else inf


def _locked_end(study: str, stream: str) -> tuple[int, str]:
    """Number and hash of a stream's newest event, its head row locked.

    Written as SQL, like `_append`: every action in the house passes here, and building these
    statements through the ORM cost more than all of them together take to run.
    """
    (found,) = rows.at_once(_asked_end(stream))
    return found.rows[0] if found.rows else _new_end(study, stream)


def _asked_end(stream: str) -> rows.Statement:
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    text = f"SELECT number, hash FROM trial_audithead WHERE stream = %s{lock}"  # noqa: S608
    return rows.Statement(text, [stream])


def _new_end(study: str, stream: str) -> tuple[int, str]:
    """Of a stream that had none when it was asked for."""
    is_ours = rows.insert(
        AuditHead(stream=stream, study=study, number=0, hash=START), unless=("stream",)
    )
    # Nobody else sees a row that is not committed: it needs no lock.
    return (0, START) if is_ours else _locked_end(study, stream)


def _append(event: AuditEvent) -> None:
    end = {"number": event.number, "hash": event.hash}
    moved = rows.change(AuditHead, {"stream": event.stream}, **end)
    rows.at_once(*rows.joined(rows.insertion(event), moved))


def _locked_head(study: str, stream: str) -> AuditHead:
    number, digest = _locked_end(study, stream)
    return AuditHead(stream=stream, study=study, number=number, hash=digest)


def _move(head: AuditHead, number: int, digest: str) -> None:
    rows.update(AuditHead, {"stream": head.stream}, number=number, hash=digest)
    head.number, head.hash = number, digest


def _text(values: Mapping[str, Any] | None) -> str:
    return (
        json.dumps(values, sort_keys=True, default=_plain, separators=(",", ":")) if values else ""
    )


def _plain(value: Any) -> Any:
    return (
        value.astimezone(UTC).isoformat(timespec="microseconds")
        if isinstance(value, datetime)
        else value
    )


def _digest(values: Any) -> str:
    return hashlib.sha256(_json(values).encode()).hexdigest()


_json = json.JSONEncoder(separators=(",", ":")).encode
