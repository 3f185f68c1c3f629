"""Tokens by which programs sign in."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from trial.models import ApiToken, User


def standing(user: User, at: datetime) -> QuerySet[ApiToken]:
    """Those of one account that work, the newest first."""
    return ApiToken.objects.filter(user=user, ended_at__isnull=True, expires_at__gt=at).order_by(
        "-pk"
    )


def found(digest: str, at: datetime) -> ApiToken | None:
    """The token with this hash, if it works and its account does."""
    rows = ApiToken.objects.filter(
        token_hash=digest, ended_at__isnull=True, expires_at__gt=at, user__is_active=True
    )
    return rows.select_related("user").first()
