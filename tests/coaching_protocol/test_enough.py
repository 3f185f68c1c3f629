"""From which day on as many calls as the plan asks for cannot be held any more."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coaching_protocol.models import Contact
from coaching_protocol.queries.enough import lost_on

FIRST = date(2026, 3, 5)
STATES = ("planned", "held", "not_held", "cancelled")


def calls(*states):
    return [
        Contact(number=n, state=state, closes_on=FIRST + timedelta(days=7 * (n - 1)))
        for n, state in enumerate(states, 1)
    ]


@pytest.mark.parametrize(
    ("states", "at_least", "weeks"),
    [
        (("not_held", "planned", "planned"), 3, 0),  # the first that is lost was needed
        (("not_held", "planned", "planned"), 2, None),  # two are still to come
        (("not_held", "held", "not_held"), 2, 2),  # the second that is lost
        (("held", "not_held", "held"), 2, None),
        (("planned", "planned", "planned"), 3, None),  # late is not lost
        (("not_held",), 2, None),  # by an earlier plan that had fewer calls nothing is said
    ],
)
def test_the_day_is_that_of_the_last_call_that_was_needed(states, at_least, weeks):
    expected = None if weeks is None else FIRST + timedelta(days=7 * weeks)
    assert lost_on(calls(*states), at_least, None) == expected


def test_leaving_the_study_is_none_and_no_day_lies_after_it():
    assert lost_on(calls("held", "cancelled", "cancelled"), 2, FIRST + timedelta(days=2)) is None
    left_on = FIRST + timedelta(days=8)  # the second call was given up before its last day
    assert lost_on(calls("held", "not_held", "cancelled"), 3, left_on) == FIRST + timedelta(days=7)
    left_on = FIRST + timedelta(days=3)
    assert lost_on(calls("held", "not_held", "cancelled"), 3, left_on) == left_on


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=12), st.data())
def test_it_is_told_of_whoever_cannot_have_as_many_and_of_nobody_else(states, data):
    at_least = data.draw(st.integers(1, len(states)))
    within_reach = sum(state != "not_held" for state in states) >= at_least
    assert (lost_on(calls(*states), at_least, None) is None) == within_reach
