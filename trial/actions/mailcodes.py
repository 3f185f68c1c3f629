"""Mailing the code that proves an address on the way in, and judging what was typed. Neither address nor code is stored
here: whoever calls keeps `Asked` in an encrypted session. The shared cache counts, under keyed hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from trial import mailcodes, vault
from trial.actions.once import KeyReused
from trial.mail import Letter
from trial.mailcodes import Asked, Verdict
from trial.models import Identity, Participant, Study

HOUR = 60 * 60
MAILS_AN_HOUR = 5  # for one address, and for one person on the way in
TRIES_AN_HOUR = 15  # at one address, wherever they come from


class TooManyCodes(Exception):
    """Several codes were mailed already; wait an hour."""


def ask(
    *,
    participant: Participant,
    typed: Mapping[str, str],
    language: str,
    before: Asked | None = None,
    key: str,
    at: datetime,
) -> Asked:
    """Mail a code to `typed["email"]`; `before` is what was asked last. Raises TooManyCodes, and KeyReused.

    The code follows from the request key, so that a repeat, even at the same moment, ends in one mail and one code.
    """
    if before and before.key == key:
        if (before.name, before.email, before.phone) != (typed["name"], typed["email"], typed["phone"]):
            raise KeyReused
        return before
    address = vault.address_hash(typed["email"])
    occasion = f"{participant.pk}|{key}"
    is_first = _claim(participant, occasion, address, typed, at)
    is_known = Identity.objects.filter(study=participant.study, email_hash=address).exists()
    digits = "" if is_known else mailcodes.code_from(vault.keyed_hash("join code", f"{occasion}|{address}"))
    asked = Asked(key, digits, typed["name"], typed["email"], typed["phone"], at)
    if is_first:
        with override(language):
            _mail(participant.study, asked, language)
    return asked


def _claim(participant: Participant, occasion: str, address: str, typed: Mapping[str, str], at: datetime) -> bool:
    """Whether the mail is still to be sent; a repeat of the request that sends it must have the same content."""
    name = f"join-mail:{vault.keyed_hash('join mail', occasion)}"
    content = vault.keyed_hash("join content", json.dumps([typed["name"], typed["email"], typed["phone"]]))
    if not cache.add(name, content, HOUR):
        if cache.get(name, content) != content:
            raise KeyReused
        return False
    if _allows("mail", address, MAILS_AN_HOUR, at) and _allows("mails", participant.code, MAILS_AN_HOUR, at):
        return True
    cache.delete(name)  # nothing was mailed, so a repeat is refused too
    raise TooManyCodes


def judge(asked: Asked, typed: str, at: datetime) -> Verdict:
    """Whether this is the code; too many tries at one address end it, however many sessions they come from."""
    if not _allows("try", vault.address_hash(asked.email), TRIES_AN_HOUR, at):
        return Verdict.OVER
    return mailcodes.judge(asked, typed, at)


def _allows(what: str, whom: str, most: int, at: datetime) -> bool:
    name = f"join-{what}:{vault.keyed_hash(what, whom)}"
    now = at.timestamp()
    recent = [moment for moment in cache.get(name, []) if moment > now - HOUR]
    if len(recent) >= most:
        return False
    cache.set(name, [*recent, now], HOUR)
    return True


def _mail(study: Study, asked: Asked, language: str) -> None:
    """Sent at once and stored nowhere. Whoever has this address in the study already is told that they can sign in."""
    protocol = study.current.protocol
    title, sender = (
        texts.get(language) or next(iter(texts.values())) for texts in (protocol.public_title, protocol.sender)
    )
    body = _code_words(asked.code) if asked.code else _known_words()
    subject = _("%(title)s: your message") % {"title": title}
    replies = protocol.contacts.team.email
    Letter(to=asked.email, subject=subject, body=body, sender=sender, reply_to=replies).send()


def _code_words(digits: str) -> str:
    lines = [
        _("Your code: %(code)s") % {"code": digits},
        _("Enter it on the page that is open in your browser. It works for 15 minutes."),
        _("You did not ask for it? Then you need not do anything."),
    ]
    return "\n\n".join(lines)


def _known_words() -> str:
    lines = [
        _("Somebody, perhaps you, asked for a code with this address. You are known here already: you can sign in."),
        settings.PUBLIC_URL + reverse("account_request_login_code"),
        _("You did not ask for it? Then you need not do anything."),
    ]
    return "\n\n".join(lines)
