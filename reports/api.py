"""Reports and exports: what was asked for, asking for another, fetching the files, and removing
them.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from reports.actions import reports as actions
from trial import downloads, permissions
from trial.actions import jobs as job_actions
from trial.api import described, doors, shapes
from trial.models import Job, Study
from trial.queries import jobs
from trial.requests import Request

# By the name of a file: how it is saved, what it is, and how the trail calls it.
FILES = {
    "report.html": ("report-{}.html", "text/html", "html"),
    "report.pdf": ("report-{}.pdf", "application/pdf", "pdf"),
    "results.json": ("results-{}.json", "application/json", "results"),
    "export.zip": ("export-{}.zip", "application/zip", "zip"),
}


class ExportShape(shapes.JobShape):
    size = serializers.SerializerMethodField(help_text="Bytes of the .zip; empty until it is made.")

    def get_size(self, job: Job) -> int | None:
        return next((file.size for file in job.files.all()), None)


class ExportPage(shapes.Page):
    results = ExportShape(many=True)


class AskExport(serializers.Serializer):
    kind = serializers.ChoiceField(choices=[Job.BLINDED, Job.BY_ARM], default=Job.BLINDED)


class AskReport(AskExport):
    language = serializers.CharField(default="en")


class ReportsView(APIView):
    @described.reads(
        "reports", "Reports that were asked for, newest first", shapes.JobPage, described.PAGE
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "report")
        return Response(shapes.JobPage(_page(request, study, actions.REPORT)).data)

    @described.writes(
        "report_request",
        "Ask for a report; the worker makes it",
        AskReport,
        shapes.JobShape,
        status=202,
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "report")
        wanted = _wanted(AskReport, request, study)
        asked = actions.request(
            study=study, **wanted, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(shapes.JobShape(asked).data, status=202)


class ReportView(APIView):
    @described.reads("report", "One report: whether it is made, and its files", shapes.JobShape)
    def get(self, request: Request, slug: str, number: int) -> Response:
        study, _by = doors.study_for(request, slug, "report")
        return Response(shapes.JobShape(_found(request, study, actions.REPORT, number)).data)

    @described.writes("report_remove", "Remove the files of a report, for good", None, None)
    def delete(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "report")
        found = _found(request, study, actions.REPORT, number)
        job_actions.remove(job=found, key=doors.key(request), by=by, at=timezone.now())
        return Response(status=204)


class ExportsView(APIView):
    @described.reads(
        "exports", "Exports that were asked for, newest first", ExportPage, described.PAGE
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "export")
        return Response(ExportPage(_page(request, study, actions.EXPORT)).data)

    @described.writes(
        "export_request",
        "Ask for an export; the worker makes it",
        AskExport,
        ExportShape,
        status=202,
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "export")
        wanted = _wanted(AskExport, request, study)
        asked = actions.request_export(
            study=study, **wanted, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(ExportShape(asked).data, status=202)


class ExportView(APIView):
    @described.reads("export", "One export: whether it is made, and its file", ExportShape)
    def get(self, request: Request, slug: str, number: int) -> Response:
        study, _by = doors.study_for(request, slug, "export")
        return Response(ExportShape(_found(request, study, actions.EXPORT, number)).data)

    @described.writes("export_remove", "Remove the file of an export, for good", None, None)
    def delete(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "export")
        found = _found(request, study, actions.EXPORT, number)
        job_actions.remove(job=found, key=doors.key(request), by=by, at=timezone.now())
        return Response(status=204)


class FileView(APIView):
    """One file of a report or an export. Subclasses name the permission, the product and the
    file.
    """

    http_method_names = ["get", "options"]  # HEAD would say that it was taken
    content_negotiation_class = doors.AnyFile
    what, product, name = "report", actions.REPORT, ""

    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        study, by = doors.study_for(request, slug, self.what)
        found = _found(request, study, self.product, number)
        if found.state != Job.MADE:
            raise Http404
        saved_as, content_type, form = FILES[self.name]
        return downloads.given(
            found,
            self.name,
            form=form,
            content_type=content_type,
            saved_as=f"{study.slug}-{saved_as.format(found.pk)}",
            by=by,
            at=timezone.now(),
        )


class PdfView(FileView):
    name = "report.pdf"

    @described.reads_file("report_pdf", "The report as PDF", FILES["report.pdf"][1])
    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        return super().get(request, slug, number)


class HtmlView(FileView):
    name = "report.html"

    @described.reads_file(
        "report_html", "The report as one page that stands on its own", FILES["report.html"][1]
    )
    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        return super().get(request, slug, number)


class ResultsView(FileView):
    name = "results.json"

    @described.reads_file("report_results", "Every number of the report", FILES["results.json"][1])
    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        return super().get(request, slug, number)


class ArchiveView(FileView):
    what, product, name = "export", actions.EXPORT, "export.zip"

    @described.reads_file(
        "export_zip", "The tables as CSV, with their codebook", FILES["export.zip"][1]
    )
    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        return super().get(request, slug, number)


def _wanted(shape: type[AskExport], request: Request, study: Study) -> dict[str, Any]:
    """What was asked for: whether the study is far enough to show its arms first, then whether to
    this person.
    """
    given = doors.given(shape, request)
    actions.check_kind(study, given["kind"])
    if given["kind"] == Job.BY_ARM and not _may_show_arms(request, study):
        raise PermissionDenied
    return given


def _may_show_arms(request: Request, study: Study) -> bool:
    """By arm needs its own permission, except in a rehearsal, where nobody is there to be unblinded
    to.
    """
    is_theirs = permissions.may(request.user, study, "report_by_arm")
    return actions.may_show_arms(study) and (study.simulated or is_theirs)


def _page(request: Request, study: Study, product: str) -> dict[str, Any]:
    found = jobs.asked_for(study, product, by_arm=_may_show_arms(request, study))
    return doors.paged(found.prefetch_related("files"), request)


def _found(request: Request, study: Study, product: str, number: int) -> Job:
    try:
        found = jobs.of_study(study, product, number)
    except Job.DoesNotExist:
        raise Http404 from None
    if found.is_by_arm and not _may_show_arms(request, study):
        raise PermissionDenied
    return found
