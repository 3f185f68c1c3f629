"""Signing in without a browser: staff by e-mail and password, with a code where the account has an
authenticator.
"""

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
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import actors
from trial.actions import installation
from trial.actions import tokens as actions
from trial.api import doors
from trial.api.described import reads, writes
from trial.api.fields import CodeDigitsField, EmailAddressField
from trial.models import ApiToken, Participant, User
from trial.queries import tokens as queries
from trial.requests import Request

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


class Credentials(serializers.Serializer):
    email = EmailAddressField()
    password = serializers.CharField(trim_whitespace=False, style={"input_type": "password"})
    code = CodeDigitsField(
        required=False, help_text="Where the account has an authenticator or recovery codes."
    )
    name = serializers.CharField(
        max_length=60, help_text="What the token is for, to know it again in the list."
    )
    days = serializers.IntegerField(min_value=1, max_value=actions.LONGEST, default=actions.LONGEST)


class Given(serializers.Serializer):
    id = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    token = serializers.CharField(help_text="Sent back as `Authorization: Token ...`.")


class Wrong(AuthenticationFailed):
    default_code = "wrong_credentials"
    default_detail = _("The address, the password or the code is not right.")


class CodeMissing(AuthenticationFailed):
    default_code = "code_missing"
    default_detail = _("This account has an authenticator: send its code too.")


class TokenView(APIView):
    def get_permissions(self) -> list[Any]:
        return (
            [AllowAny()]
            if self.request is not None and self.request.method == "POST"
            else [IsAuthenticated()]
        )

    @writes("token_create", "Sign in (staff)", Credentials, Given)
    def post(self, request: Request) -> Response:
        given = doors.given(Credentials, request)
        with request_context(request._request):
            doors.check_limit(request, "token")
            user = known(request._request, given["email"], given["password"], given.get("code", ""))
        by, at = actors.staff(user.pk), timezone.now()
        named = {"name": given["name"], "days": given["days"]}
        token = actions.make(user=user, **named, key=doors.key(request), by=by, at=at)
        return Response(
            Given(
                {"id": token.pk, "token": actions.secret_of(token), "expires_at": token.expires_at}
            ).data
        )

    @writes(
        "token_delete",
        "Drop the token that this is sent with: it opens nothing any more",
        None,
        None,
    )
    def delete(self, request: Request) -> Response:
        if isinstance(request.auth, ApiToken):
            _end(request, request.auth)
        return Response(status=204)


class TokenShape(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class TokensView(APIView):
    @reads("tokens", "Your tokens that work, without their secrets", TokenShape(many=True))
    def get(self, request: Request) -> Response:
        return Response(TokenShape(queries.standing(request.user, timezone.now()), many=True).data)


class EndTokenView(APIView):
    @writes("token_end", "End one of your tokens", None, TokenShape)
    def post(self, request: Request, number: int) -> Response:
        return Response(
            TokenShape(
                _end(request, get_object_or_404(ApiToken, pk=number, user=request.user.pk))
            ).data
        )


def _end(request: Request, token: ApiToken) -> ApiToken:
    user = request.user
    person = Participant.objects.filter(user=user).select_related("study").first()
    by = doors.actor_of(person) if person else actors.staff(user.pk)
    return actions.end(token=token, user=user, key=doors.key(request), by=by, at=timezone.now())


def known(request: HttpRequest, email: str, password: str, code: str) -> User:
    """Whoever has this address, this password and, where they have a second factor, this code.
    Raises Wrong, CodeMissing, Throttled.
    """
    # Whoever has the second factor is not kept out by others who guess at the password: they are
    # counted apart.
    has_second_factor = request.has_second_factor = _has_second_factor(email, code)  # type: ignore[attr-defined]
    user = _known(request, email, password)
    if is_mfa_enabled(user) and not has_second_factor:
        _refuse(user, code)
    return user


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
    """Whether the code is one of this account, which it is only once. Asked before the password,
    and told only after it.
    """
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
    installation.sign_in_failed(at=timezone.now())
    raise Wrong
