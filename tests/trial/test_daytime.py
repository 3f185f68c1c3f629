"""Mail that nobody just asked for comes by day, on the clock of whoever gets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from trial import daytime

ZONES = [
    "Europe/Amsterdam",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
]


@pytest.mark.parametrize(
    ("asked", "comes"),
    [
        ("2026-03-02 07:59", "2026-03-02 08:00"),
        ("2026-03-02 08:00", "2026-03-02 08:00"),
        ("2026-03-02 20:59", "2026-03-02 20:59"),
        ("2026-03-02 21:00", "2026-03-03 08:00"),
        ("2026-03-28 23:00", "2026-03-29 08:00"),  # the clocks go forward in that night
        ("2026-10-25 02:30", "2026-10-25 08:00"),  # and back
    ],
)
def test_from_eight_in_the_morning_to_nine_in_the_evening(asked, comes):
    zone = ZoneInfo("Europe/Amsterdam")
    moment = datetime.fromisoformat(asked).replace(tzinfo=zone)
    assert daytime.from_then(moment, zone.key) == datetime.fromisoformat(comes).replace(tzinfo=zone)


@given(
    some.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=some.just(UTC)),
    some.sampled_from(ZONES),
)
def test_never_sooner_never_at_night_and_never_more_than_a_night_later(moment, zone):
    comes = daytime.from_then(moment, zone)
    local = comes.astimezone(ZoneInfo(zone)).time()
    assert daytime.BEGINS <= local < daytime.ENDS
    assert timedelta() <= comes - moment <= timedelta(hours=12.5)
    assert daytime.from_then(comes, zone) == comes


@given(
    some.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=some.just(UTC)),
    some.integers(0, 60),
)
def test_so_many_days_later_at_the_same_time_on_the_clock(moment, days):
    moment = daytime.from_then(moment, "Europe/Amsterdam")
    before, after = (
        each.astimezone(ZoneInfo("Europe/Amsterdam"))
        for each in (moment, daytime.days_after(moment, days, "Europe/Amsterdam"))
    )
    assert ((after.date() - before.date()).days, after.time()) == (days, before.time())
