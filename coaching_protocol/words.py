"""What is chosen from about a call and its coach: stable codes, in the reader's words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

OUTCOMES = {
    "reached": _("Reached"),
    "no_answer": _("No answer"),
    "voicemail": _("Voicemail"),
    "call_back": _("Call back"),
    "refused": _("Refused"),
    "wrong_number": _("Wrong number"),
}

REASONS_NOT_HELD = {
    "window_passed": _("The days for this call have passed"),
    "not_reached": _("Tried, and nobody was reached"),
    "not_wanted": _("They would rather skip this one"),
    "away": _("They are away or ill"),
    "our_side": _("We could not call"),
}

REASONS_CORRECTED = {
    "slip": _("I chose or typed the wrong thing"),
    "addition": _("Something is to be added"),
    "logged_twice": _("It was logged in another window"),
    "later_known": _("It turned out otherwise later"),
}

# Codes, not free text: the reason stands in the audit trail, which holds nothing of what people say
# about each other.
REASONS_REASSIGNED = {
    "absent": _("The coach is away or ill"),
    "left": _("The coach has left"),
    "workload": _("To spread the work"),
    "language": _("Language"),
    "asked": _("The participant asked for it"),
    "acquainted": _("The two know each other"),
    "first": _("There was no coach yet"),
    "other": _("Another reason"),
}
