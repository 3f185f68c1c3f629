"""A call: started, made with its checklist and logged, or given up."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coaching_protocol.actions import calls
from coaching_protocol.forms.calls import LOGGED, GiveUp, LogCall
from coaching_protocol.models import Attempt, CoachingPlan, Contact
from coaching_protocol.queries.plans import protocol
from coaching_protocol.views.coach.corrections import logged_before, taken_back_before
from coaching_protocol.views.coach.finding import actor, find, user
from coaching_protocol.views.coach.logs import form_arguments, say_where
from coaching_protocol.views.coach.person import Details
from coaching_protocol.words import OUTCOMES, REASONS_NOT_HELD
from trial.lifecycles import NotAllowedNow
from trial.requests import PageRequest
from trial.views.posted import posted_from, refuses_reused_keys, request_key


@posted_from("coach:person", "code")
@refuses_reused_keys
def start(request: PageRequest, code: str, number: int) -> HttpResponse:
    plan = find(request, code)
    contact = get_object_or_404(Contact, plan=plan, number=number)
    try:
        begun = calls.start(
            contact=contact,
            coach=user(request),
            key=request_key(request),
            by=actor(request, plan),
            at=timezone.now(),
        )
    except calls.ContactOver:
        messages.error(request, _("Call %(number)s is over already.") % {"number": number})
        return redirect("coach:person", code)
    return redirect("coach:attempt", code, begun.pk)


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def attempt(request: PageRequest, code: str, attempt: int) -> HttpResponse:
    """The call itself: checklist, escalation and the log."""
    plan = find(request, code, also_ended=True)
    begun = (
        Attempt.objects.select_related("contact__plan")
        .filter(pk=attempt, contact__plan=plan)
        .first()
    )
    if begun is None:
        return taken_back_before(request, plan, attempt)
    at = timezone.now()
    form = LogCall(request.POST or None, **form_arguments(plan, begun, at))
    if request.method == "POST" and form.is_valid():
        return _log(request, plan, begun, form, at)
    if begun.logged_at and request.method == "POST":
        return logged_before(request, plan, begun, at)
    if begun.logged_at:
        messages.info(request, _("This call is logged."))
        return redirect("coach:person", code)
    return call_page(request, plan, begun, form, at)


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def take_back(request: PageRequest, code: str, attempt: int) -> HttpResponse:
    """A call that was begun by mistake, once more asked about: what is typed of it goes too."""
    plan = find(request, code, also_ended=True)
    begun = (
        Attempt.objects.select_related("contact__plan__participant")
        .filter(pk=attempt, contact__plan=plan)
        .first()
    )
    if begun is None or begun.logged_at:
        messages.info(
            request, _("This call is logged.") if begun else _("This call was taken back.")
        )
        return redirect("coach:person", code)
    calls.check_own(user(request), begun)
    if request.method == "GET":
        return render(request, "coach/take_back.html", {"code": code, "attempt": begun})
    try:
        calls.take_back(
            attempt=begun,
            coach=user(request),
            key=request_key(request),
            by=actor(request, plan),
            at=timezone.now(),
        )
    except calls.AlreadyLogged:
        messages.info(request, _("This call is logged."))
    else:
        messages.success(request, _("This call was taken back."))
    return redirect("coach:person", code) if plan.ended_at is None else redirect("coach:caseload")


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def give_up(request: PageRequest, code: str, number: int) -> HttpResponse:
    plan = find(request, code)
    contact = get_object_or_404(Contact, plan=plan, number=number)
    if Attempt.objects.filter(contact=contact, logged_at__isnull=True).exists():
        return _log_first(request, code)
    form = GiveUp(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _give_up(request, plan, contact, form.cleaned_data["reason"])
    return render(request, "coach/give_up.html", {"form": form, "code": code, "contact": contact})


def call_page(
    request: PageRequest,
    plan: CoachingPlan,
    begun: Attempt,
    form: LogCall,
    at: datetime,
    details: Details | None = None,
) -> HttpResponse:
    described = plan.participant.version.protocol
    context = {
        "plan": plan,
        "attempt": begun,
        "protocol": protocol(plan.participant.version, begun.protocol),
        "safety": described.contacts.safety,
        "crisis_lines": described.crisis_lines,
        "emergency_numbers": [
            each for line in described.crisis_lines for each in line.numbers if len(each) == 3
        ],
        "form": form,
        "details": details,
        "number_key": uuid4(),
        "place": begun.contact.place(begun.started_at, plan.participant.zone_at(begun.started_at)),
        "at": at,
    }
    return render(request, "coach/call.html", context)


def _log(
    request: PageRequest, plan: CoachingPlan, begun: Attempt, form: LogCall, at: datetime
) -> HttpResponse:
    given = form.cleaned_data
    code = plan.participant.code
    try:
        calls.log(
            attempt=begun,
            **{name: given.get(name, []) for name in LOGGED},
            key=request_key(request),
            by=actor(request, plan),
            at=at,
        )
    except calls.NotStarted:
        return logged_before(
            request, plan, Attempt.objects.select_related("contact").get(pk=begun.pk), at
        )
    except NotAllowedNow:
        form.add_error(
            None,
            _(
                "This person has left the study, or somebody gave this call up. Tell your "
                "supervisor."
            ),
        )
        return call_page(request, plan, begun, form, at)
    said = _("Logged call %(number)s of %(code)s: %(outcome)s.")
    outcome = OUTCOMES[given["outcome"]]
    messages.success(
        request, said % {"number": begun.contact.number, "code": code, "outcome": outcome}
    )
    if given["next_at"]:
        say_where(request, plan, given["next_at"])
    return redirect("coach:caseload")


def _log_first(request: PageRequest, code: str) -> HttpResponse:
    messages.error(request, _("This call was started: log it first."))
    return redirect("coach:person", code)


def _give_up(
    request: PageRequest, plan: CoachingPlan, contact: Contact, reason: str
) -> HttpResponse:
    code, by = plan.participant.code, actor(request, plan)
    try:
        calls.give_up(
            contact=contact, reason=reason, key=request_key(request), by=by, at=timezone.now()
        )
    except calls.LogFirst:
        return _log_first(request, code)
    except NotAllowedNow:
        messages.error(request, _("Call %(number)s is over already.") % {"number": contact.number})
        return redirect("coach:person", code)
    said = _("Call %(number)s of %(code)s is given up: %(reason)s.")
    messages.success(
        request, said % {"number": contact.number, "code": code, "reason": REASONS_NOT_HELD[reason]}
    )
    return redirect("coach:caseload")
