"""The audit trail: whoever changes any column of any row, drops a row or drops the tail is found
out, and the place named.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import models, transaction
from django.db.models import F

from tests import factories
from tests.emptied import lift_triggers
from trial import actors, audit
from trial.models import AuditEvent, AuditHead, AuditSeal, AuditSealedHead, Study

pytestmark = pytest.mark.django_db

TABLES = (AuditEvent, AuditHead, AuditSeal, AuditSealedHead)


@pytest.fixture
def trail(study, now):
    """Dan's way in and a little more, in two seals, with the database's own guard lifted as its
    owner could.
    """
    dan = factories.a_randomised_participant(study, now)
    audit.seal(study, now)
    audit.record(dan, "looked", by=actors.SYSTEM, at=now, reason="first")
    audit.record(study, "looked", by=actors.SYSTEM, at=now, reason="second")
    audit.seal(study, now + timedelta(days=1))
    lift_triggers()
    return study


def other(value: object) -> object:
    """A value of the same kind that is not this one."""
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    return value + 1000 if isinstance(value, int) else f"{str(value)[:-1]}~"


def rows(model: type[models.Model]) -> list[models.Model]:
    """The first, one in the middle and the last row: a chain has two ends."""
    found = list(model.objects.order_by("pk"))
    return [found[0], found[len(found) // 2], found[-1]]


def changed(row: models.Model, column: str, value: object) -> None:
    assert type(row).objects.filter(pk=row.pk).update(**{column: value}) == 1


def test_an_intact_trail_holds_together(trail):
    assert audit.verify(trail) == []


def test_changing_any_column_of_any_row_names_a_place(trail):
    for model in TABLES:
        for column in (field.name for field in model._meta.concrete_fields):
            for row in rows(model):
                before = getattr(row, column)
                changed(row, column, other(before))

                places = audit.verify(trail)

                assert places, (
                    f"{model.__name__}.{column} of {row.pk} was changed and nobody saw it"
                )
                assert any(place.startswith(trail.slug) for place in places)
                named = {field.name: getattr(row, field.name) for field in model._meta.pk_fields}
                if column in named:
                    named[column] = other(before)
                model.objects.filter(**named).update(**{column: before})
    assert audit.verify(trail) == []


def test_the_place_that_is_named_is_the_place_that_was_changed(trail):
    event = AuditEvent.objects.filter(action="consent signed").get()
    changed(event, "new", "{}")
    assert audit.verify(trail) == [f"{event.stream} event {event.number}: a column was changed"]


def test_dropping_any_row_is_seen(trail):
    for model in TABLES:
        for row in rows(model):
            model.objects.filter(pk=row.pk).delete()
            assert audit.verify(trail), f"{model.__name__} {row.pk} was dropped and nobody saw it"
            model.objects.bulk_create([row])
    assert audit.verify(trail) == []


def test_dropping_the_last_event_is_seen(trail):
    last = AuditEvent.objects.filter(stream=trail.slug).order_by("-number")[0]
    AuditEvent.objects.filter(pk=last.pk).delete()
    places = audit.verify(trail)
    assert (
        places[0] == f"{trail.slug}: ends at event {last.number - 1}, the head says {last.number}"
    )


def test_dropping_the_last_event_and_moving_the_head_back_is_seen_once_it_was_sealed(trail):
    last = AuditEvent.objects.filter(stream=trail.slug).order_by("-number")[0]
    AuditEvent.objects.filter(pk=last.pk).delete()
    AuditHead.objects.filter(stream=trail.slug).update(number=F("number") - 1, hash=last.previous)
    newest = audit.newest_seal(trail).partition(":")[0]
    assert audit.verify(trail)[0] == (
        f"{last.stream} event {last.number}: sealed in seal {newest}, and missing or changed since"
    )


def test_dropping_the_last_seal_is_seen(trail):
    last = AuditSeal.objects.order_by("-number")[0]
    AuditSealedHead.objects.filter(seal=last.key).delete()
    last.delete()
    assert (
        audit.verify(trail)[0]
        == f"{trail.slug}: seals end at {last.number - 1}, the head says {last.number}"
    )


def test_a_tail_that_was_cut_without_a_trace_is_shown_by_the_seal_that_was_printed(trail):
    printed = audit.newest_seal(trail)
    last = AuditSeal.objects.order_by("-number")[0]
    for sealed in AuditSealedHead.objects.filter(seal=last.key):
        events = AuditEvent.objects.filter(stream=sealed.stream)
        events.filter(number=sealed.number).delete()
        end = events.order_by("-number")[0]
        AuditHead.objects.filter(stream=sealed.stream).update(number=end.number, hash=end.hash)
        AuditSealedHead.objects.filter(pk=sealed.pk).delete()
    last.delete()
    AuditHead.objects.filter(stream=f"{trail.slug}!seals").update(
        number=last.number - 1, hash=last.previous
    )

    assert audit.verify(trail) == []
    assert audit.newest_seal(trail) != printed
    assert audit.verify(trail, printed=printed) == [
        f"{trail.slug} seal {last.number}: was printed as {printed.partition(':')[2]}, and is "
        f"missing or changed since"
    ]


def test_a_printed_seal_that_still_stands_is_found(trail, now):
    printed = audit.newest_seal(trail)
    audit.record(trail, "looked", by=actors.SYSTEM, at=now)
    audit.seal(trail, now)
    assert audit.verify(trail, printed=printed) == []


def test_a_seal_is_made_whether_anything_moved_or_not_and_once_an_hour_where_that_is_asked(
    trail, now
):
    newest = AuditSeal.objects.order_by("-number")[0]
    assert audit.seal(trail, newest.at + timedelta(minutes=59), hourly=True) is None
    made = audit.seal(trail, newest.at + timedelta(minutes=60), hourly=True)
    assert (made.number, AuditSealedHead.objects.filter(seal=made.key).count()) == (
        newest.number + 1,
        0,
    )
    assert audit.verify(trail) == []


def test_an_event_undone_with_its_transaction_leaves_no_gap(study, now):
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record(study, "never happened", by=actors.SYSTEM, at=now)
        raise RuntimeError
    audit.record(study, "happened", by=actors.SYSTEM, at=now)
    assert audit.verify(study) == []
    assert not AuditEvent.objects.filter(action="never happened").exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_is_recorded_only_in_the_transaction_in_which_it_happens(study, now):
    with pytest.raises(
        transaction.TransactionManagementError, match="'looked' is recorded in the transaction"
    ):
        audit.record(study, "looked", by=actors.SYSTEM, at=now)
    assert not AuditEvent.objects.filter(action="looked").exists()


def test_what_is_wrong_in_a_study_is_no_fault_of_another_whose_name_begins_alike(trail, now):
    longer = Study.objects.create(
        slug=f"{trail.slug}-two", public_slug="two", code_prefix="TW", state="open", loaded_at=now
    )
    audit.record(longer, "looked", by=actors.SYSTEM, at=now)
    lift_triggers()
    assert AuditEvent.objects.filter(stream=longer.slug).update(action="looked away") == 1
    assert audit.verify(trail) == []
    assert audit.verify(longer) != []


def test_the_command_verifies_no_study_that_is_not_there(db):
    with pytest.raises(CommandError, match="there is no study 'nowhere'"):
        call_command("verify_audit", "nowhere")
