"""The ledger of messages: never doubled, never lost from sight."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from outcomes.models import Assessment
from tests import factories
from trial import actors, audit, worker
from trial.actions import alerts, deliveries, messages, participants, staff
from trial.lifecycles import NotAllowedNow
from trial.models import Alert, AuditEvent, Message


class PowerCut(BaseException):
    """The process dies: nothing in the product catches this."""


class DiesWhileSending(BaseEmailBackend):
    def send_messages(self, email_messages):
        raise PowerCut


class RefusesMail(BaseEmailBackend):
    def send_messages(self, email_messages):
        raise OSError("refused dan1@example.org")


DIES = f"{__name__}.DiesWhileSending"
REFUSES = f"{__name__}.RefusesMail"


def an_invitation(study, at) -> Message:
    """One message in the ledger, to somebody of the staff."""
    made = staff.invite(study=study, email="new@example.org", role="coach", by=actors.SYSTEM, at=at)
    return Message.objects.get(kind="invitation", subject_ref=str(made.pk))


def a_raised_alert(study, participant, at) -> Message:
    alert = alerts.raise_alert(
        study=study,
        participant=participant,
        kind="item9",
        subject_ref="post",
        within_hours=24,
        by=actors.SYSTEM,
        at=at,
    )
    return Message.objects.get(kind="alert", subject_ref=str(alert.pk))


def two_weeks_later(study, now):
    """Somebody whose week 2 has come, and the worker has made its round."""
    dan = factories.a_randomised_participant(study, now)
    at = now + timedelta(days=15)
    worker.tick(at)
    return dan, at


def kinds(participant, timepoint: str = "week2") -> list[tuple[str, str, str]]:
    rows = Message.objects.filter(participant=participant, subject_ref=timepoint).order_by(
        "due_at", "pk"
    )
    return list(rows.values_list("kind", "subject_ref", "state"))


def addressees() -> list[str]:
    return [to for sent in mail.outbox for to in sent.to]


@pytest.mark.django_db
def test_whoever_leaves_the_baseline_is_written_to_once_and_reminded_once(study, now):
    dan, eve = (factories.a_consented_participant(study, now) for _ in range(2))
    factories.fill_in(eve, "pre", now + timedelta(minutes=20))
    for hours in (0, 2, 24, 72, 75, 240):
        worker.tick(now + timedelta(hours=hours))

    assert kinds(dan, "pre") == [
        ("assessment_invitation", "pre", "sent"),
        ("assessment_reminder", "pre", "sent"),
    ]
    assert kinds(eve, "pre") == [
        ("assessment_invitation", "pre", "cancelled"),
        ("assessment_reminder", "pre", "cancelled"),
    ]
    assert addressees() == [dan.identity.email] * 2


@pytest.mark.django_db
def test_one_invitation_and_one_reminder_per_assessment_whatever_number_of_rounds(study, now):
    dan = factories.a_randomised_participant(study, now)
    for day in range(1, 21):
        worker.tick(now + timedelta(days=day))

    assert kinds(dan) == [
        ("assessment_invitation", "week2", "sent"),
        ("assessment_reminder", "week2", "sent"),
    ]
    assert addressees() == [dan.identity.email] * 2


@pytest.mark.django_db
def test_a_reminder_is_cancelled_once_the_questionnaire_is_answered(study, now):
    dan, at = two_weeks_later(study, now)
    factories.fill_in(dan, "week2", at)
    worker.tick(at + timedelta(days=4))

    assert kinds(dan) == [
        ("assessment_invitation", "week2", "sent"),
        ("assessment_reminder", "week2", "cancelled"),
    ]
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_nothing_is_sent_to_whoever_has_left(study, now):
    dan = factories.a_randomised_participant(study, now)
    participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    for day in (15, 18, 21):
        worker.tick(now + timedelta(days=day))

    assert {state for _, _, state in kinds(dan)} == {"cancelled"}
    assert mail.outbox == []


@pytest.mark.django_db
def test_a_mail_names_neither_the_arm_nor_what_is_asked(study, now):
    two_weeks_later(study, now)
    (sent,) = mail.outbox
    for telling in ("guided", "Guided", "PHQ", "depress", "coach", study.slug):
        assert telling not in f"{sent.subject} {sent.body} {sent.from_email}"


@pytest.mark.django_db
def test_a_crash_between_claim_and_hand_over_leaves_it_uncertain_and_it_is_not_sent_again_by_itself(
    study, now, settings
):
    message = an_invitation(study, now)
    settings.EMAIL_BACKEND = DIES
    with pytest.raises(PowerCut):
        worker.tick(now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    message.refresh_from_db()
    assert message.state == "sending"

    for minutes in (1, 11, 30, 600):
        worker.tick(now + timedelta(minutes=minutes))
    message.refresh_from_db()
    assert (message.state, message.attempts, addressees()) == ("uncertain", 1, ["eva@example.org"])
    assert Alert.objects.get().kind == "mail_stuck"
    assert AuditEvent.objects.filter(subject=f"message {message.pk}").order_by(
        "number"
    ).last().action == ("message uncertain after a crash")

    later = now + timedelta(hours=11)
    messages.send_again(message=message, by=actors.staff(1, "researcher"), at=later)
    worker.tick(later)
    message.refresh_from_db()
    assert (message.state, message.attempts, addressees()) == (
        "sent",
        2,
        ["eva@example.org", "new@example.org"],
    )
    assert audit.verify(study) == []


@pytest.mark.django_db
def test_the_mail_of_an_alert_repeats_after_a_crash(study, now, settings):
    dan = factories.a_randomised_participant(study, now)
    message = a_raised_alert(study, dan, now)
    settings.EMAIL_BACKEND = DIES
    with pytest.raises(PowerCut):
        worker.tick(now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    worker.tick(now + timedelta(minutes=11))

    message.refresh_from_db()
    assert (message.state, [each.to for each in mail.outbox]) == ("sent", [["eva@example.org"]])


@pytest.mark.django_db
def test_a_refusal_is_not_lost_from_sight_and_its_words_are_not_logged(
    study, now, settings, caplog
):
    message = an_invitation(study, now)
    settings.EMAIL_BACKEND = REFUSES
    with caplog.at_level(logging.WARNING):
        worker.tick(now)
        worker.tick(now + timedelta(minutes=11))
    message.refresh_from_db()
    assert message.state == "uncertain"
    assert "example.org" not in caplog.text


@pytest.mark.django_db
def test_one_message_whose_words_cannot_be_made_does_not_stop_the_others(study, now):
    broken = an_invitation(study, now)
    Message.objects.filter(pk=broken.pk).update(subject_ref="987654")
    good = staff.invite(
        study=study, email="other@example.org", role="coach", by=actors.SYSTEM, at=now
    )

    worker.tick(now)

    assert [sent.to for sent in mail.outbox] == [["other@example.org"]]
    assert Message.objects.get(subject_ref=str(good.pk)).state == "sent"


@pytest.mark.django_db
def test_a_message_that_was_sent_cannot_be_sent_again(study, now):
    message = an_invitation(study, now)
    worker.tick(now)
    with pytest.raises(NotAllowedNow):
        messages.send_again(message=message, by=actors.staff(1), at=now)
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_date_that_moves_moves_the_message_and_makes_no_second(study, now):
    dan = factories.a_randomised_participant(study, now)
    about = {
        "study": study,
        "participant": dan,
        "kind": "assessment_invitation",
        "subject_ref": "post",
        "at": now,
    }
    first = messages.queue(due_at=now + timedelta(days=5), **about)
    again = messages.queue(due_at=now + timedelta(days=9), **about)
    assert (again, again.due_at) == (first, now + timedelta(days=9))
    assert (
        AuditEvent.objects.filter(action="message queued", subject=f"message {first.pk}").count()
        == 1
    )


def at_once(work, times: int) -> list:
    """`work(number)` in so many threads that begin at the same moment."""
    barrier = Barrier(times, timeout=30)

    def one(number: int):
        barrier.wait()
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_message_once(study, now):
    people = [factories.a_randomised_participant(study, now) for _ in range(3)]
    for number in range(20):
        at = now + timedelta(days=14)
        staff.invite(
            study=study, email=f"new{number}@example.org", role="coach", by=actors.SYSTEM, at=at
        )

    at_once(lambda number: worker.tick(now + timedelta(days=14, hours=23, seconds=number)), 2)
    worker.tick(now + timedelta(days=15))

    sent = sorted(message.to[0] for message in mail.outbox)
    wanted = [f"new{number}@example.org" for number in range(20)] + [
        person.identity.email for person in people
    ]
    assert [to for to in sent if to != "eva@example.org"] == sorted(wanted)
    assert Assessment.objects.filter(timepoint="week2", opens_at__isnull=False).count() == 3
    assert audit.verify(study) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_after_a_crash_the_ledger_is_put_right_outside_of_any_other_transaction(
    study, now, settings
):
    message = an_invitation(study, now)
    settings.EMAIL_BACKEND = DIES
    with pytest.raises(PowerCut):
        worker.tick(now)
    assert deliveries.after_crash(now + timedelta(minutes=11)) == 1
    message.refresh_from_db()
    assert message.state == "uncertain"
    assert audit.verify(study) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "later", "moves"), [("queued", 0, False), ("sent", 4, False), ("queued", 4, True)]
)
def test_the_date_of_a_message_moves_while_it_waits_and_only_then(study, now, state, later, moves):
    dan = factories.a_randomised_participant(study, now)
    about = {
        "study": study,
        "participant": dan,
        "kind": "assessment_invitation",
        "subject_ref": "post",
        "at": now,
    }
    first = messages.queue(due_at=now + timedelta(days=5), **about)
    Message.objects.filter(pk=first.pk).update(state=state)
    again = messages.queue(due_at=now + timedelta(days=5 + later), **about)
    assert (again.pk, again.due_at != first.due_at) == (first.pk, moves)
    first.refresh_from_db()
    assert first.due_at == again.due_at
