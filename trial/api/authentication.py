"""How a program says who it is: a token that is known here by its hash alone."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from trial.actions.tokens import token_hash
from trial.models import ApiToken, User
from trial.queries import tokens


class Tokens(TokenAuthentication):
    """`Authorization: Token ...`. The answer does not say whether a token was wrong, ended or too
    old.
    """

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        found = tokens.found(token_hash(key), timezone.now())
        if found is None:
            raise AuthenticationFailed(_("This token does not work, or no longer. Make a new one."))
        return found.user, found
