"""Several workers share what is due: nobody does another's rows, and what is urgent waits for none
of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar

import psycopg
import pytest
from django.db import connection, transaction

from tests import factories, smtp
from trial import actors, audit, claims, mail, worker
from trial.actions import alerts, deliveries, journey, participants, staff
from trial.entries import Mail
from trial.models import AuditEvent, Journey, Message, Participant

pytestmark = pytest.mark.django_db
MORE_THAN_A_BATCH = claims.BATCH + 3
ALERTED = "eva@example.org"


@pytest.fixture
def host(settings):
    with smtp.running() as running:
        smtp.use(settings, running.port)
        yield running


def invitations(study, at, how_many: int) -> None:
    for number in range(how_many):
        email = f"new{number}@example.org"
        staff.invite(study=study, email=email, role="coach", by=actors.SYSTEM, at=at)


def waiting_for_people(study, at, how_many: int) -> None:
    """Mails that are not urgent: to people, at an hour at which they go."""
    dan = factories.a_randomised_participant(study, at)
    Message.objects.all().delete()
    Message.objects.bulk_create(
        Message(
            study=study,
            participant=dan,
            kind="recruitment_closed",
            subject_ref=str(number),
            due_at=at,
        )
        for number in range(how_many)
    )


def an_alert(study, at) -> None:
    alerts.raise_alert(
        study=study,
        participant=None,
        kind="no_coach",
        subject_ref="x",
        within_hours=4,
        by=actors.SYSTEM,
        at=at,
    )


def sent_of(kind: str) -> int:
    return Message.objects.filter(kind=kind, state="sent").count()


def compose_always(message, at):
    return Mail(to=f"{message.subject_ref}@example.org", subject="x", body="x")


@pytest.fixture
def any_mail(settings):
    """Mails to people of a kind that is always wanted."""
    composed = f"{__name__}.compose_always"
    settings.MESSAGES = {**settings.MESSAGES, "recruitment_closed": composed}


def test_an_alert_goes_first_and_one_that_comes_meanwhile_before_the_next_batch(
    study, now, host, any_mail
):
    waiting_for_people(study, now - timedelta(hours=1), MORE_THAN_A_BATCH)
    an_alert(study, now)
    Message.objects.filter(kind="alert").update(due_at=now + timedelta(seconds=30))
    worker.turn(lambda: now + timedelta(minutes=bool(host.taken)), lambda: False)
    assert host.addressees.index(ALERTED) == claims.BATCH
    assert len(host.taken) == MORE_THAN_A_BATCH + 1
    assert host.said.count("EHLO") == 4  # a look at the host, and one line for each batch

    Message.objects.update(state="queued", due_at=now)
    host.taken.clear()
    worker.tick(now, seal=False)
    assert host.addressees.index(ALERTED) == 0


def test_what_one_worker_has_claimed_is_none_of_anothers_until_it_must_have_died(study, now, host):
    invitations(study, now, 3)
    assert len(deliveries.claim(now)) == 3
    assert worker.tick(now, seal=False).messages == 0
    after = now + deliveries.CLAIMED_FOR
    assert worker.tick(after, seal=False).messages == 3
    assert sorted(host.addressees) == [f"new{number}@example.org" for number in range(3)]
    assert audit.verify(study) == []


class Watched(mail.SmtpBackend):
    in_transaction: ClassVar[list[bool]] = []  # for each mail, while it is handed over

    def _send(self, message):
        self.in_transaction.append(connection.in_atomic_block)
        return super()._send(message)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_the_host_is_talked_to(study, now, host, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Watched"
    invitations(study, now, 2)
    an_alert(study, now)
    Watched.in_transaction.clear()
    assert worker.tick(now, seal=False).messages == 3
    assert Watched.in_transaction == [False] * 3


def test_a_worker_that_is_to_stop_finishes_the_mail_in_hand_and_gives_the_others_back(
    study, now, host
):
    invitations(study, now, 5)
    done = worker.turn(lambda: now, lambda: len(host.taken) >= 2)
    assert (done.messages, done.failed, sent_of("invitation")) == (2, 0, 2)
    assert worker.tick(now, seal=False).messages == 3
    assert len(host.taken) == len(set(host.addressees)) == 5


def test_journeys_that_were_claimed_and_not_come_to_are_given_back(study, now):
    people = [factories.a_consented_participant(study, now) for _ in range(2)]
    Journey.objects.update(due_at=now)
    claimed = journey.claim(now)
    assert (claimed, journey.claim(now)) == ([each.pk for each in people], [])
    journey.give_back(claimed[1:], now)
    assert journey.claim(now) == claimed[1:]


def turned_away(study, at, how_many: int) -> list[Participant]:
    people = []
    for _ in range(how_many):
        by = actors.visitor("new")
        person = participants.begin(study=study, language="en", by=by, at=at)
        participants.turn_away(
            participant=person, stage="basics", reason="age", by=actors.SYSTEM, at=at
        )
        people.append(person)
    return people


def erasing_fails_for_the_young(participant, at):
    if participant.left_reason == "age":
        raise RuntimeError


@pytest.fixture
def young_cannot_be_forgotten(settings):
    settings.ERASURE = [f"{__name__}.erasing_fails_for_the_young", *settings.ERASURE]


def test_rows_that_fail_keep_nobody_behind_them_waiting_however_many_they_are(
    study, now, monkeypatch, young_cannot_be_forgotten
):
    monkeypatch.setattr(claims, "BATCH", 1)
    turned_away(study, now, worker.MOST_BATCHES + 1)
    [last] = turned_away(study, now, 1)
    Participant.objects.filter(pk=last.pk).update(left_reason="stopped")
    done = worker.turn(lambda: now + timedelta(days=1), lambda: False)
    last.refresh_from_db()
    assert (last.erased_at, done.failed) == (now + timedelta(days=1), worker.MOST_BATCHES + 1)


def next_turns(at, how_many: int) -> list[tuple[int, bool]]:
    """Of each what failed, and whether the worker goes on at once."""
    turns = [worker.turn(lambda: at, lambda: False) for _ in range(how_many)]
    return [(each.failed, each.has_more) for each in turns]


def test_a_row_that_fails_neither_makes_a_pause_nor_keeps_the_worker_going(
    study, now, young_cannot_be_forgotten
):
    people = turned_away(study, now, 2)
    Participant.objects.filter(pk=people[1].pk).update(left_reason="stopped")
    # forgets the one, and is told of the other; mails that; has nothing more that it can do
    assert next_turns(now + timedelta(days=1), 3) == [(1, True), (1, True), (1, False)]


def test_there_is_no_pause_after_mail_that_was_put_off_till_morning_or_was_not_wanted(
    study, now, host
):
    night = now.replace(hour=2) + timedelta(days=1)
    morning = night + timedelta(hours=8)
    waiting_for_people(study, night, 1)
    Message.objects.update(kind="assessment_invitation", subject_ref="nowhere")
    Journey.objects.update(due_at=None)
    for at in (night, morning):
        audit.seal(study, at, hourly=True)  # else the round would have that to do
        assert next_turns(at, 2) == [(0, True), (0, False)]
    assert (Message.objects.get().state, host.taken) == ("cancelled", [])


def test_what_another_worker_tried_after_the_claim_was_over_stays_as_it_left_it(study, now, host):
    invitations(study, now, 1)
    host.answers["RCPT"] = "450 grey"
    [stale] = deliveries.claim(now)
    at = now + deliveries.CLAIMED_FOR
    with mail.door() as door:
        assert not deliveries.deliver(deliveries.claim(at)[0], door, at)
        put_off = Message.objects.values().get()
        assert not deliveries.deliver(stale, door, at + timedelta(seconds=1))
    deliveries._tried(stale, "making", at + timedelta(seconds=1))
    assert Message.objects.values().get() == put_off
    assert (put_off["attempts"], host.said.count("RCPT")) == (1, 1)


def test_more_than_a_batch_is_done_in_one_round(study, now):
    turned_away(study, now, MORE_THAN_A_BATCH)
    worker.tick(now + timedelta(days=1))
    assert not Participant.objects.filter(erased_at=None).exists()


@contextmanager
def another_worker_has(table: str, column: str, key: int | str):
    """The row is locked on another connection, until the block ends."""
    known = connection.get_connection_params()
    given = {name: known[name] for name in known if name not in {"cursor_factory", "context"}}
    with psycopg.connect(**given) as other:
        other.execute(f"SELECT 1 FROM {table} WHERE {column} = %s FOR UPDATE", [key])
        yield
        other.rollback()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_seal_that_another_worker_is_making_is_passed_over(study, now):
    audit.seal(study, now)
    at = now + timedelta(days=31)
    with another_worker_has("trial_audithead", "stream", f"{study.slug}!seals"):
        assert not worker._seal(study.pk, at)
    assert [worker._seal(study.pk, at), worker._seal(study.pk, at)] == [True, False]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_what_another_worker_holds_is_passed_over_and_done_once(study, now):
    at = now + timedelta(days=1)
    first, second = turned_away(study, now, 2)
    with another_worker_has("trial_participant", "id", first.pk):
        with transaction.atomic():
            assert not claims.hold(Participant.objects.all(), first.pk)
        due = Participant.objects.filter(erased_at=None).order_by("pk")
        assert claims.take(due, timezone="Europe/Paris") == [second.pk]
        assert [worker._forget(each.pk, at) for each in (first, second)] == [False, True]
    assert [worker._forget(each.pk, at) for each in (first, second)] == [True, False]
    assert AuditEvent.objects.filter(action="identity erased").count() == 2
