"""The tokens by which programs sign in as somebody: a list for staff and for participants, and
making one for staff.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from rest_framework.exceptions import APIException

from trial import actors
from trial.actions import tokens as actions
from trial.api.tokens import known
from trial.forms.staff import MakeToken
from trial.models import ApiToken
from trial.queries import tokens
from trial.requests import PageRequest, participant_of
from trial.views.participant.rooms import actor_of
from trial.views.posted import posted_from, refuses_reused_keys, request_key


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def of_staff(request: PageRequest) -> HttpResponse:
    """The list, and a form; a new token's secret stands on the answer alone, once."""
    form = MakeToken(request.POST or None)
    made = _made(request, form) if request.method == "POST" and form.is_valid() else None
    context = {"form": MakeToken() if made else form, **_listed(request)}
    if made:
        context |= {"made": made, "secret": actions.secret_of(made)}
    return render(
        request, "staff/tokens.html", context, status=400 if form.is_bound and not made else 200
    )


def _made(request: PageRequest, form: MakeToken) -> ApiToken | None:
    """None where the password or the code was wrong, or was tried too often."""
    user, given = request.user, form.cleaned_data
    try:
        if known(request, user.email, given["password"], given["code"]) != user:
            return None
    except APIException as error:
        form.add_error("password", str(error.detail))
        return None
    named = {"name": given["name"], "days": given["days"]}
    by, at = actors.staff(user.pk), timezone.now()
    return actions.make(user=user, **named, key=request_key(request), by=by, at=at)


@posted_from("staff:tokens")
@refuses_reused_keys
def end_of_staff(request: PageRequest, number: int) -> HttpResponse:
    _end(request, number, actors.staff(request.user.pk))
    return redirect("staff:tokens")


@require_GET
def of_participant(request: PageRequest) -> HttpResponse:
    return render(request, "participant/tokens.html", _listed(request))


@posted_from("participant:tokens")
@refuses_reused_keys
def end_of_participant(request: PageRequest, number: int) -> HttpResponse:
    person = participant_of(request)
    _end(request, number, actor_of(person))
    return redirect("participant:tokens")


def _listed(request: PageRequest) -> dict[str, Any]:
    return {"tokens": tokens.standing(request.user, timezone.now())}


def _end(request: PageRequest, number: int, by: actors.Actor) -> None:
    user = request.user
    token = ApiToken.objects.filter(pk=number, user=user).first()
    try:
        if token is None:
            raise actions.NotTheirs
        actions.end(token=token, user=user, key=request_key(request), by=by, at=timezone.now())
    except actions.NotTheirs:
        messages.error(request, _("This token is over."))
    else:
        messages.success(request, _("The token has ended. What used it can do nothing any more."))
