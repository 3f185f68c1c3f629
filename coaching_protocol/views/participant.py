"""The calls, for whoever is called. For everybody else this page does not exist."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from coaching_protocol.models import CoachingPlan, Contact
from coaching_protocol.queries import plans
from trial.models import Participant
from trial.requests import PageRequest
from trial.views.participant.rooms import in_the_study


@require_GET
@in_the_study
def calls(request: PageRequest, person: Participant) -> HttpResponse:
    plan = CoachingPlan.objects.filter(participant=person).first()
    if plan is None:
        raise Http404
    contacts = list(Contact.objects.filter(plan=plan))
    planned = [
        contact for contact in contacts if contact.state == "planned" and plan.ended_at is None
    ]
    context = {
        "next": planned[0] if planned else None,
        "later": planned[1:],
        "held": [contact for contact in contacts if contact.state == "held"],
        "minutes": plans.protocol(person.version, plan.protocol).minutes,
    }
    return render(request, "participant/calls.html", context)
