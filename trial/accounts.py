"""How allauth behaves here: nobody signs up, codes are mailed and never stored, and no message repeats an address."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from trial.models import Identity, Participant, User
from trial.vault import address_hash, keyed_hash

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words
CODE_LENGTH = 8
ONE_PRESS = 15 * 60  # seconds for which a repeat of a request mails nothing: as long as its code works


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        """allauth's messages hold the address; messages live in a cookie. Pages say what matters themselves."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("door")

    def generate_login_code(self) -> str:
        """The same for the repeats of one request, so that of a double click any answer knows the code that was mailed."""
        press = _press("login code", current.request.POST.get("email", ""))
        return code_from(press) if press else super().generate_login_code()

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


def code_from(digest: str) -> str:
    """Eight letters, as allauth makes them by chance, from a keyed hash in hexadecimal."""
    number, letters = int(digest, 16), ""
    for _ in range(CODE_LENGTH):
        number, index = divmod(number, len(LETTERS))
        letters += LETTERS[index]
    half = CODE_LENGTH // 2
    return f"{letters[:half]}-{letters[half:]}"


def participant_user(email: str) -> User | None:
    """The login of the participant with this address, found by keyed hash. Of several studies: one they are in, then one
    they are on the way into, and only then one that is over for them; the newest of these.
    """
    found = (
        Identity.objects.filter(email_hash=address_hash(email), participant__user__isnull=False)
        .select_related("participant__user")
        .order_by("-verified_at")
    )
    people = [identity.participant for identity in found]
    return min(people, key=_how_far_from_active).user if people else None


def _how_far_from_active(participant: Participant) -> int:
    return 0 if participant.is_in_study else 1 if participant.state == "screening" else 2
