"""A request key: one effect, however often and however nearly at the same time it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from enum import Enum
from threading import Barrier

import pytest
from django.db import connection

from tests import factories
from trial import actors, audit, vault
from trial.actions import own_details, participants, programme
from trial.actions.once import KeyReused, forget_request_keys, once
from trial.lifecycles import NotAllowedNow
from trial.models import (
    AuditEvent,
    Consent,
    Draft,
    ExerciseAnswer,
    Participant,
    RequestKey,
    Study,
    User,
)


def begin(study, now, key="first", language="en"):
    return participants.begin(
        study=study, language=language, key=key, by=actors.visitor("new"), at=now
    )


@pytest.mark.django_db
def test_a_repeat_gets_the_same_answer_and_has_no_second_effect(study, now):
    first = begin(study, now)
    again = begin(study, now + timedelta(seconds=2))

    assert again == first
    assert (Participant.objects.count(), Consent.objects.count(), RequestKey.objects.count()) == (
        1,
        1,
        1,
    )
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
        own_details.set_call_times(
            participant=person,
            times=["mon-evening"],
            key="same",
            by=actors.participant(person.code),
            at=now,
        )
    assert RequestKey.objects.filter(key="same").count() == 2


def signed_by(dan):
    letter = dan.version.consent.letters["en"]
    return {
        "participant": dan,
        "language": "en",
        "statements": [each.code for each in letter.statements],
        "comprehension": {each.code: 1 for each in letter.comprehension},
        "signature": "Dan",
        "key": "sign",
        "by": actors.visitor(dan.code),
    }


@pytest.mark.django_db
def test_a_request_that_failed_may_be_sent_again_with_its_key(study, now):
    dan = factories.a_screened_participant(study, now)
    signing = {**signed_by(dan), "at": now}
    with pytest.raises(participants.NotVerified):
        participants.sign_consent(**signing)
    assert RequestKey.objects.filter(key="sign").count() == 0

    participants.verify(
        participant=dan,
        name="Dan",
        email="dan@example.org",
        phone="+31600000000",
        by=actors.visitor(dan.code),
        at=now,
    )
    assert participants.sign_consent(**signing).kind == "study"


@pytest.mark.django_db
def test_what_was_typed_does_not_stand_in_the_ledger_of_requests(study, now):
    dan = factories.a_participant_in(study, "unguided", now)
    typed = "a very particular sentence"
    programme.save_exercise(
        participant=dan,
        module=dan.version.programme.modules[0].code,
        exercise="hope",
        value=typed,
        key="typed",
        by=actors.participant(dan.code),
        at=now,
    )
    row = RequestKey.objects.get(key="typed")
    assert typed not in f"{row.digest} {row.result} {row.person} {row.action}"
    assert ExerciseAnswer.objects.count() == 1


@pytest.mark.django_db
def test_a_claim_says_who_asked_for_what_and_when_and_the_repeat_keeps_the_first_time(study, now):
    person = begin(study, now)
    begin(study, now + timedelta(seconds=2))
    row = RequestKey.objects.get()
    assert (row.person, row.action, row.key, row.claimed_at) == (
        "visitor new",
        "trial.participants.begin",
        "first",
        now,
    )
    assert row.result == {"model": "trial.Participant", "pk": person.pk}


@pytest.mark.django_db
def test_the_content_of_a_request_is_kept_under_a_key_and_its_moment_is_no_content(now):
    double(note="a", key="k", by=SOMEBODY, at=now)
    double(note="a", key="k", by=SOMEBODY, at=now + timedelta(days=1))
    row = RequestKey.objects.get()
    content = '{"by": "staff 7", "note": "a"}'
    assert row.digest == vault.keyed_hash("request", content)
    with pytest.raises(KeyReused) as refused:
        double(note="b", key="k", by=SOMEBODY, at=now)
    assert (
        str(refused.value)
        == "tests.test_once.double: this request key was used before, with other content"
    )


SOMEBODY = actors.staff(7, "coach")
calls: list[str] = []


@once
def double(*, note, by, at):
    """An action with a plain result, which counts how often it was run."""
    calls.append(note)
    return note and note * 2


@once
def thrice(*, note, by, at):
    return note * 3


@once
def kept_with_its_key(*, by, at, request_key):
    return request_key


@once
def refuse(*, by, at):
    audit.record(Study.objects.get(), "refused", by=by, at=at)
    raise ValueError("no")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("note", "result"), [("ab", "abab"), ("", ""), (None, None), ([1], [1, 1])]
)
def test_a_plain_result_is_given_again_and_the_action_is_run_once(note, result, now):
    calls.clear()
    given = {"note": note, "key": "k", "by": SOMEBODY, "at": now}
    assert [double(**given), double(**given), double(**given)] == [result, result, result]
    assert RequestKey.objects.get().result == {"value": result}
    assert calls == [note]


@pytest.mark.django_db
def test_a_repeat_is_answered_from_its_own_request_among_those_of_others(now):
    requests = [
        (action, {"key": key, "by": by})
        for action in (double, thrice)
        for key in "kl"
        for by in (SOMEBODY, actors.SYSTEM)
    ]
    content = [str(number) for number in range(len(requests))]
    first = [
        action(note=note, at=now, **given)
        for note, (action, given) in zip(content, requests, strict=True)
    ]
    again = [
        action(note=note, at=now, **given)
        for note, (action, given) in zip(content, requests, strict=True)
    ]
    assert again == first == ["00", "11", "22", "33", "444", "555", "666", "777"]
    assert RequestKey.objects.count() == 8


@pytest.mark.django_db
@pytest.mark.parametrize("keyless", [{}, {"key": ""}, {"key": None}])
def test_without_a_key_nothing_is_kept_of_the_request(keyless, now):
    calls.clear()
    for _ in range(2):
        assert double(note="a", **keyless, by=SOMEBODY, at=now) == "aa"
    assert (calls, RequestKey.objects.count()) == (["a", "a"], 0)
    assert kept_with_its_key(**keyless, by=SOMEBODY, at=now) == ""


@pytest.mark.django_db
def test_an_action_that_keeps_the_key_is_given_it(now):
    assert kept_with_its_key(key="k", by=SOMEBODY, at=now) == "k"
    assert (double.__name__, double.__doc__[:9]) == ("double", "An action")


@pytest.mark.django_db
@pytest.mark.parametrize("keyed", [{}, {"key": "k"}])
def test_of_an_action_that_fails_nothing_stays(keyed, study, now):
    with pytest.raises(ValueError, match=r"^no$"):
        refuse(**keyed, by=SOMEBODY, at=now)
    assert (RequestKey.objects.count(), AuditEvent.objects.filter(action="refused").count()) == (
        0,
        0,
    )


@pytest.mark.django_db
def test_what_was_typed_for_a_request_goes_with_it_and_no_other_draft_does(staff, now):
    ben = staff("coach")
    for place, key in (("one", "k"), ("two", "other")):
        Draft.objects.create(
            owner=ben, place=place, text_sealed="x", request_key=key, sequence=1, saved_at=now
        )
    double(note="a", by=SOMEBODY, at=now)
    assert Draft.objects.count() == 2
    double(note="a", key="k", by=SOMEBODY, at=now)
    assert [draft.place for draft in Draft.objects.all()] == ["two"]


@pytest.mark.django_db
def test_a_result_that_is_gone_is_told_as_none(now):
    given = {"note": "a", "key": "k", "by": SOMEBODY, "at": now}
    double(**given)
    RequestKey.objects.update(result={"model": "trial.Participant", "pk": 0})
    assert double(**given) is None
    RequestKey.objects.update(result=None)
    assert double(**given) is None


@pytest.mark.django_db
def test_request_keys_of_more_than_30_days_are_removed_in_parts_and_not_every_round(
    now, monkeypatch
):
    monkeypatch.setattr("trial.actions.once.PART", 2)
    for day in range(6):
        double(note="a", key=f"day {day}", by=SOMEBODY, at=now + timedelta(days=day))
    assert forget_request_keys(now + timedelta(days=31)) == 0
    assert forget_request_keys(now + timedelta(days=34, seconds=1)) == 5
    assert [row.key for row in RequestKey.objects.all()] == ["day 5"]
    assert forget_request_keys(now + timedelta(days=34, seconds=2)) == 0


@pytest.mark.django_db
def test_a_form_that_is_sent_again_after_its_key_was_removed_has_no_second_effect(study, now):
    dan = factories.a_verified_participant(study, now)
    signing = signed_by(dan)
    participants.sign_consent(**signing, at=now)
    later = now + timedelta(days=32)
    before = (Consent.objects.count(), AuditEvent.objects.count())
    assert forget_request_keys(later) >= 1
    with pytest.raises(NotAllowedNow):
        participants.sign_consent(**signing, at=later)
    assert (Consent.objects.count(), AuditEvent.objects.count()) == before


class Colour(Enum):
    RED = 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, {"a": 1, "b": 2}),
        ({1: "x"}, {"1": "x"}, {"1": "y"}),
        ((1, 2), [1, 2], [2, 1]),
        ({3, 1, 2}, [1, 2, 3], [3, 1, 2]),
        ({8, 0}, [0, 8], [8, 0]),
        ({"a", 1}, [1, "a"], ["a", 1]),
        (frozenset({"b", "a"}), ["a", "b"], ["b", "a"]),
        (
            {"x": {"y": (date(2026, 3, 2),)}},
            {"x": {"y": ["2026-03-02"]}},
            {"x": {"y": ["2026-03-03"]}},
        ),
        (Colour.RED, 1, 2),
        ("1", "1", 1),
        (1.5, 1.5, "1.5"),
        (True, True, "True"),
        (None, None, "None"),
        ("é", "é", "e"),
    ],
)
def test_what_is_the_same_content_and_what_is_not(one, same, other, now):
    given = {"key": "k", "by": SOMEBODY, "at": now}
    tell(content=one, **given)
    tell(content=same, **given)
    with pytest.raises(KeyReused):
        tell(content=other, **given)


@once
def tell(*, content, by, at):
    return None


@pytest.mark.django_db
def test_a_row_is_known_by_its_kind_and_number(staff, study, now):
    ada, given = staff("researcher"), {"key": "k", "by": SOMEBODY, "at": now}
    tell(content=[ada], **given)
    tell(content=[User.objects.get(pk=ada.pk)], **given)
    tell(content=[["trial.User", str(ada.pk)]], **given)
    for other in (staff("coach"), Study(pk=ada.pk)):
        with pytest.raises(KeyReused):
            tell(content=[other], **given)


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
