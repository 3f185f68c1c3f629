from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.schedules import AssessmentState, Window, closed_at, state, window_from
from trial import anchors

AMSTERDAM = "Europe/Amsterdam"
RANDOMISED = datetime(2018, 1, 1, 13, 30, tzinfo=UTC)  # 14:30 in Amsterdam

UNSCHEDULED, UPCOMING, OPEN, STARTED, SUBMITTED, DECLINED, MISSED, WITHDRAWN = AssessmentState
FINAL = {SUBMITTED, DECLINED, MISSED, WITHDRAWN}
RANK = {UNSCHEDULED: 0, UPCOMING: 1, OPEN: 2, STARTED: 3} | dict.fromkeys(FINAL, 4)


@dataclass(frozen=True)
class Entry:
    anchor: str
    days: int = 0
    window: int = 7
    not_before: int | None = None
    at_the_latest: int | None = None
    on: date | None = None


@dataclass(frozen=True)
class Stored:
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    opened_at: datetime | None = None
    submitted_at: datetime | None = None
    declined_at: datetime | None = None
    withdrawn_at: datetime | None = None


def day(number):
    return RANDOMISED + timedelta(days=number)


def window(entry, anchor_at=None, randomised_at=RANDOMISED, timezone=AMSTERDAM):
    """As the rows are dated: the opening by its anchor, and its days from there."""
    opening = anchors.Opening.of(entry)
    events = {} if anchor_at is None else {str(opening.anchor): anchor_at}
    opens_at = anchors.when(
        opening, randomised_at=randomised_at, granted_at=anchor_at, events=events, timezone=timezone
    )
    return None if opens_at is None else window_from(opens_at, entry.window, timezone)


moments = st.datetimes(datetime(2015, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))
zones = st.sampled_from(
    [AMSTERDAM, "UTC", "America/New_York", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe"]
)
perhaps = st.none() | st.integers(0, 30).map(day)
stored = st.builds(Stored, **{field.name: perhaps for field in fields(Stored)})


def test_a_week_opens_at_six_and_closes_at_the_end_of_its_seventh_day():
    # 8 to 14 January 2018, Amsterdam at UTC+1.
    assert window(Entry("randomised", days=7, window=7)) == Window(
        datetime(2018, 1, 8, 5, tzinfo=UTC), datetime(2018, 1, 14, 22, 59, 59, tzinfo=UTC)
    )


def test_a_window_over_the_change_to_summer_time_is_an_hour_shorter():
    # 24 and 25 March 2018; clocks go forward on the 25th, so the second midnight is at UTC+2.
    assert window(Entry("randomised", days=82, window=2)) == Window(
        datetime(2018, 3, 24, 5, tzinfo=UTC), datetime(2018, 3, 25, 21, 59, 59, tzinfo=UTC)
    )


def test_what_opens_during_a_day_has_the_rest_of_that_day_on_top():
    finished = datetime(2018, 2, 20, 12, tzinfo=UTC)
    entry = Entry("programme_finished", window=21, not_before=42, at_the_latest=70)
    assert window(entry, finished) == Window(
        finished, datetime(2018, 3, 13, 22, 59, 59, tzinfo=UTC)
    )


def test_the_moments_of_a_window_are_in_utc():
    found = window(Entry("randomised", days=7))
    assert found.opens_at.tzinfo is UTC
    assert found.closes_at.tzinfo is UTC


def test_while_the_anchor_has_not_happened_the_latest_day_stands():
    entry = Entry("assessment_closed:post1", days=91, window=21, at_the_latest=182)
    assert window(entry) == window(Entry("randomised", days=182, window=21))


def test_without_anchor_and_latest_day_there_are_no_dates():
    assert window(Entry("granted", days=1)) is None
    assert window(Entry("granted", days=1), RANDOMISED) == window(Entry("randomised", days=1))


def test_a_fixed_date_needs_no_anchor():
    opens_at = datetime(2018, 9, 30, 4, tzinfo=UTC)
    assert window(Entry("date", window=1, on=date(2018, 9, 30))) == Window(
        opens_at, datetime(2018, 9, 30, 21, 59, 59, tzinfo=UTC)
    )


@given(moments, zones, st.integers(0, 200), st.integers(1, 40))
def test_a_window_spans_its_whole_days_in_every_zone(randomised_at, timezone, days, length):
    found = window(
        Entry("randomised", days=days, window=length),
        randomised_at=randomised_at,
        timezone=timezone,
    )
    zone = ZoneInfo(timezone)
    opens, closes = found.opens_at.astimezone(zone), found.closes_at.astimezone(zone)
    whole_from = opens.date() if opens.time() <= time(6) else opens.date() + timedelta(days=1)
    assert (closes.date() - whole_from).days + 1 == length
    assert closes.time() == time(23, 59, 59)
    assert found.opens_at < found.closes_at
    assert days == 0 or opens.time() == time(6)


@pytest.mark.parametrize(
    ("facts", "at", "expected"),
    [
        (Stored(), day(5), UNSCHEDULED),
        (Stored(opens_at=day(5), closes_at=day(9)), day(4), UPCOMING),
        (Stored(opens_at=day(5), closes_at=day(9)), day(5), OPEN),
        (Stored(opens_at=day(5), closes_at=day(9)), day(9), MISSED),
        (Stored(opens_at=day(5), closes_at=day(9), opened_at=day(6)), day(6), STARTED),
        (Stored(opens_at=day(5), closes_at=day(9), opened_at=day(6)), day(9), MISSED),
        (
            Stored(opens_at=day(5), closes_at=day(9), opened_at=day(6), submitted_at=day(7)),
            day(6),
            STARTED,
        ),
        (
            Stored(opens_at=day(5), closes_at=day(9), opened_at=day(6), submitted_at=day(7)),
            day(30),
            SUBMITTED,
        ),
        (Stored(opens_at=day(5), closes_at=day(9), declined_at=day(6)), day(30), DECLINED),
        (Stored(opens_at=day(5), closes_at=day(9), withdrawn_at=day(2)), day(30), WITHDRAWN),
        (Stored(withdrawn_at=day(2)), day(2), WITHDRAWN),
        (Stored(opens_at=day(5), closes_at=day(9), withdrawn_at=day(12)), day(30), MISSED),
        (
            Stored(opens_at=day(5), closes_at=day(9), submitted_at=day(7), withdrawn_at=day(7)),
            day(30),
            SUBMITTED,
        ),
        (
            Stored(opens_at=day(5), closes_at=day(9), submitted_at=day(7), declined_at=day(7)),
            day(30),
            SUBMITTED,
        ),
        (Stored(opens_at=day(5), closes_at=day(9), submitted_at=day(9)), day(30), SUBMITTED),
        (Stored(opens_at=day(5), closes_at=day(9), withdrawn_at=day(9)), day(30), WITHDRAWN),
    ],
)
def test_the_state_follows_from_facts_and_date(facts, at, expected):
    assert state(facts, at) is expected


@given(stored, st.integers(-1, 31), st.integers(-1, 31))
def test_states_only_move_forward_and_a_final_one_stays(facts, first, second):
    earlier, later = sorted((first, second))
    before, after = state(facts, day(earlier)), state(facts, day(later))
    assert RANK[before] <= RANK[after]
    assert before not in FINAL or after is before


@given(stored, st.integers(-1, 31))
def test_the_state_does_not_depend_on_what_happens_later(facts, number):
    at = day(number)
    happenings = ("opened_at", "submitted_at", "declined_at", "withdrawn_at")
    later = [name for name in happenings if (getattr(facts, name) or at) > at]
    trimmed = replace(facts, **dict.fromkeys(later))
    assert state(trimmed, at) is state(facts, at)


@given(stored, st.integers(-1, 31))
def test_it_is_closed_exactly_when_its_state_is_final(facts, number):
    at = day(number)
    closed = closed_at(facts, at)
    assert (closed is not None) == (state(facts, at) in FINAL)
    if closed is not None:
        assert closed <= at
        assert closed_at(facts, closed) == closed
        assert closed_at(facts, closed - timedelta(microseconds=1)) is None


def test_it_closes_at_the_first_of_answer_refusal_withdrawal_and_end_of_window():
    facts = Stored(opens_at=day(1), closes_at=day(9), submitted_at=day(7), withdrawn_at=day(8))
    assert [closed_at(facts, day(number)) for number in (6, 7, 30)] == [None, day(7), day(7)]
