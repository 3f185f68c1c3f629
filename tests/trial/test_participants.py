"""What happens to a person, and what cannot."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from outcomes.models import Assessment, Schedule
from tests import factories
from trial import actors, audit, vault
from trial.actions import own_details, participants, studies
from trial.grants import Grant
from trial.lifecycles import NotAllowedNow
from trial.models import AuditEvent, Consent, Identity, Participant, User
from trial.queries import addresses
from trial.queries import participants as reads

pytestmark = pytest.mark.django_db


def begin(study, now):
    return participants.begin(study=study, language="en", by=actors.visitor("new"), at=now)


def verify(person, now, email="dan@example.org"):
    return participants.verify(
        participant=person,
        name="Dan",
        email=email,
        phone="+31600000000",
        by=actors.visitor(person.code),
        at=now,
    )


def sign(person, now, **changed):
    letter = person.version.consent.letters["en"]
    given = {
        "participant": person,
        "language": "en",
        "statements": [each.code for each in letter.statements],
        "comprehension": {each.code: 1 for each in letter.comprehension},
        "signature": "Dan",
        "by": actors.participant(person.code),
        "at": now,
    }
    return participants.sign_consent(**{**given, **changed})


def test_a_person_begins_with_a_code_and_without_a_name_or_a_login(study, now):
    person = begin(study, now)
    assert (person.state, person.user, person.code[:3]) == ("screening", None, "QM-")
    assert Identity.objects.count() == 0
    assert set(person.code[3:]) <= set(participants.ALPHABET)
    assert Consent.objects.get(participant=person).kind == "screening"


def test_a_code_is_drawn_again_while_somebody_has_it(study, now, monkeypatch):
    monkeypatch.setattr(participants, "ALPHABET", "AC")  # 32 codes
    begun = [begin(study, now).code for _ in range(30)]
    assert len(set(begun)) == 30


def test_nobody_begins_unless_the_study_is_open(study, now):
    studies.pause(study=study, by=actors.SYSTEM, at=now)
    with pytest.raises(participants.NotRecruiting):
        begin(study, now)
    assert Participant.objects.count() == 0


def test_an_address_is_used_once_in_a_study(study, now):
    verify(begin(study, now), now, "Dan@Example.org")
    second = begin(study, now)
    with pytest.raises(participants.AddressInUse):
        verify(second, now, " dan@example.org ")
    second.refresh_from_db()
    assert (second.verified_at, User.objects.filter(participant=second).count()) == (None, 0)


def test_a_verified_person_s_login_has_a_random_name_and_no_address(study, now):
    person = verify(begin(study, now), now)
    assert (person.user.email, len(person.user.username)) == ("", 32)
    assert not person.user.has_usable_password()


def answer(person, now, key=None, **answers):
    by = actors.visitor(person.code)
    return participants.answer_questions(
        participant=person, answers=answers, key=key, by=by, at=now
    )


def stopped(person, now):
    participants.turn_away(
        participant=person,
        stage="screening",
        reason="stopped",
        stopped=True,
        by=actors.SYSTEM,
        at=now,
    )


def test_no_answer_is_taken_from_somebody_who_did_not_get_in(study, now):
    person = begin(study, now)
    answer(person, now, key="first", age=41)
    stopped(person, now)
    with pytest.raises(participants.NotAskedNow):
        answer(person, now, age=42)
    assert (
        answer(person, now, key="first", age=41).state == "excluded"
    )  # a repeat is answered from store
    assert Participant.objects.get().answers == {}


def test_the_answers_that_the_stratum_hangs_on_stay_as_they_were_at_randomisation(study, now):
    person = factories.a_consented_participant(study, now)
    answer(person, now, sex="m")  # corrected at the baseline
    factories.fill_in(person, "pre", now)
    assert (person.state, person.answers["sex"]) == ("randomised", "m")
    with pytest.raises(participants.NotAskedNow):
        answer(person, now, sex="f")
    person.refresh_from_db()
    assert person.answers["sex"] == "m"


def test_nobody_is_verified_who_did_not_get_in_or_who_is_verified_already(study, now):
    away, dan = begin(study, now), verify(begin(study, now), now)
    stopped(away, now)
    with pytest.raises(participants.NotAskedNow):
        verify(away, now, "away@example.org")
    with pytest.raises(participants.NotAskedNow):
        verify(dan, now, "dan@example.net")
    assert (User.objects.filter(participant__study=study).count(), dan.identity.email) == (
        1,
        "dan@example.org",
    )


def test_a_repeat_of_the_request_that_verified_is_answered_as_before(study, now):
    person = begin(study, now)
    given = {"name": "Dan", "email": "dan@example.org", "phone": "+31600000000", "key": "code"}
    first, again = (
        participants.verify(participant=person, by=actors.visitor(person.code), at=now, **given)
        for _ in range(2)
    )
    assert (first.user, again.verified_at) == (again.user, now)
    assert AuditEvent.objects.filter(action="address verified").count() == 1


@pytest.mark.parametrize(
    ("gets_in", "kept"), [(False, {}), (True, {"age": 41, "sex": "f", "site": "main"})]
)
def test_erasing_takes_the_answers_of_whoever_did_not_get_in_and_leaves_research_data(
    study, now, gets_in, kept
):
    person = factories.a_randomised_participant(study, now) if gets_in else begin(study, now)
    if not gets_in:
        stopped(person, now)
        Participant.objects.filter(pk=person.pk).update(
            answers={"age": 17}
        )  # left over from before
    participants.erase(participant=person, reason="other", by=actors.SYSTEM, at=now)
    person.refresh_from_db()
    assert {code: person.answers[code] for code in person.answers if code != "helped"} == kept


def test_consent_needs_a_checked_address_every_statement_and_every_question(study, now):
    person = begin(study, now)
    with pytest.raises(participants.NotVerified):
        sign(person, now)
    person = verify(person, now)
    with pytest.raises(participants.StatementsMissing):
        sign(person, now, statements=[])
    with pytest.raises(participants.ComprehensionMissing):
        sign(person, now, comprehension={})
    person.refresh_from_db()
    assert (person.state, Consent.objects.filter(kind="study").count()) == ("screening", 0)


def test_what_was_signed_is_kept_word_for_word_by_its_hash(study, now):
    person = verify(begin(study, now), now)
    signed = sign(person, now)
    event = AuditEvent.objects.get(action="consent signed")
    assert signed.text_sha256 in event.new
    assert person.unsealed(signed.signature_sealed) == "Dan"


def test_nobody_consents_twice(study, now):
    person = verify(begin(study, now), now)
    sign(person, now)
    with pytest.raises(NotAllowedNow):
        sign(person, now)
    assert Consent.objects.filter(kind="study").count() == 1


def test_withdrawal_stops_everything_that_was_to_come_and_keeps_what_was_given(study, now):
    dan = factories.a_participant_in(study, "guided", now)
    at = now + timedelta(days=2)
    participants.withdraw(participant=dan, reason="no_time", by=actors.participant(dan.code), at=at)
    dan.refresh_from_db()

    assert (dan.state, dan.left_stage, dan.left_reason, dan.left_at) == (
        "withdrawn",
        "randomised",
        "no_time",
        at,
    )
    assert Grant.objects.filter(participant=dan, ended_at=None).count() == 0
    assert Schedule.objects.filter(participant=dan, closed_at=None, ended_at=None).count() == 0
    assert Assessment.objects.filter(participant=dan, submitted_at=now).count() == 2
    with pytest.raises(NotAllowedNow):
        participants.withdraw(participant=dan, by=actors.participant(dan.code), at=at)
    assert audit.verify(study) == []


@pytest.mark.parametrize("reason", ["I feel worse", "x" * 41, "no.time", "Ottoline reads my mail"])
def test_a_reason_is_a_code_because_it_is_kept_in_clear(dan, now, reason):
    with pytest.raises(participants.NotACode):
        participants.withdraw(
            participant=dan, reason=reason, by=actors.participant(dan.code), at=now
        )
    dan.refresh_from_db()
    assert dan.state == "randomised"


def test_a_reason_for_erasing_is_a_code_too(dan, now):
    with pytest.raises(participants.NotACode):
        participants.erase(participant=dan, reason="Dan asked for it", by=actors.SYSTEM, at=now)
    dan.refresh_from_db()
    assert (dan.erased_at, Identity.objects.count()) == (None, 1)


def test_an_action_that_fails_leaves_neither_a_change_nor_an_event(study, dan, now, settings):
    settings.WITHDRAWAL = [*settings.WITHDRAWAL, f"{__name__}.breaks_down"]
    before = AuditEvent.objects.count()
    with pytest.raises(RuntimeError):
        participants.withdraw(participant=dan, by=actors.participant(dan.code), at=now)
    dan.refresh_from_db()
    assert (dan.state, AuditEvent.objects.count()) == ("randomised", before)
    assert audit.verify(study) == []


def breaks_down(participant, at):
    raise RuntimeError("the power went off")


def test_a_corrected_number_is_sealed_found_by_its_new_hash_and_recorded_as_ciphertext(dan, now):
    later = now + timedelta(days=1)
    by = actors.participant(dan.code)
    old = dan.identity.phone_hash
    for _ in range(2):
        own_details.correct_contact(participant=dan, phone="06 8765 4321", key="k", by=by, at=later)

    identity = Identity.objects.get(participant=dan)
    assert (identity.phone, identity.phone_changed_at) == ("+31687654321", later)
    assert identity.phone_hash == vault.phone_hash("0687654321") != old
    event = AuditEvent.objects.get(action="phone number corrected")
    assert "8765" not in f"{event.old} {event.new} {identity.phone_sealed}"
    assert dan.unsealed(json.loads(event.new)["sealed"]) == "+31687654321"


def test_the_same_number_and_whoever_left_are_refused(dan, now):
    by = actors.participant(dan.code)
    with pytest.raises(own_details.SameNumber):
        own_details.correct_contact(
            participant=dan, phone=dan.identity.phone.replace(" ", ""), by=by, at=now
        )
    participants.withdraw(participant=dan, by=by, at=now)
    with pytest.raises(participants.NotAskedNow):
        own_details.correct_contact(participant=dan, phone="06 8765 4321", by=by, at=now)


@pytest.mark.parametrize("signature", ["", "   ", "--", "12 3"])
def test_consent_is_signed_with_letters(study, now, signature):
    person = verify(begin(study, now), now)
    with pytest.raises(participants.SignatureMissing):
        sign(person, now, signature=signature)
    person.refresh_from_db()
    assert person.consented_at is None
    assert sign(person, now, signature="Ö").participant.consented_at == now


def test_no_letter_is_written_to_whoever_is_erased(study, now):
    dan = verify(begin(study, now), now)
    assert addresses.letter(dan, "%(title)s: news", "Words.").to == "dan@example.org"
    participants.erase(participant=dan, reason="other", by=actors.WORKER, at=now)
    assert addresses.letter(dan, "%(title)s: news", "Words.") is None


def test_people_are_listed_by_their_centre_their_state_and_part_of_their_code(study, now):
    here, there = (factories.a_screening_participant(study, now) for _ in range(2))
    Participant.objects.filter(pk=there.pk).update(site="elsewhere")
    assert [each.code for each in reads.listed(study, site="main")] == [here.code]
    assert [each.code for each in reads.listed(study, site="elsewhere", state="screening")] == [
        there.code
    ]
    assert list(reads.listed(study, site="elsewhere", state="excluded")) == []
    assert [each.code for each in reads.listed(study, code=here.code.lower())] == [here.code]
