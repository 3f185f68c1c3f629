"""The room of all staff, whatever their role: what takes two people, and the tokens of their own programs."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from trial import actors
from trial.actions import agreements as actions
from trial.actions import proposals
from trial.actions.studies import FollowUpGoesOn
from trial.api import errors
from trial.forms.staff import Decide
from trial.lifecycles import NotAllowedNow
from trial.models import Proposal
from trial.queries import installation, notices, staff
from trial.queries import proposals as reads
from trial.views.posted import refuses_reused_keys, request_key
from trial.views.research.finding import person

ON_A_PAGE = 50
REFUSALS = (
    proposals.AlreadyDecided,
    proposals.NotSecond,
    proposals.SamePerson,
    FollowUpGoesOn,
    NotAllowedNow,
)


@require_GET
def agreements(request: HttpRequest) -> HttpResponse:
    found = list(reads.of_staff(person(request))[: reads.RECENT])
    names = staff.names(each.by for each in found)
    rows = [(each, notices.what(each, names), getattr(each, "decision", None)) for each in found]
    return render(request, "staff/agreements.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def agreement(request: HttpRequest, number: int) -> HttpResponse:
    """What is asked, by whom, who could agree; and the word of whoever looks."""
    proposal = reads.of_staff(person(request)).filter(pk=number).first()
    if proposal is None:
        raise Http404
    form, status = Decide(request.POST or None), 200
    if request.method == "POST":
        if form.is_valid() and _decided(request, form, proposal):
            return redirect("staff:agreement", number)
        status = 409 if form.non_field_errors() else 400
    return render(request, "staff/agreement.html", {"form": form, **_asked(request, proposal)}, status=status)


def _decided(request: HttpRequest, form: Decide, proposal: Proposal) -> bool:
    """Whether it was done; where it was refused the words stand on the form."""
    role = reads.role_in(person(request), proposal)
    by = actors.staff(person(request).pk, role)
    try:
        actions.decide(proposal=proposal, **form.cleaned_data, key=request_key(request), by=by, at=timezone.now())
    except REFUSALS as error:
        named = errors.find(error)
        form.add_error(None, str(named.words) if named else "")
        return False
    messages.success(request, _("Done, and recorded in the audit trail."))
    return True


def _asked(request: HttpRequest, proposal: Proposal) -> dict[str, Any]:
    timezone.activate(ZoneInfo(proposal.study.current.protocol.timezone))
    at, decision = timezone.now(), getattr(proposal, "decision", None)
    seconds = list(reads.may_agree(proposal, at))
    names = staff.names([proposal.by, decision.by if decision else ""])
    return {
        "proposal": proposal,
        "what": notices.what(proposal, names),
        "decision": decision,
        "said_by": names.get(decision.by, "") if decision else "",
        "seconds": seconds,
        "may_agree": request.user in seconds,
        "is_mine": proposal.by == f"staff {request.user.pk}",
    }


@require_GET
def installation_trail(request: HttpRequest) -> HttpResponse:
    """Who signed in, what failed, second factors and tokens: for whoever may load studies here."""
    if not person(request).is_staff:
        raise Http404
    page = Paginator(installation.events(), ON_A_PAGE).get_page(request.GET.get("page"))
    names = staff.names(event.by for event in page)
    return render(request, "staff/installation.html", {"page": page, "names": names})
