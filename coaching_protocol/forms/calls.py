"""What a coach fills in about a call."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from coaching_protocol.models import Attempt
from coaching_protocol.sections import Protocol
from trial.words import text

OUTCOMES = (
    ("reached", _("Reached")),
    ("no_answer", _("No answer")),
    ("voicemail", _("Voicemail")),
    ("call_back", _("Call back")),
    ("refused", _("Refused")),
    ("wrong_number", _("Wrong number")),
)
NOBODY_REACHED = {"no_answer", "voicemail", "wrong_number"}
ENDS_THE_CALL = {"reached", "refused", "wrong_number"}  # the planned call is over; an appointment is for the next one
DAYTIME = time(8), time(22)  # calls outside these hours, where the participant is, are a slip of the hand
NO_FURTHER_THAN = timedelta(days=366)

REASONS_NOT_HELD = (
    ("window_passed", _("The days for this call have passed")),
    ("not_reached", _("Tried, and nobody was reached")),
    ("not_wanted", _("They would rather skip this one")),
    ("away", _("They are away or ill")),
    ("our_side", _("We could not call")),
)

REASONS_CORRECTED = (
    ("slip", _("I chose or typed the wrong thing")),
    ("addition", _("Something is to be added")),
    ("logged_twice", _("It was logged in another window")),
    ("later_known", _("It turned out otherwise later")),
)
LOGGED = ("outcome", "minutes", "steps_done", "deviations", "note", "next_at", "began_at")
CORRECTED = ("reason", *LOGGED)


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        error_messages={"invalid": _("Write the day as year-month-day, such as 2026-11-30")},
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


def _clock(label: Any) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        required=False,
        error_messages={"invalid": _("Write the time as hours and minutes, such as 14:30")},
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
    )


class LogCall(forms.Form):
    """A try at a call against the checklist of its protocol. Days and times are those of the participant."""

    outcome = forms.ChoiceField(
        label=_("How did it go?"),
        choices=OUTCOMES,
        widget=forms.RadioSelect,
        help_text=_("Refused or wrong number gives up this call; the next one stays planned."),
    )
    minutes = forms.IntegerField(
        label=_("Minutes on the phone"),
        required=False,
        min_value=0,
        max_value=600,
        error_messages={
            "invalid": _("Write whole minutes, such as 12"),
            "min_value": _("Write how many minutes you spoke, at least 1"),
            "max_value": _("Write whole minutes, such as 12"),
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    steps_done = forms.MultipleChoiceField(
        label=_("Steps done"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("Tick what you did.")
    )
    deviations = forms.MultipleChoiceField(
        label=_("Rules that were not kept"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick a rule only where the call went against it. It helps to know; it is no fault."),
    )
    note = forms.CharField(
        label=_("Note for the next call"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        help_text=_("Kept encrypted, read by coaches and supervisors of this person, not exported."),
    )
    called_on = _day(_("The call began: day"))
    called_time = _clock(_("The call began: time"))
    next_on = _day(_("Next appointment: day"))
    next_time = _clock(_("Next appointment: time"))

    def __init__(
        self, *args: Any, protocol: Protocol, attempt: Attempt, timezone: str, at: datetime, has_later: bool, **kw: Any
    ) -> None:
        super().__init__(*args, **kw)
        self.zone, self.at, self.has_later, self.attempt = ZoneInfo(timezone), at, has_later, attempt
        began = attempt.started_at.astimezone(self.zone)
        self.initial = {"called_on": began.date(), "called_time": began.time(), **self.initial}
        self.fields["steps_done"].choices = [(step.code, text(step.text)) for step in protocol.steps]  # type: ignore[attr-defined]
        self.fields["deviations"].choices = [(step.code, text(step.text)) for step in protocol.must_not]  # type: ignore[attr-defined]
        if not protocol.must_not:
            del self.fields["deviations"]
        self.fields["minutes"].help_text = _("Needed when you spoke. The protocol plans %(minutes)s.") % {
            "minutes": protocol.minutes
        }
        self.fields["next_on"].widget.attrs["min"] = at.astimezone(self.zone).date().isoformat()
        self.fields["called_on"].widget.attrs["max"] = at.astimezone(self.zone).date().isoformat()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        self._check_call(given)
        given["began_at"] = self._began(given)
        given["next_at"] = self._appointment(given)
        if given["next_at"] and given.get("outcome") in ENDS_THE_CALL and not self.has_later:
            self.add_error("next_on", _("This was the last planned call: leave the appointment empty"))
        return given

    def _check_call(self, given: dict[str, Any]) -> None:
        if given.get("outcome") == "reached" and not given.get("minutes") and "minutes" not in self.errors:
            self.add_error("minutes", _("Write how many minutes you spoke, at least 1"))
        if given.get("outcome") in NOBODY_REACHED and given.get("steps_done"):
            self.add_error("steps_done", _("Nobody was reached: untick the steps, or choose another outcome above"))

    def _began(self, given: dict[str, Any]) -> datetime | None:
        """None for the minute that stands there already: the form tells no seconds."""
        began_at = self._moment(given, "called_on", "called_time")
        known_at = self.attempt.started_at
        if began_at is None or began_at == known_at.replace(second=0, microsecond=0):
            return None
        if began_at > self.at:
            self.add_error("called_on", _("A call that is logged has begun: choose a moment before now"))
        elif began_at < self.attempt.contact.plan.planned_at:
            self.add_error("called_on", _("Nobody was to call this person yet: choose a later moment"))
        return began_at

    def _appointment(self, given: dict[str, Any]) -> datetime | None:
        next_at, clock = self._moment(given, "next_on", "next_time"), given.get("next_time")
        if next_at is None or clock is None or "next_time" in self.errors:
            return None
        if not self.at < next_at <= self.at + NO_FURTHER_THAN:
            self.add_error("next_on", _("Choose a moment that is still to come, within a year"))
        elif not DAYTIME[0] <= clock <= DAYTIME[1]:
            self.add_error("next_time", _("This is night where they are: choose a time between 8:00 and 22:00"))
        return next_at

    def _moment(self, given: dict[str, Any], on: str, clock: str) -> datetime | None:
        """Day and time of two fields, where the participant is; None while there are not both."""
        day, hour = given.get(on), given.get(clock)
        if day is None or hour is None:
            self._check_both(on, clock, given)
            return None
        wall = datetime.combine(day, hour, tzinfo=self.zone)
        try:
            moment = wall.astimezone(UTC)
        except OverflowError:  # the first or last day of the calendar
            self.add_error(on, _("Choose a day nearer to today"))
            return None
        if moment.astimezone(self.zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
            self.add_error(clock, _("The clock skips this time on that day: choose another"))
            return None
        return moment

    def _check_both(self, on: str, clock: str, given: dict[str, Any]) -> None:
        """An error of its own says enough about a field that could not be read."""
        if given.get(on) and clock not in self.errors:
            self.add_error(clock, _("Add the time, or leave the day empty too"))
        if given.get(clock) is not None and on not in self.errors:
            self.add_error(on, _("Add the day, or leave the time empty too"))


class CorrectCall(LogCall):
    """A log once more, with what stands there now, and why it is changed."""

    reason = forms.ChoiceField(
        label=_("Why do you change it?"),
        choices=REASONS_CORRECTED,
        widget=forms.RadioSelect,
        help_text=_("What stood there before stays visible."),
    )


class GiveUp(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why will this call not be held?"), choices=REASONS_NOT_HELD, widget=forms.RadioSelect
    )
