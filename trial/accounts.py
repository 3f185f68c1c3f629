"""How allauth behaves here: nobody signs up, and no message repeats an address."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from trial import actors
from trial.actions import installation, tokens
from trial.mail import Letter
from trial.passwords import LimitedAdapter

NOTED = {
    "mfa/email/totp_activated": "second factor set",
    "mfa/email/totp_deactivated": "second factor removed",
    "mfa/email/recovery_codes_generated": "recovery codes made",
    "account/email/password_changed": "password changed",
    "account/email/password_reset": "password changed",
}


class Adapter(LimitedAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """allauth's messages hold the address; messages live in a cookie. Pages say what matters
        themselves.
        """

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("door")

    def render_mail(
        self,
        template_prefix: str,
        email: Any,
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        written = super().render_mail(template_prefix, email, context, headers)
        return Letter(to=email, subject=written.subject, body=str(written.body))

    def set_password(self, user: Any, password: str) -> None:
        """With the old password goes whatever signs in without one."""
        with transaction.atomic():
            super().set_password(user, password)
            tokens.end_all(user=user, by=actors.staff(user.pk), at=timezone.now())

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        """Staff alone: when a participant signs in tells how the programme is used. They have no
        address here.
        """
        if user.email:
            installation.note(
                user=user, what="signed in", by=actors.staff(user.pk), at=timezone.now()
            )
        return super().post_login(request, user, **kwargs)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        installation.sign_in_failed(at=timezone.now())

    def send_notification_mail(
        self, template_prefix: str, user: Any, *args: Any, **kwargs: Any
    ) -> None:
        """allauth comes here with whatever changes how somebody signs in. No mail is sent; it is
        recorded.
        """
        if template_prefix in NOTED:
            installation.note(
                user=user, what=NOTED[template_prefix], by=actors.staff(user.pk), at=timezone.now()
            )
        super().send_notification_mail(template_prefix, user, *args, **kwargs)

    def format_email_subject(self, subject: str) -> str:
        return subject
