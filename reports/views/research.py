"""Reports and exports: what was asked for, asking for another, fetching the files, and removing
them.
"""

from __future__ import annotations

from csp.decorators import csp_replace
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from reports.actions import reports as actions
from reports.forms import AskForExport, AskForReport
from trial import downloads
from trial.actions import jobs as job_actions
from trial.actors import Actor
from trial.lifecycles import NotAllowedNow
from trial.models import Job, Study
from trial.queries import jobs, staff
from trial.requests import PageRequest
from trial.sealed_files import NotWhole
from trial.views.posted import posted_from
from trial.views.research import jobs as job_pages
from trial.views.research.finding import conflict_if_reused, key, study_for

LISTS = {actions.REPORT: "research:reports", actions.EXPORT: "research:exports"}


@require_GET
def report_list(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "report")
    return _report_list(request, study, AskForReport(may_show_arms=_may_show_arms(request, study)))


@posted_from("research:reports", "slug")
@conflict_if_reused
def request_report(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "report")
    form = AskForReport(request.POST, may_show_arms=_may_show_arms(request, study))
    if not form.is_valid():
        return _report_list(request, study, form)
    try:
        asked = actions.request(
            study=study,
            kind=form.cleaned_data["kind"],
            language=form.cleaned_data["language"],
            key=key(request),
            by=actor,
            at=timezone.now(),
        )
    except (actions.ArmsConcealed, actions.NobodyRandomised) as error:
        messages.error(request, _why_not(error))
    else:
        messages.success(request, job_pages.asked_for(asked))
    return redirect("research:reports", slug=slug)


@require_GET
def report(request: PageRequest, slug: str, number: int) -> HttpResponse:
    """What one report was made from, and its files."""
    study, _actor = study_for(request, slug, "report")
    found = _made(request, study, actions.REPORT, number)
    asked_by = staff.names([found.requested_by]).get(found.requested_by, found.requested_by)
    return render(request, "research/report.html", {"report": found, "asked_by": asked_by})


# The page is the file that one can also keep: its style sheet and its pictures are inside it.
@require_GET
@csp_replace({"style-src": ["'unsafe-inline'"], "img-src": ["data:"], "script-src": ["'none'"]})  # type: ignore[arg-type]
def report_on_screen(request: PageRequest, slug: str, number: int) -> HttpResponseBase:
    study, actor = study_for(request, slug, "report")
    found = _made(request, study, actions.REPORT, number)
    return _file(request, found, "report.html", "html", "text/html; charset=utf-8", actor)


@require_GET
def report_pdf(request: PageRequest, slug: str, number: int) -> HttpResponseBase:
    study, actor = study_for(request, slug, "report")
    found = _made(request, study, actions.REPORT, number)
    name = f"{study.slug}-report-{found.pk}.pdf"
    return _file(request, found, "report.pdf", "pdf", "application/pdf", actor, name)


@require_GET
def report_results(request: PageRequest, slug: str, number: int) -> HttpResponseBase:
    study, actor = study_for(request, slug, "report")
    found = _made(request, study, actions.REPORT, number)
    name = f"{study.slug}-results-{found.pk}.json"
    return _file(request, found, "results.json", "results", "application/json", actor, name)


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def remove_report(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "report")
    return _remove(request, study, actions.REPORT, number, actor)


@require_GET
def export_list(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "export")
    return _export_list(request, study, AskForExport(may_show_arms=_may_show_arms(request, study)))


@posted_from("research:exports", "slug")
@conflict_if_reused
def request_export(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "export")
    form = AskForExport(request.POST, may_show_arms=_may_show_arms(request, study))
    if not form.is_valid():
        return _export_list(request, study, form)
    try:
        asked = actions.request_export(
            study=study,
            kind=form.cleaned_data["kind"],
            key=key(request),
            by=actor,
            at=timezone.now(),
        )
    except (actions.ArmsConcealed, actions.NobodyRandomised) as error:
        messages.error(request, _why_not(error))
    else:
        messages.success(request, job_pages.asked_for(asked))
    return redirect("research:exports", slug=slug)


@require_GET
def export(request: PageRequest, slug: str, number: int) -> HttpResponseBase:
    study, actor = study_for(request, slug, "export")
    found = _made(request, study, actions.EXPORT, number)
    name = f"{study.slug}-export-{found.pk}.zip"
    return _file(request, found, "export.zip", "zip", "application/zip", actor, name)


@require_http_methods(["GET", "POST"])
@conflict_if_reused
def remove_export(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "export")
    return _remove(request, study, actions.EXPORT, number, actor)


def _may_show_arms(request: PageRequest, study: Study) -> bool:
    """By arm needs its own permission, except in a rehearsal, where nobody is there to be unblinded
    to.
    """
    return actions.may_show_arms(study) and (study.simulated or "report_by_arm" in request.may)


def _made(request: PageRequest, study: Study, product: str, number: int) -> Job:
    found = _found(request, study, product, number)
    if found.state != Job.MADE:
        raise Http404
    return found


def _found(request: PageRequest, study: Study, product: str, number: int) -> Job:
    try:
        found = jobs.of_study(study, product, number)
    except Job.DoesNotExist:
        raise Http404 from None
    if found.is_by_arm and not _may_show_arms(request, study):
        raise PermissionDenied("by arm")
    return found


def _why_not(error: Exception) -> str:
    if isinstance(error, actions.NobodyRandomised):
        return _("Nobody is randomised yet, so there is nothing to report.")
    return _("By arm is for rehearsals and for studies that are locked. Nothing was made.")


def _report_list(request: PageRequest, study: Study, form: AskForReport) -> HttpResponse:
    by_arm = _may_show_arms(request, study)
    page = job_pages.page_of(request, jobs.asked_for(study, actions.REPORT, by_arm=by_arm))
    return render(
        request, "research/reports.html", {"page": page, "form": form}, status=_status(form)
    )


def _export_list(request: PageRequest, study: Study, form: AskForExport) -> HttpResponse:
    by_arm = _may_show_arms(request, study)
    found = jobs.asked_for(study, actions.EXPORT, by_arm=by_arm).prefetch_related("files")
    page = job_pages.page_of(request, found)
    return render(
        request, "research/exports.html", {"page": page, "form": form}, status=_status(form)
    )


def _status(form: AskForExport) -> int:
    return 400 if form.is_bound else 200


def _remove(
    request: PageRequest, study: Study, product: str, number: int, by: Actor
) -> HttpResponse:
    """Asks first. What is removed already, in another window, is seen in the list."""
    found = _found(request, study, product, number)
    back = LISTS[product]
    if request.method == "GET" and found.state == Job.MADE:
        return render(request, "research/remove.html", {"job": found, "back": back})
    if request.method == "POST":
        try:
            job_actions.remove(job=found, key=key(request), by=by, at=timezone.now())
        except NotAllowedNow:
            messages.error(request, _("There is nothing to remove."))
        else:
            messages.success(request, _("Removed: nobody can fetch it any more."))
    return redirect(back, slug=study.slug)


def _file(
    request: PageRequest,
    found: Job,
    name: str,
    form: str,
    content_type: str,
    by: Actor,
    saved_as: str = "",
) -> HttpResponseBase:
    try:
        return downloads.given(
            found,
            name,
            form=form,
            content_type=content_type,
            saved_as=saved_as,
            by=by,
            at=timezone.now(),
        )
    except NotWhole:
        messages.error(request, _("This file is missing or damaged. Ask for it again."))
        return redirect(LISTS[found.product], slug=found.study.slug)
