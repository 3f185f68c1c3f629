"""Fields for what people write in many ways, each of which reads it into the one way in which it is
kept; and for what is never kept before it is sent.

What is typed in a form comes back until it is sent (static/handvat/drafts.js), in every form and
without being asked for. A field that must be given anew each time carries NEVER; passwords, files
and codes need not.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from trial import contact_details
from trial.contact_details import (
    ADDRESS_EXAMPLE,
    HOME,
    LONGEST,
    LONGEST_ADDRESS,
    NotOneAddress,
    NotOneNumber,
)
from trial.words import NOT_ONE_ADDRESS, NOT_ONE_NUMBER

NEVER = {"data-kept": "never"}


class Confirmation(forms.BooleanField):
    """A tick by which somebody agrees, or says that they are sure."""

    widget = forms.CheckboxInput(attrs=NEVER)


class PhoneField(forms.CharField):
    """A number that people can dial; `country` is the study's, where a number without a country
    code belongs.
    """

    widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"})
    country = HOME

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return contact_details.phone_in_words(value) if value else value

    def clean(self, value: Any) -> str:
        written = super().clean(value)
        try:
            return contact_details.phone_number(written, self.country) if written else ""
        except NotOneNumber:
            example = contact_details.phone_example(self.country)
            raise forms.ValidationError(NOT_ONE_NUMBER % {"example": example}) from None


class AsksForNumber(forms.Form):
    """A form with phone numbers of one country."""

    def __init__(self, *args: Any, country: str = HOME, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, PhoneField):
                field.country = country


class EmailField(forms.CharField):
    widget = forms.EmailInput(attrs={"autocomplete": "email"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=3 * LONGEST_ADDRESS, **kwargs
        )  # a name or a subject may stand beside it

    def prepare_value(self, value: Any) -> Any:
        return contact_details.email_in_words(value) if value else value

    def clean(self, value: Any) -> str:
        written = super().clean(value)
        try:
            return contact_details.email_address(written) if written else ""
        except NotOneAddress:
            raise forms.ValidationError(NOT_ONE_ADDRESS % {"example": ADDRESS_EXAMPLE}) from None


class CodeField(forms.CharField):
    """Digits that were mailed or shown, in any script and with any blanks."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Code"))
        kwargs.setdefault(
            "widget",
            forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        )
        super().__init__(max_length=LONGEST, **kwargs)

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        return contact_details.digits(typed) or typed
