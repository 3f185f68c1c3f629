"""A database that is away: every door says when to come back, and nothing is taken for a fault."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test import Client

from tests.api import clients
from trial import busy
from trial.models import Alert


@pytest.mark.django_db
def test_an_embedded_database_that_cannot_be_opened_is_away(tmp_path):
    gone = {
        **connection.settings_dict,
        "NAME": str(tmp_path / "gone" / "away.sqlite3"),
        "OPTIONS": {},
    }
    with pytest.raises(OperationalError) as refused:
        DatabaseWrapper(gone).ensure_connection()
    assert (busy.is_away(refused.value), busy.is_busy(refused.value)) == (True, False)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_every_door_says_when_to_come_back_and_nothing_is_a_fault(
    study, dan
):
    browser, api = Client(raise_request_exception=False), clients.of(dan)
    browser.force_login(dan.user, settings.AUTHENTICATION_BACKENDS[0])
    api.api.raise_request_exception = False
    asks = [
        lambda: browser.get("/participant/"),
        lambda: browser.get("/"),
        lambda: browser.post("/participant/language/", {"language": "nl"}),
        lambda: browser.get("/account/login/code/"),
        lambda: api.get("today/"),
        lambda: api.put("language/", {"language": "nl"}),
        lambda: browser.get("/api/v1/today/"),
    ]
    for ask in asks:
        cut()
        answer = ask()
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        connection.close()
    assert "cannot reach our records" in answer.content.decode()
    assert Alert.objects.count() == 0


def cut() -> None:
    """As when the server is started anew: this process still holds its end."""
    connection.ensure_connection()
    mine = connection.connection.info.backend_pid
    given = {
        k: v
        for k, v in connection.get_connection_params().items()
        if k not in {"cursor_factory", "context"}
    }
    with psycopg.connect(**given) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (mine,))
