"""Contact details and codes in a request: read as on a page. A number without a country code is
one of `country` in the context."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trial import contact_details
from trial.contact_details import ADDRESS_EXAMPLE, HOME, LONGEST, NotOneAddress, NotOneNumber
from trial.words import NOT_ONE_ADDRESS, NOT_ONE_NUMBER


class EmailAddressField(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        written = super().to_internal_value(data)
        try:
            return contact_details.email_address(written)
        except NotOneAddress:
            raise serializers.ValidationError(
                NOT_ONE_ADDRESS % {"example": ADDRESS_EXAMPLE}
            ) from None


class PhoneNumberField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "help_text",
            "As people write it; without a country code it is one of the study's country.",
        )
        super().__init__(max_length=LONGEST, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        written, country = super().to_internal_value(data), self.context.get("country", HOME)
        try:
            return contact_details.phone_number(written, country)
        except NotOneNumber:
            example = contact_details.phone_example(country)
            raise serializers.ValidationError(NOT_ONE_NUMBER % {"example": example}) from None


class CodeDigitsField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        typed = super().to_internal_value(data)
        return contact_details.digits(typed) or typed
