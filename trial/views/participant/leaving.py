"""Stopping with the lessons, and leaving the study."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from trial.actions import journey, participants
from trial.actions import programme as actions
from trial.forms.participant import Reason
from trial.lifecycles import NotAllowedNow
from trial.models import Participant
from trial.queries import programme
from trial.requests import PageRequest
from trial.views.participant.rooms import actor_of, in_the_study
from trial.views.posted import refuses_reused_keys, request_key


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def withdraw(request: PageRequest, person: Participant) -> HttpResponse:
    """Leave the study. What was given until now stays; the page says so first."""
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _withdraw(request, person, form.cleaned_data["reason"])
        return redirect("participant:home")
    return render(request, "participant/withdraw.html", {"form": form})


def _withdraw(request: PageRequest, person: Participant, reason: str) -> None:
    try:
        participants.withdraw(
            participant=person,
            reason=reason,
            key=request_key(request),
            by=actor_of(person),
            at=timezone.now(),
        )
    except NotAllowedNow:
        return  # done in another window; the home page says so


@require_http_methods(["GET", "POST"])
@in_the_study
@refuses_reused_keys
def stop_programme(request: PageRequest, person: Participant) -> HttpResponse:
    """Stop with the lessons and stay in the study."""
    if programme.access(person) is None:
        raise Http404
    form = Reason(request.POST or None)
    if request.method == "POST" and form.is_valid():
        at = timezone.now()
        actions.stop_programme(
            participant=person,
            reason=form.cleaned_data["reason"],
            key=request_key(request),
            by=actor_of(person),
            at=at,
        )
        journey.advance(person, at)
        messages.success(
            request,
            _(
                "You stopped with the lessons. The questions still come, and you can leave those "
                "too."
            ),
        )
        return redirect("participant:home")
    return render(request, "participant/stop_programme.html", {"form": form})
