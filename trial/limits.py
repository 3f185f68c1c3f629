"""How often something may be tried: counted by the address that asks, by an account, or by both.

Whoever guesses is slowed down; whoever is guessed at is never kept out. So wrong passwords count
for the account together with the address they come from, and for the address; for the account alone
there is no more than a short wait. A browser that signed in to the account before, and a right
second factor, are counted apart.

The counting is allauth's, in the shared cache, where nothing is forgotten before its time
(trial.memory).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from trial.vault import keyed_hash

COOKIE = "k"
A_MINUTE = 60  # seconds: when it is worth trying again
A_YEAR = 365 * 24 * 60 * 60
MOST_ACCOUNTS = 5  # that one browser is known to
LONGEST_WAIT = 5.0  # seconds
REMEMBERED = 15 * 60  # seconds after the last wrong password
FREE = 3  # wrong passwords for an account before there is a wait


class TooOften(Exception):
    """This was tried more often than anybody needs."""


def check(request: HttpRequest, what: str, key: str | None = None) -> None:
    """Count one of `what`, a name in settings.LIMITS; raises TooOften."""
    if not _consume(request, what, key):
        raise TooOften


@dataclass
class Try:
    """One password tried for one account. `rollback` when it was right."""

    account: str
    usages: list[ratelimit.RateLimitUsage] = field(default_factory=list)

    def rollback(self) -> None:
        for usage in self.usages:
            usage.rollback()
        cache.delete(_waiting(self.account))

    def failed(self) -> None:
        cache.set(_waiting(self.account), cache.get(_waiting(self.account), 0) + 1, REMEMBERED)


def may_mail(request: HttpRequest, what: str, email: str, *, person: str = "") -> bool:
    """Count one mail to an address: a `code`, a `proof` or a `link`. Whether it may go, whoever has
    the address.

    A stranger does not use up what the owner may ask for: strangers count by where they ask from
    and, much later, all together; a browser that signed in before has a count of its own. `person`
    is whoever asks, where that is known.
    """
    account = account_hash(email)
    browser = _browser(request, account)
    counted: list[tuple[str, str | None]] = [
        (what, f"{account}:{browser or ratelimit.get_ip(request)}")
    ]
    if not browser:
        counted.append((f"{what}s", account))
    if person:
        counted.append(("way_in", person))
    try:
        _count_all(request, counted)
    except TooOften:
        return False
    return True


def begin(request: HttpRequest, email: str, *, has_second_factor: bool = False) -> Try:
    """Before a password is looked at. Waits where the account was guessed at; raises TooOften, and
    then counts nothing.
    """
    account = account_hash(email)
    browser = _browser(request, account)
    counted: list[tuple[str, str | None]]
    if has_second_factor:
        counted = [("password_with_second_factor", account)]
    elif browser:
        counted = [("password_in_known_browser", f"{account}:{browser}")]
    else:
        counted = [("password", f"{account}:{ratelimit.get_ip(request)}"), ("passwords", None)]
    tried = Try(account, _count_all(request, counted))
    if not (has_second_factor or browser):
        time.sleep(wait(cache.get(_waiting(account), 0)))
    return tried


def wait(wrong: int) -> float:
    """Seconds, after so many wrong passwords for one account from anywhere: a quarter, doubled each
    time, at most five.
    """
    return 0.0 if wrong < FREE else min(LONGEST_WAIT, 0.25 * 2 ** min(wrong - FREE, 10))


def account_hash(email: str) -> str:
    return keyed_hash("account", email.strip().casefold())[:32]


def know(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """This browser has signed in to the account: it is told again by a cookie that holds keyed
    hashes alone.
    """
    account = account_hash(email)
    others = [each for each in _known(request) if each[0] != account]
    value = signing.dumps(
        [[account, secrets.token_urlsafe(9)], *others][:MOST_ACCOUNTS], salt=COOKIE
    )
    response.set_cookie(
        COOKIE,
        value,
        max_age=A_YEAR,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _count_all(
    request: HttpRequest, counted: Iterable[tuple[str, str | None]]
) -> list[ratelimit.RateLimitUsage]:
    """Count one of each; raises TooOften, and then counts nothing."""
    usages: list[ratelimit.RateLimitUsage] = []
    for what, key in counted:
        usage = _consume(request, what, key)
        if not usage:
            for before in usages:
                before.rollback()
            raise TooOften
        usages.append(usage)
    return usages


def _consume(request: HttpRequest, what: str, key: str | None) -> ratelimit.RateLimitUsage | None:
    return ratelimit.consume(request, app="trial", action=what, config=settings.LIMITS, key=key)


def _waiting(account: str) -> str:
    return f"wrong-passwords:{account}"


def _browser(request: HttpRequest, account: str) -> str:
    """By what this browser was known at its last sign-in to the account; empty for a stranger."""
    return next((name for known, name in _known(request) if known == account), "")


def _known(request: HttpRequest) -> Iterable[tuple[str, str]]:
    try:
        return signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=A_YEAR)
    except signing.BadSignature:
        return []
