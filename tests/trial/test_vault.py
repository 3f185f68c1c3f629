"""What people type: never readable in the database, and gone for good once they are erased."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from coaching_protocol.actions import calls
from coaching_protocol.models import CoachAssignment, Contact
from outcomes.actions import screening
from outcomes.models import Assessment
from tests import dump, factories
from trial import actors, audit, mail, vault, worker
from trial.actions import (
    alerts,
    doormails,
    journey,
    mailcodes,
    own_details,
    participants,
    programme,
)
from trial.models import Alert, Identity, Participant, PersonKey, WaitingMail

NAME = "Zebulon Quistorp"
EMAIL = "zebulon.quistorp@unlikely.example"
PHONE = "+31691827364"
EXERCISE = "I want to walk along the Amstel with Aunt Wilhelmina"
NOTE = "told me of a quarrel about the blue bicycle"
DONE = "rang the neighbour at number 4711-0815-42"
CALL_TIMES = ["thu-evening", "tue-morning"]
REASON = "because my sister Ottoline reads my mail"
TYPED = [
    *(
        NAME,
        "Zebulon",
        "Quistorp",
        EMAIL,
        "unlikely.example",
        PHONE,
        "91827364",
        "9182 7364",
        "6 9182 7364",
    ),
    *(EXERCISE, "Wilhelmina", NOTE, "bicycle", DONE, "4711-0815", *CALL_TIMES, REASON, "Ottoline"),
]


def somebody_coached(study, now) -> Participant:
    """Somebody who types what can be recognised, wherever something can be typed, and lands in the
    arm that is called.
    """
    for number in range(40):
        person = factories.a_screened_participant(study, now)
        by = actors.participant(person.code)
        participants.verify(
            participant=person,
            name=NAME,
            email=EMAIL if number == 0 else f"{number}.{EMAIL}",
            phone=PHONE,
            key="verify",
            by=by,
            at=now,
        )
        person.refresh_from_db()
        letter = person.version.consent.letters["en"]
        participants.sign_consent(
            participant=person,
            language="en",
            statements=[each.code for each in letter.statements],
            comprehension={each.code: 1 for each in letter.comprehension},
            signature=NAME,
            key="sign",
            by=by,
            at=now,
        )
        own_details.set_call_times(participant=person, times=CALL_TIMES, key="times", by=by, at=now)
        participants.answer_questions(participant=person, answers={"helped": "no"}, by=by, at=now)
        journey.advance(person, now)
        factories.fill_in(person, "pre", now)
        if factories.arm(person) == "guided":
            return person
        # Whoever comes next has the number that is looked for; two people with one number would
        # wait for each other.
        own_details.correct_contact(
            participant=person, phone=f"+31 6 0000 {number:04d}", key="phone", by=by, at=now
        )
    raise AssertionError("nobody of 40 was called")


def live_a_little(person: Participant, at) -> None:
    """Exercises, a call with a note, an alert with a note, and leaving."""
    by = actors.participant(person.code)
    module = person.version.programme.modules[0].code
    programme.save_exercise(
        participant=person,
        module=module,
        exercise="hope",
        value=EXERCISE,
        key="e-hope",
        by=by,
        at=at,
    )
    coach = CoachAssignment.objects.get(plan__participant=person).coach
    ben = actors.staff(coach.pk, "coach")
    contact = Contact.objects.filter(plan__participant=person).first()
    calls.show_number(participant=person, coach=coach, key="show", by=ben, at=at)
    attempt = calls.start(contact=contact, coach=coach, key="call", by=ben, at=at)
    calls.log(attempt=attempt, outcome="reached", minutes=9, note=NOTE, key="log", by=ben, at=at)
    alert = alerts.raise_alert(
        study=person.study,
        participant=person,
        kind="item9",
        subject_ref="post",
        within_hours=24,
        phone=PHONE,
        by=by,
        at=at,
    )
    eva = actors.staff(1, "supervisor")
    alerts.take(alert=alert, key="take", by=eva, at=at)
    assert alerts.show_contact(alert=alert, by=eva, at=at) == alerts.Reached(NAME, PHONE, "en")
    alerts.close(alert=alert, done=DONE, key="close", by=eva, at=at)
    with pytest.raises(participants.NotACode):
        participants.withdraw(participant=person, reason=REASON, key="leave", by=by, at=at)
    with pytest.raises(participants.NotACode):
        programme.stop_programme(participant=person, reason=REASON, key="stop", by=by, at=at)
    programme.stop_programme(participant=person, reason="other", key="stop", by=by, at=at)


@pytest.mark.django_db
def test_nothing_that_somebody_types_stands_readable_and_erasing_them_leaves_nothing(
    study, now, settings
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    dan = somebody_coached(study, now)
    live_a_little(dan, now + timedelta(days=1))
    worker.tick(now + timedelta(days=15))
    assert dump.found(TYPED) == []
    assert "trial_participant" in {
        table for _, table in dump.found([dan.code])
    }  # what does stand there is found
    assert (dan.identity.name, dan.identity.email, dan.identity.phone) == (
        NAME,
        dan.identity.email,
        PHONE,
    )

    key = dan.key.sealed_key
    tokens = [dan.identity.name_sealed, dan.identity.phone_sealed]
    assert {table for _, table in dump.found([*tokens, key])} == {
        "trial_identity",
        "trial_personkey",
    }
    by, at = actors.staff(2, "researcher"), now + timedelta(days=16)
    participants.withdraw(participant=dan, reason="erased", by=by, at=at)
    participants.erase(participant=dan, reason="asked_by_participant", key="erase", by=by, at=at)

    assert dump.found(TYPED) == []
    assert dump.found([*tokens, key]) == []  # neither the ciphertext nor the key
    assert (
        Identity.objects.filter(participant=dan).count(),
        PersonKey.objects.filter(participant=dan).count(),
    ) == (
        0,
        0,
    )
    assert Participant.objects.get(pk=dan.pk).user is None
    assert audit.verify(study) == []
    assert (
        Assessment.objects.filter(
            participant=dan, timepoint="pre", submitted_at__isnull=False
        ).count()
        == 2
    )
    for day in range(17, 60):
        worker.tick(now + timedelta(days=day))
    assert Alert.objects.filter(participant=dan, kind="journey").count() == 0


@pytest.mark.django_db
def test_the_keys_open_what_the_database_alone_does_not(study, now):
    dan = factories.a_verified_participant(study, now, name=NAME)
    assert vault.unseal_for(dan.key.sealed_key, dan.identity.name_sealed) == NAME
    stranger = Fernet(Fernet.generate_key())
    for token in (dan.key.sealed_key, dan.identity.name_sealed):
        with pytest.raises(InvalidToken):
            stranger.decrypt(token.encode())


@pytest.mark.django_db
def test_one_person_s_key_does_not_open_another_s_words(study, now):
    dan, eve = (factories.a_verified_participant(study, now, name=NAME) for _ in range(2))
    with pytest.raises(InvalidToken):
        eve.unsealed(dan.identity.name_sealed)


@pytest.mark.django_db
def test_a_session_is_not_readable_in_the_database():
    session = SessionStore()
    session["asked"] = {"email": EMAIL, "code": "QQ4711", "name": NAME}
    session.save()

    assert Session.objects.count() == 1
    assert dump.found([*TYPED, "QQ4711"]) == []
    assert SessionStore(session.session_key)["asked"]["email"] == EMAIL


@pytest.mark.django_db
def test_asking_for_a_code_leaves_neither_address_nor_code(study, now, mailoutbox):
    person = factories.a_screened_participant(study, now)
    typed = {"name": NAME, "email": EMAIL, "phone": PHONE}
    about = mailcodes.ask(
        participant=person, typed=typed, language="en", key="ask", allows=lambda: True, at=now
    )
    waiting = json.loads(vault.unseal(WaitingMail.objects.get().sealed))
    assert dump.found([*TYPED, waiting["code"]]) == []
    with mail.door() as door:
        assert doormails.hand_over(about, door, now)
    assert waiting["code"] in mailoutbox[0].body
    assert dump.found([*TYPED, waiting["code"]]) == []


@pytest.mark.django_db
def test_whoever_is_turned_away_leaves_nothing_that_could_be_opened_after_a_day(study, now):
    person = factories.a_screening_participant(study, now, age=33)
    mood = factories.answers_to(study, "PHQ9", 3)
    by = actors.visitor(person.code)
    screening.answer_instrument(participant=person, instrument="PHQ9", answers=mood, by=by, at=now)
    journey.advance(person, now)
    person.refresh_from_db()
    assert (person.state, person.answers) == ("excluded", {})

    worker.tick(now + timedelta(hours=23))

    assert PersonKey.objects.filter(participant=person).count() == 0
    person.refresh_from_db()
    assert (person.left_reason, person.left_stage, person.site, person.left_at) == (
        "mood",
        "mood",
        "main",
        now,
    )
    assert audit.verify(study) == []


@pytest.mark.django_db
def test_whoever_left_a_number_at_the_screening_is_forgotten_only_after_the_alert_is_closed(
    study, now
):
    person = factories.a_screening_participant(study, now, age=17)
    by, eva = actors.visitor(person.code), actors.staff(1, "supervisor")
    screening.leave_phone(participant=person, phone=PHONE, by=by, at=now)
    alert = Alert.objects.get()
    assert dump.found(TYPED) == []

    worker.tick(now + timedelta(hours=23))
    alerts.take(alert=alert, by=eva, at=now + timedelta(hours=23))
    assert alerts.show_contact(alert=alert, by=eva, at=now + timedelta(hours=23)).phone == PHONE
    alerts.close(alert=alert, done=DONE, by=eva, at=now + timedelta(hours=23))
    worker.tick(now + timedelta(hours=24))

    assert PersonKey.objects.filter(participant=person).count() == 0
    assert dump.found(TYPED) == []


@pytest.mark.django_db
def test_whoever_gave_an_address_and_then_did_not_consent_is_forgotten_with_it(study, now):
    person = factories.a_verified_participant(study, now, name=NAME)
    participants.turn_away(
        participant=person,
        stage="consent",
        reason="declined",
        stopped=True,
        by=actors.visitor(person.code),
        at=now,
    )
    worker.tick(now + timedelta(hours=23))
    person.refresh_from_db()
    assert (Identity.objects.count(), PersonKey.objects.count(), person.user) == (0, 0, None)


def test_the_hash_of_an_address_is_keyed_and_knows_no_case(settings):
    first = vault.address_hash("Dan@Example.org ")
    assert first == vault.address_hash("dan@example.org")
    assert vault.keyed_hash("phone", "x") != vault.keyed_hash("e-mail", "x")
    settings.HASH_KEY = "another"
    assert vault.address_hash("dan@example.org") != first


def test_an_old_key_still_opens_after_a_new_one_was_put_first(settings):
    token = vault.seal("text")
    settings.FIELD_KEYS = [Fernet.generate_key(), *settings.FIELD_KEYS]
    assert vault.unseal(token) == "text"
    assert vault.unseal(vault.seal("new")) == "new"


def test_the_serializer_gives_back_what_it_was_given():
    serializer = vault.EncryptedSerializer()
    value = {"a": [1, "ü"], "b": None}
    assert serializer.loads(serializer.dumps(value)) == value
    assert json.dumps(value).encode() not in serializer.dumps(value)
