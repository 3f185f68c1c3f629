"""Signing in without a browser: staff by e-mail and password, with a code where the account has an authenticator."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import filter_users_by_email
from allauth.core.context import request_context
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from trial.api import doors
from trial.api.described import writes
from trial.api.fields import CodeDigitsField, EmailAddressField
from trial.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


class Credentials(serializers.Serializer):
    email = EmailAddressField()
    password = serializers.CharField(trim_whitespace=False, style={"input_type": "password"})
    code = CodeDigitsField(required=False, help_text="Where the account has an authenticator or recovery codes.")


class Given(serializers.Serializer):
    token = serializers.CharField(help_text="Sent back as `Authorization: Token ...`.")


class Wrong(AuthenticationFailed):
    default_code = "wrong_credentials"
    default_detail = _("The address, the password or the code is not right.")


class CodeMissing(AuthenticationFailed):
    default_code = "code_missing"
    default_detail = _("This account has an authenticator: send its code too.")


class TokenView(APIView):
    def get_permissions(self) -> list[Any]:
        return [AllowAny()] if self.request is not None and self.request.method == "POST" else [IsAuthenticated()]

    @writes("token_create", "Sign in (staff)", Credentials, Given)
    def post(self, request: Request) -> Response:
        given = doors.given(Credentials, request)
        asked, code = request._request, given.get("code", "")
        with request_context(asked):
            doors.check_limit(request, "token")
            # Whoever has the second factor is not kept out by others who guess at the password: they are counted apart.
            asked.has_second_factor = _has_second_factor(given["email"], code)  # type: ignore[attr-defined]
            user = _known(asked, given["email"], given["password"])
            if is_mfa_enabled(user) and not asked.has_second_factor:  # type: ignore[attr-defined]
                _refuse(user, code)
        token, _is_new = Token.objects.get_or_create(user=user)
        return Response({"token": token.key})

    @writes("token_delete", "Drop the token: it opens nothing any more", None, None)
    def delete(self, request: Request) -> Response:
        Token.objects.filter(user=request.user.pk).delete()
        return Response(status=204)


def _known(request: HttpRequest, email: str, password: str) -> User:
    """Counted by the same rate limit as the sign-in page."""
    try:
        user = get_adapter().authenticate(request, email=email, password=password)
    except ValidationError:
        raise Throttled from None
    if user is None or not user.is_active:
        raise Wrong
    return user


def _has_second_factor(email: str, code: str) -> bool:
    """Whether the code is one of this account, which it is only once. Asked before the password, and told only after it."""
    users = filter_users_by_email(email, is_active=True) if code else []
    factors = Authenticator.objects.filter(user__in=users, type__in=FACTORS).order_by("pk")
    return any(each.wrap().validate_code(code) for each in factors)


def _refuse(user: User, code: str) -> None:
    """Counts, by the person, what is tried by whoever has the password."""
    if not code:
        raise CodeMissing
    try:
        check_rate_limit(user)
    except ValidationError:
        raise Throttled from None
    raise Wrong
