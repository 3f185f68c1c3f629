"""One person: how their calls and lessons go, and who coaches them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from coaching_protocol.actions import plans
from coaching_protocol.forms.people import Reassign
from coaching_protocol.queries import caseload as reads
from coaching_protocol.queries.caseload import Row
from coaching_protocol.views.coach.caseload import GROUP_NAMES, desk
from coaching_protocol.views.coach.finding import find, user
from coaching_protocol.words import OUTCOMES, REASONS_CORRECTED, REASONS_REASSIGNED
from trial import actors, permissions
from trial.requests import PageRequest
from trial.views.posted import refuses_reused_keys, request_key


@dataclass(frozen=True)
class Details:
    """What a coach needs to call somebody; on the answer to "Show number" only."""

    name: str  # what they want to be called
    phone: str
    language: str
    call_times: list[str]


@require_GET
def person(request: PageRequest, code: str) -> HttpResponse:
    return person_page(request, code, timezone.now())


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def reassign(request: PageRequest, code: str) -> HttpResponse:
    """Another coach, by a supervisor; the history stays."""
    plan = find(request, code)
    role = permissions.check_may(user(request), plan.study, "supervise")
    form = Reassign(request.POST or None, coaches=reads.coaches(plan.study))
    if request.method == "POST" and form.is_valid():
        try:
            plans.reassign(
                plan=plan,
                **form.cleaned_data,
                key=request_key(request),
                by=actors.staff(user(request).pk, role),
                at=timezone.now(),
            )
        except plans.SameCoach:
            form.add_error("coach", _("This is the coach they have now: choose another"))
        else:
            messages.success(request, _("%(code)s has another coach.") % {"code": code})
            return redirect("coach:person", code)
    history = [
        (each, REASONS_REASSIGNED.get(each.reason, each.reason)) for each in reads.history(plan)
    ]
    return render(
        request,
        "coach/reassign.html",
        {"form": form, "code": code, "plan": plan, "history": history},
    )


def person_page(
    request: PageRequest, code: str, at: datetime, details: Details | None = None
) -> HttpResponse:
    shown = reads.row(find(request, code), at)
    if not shown.is_listed:
        raise Http404
    return render(
        request,
        "coach/person.html",
        {**desk(request, at), **_person(shown, at), "details": details},
    )


def _person(shown: Row, at: datetime) -> dict[str, Any]:
    progress = reads.progress(shown.participant)
    listed = reads.calls(shown)
    return {
        "row": shown,
        "protocol": shown.protocol,
        "group_name": GROUP_NAMES[shown.group],
        "progress": progress,
        "has_lessons": progress.is_open(at),
        "calls": listed,
        "begun": next(
            (each for call in listed for each in call.tries if not each.attempt.logged_at), None
        ),
        "outcomes": OUTCOMES,
        "reasons_corrected": REASONS_CORRECTED,
        "supervises": shown.plan.supervised,
        "place": shown.place(at),
        "at": at,
    }
