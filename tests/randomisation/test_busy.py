"""A lock that somebody else holds for longer than a person waits: told as such, and nothing is done
without it.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from outcomes.actions import assessments
from outcomes.queries import assessments as reads
from randomisation.actions import allocations
from randomisation.models import Allocation, Scope
from tests import factories
from tests.api import clients
from tests.randomisation import people
from trial import actors, audit, busy, worker
from trial.actions import journey
from trial.models import Alert, RequestKey

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def impatient(transactional_db):
    """This test's connection waits for no lock longer than a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    yield
    connection.close()


@contextlib.contextmanager
def held(sql: str, *values: object):
    """Somebody else holds the rows that `sql` selects."""
    given = {
        k: v
        for k, v in connection.get_connection_params().items()
        if k not in {"cursor_factory", "context"}
    }
    with psycopg.connect(**given) as other:
        assert other.execute(f"{sql} FOR UPDATE", values).fetchall()
        yield
        other.rollback()


def scope_of(study):
    return held("SELECT 1 FROM randomisation_scope WHERE study_id = %s", study.pk)


def person_of(participant):
    return held("SELECT 1 FROM trial_participant WHERE id = %s", participant.pk)


def test_while_the_scope_is_held_nobody_is_allocated_without_its_lock_and_nothing_is_consumed(
    tmp_path, now, impatient
):
    study = people.a_study(tmp_path, now)
    first, _, second = people.consented(study, 3, now)
    allocations.allocate(participant=first, key="1", by=actors.SYSTEM, at=now)

    with scope_of(study), pytest.raises(OperationalError) as refused:
        allocations.allocate(participant=second, key="2", by=actors.SYSTEM, at=now)

    assert busy.is_busy(refused.value)
    assert (
        Allocation.objects.count(),
        Scope.objects.get().next_index,
        RequestKey.objects.count(),
    ) == (1, 1, 1)
    allocations.allocate(participant=second, key="2", by=actors.SYSTEM, at=now)
    assert list(Allocation.objects.order_by("pk").values_list("draw_index", flat=True)) == [0, 1]
    assert audit.verify(study) == []


def test_who_answers_the_last_question_meanwhile_is_thanked_and_randomised_by_the_worker(
    study, now, impatient
):
    factories.a_randomised_participant(study, now)
    dan = factories.a_consented_participant(study, now)
    for row in reads.sitting(dan, "pre").remaining(now):
        given = factories.answers_to(
            study, row.instrument, 1, **({"_9": 0} if row.instrument == "PHQ9" else {})
        )
        assessments.submit(
            assessment=row, answers=given, language="en", by=actors.participant(dan.code), at=now
        )

    with scope_of(study):
        journey.advance(dan, now)
    dan.refresh_from_db()
    assert (dan.state, dan.journey.due_at, dan.journey.failed_at, Alert.objects.count()) == (
        "consented",
        now + timedelta(seconds=busy.RETRY_AFTER),
        None,
        0,
    )

    later = now + timedelta(minutes=1)
    worker.tick(later)
    dan.refresh_from_db()
    assert (dan.state, dan.randomised_at) == ("randomised", later)


def test_a_page_says_when_to_come_back(study, now, impatient):
    dan = factories.a_randomised_participant(study, now)
    browser = Client()
    browser.force_login(dan.user, settings.AUTHENTICATION_BACKENDS[0])

    with person_of(dan):
        page = browser.post(reverse("participant:language"), {"language": "nl"})

    assert (page.status_code, page.headers["Retry-After"], page.headers["Cache-Control"]) == (
        503,
        "5",
        "no-store",
    )
    assert "Just a moment" in page.content.decode()
    dan.refresh_from_db()
    assert dan.language == "en"


def test_the_api_says_so_too_and_the_same_key_may_be_sent_again(study, now, impatient):
    dan = factories.a_randomised_participant(study, now)
    client, key = clients.of(dan), clients.a_key()

    with person_of(dan):
        refused = client.put("language/", {"language": "nl"}, key=key)
    assert (refused.status_code, refused.headers["Retry-After"], refused.json()["code"]) == (
        503,
        "5",
        "busy",
    )

    assert client.put("language/", {"language": "nl"}, key=key).status_code == 200
    dan.refresh_from_db()
    assert dan.language == "nl"


def test_an_error_that_is_no_lock_is_not_told_as_one(transactional_db):
    with pytest.raises(OperationalError) as refused, connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    connection.close()
    assert not busy.is_busy(refused.value)
