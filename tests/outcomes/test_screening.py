"""Who gets in: each limit of the eligibility criteria from both sides."""

from __future__ import annotations

import pytest

from outcomes.actions import screening
from tests import factories
from trial import actors
from trial.actions import journey
from trial.sections.study import Criterion

pytestmark = pytest.mark.django_db


def mood(total: int) -> dict[str, int]:
    """PHQ-9 answers that add up to `total`, item 9 at 0 while it can be."""
    answers = {}
    for code in map(str, range(1, 10)):
        answers[code] = min(3, total)
        total -= answers[code]
    return answers


@pytest.mark.parametrize(("age", "state"), [(17, "excluded"), (18, "screening"), (120, "screening")])
def test_the_age_of_eighteen_is_in_and_the_one_before_is_not(study, now, age, state):
    assert factories.a_screening_participant(study, now, age=age).state == state


@pytest.mark.parametrize(("score", "state"), [(4, "excluded"), (5, "screening"), (19, "screening"), (20, "excluded")])
def test_a_score_between_the_limits_is_in_and_the_limits_are_not(study, now, score, state):
    person = factories.a_screening_participant(study, now)
    by = actors.visitor(person.code)
    screening.answer_instrument(participant=person, instrument="PHQ9", answers=mood(score), by=by, at=now)
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
def test_only_answers_to_questions_can_be_corrected_and_none_about_safety(rule, safety, correctable):
    given = {"code": "c", "after": "basics", "rule": rule, "safety": safety, "turned_away": {"en": "Thank you"}}
    assert Criterion.model_validate(given).correctable == correctable
