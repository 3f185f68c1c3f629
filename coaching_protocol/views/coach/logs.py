"""What logging a call and correcting its log have in common: what the form needs, holds and brings
about.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.utils.translation import gettext as _

from coaching_protocol.models import Attempt, CoachingPlan, Contact
from coaching_protocol.queries.plans import protocol
from trial.requests import PageRequest
from trial.templatetags.handvat import day


def form_arguments(plan: CoachingPlan, begun: Attempt, at: datetime) -> dict[str, Any]:
    return {
        "protocol": protocol(plan.participant.version, begun.protocol),
        "attempt": begun,
        "timezone": plan.participant.timezone,
        "at": at,
    }


def stored(begun: Attempt) -> dict[str, Any]:
    """What a log says now, as its form holds it."""
    return {
        "outcome": begun.outcome,
        "minutes": begun.minutes,
        "steps_done": begun.steps_done,
        "deviations": begun.deviations,
        "note": begun.contact.plan.participant.unsealed(begun.note_sealed),
    }


def typed(request: PageRequest) -> dict[str, Any]:
    """What stands in the form of a call that is not being sent yet."""
    several = {"steps_done", "deviations"}
    return {
        name: request.POST.getlist(name) if name in several else request.POST[name]
        for name in request.POST
    }


def say_where(request: PageRequest, plan: CoachingPlan, next_at: datetime) -> None:
    """An appointment outside the days of its call is kept, and said to be one."""
    found = Contact.objects.filter(plan=plan, state="planned", appointment_at=next_at).first()
    if found and found.place(next_at, plan.participant.timezone) != "within":
        said = _(
            "The appointment lies outside the days of call %(number)s (%(first)s to %(last)s)."
        )
        days = {"first": day(found.opens_on), "last": day(found.closes_on)}
        messages.warning(request, said % {"number": found.number, **days})
