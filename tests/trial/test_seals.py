"""A seal holds up nobody, is made whole or not at all, and says once how far each head was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from tests import factories
from trial import actors, audit
from trial.models import AuditHead, AuditSeal, AuditSealedHead, Participant, Study


def look(on: Participant | Study, at) -> None:
    with transaction.atomic():
        audit.record(on, "looked", by=actors.SYSTEM, at=at)


def sealed(seal: AuditSeal) -> dict[str, int]:
    return dict(AuditSealedHead.objects.filter(seal=seal.key).values_list("stream", "number"))


def ends(*streams: str) -> dict[str, int]:
    return dict(AuditHead.objects.filter(stream__in=streams).values_list("stream", "number"))


@pytest.mark.django_db
def test_a_seal_says_how_far_each_head_is_that_moved_since_and_nothing_of_the_others(study, now):
    dan, eve = (factories.a_screening_participant(study, now) for _ in range(2))
    of_dan, of_eve = (f"{study.slug}/{each.code}" for each in (dan, eve))
    assert sealed(audit.seal(study, now)) == ends(study.slug, of_dan, of_eve)
    look(dan, now)
    assert sealed(audit.seal(study, now)) == ends(of_dan)
    assert sealed(audit.seal(study, now)) == {}
    look(study, now)
    look(dan, now)
    assert sealed(audit.seal(study, now)) == ends(study.slug, of_dan)
    assert audit.verify(study) == []


@pytest.mark.django_db
def test_the_hash_of_a_seal_is_of_one_list_of_all_that_it_says(study, now):
    for _ in range(3):
        factories.a_screening_participant(study, now)
    seal = audit.seal(study, now)
    at = seal.at.astimezone(UTC).isoformat(timespec="microseconds")
    heads = sorted(
        [each.key, each.seal, each.stream, each.number, each.hash]
        for each in AuditSealedHead.objects.filter(seal=seal.key)
    )
    text = json.dumps(
        [[seal.key, seal.study, seal.number, at, seal.previous], heads], separators=(",", ":")
    )
    assert len(heads) == 4
    assert seal.hash == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.django_db
def test_of_a_seal_that_fails_on_its_way_nothing_stands_and_the_next_says_it_all(
    study, now, monkeypatch
):
    dan = factories.a_screening_participant(study, now)
    first = audit.seal(study, now)
    look(dan, now)

    def is_killed(*_):
        raise SystemExit

    with monkeypatch.context() as killed, pytest.raises(SystemExit):
        killed.setattr(audit, "_move", is_killed)
        audit.seal(study, now)
    assert (AuditSeal.objects.get(study=study.slug), audit.verify(study)) == (first, [])
    assert sealed(audit.seal(study, now)) == ends(f"{study.slug}/{dan.code}")


@pytest.mark.django_db
def test_a_row_that_says_a_head_to_come_is_sealed_is_named_and_keeps_no_head_from_being_sealed(
    study, now
):
    dan = factories.a_screening_participant(study, now)
    seal = audit.seal(study, now)
    of_dan = f"{study.slug}/{dan.code}"
    forged = {"stream": of_dan, "number": ends(of_dan)[of_dan] + 1, "hash": audit.START}

    with transaction.atomic():
        AuditSealedHead.objects.create(seal="zzz!1", **forged)
        named = f"{of_dan} event {forged['number']}: sealed in zzz!1, no seal of its study"
        assert audit.verify(study) == [named]
        look(dan, now)
        assert audit.verify(study) == [named]
        with pytest.raises(IntegrityError), transaction.atomic():
            audit.seal(study, now)
        transaction.set_rollback(True)

    AuditSealedHead.objects.create(seal=seal.key, **forged)
    look(dan, now)
    assert len(audit.verify(study)) == 2  # the seal, and the event of which it says another hash


@pytest.mark.django_db
def test_a_seal_of_a_study_that_is_named_otherwise_is_named(study, now):
    audit.seal(study, now)
    AuditSeal.objects.create(
        key="zzz!9", study=study.slug, number=10**6, at=now.replace(year=2199), hash=audit.START
    )
    assert audit.verify(study) == [
        f"{study.slug} seal 1000000: is named zzz!9, as no seal of its study is"
    ]


def beside(work: Callable[[], object]) -> object:
    """What `work` answers on a connection of its own, which waits for no lock."""

    def run():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=20)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_seal_and_no_seal_for_anybody(study, now):
    dan, eve = (factories.a_screening_participant(study, now) for _ in range(2))
    of_dan = f"{study.slug}/{dan.code}"
    before = ends(of_dan)

    with transaction.atomic():  # written, and not committed: this is sealed next time
        audit.record(dan, "looked", by=actors.SYSTEM, at=now)
        assert sealed(beside(lambda: audit.seal(study, now)))[of_dan] == before[of_dan]

    with transaction.atomic():  # a seal that goes on and on
        second = audit.seal(study, now)
        for each in (dan, eve, study):
            beside(lambda each=each: look(each, now))
    assert sealed(second) == {of_dan: before[of_dan] + 1}
    third = audit.seal(study, now)
    assert sealed(third) == ends(study.slug, of_dan, f"{study.slug}/{eve.code}")
    assert audit.verify(study) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_workers_that_seal_one_study_at_once_make_one_seal(study, now):
    factories.a_screening_participant(study, now)
    audit.seal(study, now - timedelta(hours=1))
    barrier = Barrier(4, timeout=20)

    def worker(_: int) -> bool:
        barrier.wait()
        try:
            return audit.seal(study, now, hourly=True) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(worker, range(4))) == 1
    assert (AuditSeal.objects.filter(study=study.slug).count(), audit.verify(study)) == (2, [])
