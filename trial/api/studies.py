"""Studies: the list, loading a folder, the dashboard, and opening, pausing, closing and locking."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import actors, folder, hooks, permissions, stamp
from trial.actions import studies as actions
from trial.api import doors, shapes
from trial.api.described import reads, writes
from trial.models import Study
from trial.queries import studies
from trial.requests import Request
from trial.words import text


class StudyShape(serializers.Serializer):
    slug = serializers.CharField()
    title = serializers.SerializerMethodField()
    state = serializers.CharField()
    simulated = serializers.BooleanField()
    target = serializers.IntegerField(source="current.protocol.target")
    randomised = serializers.IntegerField()
    roles = serializers.ListField(child=serializers.CharField())

    def get_title(self, study: Study) -> str:
        return text(study.current.protocol.title)


class Upload(serializers.Serializer):
    upload = serializers.FileField(help_text="The study folder as a .zip.")
    simulated = serializers.BooleanField(
        default=False, help_text="Where the database is for rehearsals."
    )


class Loaded(serializers.Serializer):
    slug = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="As file:line: message; they stop nothing."
    )
    notes = serializers.ListField(child=serializers.CharField())


class StudiesView(APIView):
    takes_files = True  # trial.intake

    def get_parsers(self) -> list[Any]:
        is_upload = self.request is not None and self.request.method == "POST"
        return [MultiPartParser()] if is_upload or self.request is None else super().get_parsers()

    @reads("studies", "The studies of this person", StudyShape(many=True))
    def get(self, request: Request) -> Response:
        _check_staff(request)
        return Response(StudyShape(_listed(request), many=True).data)

    @writes(
        "study_load",
        "Load a study folder; every mistake at once (422)",
        {"multipart/form-data": Upload},
        Loaded,
        status=201,
    )
    def post(self, request: Request) -> Response:
        if not _may_load(request):
            raise PermissionDenied
        loaded, simulated = _read(request)
        version = actions.store(
            loaded=loaded,
            simulated=simulated,
            user=request.user,
            key=doors.key(request),
            by=actors.staff(request.user.pk, _check_may_replace(request, loaded)),
            at=timezone.now(),
        )
        answer = {"slug": version.study.slug, "version": version.number, "sha256": version.sha256}
        said = {
            "warnings": [str(each) for each in loaded.warnings],
            "notes": [str(note) for note in loaded.notes],
        }
        return Response({**answer, **said}, status=201)


def _check_staff(request: Request) -> None:
    """Whoever works on no study is not told that there are any."""
    if not (request.user.is_staff or studies.roles_by_study(request.user)):
        raise Http404


def _listed(request: Request) -> list[Study]:
    roles = studies.roles_by_study(request.user)
    found = studies.listed(None if request.user.is_staff else roles)
    for study in found:
        study.roles = sorted(roles.get(study.pk, ()))  # type: ignore[attr-defined]
    return found


def _may_load(request: Request) -> bool:
    return request.user.is_staff or permissions.is_researcher_somewhere(request.user)


def _read(request: Request) -> tuple[folder.Loaded, bool]:
    """The folder that was sent, and whether its people are simulated, which a live database does
    not ask.
    """
    given = doors.given(Upload, request)
    loaded = actions.read(given["upload"], at=timezone.now())
    return loaded, stamp.kind() == "rehearsal" and given["simulated"]


def _check_may_replace(request: Request, loaded: folder.Loaded) -> str:
    """A new version of a study is loaded by somebody who runs it; a new study by anybody who may
    load.
    """
    study = Study.objects.filter(slug=loaded.document["study"]["slug"]).first()
    return permissions.check_may(request.user, study, "load") if study else "researcher"


class FigureShape(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()
    of = serializers.CharField()
    definition = serializers.CharField()


class PanelShape(serializers.Serializer):
    title = serializers.CharField()
    figures = FigureShape(many=True)
    head = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    note = serializers.CharField()


class WholeStudy(serializers.Serializer):
    slug = serializers.CharField()
    state = serializers.CharField()
    simulated = serializers.BooleanField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()
    opened_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    locked_at = serializers.DateTimeField(allow_null=True)
    open_languages = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="What is missing before it can open or resume."
    )
    panels = PanelShape(many=True, help_text="Everything is pooled over the arms.")


class StudyView(APIView):
    @reads("study", "A study, where it stands, and its dashboard", WholeStudy)
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "dashboard")
        at = timezone.now()
        panels = [panel(study, request.user, at) for panel in hooks.PANELS]
        return Response(_whole(study, [panel for panel in panels if panel]))


def _whole(study: Study, panels: list[Any] | None = None) -> dict[str, Any]:
    answer = {
        **shapes.facts(WholeStudy, study),
        "version": study.current.number,
        "sha256": study.current.sha256,
        "missing": actions.requirements(study) if study.state in ("draft", "paused") else [],
        "panels": panels or [],
    }
    return dict(WholeStudy(answer).data)


class StaffReason(serializers.Serializer):
    """About the whole study; what is about one person has codes."""

    reason = serializers.CharField(
        max_length=400, help_text="Kept in the audit trail, so no names."
    )


class OpenView(APIView):
    @writes("study_open", "Open: locks the design and the analysis plan", None, WholeStudy)
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "run")
        return Response(
            _whole(
                actions.open_study(study=study, key=doors.key(request), by=by, at=timezone.now())
            )
        )


class ResumeView(APIView):
    @writes("study_resume", "Take newcomers again", None, WholeStudy)
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "run")
        return Response(
            _whole(actions.resume(study=study, key=doors.key(request), by=by, at=timezone.now()))
        )


class PauseView(APIView):
    @writes("study_pause", "No newcomers and no allocations until resumed", StaffReason, WholeStudy)
    def post(self, request: Request, slug: str) -> Response:
        return _with_reason(request, slug, "run", actions.pause)


class CloseView(APIView):
    @writes("study_close", "Recruitment is over; follow-up goes on", StaffReason, WholeStudy)
    def post(self, request: Request, slug: str) -> Response:
        return _with_reason(request, slug, "run", actions.close)


class LockView(APIView):
    @writes("study_lock", "No answer will change any more (statistician)", StaffReason, WholeStudy)
    def post(self, request: Request, slug: str) -> Response:
        return _with_reason(request, slug, "lock", actions.lock)


def _with_reason(request: Request, slug: str, what: str, action: Any) -> Response:
    study, by = doors.study_for(request, slug, what)
    reason = doors.given(StaffReason, request)["reason"]
    return Response(
        _whole(action(study=study, reason=reason, key=doors.key(request), by=by, at=timezone.now()))
    )


class Confirmed(serializers.Serializer):
    kind = serializers.CharField()
    subject = serializers.CharField()
    confirmed_at = serializers.DateTimeField()


class Line(serializers.Serializer):
    subject = serializers.CharField(max_length=120, help_text="The crisis line's name.")


def confirmed(
    request: Request, slug: str, kind: str, shape: type[serializers.Serializer]
) -> Response:
    """Puts one's name to the `subject` in the body, which `shape` describes."""
    study, by = doors.study_for(request, slug, "run")
    found = actions.confirm(
        version=study.current,
        kind=kind,
        subject=doors.given(shape, request)["subject"],
        key=doors.key(request),
        by=by,
        at=timezone.now(),
    )
    return Response(Confirmed(found).data)


class ConfirmLineView(APIView):
    @writes(
        "study_confirm_line", "Put one's name to a crisis line that was checked", Line, Confirmed
    )
    def post(self, request: Request, slug: str) -> Response:
        return confirmed(request, slug, "crisis_line", Line)
