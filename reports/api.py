"""Reports and exports: what was made, asking for another, and fetching the files."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request as FrameworkRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from reports.actions import reports as actions
from reports.models import Report
from reports.queries import made
from trial import permissions
from trial.actions import looks
from trial.api import described, doors, shapes
from trial.models import Study
from trial.requests import Request

NAMES = {
    "html": ("report-{}.html", "text/html"),
    "pdf": ("report-{}.pdf", "application/pdf"),
    "results": ("results-{}.json", "application/json"),
    "archive": ("export-{}.zip", "application/zip"),
}


class MadeShape(serializers.Serializer):
    number = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=[Report.BLINDED, Report.BY_ARM])
    language = serializers.CharField()
    state = serializers.CharField()
    requested_at = serializers.DateTimeField()
    made_at = serializers.DateTimeField(allow_null=True)
    snapshot_hash = serializers.CharField(allow_blank=True)
    seal = serializers.CharField(
        allow_blank=True, help_text="The newest seal of the audit trail when it was made."
    )


class MadePage(shapes.Page):
    results = MadeShape(many=True)


class AskExport(serializers.Serializer):
    kind = serializers.ChoiceField(choices=[Report.BLINDED, Report.BY_ARM], default=Report.BLINDED)


class AskReport(AskExport):
    language = serializers.CharField(default="en")


class ReportsView(APIView):
    @described.reads(
        "reports", "Reports that were asked for, newest first", MadePage, described.PAGE
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "report")
        found = made.reports(study, by_arm=_may_show_arms(request, study))
        return Response(MadePage(doors.paged(found, request)).data)

    @described.writes(
        "report_request", "Ask for a report; the worker makes it", AskReport, MadeShape, status=202
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "report")
        wanted = _wanted(AskReport, request, study)
        asked = actions.request(
            study=study, **wanted, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(MadeShape(asked).data, status=202)


class ExportsView(APIView):
    @described.reads("exports", "Exports that were made, newest first", MadePage, described.PAGE)
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "export")
        found = made.exports(study, by_arm=_may_show_arms(request, study))
        return Response(MadePage(doors.paged(found, request)).data)

    @described.writes("export_make", "Make an export now", AskExport, MadeShape, status=201)
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "export")
        wanted = _wanted(AskExport, request, study)
        found = actions.export(
            study=study, **wanted, key=doors.key(request), by=by, at=timezone.now()
        )
        return Response(MadeShape(found).data, status=201)


class AnyFile(BaseContentNegotiation):
    """A file is given as what it is, whatever the client says it accepts."""

    def select_renderer(
        self, request: FrameworkRequest, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class FileView(APIView):
    """One file of a report or an export. Subclasses name the permission, the product and the field
    that holds it.
    """

    content_negotiation_class = AnyFile
    what, product, field = "report", Report.REPORT, ""

    def get(self, request: Request, slug: str, number: int) -> HttpResponse:
        study, by = doors.study_for(request, slug, self.what)
        found = _made(request, study, self.product, number)
        name, kind = NAMES[self.field]
        form = "zip" if self.field == "archive" else self.field
        looks.downloaded(
            study=study, product=found.product, number=found.pk, kind=form, by=by, at=timezone.now()
        )
        return HttpResponse(
            bytes(getattr(found, self.field) or b""),
            content_type=kind,
            headers={
                "Content-Disposition": f"attachment; "
                f'filename="{study.slug}-{name.format(found.pk)}"',
                "X-Content-Type-Options": "nosniff",
            },
        )


class PdfView(FileView):
    field = "pdf"

    @described.reads_file("report_pdf", "The report as PDF", NAMES["pdf"][1])
    def get(self, request: Request, slug: str, number: int) -> HttpResponse:
        return super().get(request, slug, number)


class HtmlView(FileView):
    field = "html"

    @described.reads_file(
        "report_html", "The report as one page that stands on its own", NAMES["html"][1]
    )
    def get(self, request: Request, slug: str, number: int) -> HttpResponse:
        return super().get(request, slug, number)


class ResultsView(FileView):
    field = "results"

    @described.reads_file("report_results", "Every number of the report", NAMES["results"][1])
    def get(self, request: Request, slug: str, number: int) -> HttpResponse:
        return super().get(request, slug, number)


class ArchiveView(FileView):
    what, product, field = "export", Report.EXPORT, "archive"

    @described.reads_file(
        "export_zip", "The tables as CSV, with their codebook", NAMES["archive"][1]
    )
    def get(self, request: Request, slug: str, number: int) -> HttpResponse:
        return super().get(request, slug, number)


def _wanted(shape: type[AskExport], request: Request, study: Study) -> dict[str, Any]:
    """What was asked for: whether the study is far enough to show its arms first, then whether to
    this person.
    """
    given = doors.given(shape, request)
    actions.check_kind(study, given["kind"])
    if given["kind"] == Report.BY_ARM and not _may_show_arms(request, study):
        raise PermissionDenied
    return given


def _may_show_arms(request: Request, study: Study) -> bool:
    """By arm needs its own permission, except in a rehearsal, where nobody is there to be unblinded
    to.
    """
    is_theirs = permissions.may(request.user, study, "report_by_arm")
    return actions.may_show_arms(study) and (study.simulated or is_theirs)


def _made(request: Request, study: Study, product: str, number: int) -> Report:
    try:
        found = made.made(study, product, number)
    except Report.DoesNotExist:
        raise Http404 from None
    if found.is_by_arm and not _may_show_arms(request, study):
        raise PermissionDenied
    return found
