"""How allauth behaves here: nobody signs up, codes are mailed and never stored, and no message repeats an address."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from trial.models import Identity, User
from trial.vault import address_hash


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        """allauth's messages hold the address; messages live in a cookie. Pages say what matters themselves."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("door")

    def format_email_subject(self, subject: str) -> str:
        return subject


def participant_user(email: str) -> User | None:
    """The login of the participant with this address, found by keyed hash. Of several studies: the newest."""
    found = (
        Identity.objects.filter(email_hash=address_hash(email), participant__user__isnull=False)
        .select_related("participant__user")
        .order_by("-verified_at")
        .first()
    )
    return found.participant.user if found else None
