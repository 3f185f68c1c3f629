"""Forms of the participant's own pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trial import daytime, week
from trial.actions.exercises import EMPTY, HIGHEST, LONGEST_TEXT
from trial.forms.fields import AsksForNumber, EmailField, PhoneField
from trial.sections.programme import Block
from trial.words import LEAVING_REASONS

# Django's own names: one of ours, with a capital for a form, would stand in every date that is
# written out.
DAYS = {day: WEEKDAYS[number] for number, day in enumerate(week.PREFERRED)}
PARTS = dict(zip(week.PARTS, (_("Morning"), _("Afternoon"), _("Evening")), strict=True))
WAS = "was_"


class CallTimes(forms.Form):
    """A row of day parts for each weekday. Nothing ticked means no preference."""

    def __init__(self, *args: Any, times: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day, name in DAYS.items():
            self.fields[day] = forms.MultipleChoiceField(
                label=capfirst(name),
                required=False,
                choices=list(PARTS.items()),
                widget=forms.CheckboxSelectMultiple,
                initial=[time.partition("-")[2] for time in times if time.startswith(f"{day}-")],
            )

    @property
    def times(self) -> list[str]:
        """Codes such as mon-evening."""
        return [f"{day}-{part}" for day in DAYS for part in self.cleaned_data[day]]


class OwnName(forms.Form):
    name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class OwnAddress(forms.Form):
    email = EmailField(label=_("Your new e-mail address"), help_text=_("One that only you read."))


class OwnNumber(AsksForNumber):
    phone = PhoneField(label=_("Your phone number"), help_text=_("One that only you answer."))


AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every time zone under the part of the world where it is, by the name of its city."""
    names = sorted(available_timezones())
    return [
        (area, [(name, daytime.city(name)) for name in names if name.startswith(f"{area}/")])
        for area in AREAS
    ]


class OwnZone(forms.Form):
    timezone = forms.ChoiceField(
        label=_("A city with the same time as you"),
        choices=zones,
        help_text=_("For the hours at which we mail you, and the times on your pages."),
    )


def in_words(time: str) -> str:
    """mon-evening as people say it."""
    day, _dash, part = time.partition("-")
    words = {"day": DAYS.get(day, day), "part": str(PARTS.get(part, part)).lower()}
    return gettext("%(day)s %(part)s") % words


class Reason(forms.Form):
    """Why somebody stops, if they want to say so."""

    reason = forms.ChoiceField(
        label=_("Would you like to say why?"),
        choices=list(LEAVING_REASONS.items()),
        required=False,
        widget=forms.RadioSelect,
    )


class Exercises(forms.Form):
    """All exercises of one lesson in one form, so that one button keeps everything that was
    written.

    What is stored of each is told by actions.exercises.
    """

    def __init__(
        self, *args: Any, blocks: Sequence[Block], stored: Mapping[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.exercises = {
            block.code: block for block in blocks if block.kind == "exercise" and block.code
        }
        self.stored = stored
        for code, block in self.exercises.items():
            self.fields |= _fields(code, block, stored.get(code))

    def drawn(self, code: str) -> list[Any]:
        """The bound fields of one exercise."""
        return [self[name] for name in _names(code, self.exercises[code])]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What each field holds as the page is drawn, sent back beside what is typed (the names
        begin with WAS).
        """
        return [(f"{WAS}{name}", _as_sent(field.initial)) for name, field in self.fields.items()]

    @property
    def values(self) -> dict[str, Any]:
        kept = {name: self._kept(name) for name in self.fields}
        return {code: _value(kept, code, block) for code, block in self.exercises.items()}

    def _kept(self, name: str) -> Any:
        """What was typed; what is stored where nothing was, so that an older page never overwrites
        a newer one.
        """
        typed = self.cleaned_data[name]
        return self.fields[name].initial if self._is_untouched(name, typed) else typed

    def _is_untouched(self, name: str, typed: Any) -> bool:
        """A field stands as it was shown, or did not come along. A list without a tick sends
        nothing either: it counts as emptied only where what was shown came along.
        """
        was = self.data.get(f"{WAS}{name}")
        if was is None or self.fields[name].widget.value_omitted_from_data(
            self.data, self.files, name
        ):
            return name not in self.data
        return _as_sent(was) == _as_sent(typed)

    @property
    def changed(self) -> dict[str, Any]:
        """What differs from what is stored; an exercise that was never touched is not stored as
        empty.
        """
        return {
            code: value
            for code, value in self.values.items()
            if value != self.stored.get(code, EMPTY[self._kind(code)])
        }

    def _kind(self, code: str) -> str:
        return str(self.exercises[code].exercise)


PLAN = {"what": _("What"), "when": _("When"), "where": _("Where")}


def _as_sent(value: Any) -> str:
    """A field's value as one text, the same whichever way a browser writes new lines."""
    if isinstance(value, list | tuple):
        return ",".join(sorted(map(str, value)))
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


def _names(code: str, block: Block) -> list[str]:
    return [f"{code}_{part}" for part in PLAN] if block.exercise == "plan" else [code]


def _fields(code: str, block: Block, stored: Any) -> dict[str, forms.Field]:
    match block.exercise:
        case "plan":
            return {
                f"{code}_{part}": _text(label, (stored or {}).get(part, ""), 2)
                for part, label in PLAN.items()
            }
        case "checklist":
            return {code: _checklist(block, stored)}
        case "scale":
            return {code: _scale(block, stored)}
        case _:
            return {code: _text(block.prompt, stored, 5)}


def _text(label: Any, stored: Any, rows: int) -> forms.Field:
    widget = forms.Textarea(attrs={"rows": rows})
    field = forms.CharField(
        label=label,
        required=False,
        max_length=2 * LONGEST_TEXT,
        widget=widget,
        initial=stored or "",
    )
    field.widget.attrs["maxlength"] = LONGEST_TEXT
    return field


def _checklist(block: Block, stored: Any) -> forms.Field:
    return forms.MultipleChoiceField(
        label=block.prompt,
        required=False,
        choices=[(str(number), option) for number, option in enumerate(block.options)],
        widget=forms.CheckboxSelectMultiple,
        initial=[str(number) for number in stored or []],
    )


def _scale(block: Block, stored: Any) -> forms.Field:
    field = forms.ChoiceField(
        label=block.prompt,
        required=False,
        choices=[
            *((str(number), str(number)) for number in range(HIGHEST + 1)),
            ("", _("I leave this open")),
        ],
        widget=forms.RadioSelect,
        initial=None if stored is None else str(stored),
    )
    field.low, field.high = block.low, block.high  # type: ignore[attr-defined]
    return field


def _value(cleaned: Mapping[str, Any], code: str, block: Block) -> Any:
    match block.exercise:
        case "plan":
            return {part: cleaned[f"{code}_{part}"] for part in PLAN}
        case "checklist":
            return [int(number) for number in cleaned[code]]
        case "scale":
            return int(cleaned[code]) if cleaned[code] else None
        case _:
            return cleaned[code]
