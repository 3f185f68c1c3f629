from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trial.anchors import Anchor, Expected, Opening, UnknownAnchor, Unresolvable, expected, when
from trial.sections import Opening as WrittenOpening

AMSTERDAM = "Europe/Amsterdam"
# A Monday afternoon in winter: 14:30 in Amsterdam.
RANDOMISED = datetime(2018, 1, 1, 13, 30, tzinfo=UTC)

moments = st.datetimes(datetime(2015, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))
zones = st.sampled_from(
    [AMSTERDAM, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
)
spans = st.integers(0, 400)


def facts(**changes):
    return {
        "randomised_at": RANDOMISED,
        "granted_at": None,
        "events": {},
        "timezone": AMSTERDAM,
        **changes,
    }


def settled(found, *, at, **known_facts):
    """The opening, once it can no longer be another."""
    seen = expected(found, **known_facts, at=at)
    return seen.opens_at if seen.certain else None


def opening(anchor, days=0, **limits):
    return Opening(Anchor.parse(anchor), days, **limits)


@st.composite
def event_openings(draw):
    first, last = sorted((draw(spans), draw(spans)))
    not_before = draw(st.none() | st.just(first))
    anchor = draw(
        st.sampled_from(
            ["programme_finished", "assessment_opened:post1", "assessment_closed:post1"]
        )
    )
    return opening(anchor, draw(spans), not_before=not_before, at_the_latest=last)


@st.composite
def situations(draw):
    randomised_at = draw(moments)
    happened = draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=500)))
    found = draw(event_openings())
    events = {} if happened is None else {str(found.anchor): randomised_at + happened}
    return found, facts(randomised_at=randomised_at, events=events, timezone=draw(zones))


def latest_of(found, situation):
    return when(opening("randomised", found.at_the_latest), **situation)


def earliest_of(found, situation):
    return when(opening("randomised", found.not_before or 0), **situation)


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("randomised", Anchor("randomised")),
        ("granted", Anchor("granted")),
        ("programme_finished", Anchor("programme_finished")),
        ("date", Anchor("date")),
        ("assessment_closed:post1", Anchor("assessment_closed", "post1")),
        ("assessment_opened:post1", Anchor("assessment_opened", "post1")),
    ],
)
def test_an_anchor_is_read_and_written_alike(text, anchor):
    assert Anchor.parse(text) == anchor
    assert str(anchor) == text


@pytest.mark.parametrize(
    "text", ["", "assessment_closed", "assessment_closed:", "randomised:post1", "enrolled"]
)
def test_what_is_no_anchor_is_refused(text):
    with pytest.raises(UnknownAnchor) as refused:
        Anchor.parse(text)
    assert str(refused.value) == (
        f"{text!r} is not an anchor; use one of randomised, granted, programme_finished, "
        "assessment_opened:<timepoint>, assessment_closed:<timepoint>, date"
    )


@pytest.mark.parametrize(
    ("anchor", "limits", "why"),
    [
        ("programme_finished", {}, "programme_finished may never happen; say at_the_latest"),
        (
            "assessment_closed:post1",
            {"not_before": 4},
            "assessment_closed:post1 may never happen; say at_the_latest",
        ),
        (
            "randomised",
            {"not_before": 5, "at_the_latest": 4},
            "not_before: 5 is after at_the_latest: 4",
        ),
        (
            "randomised",
            {"not_before": 1, "at_the_latest": 0},
            "not_before: 1 is after at_the_latest: 0",
        ),
        ("randomised", {"days": -1}, "days are counted forward from the anchor; use 0 or more"),
        (
            "randomised",
            {"on": date(2018, 1, 1)},
            "the anchor date needs on: a date; no other anchor takes one",
        ),
        ("date", {}, "the anchor date needs on: a date; no other anchor takes one"),
    ],
)
def test_an_opening_that_may_never_come_or_contradicts_itself_is_refused(anchor, limits, why):
    with pytest.raises(Unresolvable) as refused:
        opening(anchor, **limits)
    assert str(refused.value) == why


def test_the_first_day_may_be_the_latest_one_and_the_latest_may_be_the_day_itself():
    assert when(opening("randomised", not_before=4, at_the_latest=4), **facts()) == datetime(
        2018, 1, 5, 5, tzinfo=UTC
    )
    assert when(opening("programme_finished", at_the_latest=0), **facts()) == RANDOMISED


def test_an_opening_is_in_utc_whatever_zone_the_event_was_told_in():
    told = RANDOMISED.astimezone(ZoneInfo(AMSTERDAM))
    for days in (0, 1):
        found = when(opening("randomised", days), **facts(randomised_at=told))
        assert found.tzinfo is UTC


def test_an_opening_that_is_still_to_come_is_settled_once_its_anchor_has_happened():
    day_7 = datetime(2018, 1, 8, 5, tzinfo=UTC)
    assert expected(opening("randomised", 7), **facts(), at=RANDOMISED) == Expected(
        day_7, certain=True
    )
    granted = facts(granted_at=RANDOMISED)
    assert expected(opening("granted", 7), **granted, at=RANDOMISED) == Expected(
        day_7, certain=True
    )
    closed = facts(events={"assessment_closed:pre": RANDOMISED})
    found = expected(opening("assessment_closed:pre", 7, at_the_latest=70), **closed, at=RANDOMISED)
    assert found == Expected(day_7, certain=True)
    latest = expected(opening("granted", at_the_latest=7), **facts(), at=RANDOMISED)
    assert latest == Expected(day_7, certain=False)


def test_a_fixed_date_is_settled_from_the_start():
    found = Opening(Anchor("date"), on=date(2018, 9, 30))
    assert expected(found, **facts(), at=RANDOMISED) == Expected(
        datetime(2018, 9, 30, 4, tzinfo=UTC), certain=True
    )


def test_what_a_folder_says_is_an_opening():
    written = WrittenOpening(anchor="programme_finished", days=0, not_before=42, at_the_latest=70)
    assert Opening.of(written) == opening("programme_finished", not_before=42, at_the_latest=70)
    assert Opening.of(
        SimpleNamespace(anchor="granted", days=3, not_before=None, at_the_latest=None)
    ) == opening("granted", 3)


def test_zero_days_is_the_event_itself_and_later_days_open_at_six_local():
    assert when(opening("randomised"), **facts()) == RANDOMISED
    assert when(opening("randomised", 7), **facts()) == datetime(2018, 1, 8, 5, tzinfo=UTC)


def test_a_day_is_a_calendar_day_across_the_change_to_summer_time():
    # Amsterdam goes to UTC+2 on 25 March 2018; 06:00 stays 06:00 on the clock.
    assert when(opening("randomised", 83), **facts()) == datetime(2018, 3, 25, 4, tzinfo=UTC)


def test_the_calendar_day_is_that_of_the_time_zone():
    just_after_midnight = datetime(2018, 1, 1, 23, 30, tzinfo=UTC)  # 2 January, 00:30 in Amsterdam
    found = when(opening("randomised", 1), **facts(randomised_at=just_after_midnight))
    assert found == datetime(2018, 1, 3, 5, tzinfo=UTC)


def test_a_fixed_date_opens_that_morning():
    found = Opening(Anchor("date"), days=1, on=date(2018, 9, 30))
    assert when(found, **facts()) == datetime(2018, 10, 1, 4, tzinfo=UTC)


def test_a_grant_is_waited_for():
    assert when(opening("granted"), **facts()) is None
    assert expected(opening("granted"), **facts(), at=RANDOMISED) == Expected(None, certain=False)
    granted_at = RANDOMISED + timedelta(hours=1)
    assert settled(opening("granted"), **facts(granted_at=granted_at), at=RANDOMISED) is None
    assert settled(opening("granted"), **facts(granted_at=granted_at), at=granted_at) == granted_at


def test_the_first_posttest_follows_the_end_of_the_programme_within_its_limits():
    # The published design: at programme end, not before day 42 and at the latest day 70 (12 March
    # 2018).
    post1 = opening("programme_finished", not_before=42, at_the_latest=70)
    day_42, day_70 = datetime(2018, 2, 12, 5, tzinfo=UTC), datetime(2018, 3, 12, 5, tzinfo=UTC)
    on_day = {day: RANDOMISED + timedelta(days=day) for day in (20, 50, 90)}
    found = {
        day: when(post1, **facts(events={"programme_finished": moment}))
        for day, moment in on_day.items()
    }
    assert found == {20: day_42, 50: on_day[50], 90: day_70}
    finished = facts(events={"programme_finished": on_day[50]})
    assert expected(post1, **finished, at=on_day[20]) == Expected(day_70, certain=False)
    assert expected(post1, **finished, at=on_day[50]) == Expected(on_day[50], certain=True)
    assert expected(post1, **facts(), at=day_70) == Expected(day_70, certain=True)
    assert settled(post1, **facts(), at=day_70 - timedelta(seconds=1)) is None
    assert settled(post1, **facts(), at=day_70) == day_70


@given(situations())
def test_every_event_anchor_resolves_by_its_latest_day_and_not_before_its_first(situation):
    found, known_facts = situation
    latest = latest_of(found, known_facts)
    assert earliest_of(found, known_facts) <= settled(found, **known_facts, at=latest) <= latest
    assert when(found, **known_facts) <= latest


@given(situations(), spans, spans)
def test_what_is_settled_once_stays_so(situation, first, second):
    found, known_facts = situation
    early, late = (
        known_facts["randomised_at"] + timedelta(days=days) for days in sorted((first, second))
    )
    answer = settled(found, **known_facts, at=early)
    assert answer is None or settled(found, **known_facts, at=late) == answer


@given(situations(), spans)
def test_what_is_settled_does_not_depend_on_what_happens_later(situation, days):
    found, known_facts = situation
    at = known_facts["randomised_at"] + timedelta(days=days)
    past = {anchor: event for anchor, event in known_facts["events"].items() if event <= at}
    assert settled(found, **known_facts, at=at) == settled(
        found, **{**known_facts, "events": past}, at=at
    )


@given(situations())
def test_the_same_facts_give_the_same_opening(situation):
    found, known_facts = situation
    assert when(found, **known_facts) == when(found, **known_facts)
    at = max([known_facts["randomised_at"], *known_facts["events"].values()])
    assert expected(found, **known_facts, at=at).opens_at == when(found, **known_facts)


@given(situations(), spans)
def test_an_uncertain_expectation_is_never_too_early(situation, days):
    found, known_facts = situation
    at = known_facts["randomised_at"] + timedelta(days=days)
    assert expected(found, **known_facts, at=at).opens_at >= when(found, **known_facts)
