"""Reasons in words: why somebody did not get in, left, or stopped with the lessons."""

from __future__ import annotations

from trial.models import ProtocolVersion

Texts = dict[str, str]

# What people choose from when they leave or stop (trial.forms.participant.REASONS), told about them
# instead of by them.
GIVEN: dict[str, Texts] = {
    "no_time": {"en": "it takes too much time", "nl": "het kost te veel tijd"},
    "feels_better": {"en": "feels better", "nl": "voelt zich beter"},
    "feels_worse": {"en": "feels worse", "nl": "voelt zich slechter"},
    "does_not_fit": {"en": "it does not suit them", "nl": "het past niet"},
    "other_help": {"en": "gets other help", "nl": "krijgt andere hulp"},
    "other": {"en": "something else", "nl": "iets anders"},
}
RECORDED: dict[str, Texts] = {
    "withdrawn": {"en": "withdrew, gave no reason", "nl": "trok zich terug zonder reden te noemen"},
    "not_received.withdrawn": {
        "en": "withdrew before beginning",
        "nl": "trok zich terug voor het begin",
    },
    "stopped_at_screening": {
        "en": "stopped during the screening",
        "nl": "stopte tijdens de screening",
    },
    "stopped_at_consent": {
        "en": "stopped before giving consent",
        "nl": "stopte voor het geven van toestemming",
    },
    "withdrew_before_allocation": {
        "en": "withdrew before allocation",
        "nl": "trok zich terug voor de toewijzing",
    },
    "not_yet_randomised": {"en": "not randomised yet", "nl": "nog niet geloot"},
    "erased": {"en": "asked to be erased", "nl": "vroeg om gewist te worden"},
    "no_module": {"en": "opened no module", "nl": "opende geen module"},
    "no_call": {"en": "had no call", "nl": "had geen gesprek"},
    "no_module_no_call": {
        "en": "opened no module and had no call",
        "nl": "opende geen module en had geen gesprek",
    },
    "stopped_before_beginning": {"en": "stopped before beginning", "nl": "stopte voor het begin"},
}


def reasons(version: ProtocolVersion) -> dict[str, Texts]:
    """By code. Those of the eligibility criteria stand under `excluded.`, since a study may call
    them as it likes.
    """
    criteria = {
        f"excluded.{each.code}": dict(each.label) if each.label else _unnamed(each.code)
        for each in version.protocol.eligibility
    }
    return GIVEN | RECORDED | criteria


def _unnamed(code: str) -> Texts:
    return {
        "en": f"does not meet the criterion '{code}'",
        "nl": f"voldoet niet aan het criterium '{code}'",
    }
