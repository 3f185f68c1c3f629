"""Why something departed from the plan: codes that are stored, and what they say on a page."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OTHER = "other"
_OTHER = _("Another reason")
REASONS: Mapping[str, Mapping[str, str | Promise]] = {
    "correction": {
        "entered_wrongly": _("Entered wrongly"),
        "answered_wrongly": _("The person had understood the question otherwise"),
        OTHER: _OTHER,
    },
    "error_mark": {
        "randomised_twice": _("The same person was randomised before, under another code"),
        "test_entry": _("Nobody: an entry made to try something"),
        "no_consent": _("Had not consented"),
        OTHER: _OTHER,
    },
    "ineligible": {
        "criterion_overlooked": _("A criterion was overlooked"),
        "answer_was_wrong": _("An answer of the screening turned out to be wrong"),
        OTHER: _OTHER,
    },
    "received": {
        "staff_mistake": _("Given by mistake"),
        "system_fault": _("A fault of the system"),
        "by_somebody_else": _("Got it by way of somebody else"),
        OTHER: _OTHER,
    },
    "forced": {
        "fallback_list": _("Allocated from the sealed list while the system was down"),
        "safety": _("Their safety asks for it"),
        OTHER: _OTHER,
    },
    "code_break": {
        "serious_event": _("A serious adverse event"),
        "acute_danger": _("Acute danger"),
        "treatment_elsewhere": _("Whoever treats them has to know"),
        "authority": _("An authority asks"),
        OTHER: _OTHER,
    },
    "halt": {
        "coaches_full": _("Coaches are full"),
        "safety": _("Safety"),
        "fault": _("A fault, or the suspicion of one"),
        "site_not_ready": _("A site is not ready"),
        "committee": _("The monitoring committee asks"),
    },
    "go_on": {
        "coaches_free": _("Coaches have room again"),
        "solved": _("What was wrong is put right"),
        "committee": _("The monitoring committee agrees"),
    },
}
KINDS: Mapping[str, str | Promise] = {
    "error_mark": _("Mark as made in error"),
    "code_break": _("Break the code of one person"),
    "forced": _("Force an allocation"),
}
LEVELS: Mapping[str, str | Promise] = {
    "study": _("The whole study"),
    "point": _("One point of randomisation"),
    "site": _("One site"),
    "arm": _("One arm: the whole point waits, no arm is ever skipped"),
    "stratum": _("One stratum"),
}
VERDICTS: Mapping[str, str | Promise] = {
    "household": _("Another person, in the same household"),
    "same_person": _("The same person, under another code"),
}


class UnknownReason(Exception):
    """Not one of the reasons for this."""


class NoteMissing(Exception):
    """Another reason than those of the list is said in words."""


def check_reason(what: str, reason: str, note: str = "") -> None:
    if reason not in REASONS[what]:
        raise UnknownReason(reason)
    if reason == OTHER and not note.strip():
        raise NoteMissing


def reason_word(what: str, code: str) -> str | Promise:
    return REASONS.get(what, {}).get(code, code)
