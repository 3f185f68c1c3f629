"""What a log of a call may say, judged as plain values, for page and API alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from coaching_protocol.models import Attempt
from coaching_protocol.queries import caseload, plans
from coaching_protocol.sections import Step
from trial.accepted import check

REACHED = "reached"
NOBODY_REACHED = {"no_answer", "voicemail", "wrong_number"}
# The planned call is over; an appointment is for the next one.
ENDS_THE_CALL = {REACHED, "refused", "wrong_number"}
# Calls outside these hours, where the participant is, are a slip of the hand.
DAYTIME = time(8), time(22)
NO_FURTHER_THAN = timedelta(days=366)
MOST_MINUTES = 600
LONGEST_NOTE = 4000


@dataclass(frozen=True)
class CallLog:
    """A log as it is given. `next_at` is an appointment for the next call that is still planned;
    `began_at` is when the call began, None where it began when it was started here."""

    outcome: str = ""
    minutes: int | None = None
    steps_done: Sequence[str] = ()
    deviations: Sequence[str] = ()
    note: str = ""
    next_at: datetime | None = None
    began_at: datetime | None = None

    @property
    def was_reached(self) -> bool:
        return self.outcome == REACHED


def check_log(log: CallLog, attempt: Attempt, at: datetime) -> None:
    """Raises NotAccepted, with every fault at once."""
    check(faults(log, attempt, at))


def faults(log: CallLog, attempt: Attempt, at: datetime) -> Mapping[str, Any]:
    """By the name of each value of a log, what is wrong with it, or None."""
    described = plans.protocol(attempt.contact.plan.participant.version, attempt.protocol)
    return {
        "outcome": None if log.outcome in Attempt.OUTCOMES else _("There is no such outcome."),
        "minutes": _fault_of_minutes(log),
        "steps_done": _fault_of_steps(log, described.steps),
        "deviations": _unknown(log.deviations, described.must_not),
        "note": _("The note is too long.") if len(log.note) > LONGEST_NOTE else None,
        "began_at": _fault_of_beginning(log.began_at, attempt, at),
        "next_at": _fault_of_appointment(log, attempt, at),
    }


def _fault_of_minutes(log: CallLog) -> str | None:
    if log.was_reached and not log.minutes:
        return _("Write how many minutes you spoke, at least 1")
    if log.minutes is not None and not 0 <= log.minutes <= MOST_MINUTES:
        return _("Write whole minutes, such as 12")
    return None


def _fault_of_steps(log: CallLog, steps: Sequence[Step]) -> str | None:
    if log.outcome in NOBODY_REACHED and log.steps_done:
        return _("Nobody was reached: untick the steps, or choose another outcome above")
    return _unknown(log.steps_done, steps)


def _unknown(codes: Sequence[str], steps: Sequence[Step]) -> str | None:
    unknown = sorted(set(codes) - {step.code for step in steps})
    return _("The protocol has no such step: %(code)s") % {"code": unknown[0]} if unknown else None


def is_known_beginning(began_at: datetime | None, attempt: Attempt) -> bool:
    """Whether it began in the minute that stands there already: nobody tells the seconds."""
    known_at = attempt.started_at
    return began_at is None or timedelta(0) <= began_at - _minute(known_at) < timedelta(minutes=1)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _fault_of_beginning(began_at: datetime | None, attempt: Attempt, at: datetime) -> str | None:
    if began_at is None or is_known_beginning(began_at, attempt):
        return None
    if began_at > at:
        return _("A call that is logged has begun: choose a moment before now")
    if began_at < attempt.contact.plan.planned_at:
        return _("Nobody was to call this person yet: choose a later moment")
    return None


def _fault_of_appointment(log: CallLog, attempt: Attempt, at: datetime) -> str | None:
    if log.next_at is None:
        return None
    if log.outcome in ENDS_THE_CALL and not caseload.has_later(attempt.contact):
        return _("This was the last planned call: leave the appointment empty")
    if not at < log.next_at <= at + NO_FURTHER_THAN:
        return _("Choose a moment that is still to come, within a year")
    if is_at_night(log.next_at, attempt):
        return _("This is night where they are: choose a time between 8:00 and 22:00")
    return None


def is_at_night(moment: datetime, attempt: Attempt) -> bool:
    clock = moment.astimezone(ZoneInfo(attempt.contact.plan.participant.timezone)).time()
    return not DAYTIME[0] <= clock <= DAYTIME[1]
