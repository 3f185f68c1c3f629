"""A questionnaire in somebody's language: its items, options, time frame and where the wording
comes from.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from outcomes.queries import definitions
from trial.languages import in_language
from trial.models import Participant


class ItemShape(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField(allow_blank=True)


class ValueShape(serializers.Serializer):
    value = serializers.IntegerField()
    text = serializers.CharField(allow_blank=True)


class InstrumentShape(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    has_wording = serializers.BooleanField(
        help_text="False: there is none in this language, and it is not asked of anybody real."
    )
    wording_status = serializers.CharField(allow_blank=True)
    instruction = serializers.CharField(allow_blank=True)
    time_frame = serializers.CharField(allow_blank=True)
    items = ItemShape(many=True)
    options = ValueShape(many=True)
    attribution = serializers.CharField(allow_blank=True)


def shown(person: Participant, code: str) -> dict[str, Any]:
    instrument = definitions.instrument(person.version, code)
    wording = instrument.wordings.get(person.language)
    return {
        "code": code,
        "title": in_language(instrument.title, person.language),
        "has_wording": wording is not None,
        "wording_status": wording.status if wording else "",
        "instruction": wording.instruction if wording else "",
        "time_frame": wording.time_frame if wording else "",
        "items": [
            {"code": item, "text": wording.items[item] if wording else ""}
            for item in instrument.item_codes
        ],
        "options": [
            {"value": each, "text": wording.options[each] if wording else ""}
            for each in instrument.options
        ],
        "attribution": instrument.attribution,
    }
