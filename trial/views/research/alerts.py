"""Alerts: the oldest deadline first, taken by somebody, closed with a note of what was done."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from trial import lifecycles, permissions
from trial.actions import alerts as actions
from trial.forms import research as forms
from trial.models import Alert, Study
from trial.queries import alerts, studies
from trial.requests import PageRequest
from trial.templatetags.handvat import when
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, person, study_for

ON_A_PAGE = 50
MOST_CLOSED = 50


@require_GET
def everywhere(request: PageRequest) -> HttpResponse:
    """The open alerts of every study in which this person handles them."""
    roles = studies.roles_by_study(person(request))
    mine = [
        study
        for study, held in roles.items()
        if any("alerts" in permissions.MAY[role] for role in held)
    ]
    page = Paginator(alerts.unclosed(mine), ON_A_PAGE).get_page(request.GET.get("page"))
    newest = studies.newest_versions({each.study_id for each in page})
    rows = alerts.rows(page, timezone.now(), newest)
    context = {"rows": rows, "page": page, "handles_any": bool(mine)}
    return render(request, "research/all_alerts.html", context)


@require_GET
def listed(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "alerts")
    at, version = timezone.now(), {study.pk: study.current}
    page = Paginator(alerts.unclosed([study]), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": alerts.rows(page, at, version),
        "page": page,
        "closed": alerts.rows(alerts.closed([study])[:MOST_CLOSED], at, version),
        "owner": study.current.protocol.contacts.safety,
    }
    return render(request, "research/alerts.html", context)


@require_GET
def alert(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "alerts")
    return _page(request, study, _find(study, number), str(actor))


def _page(
    request: PageRequest, study: Study, found: Alert, me: str, **more: object
) -> HttpResponse:
    request.about = found.participant.code if found.participant else ""
    context = {
        "row": _row(study, found),
        "taken_from": alerts.taken_from(found) if found.taken_by else "",
        "alert": found,
        "number_left_again": alerts.number_left_again(found),
        "is_mine": found.taken_by == me,
        "owner": study.current.protocol.contacts.safety,
        "done": alerts.what_was_done(found),
        "form": forms.CloseAlert(),
        "is_concealed": studies.is_concealed(study),
        **more,
    }
    return render(request, "research/alert.html", context)


def _row(study: Study, found: Alert) -> alerts.Row:
    [row] = alerts.rows([found], timezone.now(), {study.pk: study.current})
    return row


def _whose(study: Study, found: Alert) -> str:
    """Why this person cannot do now what they wanted, for a message: who closed the alert, or who
    has it.
    """
    row = _row(study, found)
    if found.state == "closed":
        said = _("%(name)s closed this alert on %(when)s.")
        name = row.closed_by
        at = found.closed_at
    elif found.state == "taken":
        said = _("%(name)s took this alert over on %(when)s.")
        name = row.taken_by
        at = found.taken_at
    else:
        return _("Nobody has taken this alert over yet.")
    return said % {"name": name, "when": when(at)}


def _refused(
    request: PageRequest, study: Study, number: int, me: str, **more: object
) -> HttpResponse:
    """The page as it is now, with what was typed."""
    found = _find(study, number)
    messages.error(request, _whose(study, found))
    response = _page(request, study, found, me, **more)
    response.status_code = 409
    return response


def _find(study: Study, number: int) -> Alert:
    found = (
        Alert.objects.filter(pk=number, study=study)
        .select_related("study", "participant__key", "participant__study")
        .first()
    )
    if found is None:
        raise Http404
    return found


@posted_from("research:alert", "slug", "number")
@conflict_if_reused
def take(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "alerts")
    found, holder = _find(study, number), request.POST.get("holder", "")
    try:
        actions.take(alert=found, holder=holder, key=key(request), by=actor, at=timezone.now())
    except (actions.TakenMeanwhile, lifecycles.NotAllowedNow):
        return _refused(request, study, number, str(actor))
    messages.success(request, _("You took this alert. Say below what was done, then close it."))
    return redirect("research:alert", slug=slug, number=number)


@posted_from("research:alert", "slug", "number")
@conflict_if_reused
def contact(request: PageRequest, slug: str, number: int) -> HttpResponse:
    """Name and number for whoever took the alert, on the answer alone; each press is recorded."""
    study, actor = study_for(request, slug, "alerts")
    found = _find(study, number)
    try:
        reached = actions.show_contact(alert=found, key=key(request), by=actor, at=timezone.now())
    except actions.NotTaken:
        return _refused(request, study, number, str(actor))
    return _page(request, study, found, str(actor), reached=reached)


@posted_from("research:alert", "slug", "number")
@conflict_if_reused
def close(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "alerts")
    found, form = _find(study, number), forms.CloseAlert(request.POST)
    if not form.is_valid():
        if found.state != "taken" or found.taken_by != str(actor):
            return _refused(request, study, number, str(actor), form=form)
        response = _page(request, study, found, str(actor), form=form)
        response.status_code = 400
        return response
    try:
        actions.close(
            alert=found,
            done=form.cleaned_data["done"],
            key=key(request),
            by=actor,
            at=timezone.now(),
        )
    except (actions.NotTaken, lifecycles.NotAllowedNow):
        return _refused(request, study, number, str(actor), form=form)
    messages.success(request, _("The alert is closed."))
    return redirect("research:alerts", slug=slug)
