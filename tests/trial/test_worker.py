"""One round of the worker does what is due, and a second at the same moment does nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import factories
from trial import actors, audit, hooks, worker
from trial.actions import alerts, participants
from trial.models import Alert, AuditEvent, AuditSeal, Journey, Participant

pytestmark = pytest.mark.django_db


def test_a_second_round_at_the_same_moment_changes_nothing(study, now):
    factories.a_randomised_participant(study, now)
    at = now + timedelta(days=15)
    worker.tick(at)
    before = (AuditEvent.objects.count(), AuditSeal.objects.count())
    again = worker.tick(at)
    assert (again.messages, again.stopped, again.seals) == (0, 0, 0)
    assert (AuditEvent.objects.count(), AuditSeal.objects.count()) == before


def test_a_screening_left_alone_for_a_day_is_over(study, now):
    person = participants.begin(study=study, language="en", by=actors.visitor("new"), at=now)
    worker.tick(now + timedelta(hours=23))
    assert Participant.objects.get(pk=person.pk).state == "screening"
    worker.tick(now + timedelta(hours=25))
    person.refresh_from_db()
    assert (person.state, person.left_reason, person.left_stage) == ("excluded", "stopped", "screening")


def test_whoever_gave_an_address_has_a_month_to_sign(study, now):
    person = factories.a_verified_participant(study, now)
    worker.tick(now + timedelta(days=29))
    assert Participant.objects.get(pk=person.pk).state == "screening"
    worker.tick(now + timedelta(days=31))
    person.refresh_from_db()
    assert (person.state, person.left_stage) == ("excluded", "consent")


def always_fails(participant, at):
    raise RuntimeError("no")


def test_somebody_whose_step_fails_stops_nobody_else_and_is_tried_again(study, now, settings):
    settings.JOURNEY = [*settings.JOURNEY[:7], f"{__name__}.always_fails", *settings.JOURNEY[7:]]
    hooks.entries.cache_clear()
    try:
        dan = factories.a_randomised_participant(study, now)
        other = factories.a_verified_participant(study, now)
        worker.tick(now + timedelta(days=31))
    finally:
        hooks.entries.cache_clear()
    assert list(Alert.objects.filter(participant=dan).values_list("kind", flat=True)) == ["journey"]
    assert Participant.objects.get(pk=other.pk).state == "excluded"
    row = Journey.objects.get(participant=dan)
    assert row.failed_at == now + timedelta(days=31)

    settings.JOURNEY = [path for path in settings.JOURNEY if not path.endswith("always_fails")]
    hooks.entries.cache_clear()
    worker.tick(now + timedelta(days=32))
    row.refresh_from_db()
    assert (row.failed_at, "outcomes.dating" in row.passed or row.due_at is not None) == (None, True)
    assert audit.verify(study) == []


def test_a_step_that_still_fails_after_its_alert_was_closed_raises_another(study, now, settings):
    settings.JOURNEY = [*settings.JOURNEY[:7], f"{__name__}.always_fails", *settings.JOURNEY[7:]]
    hooks.entries.cache_clear()
    try:
        dan = factories.a_randomised_participant(study, now)
        worker.tick(now + timedelta(hours=1))
        first = Alert.objects.get(participant=dan)
        eva = actors.staff(1, "supervisor")
        alerts.take(alert=first, by=eva, at=now)
        alerts.close(alert=first, done="looked", by=eva, at=now)
        for hours in (2, 3):
            worker.tick(now + timedelta(hours=hours))
    finally:
        hooks.entries.cache_clear()
    assert list(Alert.objects.order_by("pk").values_list("kind", "state", "raised_at")) == [
        ("journey", "closed", now),
        ("journey", "raised", now + timedelta(hours=2)),
    ]


def test_each_round_seals_what_moved(study, now):
    dan = factories.a_randomised_participant(study, now)
    assert worker.tick(now).seals == 1
    assert worker.tick(now).seals == 0
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    assert worker.tick(now).seals == 1
    assert AuditSeal.objects.filter(study=study.slug).count() == 2
