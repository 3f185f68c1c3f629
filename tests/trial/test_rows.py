"""Rows written as SQL: the same rows as Django would write, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from trial import rows
from trial.models import RequestKey

pytestmark = pytest.mark.django_db
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
