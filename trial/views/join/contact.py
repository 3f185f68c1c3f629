"""Name, address and number; a code by mail; then a login. Until the code is right all of it stays in the session."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from trial import mailcodes, vault
from trial.actions import participants
from trial.forms.join import Contact, MailCode
from trial.mailcodes import Asked, Verdict
from trial.models import Identity, Participant, Study
from trial.views.join import arrival
from trial.views.posted import refuses_reused_keys, request_key

STEP = "trial.verification"
HOUR = 60 * 60
MAILS_AN_HOUR = 5  # for one address, and from one session
TRIES_AN_HOUR = 15  # at one address, over all sessions


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
def contact(request: HttpRequest, study: Study, person: Participant) -> HttpResponse:
    at = timezone.now()
    if not _is_asked(person):
        return arrival.onward(person, at)
    form = Contact(request.POST or None, initial=_typed(request, study))
    if request.method == "POST" and form.is_valid():
        key = request_key(request) or str(uuid.uuid4())
        if _ask(request, study, person, key, form.cleaned_data, at):
            return redirect("join:code", study.public_slug)
        form.add_error(None, _("We sent several codes already. Wait an hour, then ask for a new one."))
    return render(request, "join/contact.html", {"form": form})


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
@refuses_reused_keys
def code(request: HttpRequest, study: Study, person: Participant) -> HttpResponse:
    at = timezone.now()
    asked = _asked(request, study)
    if asked is None or not _is_asked(person):
        return arrival.onward(person, at)
    form = MailCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        verdict = _judged(request, study, asked, form.cleaned_data["code"], at)
        if verdict == Verdict.RIGHT:
            return _verify(request, study, person, asked, at)
        form.add_error("code", _words(verdict))
    return render(request, "join/code.html", {"form": form, "email": asked.email})


@require_POST
@arrival.for_newcomers
def code_again(request: HttpRequest, study: Study, person: Participant) -> HttpResponse:
    """A new code to the same address; the old one no longer works."""
    asked = _asked(request, study)
    if asked is None or not _is_asked(person):
        return arrival.onward(person, timezone.now())
    typed = {"name": asked.name, "email": asked.email, "phone": asked.phone}
    if _ask(request, study, person, request_key(request) or str(uuid.uuid4()), typed, timezone.now()):
        messages.success(request, _("A new code is on its way."))
    else:
        messages.warning(request, _("We sent several codes already. Wait an hour, then ask for a new one."))
    return redirect("join:code", study.public_slug)


def _is_asked(person: Participant) -> bool:
    return person.state == "screening" and person.verified_at is None and arrival.has_passed(person, STEP)


def _asked(request: HttpRequest, study: Study) -> Asked | None:
    found = arrival.kept(request, study).get("asked")
    return Asked.from_session(found) if found else None


def _typed(request: HttpRequest, study: Study) -> dict[str, str]:
    asked = _asked(request, study)
    return {"name": asked.name, "email": asked.email, "phone": asked.phone} if asked else {}


def _ask(
    request: HttpRequest, study: Study, person: Participant, key: str, typed: dict[str, str], at: datetime
) -> bool:
    """Keep what was typed, and mail a code; False when too many were mailed.

    The code follows from the request key, so that a double click, at the very same moment too, ends in one mail.
    """
    before = _asked(request, study)
    if before and before.key == key:
        return True
    address = vault.address_hash(typed["email"])
    is_first = cache.add(f"join-mail:{vault.keyed_hash('join mail', f'{person.pk}|{key}')}", True, HOUR)
    if is_first and not (_allows("mail", address, MAILS_AN_HOUR) and _allows("mails", person.code, MAILS_AN_HOUR)):
        return False
    is_known = Identity.objects.filter(study=study, email_hash=address).exists()
    digits = "" if is_known else mailcodes.code_from(vault.keyed_hash("join code", f"{person.pk}|{key}|{address}"))
    asked = Asked(key, digits, typed["name"], typed["email"], typed["phone"], at)
    arrival.keep(request, study, asked=asked.for_session())
    if is_first:
        _mail(study, asked)
    return True


def _allows(what: str, whom: str, most: int) -> bool:
    """Counts in the shared cache: at most so many an hour."""
    name = f"join-{what}:{vault.keyed_hash(what, whom)}"
    now = timezone.now().timestamp()
    recent = [moment for moment in cache.get(name, []) if moment > now - HOUR]
    if len(recent) >= most:
        return False
    cache.set(name, [*recent, now], HOUR)
    return True


def _mail(study: Study, asked: Asked) -> None:
    """Sent at once and stored nowhere. Whoever has this address in the study already is told that they can sign in."""
    protocol = study.current.protocol
    language = arrival.language()
    title, sender = (
        texts.get(language) or next(iter(texts.values())) for texts in (protocol.public_title, protocol.sender)
    )
    body = _code_words(asked.code) if asked.code else _known_words()
    subject = _("%(title)s: your message") % {"title": title}
    EmailMessage(subject, body, f"{sender} <{settings.DEFAULT_FROM_EMAIL}>", [asked.email]).send()


def _code_words(digits: str) -> str:
    lines = [
        _("Your code: %(code)s") % {"code": digits},
        _("Enter it on the page that is open in your browser. It works for 15 minutes."),
        _("You did not ask for it? Then you need not do anything."),
    ]
    return "\n\n".join(lines)


def _known_words() -> str:
    lines = [
        _("Somebody, perhaps you, asked for a code with this address. You are known here already: you can sign in."),
        settings.PUBLIC_URL + reverse("account_request_login_code"),
        _("You did not ask for it? Then you need not do anything."),
    ]
    return "\n\n".join(lines)


def _judged(request: HttpRequest, study: Study, asked: Asked, typed: str, at: datetime) -> Verdict:
    if not _allows("try", vault.address_hash(asked.email), TRIES_AN_HOUR):
        return Verdict.OVER
    verdict = mailcodes.judge(asked, typed, at)
    if verdict == Verdict.WRONG:
        arrival.keep(request, study, asked=asked.tried().for_session())
    return verdict


def _words(verdict: Verdict) -> str:
    if verdict == Verdict.OVER:
        return _("This code no longer works. Ask for a new one below.")
    return _("This is not the code. Look at the newest message we sent you.")


def _verify(request: HttpRequest, study: Study, person: Participant, asked: Asked, at: datetime) -> HttpResponse:
    try:
        person = participants.verify(
            participant=person,
            name=asked.name,
            email=asked.email,
            phone=asked.phone,
            key=request_key(request),
            by=arrival.actor_of(person),
            at=at,
        )
    except participants.AddressInUse:  # taken since the code was mailed
        messages.info(request, _("You are known here already: you can sign in with this address."))
        return redirect("account_request_login_code")
    login(request, person.user, backend="django.contrib.auth.backends.ModelBackend")
    arrival.forget(request, study)
    return arrival.onward(person, at)
