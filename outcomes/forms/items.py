"""A questionnaire as a form: all items of it at the screening, one item a screen in the study."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outcomes.instruments import Instrument, Wording
from trial.forms.fields import AsksForNumber, PhoneField

MODES = [("phone", gettext_lazy("By phone")), ("paper", gettext_lazy("On paper"))]


class Phone(AsksForNumber):
    """A number left by somebody whom nobody knows yet."""

    phone = PhoneField(label="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["phone"].label = _("Your phone number")


class AllItems(forms.Form):
    """Every item, each to be answered: who gets in is worked out from them."""

    def __init__(self, *args: Any, instrument: Instrument, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes = instrument.item_codes
        for code in self.codes:
            self.fields[f"item_{code}"] = _item(instrument, language, code)

    @property
    def answers(self) -> dict[str, int]:
        return {code: int(self.cleaned_data[f"item_{code}"]) for code in self.codes}


LEFT_OPEN = ("", gettext_lazy("I leave this open"))
SKIPPED = "skipped"


class OneItem(forms.Form):
    """One item. It may be left open, and an answer taken back; that choice stands there once there
    is an answer, so that the options of the questionnaire are otherwise its own.
    """

    def __init__(
        self,
        *args: Any,
        instrument: Instrument,
        language: str,
        code: str,
        given: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.code = code
        self.fields["answer"] = field = _item(instrument, language, code)
        field.required = False
        field.initial = None if given is None else str(given)
        if given is not None:
            field.choices = [*field.choices, LEFT_OPEN]  # type: ignore[misc]

    @property
    def answers(self) -> dict[str, int | None]:
        """Nothing where nothing was chosen: an older page takes back no answer that was given
        since. None takes it back.
        """
        answer = self.cleaned_data["answer"]
        if self.add_prefix("answer") not in self.data:
            return {}
        return {self.code: int(answer) if answer else None}


class Entry(forms.Form):
    """Answers that somebody gave by phone or on paper. What was left open, and not said to be, is
    asked about once: whether it was skipped by the participant, or by whoever enters it.
    """

    def __init__(self, *args: Any, instrument: Instrument, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes = instrument.item_codes
        for code in self.codes:
            self.fields[_name(code)] = field = _item(instrument, language, code)
            field.required = False
            field.choices = [*field.choices, (SKIPPED, _("Not answered"))]  # type: ignore[misc]
        self.fields["mode"] = forms.ChoiceField(
            label=_("How were they given?"), choices=MODES, widget=forms.RadioSelect
        )
        left_open = [
            code for code in self.codes if self.is_bound and not self.data.get(_name(code))
        ]
        if left_open:
            self.fields["not_answered"] = forms.MultipleChoiceField(
                label=_("Not answered by the participant"),
                choices=[(code, self.fields[_name(code)].label) for code in left_open],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )

    @property
    def asked(self) -> list[BoundField]:
        return [self[_name(code)] for code in self.codes]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        skipped = cleaned.get("not_answered", [])
        for code in self.codes:
            name = _name(code)
            if name not in self.errors and not cleaned.get(name) and code not in skipped:
                self.add_error(name, _("Choose an answer, or tick below that none was given."))
        return cleaned

    @property
    def chosen(self) -> dict[str, int]:
        """Every answer that is known already, of a form that still needs a look too."""
        given = getattr(self, "cleaned_data", {})
        return {
            code: int(given[_name(code)])
            for code in self.codes
            if given.get(_name(code), "") not in ("", SKIPPED)
        }

    @property
    def answers(self) -> dict[str, int | None]:
        return {code: self.chosen.get(code) for code in self.codes}


def _name(code: str) -> str:
    return f"item_{code}"


def _item(instrument: Instrument, language: str, code: str) -> forms.ChoiceField:
    wording = instrument.wordings.get(language)
    return forms.ChoiceField(
        label=wording.items[code] if wording else _("Item %(code)s") % {"code": code},
        choices=[(str(option), _option(wording, option)) for option in instrument.options],
        widget=forms.RadioSelect,
    )


def _option(wording: Wording | None, option: int) -> str:
    return wording.options[option] if wording else str(option)
