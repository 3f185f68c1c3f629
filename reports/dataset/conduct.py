"""When the design was fixed and the trial registered, against the first allocation, and what not
every arm is asked.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Against = Literal["before", "same_day", "after"]


@dataclass(frozen=True)
class Registration:
    registry: str
    id: str
    on: date


@dataclass(frozen=True)
class PartialTimepoint:
    """A time point that not every arm has. `arms` are those that do; empty where all arms are
    pooled.
    """

    code: str
    arms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """A role that was given, or the lock of the data (`what` is lock then), and how: `ground` is
    loaded, free, agreed or waited. People are named as the audit trail names them.
    """

    what: str
    to: str
    since: date
    until: date | None
    ground: str
    asked_by: str
    agreed_by: str = ""


@dataclass(frozen=True)
class Conduct:
    """Moments are in the study's time zone. `registration` None: there is none. `given` is empty
    where people are simulated, since nobody has to agree there.
    """

    locked_at: datetime
    first_allocation_at: datetime
    registration: Registration | None = None
    partial: tuple[PartialTimepoint, ...] = ()
    given: tuple[Given, ...] = ()

    @property
    def is_locked_before(self) -> bool:
        """Nobody is allocated in a study that is not open, so one and the same moment is before."""
        return self.locked_at <= self.first_allocation_at

    @property
    def registered(self) -> Against | None:
        """The day of registration against the day of the first allocation."""
        if self.registration is None:
            return None
        first = self.first_allocation_at.date()
        if self.registration.on == first:
            return "same_day"
        return "before" if self.registration.on < first else "after"
