"""What is kept of a person, what they signed, and when they may be called."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from trial import lessons
from trial.actions import journey, own_details
from trial.actions.own_address import token_of
from trial.forms.participant import CallTimes, OwnNumber, OwnZone, in_words
from trial.models import Consent, Identity, Participant
from trial.queries import allotment, lost_mailboxes, programme, tasks, tokens
from trial.requests import PageRequest, participant_of
from trial.views.participant.rooms import actor_of, in_the_study
from trial.views.posted import refuses_reused_keys, request_key


@require_GET
def data(request: PageRequest) -> HttpResponse:
    """Everything by which we know somebody, and the ways to take it along, to change it or to
    stop.
    """
    person = participant_of(request)
    identity = _identity(person)
    context = {
        "identity": identity,
        "times": [in_words(time) for time in _times(identity)],
        "allotted": allotment.words(person),
        **_asked_by_staff(person),
        "has_signed": person.consented_at is not None,
        "has_tokens": person.user is not None
        and tokens.standing(person.user, timezone.now()).exists(),
        "can_stop_programme": person.programme_stopped_at is None
        and programme.access(person) is not None,
    }
    return render(request, "participant/data.html", context)


def _asked_by_staff(person: Participant) -> dict[str, Any]:
    """Another address that staff asked for and has not taken effect, with the way to stop it."""
    waiting = lost_mailboxes.waiting(person)
    if waiting is None:
        return {}
    return {
        "other_address": waiting,
        "takes_effect_at": lost_mailboxes.takes_effect_at(waiting),
        "stop_url": reverse("take_back_address", args=[token_of(waiting)]),
    }


@require_GET
def consent(request: PageRequest) -> HttpResponse:
    """What was signed, word for word, to read, print or keep as a file."""
    person = participant_of(request)
    signed = (
        Consent.objects.filter(participant=person, kind="study").select_related("version").last()
    )
    if signed is None:
        raise Http404
    is_file = "download" in request.GET
    template = "participant/consent_file.html" if is_file else "participant/consent.html"
    response = render(request, template, _signed(person, signed))
    if is_file:
        response["Content-Disposition"] = 'attachment; filename="signed.html"'
    return response


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def call_times(request: PageRequest, person: Participant) -> HttpResponse:
    """Asked in every arm alike, before anybody knows the arm; may be changed later."""
    identity = _identity(person)
    form = CallTimes(request.POST or None, times=_times(identity))
    if request.method == "POST" and form.is_valid():
        return _keep_times(request, person, form.times)
    return render(request, "participant/call_times.html", {"form": form})


def _keep_times(request: PageRequest, person: Participant, times: list[str]) -> HttpResponse:
    at = timezone.now()
    own_details.set_call_times(
        participant=person, times=times, key=request_key(request), by=actor_of(person), at=at
    )
    if person.randomised_at:
        messages.success(request, _("Saved."))
        return redirect("participant:data")
    ask = journey.advance(person, at)
    return redirect(tasks.page_asked(ask))


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def phone(request: PageRequest, person: Participant) -> HttpResponse:
    """The number at which the study reaches this person, to be put right by themselves."""
    identity = _identity(person)
    number, country = identity.phone if identity else "", person.version.protocol.country
    form = OwnNumber(request.POST or None, initial={"phone": number}, country=country)
    if request.method == "POST" and form.is_valid():
        return _correct_phone(request, person, form)
    return render(request, "participant/phone.html", {"form": form})


def _correct_phone(request: PageRequest, person: Participant, form: OwnNumber) -> HttpResponse:
    try:
        own_details.correct_contact(
            participant=person,
            phone=form.cleaned_data["phone"],
            key=request_key(request),
            by=actor_of(person),
            at=timezone.now(),
        )
    except own_details.SameNumber:
        form.add_error("phone", _("This is the number that we have already."))
        return render(request, "participant/phone.html", {"form": form})
    messages.success(request, _("Saved."))
    return redirect("participant:data")


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def zone(request: PageRequest, person: Participant) -> HttpResponse:
    """Where this person is, by the clock."""
    form = OwnZone(request.POST or None, initial={"timezone": person.timezone})
    if request.method == "POST" and form.is_valid():
        return _choose_zone(request, person, form)
    return render(request, "participant/zone.html", {"form": form})


def _choose_zone(request: PageRequest, person: Participant, form: OwnZone) -> HttpResponse:
    chosen, at = form.cleaned_data["timezone"], timezone.now()
    try:
        own_details.choose_zone(
            participant=person,
            timezone=chosen,
            key=request_key(request),
            by=actor_of(person),
            at=at,
        )
    except own_details.SameZone:
        form.add_error("timezone", _("This is the time zone that we have already."))
        return render(request, "participant/zone.html", {"form": form})
    messages.success(request, _("Saved."))
    return redirect("participant:data")


def _identity(person: Participant) -> Identity | None:
    return Identity.objects.filter(participant=person).select_related("participant__key").first()


def _times(identity: Identity | None) -> list[str]:
    return identity.call_times if identity else []


def _signed(person: Participant, signed: Consent) -> dict[str, Any]:
    letter = signed.version.consent.letters[signed.language]
    return {
        "signed": signed,
        "signature": person.unsealed(signed.signature_sealed),
        "letter": lessons.to_html(letter.body),
        "statements": [each.text for each in letter.statements if each.code in signed.statements],
    }
