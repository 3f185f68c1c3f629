"""One person's exceptions: what was put right, marked or recorded, and the pages that do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from randomisation import forms
from randomisation.actions import exceptions as actions
from randomisation.actions import matches, proposals
from randomisation.models import Allocation
from randomisation.permissions import sees_point
from randomisation.queries import exceptions as reads
from randomisation.queries import matches as earlier_people
from randomisation.queries import overview
from randomisation.views.research.finding import allocation_of, attempted, person_of, shown
from trial.actors import Actor
from trial.models import Participant
from trial.requests import PageRequest
from trial.views.research.finding import conflict_if_reused, key, study_for

Do = Callable[..., Any]


@require_GET
def person(request: PageRequest, slug: str, code: str) -> HttpResponse:
    study, actor = study_for(request, slug, "exceptions")
    participant = person_of(study, code)
    context = {
        "person": participant,
        "found": overview.one_person(
            participant, lambda point: sees_point(study, point, request.may)
        ),
        "earlier": earlier_people.earlier(participant)
        if participant.state == "consented"
        else None,
        "may_force": "force" in request.may and participant.state == "consented",
        "me": str(actor),
    }
    return render(request, "research/exceptions.html", context)


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def correct(request: PageRequest, slug: str, code: str, point: str) -> HttpResponse:
    study, actor = study_for(request, slug, "correct")
    allocation = allocation_of(request, study, code, point)
    version = allocation.participant.version
    allowed = reads.allowed_values(version, allocation.covariates)
    questions = {factor: version.protocol.question(factor) for factor in allowed}
    form = forms.Correct(
        request.POST or None,
        allowed=allowed,
        standing=reads.standing(allocation),
        labels={factor: question.text for factor, question in questions.items() if question},
    )
    said = _("The right value stands beside the allocation, which stays as it is.")
    return _one(
        request, form, allocation, "research/correct.html", said, lambda why: actions.correct(
            allocation=allocation, values=form.values, **why, **_who(request, actor)
        )
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def mark(request: PageRequest, slug: str, code: str, point: str) -> HttpResponse:
    """Ask that an allocation be marked as made in error."""
    study, actor = study_for(request, slug, "correct")
    allocation = allocation_of(request, study, code, point)
    form = forms.Mark(request.POST or None)
    said = _("Asked. The mark is made when a second person agrees.")
    return _one(
        request, form, allocation, "research/mark.html", said,
        lambda why: proposals.propose_mark(allocation=allocation, **why, **_who(request, actor)),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def ineligible(request: PageRequest, slug: str, code: str, point: str) -> HttpResponse:
    study, actor = study_for(request, slug, "correct")
    allocation = allocation_of(request, study, code, point)
    form = forms.Ineligible(request.POST or None)
    said = _("Recorded. This person stays in the study and is followed up.")
    return _one(
        request, form, allocation, "research/ineligible.html", said,
        lambda why: actions.mark_ineligible(allocation=allocation, **why, **_who(request, actor)),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def received(request: PageRequest, slug: str, code: str, point: str) -> HttpResponse:
    study, actor = study_for(request, slug, "received")
    allocation = allocation_of(request, study, code, point)
    form = forms.Received(request.POST or None, arms=_arms(allocation.participant))
    said = _(
        "Recorded and sealed: it is told by arm once the study is locked. The allocation stays."
    )
    return _one(
        request, form, allocation, "research/received.html", said,
        lambda why: actions.record_received(
            allocation=allocation,
            received=form.cleaned_data["received"],
            **why,
            **_who(request, actor),
        ),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def force(request: PageRequest, slug: str, code: str) -> HttpResponse:
    study, actor = study_for(request, slug, "force")
    participant = person_of(study, code)
    form, refused = forms.Force(request.POST or None, arms=_arms(participant)), 0
    if request.method == "POST" and form.is_valid():
        done, refused = attempted(
            form,
            lambda: proposals.propose_forced(
                participant=participant,
                arm=form.cleaned_data["arm"],
                **_why(form),
                **_who(request, actor),
            ),
        )
        if done:
            messages.success(request, _("Asked. The arm is given when a second person agrees."))
            return redirect("research:exceptions", slug, code)
    return shown(request, "research/force.html", form, refused, person=participant)


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def settle(request: PageRequest, slug: str, code: str) -> HttpResponse:
    """Somebody has the phone number of an earlier person: who is it?"""
    study, actor = study_for(request, slug, "exceptions")
    participant = person_of(study, code)
    form, refused = forms.Settle(request.POST or None), 0
    if request.method == "POST" and form.is_valid():
        verdict = form.cleaned_data["verdict"]
        done, refused = attempted(
            form,
            lambda: matches.settle(
                participant=participant, verdict=verdict, **_who(request, actor)
            ),
        )
        if done:
            messages.success(request, _settled(verdict))
            return redirect("research:exceptions", slug, code)
    earlier = earlier_people.earlier(participant)
    return shown(
        request, "research/settle.html", form, refused, person=participant, earlier=earlier
    )


def _settled(verdict: str) -> str:
    if verdict == "household":
        return _("They go on. The worker allocates them in a moment.")
    return _("This account has left the study, and is kept.")


def _one(
    request: PageRequest, form: Form, allocation: Allocation, template: str, said: str, do: Do
) -> HttpResponse:
    """A page about one allocation: the form, the action, and back to the person."""
    refused = 0
    participant = allocation.participant
    if request.method == "POST" and form.is_valid():
        done, refused = attempted(form, lambda: do(_why(form)))
        if done:
            messages.success(request, said)
            return redirect("research:exceptions", participant.study.slug, participant.code)
    return shown(request, template, form, refused, person=participant, point=allocation.point)


def _why(form: Form) -> dict[str, str]:
    return {"reason": form.cleaned_data["reason"], "note": form.cleaned_data["note"]}


def _who(request: PageRequest, actor: Actor) -> dict[str, Any]:
    return {"key": key(request), "by": actor, "at": timezone.now()}


def _arms(participant: Participant) -> list[tuple[str, Any]]:
    return [(arm.code, arm.name) for arm in participant.version.protocol.arms]
