"""Queries whose statement is built once give what the ORM gives, each time, in whatever thread."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.conftest import NOW, SMALL
from trial.models import Message, Participant
from trial.prepared import NotPreparable, prepared


@prepared
def in_state(study: int, state: str) -> models.QuerySet[Participant]:
    return (
        Participant.objects.filter(study=study, state=state)
        .select_related("study", "key")
        .order_by("-began_at", "pk")
    )


@prepared
def due(kind: str, at: datetime) -> models.QuerySet[Message, tuple[int, datetime]]:
    return (
        Message.objects.filter(kind=kind, due_at__lte=at).order_by("pk").values_list("pk", "due_at")
    )


@prepared
def held(person: int) -> models.QuerySet[Participant]:
    return Participant.held().only("code").filter(pk=person)[:1]


def test_rows_are_those_of_the_orm_in_one_statement(study, dan):
    factories.a_screening_participant(study, NOW)
    factories.a_screening_participant(study, NOW + timedelta(hours=1))
    for state, count in (("screening", 2), ("randomised", 1), ("screening", 2), ("excluded", 0)):
        wanted = Participant.objects.filter(study=study, state=state).order_by("-began_at", "pk")
        with CaptureQueriesContext(connection) as asked:
            found = in_state(study.pk, state)
            assert [each.study.slug for each in found] == [study.slug] * count
            assert all(each.key.sealed_key for each in found)
        assert len(asked) == 1
        assert [vars(each) | {"_state": 0} for each in wanted.select_related("study", "key")] == [
            vars(each) | {"_state": 0} for each in found
        ]


def test_a_moment_is_compared_as_the_database_keeps_it(dan):
    message = Message.objects.filter(participant=dan).order_by("pk").first()
    assert message
    assert (message.pk, message.due_at) in due(message.kind, message.due_at)
    assert message.pk not in dict(due(message.kind, message.due_at - timedelta(microseconds=1)))


def test_a_row_is_locked_where_rows_can_be(dan):
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        assert held(dan.pk) == [dan]
    can = connection.features.has_select_for_update
    assert held.one(dan.pk) == dan
    with pytest.raises(Participant.DoesNotExist):
        held.one(-1)
    assert held.first(-1) is None
    assert ("FOR NO KEY UPDATE" in asked[0]["sql"]) == can


@pytest.mark.django_db(transaction=True)
def test_a_row_is_held_within_a_transaction_alone():
    dan = factories.a_randomised_participant(factories.an_open_study(SMALL, NOW), NOW)
    with transaction.atomic():
        assert held(dan.pk) == [dan]
    with pytest.raises(transaction.TransactionManagementError):
        held(dan.pk)


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_over_its_own_connection():
    study = factories.an_open_study(SMALL, NOW)
    factories.a_screening_participant(study, NOW)
    assert len(in_state(study.pk, "screening")) == 1
    found = []

    def ask():
        try:
            found.append(len(in_state(study.pk, "screening")))
        finally:
            connection.close()

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [1]


def test_what_has_no_place_in_a_statement_is_refused(db):
    with pytest.raises(NotPreparable, match="takes 2 values"):
        in_state(1)
    with pytest.raises(NotPreparable, match="takes 2 values"):
        in_state(None, "screening")
    with pytest.raises(NotPreparable, match="numbers is list"):

        @prepared
        def several(numbers: list[int]) -> models.QuerySet[Participant]:
            return Participant.objects.filter(pk__in=numbers)


def test_a_row_is_saved_as_the_orm_saves_it(study, dan):
    """Texts, moments, JSON, nothing, truth values and keys; a new row gets its number."""
    with CaptureQueriesContext(connection) as asked:
        made = Message.objects.create(
            study=study, participant=dan, kind="a", subject_ref="b", due_at=NOW
        )
        made.due_at, made.attempts, made.claimed_until = NOW + timedelta(hours=1), 2, None
        made.save(update_fields=["due_at", "attempts"])
        dan.earlier_zones, dan.site = [["2025-01-01T00:00:00+00:00", "Europe/Paris"]], "é"
        dan.save()
    assert len(asked) == 3
    assert values_of(Message.objects.get(pk=made.pk)) == values_of(made)
    assert values_of(Participant.objects.get(pk=dan.pk)) == values_of(dan)


def test_what_the_database_works_out_is_saved_by_the_orm(study, dan):
    made = Message.objects.create(
        study=study, participant=dan, kind="a", subject_ref="b", due_at=NOW
    )
    made.attempts = models.F("attempts") + 3
    made.save(update_fields=["attempts"])
    assert Message.objects.get(pk=made.pk).attempts == 3


def test_a_row_that_is_gone_is_not_changed_in_silence(study, dan):
    made = Message.objects.create(
        study=study, participant=dan, kind="a", subject_ref="b", due_at=NOW
    )
    Message.objects.filter(pk=made.pk).delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        made.save(update_fields=["due_at"])
    made.save()  # as Django does it: a row that is not there is made, under its number
    assert values_of(Message.objects.get(pk=made.pk)) == values_of(made)


def values_of(row: models.Model) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "_state"}
