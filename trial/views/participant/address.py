"""A person's own name and e-mail address, and the link by which the old address takes a change
back.
"""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from trial import actors, limits, mail_door
from trial.actions import mailcodes, own_address
from trial.actions.participants import AddressInUse
from trial.forms.join import MailCode
from trial.forms.participant import OwnAddress, OwnName
from trial.mail import DoorShut
from trial.mailcodes import Verdict
from trial.models import Identity, Participant
from trial.requests import PageRequest
from trial.views.participant.rooms import actor_of, in_the_study
from trial.views.posted import refuses_reused_keys, request_key
from trial.words import MAIL_AWAY, spoken

SESSION = "new_address"


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def name(request: PageRequest, person: Participant) -> HttpResponse:
    form = OwnName(request.POST or None, initial={"name": _identity(person).name})
    if request.method == "POST" and form.is_valid():
        try:
            own_address.correct_name(
                participant=person,
                name=form.cleaned_data["name"],
                key=request_key(request),
                by=actor_of(person),
                at=timezone.now(),
            )
        except own_address.SameName:
            form.add_error("name", _("This is the name that we have already."))
        else:
            messages.success(request, _("Saved."))
            return redirect("participant:data")
    return render(request, "participant/name.html", {"form": form})


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def address(request: PageRequest, person: Participant) -> HttpResponse:
    form = OwnAddress(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal = _mailed(request, person, form.cleaned_data["email"])
        if refusal is None:
            return redirect("participant:address_code")
        form.add_error(None, refusal)
    return render(
        request, "participant/address.html", {"form": form, "current": _identity(person).email}
    )


def _mailed(request: PageRequest, person: Participant, email: str) -> str | None:
    """Why no code is on its way. Whether somebody else has this address is told to its mailbox
    alone.
    """
    at = timezone.now()
    try:
        door = mail_door.opened(request, at)
        about = mailcodes.ask_for_new_address(
            participant=person,
            email=email,
            language=spoken(),
            key=request_key(request) or str(uuid.uuid4()),
            allows=lambda: limits.may_mail(request, "proof", email, person=person.code),
            at=at,
        )
    except DoorShut:
        return str(MAIL_AWAY)
    except (mailcodes.TooManyCodes, limits.TooOften):
        return _("We sent several codes already. Wait an hour, then ask for a new one.")
    mail_door.leaves_after_the_answer(request, about, door, at)
    request.session[SESSION] = email
    return None


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def address_code(request: PageRequest, person: Participant) -> HttpResponse:
    email = request.session.get(SESSION)
    if email is None:
        return redirect("participant:address")
    if request.POST.get("action") == "resend":
        return _again(request, person, email)
    form = MailCode(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed, press, at = form.cleaned_data["code"], request_key(request) or "", timezone.now()
        verdict = mailcodes.judge_new_address(
            participant=person, email=email, typed=typed, press=press, at=at
        )
        if verdict == Verdict.RIGHT:
            return _changed(request, person, email)
        wrong = verdict == Verdict.WRONG
        form.add_error(
            "code",
            _("This is not the code. Look at the newest message we sent you.")
            if wrong
            else _("This code no longer works. Ask for a new one below."),
        )
    return render(request, "participant/address_code.html", {"form": form, "email": email})


def _again(request: PageRequest, person: Participant, email: str) -> HttpResponse:
    refusal = _mailed(request, person, email)
    if refusal is None:
        messages.success(request, _("A new code is on its way."))
    else:
        messages.warning(request, refusal)
    return redirect("participant:address_code")


def _changed(request: PageRequest, person: Participant, email: str) -> HttpResponse:
    try:
        own_address.change(
            participant=person,
            email=email,
            key=request_key(request),
            by=actor_of(person),
            at=timezone.now(),
        )
    except own_address.SameAddress:  # the second press of a double click, without a key
        pass
    except AddressInUse:  # since the code was mailed
        messages.warning(
            request, _("Somebody in this study has this address by now. Choose another one.")
        )
        return redirect("participant:address")
    request.session.pop(SESSION, None)
    messages.success(
        request,
        _(
            "From now on you sign in with your new address. Your old address gets a message, and "
            "can take this back for seven days."
        ),
    )
    response = redirect("participant:data")
    limits.know(request, response, email)
    return response


def _identity(person: Participant) -> Identity:
    return Identity.objects.select_related("participant__key").get(participant=person)


@login_not_required
@require_http_methods(["GET", "POST"])
def take_back(request: PageRequest, token: str) -> HttpResponse:
    """For whoever reads the old mailbox: nobody has to be signed in, since they may not be able to
    any more.
    """
    at = timezone.now()
    try:
        if request.method == "POST":
            made = own_address.take_back(token=token, by=actors.Actor("visitor", "link"), at=at)
            translation.activate(made.participant.language)
            return render(
                request, "public/address_taken_back.html", {"was_waiting": made.changed_at is None}
            )
        made = own_address.find(token, at)
        translation.activate(made.participant.language)
    except own_address.LinkOver:
        return render(request, "public/take_back_over.html", status=410)
    except AddressInUse:
        return render(request, "public/take_back_over.html", {"in_use": True}, status=409)
    return render(request, "public/take_back_address.html", {"is_waiting": made.is_waiting})
