"""What is read in a consistent snapshot is of one moment, and keeps nobody from writing."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

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


@pytest.mark.django_db(transaction=True)
def test_whoever_acts_while_a_trail_is_verified_is_not_named_as_changed(study, now, tmp_path):
    audit_events, acted = AuditEvent._meta.db_table, []

    def act_before_events_are_read(execute, sql, *rest):
        if f'FROM "{audit_events}"' in sql and not acted:
            acted.append(meanwhile(lambda: told(study, now)))
        return execute(sql, *rest)

    with on_disk(tmp_path):
        with connection.execute_wrapper(act_before_events_are_read):
            call_command("verify_audit", study.slug)
        assert acted
        assert has_happened()


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
