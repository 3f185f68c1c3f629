"""Alerts: one per occasion, owned by the study's safety contact, closed with a note."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction

from outcomes.actions import assessments
from outcomes.queries import assessments as reads
from tests import factories
from trial import actors, audit, vault, worker
from trial.actions import alerts, participants
from trial.lifecycles import NotAllowedNow
from trial.models import Alert, AuditEvent, Message, Participant
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


def events(action):
    """What the trail says of each, in their order: whose stream, subject, old, new, who, which role
    and when.
    """
    columns = ("stream", "subject", "old", "new", "by", "role", "at")
    return list(
        AuditEvent.objects.filter(action=action).order_by("at", "number").values_list(*columns)
    )


def stream(study, person):
    return f"{study.slug}/{person.code}" if person else study.slug


@pytest.mark.parametrize("about", ["somebody", "nobody"])
def test_raising_stands_in_the_trail_and_puts_one_message_in_the_ledger(about, study, dan, now):
    person = dan if about == "somebody" else None
    alert = raised(study, person, now)
    new = '{"deadline_at":"2026-03-03T10:00:00.000000+00:00","kind":"item9","occasion":"post"}'
    told = (stream(study, person), f"alert {alert.pk}", "", new, "system", "", now)
    assert events("alert raised") == [told]
    message = Message.objects.get(kind="alert")
    kept = (message.study, message.participant, message.subject_ref, message.state, message.due_at)
    assert kept == (study, person, str(alert.pk), "queued", now)
    queued = AuditEvent.objects.get(action="message queued", subject=f"message {message.pk}")
    assert (queued.at, '"kind":"alert"' in queued.new) == (now, True)
    alert.refresh_from_db()
    row = (
        alert.study,
        alert.participant,
        alert.kind,
        alert.subject_ref,
        alert.state,
        alert.raised_at,
    )
    assert row == (study, person, "item9", "post", "raised", now)
    assert (alert.phone_sealed, alert.taken_by, alert.closed_by) == ("", "", "")


def test_a_number_that_is_left_again_replaces_the_one_before_and_the_same_changes_nothing(
    study, dan, now
):
    later = now + timedelta(minutes=1)
    alert = raised(study, dan, now, phone="+31600000001")
    first = alert.phone_sealed
    assert dan.unsealed(first) == "+31600000001"
    for phone in ("", "+31600000001"):
        assert raised(study, dan, later, phone=phone).phone_sealed == first
    assert events("phone number left again") == []
    again = raised(study, dan, later, phone="+31600000002")
    assert (again, dan.unsealed(again.phone_sealed)) == (alert, "+31600000002")
    alert.refresh_from_db()
    assert alert.phone_sealed == again.phone_sealed
    old, new = f'{{"sealed":"{first}"}}', f'{{"sealed":"{again.phone_sealed}"}}'
    told = (stream(study, dan), f"alert {alert.pk}", old, new, "system", "", later)
    assert events("phone number left again") == [told]
    assert audit.verify(study) == []


def test_an_alert_about_nobody_keeps_no_number(study, now):
    assert raised(study, None, now, phone="+31600000001").phone_sealed == ""
    assert raised(study, None, now, phone="+31600000002").phone_sealed == ""
    assert events("phone number left again") == []


@pytest.mark.parametrize(
    ("phone", "kept"), [("", "+31600000001"), ("+31600000002", "+31600000002")]
)
def test_what_somebody_else_raises_between_looking_and_writing_is_taken_for_the_same(
    phone, kept, study, dan, now
):
    """Nothing waits when it is looked for; when the row is to be written, another request has
    written it.
    """
    others = []

    def another_is_faster(execute, sql, params, many, context):
        if sql.startswith("SAVEPOINT") and not others:
            others.append(None)
            others[0] = raised(study, dan, now, phone="+31600000001")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(another_is_faster):
        found = raised(study, dan, now, phone=phone)
    assert (found, dan.unsealed(found.phone_sealed)) == (others[0], kept)
    assert (Alert.objects.count(), Message.objects.filter(kind="alert").count()) == (1, 1)
    assert len(events("alert raised")) == 1


def closed(alert, now):
    alerts.take(alert=alert, by=EVA, at=now)
    return alerts.close(alert=alert, done="called", by=EVA, at=now)


def test_a_number_that_is_left_while_its_alert_is_closed_raises_another(study, dan, now):
    """The alert waits when it is looked for; when the number is to be written, somebody has closed
    it.
    """
    first, later = raised(study, dan, now, phone="+31600000001"), now + timedelta(hours=1)
    begun = []

    def somebody_closes_it(execute, sql, params, many, context):
        if sql.startswith("SAVEPOINT") and not begun:
            begun.append(None)
            closed(first, now)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(somebody_closes_it):
        again = raised(study, dan, later, phone="+31600000002")
    assert (again.pk != first.pk, again.state, again.raised_at) == (True, "raised", later)
    assert dan.unsealed(again.phone_sealed) == "+31600000002"
    first.refresh_from_db()
    assert (first.state, dan.unsealed(first.phone_sealed)) == ("closed", "+31600000001")
    assert Message.objects.filter(kind="alert").count() == 2
    assert audit.verify(study) == []


def test_what_somebody_else_raises_and_closes_in_the_same_moment_is_raised_with_its_own_deadline(
    study, dan, now
):
    others, inside = [], []

    def somebody_is_faster(execute, sql, params, many, context):
        if sql.startswith("SAVEPOINT") and not inside and len(others) < 2:
            inside.append(None)
            others.append(
                closed(others[0], now) if others else raised(study, dan, now, phone="+31600000001")
            )
            inside.clear()
        return execute(sql, params, many, context)

    later = now + timedelta(hours=1)
    with connection.execute_wrapper(somebody_is_faster):
        again = raised(study, dan, later, phone="+31600000002")
    assert (again.pk != others[0].pk, dan.unsealed(again.phone_sealed)) == (True, "+31600000002")
    assert again.deadline_at - later == others[0].deadline_at - now


@pytest.mark.parametrize("about", ["somebody", "nobody"])
def test_what_comes_back_after_its_alert_was_closed_raises_another_with_a_mail_of_its_own(
    about, study, dan, now
):
    person = dan if about == "somebody" else None
    first = closed(raised(study, person, now), now)
    again = raised(study, person, now + timedelta(hours=1))
    assert raised(study, person, now + timedelta(hours=2)) == again
    assert (again.pk != first.pk, again.state, again.raised_at) == (
        True,
        "raised",
        now + timedelta(hours=1),
    )
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
        row = next(
            row for row in reads.sitting(person, "post").remaining(at) if row.instrument == "PHQ9"
        )
        given = {**factories.answers_to(study, "PHQ9", 1), "9": answer}
        assessments.submit(
            assessment=row, answers=given, language="en", by=actors.participant(person.code), at=at
        )
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
    later = now + timedelta(minutes=9)
    closed = alerts.close(alert=alert, done="called", by=EVA, at=later)
    closed.refresh_from_db()
    assert (closed.state, closed.closed_by, closed.closed_at) == ("closed", "staff 1", later)
    assert dan.unsealed(closed.done_sealed) == "called"
    told = (stream(study, dan), f"alert {alert.pk}", '{"state":"taken"}', '{"state":"closed"}')
    assert events("alert closed") == [(*told, "staff 1", "supervisor", later)]
    for late in (alerts.take, partial(alerts.close, done="called too")):
        with pytest.raises(NotAllowedNow):
            late(alert=alert, by=ADA, at=now)


def test_taking_says_who_and_when(study, dan, now):
    alert = raised(study, dan, now)
    later = now + timedelta(minutes=5)
    taken = alerts.take(alert=alert, by=EVA, at=later)
    taken.refresh_from_db()
    assert (taken.state, taken.taken_by, taken.taken_at) == ("taken", "staff 1", later)
    old = '{"state":"raised","taken_by":""}'
    told = (
        stream(study, dan),
        f"alert {alert.pk}",
        old,
        '{"state":"taken"}',
        "staff 1",
        "supervisor",
        later,
    )
    assert events("alert taken") == [told]


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
    later = now + timedelta(minutes=5)
    shown = alerts.show_contact(alert=alert, by=EVA, at=later)
    assert shown == alerts.Reached(name=dan.identity.name, phone=dan.identity.phone, language="en")
    told = (stream(study, dan), f"alert {alert.pk}", "", "", "staff 1", "supervisor", later)
    assert events("contact details shown") == [told]


def test_a_look_is_recorded_once_for_each_key_and_each_time_without_one(study, dan, now):
    alert = alerts.take(alert=raised(study, dan, now), by=EVA, at=now)
    for key, looks in (("one", 1), ("one", 1), ("two", 2), (None, 3), (None, 4)):
        assert alerts.show_contact(alert=alert, key=key, by=EVA, at=now).name == dan.identity.name
        assert AuditEvent.objects.filter(action="contact details shown").count() == looks
    alerts.take(alert=alert, holder="staff 1", by=ADA, at=now)
    with pytest.raises(alerts.NotTaken):
        alerts.show_contact(alert=alert, key="one", by=EVA, at=now)


def test_of_somebody_who_was_erased_nothing_is_shown_and_no_look_is_recorded(study, dan, now):
    alert = alerts.take(alert=raised(study, dan, now), by=EVA, at=now)
    participants.erase(participant=dan, reason="asked_by_participant", by=actors.SYSTEM, at=now)
    alert = Alert.objects.get(pk=alert.pk)
    assert alerts.show_contact(alert=alert, by=EVA, at=now) == alerts.Reached()
    assert events("contact details shown") == []


def test_a_number_left_at_the_screening_goes_before_the_one_of_the_person(study, dan, now):
    alert = alerts.take(alert=raised(study, dan, now, phone="+31600000001"), by=EVA, at=now)
    shown = alerts.show_contact(alert=alert, by=EVA, at=now)
    assert shown == alerts.Reached(name=dan.identity.name, phone="+31600000001", language="en")


@pytest.mark.parametrize(("phone", "language"), [("", "en"), ("+31600000001", "nl")])
def test_of_somebody_at_the_screening_only_what_they_left_is_shown(phone, language, study, now):
    person = factories.a_screening_participant(study, now)
    Participant.objects.filter(pk=person.pk).update(language=language)
    alert = alerts.take(alert=raised(study, person, now, phone=phone), by=EVA, at=now)
    assert alerts.show_contact(alert=alert, by=EVA, at=now) == alerts.Reached("", phone, language)


def test_of_nobody_there_is_nothing_to_show_nor_to_record(study, now):
    alert = alerts.take(alert=raised(study, None, now), by=EVA, at=now)
    assert alerts.show_contact(alert=alert, by=EVA, at=now) == alerts.Reached("", "", "")
    assert events("contact details shown") == []


def test_an_alert_about_nobody_in_particular_can_be_closed_too(study, now):
    alert = raised(study, None, now)
    alerts.take(alert=alert, by=EVA, at=now)
    alerts.close(alert=alert, done="looked", by=EVA, at=now)
    alert = Alert.objects.get()
    assert (alert.state, vault.unseal(alert.done_sealed), audit.verify(study)) == (
        "closed",
        "looked",
        [],
    )
    for action in ("alert taken", "alert closed"):
        assert [each[:2] for each in events(action)] == [(study.slug, f"alert {alert.pk}")]


def test_an_alert_is_overdue_after_its_deadline_and_not_at_it(study, dan, now):
    alert = alerts.raise_alert(
        study=study,
        participant=dan,
        kind="item9",
        subject_ref="x",
        within_hours=24,
        by=actors.SYSTEM,
        at=now,
    )
    deadline = now + timedelta(hours=24)
    assert alert.deadline_at == deadline
    assert not queries.is_overdue(alert, deadline)
    assert queries.is_overdue(alert, deadline + timedelta(seconds=1))
    alert.state = "closed"
    assert not queries.is_overdue(alert, deadline + timedelta(seconds=1))


@pytest.mark.parametrize("about", ["somebody", "nobody"])
def test_what_was_done_is_read_while_whoever_it_is_about_has_a_key(about, study, dan, now):
    alert = raised(study, dan if about == "somebody" else None, now)
    assert queries.what_was_done(alert) == ""
    alerts.take(alert=alert, by=EVA, at=now)
    assert (
        queries.what_was_done(alerts.close(alert=alert, done="Called", by=EVA, at=now)) == "Called"
    )
    participants.erase(participant=dan, reason="other", by=EVA, at=now)
    left = queries.what_was_done(Alert.objects.get(pk=alert.pk))
    assert left == (None if about == "somebody" else "Called")
