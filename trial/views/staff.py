"""The room of all staff, whatever their role: what takes two people, and the tokens of their own
programs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from trial import actors
from trial.actions import agreements as actions
from trial.actions import lost_mailbox, proposals
from trial.actions.participants import NotAskedNow
from trial.actions.studies import FollowUpGoesOn
from trial.api import catalogue
from trial.forms.staff import Decide, DecideAddress
from trial.lifecycles import NotAllowedNow
from trial.models import Proposal
from trial.queries import installation, lost_mailboxes, notices, staff
from trial.queries import proposals as reads
from trial.requests import PageRequest
from trial.views.posted import posted_from, refuses_reused_keys, request_key
from trial.views.research.finding import person
from trial.words import MAILBOX_REASONS

ON_A_PAGE = 50
ENDS = {
    lost_mailboxes.BY_OLD_ADDRESS: gettext_lazy("It was stopped from the old address."),
    lost_mailboxes.BY_STAFF: gettext_lazy("It was stopped by one of the staff."),
    lost_mailboxes.OVERTAKEN: gettext_lazy(
        "It is over: the person changed their address themselves, or took a change back."
    ),
    lost_mailboxes.LEFT: gettext_lazy("It is over: the person has left the study or is erased."),
    lost_mailboxes.NOT_DONE: gettext_lazy(
        "It could not be done: this cannot be the address of this person."
    ),
    lost_mailboxes.ROLE_OVER: gettext_lazy(
        "It is over: whoever asked or agreed does not have that role any more."
    ),
    lost_mailboxes.GUESSED: gettext_lazy(
        "It is over: five times an address was typed that was not asked for."
    ),
}
REFUSALS = (
    proposals.AlreadyDecided,
    proposals.NotSecond,
    proposals.SamePerson,
    FollowUpGoesOn,
    NotAllowedNow,
    NotAskedNow,
    lost_mailbox.NotCalled,
    lost_mailbox.OtherAddress,
)


@require_GET
def agreements(request: PageRequest) -> HttpResponse:
    found = list(reads.of_staff(person(request))[: reads.RECENT])
    names = staff.names(each.by for each in found)
    rows = [(each, notices.what(each, names), getattr(each, "decision", None)) for each in found]
    return render(request, "staff/agreements.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def agreement(request: PageRequest, number: int) -> HttpResponse:
    """What is asked, by whom, who could agree; and the word of whoever looks."""
    proposal = _find(request, number)
    form, status = _form(proposal, request.POST or None), 200
    if request.method == "POST":
        if form.is_valid() and _decided(request, form, proposal):
            return redirect("staff:agreement", number)
        status = 409 if form.non_field_errors() else 400
    return render(
        request, "staff/agreement.html", {"form": form, **_asked(request, proposal)}, status=status
    )


@posted_from("staff:agreement", "number")
@refuses_reused_keys
def show_number(request: PageRequest, number: int) -> HttpResponse:
    """Name and number of whoever lost their mailbox, for the second person, on the answer alone;
    each press is recorded.
    """
    proposal = _find(request, number)
    if proposal.kind != "address":
        raise Http404
    form, status, reached = _form(proposal), 200, None
    by = actors.staff(person(request).pk, reads.role_in(person(request), proposal))
    try:
        reached = lost_mailbox.show_number(
            proposal=proposal, key=request_key(request), by=by, at=timezone.now()
        )
    except REFUSALS as error:
        messages.error(request, _words(error))
        status = 409
    context = {"form": form, "reached": reached, **_asked(request, proposal)}
    return render(request, "staff/agreement.html", context, status=status)


def _find(request: PageRequest, number: int) -> Proposal:
    proposal = reads.of_staff(person(request)).filter(pk=number).first()
    if proposal is None:
        raise Http404
    if proposal.participant:
        request.about = proposal.participant.code
    return proposal


def _form(proposal: Proposal, data: Any = None) -> Decide:
    return (DecideAddress if proposal.kind == "address" else Decide)(data)


def _words(error: Exception) -> str:
    named = catalogue.find(error)
    return str(named.words) if named else ""


def _decided(request: PageRequest, form: Decide, proposal: Proposal) -> bool:
    """Whether it was done; where it was refused the words stand on the form."""
    role = reads.role_in(person(request), proposal)
    by = actors.staff(person(request).pk, role)
    try:
        actions.decide(
            proposal=proposal,
            **form.cleaned_data,
            key=request_key(request),
            by=by,
            at=timezone.now(),
        )
    except REFUSALS as error:
        form.add_error(None, _words(error))
        return False
    messages.success(request, _("Done, and recorded in the audit trail."))
    return True


def _asked(request: PageRequest, proposal: Proposal) -> dict[str, Any]:
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
        **(_of_address(proposal) if proposal.kind == "address" else {}),
    }


def _of_address(proposal: Proposal) -> dict[str, Any]:
    """What became of the change itself, and why it was asked for; the change is gone once the
    person is erased.
    """
    change = getattr(proposal, "address_change", None)
    return {
        "change": change,
        "earlier_stops": [each for each in _stops(proposal) if each < proposal.at],
        "takes_effect_at": lost_mailboxes.takes_effect_at(change)
        if change and change.is_waiting
        else None,
        "why": MAILBOX_REASONS.get(proposal.reason, ""),
        "ended_by": ENDS.get(lost_mailboxes.ended_by(proposal), ""),
    }


def _stops(proposal: Proposal) -> list[datetime]:
    return lost_mailboxes.stops(proposal.participant) if proposal.participant else []


@require_GET
def installation_trail(request: PageRequest) -> HttpResponse:
    """Who signed in, what failed, second factors and tokens: for whoever may load studies here."""
    if not person(request).is_staff:
        raise Http404
    page = Paginator(installation.events(), ON_A_PAGE).get_page(request.GET.get("page"))
    names = staff.names(event.by for event in page)
    return render(request, "staff/installation.html", {"page": page, "names": names})
