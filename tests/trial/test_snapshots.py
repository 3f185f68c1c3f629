"""What is read in a consistent snapshot is of one moment, and keeps nobody from writing."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from tests.beside import meanwhile, on_disk
from trial import audit, snapshots
from trial.actors import SYSTEM
from trial.models import AuditEvent, Study


def told(study, now):
    with transaction.atomic():
        return audit.record(study, "something happened", by=SYSTEM, at=now)


def has_happened():
    return AuditEvent.objects.filter(action="something happened").exists()


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_writes_meanwhile_is_not_seen_and_does_not_wait(study, now, tmp_path):
    with on_disk(tmp_path):
        with snapshots.consistent():
            meanwhile(lambda: told(study, now))
            assert meanwhile(has_happened)
            assert not has_happened()
        assert has_happened()
        told(study, now)


def test_nothing_is_written_in_it(study, now):
    with pytest.raises(DatabaseError), snapshots.consistent():
        Study.objects.filter(pk=study.pk).update(slug="elsewhere")
    told(study, now)
    study.refresh_from_db()
    assert (study.slug != "elsewhere", has_happened()) == (True, True)


@pytest.mark.django_db(transaction=True)
def test_it_is_refused_within_a_transaction_whose_locks_it_would_hold(db):
    with transaction.atomic(), pytest.raises(RuntimeError), snapshots.consistent():
        pass
