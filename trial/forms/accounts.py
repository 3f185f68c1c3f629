from __future__ import annotations

from allauth.account import app_settings  # noqa: F401  (settles allauth's import order)
from allauth.account.adapter import get_adapter
from allauth.account.forms import RequestLoginCodeForm
from allauth.core import context, ratelimit

from trial.accounts import participant_user
from trial.vault import address_hash


class RequestLoginCode(RequestLoginCodeForm):
    """A participant asks for a code. The person is found by keyed hash; staff sign in by password and get no code."""

    def clean_email(self) -> str:
        email = self.cleaned_data["email"]
        if not ratelimit.consume(context.request, action="request_login_code", key=address_hash(email)):
            raise get_adapter().validation_error("too_many_login_attempts")
        self._user = participant_user(email)
        return email
