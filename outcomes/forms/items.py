"""A questionnaire as a form: all items of it at the screening, one item a screen in the study."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from outcomes.instruments import Instrument, Wording
from trial.forms.join import PhoneField


class Phone(forms.Form):
    """A number left by somebody whom nobody knows yet."""

    phone = PhoneField(label="", max_length=25)

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


class OneItem(forms.Form):
    """One item. It may be left open."""

    def __init__(
        self, *args: Any, instrument: Instrument, language: str, code: str, given: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.code = code
        self.fields["answer"] = _item(instrument, language, code)
        self.fields["answer"].required = False
        self.fields["answer"].initial = None if given is None else str(given)

    @property
    def answers(self) -> dict[str, int]:
        answer = self.cleaned_data["answer"]
        return {self.code: int(answer)} if answer else {}


def _item(instrument: Instrument, language: str, code: str) -> forms.ChoiceField:
    wording = instrument.wordings.get(language)
    return forms.ChoiceField(
        label=wording.items[code] if wording else _("Item %(code)s") % {"code": code},
        choices=[(str(option), _option(wording, option)) for option in instrument.options],
        widget=forms.RadioSelect,
    )


def _option(wording: Wording | None, option: int) -> str:
    return wording.options[option] if wording else str(option)
