import itertools
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coaching_protocol.plan import Comparison, Log, PlannedContact, UnknownStep, compare, planned
from coaching_protocol.sections import Protocol
from trial import week

AMSTERDAM = "Europe/Amsterdam"


@dataclass(frozen=True)
class Contacts:
    count: int
    first_day: int
    every_days: int
    window: int
    weekdays: tuple[str, ...] = ()


PROTOCOL = Protocol.model_validate(
    {
        "name": {"en": "Motivational calls"},
        "version": "1.0",
        "contacts": {"count": 8, "first_day": 3, "every_days": 7, "window": 4},
        "minutes": 15,
        "medium": "phone",
        "steps": [{"code": code, "text": {"en": "Do this"}} for code in ("greet", "week", "plan")],
        "escalation": {"en": "Call the safety contact"},
    }
)
CALL = PlannedContact(1, date(2018, 1, 4), date(2018, 1, 4), date(2018, 1, 7))


def test_weekly_calls_start_on_their_first_day_and_may_be_held_for_their_window():
    found = planned(
        PROTOCOL.contacts, from_at=datetime(2018, 1, 1, 13, 30, tzinfo=UTC), timezone=AMSTERDAM
    )
    assert len(found) == 8
    assert found[0] == CALL
    assert found[7] == PlannedContact(8, date(2018, 2, 22), date(2018, 2, 22), date(2018, 2, 25))


def test_days_are_counted_from_the_local_date_of_the_grant():
    late = datetime(2018, 1, 1, 23, 30, tzinfo=UTC)  # 2 January in Amsterdam
    (found,) = planned(Contacts(1, 0, 7, 1), from_at=late, timezone=AMSTERDAM)
    assert found == PlannedContact(1, date(2018, 1, 2), date(2018, 1, 2), date(2018, 1, 2))


@given(
    st.builds(
        Contacts, st.integers(1, 30), st.integers(0, 30), st.integers(1, 30), st.integers(1, 30)
    ),
    st.datetimes(datetime(2015, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)),
)
def test_calls_are_numbered_evenly_spaced_and_of_one_length(contacts, from_at):
    found = planned(contacts, from_at=from_at, timezone=AMSTERDAM)
    assert [contact.number for contact in found] == list(range(1, contacts.count + 1))
    gaps = {later.due_on - earlier.due_on for earlier, later in itertools.pairwise(found)}
    assert gaps <= {timedelta(days=contacts.every_days)}
    assert {(contact.closes_on - contact.opens_on).days + 1 for contact in found} == {
        contacts.window
    }


def test_a_call_is_compared_with_its_protocol_step_by_step():
    log = Log(CALL, steps=["plan", "greet"], minutes=21, held_on=date(2018, 1, 7))
    found = compare(PROTOCOL, log)
    assert found == Comparison(2, 3, ("week",), 21, 15, within_window=True)
    assert found.minutes_over == 6


def test_a_step_noted_twice_counts_once():
    log = Log(CALL, steps=["greet", "greet"], minutes=None, held_on=None)
    found = compare(PROTOCOL, log)
    assert found == Comparison(1, 3, ("week", "plan"), None, 15, within_window=None)
    assert found.minutes_over is None


@pytest.mark.parametrize(("day", "within"), [(3, False), (4, True), (7, True), (8, False)])
def test_the_window_includes_its_first_and_last_day(day, within):
    log = Log(CALL, steps=[], minutes=10, held_on=date(2018, 1, 1))
    assert compare(PROTOCOL, replace(log, held_on=date(2018, 1, day))).within_window is within


def test_a_step_that_the_protocol_does_not_have_is_refused():
    with pytest.raises(UnknownStep, match=r"^the protocol has no step advice$"):
        compare(PROTOCOL, Log(CALL, steps=["greet", "advice"], minutes=5, held_on=CALL.due_on))


MONDAY_TO_FRIDAY = ("mon", "tue", "wed", "thu", "fri")


@pytest.mark.parametrize(
    ("first_day", "window", "due_on", "closes_on"),
    [
        (4, 1, 5, 5),  # Friday
        (5, 1, 8, 8),  # Saturday, so Monday
        (6, 1, 8, 8),  # Sunday, so Monday
        (7, 1, 8, 8),  # Monday
        (4, 2, 5, 8),  # Friday and Monday
        (5, 5, 8, 12),  # Monday to Friday
        (2, 5, 3, 9),  # Wednesday to Friday, Monday and Tuesday
    ],
)
def test_planned_days_keep_to_the_weekdays_of_the_protocol(first_day, window, due_on, closes_on):
    granted = datetime(2018, 1, 1, 12, tzinfo=UTC)  # a Monday
    (found,) = planned(
        Contacts(1, first_day, 7, window, MONDAY_TO_FRIDAY), from_at=granted, timezone=AMSTERDAM
    )
    assert found == PlannedContact(
        1, date(2018, 1, due_on), date(2018, 1, due_on), date(2018, 1, closes_on)
    )


@given(st.integers(0, 6), st.integers(1, 5), st.sets(st.sampled_from(week.WEEK), min_size=1))
def test_a_window_has_as_many_of_its_weekdays_as_it_says(first_day, window, weekdays):
    granted = datetime(2018, 1, 1, 12, tzinfo=UTC)
    (found,) = planned(
        Contacts(1, first_day, 7, window, tuple(weekdays)), from_at=granted, timezone=AMSTERDAM
    )
    days = [
        found.opens_on + timedelta(days=n)
        for n in range((found.closes_on - found.opens_on).days + 1)
    ]
    assert sum(week.name(day) in weekdays for day in days) == window
    assert {week.name(found.opens_on), week.name(found.closes_on)} <= weekdays
