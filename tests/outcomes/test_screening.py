"""Who gets in: each limit of the eligibility criteria from both sides."""

from __future__ import annotations

import pytest

from outcomes.actions import screening
from tests import factories
from trial import actors
from trial.actions import journey

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
