"""Name and number, shown on the answer to a POST, which is recorded."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coaching_protocol.actions import calls
from coaching_protocol.forms.calls import LogCall
from coaching_protocol.models import Attempt
from coaching_protocol.queries import caseload as reads
from coaching_protocol.views.coach.calls import call_page
from coaching_protocol.views.coach.corrections import taken_back_before
from coaching_protocol.views.coach.finding import actor, find, user
from coaching_protocol.views.coach.logs import form_arguments, typed
from coaching_protocol.views.coach.person import Details, person_page
from trial.forms.participant import in_words
from trial.models import Identity
from trial.requests import PageRequest
from trial.views.posted import refuses_reused_keys, request_key

SHOWN_FOR = timedelta(
    minutes=2
)  # a double click gets the number; a page sent again later has to be asked for anew


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def number(request: PageRequest, code: str) -> HttpResponse:
    """Shows name and number on the answer to a POST, which is recorded.

    Asked for in the middle of a call, the answer is the form of that call with everything that was
    typed.
    """
    plan = find(request, code)
    person = reverse("coach:person", args=[code], query=request.GET)  # with the list beside it
    if request.method == "GET":
        return redirect(person)
    wanted = _whole_number(request.POST.get("attempt"))
    begun = Attempt.objects.filter(contact__plan=plan, pk=wanted).first()
    if wanted and begun is None:
        return taken_back_before(request, plan, wanted)
    at, by = timezone.now(), actor(request, plan)
    key = request.POST.get("number_key", "")[:40] or request_key(request)
    shown_at = reads.number_shown_at(by, key) if key else None
    if shown_at and at - shown_at > SHOWN_FOR:
        messages.info(request, _("The number is shown once. Press “Show number” to see it again."))
        return redirect(person)
    calls.show_number(participant=plan.participant, coach=user(request), key=key, by=by, at=at)
    details = _details(calls.details(plan.participant))
    if begun is None:
        return person_page(request, code, at, details=details)
    form = LogCall(initial=typed(request), **form_arguments(plan, begun, at))
    return call_page(request, plan, begun, form, at, details=details)


def _details(identity: Identity | None) -> Details | None:
    """Empty fields where the contact details are gone."""
    if identity is None:
        return Details("", "", "", [])
    return Details(
        identity.name,
        identity.phone,
        identity.participant.language,
        [in_words(each) for each in identity.call_times],
    )


def _whole_number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0
