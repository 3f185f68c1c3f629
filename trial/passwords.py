"""Signing in by password under the limits of trial.limits: on the page, before a change of the
account, and by the API.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from trial import limits


class LimitedAdapter(DefaultAccountAdapter):
    """In place of allauth's own count, by which anybody can keep anybody out of an account."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """allauth takes the count back when the password was right, and calls
        `authentication_failed` when not.
        """
        try:
            self._login_failed_rl_usage = limits.begin(
                request,
                credentials.get("email") or credentials.get("username") or "",
                has_second_factor=getattr(request, "has_second_factor", False),  # trial.api.tokens
            )
        except limits.TooOften:
            raise self.validation_error("too_many_login_attempts") from None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        self._login_failed_rl_usage.failed()

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **given: Any
    ) -> HttpResponse:
        response = super().post_login(request, user, **given)
        if user.email:  # type: ignore[attr-defined]  # staff: a participant's login has no address
            limits.know(request, response, user.email)  # type: ignore[attr-defined]
        return response
