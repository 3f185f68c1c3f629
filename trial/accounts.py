"""How allauth behaves here: nobody signs up, and no message repeats an address."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.urls import reverse

from trial.mail import Letter
from trial.passwords import LimitedAdapter


class Adapter(LimitedAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """allauth's messages hold the address; messages live in a cookie. Pages say what matters themselves."""

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("door")

    def render_mail(
        self, template_prefix: str, email: Any, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMessage:
        written = super().render_mail(template_prefix, email, context, headers)
        return Letter(to=email, subject=written.subject, body=str(written.body))

    def format_email_subject(self, subject: str) -> str:
        return subject
