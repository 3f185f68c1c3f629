"""Whoever moves a person on and whoever does something with them take the same lock first, so that
neither is thrown out.

Each test holds the person as leaving the study does, lets somebody else begin, and then goes on
with what leaving does.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from coaching_protocol.actions import calls
from coaching_protocol.models import CoachingPlan, Contact
from outcomes.actions import assessments
from outcomes.models import Assessment
from tests import factories
from trial import actors
from trial.actions import alerts, participants, studies
from trial.models import Alert, Membership

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def while_leaving(dan, other, then):
    """`other()` begins while `dan` is held; `then()` takes what leaving takes next. The answer of
    `other`.
    """

    def run():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            return other()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            participants.locked(dan)
            begun = pool.submit(run)
            time.sleep(0.7)
            then()
        return begun.result(timeout=20)


def test_an_alert_is_raised_without_waiting_for_whoever_holds_the_person(study, now):
    dan = factories.a_consented_participant(study, now)

    def raise_one():
        return alerts.raise_alert(
            study=study,
            participant=dan,
            kind="item9",
            subject_ref="pre",
            within_hours=24,
            by=actors.SYSTEM,
            at=now,
        ).pk

    begun = []
    while_leaving(
        dan, raise_one, lambda: begun.append(Alert.objects.filter(participant=dan).count())
    )

    assert begun == [1]


def test_two_workers_that_raise_one_alert_about_nobody_raise_one(study, now):
    def raise_one():
        return alerts.raise_alert(
            study=study,
            participant=None,
            kind="no_coach",
            subject_ref="today",
            within_hours=48,
            by=by,
            at=now,
        ).pk

    def raise_one_elsewhere():
        try:
            return raise_one()
        finally:
            connection.close()

    by = actors.SYSTEM
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():  # not committed yet when the other one looks
            mine = raise_one()
            begun = pool.submit(raise_one_elsewhere)
            time.sleep(0.7)
        theirs = begun.result(timeout=20)

    assert (theirs, Alert.objects.count()) == (mine, 1)


def test_an_alert_about_nobody_and_a_pause_at_one_moment_are_both_done(study, now):
    """Whoever writes a row that points at the study asks for its key when they commit, with the end
    of the trail in hand, for which a pause waits with the study in hand.
    """

    def pause():
        try:
            return studies.pause(study=study, by=actors.SYSTEM, at=now).state
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            alerts.raise_alert(
                study=study,
                participant=None,
                kind="no_coach",
                subject_ref="today",
                within_hours=48,
                by=actors.SYSTEM,
                at=now,
            )
            begun = pool.submit(pause)
            time.sleep(0.7)
        assert begun.result(timeout=20) == "paused"

    assert Alert.objects.count() == 1


def test_somebody_hands_in_a_dark_questionnaire_while_the_worker_moves_them_on(study, now):
    dan = factories.a_consented_participant(study, now)
    row = Assessment.objects.get(participant=dan, timepoint="pre", instrument="PHQ9")
    answers = factories.answers_to(study, "PHQ9", 1)
    by = actors.participant(dan.code)

    def submit():
        return assessments.submit(assessment=row, answers=answers, language="en", by=by, at=now).pk

    while_leaving(dan, submit, lambda: Assessment.objects.select_for_update().get(pk=row.pk))

    row.refresh_from_db()
    assert (row.submitted_at, Alert.objects.filter(participant=dan).count()) == (now, 1)


def test_a_coach_begins_a_call_while_the_person_leaves(study, now):
    ben = Membership.objects.get(study=study, role="coach").user
    while not CoachingPlan.objects.exists():
        factories.a_randomised_participant(study, now)
    contact = Contact.objects.select_related("plan__participant").get(number=1)

    def start():
        return calls.start(contact=contact, coach=ben, by=actors.staff(ben.pk, "coach"), at=now).pk

    dan = contact.plan.participant
    while_leaving(dan, start, lambda: Contact.objects.select_for_update().get(pk=contact.pk))

    assert contact.attempts.count() == 1
