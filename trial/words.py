"""Stable codes in the reader's words: what stands in the database for a machine, said on a page for
a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from trial.languages import LANGUAGES, in_language

# What a code means does not depend on the table: a study, a message and a person may share one.
WORDS: dict[str, str | Promise] = {
    # roles
    "researcher": _("researcher"),
    "statistician": _("statistician"),
    "coach": _("coach"),
    "supervisor": _("supervisor"),
    "assessor": _("assessor"),
    # states of studies
    "draft": _("draft"),
    "open": _("open"),
    "paused": _("paused"),
    "closed": _("closed"),
    "locked": _("locked"),
    # states of participants
    "screening": _("screening"),
    "excluded": _("excluded"),
    "consented": _("consented"),
    "randomised": _("randomised"),
    "completed": _("completed"),
    "withdrawn": _("withdrawn"),
    # where people were when they left, and why
    "consent": _("consent"),
    "stopped": _("stopped"),
    "declined": _("did not want to take part"),
    "erased": _("erased by the study"),
    "baseline_not_done": _("first questions not done in time"),
    "no_time": _("takes too much time"),
    "feels_better": _("feels better"),
    "helped_enough": _("feels helped enough"),
    "feels_worse": _("feels worse"),
    "got_worse": _("feels worse"),
    "does_not_fit": _("does not suit them"),
    "did_not_fit": _("does not suit them"),
    "other_help": _("gets other help"),
    "other": _("something else"),
    "came_twice": _("was in the study before, under another code"),
    # kinds of alerts that no study words itself
    "second_person": _("A second person has to agree to something about a randomisation."),
    "code_break": _("The code of one person was broken: look at who saw it and why."),
    "code_break_drill": _("Breaking a code was practised. Nothing was shown."),
    "possible_duplicate": _(
        "Somebody may have been in the study before, and waits: say who it is."
    ),
    "list_low": _("Four fifths of a randomisation list are used."),
    "list_exhausted": _("A randomisation list is used up: nobody of that stratum is allocated."),
    "forced_cap": _("Of the allocations that may be forced, four fifths are used."),
    "mail_host_away": _("The mail host cannot be reached. Mails wait, and go once it is back."),
    "mail_unreached": _("Mail does not reach this person, or it is not known whether it did."),
    "mail_stuck": _("Mails do not go out, or the mail host refuses them."),
    # what stood in the way of a mail
    "host": _("the mail host is away"),
    "sender": _("the mail host refuses the sender"),
    "address": _("the address takes no mail"),
    "words": _("the mail host refuses the mail"),
    "making": _("it could not be written"),
    # states of messages, and their kinds
    "queued": _("queued"),
    "failed": _("failed"),
    "sending": _("sending"),
    "uncertain": _("uncertain"),
    "sent": _("sent"),
    "cancelled": _("cancelled"),
    "assessment_invitation": _("invitation to questions"),
    "assessment_reminder": _("reminder of questions"),
    "alert": _("alert"),
    "invitation": _("invitation"),
    "recruitment_closed": _("recruitment has closed"),
    "address_asked": _("another address was asked for"),
    "address_changed": _("an address was changed"),
    "two_people": _("something takes two people"),
    "role_given": _("a role was given"),
    "address_over": _("a change of address did not take effect"),
    "stage_list": _("a randomisation list of a stage"),
    "check_number": _("request to check a phone number"),
}

# Why somebody leaves, if they want to say so.
LEAVING_REASONS = {
    "": _("I would rather not say"),
    "no_time": _("It takes too much time"),
    "feels_better": _("I feel better"),
    "feels_worse": _("I feel worse"),
    "does_not_fit": _("It does not suit me"),
    "other_help": _("I get other help"),
    "other": _("Something else"),
}
# Of erasing somebody: it stands in their own trail, from which nothing is ever removed.
ERASE_REASONS = {
    "asked_by_participant": _("The participant asked for it"),
    "data_protection_request": _("A formal request under data protection law"),
    "entered_by_mistake": _("Entered by mistake, or twice"),
    "other": _("Another reason"),
}
# What is typed, and cannot be read.
NOT_ONE_ADDRESS = _("Write one whole address, such as %(example)s")
NOT_ONE_NUMBER = _("Write one whole number, without letters or an extension, such as %(example)s")
MAIL_AWAY = _(
    "Our mail does not get through at this moment. Nothing is lost: wait a few minutes, then send "
    "this once more."
)
MAILBOX_REASONS: dict[str, str | Promise] = {  # why staff ask for another address
    "mailbox_lost": _("They cannot read their mailbox any more"),
    "mailbox_hacked": _("Somebody else reads their mailbox"),
    "typed_wrongly": _("The address was typed wrongly"),
    "other": _("Another reason"),
}


def word(code: str) -> str | Promise:
    """The word for this code; a code without one is shown as it is."""
    return WORDS.get(code, code)


def spoken() -> str:
    """The language of the page that is made."""
    return (get_language() or LANGUAGES[0]).partition("-")[0]


def text(value: Any) -> Any:
    """The text in the language of the page, of a map by language; anything else as it is, and ""
    for None.
    """
    if isinstance(value, Mapping):
        return in_language(value, spoken())
    return "" if value is None else value


def short_month(day: date) -> str:
    """Django's letter for a short month, with a capital only in languages that write months with
    one.
    """
    return "M" if formats.date_format(day, "F")[:1].isupper() else "b"


def short_day(day: date) -> str:
    """A day as tables say it: "23 Nov 2026", "23 nov 2026"."""
    return formats.date_format(day, f"j {short_month(day)} Y")
