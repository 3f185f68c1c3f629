"""Alerts: one per occasion, owned by the study's safety contact, closed with a note."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from outcomes.actions import assessments
from outcomes.queries import assessments as reads
from tests import factories
from trial import actors, audit, worker
from trial.actions import alerts
from trial.lifecycles import NotAllowedNow
from trial.models import Alert, AuditEvent, Message
from trial.queries import alerts as queries

pytestmark = pytest.mark.django_db
LIVING_POSITIVE = Path(__file__).resolve().parents[2] / "trial" / "studies" / "living-positive"
EVA, ADA = actors.staff(1, "supervisor"), actors.staff(2, "researcher")


def raised(study, person, now, ref="post", **more):
    return alerts.raise_alert(
        study=study,
        participant=person,
        kind="item9",
        subject_ref=ref,
        within_hours=24,
        by=actors.SYSTEM,
        at=now,
        **more,
    )


def test_one_alert_and_one_mail_per_occasion(study, dan, now):
    first = raised(study, dan, now)
    assert raised(study, dan, now + timedelta(hours=1)) == first
    assert raised(study, dan, now, ref="followup") != first
    assert (Alert.objects.count(), Message.objects.filter(kind="alert").count()) == (2, 2)
    assert first.deadline_at == now + timedelta(hours=24)


def closed(alert, now):
    alerts.take(alert=alert, by=EVA, at=now)
    return alerts.close(alert=alert, done="called", by=EVA, at=now)


@pytest.mark.parametrize("about", ["somebody", "nobody"])
def test_what_comes_back_after_its_alert_was_closed_raises_another_with_a_mail_of_its_own(about, study, dan, now):
    person = dan if about == "somebody" else None
    first = closed(raised(study, person, now), now)
    again = raised(study, person, now + timedelta(hours=1))
    assert raised(study, person, now + timedelta(hours=2)) == again
    assert (again.pk != first.pk, again.state, again.raised_at) == (True, "raised", now + timedelta(hours=1))
    assert set(Message.objects.filter(kind="alert").values_list("subject_ref", flat=True)) == {
        str(first.pk),
        str(again.pk),
    }


@pytest.mark.parametrize("about", ["somebody", "nobody"])
def test_the_database_holds_no_two_open_alerts_of_one_occasion(about, study, dan, now):
    first = raised(study, dan if about == "somebody" else None, now)
    first.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save(force_insert=True)


def test_two_studies_may_have_the_same_occasion_at_once(study, now):
    other = factories.a_loaded_study(LIVING_POSITIVE, now)
    assert raised(study, None, now).pk != raised(other, None, now).pk


def test_the_database_holds_no_two_messages_about_nobody_of_one_occasion(study, now):
    raised(study, None, now)
    message = Message.objects.get(participant=None)
    message.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        message.save(force_insert=True)


def test_the_owner_is_told_without_a_word_of_what_it_is_about(study, dan, now):
    alert = raised(study, dan, now)
    worker.tick(now)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["eva@example.org"], f"Alert {alert.pk}")
    assert "until 2026-03-03 11:00 (Europe/Amsterdam; 2026-03-03 10:00 UTC)." in sent.body
    for telling in (dan.code, dan.identity.name, "item9", "PHQ"):
        assert telling not in sent.body


@pytest.mark.parametrize(("answer", "count"), [(0, 0), (1, 1), (3, 1)])
def test_item_nine_above_nought_raises_an_alert_whatever_the_arm(study, now, answer, count):
    for arm in ("guided", "unguided"):
        person = factories.a_participant_in(study, arm, now)
        at = now + timedelta(days=43)
        worker.tick(now + timedelta(days=42))
        row = next(row for row in reads.sitting(person, "post").remaining(at) if row.instrument == "PHQ9")
        given = {**factories.answers_to(study, "PHQ9", 1), "9": answer}
        assessments.submit(assessment=row, answers=given, language="en", by=actors.participant(person.code), at=at)
        found = Alert.objects.filter(participant=person, kind="item9")
        assert [alert.deadline_at for alert in found] == [at + timedelta(hours=24)] * count


def test_closing_needs_a_note_and_somebody_who_took_it(study, dan, now):
    alert = raised(study, dan, now)
    with pytest.raises(alerts.NotTaken):
        alerts.close(alert=alert, done="called", by=EVA, at=now)
    alerts.take(alert=alert, by=EVA, at=now)
    with pytest.raises(alerts.NotTaken):
        alerts.close(alert=alert, done="called", by=ADA, at=now)
    with pytest.raises(alerts.NothingDone):
        alerts.close(alert=alert, done="  ", by=EVA, at=now)
    closed = alerts.close(alert=alert, done="called", by=EVA, at=now)
    assert (closed.state, closed.closed_by, dan.unsealed(closed.done_sealed)) == ("closed", "staff 1", "called")
    for late in (alerts.take, partial(alerts.close, done="called too")):
        with pytest.raises(NotAllowedNow):
            late(alert=alert, by=ADA, at=now)


def test_somebody_else_may_take_it_over_and_the_trail_says_from_whom(study, dan, now):
    alert = raised(study, dan, now)
    alerts.take(alert=alert, by=EVA, at=now)
    with pytest.raises(alerts.TakenMeanwhile):
        alerts.take(alert=alert, by=ADA, at=now)
    assert alerts.take(alert=alert, holder="staff 1", by=ADA, at=now).taken_by == "staff 2"
    event = AuditEvent.objects.filter(action="alert taken").order_by("number").last()
    assert event.old == '{"state":"taken","taken_by":"staff 1"}'


def test_name_and_number_are_for_whoever_took_it_and_each_look_is_recorded(study, dan, now):
    alert = raised(study, dan, now)
    with pytest.raises(alerts.NotTaken):
        alerts.show_contact(alert=alert, by=EVA, at=now)
    alerts.take(alert=alert, by=EVA, at=now)
    with pytest.raises(alerts.NotTaken):
        alerts.show_contact(alert=alert, by=ADA, at=now)
    assert alerts.show_contact(alert=alert, by=EVA, at=now).name == dan.identity.name
    assert AuditEvent.objects.filter(action="contact details shown").count() == 1


def test_an_alert_about_nobody_in_particular_can_be_closed_too(study, now):
    alert = raised(study, None, now)
    alerts.take(alert=alert, by=EVA, at=now)
    alerts.close(alert=alert, done="looked", by=EVA, at=now)
    assert (Alert.objects.get().state, audit.verify(study)) == ("closed", [])


def test_an_alert_is_overdue_after_its_deadline_and_not_at_it(study, dan, now):
    alert = alerts.raise_alert(
        study=study, participant=dan, kind="item9", subject_ref="x", within_hours=24, by=actors.SYSTEM, at=now
    )
    deadline = now + timedelta(hours=24)
    assert alert.deadline_at == deadline
    assert not queries.is_overdue(alert, deadline)
    assert queries.is_overdue(alert, deadline + timedelta(seconds=1))
    alert.state = "closed"
    assert not queries.is_overdue(alert, deadline + timedelta(seconds=1))
