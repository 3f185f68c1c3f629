"""Asking for a code by mail, and judging what was typed (docs/adr/0015).

Asking does the same whoever asks: whether somebody is known is looked up only when the mail is
handed over, after the answer (`trial.actions.doormails`). No code is stored in clear. Mails are
counted by `allows`, which is asked once for each.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from trial import contact_details, mailcodes, rows, vault
from trial.actions.once import KeyReused
from trial.mailcodes import Verdict
from trial.models import DoorMail, Participant, WaitingMail
from trial.prepared import prepared

SAME_PRESS = timedelta(minutes=1)  # in which the second press of a double click may arrive
FORGOTTEN_AFTER = timedelta(hours=1)


class TooManyCodes(Exception):
    """Several codes were mailed already; wait an hour."""


def ask(
    *,
    participant: Participant,
    typed: Mapping[str, str],
    language: str,
    key: str,
    allows: Callable[[], bool],
    at: datetime,
) -> DoorMail:
    """A code for somebody on the way in, to `typed["email"]`. Raises TooManyCodes, and
    KeyReused.
    """
    fields = [typed["name"], typed["email"], typed["phone"]]
    return _asked(
        purpose="join",
        press=f"{participant.pk}|{key}",
        content=json.dumps(fields),
        waits={"to": typed["email"], "language": language, "participant": participant.pk},
        allows=allows,
        at=at,
    )


def ask_to_sign_in(
    *, email: str, language: str, key: str, allows: Callable[[], bool], at: datetime
) -> DoorMail:
    """A code for whoever takes part with this address. `allows` is asked once for each code. Raises
    TooManyCodes.
    """
    return _asked_by(email, "sign_in", language, key, allows, at)


def ask_for_new_address(
    *,
    participant: Participant,
    email: str,
    language: str,
    key: str,
    allows: Callable[[], bool],
    at: datetime,
) -> DoorMail:
    """A code to the address with which somebody who takes part wants to sign in. Raises
    TooManyCodes, and KeyReused.
    """
    return _asked(
        purpose="address",
        press=f"{participant.pk}|{key}",
        content=email,
        waits={"to": email, "language": language, "participant": participant.pk},
        allows=allows,
        user=participant.user_id,
        at=at,
    )


def judge_new_address(
    *, participant: Participant, email: str, typed: str, press: str = "", at: datetime
) -> Verdict:
    """Whether this is the newest code that was mailed to the address for this person."""
    mailed = DoorMail.objects.filter(
        purpose="address", user=participant.user_id, content=_content_hash(email)
    )
    newest = mailed.order_by("-pk").first()
    return judge(handle=newest.handle, typed=typed, press=press, at=at) if newest else Verdict.OVER


def ask_for_password(
    *, email: str, language: str, key: str, allows: Callable[[], bool], at: datetime
) -> DoorMail:
    """A link to a new password for staff with this address."""
    return _asked_by(email, "password", language, key, allows, at)


def _asked_by(
    email: str, purpose: str, language: str, key: str, allows: Callable[[], bool], at: datetime
) -> DoorMail:
    return _asked(
        purpose=purpose,
        press=f"{vault.address_hash(email)}|{key}",
        content="",
        waits={"to": email, "language": language},
        allows=allows,
        at=at,
    )


def _asked(
    *,
    purpose: str,
    press: str,
    content: str,
    waits: Mapping[str, object],
    allows: Callable[[], bool],
    user: int | None = None,
    at: datetime,
) -> DoorMail:
    """The row of this press. A repeat, even at the same moment, is one mail and one code; once that
    is over it is asked anew. Raises KeyReused where the same press brings something else.
    """
    press, content = vault.keyed_hash(f"press {purpose}", press), _content_hash(content)
    found = DoorMail.objects.filter(press=press).first()
    _check_same(found, content)
    if found and found.is_open(at):
        return found
    if not allows():
        raise TooManyCodes
    row = DoorMail(
        purpose=purpose,
        handle=secrets.token_hex(16),
        press=press,
        content=content,
        user_id=user,
        asked_at=at,
    )
    with transaction.atomic():
        if found:
            _drop(DoorMail.objects.filter(pk=found.pk))
        is_new = rows.insert(row, unless=("press",))
        row = DoorMail.objects.get(press=press)
        if is_new:
            WaitingMail.objects.create(
                about=row, sealed=vault.seal(json.dumps({**waits, "code": _new_code()}))
            )
    _check_same(row, content)
    return row


def _content_hash(content: str) -> str:
    return vault.keyed_hash("content", content)


def _check_same(row: DoorMail | None, content: str) -> None:
    if row and row.content != content:
        raise KeyReused


def _new_code() -> str:
    return mailcodes.code_from(secrets.randbelow(10**mailcodes.DIGITS))


def code_hash(handle: str, code: str) -> str:
    return vault.keyed_hash("mailed code", f"{handle}|{code}")


def judge(*, handle: str, typed: str, press: str = "", at: datetime) -> Verdict:
    """Whether this is the code that was mailed for `handle`. It works once, for ten minutes, and is
    tried five times, however many tries arrive at one moment. `press` is the request key: the
    second of a double click reads as the first.
    """
    row = DoorMail.objects.filter(handle=handle).first()
    if row is None:
        return Verdict.OVER
    is_right = hmac.compare_digest(row.code_hash, code_hash(handle, contact_details.digits(typed)))
    own_press = vault.keyed_hash("entered", press) if press else ""
    tried = DoorMail.objects.filter(
        handle=handle, used_at__isnull=True, tries__lt=mailcodes.MOST_TRIES
    )
    if tried.filter(asked_at__gt=at - mailcodes.VALID).update(tries=F("tries") + 1):
        if not is_right:
            return Verdict.WRONG
        if DoorMail.objects.filter(handle=handle, used_at__isnull=True).update(
            used_at=at, used_press=own_press
        ):
            return Verdict.RIGHT
    # Used by now, maybe only since the row was read: then by which press?
    used = DoorMail.objects.filter(handle=handle, used_at__gt=at - SAME_PRESS, used_press=own_press)
    return Verdict.RIGHT if is_right and own_press and used.exists() else Verdict.OVER


def forget(at: datetime) -> int:
    """Rows that no try and no repeat needs any more; how many."""
    since = at - FORGOTTEN_AFTER
    return _drop(DoorMail.objects.filter(asked_at__lt=since)) if _first_over(since) else 0


@prepared
def _first_over(since: datetime) -> QuerySet[DoorMail, int]:
    return DoorMail.objects.filter(asked_at__lt=since).values_list("pk", flat=True)[:1]


@transaction.atomic
def _drop(found: QuerySet[DoorMail]) -> int:
    numbers = list(found.values_list("pk", flat=True))
    WaitingMail.objects.filter(about__in=numbers).delete()
    return DoorMail.objects.filter(pk__in=numbers).delete()[0]
