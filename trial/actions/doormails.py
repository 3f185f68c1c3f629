"""Handing over what somebody at a door asked for: after they were answered, over the line that was
opened before.

Only here it is looked up who they are, so that no answer tells it (docs/adr/0015).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from trial import mail, mailcodes, vault
from trial.actions.mailcodes import code_hash, forget
from trial.languages import in_language
from trial.mail import Door, Letter
from trial.models import DoorMail, Identity, Participant, WaitingMail
from trial.prepared import prepared
from trial.queries import addresses
from trial.sections.study import Study as Protocol

logger = logging.getLogger(__name__)
CLAIMED_FOR = timedelta(minutes=1)
Waits = Mapping[str, Any]


def hand_over(about: DoorMail, door: Door, at: datetime) -> bool:
    """Hand over what waits; whether the host took it. Nothing to do where it is gone or another has
    it in hand.

    What the host put off waits on: the worker tries again, and so does whoever asks again with the
    same press.
    """
    waiting = WaitingMail.objects.filter(about=about.pk).filter(
        Q(claimed_at__isnull=True) | Q(claimed_at__lt=at - CLAIMED_FOR)
    )
    if not waiting.update(claimed_at=at):
        return False
    try:
        is_sent = _sent(about, door, at)
    except mail.NotHandedOver as error:
        logger.warning("a mail at the door waits: %s", type(error).__name__)
        WaitingMail.objects.filter(about=about.pk).update(claimed_at=None)
        return False
    WaitingMail.objects.filter(about=about.pk).delete()
    return is_sent


def _sent(about: DoorMail, door: Door, at: datetime) -> bool:
    if not about.is_open(at):  # its code is over
        return False
    waits = json.loads(vault.unseal(WaitingMail.objects.get(about=about.pk).sealed))
    with override(waits["language"]):
        letter = LETTERS[about.purpose](about, waits)
    if letter is None:
        return False
    try:
        door.hand_over(letter)
    except (mail.Refused, mail.Uncertain) as error:  # whoever misses it asks again
        logger.warning("a mail at the door was not taken: %s", type(error).__name__)
        return False
    return True


def worked(at: datetime) -> int:
    """What an answer could not hand over, by the worker; and what is over is forgotten."""
    forget(at)
    left = _left()
    if not left:
        return 0
    try:
        with mail.door() as door:
            return sum(hand_over(about, door, at) for about in left)
    except mail.DoorShut:
        return 0


@prepared
def _left() -> QuerySet[DoorMail]:
    return DoorMail.objects.filter(waiting__isnull=False).order_by("pk")


def _to_join(about: DoorMail, waits: Waits) -> Letter:
    """Whoever has this address in the study already is told that they can sign in, and no code is
    right.
    """
    person = Participant.objects.select_related("study").get(pk=waits["participant"])
    email = vault.address_hash(waits["to"])
    if Identity.objects.filter(study=person.study_id, email_hash=email).exists():
        return _letter(
            waits["to"], person.study.current.protocol, waits["language"], _known_words()
        )
    _let_in(about, waits["code"])
    return _letter(
        waits["to"], person.study.current.protocol, waits["language"], _code_words(waits["code"])
    )


def _to_sign_in(about: DoorMail, waits: Waits) -> Letter | None:
    """To the address as it was given on the way in, from the study that the person knows; to an
    unknown address nothing.
    """
    person = addresses.participant_at(waits["to"])
    if person is None or person.user is None:
        return None
    _let_in(about, waits["code"], user=person.user)
    return _letter(
        person.identity.email,
        person.version.protocol,
        waits["language"],
        _code_words(waits["code"]),
    )


def _to_new_address(about: DoorMail, waits: Waits) -> Letter:
    """Whose address it is already is told to that mailbox alone, and no code is right."""
    person = Participant.objects.select_related("version").get(pk=waits["participant"])
    in_use = Identity.objects.filter(
        study=person.study_id, email_hash=vault.address_hash(waits["to"])
    )
    if in_use.exists():
        return _letter(waits["to"], person.version.protocol, waits["language"], _known_words())
    _let_in(about, waits["code"])
    return _letter(
        waits["to"], person.version.protocol, waits["language"], _code_words(waits["code"])
    )


def _to_choose_a_password(about: DoorMail, waits: Waits) -> Letter | None:
    found = (
        EmailAddress.objects.filter(email__iexact=waits["to"], user__is_active=True)
        .select_related("user")
        .first()
    )
    if found is None:
        return None
    key = {
        "uidb36": user_pk_to_url_str(found.user),
        "key": default_token_generator.make_token(found.user),
    }
    lines = [
        _("With this link you choose a new password:"),
        settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs=key),
        _("You did not ask for it? Then you need not do anything."),
    ]
    return Letter(to=found.email, subject=_("Choose a new password"), body="\n\n".join(lines))


LETTERS: dict[str, Callable[[DoorMail, Waits], Letter | None]] = {
    "join": _to_join,
    "sign_in": _to_sign_in,
    "address": _to_new_address,
    "password": _to_choose_a_password,
}


def _let_in(about: DoorMail, code: str, **user: Any) -> None:
    DoorMail.objects.filter(pk=about.pk).update(code_hash=code_hash(about.handle, code), **user)


def _letter(to: str, protocol: Protocol, language: str, body: str) -> Letter:
    title, sender = (
        in_language(texts, language) for texts in (protocol.public_title, protocol.sender)
    )
    subject = _("%(title)s: your message") % {"title": title}
    return Letter(
        to=to, subject=subject, body=body, sender=sender, reply_to=protocol.contacts.team.email
    )


def _code_words(code: str) -> str:
    lines = [
        _("Your code: %(code)s") % {"code": code},
        _(
            "Enter it on the page that is open in your browser. It works for %(minutes)s minutes, "
            "once."
        )
        % {"minutes": mailcodes.VALID // timedelta(minutes=1)},
        _("You did not ask for it? Then you need not do anything."),
    ]
    return "\n\n".join(lines)


def _known_words() -> str:
    lines = [
        _(
            "Somebody, perhaps you, asked for a code with this address. You are known here "
            "already: you can sign in."
        ),
        settings.PUBLIC_URL + reverse("account_request_login_code"),
        _("You did not ask for it? Then you need not do anything."),
    ]
    return "\n\n".join(lines)
