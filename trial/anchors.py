"""When something opens: an anchor, plus calendar days, kept between a first and a last day.

Days are calendar days in the study's time zone, counted from the local date of the event; what
opens on a later day opens at 06:00 local. Zero days after an event is the moment of the event
itself.

An event anchor may never happen (a programme that is not finished). `at_the_latest` days after
randomisation the opening then resolves by itself, and an event that comes still later changes
nothing. Hence two questions:

- `when`: the opening on what is known so far; the latest day while the event has not happened. Safe
  to store: nothing opens too early, and whoever stops is still reached.
- `expected`: `when` as seen at `at`, and whether it is settled. Once settled, always that answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol, Self
from zoneinfo import ZoneInfo

OPENING_HOUR = time(6)

TIMED = ("randomised", "granted", "date")
OF_TIMEPOINTS = ("assessment_opened", "assessment_closed")
EVENTS = ("programme_finished", *OF_TIMEPOINTS)

NAMES = (
    "randomised",
    "granted",
    "programme_finished",
    *(f"{kind}:<timepoint>" for kind in OF_TIMEPOINTS),
    "date",
)


class UnknownAnchor(ValueError):
    """Not an anchor of the folder's language."""


class Unresolvable(ValueError):
    """An opening that could contradict itself, or that might never come."""


class Opens(Protocol):
    """What a folder says of an opening; `on` is read for the anchor `date` only and may be absent
    otherwise.
    """

    @property
    def anchor(self) -> str: ...
    @property
    def days(self) -> int: ...
    @property
    def not_before(self) -> int | None: ...
    @property
    def at_the_latest(self) -> int | None: ...


@dataclass(frozen=True)
class Anchor:
    kind: str
    timepoint: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        kind, colon, timepoint = text.partition(":")
        if kind in OF_TIMEPOINTS and timepoint:
            return cls(kind, timepoint)
        if kind in (*TIMED, "programme_finished") and not colon:
            return cls(kind)
        raise UnknownAnchor(f"{text!r} is not an anchor; use one of {', '.join(NAMES)}")

    @property
    def is_event(self) -> bool:
        """Whether it waits for something that may never happen."""
        return self.kind in EVENTS

    def __str__(self) -> str:
        return f"{self.kind}:{self.timepoint}" if self.timepoint else self.kind


@dataclass(frozen=True)
class Opening:
    """A checked `Opens`."""

    anchor: Anchor
    days: int = 0
    not_before: int | None = None
    at_the_latest: int | None = None
    on: date | None = None

    def __post_init__(self) -> None:
        if self.days < 0:
            raise Unresolvable("days are counted forward from the anchor; use 0 or more")
        if self.anchor.is_event and self.at_the_latest is None:
            raise Unresolvable(f"{self.anchor} may never happen; say at_the_latest")
        if self.at_the_latest is not None and (self.not_before or 0) > self.at_the_latest:
            raise Unresolvable(
                f"not_before: {self.not_before} is after at_the_latest: {self.at_the_latest}"
            )
        if (self.anchor.kind == "date") != (self.on is not None):
            raise Unresolvable("the anchor date needs on: a date; no other anchor takes one")

    @classmethod
    def of(cls, opens: "Opens | Opening") -> "Opening":
        """Errors: UnknownAnchor, Unresolvable."""
        if isinstance(opens, Opening):
            return opens
        on = getattr(opens, "on", None)
        return cls(
            Anchor.parse(opens.anchor), opens.days, opens.not_before, opens.at_the_latest, on
        )


@dataclass(frozen=True)
class Expected:
    opens_at: datetime | None
    certain: bool


def when(
    opens: Opens | Opening,
    *,
    randomised_at: datetime,
    granted_at: datetime | None,
    events: Mapping[str, datetime],
    timezone: str,
) -> datetime | None:
    """The opening on what is known so far, in UTC. None only for `granted`, without a grant and
    without a latest day.

    `events` maps an anchor's text (`programme_finished`, `assessment_closed:post1`) to when it
    happened.
    """
    opening, zone = Opening.of(opens), ZoneInfo(timezone)
    earliest = _limit(opening.not_before, randomised_at, zone)
    latest = _limit(opening.at_the_latest, randomised_at, zone)
    start = _start(opening, randomised_at, granted_at, events, zone)
    if start is None:
        return latest
    start = start if earliest is None else max(start, earliest)
    return start if latest is None else min(start, latest)


def expected(
    opens: Opens | Opening,
    *,
    randomised_at: datetime,
    granted_at: datetime | None,
    events: Mapping[str, datetime],
    timezone: str,
    at: datetime,
) -> Expected:
    """The best estimate at `at`. Not certain: the anchor has not happened, and it may open sooner
    than this.
    """
    opening = Opening.of(opens)
    happened = {anchor: event for anchor, event in events.items() if event <= at}
    granted = granted_at if granted_at is not None and granted_at <= at else None
    moment = when(
        opening, randomised_at=randomised_at, granted_at=granted, events=happened, timezone=timezone
    )
    settled = _start(opening, randomised_at, granted, happened, ZoneInfo(timezone)) is not None
    return Expected(moment, certain=moment is not None and (settled or moment <= at))


def after(event: datetime, days: int, zone: ZoneInfo) -> datetime:
    """`days` calendar days after an event: 06:00 local on that day, or the event itself for 0."""
    if days == 0:
        return event.astimezone(UTC)
    return opening_of(event.astimezone(zone).date() + timedelta(days=days), zone)


def opening_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, OPENING_HOUR, tzinfo=zone).astimezone(UTC)


def _start(
    opening: Opening,
    randomised_at: datetime,
    granted_at: datetime | None,
    events: Mapping[str, datetime],
    zone: ZoneInfo,
) -> datetime | None:
    if opening.on is not None:
        return opening_of(opening.on + timedelta(days=opening.days), zone)
    timed = {"randomised": randomised_at, "granted": granted_at}
    event = (
        events.get(str(opening.anchor)) if opening.anchor.is_event else timed[opening.anchor.kind]
    )
    return None if event is None else after(event, opening.days, zone)


def _limit(days: int | None, randomised_at: datetime, zone: ZoneInfo) -> datetime | None:
    return None if days is None else after(randomised_at, days, zone)
