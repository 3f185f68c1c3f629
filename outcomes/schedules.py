"""When a questionnaire may be answered, and how it stands on a given date."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from trial import anchors

LAST_MINUTE = time(23, 59)
LAST_SECOND = time(
    23, 59, 59, fold=1
)  # fold: where clocks go back at midnight, the second time round


@dataclass(frozen=True)
class Window:
    """Open from `opens_at` up to, not including, `closes_at`; both in UTC."""

    opens_at: datetime
    closes_at: datetime


class AssessmentState(StrEnum):
    UNSCHEDULED = "unscheduled"
    UPCOMING = "upcoming"
    OPEN = "open"
    STARTED = "started"
    SUBMITTED = "submitted"
    DECLINED = "declined"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"


class Facts(Protocol):
    """What is stored of an assessment: moments in UTC, each None until there is one. A database row
    will do.
    """

    @property
    def opens_at(self) -> datetime | None: ...
    @property
    def closes_at(self) -> datetime | None: ...
    @property
    def opened_at(self) -> datetime | None: ...
    @property
    def submitted_at(self) -> datetime | None: ...
    @property
    def declined_at(self) -> datetime | None: ...
    @property
    def withdrawn_at(self) -> datetime | None: ...


def window_from(opens_at: datetime, window: int, timezone: str) -> Window:
    """Open for `window` whole calendar days of the time zone; what opens during a day has its rest
    on top.
    """
    return Window(opens_at, _closing(opens_at, window, ZoneInfo(timezone)))


def state(facts: Facts, at: datetime) -> AssessmentState:
    """How it stands at `at`, from facts no later than `at`. What ends an assessment first decides
    for good.
    """
    ends = [end for end in _ends(facts) if end[0] <= at]
    if ends:
        return min(ends, key=lambda end: end[0])[1]
    if facts.opened_at is not None and facts.opened_at <= at:
        return AssessmentState.STARTED
    if facts.opens_at is None:
        return AssessmentState.UNSCHEDULED
    return AssessmentState.OPEN if facts.opens_at <= at else AssessmentState.UPCOMING


def closed_at(facts: Facts, at: datetime) -> datetime | None:
    """When it was answered, declined or withdrawn, or its window passed, whichever came first; None
    if not by `at`.
    """
    return min((moment for moment, _ in _ends(facts) if moment <= at), default=None)


def _closing(opens_at: datetime, window: int, zone: ZoneInfo) -> datetime:
    local = opens_at.astimezone(zone)
    is_whole = local.time() <= anchors.OPENING_HOUR
    last_day = local.date() + timedelta(days=window - 1 if is_whole else window)
    return datetime.combine(last_day, LAST_SECOND, tzinfo=zone).astimezone(UTC)


def _ends(facts: Facts) -> list[tuple[datetime, AssessmentState]]:
    """In the order that decides between two at the same moment."""
    ends = [
        (facts.submitted_at, AssessmentState.SUBMITTED),
        (facts.declined_at, AssessmentState.DECLINED),
        (facts.withdrawn_at, AssessmentState.WITHDRAWN),
        (facts.closes_at, AssessmentState.MISSED),
    ]
    return [(moment, state) for moment, state in ends if moment is not None]
