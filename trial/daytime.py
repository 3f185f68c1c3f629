"""When mail may come that nobody just asked for: by day, on the clock of whoever gets it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

BEGINS, ENDS = time(8), time(21)


def from_then(moment: datetime, timezone: str) -> datetime:
    """`moment` itself by day there, else the next morning at eight; in UTC."""
    zone = ZoneInfo(timezone)
    local = moment.astimezone(zone)
    if BEGINS <= local.time() < ENDS:
        return moment.astimezone(UTC)
    day = local.date() if local.time() < BEGINS else local.date() + timedelta(days=1)
    return datetime.combine(day, BEGINS, tzinfo=zone).astimezone(UTC)


def days_after(moment: datetime, days: int, timezone: str) -> datetime:
    """So many calendar days later, at the same time on the clock there, whatever the clocks did
    between; in UTC.
    """
    return (moment.astimezone(ZoneInfo(timezone)) + timedelta(days=days)).astimezone(UTC)


def city(timezone: str) -> str:
    """A time zone as people say it: Europe/Amsterdam is Amsterdam."""
    return (timezone.partition("/")[2] or timezone).replace("_", " ")
