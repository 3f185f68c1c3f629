"""Tokens by which programs sign in: made with a name and a last day, ended one by one or all at
once.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from trial import audit, vault
from trial.actions import installation
from trial.actions.once import once
from trial.actors import Actor
from trial.models import ApiToken, Participant, User
from trial.queries import tokens as reads

LONGEST = 90  # days


class TokenTooLong(Exception):
    """A token works for 1 to 90 days."""


class NotTheirs(Exception):
    """This token belongs to somebody else, or is over."""


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def secret_of(token: ApiToken) -> str:
    """What is sent back as `Authorization: Token ...`. Derived, so that whoever pressed twice is
    shown the same; from the database alone nobody can derive it.
    """
    return vault.keyed_hash("api token", f"{token.user_id}|{token.salt}")


@once
def make(*, user: User, name: str, days: int = LONGEST, by: Actor, at: datetime) -> ApiToken:
    """A new token; its secret (`secret_of`) is to be shown once. Raises TokenTooLong."""
    if not 1 <= days <= LONGEST:
        raise TokenTooLong
    token = ApiToken(
        user=user,
        name=name,
        salt=secrets.token_hex(32),
        made_at=at,
        expires_at=at + timedelta(days=days),
    )
    token.token_hash = token_hash(secret_of(token))
    token.save()
    installation.note(user=user, what="token made", subject=f"token {token.pk}", by=by, at=at)
    return token


@once
def end(*, token: ApiToken, user: User, by: Actor, at: datetime) -> ApiToken:
    """It opens nothing any more. Raises NotTheirs."""
    found = reads.standing(user, at).select_for_update().filter(pk=token.pk).first()
    if found is None:
        raise NotTheirs
    found.ended_at = at
    found.save(update_fields=["ended_at"])
    person = Participant.objects.filter(user=user).select_related("study").first()
    # with what an app joined for them ends how it signs in: they did something, and that is in
    # their trail
    if person:
        audit.record(person, "token ended", subject=f"token {found.pk}", by=by, at=at)
    installation.note(user=user, what="token ended", subject=f"token {found.pk}", by=by, at=at)
    return found


@transaction.atomic
def end_all(*, user: User, by: Actor, at: datetime) -> int:
    """With a changed password, a role that ended or an erased person; how many worked until now."""
    ended = reads.standing(user, at).update(ended_at=at)
    if ended:
        installation.note(user=user, what="tokens ended", by=by, at=at)
    return ended
