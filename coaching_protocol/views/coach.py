"""The coach's desk: whom to call, one person, one call. A supervisor has the same pages for everybody of the study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from coaching_protocol.actions import calls, plans
from coaching_protocol.forms.calls import (
    CORRECTED,
    OUTCOMES,
    REASONS_CORRECTED,
    REASONS_NOT_HELD,
    CorrectCall,
    GiveUp,
    LogCall,
)
from coaching_protocol.forms.people import REASONS, Reassign
from coaching_protocol.models import Attempt, CoachingPlan, Contact
from coaching_protocol.queries import caseload as reads
from coaching_protocol.queries.caseload import Row
from coaching_protocol.queries.plans import protocol
from trial import actors, permissions
from trial.actors import Actor
from trial.forms.participant import in_words
from trial.lifecycles import NotAllowedNow
from trial.models import Identity, User
from trial.templatetags.handvat import day
from trial.views.posted import posted_from, refuses_reused_keys, request_key

GROUP_NAMES = {
    "log": gettext_lazy("Started, not logged"),
    "overdue": gettext_lazy("Overdue"),
    "today": gettext_lazy("Today"),
    "week": gettext_lazy("In the next 7 days"),
    "later": gettext_lazy("Later"),
    "finished": gettext_lazy("All calls over"),
}
SHOWN_FOR = timedelta(minutes=2)  # a double click gets the number; a page sent again later has to be asked for anew


@dataclass(frozen=True)
class Details:
    """What a coach needs to call somebody; on the answer to "Show number" only."""

    first_name: str
    phone: str
    language: str
    call_times: list[str]


@require_GET
def caseload(request: HttpRequest) -> HttpResponse:
    found = reads.rows(_user(request), timezone.now())
    return render(request, "coach/caseload.html", _desk(request, found))


@require_GET
def person(request: HttpRequest, code: str) -> HttpResponse:
    return _person_page(request, code, timezone.now())


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def number(request: HttpRequest, code: str) -> HttpResponse:
    """Shows name and number on the answer to a POST, which is recorded.

    Asked for in the middle of a call, the answer is the form of that call with everything that was typed.
    """
    plan = _find(request, code)
    if request.method == "GET":
        return redirect("coach:person", code)
    at, by = timezone.now(), _actor(request, plan)
    key = request.POST.get("number_key", "")[:40] or request_key(request)
    shown_at = reads.number_shown_at(by, key) if key else None
    if shown_at and at - shown_at > SHOWN_FOR:
        messages.info(request, _("The number is shown once. Press “Show number” to see it again."))
        return redirect("coach:person", code)
    calls.show_number(participant=plan.participant, coach=_user(request), key=key, by=by, at=at)
    details = _details(calls.details(plan.participant))
    begun = Attempt.objects.filter(contact__plan=plan, pk=_whole_number(request.POST.get("attempt"))).first()
    if begun is None:
        return _person_page(request, code, at, details=details)
    form = LogCall(initial=_typed(request), **_call_arguments(plan, begun, at))
    return _call_page(request, plan, begun, form, at, details=details)


@posted_from("coach:person", "code")
@refuses_reused_keys
def start(request: HttpRequest, code: str, number: int) -> HttpResponse:
    plan = _find(request, code)
    contact = get_object_or_404(Contact, plan=plan, number=number)
    try:
        begun = calls.start(
            contact=contact, coach=_user(request), key=request_key(request), by=_actor(request, plan), at=timezone.now()
        )
    except calls.ContactOver:
        messages.error(request, _("Call %(number)s is over already.") % {"number": number})
        return redirect("coach:person", code)
    return redirect("coach:attempt", code, begun.pk)


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def attempt(request: HttpRequest, code: str, attempt: int) -> HttpResponse:
    """The call itself: checklist, escalation and the log."""
    plan = _find(request, code, also_ended=True)
    begun = get_object_or_404(Attempt.objects.select_related("contact"), pk=attempt, contact__plan=plan)
    at = timezone.now()
    form = LogCall(request.POST or None, **_call_arguments(plan, begun, at))
    if request.method == "POST" and form.is_valid():
        return _log(request, plan, begun, form, at)
    if begun.logged_at and request.method == "POST":
        return _logged_before(request, plan, begun, at)
    if begun.logged_at:
        messages.info(request, _("This call is logged."))
        return redirect("coach:person", code)
    return _call_page(request, plan, begun, form, at)


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def correct(request: HttpRequest, code: str, attempt: int) -> HttpResponse:
    """A log that is wrong, or to which something is to be added."""
    plan = _find(request, code, also_ended=True)
    begun = get_object_or_404(Attempt.objects.select_related("contact__plan__participant"), pk=attempt)
    if begun.contact.plan_id != plan.pk:
        raise Http404
    calls.check_own(_user(request), begun)
    if not begun.logged_at:
        return redirect("coach:attempt", code, begun.pk)
    at = timezone.now()
    form = CorrectCall(request.POST or None, initial=_stored(begun), **_call_arguments(plan, begun, at))
    if request.method == "POST" and form.is_valid():
        return _correct(request, plan, begun, form, at)
    return _correction_page(request, plan, begun, form, at)


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def give_up(request: HttpRequest, code: str, number: int) -> HttpResponse:
    plan = _find(request, code)
    contact = get_object_or_404(Contact, plan=plan, number=number)
    if Attempt.objects.filter(contact=contact, logged_at__isnull=True).exists():
        messages.error(request, _("This call was started: log it first."))
        return redirect("coach:person", code)
    form = GiveUp(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _give_up(request, plan, contact, form.cleaned_data["reason"])
    return render(request, "coach/give_up.html", {"form": form, "code": code, "contact": contact})


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def reassign(request: HttpRequest, code: str) -> HttpResponse:
    """Another coach, by a supervisor; the history stays."""
    plan = _find(request, code)
    role = permissions.check_may(_user(request), plan.study, "supervise")
    form = Reassign(request.POST or None, coaches=reads.coaches(plan.study))
    if request.method == "POST" and form.is_valid():
        try:
            plans.reassign(
                plan=plan,
                **form.cleaned_data,
                key=request_key(request),
                by=actors.staff(_user(request).pk, role),
                at=timezone.now(),
            )
        except plans.SameCoach:
            form.add_error("coach", _("This is the coach they have now: choose another"))
        else:
            messages.success(request, _("%(code)s has another coach.") % {"code": code})
            return redirect("coach:person", code)
    history = [(each, dict(REASONS).get(each.reason, each.reason)) for each in reads.history(plan)]
    return render(request, "coach/reassign.html", {"form": form, "code": code, "plan": plan, "history": history})


def _find(request: HttpRequest, code: str, *, also_ended: bool = False) -> CoachingPlan:
    """The plan of somebody in this caseload; anybody else's does not exist."""
    plan = reads.find(_user(request), code, also_ended=also_ended)
    if plan is None:
        raise Http404
    return plan


def _user(request: HttpRequest) -> User:
    """Whoever came through the door of this room is signed in."""
    return cast(User, request.user)


def _actor(request: HttpRequest, plan: CoachingPlan) -> Actor:
    return actors.staff(_user(request).pk, permissions.check_may(_user(request), plan.study, "coach"))


def _whole_number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0


def _desk(request: HttpRequest, found: Sequence[Row]) -> dict[str, Any]:
    """The list that stands beside everything: filtered by coach, in groups of what is due."""
    wanted = request.GET.get("coach", "")
    shown = reads.of_coach(found, wanted)
    return {
        "groups": [(name, GROUP_NAMES[name], list(group)) for name, group in groupby(shown, key=lambda row: row.group)],
        "following": next((row for row in shown if row.group != "finished"), None),
        "coaches": reads.coach_filter(found),
        "wanted": wanted,
        "several_studies": len({row.plan.study_id for row in found}) > 1,
        "total": len(shown),
    }


def _person_page(request: HttpRequest, code: str, at: datetime, details: Details | None = None) -> HttpResponse:
    found = reads.rows(_user(request), at)
    shown = next((row for row in found if row.participant.code == code), None)
    if shown is None:
        raise Http404
    return render(request, "coach/person.html", {**_desk(request, found), **_person(shown, at), "details": details})


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
        "begun": next((each for call in listed for each in call.tries if not each.attempt.logged_at), None),
        "outcomes": dict(OUTCOMES),
        "reasons_corrected": dict(REASONS_CORRECTED),
        "supervises": shown.plan.supervised,
        "place": shown.place(at),
        "at": at,
    }


def _call_arguments(plan: CoachingPlan, begun: Attempt, at: datetime) -> dict[str, Any]:
    return {
        "protocol": protocol(plan.participant.version, begun.protocol),
        "timezone": plan.participant.timezone,
        "at": at,
        "has_later": reads.has_later(begun.contact),
    }


def _call_page(
    request: HttpRequest,
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
        "emergency_numbers": [each for line in described.crisis_lines for each in line.numbers if len(each) == 3],
        "form": form,
        "details": details,
        "number_key": uuid4(),
        "place": begun.contact.place(begun.started_at, plan.participant.timezone),
        "at": at,
    }
    return render(request, "coach/call.html", context)


def _log(request: HttpRequest, plan: CoachingPlan, begun: Attempt, form: LogCall, at: datetime) -> HttpResponse:
    given = form.cleaned_data
    code = plan.participant.code
    try:
        calls.log(
            attempt=begun,
            outcome=given["outcome"],
            minutes=given["minutes"],
            steps_done=given["steps_done"],
            deviations=given.get("deviations", []),
            note=given["note"],
            next_at=given["next_at"],
            key=request_key(request),
            by=_actor(request, plan),
            at=at,
        )
    except calls.NotStarted:
        return _logged_before(request, plan, Attempt.objects.select_related("contact").get(pk=begun.pk), at)
    except NotAllowedNow:
        form.add_error(None, _("This person has left the study, or somebody gave this call up. Tell your supervisor."))
        return _call_page(request, plan, begun, form, at)
    said = _("Logged call %(number)s of %(code)s: %(outcome)s.")
    outcome = dict(OUTCOMES)[given["outcome"]]
    messages.success(request, said % {"number": begun.contact.number, "code": code, "outcome": outcome})
    if given["next_at"]:
        _say_where(request, plan, given["next_at"])
    return redirect("coach:caseload")


def _say_where(request: HttpRequest, plan: CoachingPlan, next_at: datetime) -> None:
    """An appointment outside the days of its call is kept, and said to be one."""
    found = Contact.objects.filter(plan=plan, state="planned", appointment_at=next_at).first()
    if found and found.place(next_at, plan.participant.timezone) != "within":
        said = _("The appointment lies outside the days of call %(number)s (%(first)s to %(last)s).")
        days = {"first": day(found.opens_on), "last": day(found.closes_on)}
        messages.warning(request, said % {"number": found.number, **days})


def _logged_before(request: HttpRequest, plan: CoachingPlan, begun: Attempt, at: datetime) -> HttpResponse:
    """Nothing that was typed is lost: it stands in the form that corrects, beside what was logged."""
    may_correct = begun.coach_id == request.user.pk or permissions.may(_user(request), plan.study, "supervise")
    stored, typed = _stored(begun), _typed(request)
    notes = dict.fromkeys(note for note in (stored["note"], typed.get("note", "").strip()) if note)
    initial = {**typed, "note": "\n\n".join(notes), "reason": "logged_twice"}
    form = CorrectCall(initial=initial, **_call_arguments(plan, begun, at))
    return _correction_page(request, plan, begun, form, at, typed_late=True, may_correct=may_correct, status=409)


def _stored(begun: Attempt) -> dict[str, Any]:
    """What a log says now, as its form holds it."""
    return {
        "outcome": begun.outcome,
        "minutes": begun.minutes,
        "steps_done": begun.steps_done,
        "deviations": begun.deviations,
        "note": begun.contact.plan.participant.unsealed(begun.note_sealed),
    }


def _correction_page(
    request: HttpRequest,
    plan: CoachingPlan,
    begun: Attempt,
    form: CorrectCall,
    at: datetime,
    *,
    typed_late: bool = False,
    may_correct: bool = True,
    status: int = 200,
) -> HttpResponse:
    context = {
        "plan": plan,
        "attempt": begun,
        "protocol": protocol(plan.participant.version, begun.protocol),
        "now": reads.tried(plan.participant, begun),
        "form": form,
        "typed_late": typed_late,
        "may_correct": may_correct,
        "at": at,
    }
    return render(request, "coach/correct.html", context, status=status)


def _correct(request: HttpRequest, plan: CoachingPlan, begun: Attempt, form: CorrectCall, at: datetime) -> HttpResponse:
    given, code = form.cleaned_data, plan.participant.code
    try:
        calls.correct(
            attempt=begun,
            coach=_user(request),
            **{name: given.get(name, []) for name in CORRECTED},
            key=request_key(request),
            by=_actor(request, plan),
            at=at,
        )
    except calls.NothingCorrected:
        form.add_error(None, _("This says what stands there already: change something, or go back."))
    except NotAllowedNow:
        form.add_error(None, _("The study is locked: its data cannot change any more."))
    else:
        if given["next_at"]:
            _say_where(request, plan, given["next_at"])
        messages.success(
            request, _("Corrected call %(number)s of %(code)s.") % {"number": begun.contact.number, "code": code}
        )
        return redirect("coach:person", code) if plan.ended_at is None else redirect("coach:caseload")
    return _correction_page(request, plan, begun, form, at)


def _give_up(request: HttpRequest, plan: CoachingPlan, contact: Contact, reason: str) -> HttpResponse:
    code, by = plan.participant.code, _actor(request, plan)
    try:
        calls.give_up(contact=contact, reason=reason, key=request_key(request), by=by, at=timezone.now())
    except NotAllowedNow:
        messages.error(request, _("Call %(number)s is over already.") % {"number": contact.number})
        return redirect("coach:person", code)
    said = _("Call %(number)s of %(code)s is given up: %(reason)s.")
    messages.success(request, said % {"number": contact.number, "code": code, "reason": dict(REASONS_NOT_HELD)[reason]})
    return redirect("coach:caseload")


def _details(identity: Identity | None) -> Details | None:
    """Empty fields where the contact details are gone."""
    if identity is None:
        return Details("", "", "", [])
    times = json.loads(identity.call_times or "[]")
    first_name = identity.name.split()[0] if identity.name.split() else ""
    return Details(first_name, identity.phone, identity.participant.language, [in_words(each) for each in times])


def _typed(request: HttpRequest) -> dict[str, Any]:
    """What stands in the form of a call that is not being sent yet."""
    several = {"steps_done", "deviations"}
    return {name: request.POST.getlist(name) if name in several else request.POST[name] for name in request.POST}
