"""Breaking the code of one person, and what a second person says about that and about other things
that take two.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from randomisation import forms, permissions
from randomisation.actions import code_breaks as actions
from randomisation.actions import proposals
from randomisation.models import CodeBreak
from randomisation.queries.proposals import person_of
from randomisation.views.research.finding import (
    REFUSALS,
    allocation_of,
    attempted,
    note_of,
    proposal_of,
    refusal,
    shown,
)
from trial import vault
from trial.actions import journey
from trial.forms.staff import Decide
from trial.models import Participant, Proposal, Study
from trial.queries import staff
from trial.requests import PageRequest
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, study_for


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def break_code(request: PageRequest, slug: str, code: str, point: str) -> HttpResponse:
    """Ask a second person, as it usually goes."""
    study, actor = study_for(request, slug, "break_code")
    allocation = allocation_of(request, study, code, point)
    form, refused = forms.BreakCode(request.POST or None), 0
    if request.method == "POST" and form.is_valid():
        done, refused = attempted(
            form,
            lambda: proposals.propose_code_break(
                allocation=allocation,
                **form.cleaned_data,
                key=key(request),
                by=actor,
                at=timezone.now(),
            ),
        )
        if done:
            messages.success(
                request, _("Asked. The arm is shown to you when a second person agrees.")
            )
            return redirect("research:exceptions", slug, code)
    return shown(
        request,
        "research/code_break.html",
        form,
        refused,
        person=allocation.participant,
        point=point,
    )


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def break_at_once(request: PageRequest, slug: str, code: str, point: str) -> HttpResponse:
    """In an emergency: the arm on this answer alone, and everybody else is told."""
    study, actor = study_for(request, slug, "break_code")
    allocation = allocation_of(request, study, code, point)
    form, refused = forms.BreakCode(request.POST or None), 0
    if request.method == "POST" and form.is_valid():
        revealed, refused = attempted(
            form,
            lambda: actions.break_at_once(
                allocation=allocation,
                **form.cleaned_data,
                key=key(request),
                by=actor,
                at=timezone.now(),
            ),
        )
        if revealed:
            return _answer(request, allocation.participant, revealed)
    return shown(
        request,
        "research/emergency.html",
        form,
        refused,
        person=allocation.participant,
        point=point,
    )


@posted_from("research:decide", "slug", "number")
@conflict_if_reused
def show(request: PageRequest, slug: str, number: int) -> HttpResponse:
    """The arm, to whoever asked, once; on this answer alone."""
    study, actor = study_for(request, slug, "break_code")
    proposal = proposal_of(request, study, number)
    try:
        revealed = actions.show(proposal=proposal, key=key(request), by=actor, at=timezone.now())
    except REFUSALS as error:
        messages.error(request, refusal(error))
        return redirect("research:decide", slug, number)
    return _answer(request, person_of(proposal), revealed)


def _answer(request: PageRequest, person: Participant, revealed: actions.Revealed) -> HttpResponse:
    return render(request, "research/code_broken.html", {"person": person, "revealed": revealed})


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def decide(request: PageRequest, slug: str, number: int) -> HttpResponse:
    """What was asked, by whom and why; the second person's yes or no, or the button by which
    whoever asked is shown it.
    """
    study, _actor = study_for(request, slug, "exceptions")
    proposal = proposal_of(request, study, number)
    form, refused = Decide(request.POST or None), 0
    if request.method == "POST":
        study, actor = study_for(
            request, slug, permissions.to_decide(proposal, f"staff {request.user.pk}")
        )
        if form.is_valid():
            at = timezone.now()
            done, refused = attempted(
                form,
                lambda: proposals.decide(
                    proposal=proposal, **form.cleaned_data, key=key(request), by=actor, at=at
                ),
            )
            if done:
                if proposal.kind == "forced":
                    journey.advance(person_of(proposal), at)
                messages.success(request, _("Done, and recorded in the audit trail."))
                return redirect("research:decide", slug, number)
    return shown(request, "research/decide.html", form, refused, **_asked(request, study, proposal))


def _asked(request: PageRequest, study: Study, proposal: Proposal) -> dict[str, Any]:
    me = f"staff {request.user.pk}"
    may = request.may
    may_agree = permissions.AGREES[proposal.kind] in may
    decision = getattr(proposal, "decision", None)
    broken = CodeBreak.objects.filter(proposal=proposal).first()
    knows = (
        "agree_force" in may and proposal.content_sealed
    )  # whoever decides about an arm knows arms
    arm = study.current.protocol.arm(vault.unseal(proposal.content_sealed)) if knows else None
    return {
        "proposal": proposal,
        "person": person_of(proposal),
        "note": note_of(person_of(proposal), proposal.note_sealed),
        "names": staff.names([proposal.by, decision.by if decision else ""]),
        "decision": decision,
        "arm": arm,
        "may_decide": may_agree and decision is None and proposal.by != me,
        "waits_for_another": decision is None and proposal.by == me,
        "code_break": broken,
        "may_see": bool(
            decision
            and decision.is_agreed
            and proposal.kind == "code_break"
            and proposal.by == me
            and not broken
        ),
    }


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def impact(request: PageRequest, slug: str, number: int) -> HttpResponse:
    """What a code-break means for the blinding, when there is time to write it down."""
    study, actor = study_for(request, slug, "agree_code_break")
    rows = CodeBreak.objects.filter(study=study, pk=number)
    found = rows.select_related(
        "participant__key", "participant__study", "participant__version"
    ).first()
    if found is None:
        raise Http404
    form, refused = forms.Impact(request.POST or None), 0
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]
        done, refused = attempted(
            form,
            lambda: actions.assess(
                code_break=found, text=text, key=key(request), by=actor, at=timezone.now()
            ),
        )
        if done:
            messages.success(request, _("Kept."))
            return redirect("research:impact", slug, number)
    written = [
        (each, note_of(found.participant, each.text_sealed))
        for each in found.impacts.order_by("pk")
    ]
    names = staff.names([found.by, found.agreed_by, *(each.by for each, _text in written)])
    context = {"code_break": found, "person": found.participant, "written": written, "names": names}
    return shown(request, "research/impact.html", form, refused, **context)
