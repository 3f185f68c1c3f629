"""What a coach fills in about a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from coaching_protocol.actions.call_logs import (
    LONGEST_NOTE,
    MOST_MINUTES,
    CallLog,
    faults,
    is_at_night,
)
from coaching_protocol.models import Attempt
from coaching_protocol.sections import Protocol
from coaching_protocol.words import OUTCOMES, REASONS_CORRECTED, REASONS_NOT_HELD
from trial.words import text

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
    """A try at a call against the checklist of its protocol. Days and times are those of the
    participant.
    """

    outcome = forms.ChoiceField(
        label=_("How did it go?"),
        choices=list(OUTCOMES.items()),
        widget=forms.RadioSelect,
        help_text=_("Refused or wrong number gives up this call; the next one stays planned."),
    )
    minutes = forms.IntegerField(
        label=_("Minutes on the phone"),
        required=False,
        min_value=0,
        max_value=MOST_MINUTES,
        error_messages={
            "invalid": _("Write whole minutes, such as 12"),
            "min_value": _("Write how many minutes you spoke, at least 1"),
            "max_value": _("Write whole minutes, such as 12"),
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    steps_done = forms.MultipleChoiceField(
        label=_("Steps done"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Tick what you did."),
    )
    deviations = forms.MultipleChoiceField(
        label=_("Rules that were not kept"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Tick a rule only where the call went against it. It helps to know; it is no fault."
        ),
    )
    note = forms.CharField(
        label=_("Note for the next call"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        help_text=_(
            "Kept encrypted, read by coaches and supervisors of this person, not exported."
        ),
    )
    called_on = _day(_("The call began: day"))
    called_time = _clock(_("The call began: time"))
    next_on = _day(_("Next appointment: day"))
    next_time = _clock(_("Next appointment: time"))

    def __init__(
        self,
        *args: Any,
        protocol: Protocol,
        attempt: Attempt,
        timezone: str,
        at: datetime,
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.zone, self.at, self.attempt = ZoneInfo(timezone), at, attempt
        began = attempt.started_at.astimezone(self.zone)
        self.initial = {"called_on": began.date(), "called_time": began.time(), **self.initial}
        for name, steps in (("steps_done", protocol.steps), ("deviations", protocol.must_not)):
            choices = [(step.code, text(step.text)) for step in steps]
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        if not protocol.must_not:
            del self.fields["deviations"]
        self.fields["minutes"].help_text = _(
            "Needed when you spoke. The protocol plans %(minutes)s."
        ) % {"minutes": protocol.minutes}
        self.fields["next_on"].widget.attrs["min"] = at.astimezone(self.zone).date().isoformat()
        self.fields["called_on"].widget.attrs["max"] = at.astimezone(self.zone).date().isoformat()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        given["began_at"] = self._moment(given, "called_on", "called_time")
        given["next_at"] = self._moment(given, "next_on", "next_time")
        found = faults(self.log, self.attempt, self.at)
        for name, words in found.items():
            field = self._field(name, given)
            if words and field in self.fields and field not in self.errors:
                self.add_error(field, words)
        return given

    @property
    def log(self) -> CallLog:
        """What was given, as far as it could be read."""
        wanted = {name: self.cleaned_data.get(name) for name in LOGGED}
        return CallLog(**{name: value for name, value in wanted.items() if value not in (None, "")})

    def _field(self, name: str, given: dict[str, Any]) -> str:
        """Where the fault of a value is shown: of a moment at its day, or at its time if that is
        night.
        """
        if name == "next_at" and given["next_at"] and is_at_night(given["next_at"], self.attempt):
            return "next_time"
        return {"began_at": "called_on", "next_at": "next_on"}.get(name, name)

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
        choices=list(REASONS_CORRECTED.items()),
        widget=forms.RadioSelect,
        help_text=_("What stood there before stays visible."),
    )


class GiveUp(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why will this call not be held?"),
        choices=list(REASONS_NOT_HELD.items()),
        widget=forms.RadioSelect,
    )
