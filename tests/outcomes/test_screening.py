"""Who gets in: each limit of the eligibility criteria from both sides."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from outcomes.actions import screening
from outcomes.models import ScreeningAnswer
from tests import factories
from trial import actors
from trial.accepted import NotAccepted
from trial.actions import journey
from trial.models import Alert, AuditEvent
from trial.sections.study import Criterion

pytestmark = pytest.mark.django_db


def mood(total: int) -> dict[str, int]:
    """PHQ-9 answers that add up to `total`, item 9 at 0 while it can be."""
    answers = {}
    for code in map(str, range(1, 10)):
        answers[code] = min(3, total)
        total -= answers[code]
    return answers


@pytest.mark.parametrize(
    ("age", "state"), [(17, "excluded"), (18, "screening"), (120, "screening")]
)
def test_the_age_of_eighteen_is_in_and_the_one_before_is_not(study, now, age, state):
    assert factories.a_screening_participant(study, now, age=age).state == state


@pytest.mark.parametrize(
    ("score", "state"), [(4, "excluded"), (5, "screening"), (19, "screening"), (20, "excluded")]
)
def test_a_score_between_the_limits_is_in_and_the_limits_are_not(study, now, score, state):
    person = factories.a_screening_participant(study, now)
    by = actors.visitor(person.code)
    screening.answer_instrument(
        participant=person, instrument="PHQ9", answers=mood(score), by=by, at=now
    )
    journey.advance(person, now)
    person.refresh_from_db()
    assert (person.state, person.left_reason) == (state, "mood" if state == "excluded" else "")


ADULT = {"answer": "age", "at_least": 18}
HERE = {"answer": "country", "equals": "NL"}
DARK = {"item": "PHQ9.9", "equals": 0}


@pytest.mark.parametrize(
    ("rule", "safety", "correctable"),
    [
        (ADULT, False, {"age"}),
        (ADULT, True, set()),
        ({"not": HERE}, False, {"country"}),
        ({"any": [ADULT, HERE]}, False, {"age", "country"}),
        ({"score": "PHQ9", "below": 20}, False, set()),
        (DARK, False, set()),
        ({"all": [ADULT, DARK]}, False, set()),
        ({"any": [ADULT, {"not": {"score": "PHQ9", "below": 20}}]}, False, set()),
    ],
)
def test_only_answers_to_questions_can_be_corrected_and_none_about_safety(
    rule, safety, correctable
):
    given = {
        "code": "c",
        "after": "basics",
        "rule": rule,
        "safety": safety,
        "turned_away": {"en": "Thank you"},
    }
    assert Criterion.model_validate(given).correctable == correctable


@pytest.fixture
def eve(study, now):
    return factories.a_screening_participant(study, now)


def answer(person, at, *, answers=None, **more):
    given = {
        "instrument": "PHQ9",
        "answers": answers or mood(9),
        "by": actors.visitor(person.code),
        "at": at,
        **more,
    }
    return screening.answer_instrument(participant=person, **given)


def events(action):
    columns = ("stream", "subject", "old", "by", "at")
    return list(AuditEvent.objects.filter(action=action).order_by("number").values_list(*columns))


def test_answers_are_kept_with_their_score_and_sealed_in_the_trail(eve, now):
    later = now + timedelta(minutes=3)
    answers = mood(9)
    stored = answer(eve, later, answers=answers)
    stored.refresh_from_db()
    kept = (stored.participant, stored.instrument, stored.answers, stored.score, stored.answered_at)
    assert kept == (eve, "PHQ9", answers, 9, later)
    told = (f"{eve.study.slug}/{eve.code}", "PHQ9", "", f"visitor {eve.code}", later)
    assert events("screening answered") == [told]
    sealed = json.loads(AuditEvent.objects.get(action="screening answered").new)
    assert list(sealed) == ["sealed"]
    assert eve.unsealed(sealed["sealed"]) == json.dumps(answers, sort_keys=True)


def test_every_item_wants_an_answer_since_who_gets_in_hangs_on_them(eve, now):
    left_out = {code: value for code, value in mood(9).items() if code != "2"}
    with pytest.raises(NotAccepted) as refused:
        answer(eve, now, answers={**left_out, "1": None})
    assert refused.value.fields == {"1": ["Fill this in"], "2": ["Fill this in"]}
    assert not ScreeningAnswer.objects.exists()


def test_answers_that_are_given_again_take_the_place_of_the_first(eve, now):
    first = answer(eve, now)
    second = answer(eve, now + timedelta(minutes=3), answers=mood(12))
    assert (second.pk, ScreeningAnswer.objects.get().score) == (first.pk, 12)
    assert ScreeningAnswer.objects.get().answered_at == now + timedelta(minutes=3)
    assert len(events("screening answered")) == 2


def test_the_answers_of_another_and_of_another_instrument_stay(study, eve, now):
    other = factories.a_screening_participant(study, now, age=50)
    rows = {answer(each, now).pk for each in (eve, other)}
    rows.add(answer(eve, now, instrument="GAD7", answers=factories.answers_to(study, "GAD7", 1)).pk)
    assert len(rows) == ScreeningAnswer.objects.count() == 3
    screening.forget(participant=eve, by=actors.SYSTEM, at=now)
    assert ScreeningAnswer.objects.get().participant == other


def test_answers_are_forgotten_once_and_the_trail_says_when(eve, now):
    answer(eve, now)
    for minutes in (5, 6):
        screening.forget(participant=eve, by=actors.SYSTEM, at=now + timedelta(minutes=minutes))
    told = (f"{eve.study.slug}/{eve.code}", eve.code, "", "system", now + timedelta(minutes=5))
    assert events("screening answers deleted") == [told]
    assert ScreeningAnswer.objects.count() == 0


def test_whoever_is_past_the_screening_answers_it_no_more(study, now):
    person = factories.a_consented_participant(study, now)
    before = AuditEvent.objects.count()
    with pytest.raises(screening.NotScreening):
        answer(person, now)
    assert AuditEvent.objects.count() == before


def decided(person, after, at):
    return screening.decide(person, after, actors.visitor(person.code), at)


def test_a_page_decides_its_own_criteria_alone_and_an_unanswered_one_turns_nobody_away(eve, now):
    assert decided(eve, "mood", now) is True  # not answered yet
    answer(eve, now, answers=mood(20))
    assert decided(eve, "basics", now) is True
    assert (decided(eve, "no such page", now), eve.state) == (True, "screening")
    later = now + timedelta(minutes=3)
    assert decided(eve, "mood", later) is False
    eve.refresh_from_db()
    left = (eve.state, eve.left_stage, eve.left_reason, eve.left_at)
    assert left == ("excluded", "mood", "mood", later)
    event = AuditEvent.objects.get(action="turned away")
    assert (event.by, event.at, event.reason) == (f"visitor {eve.code}", later, "mood")


def test_a_number_is_left_under_the_hand_of_the_visitor(eve, now):
    by, later = actors.visitor(eve.code), now + timedelta(minutes=3)
    for _ in range(2):
        assert (
            screening.leave_phone(participant=eve, phone="0612345678", key="k", by=by, at=later)
            is None
        )
    alert = Alert.objects.get()
    assert (alert.participant, alert.raised_at, eve.unsealed(alert.phone_sealed)) == (
        eve,
        later,
        "+31612345678",
    )
    assert events("alert raised") == [
        (f"{eve.study.slug}/{eve.code}", f"alert {alert.pk}", "", str(by), later)
    ]
