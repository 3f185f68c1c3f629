"""How allauth behaves here: nobody signs up, codes are mailed and never stored, and no message repeats an address."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from allauth.core import context as current
from django.contrib import messages
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from trial import mailcodes
from trial.mail import Letter
from trial.models import Identity, Participant, User
from trial.passwords import LimitedAdapter
from trial.vault import address_hash, keyed_hash

LOGIN_CODE = "account/email/login_code"
ONE_PRESS = 15 * 60  # seconds for which a repeat of a request mails nothing: as long as its code works


class Adapter(LimitedAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: Any = None,
        *args: Any,
        message: Any = None,
        **kwargs: Any,
    ) -> None:
        """allauth's messages hold the address; messages live in a cookie. Pages say what matters themselves, all but why
        a code that was tried too often leads back to asking for one."""
        if message == self.error_messages["too_many_login_attempts"]:
            messages.warning(request, _("Five times it was not the code, so it no longer works. Ask for a new one."))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("door")

    def generate_login_code(self) -> str:
        """Six digits, and the same for the repeats of one press, so that of a double click any answer knows the code that
        was mailed. An unknown address has no code, so that none can be right."""
        stage = getattr(current.request, "_login_stage", None)  # there when a code is sent again
        if stage and not stage.login.user:
            return ""
        # Never the posted address for a code sent again: whoever chose it would know the code that another is mailed.
        email = stage.state["email"] if stage else current.request.POST.get("email", "")
        return mailcodes.code_from(_press("login code", email) or secrets.token_hex())

    def render_mail(
        self, template_prefix: str, email: Any, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMessage:
        """A code comes from the study that the person knows, under its neutral title, as on the way in."""
        written = super().render_mail(template_prefix, email, context, headers)
        about = {"to": email, "subject": written.subject, "body": str(written.body)}
        found = _participant_at(email) if template_prefix == LOGIN_CODE else None
        if found:
            protocol = found.version.protocol
            about |= {
                "subject": _("%(title)s: your message") % {"title": _in_language(protocol.public_title)},
                "sender": _in_language(protocol.sender),
                "reply_to": protocol.contacts.team.email,
            }
        return Letter(**about)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """One mail for one press, also when it arrives twice at the same moment."""
        press = _press(template_prefix, email)
        if not press or cache.add(f"account-mail:{press}", True, ONE_PRESS):
            super().send_mail(template_prefix, email, context)

    def format_email_subject(self, subject: str) -> str:
        return subject


def _press(what: str, email: str) -> str:
    """A keyed hash of the request key and the address; empty where one of them is missing."""
    key = current.request.POST.get("request_key", "")[:40]
    return keyed_hash("account mail", f"{what}|{key}|{address_hash(email)}") if key and email else ""


def _in_language(texts: Mapping[str, str]) -> str:
    return texts.get((get_language() or "").partition("-")[0]) or next(iter(texts.values()))


def participant_user(email: str) -> User | None:
    """The login of the participant with this address, found by keyed hash."""
    found = _participant_at(email)
    return found.user if found else None


def _participant_at(email: str) -> Participant | None:
    """Of several studies: one they are in, then one they are on the way into, and only then one that is over for them;
    the newest of these.
    """
    found = (
        Identity.objects.filter(email_hash=address_hash(email), participant__user__isnull=False)
        .select_related("participant__user", "participant__version")
        .order_by("-verified_at")
    )
    return min((identity.participant for identity in found), key=_how_far_from_active, default=None)


def _how_far_from_active(participant: Participant) -> int:
    return 0 if participant.is_in_study else 1 if participant.state == "screening" else 2
