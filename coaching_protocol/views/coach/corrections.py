"""The log of a call put right, or added to."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coaching_protocol.actions import calls
from coaching_protocol.forms.calls import CORRECTED, CorrectCall, LogCall
from coaching_protocol.models import Attempt, CoachingPlan
from coaching_protocol.queries import caseload as reads
from coaching_protocol.queries.plans import protocol
from coaching_protocol.views.coach.finding import actor, find, user
from coaching_protocol.views.coach.logs import form_arguments, say_where, stored, typed
from coaching_protocol.words import OUTCOMES
from trial import permissions
from trial.lifecycles import NotAllowedNow
from trial.queries import drafts
from trial.requests import PageRequest
from trial.views.posted import refuses_reused_keys, request_key

TYPED = ("minutes", "note", "next_on", "next_time")


@require_http_methods(["GET", "POST"])
@refuses_reused_keys
def correct(request: PageRequest, code: str, attempt: int) -> HttpResponse:
    """A log that is wrong, or to which something is to be added."""
    plan = find(request, code, also_ended=True)
    begun = get_object_or_404(
        Attempt.objects.select_related("contact__plan__participant"), pk=attempt
    )
    if begun.contact.plan_id != plan.pk:
        raise Http404
    calls.check_own(user(request), begun)
    if not begun.logged_at:
        return redirect("coach:attempt", code, begun.pk)
    at = timezone.now()
    form = CorrectCall(
        request.POST or None, initial=stored(begun), **form_arguments(plan, begun, at)
    )
    if request.method == "POST" and form.is_valid():
        return _correct(request, plan, begun, form, at)
    return _correction_page(request, plan, begun, form, at)


def logged_before(
    request: PageRequest, plan: CoachingPlan, begun: Attempt, at: datetime
) -> HttpResponse:
    """Nothing that was typed is lost: it stands in the form that corrects, beside what was
    logged.
    """
    may_correct = begun.coach_id == request.user.pk or permissions.may(
        user(request), plan.study, "supervise"
    )
    was, sent = stored(begun), typed(request)
    notes = dict.fromkeys(note for note in (was["note"], sent.get("note", "").strip()) if note)
    initial = {**sent, "note": "\n\n".join(notes), "reason": "logged_twice"}
    form = CorrectCall(initial=initial, **form_arguments(plan, begun, at))
    return _correction_page(
        request, plan, begun, form, at, typed_late=True, may_correct=may_correct, status=409
    )


def taken_back_before(request: PageRequest, plan: CoachingPlan, attempt: int) -> HttpResponse:
    """The call is no more: what was typed about it since is shown, whether it comes now or was kept
    as a draft.
    """
    draft = drafts.find(user(request), reads.log_form(plan.participant.code, attempt))
    sent = typed(request)
    if draft and not sent:
        sent = {
            name: field["value"][0]
            for name, field in drafts.read(draft).fields.items()
            if field["value"]
        }
    if not sent:
        messages.info(request, _("This call was taken back."))
        return redirect("coach:person", plan.participant.code)
    words = {
        "outcome": OUTCOMES.get(sent.get("outcome", "")),
        **{name: sent.get(name) for name in TYPED},
    }
    rows = [(LogCall.base_fields[name].label, said) for name, said in words.items() if said]
    return render(request, "coach/taken_back.html", {"plan": plan, "rows": rows}, status=409)


def _correction_page(
    request: PageRequest,
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


def _correct(
    request: PageRequest, plan: CoachingPlan, begun: Attempt, form: CorrectCall, at: datetime
) -> HttpResponse:
    given, code = form.cleaned_data, plan.participant.code
    try:
        calls.correct(
            attempt=begun,
            coach=user(request),
            **{name: given.get(name, []) for name in CORRECTED},
            key=request_key(request),
            by=actor(request, plan),
            at=at,
        )
    except calls.NothingCorrected:
        form.add_error(
            None, _("This says what stands there already: change something, or go back.")
        )
    except NotAllowedNow:
        form.add_error(None, _("The study is locked: its data cannot change any more."))
    else:
        if given["next_at"]:
            say_where(request, plan, given["next_at"])
        messages.success(
            request,
            _("Corrected call %(number)s of %(code)s.")
            % {"number": begun.contact.number, "code": code},
        )
        return (
            redirect("coach:person", code) if plan.ended_at is None else redirect("coach:caseload")
        )
    return _correction_page(request, plan, begun, form, at)
