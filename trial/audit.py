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
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from trial import fact_checks, facts, rows, vault
from trial.actors import Actor
from trial.models import AuditEvent, AuditHead, AuditSeal, AuditSealedHead, Participant, Study

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
) -> AuditEvent:
    """Write that `action` happened. To be called inside the action's transaction.

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
    changed = facts.take(person=person, study=on.study_id if isinstance(on, Participant) else on.pk)
    number, previous = _locked_end(study, stream)
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


def event_hash(event: AuditEvent) -> str:
    names = COLUMNS if event.facts_key is None else [*COLUMNS, *FACTS]
    return _digest([_plain(getattr(event, name)) for name in names])


def is_sealed(study: Study, at: datetime) -> bool:
    """Whether the newest seal was made in the clock hour of `at`, or after it."""
    newest = (
        AuditSeal.objects.filter(study=study.slug)
        .order_by("-number")
        .values_list("at", flat=True)
        .first()
    )
    return newest is not None and newest >= at.replace(minute=0, second=0, microsecond=0)


def seal(study: Study, at: datetime, *, hourly: bool = False) -> AuditSeal | None:
    """Seal every head that moved since the last seal, be it none; None where `hourly` and this hour
    has its seal.
    """
    with transaction.atomic():
        chain = _locked_head(study.slug, f"{study.slug}!seals")
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


def _seal_heads(the_seal: AuditSeal, chain: AuditHead) -> None:
    """Write down every head that is sealed nowhere, as one statement sees them: what is being
    written now is sealed next time. Heads are read and neither locked nor changed, so that no
    writer waits for a seal, however many moved.
    """
    head, sealed = AuditHead._meta.db_table, AuditSealedHead._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {sealed} (seal, stream, number, hash) "  # noqa: S608
            f"SELECT %s, head.stream, head.number, head.hash FROM {head} head "
            f"WHERE head.study = %s AND head.stream <> %s AND NOT EXISTS (SELECT 1 FROM {sealed} "
            f"before WHERE before.stream = head.stream AND before.number = head.number)",
            [the_seal.key, the_seal.study, chain.stream],
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
    heads = AuditHead.objects.filter(study=study.slug).exclude(stream__endswith="!seals")
    return heads.aggregate(count=Sum("number", default=0))["count"]


def newest_seal(study: Study) -> str:
    """`number:hash` of the newest seal, or an empty text."""
    found = (
        AuditSeal.objects.filter(study=study.slug)
        .order_by("-number")
        .values_list("number", "hash")
        .first()
    )
    return f"{found[0]}:{found[1]}" if found else ""


def verify(study: Study, *, printed: str = "") -> list[str]:
    """Every place where the trail of a study does not hold together, and every fact that is not as
    the trail says; an empty list when all holds.

    `printed` is a seal as a report or an export shows it (`number:hash`): whoever cuts the tail
    together with its seals and moves every head back leaves a trail that holds together, but not
    one that this seal is part of.
    """
    return [*verify_chain(study, printed=printed), *fact_checks.check(study).places]


def verify_chain(study: Study, *, printed: str = "") -> list[str]:
    """What of it needs no key: the events by themselves, without the rows that they speak of."""
    return [
        *_verify_streams(study.slug),
        *_verify_seals(study.slug),
        *_verify_printed(study.slug, printed),
    ]


def _verify_printed(study: str, printed: str) -> Iterator[str]:
    number, _, digest = printed.partition(":")
    if printed and not AuditSeal.objects.filter(key=f"{study}!{number}", hash=digest).exists():
        yield f"{study} seal {number}: was printed as {digest}, and is missing or changed since"


def _verify_streams(study: str) -> Iterator[str]:
    heads = {
        head.stream: head
        for head in AuditHead.objects.filter(study=study)
        if not head.stream.endswith("!seals")
    }
    last: dict[str, tuple[int, str]] = {}
    events = AuditEvent.objects.filter(stream__startswith=study).order_by("stream", "number")
    for event in events.iterator(chunk_size=2000):
        if event.stream != study and not event.stream.startswith(f"{study}/"):
            continue
        number, previous = last.get(event.stream, (0, START))
        place = f"{event.stream} event {event.number}"
        if event.number != number + 1:
            yield f"{event.stream}: events {number + 1} to {event.number - 1} are missing"
        elif event.previous != previous:
            yield f"{place}: does not follow the event before it"
        if event.hash != event_hash(event):
            yield f"{place}: a column was changed"
        last[event.stream] = (event.number, event.hash)
    for stream in sorted(heads.keys() | last.keys()):
        number, digest = last.get(stream, (0, START))
        head = heads.get(stream)
        if head is None:
            yield f"{stream}: its head is missing"
        elif (head.number, head.hash) != (number, digest):
            yield f"{stream}: ends at event {number}, the head says {head.number}"
    yield from _foreign_events(study)


def _foreign_events(study: str) -> Iterator[str]:
    """Events whose stream and study do not belong together."""
    for stream, number in AuditEvent.objects.filter(study=study).values_list("stream", "number"):
        if stream != study and not stream.startswith(f"{study}/"):
            yield f"{stream} event {number}: its stream is not of this study"


def _verify_seals(study: str) -> Iterator[str]:
    heads: dict[str, list[AuditSealedHead]] = {}
    for head in AuditSealedHead.objects.filter(seal__startswith=f"{study}!").order_by("stream"):
        heads.setdefault(head.seal, []).append(head)
    events = AuditEvent.objects.filter(stream__startswith=study)
    hashes = {event.key: event.hash for event in events.only("stream", "number", "hash")}
    number, previous = 0, START
    for each in AuditSeal.objects.filter(key__startswith=f"{study}!").order_by("number"):
        if each.number != number + 1 or each.key != f"{study}!{each.number}":
            yield f"{study}: a seal before {each.number} is missing"
        elif each.previous != previous:
            yield f"{study} seal {each.number}: does not follow the seal before it"
        own = heads.pop(each.key, [])
        if each.hash != seal_hash(each, [(head.stream, head.number, head.hash) for head in own]):
            yield f"{study} seal {each.number}: a column was changed or a sealed head is missing"
        for head in own:
            if hashes.get(f"{head.stream}#{head.number}") != head.hash:
                yield (
                    f"{head.stream} event {head.number}: sealed in seal {each.number}, and missing "
                    f"or changed since"
                )
        number, previous = each.number, each.hash
    for orphan in sorted(heads):
        yield f"{study}: heads of a seal that does not exist ({orphan})"
    yield from _verify_end_of_seals(study, number, previous)


def _verify_end_of_seals(study: str, number: int, last_hash: str) -> Iterator[str]:
    chain = AuditHead.objects.filter(stream=f"{study}!seals").first()
    if chain is None and number:
        yield f"{study}: the head of the seals is missing"
    elif chain is not None and (chain.number, chain.hash) != (number, last_hash):
        yield f"{study}: seals end at {number}, the head says {chain.number}"
    elif chain is not None and chain.study != study:
        yield f"{study}: a column of the head of the seals was changed"


def _locked_end(study: str, stream: str) -> tuple[int, str]:
    """Number and hash of a stream's newest event, its head row locked.

    Written as SQL, like `_append`: every action in the house passes here, and building these
    statements through the ORM cost more than all of them together take to run.
    """
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    found = _end(stream, lock)
    if found is None:
        is_ours = rows.insert(
            AuditHead(stream=stream, study=study, number=0, hash=START), unless=("stream",)
        )
        # Nobody else sees a row that is not committed: it needs no lock.
        found = (0, START) if is_ours else _end(stream, lock)
    assert found is not None
    return found


def _end(stream: str, lock: str) -> tuple[int, str] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, hash FROM trial_audithead WHERE stream = %s{lock}",  # noqa: S608
            [stream],
        )
        return cursor.fetchone()


def _append(event: AuditEvent) -> None:
    rows.insert(event)
    rows.update(AuditHead, {"stream": event.stream}, number=event.number, hash=event.hash)


def _locked_head(study: str, stream: str) -> AuditHead:
    _locked_end(study, stream)
    return AuditHead.objects.get(stream=stream)


def _move(head: AuditHead, number: int, digest: str) -> None:
    AuditHead.objects.filter(stream=head.stream).update(number=number, hash=digest)
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


def _json(values: Any) -> str:
    return json.dumps(values, separators=(",", ":"))
