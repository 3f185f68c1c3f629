"""Rows written as SQL: the same rows as Django would write, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import sleep

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tests import factories
from trial import actors, audit, busy, rows
from trial.models import Participant, RequestKey
from trial.prepared import Statement

pytestmark = [pytest.mark.django_db, pytest.mark.as_in_service]
AT = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)
SAME = ("person", "action", "key")


def a_key(**values) -> RequestKey:
    return RequestKey(
        **{"person": "dan", "action": "a.b", "key": "1", "digest": "d", "claimed_at": AT, **values}
    )


def stored() -> list[dict]:
    return list(
        RequestKey.objects.order_by("key").values(
            "person", "action", "key", "digest", "result", "claimed_at"
        )
    )


@pytest.mark.parametrize("result", [None, {"value": "it's 100%"}])
def test_a_row_is_written_as_django_would_write_it(result):
    a_key(result=result).save()
    (by_django,) = stored()
    RequestKey.objects.all().delete()

    assert rows.insert(a_key(result=result)) is True
    assert stored() == [by_django]


def test_a_row_that_stands_already_is_left_as_it_is():
    assert rows.insert(a_key(), unless=SAME) is True
    assert rows.insert(a_key(digest="another"), unless=SAME) is False
    assert rows.insert(a_key(key="2"), unless=SAME) is True
    assert [each["digest"] for each in stored()] == ["d", "d"]


def test_without_saying_so_a_row_that_stands_already_is_an_error():
    rows.insert(a_key())
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert(a_key())


def test_what_is_set_is_set_where_every_column_agrees_and_nowhere_else():
    for key in ("1", "2"):
        rows.insert(a_key(key=key))
    later = AT + timedelta(hours=1)

    assert (
        rows.update(
            RequestKey, {"person": "dan", "key": "1"}, result={"value": 1}, claimed_at=later
        )
        == 1
    )
    assert rows.update(RequestKey, {"person": "eva", "key": "1"}, digest="x") == 0

    assert [
        (each["key"], each["result"], each["claimed_at"], each["digest"]) for each in stored()
    ] == [
        ("1", {"value": 1}, later, "d"),
        ("2", None, AT, "d"),
    ]


def test_what_is_to_be_empty_is_asked_for_as_such():
    rows.insert(a_key(key="1"))
    rows.insert(a_key(key="2", result={}))

    assert rows.update(RequestKey, {"person": "dan", "result": None}, digest="e") == 1

    assert [(each["key"], each["digest"]) for each in stored()] == [("1", "e"), ("2", "d")]


def test_statements_at_once_are_run_one_after_the_other_with_their_own_values():
    a_key(key="100%").save()
    rows.at_once(
        rows.removal(RequestKey, {"key": "100%"}),
        rows.insertion(a_key(key="2")),
        rows.insertion(a_key(key="3", digest="it's; 100%")),
        rows.change(RequestKey, {"key": "2"}, digest="e"),
    )
    assert [(each["key"], each["digest"]) for each in stored()] == [("2", "e"), ("3", "it's; 100%")]


def test_what_fails_among_statements_at_once_leaves_nothing_of_them():
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.at_once(
            rows.insertion(a_key()), rows.insertion(a_key()), rows.insertion(a_key(key="2"))
        )
    assert stored() == []
    with transaction.atomic():
        assert rows.insert(a_key(), unless=SAME) is True


def test_joined_writes_of_which_another_would_not_be_heard_are_refused():
    heard = rows.removal(RequestKey, {"key": "1"})._replace(heard=print)
    with pytest.raises(ValueError, match="would not be heard"):
        rows.joined(heard, rows.removal(RequestKey, {"key": "2"}))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_lock_that_cannot_be_had_among_statements_is_told_as_busy_and_spoils_nothing():
    """In the savepoint that it was asked for in, at whatever use of the statements."""
    assert not connection.execute_wrappers
    gate, read = rows.gate(1), Statement("SELECT digest FROM trial_requestkey", [])
    known = connection.get_connection_params()
    given = {name: known[name] for name in known if name not in {"cursor_factory", "context"}}
    for _ in range(3):
        with psycopg.connect(**given) as other, transaction.atomic():
            other.execute(gate[0].text.replace("_shared", ""), gate[0].values)
            rows.at_once(Statement("SET LOCAL lock_timeout = '50ms'", []), read)
            with pytest.raises(OperationalError) as told, transaction.atomic():
                rows.at_once(*gate, read)
            other.rollback()
            assert busy.is_busy(told.value)
            assert [each.rows for each in rows.at_once(read, read)] == [[], []]


def test_joined_writes_are_made_and_what_came_of_the_last_is_heard():
    a_key(key="1").save()
    heard = []
    removed = rows.removal(RequestKey, {"key": "1"})
    changed = rows.change(RequestKey, {"key": "2"}, digest="it's; 100%")
    a_key(key="2").save()
    rows.at_once(*rows.joined(removed, changed._replace(heard=heard.append)))
    assert [(each["key"], each["digest"]) for each in stored()] == [("2", "it's; 100%")]
    assert [each.count for each in heard] == [1]


@pytest.mark.parametrize("is_read_again", [False, True])
def test_what_is_digested_of_a_written_fact_is_the_row_as_it_stands(study, now, is_read_again):
    dan = factories.a_screening_participant(study, now)
    with transaction.atomic():
        rows.update(Participant, {"id": dan.pk}, language="de", site="east")
        if is_read_again:
            Participant.objects.filter(pk=dan.pk).update(language="nl")
        audit.record(dan, "moved", by=actors.SYSTEM, at=now)
    assert audit.verify(study) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_each_statement_at_once_sees_what_was_committed_while_the_one_before_it_waited():
    a_key().save()
    is_ready, is_shut, answers = Event(), Event(), []

    def ask() -> None:
        read = Statement("SELECT digest FROM trial_requestkey", [])
        try:
            for _ in range(3):  # until the server keeps what is sent
                with transaction.atomic():
                    rows.at_once(*rows.gate(1), read)
            is_ready.set()
            is_shut.wait(10)
            with transaction.atomic():
                answers.extend(rows.at_once(read, *rows.gate(1), read))
        finally:
            connection.close()

    thread = Thread(target=ask)
    thread.start()
    is_ready.wait(10)
    with transaction.atomic():
        rows.pass_gate(1, alone=True)
        is_shut.set()
        sleep(0.5)
        RequestKey.objects.update(digest="later")
    thread.join(10)
    before, _, after = answers
    assert (before.rows, after.rows) == ([("d",)], [("later",)])
