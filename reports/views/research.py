"""Reports and exports: what was made, asking for another, and fetching the files."""

from __future__ import annotations

from csp.decorators import csp_replace
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from reports.actions import reports as actions
from reports.forms import AskForExport, AskForReport
from reports.models import Report
from reports.queries import made
from trial.actions import looks
from trial.actors import Actor
from trial.models import Study
from trial.queries import staff
from trial.requests import PageRequest
from trial.views.posted import posted_from
from trial.views.research.finding import conflict_if_reused, key, study_for

LISTED = 50


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
        actions.request(
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
        messages.success(
            request, _("Asked for. The worker makes it in about half a minute; look again then.")
        )
    return redirect("research:reports", slug=slug)


@require_GET
def report(request: PageRequest, slug: str, number: int) -> HttpResponse:
    """What one report was made from, and its files."""
    study, _actor = study_for(request, slug, "report")
    found = _made(request, study, Report.REPORT, number)
    asked_by = staff.names([found.requested_by]).get(found.requested_by, found.requested_by)
    return render(request, "research/report.html", {"report": found, "asked_by": asked_by})


# The page is the file that one can also keep: its style sheet and its pictures are inside it.
@require_GET
@csp_replace({"style-src": ["'unsafe-inline'"], "img-src": ["data:"], "script-src": ["'none'"]})  # type: ignore[arg-type]
def report_on_screen(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "report")
    found = _made(request, study, Report.REPORT, number)
    _taken(found, "html", actor)
    return HttpResponse(bytes(found.html or b""))


@require_GET
def report_pdf(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "report")
    found = _made(request, study, Report.REPORT, number)
    _taken(found, "pdf", actor)
    return _file(found.pdf, f"{study.slug}-report-{found.pk}.pdf", "application/pdf")


@require_GET
def report_results(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "report")
    found = _made(request, study, Report.REPORT, number)
    _taken(found, "results", actor)
    return _file(found.results, f"{study.slug}-results-{found.pk}.json", "application/json")


@require_GET
def export_list(request: PageRequest, slug: str) -> HttpResponse:
    study, _actor = study_for(request, slug, "export")
    return _export_list(request, study, AskForExport(may_show_arms=_may_show_arms(request, study)))


@posted_from("research:exports", "slug")
@conflict_if_reused
def make_export(request: PageRequest, slug: str) -> HttpResponse:
    study, actor = study_for(request, slug, "export")
    form = AskForExport(request.POST, may_show_arms=_may_show_arms(request, study))
    if not form.is_valid():
        return _export_list(request, study, form)
    try:
        actions.export(
            study=study,
            kind=form.cleaned_data["kind"],
            key=key(request),
            by=actor,
            at=timezone.now(),
        )
    except (actions.ArmsConcealed, actions.NobodyRandomised) as error:
        messages.error(request, _why_not(error))
    else:
        messages.success(request, _("The export is made and stands first in the list."))
    return redirect("research:exports", slug=slug)


@require_GET
def export(request: PageRequest, slug: str, number: int) -> HttpResponse:
    study, actor = study_for(request, slug, "export")
    found = _made(request, study, Report.EXPORT, number)
    _taken(found, "zip", actor)
    return _file(found.archive, f"{study.slug}-export-{found.pk}.zip", "application/zip")


def _may_show_arms(request: PageRequest, study: Study) -> bool:
    """By arm needs its own permission, except in a rehearsal, where nobody is there to be unblinded
    to.
    """
    return actions.may_show_arms(study) and (study.simulated or "report_by_arm" in request.may)


def _made(request: PageRequest, study: Study, product: str, number: int) -> Report:
    try:
        found = made.made(study, product, number)
    except Report.DoesNotExist:
        raise Http404 from None
    if found.is_by_arm and not _may_show_arms(request, study):
        raise PermissionDenied("by arm")
    return found


def _why_not(error: Exception) -> str:
    if isinstance(error, actions.NobodyRandomised):
        return _("Nobody is randomised yet, so there is nothing to report.")
    return _("By arm is for rehearsals and for studies that are locked. Nothing was made.")


def _report_list(request: PageRequest, study: Study, form: AskForReport) -> HttpResponse:
    found = made.reports(study, by_arm=_may_show_arms(request, study))[:LISTED]
    return render(
        request, "research/reports.html", {"reports": found, "form": form}, status=_status(form)
    )


def _export_list(request: PageRequest, study: Study, form: AskForExport) -> HttpResponse:
    found = made.exports(study, by_arm=_may_show_arms(request, study))[:LISTED]
    return render(
        request, "research/exports.html", {"exports": found, "form": form}, status=_status(form)
    )


def _status(form: AskForExport) -> int:
    return 400 if form.is_bound else 200


def _taken(found: Report, kind: str, by: Actor) -> None:
    looks.downloaded(
        study=found.study,
        product=found.product,
        number=found.pk,
        kind=kind,
        by=by,
        at=timezone.now(),
    )


def _file(content: bytes | memoryview | None, name: str, kind: str) -> HttpResponse:
    return HttpResponse(
        bytes(content or b""),
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
