"""Name, address and number; a code by mail; then a login. Until the code is right all of it stays
in the session.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from trial import limits, mail_door
from trial.actions import mailcodes, participants
from trial.actions.once import KeyReused
from trial.forms.join import Contact, MailCode
from trial.mail import DoorShut
from trial.mailcodes import Asked, Verdict
from trial.models import Participant, Study
from trial.requests import PageRequest
from trial.views.join import arrival
from trial.views.posted import posted_from, refuses_reused_keys, request_key
from trial.words import MAIL_AWAY, spoken

STEP = "trial.verification"


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
def contact(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    at = timezone.now()
    if not _is_asked(person):
        return arrival.onward(person, at)
    form = Contact(
        request.POST or None,
        initial=_typed(request, study),
        country=person.version.protocol.country,
    )
    if request.method == "POST" and form.is_valid():
        return _sent(request, study, person, form, at)
    return render(request, "join/contact.html", {"form": form})


def _sent(
    request: PageRequest, study: Study, person: Participant, form: Contact, at: datetime
) -> HttpResponse:
    """On to the code; or the form again with all that was typed. A page from the browser's history
    brings its old request key with a corrected address: such a form gets a new key, so that sending
    it once more mails the code.
    """
    try:
        _ask(request, study, person, form.cleaned_data, at)
    except (mailcodes.TooManyCodes, limits.TooOften, DoorShut) as error:
        form.add_error(None, _refusal(error))
        return render(request, "join/contact.html", {"form": form})
    except KeyReused:
        form = Contact(
            {name: form.cleaned_data[name] for name in form.fields},
            country=person.version.protocol.country,
        )
        form.add_error(
            None,
            _("This page was sent before, with something else. Look it over, then send it again."),
        )
        return render(request, "join/contact.html", {"form": form}, status=409)
    return redirect("join:code", study.public_slug)


@require_http_methods(["GET", "POST"])
@arrival.for_newcomers
@refuses_reused_keys
def code(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    at = timezone.now()
    asked = _asked(request, study)
    if asked is None or not _is_asked(person):
        return arrival.onward(person, at)
    form = MailCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed, press = form.cleaned_data["code"], request_key(request) or ""
        verdict = mailcodes.judge(handle=asked.handle, typed=typed, press=press, at=at)
        if verdict == Verdict.RIGHT:
            return _verify(request, study, person, asked, at)
        form.add_error("code", _words(verdict))
    return render(request, "join/code.html", {"form": form, "email": asked.email})


@posted_from("join:code", "slug")
@arrival.for_newcomers
@refuses_reused_keys
def code_again(request: PageRequest, study: Study, person: Participant) -> HttpResponse:
    """A new code to the same address; the old one no longer works."""
    asked = _asked(request, study)
    if asked is None or not _is_asked(person):
        return arrival.onward(person, timezone.now())
    try:
        _ask(request, study, person, _typed(request, study), timezone.now())
    except (mailcodes.TooManyCodes, limits.TooOften, DoorShut) as error:
        messages.warning(request, _refusal(error))
    else:
        messages.success(request, _("A new code is on its way."))
    return redirect("join:code", study.public_slug)


def _is_asked(person: Participant) -> bool:
    return (
        person.state == "screening"
        and person.verified_at is None
        and arrival.has_passed(person, STEP)
    )


def _asked(request: PageRequest, study: Study) -> Asked | None:
    found = arrival.kept(request, study).get("asked")
    return Asked.from_session(found) if found else None


def _typed(request: PageRequest, study: Study) -> dict[str, str]:
    asked = _asked(request, study)
    return {"name": asked.name, "email": asked.email, "phone": asked.phone} if asked else {}


def _ask(
    request: PageRequest, study: Study, person: Participant, typed: Mapping[str, str], at: datetime
) -> None:
    """Have a code mailed in the language of the page, and keep what was typed."""
    door = mail_door.opened(request, at)
    about = mailcodes.ask(
        participant=person,
        typed=typed,
        language=spoken(),
        key=request_key(request) or str(uuid.uuid4()),
        allows=lambda: limits.may_mail(request, "proof", typed["email"], person=person.code),
        at=at,
    )
    mail_door.leaves_after_the_answer(request, about, door, at)
    kept = Asked(about.handle, typed["name"], typed["email"], typed["phone"], about.asked_at)
    arrival.keep(request, study, asked=kept.for_session())


def _refusal(error: Exception) -> str:
    if isinstance(error, DoorShut):
        return str(MAIL_AWAY)
    return _("We sent several codes already. Wait an hour, then ask for a new one.")


def _words(verdict: Verdict) -> str:
    if verdict == Verdict.OVER:
        return _("This code no longer works. Ask for a new one below.")
    return _("This is not the code. Look at the newest message we sent you.")


def _verify(
    request: PageRequest, study: Study, person: Participant, asked: Asked, at: datetime
) -> HttpResponse:
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
    except participants.NotAskedNow:  # verified, or stopped, in another tab meanwhile
        return redirect("join:onward", study.public_slug)
    login(request, person.user, backend="django.contrib.auth.backends.ModelBackend")
    arrival.forget(request, study)
    response = arrival.onward(person, at)
    limits.know(request, response, asked.email)
    return response
