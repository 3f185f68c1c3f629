"""A request key: one effect, however often and however nearly at the same time it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from tests import factories
from trial import actors
from trial.actions import participants, programme
from trial.actions.once import KeyReused
from trial.models import AuditEvent, Consent, ExerciseAnswer, Participant, RequestKey


def begin(study, now, key="first", language="en"):
    return participants.begin(study=study, language=language, key=key, by=actors.visitor("new"), at=now)


@pytest.mark.django_db
def test_a_repeat_gets_the_same_answer_and_has_no_second_effect(study, now):
    first = begin(study, now)
    again = begin(study, now + timedelta(seconds=2))

    assert again == first
    assert (Participant.objects.count(), Consent.objects.count(), RequestKey.objects.count()) == (1, 1, 1)
    assert AuditEvent.objects.filter(action="agreed to be screened").count() == 1


@pytest.mark.django_db
def test_another_key_is_another_request(study, now):
    assert begin(study, now, "first") != begin(study, now, "second")
    assert Participant.objects.count() == 2


@pytest.mark.django_db
def test_without_a_key_every_request_counts(study, now):
    assert begin(study, now, "") != begin(study, now, "")


@pytest.mark.django_db
def test_the_same_key_with_other_content_is_refused_and_changes_nothing(study, now):
    begin(study, now)
    with pytest.raises(KeyReused):
        begin(study, now, language="nl")
    assert list(Participant.objects.values_list("language", flat=True)) == ["en"]


@pytest.mark.django_db
def test_the_same_key_of_another_person_is_another_request(study, now):
    first, second = (factories.a_verified_participant(study, now) for _ in range(2))
    for person in (first, second):
        participants.set_call_times(
            participant=person, times=["mon-evening"], key="same", by=actors.participant(person.code), at=now
        )
    assert RequestKey.objects.filter(key="same").count() == 2


@pytest.mark.django_db
def test_a_request_that_failed_may_be_sent_again_with_its_key(study, now):
    dan = factories.a_screened_participant(study, now)
    letter = dan.version.consent.letters["en"]
    signing = {
        "participant": dan,
        "language": "en",
        "statements": [each.code for each in letter.statements],
        "comprehension": {each.code: 1 for each in letter.comprehension},
        "signature": "Dan",
        "key": "sign",
        "by": actors.visitor(dan.code),
        "at": now,
    }
    with pytest.raises(participants.NotVerified):
        participants.sign_consent(**signing)
    assert RequestKey.objects.filter(key="sign").count() == 0

    participants.verify(
        participant=dan, name="Dan", email="dan@example.org", phone="+31600000000", by=actors.visitor(dan.code), at=now
    )
    assert participants.sign_consent(**signing).kind == "study"


@pytest.mark.django_db
def test_what_was_typed_does_not_stand_in_the_ledger_of_requests(study, now):
    dan = factories.a_participant_in(study, "unguided", now)
    typed = "a very particular sentence"
    programme.save_exercise(
        participant=dan,
        module=dan.version.programme.modules[0].code,
        exercise="e",
        value=typed,
        key="typed",
        by=actors.participant(dan.code),
        at=now,
    )
    row = RequestKey.objects.get(key="typed")
    assert typed not in f"{row.digest} {row.result} {row.person} {row.action}"
    assert ExerciseAnswer.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_have_one_effect(study, now):
    barrier = Barrier(4, timeout=20)

    def press(number: int) -> int:
        barrier.wait()
        try:
            return begin(study, now + timedelta(milliseconds=number)).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, range(4)))

    assert len(set(answers)) == 1
    assert (Participant.objects.count(), RequestKey.objects.count()) == (1, 1)
    assert AuditEvent.objects.filter(action="agreed to be screened").count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_with_other_content_at_the_same_moment_are_one_effect_and_one_refusal(study, now):
    barrier = Barrier(2, timeout=20)

    def press(language: str) -> str:
        barrier.wait()
        try:
            return begin(study, now, language=language).language
        except KeyReused:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(press, ["en", "nl"]))

    assert answers in (["en", "refused"], ["nl", "refused"])
    assert Participant.objects.count() == 1
