"""The calls a protocol asks for, and how a call that was held compares with it. No arm, no score,
no clock.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from trial import week


class UnknownStep(ValueError):
    """A step in a log that its protocol does not have."""


class Contacts(Protocol):
    """`contacts` of a protocol: how many, the first how many days on, how far apart, in how many
    days each, and on which weekdays; on every day where none is named.
    """

    @property
    def count(self) -> int: ...
    @property
    def first_day(self) -> int: ...
    @property
    def every_days(self) -> int: ...
    @property
    def window(self) -> int: ...
    @property
    def weekdays(self) -> Sequence[str]: ...


class Step(Protocol):
    @property
    def code(self) -> str: ...


class CoachingProtocol(Protocol):
    @property
    def minutes(self) -> int: ...
    @property
    def steps(self) -> Sequence[Step]: ...


@dataclass(frozen=True)
class PlannedContact:
    """One planned call; all three days included, `number` from 1."""

    number: int
    opens_on: date
    due_on: date
    closes_on: date


@dataclass(frozen=True)
class Log:
    """What a coach noted of a call: codes of steps done, minutes (None if not noted), the day (None
    if never held).
    """

    planned: PlannedContact
    steps: Collection[str]
    minutes: int | None
    held_on: date | None


@dataclass(frozen=True)
class Comparison:
    steps_done: int
    steps_required: int
    steps_left: tuple[str, ...]
    minutes: int | None
    minutes_planned: int
    within_window: bool | None

    @property
    def minutes_over(self) -> int | None:
        """Below 0 where the call was shorter than planned."""
        return None if self.minutes is None else self.minutes - self.minutes_planned


def planned(contacts: Contacts, *, from_at: datetime, timezone: str) -> list[PlannedContact]:
    """The planned calls, counted in calendar days of the time zone from the day coaching was
    granted.

    A call may be held for `window` days, of which the first is the day it is due, as for
    assessments; so `opens_on` and `due_on` are the same day, and `closes_on` the last. Where the
    protocol names weekdays, a call is due on the first of them on or after its day, and only they
    count for the window.
    """
    granted_on = from_at.astimezone(ZoneInfo(timezone)).date()
    return [_contact(contacts, number, granted_on) for number in range(1, contacts.count + 1)]


def compare(protocol: CoachingProtocol, log: Log) -> Comparison:
    """A call against its protocol. A step counts once; `within_window` is None for a call that was
    not held.
    """
    required = [step.code for step in protocol.steps]
    unknown = set(log.steps) - set(required)
    if unknown:
        raise UnknownStep(f"the protocol has no step {', '.join(sorted(unknown))}")
    left = tuple(code for code in required if code not in log.steps)
    return Comparison(
        steps_done=len(required) - len(left),
        steps_required=len(required),
        steps_left=left,
        minutes=log.minutes,
        minutes_planned=protocol.minutes,
        within_window=_within_window(log),
    )


def place(day: date, *, opens_on: date, closes_on: date) -> str:
    """Where a day lies by the days of a call: `before`, `within` or `after` them."""
    return "before" if day < opens_on else "after" if day > closes_on else "within"


def _contact(contacts: Contacts, number: int, granted_on: date) -> PlannedContact:
    counted_on = granted_on + timedelta(
        days=contacts.first_day + (number - 1) * contacts.every_days
    )
    days = week.days_from(counted_on, contacts.window, contacts.weekdays)
    return PlannedContact(number, opens_on=days[0], due_on=days[0], closes_on=days[-1])


def _within_window(log: Log) -> bool | None:
    return (
        None
        if log.held_on is None
        else log.planned.opens_on <= log.held_on <= log.planned.closes_on
    )
