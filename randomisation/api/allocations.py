"""Asking for an allocation from outside, for a study whose people are registered elsewhere: no
answer holds an arm. And what a third party verifies, which holds every one.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from outcomes.queries import assessments
from randomisation.actions import allocations, proofs
from randomisation.api import finding
from randomisation.models import FIRST
from randomisation.queries import design, stages
from trial import downloads
from trial.actions import jobs as job_actions
from trial.actions import journey
from trial.actors import Actor
from trial.api import doors, shapes
from trial.api.described import PAGE, reads, reads_file, writes
from trial.models import Job, Participant, Study
from trial.queries import jobs
from trial.requests import Request

ALLOCATE = "randomisation.allocations.allocate"


class ToRandomise(serializers.Serializer):
    participant = serializers.CharField(
        help_text="Their code. They have consented, and their baseline is complete."
    )


class Randomised(serializers.Serializer):
    """That it happened, and no more."""

    participant = serializers.CharField()
    point = serializers.CharField()
    allocated_at = serializers.DateTimeField()


class AllocationsView(APIView):
    @writes(
        "allocations",
        "Randomise somebody who is ready; 200 for a repeat, 409 where they have an allocation, 423 "
        "in a pause",
        ToRandomise,
        Randomised,
        status=201,
    )
    def post(self, request: Request, slug: str, point: str) -> Response:
        study, by = doors.study_for(request, slug, "run")
        if point not in design.points(study.current):
            raise Http404
        finding.check_point(request, study, point)
        code = doors.given(ToRandomise, request)["participant"]
        people = Participant.objects.select_related("study", "version", "key")
        person = get_object_or_404(people, study=study, code=code)
        key = doors.key(request)
        is_new = not doors.is_repeat(ALLOCATE, by, key)
        if is_new:
            _check_ready(person, point)
        _allocate(person, point, key, by)
        return Response(Randomised(_receipt(person, point)).data, status=201 if is_new else 200)


def _check_ready(person: Participant, point: str) -> None:
    """What the journey asks before it allocates."""
    is_asked = assessments.missing_baseline_questions(
        person
    ) or not assessments.is_baseline_complete(person)
    if point == FIRST and person.state == "consented" and is_asked:
        raise allocations.NotEligible("the baseline is not complete")


def _allocate(person: Participant, point: str, key: str | None, by: Actor) -> None:
    at = timezone.now()
    decision = stages.decisions(person).get(point)
    origin = decision.origin if decision else ""
    allocations.allocate_and_tell(
        participant=person, point=point, origin=origin, key=key, by=by, at=at
    )
    person.refresh_from_db()
    journey.advance(person, at)


def _receipt(person: Participant, point: str) -> dict[str, Any]:
    return {
        "participant": person.code,
        "point": point,
        "allocated_at": stages.allocated_at(person, point),
    }


class ExportsView(APIView):
    @reads(
        "randomisation_exports",
        "Exports of the randomisation that were asked for, newest first",
        shapes.JobPage,
        PAGE,
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "report_by_arm")
        found = jobs.asked_for(study, proofs.EXPORT, by_arm=proofs.may_reveal(study))
        return Response(shapes.JobPage(doors.paged(found, request)).data)

    @writes(
        "randomisation_export_request",
        "Ask for everything from which a third party makes every draw again, once the study is "
        "locked; the worker makes it",
        None,
        shapes.JobShape,
        status=202,
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "report_by_arm")
        asked = proofs.request_export(study=study, key=doors.key(request), by=by, at=timezone.now())
        return Response(shapes.JobShape(asked).data, status=202)


class ExportView(APIView):
    @reads("randomisation_export", "One of them: whether it is made", shapes.JobShape)
    def get(self, request: Request, slug: str, number: int) -> Response:
        study, _by = doors.study_for(request, slug, "report_by_arm")
        return Response(shapes.JobShape(_export(study, number)).data)

    @writes("randomisation_export_remove", "Remove its file, for good", None, None)
    def delete(self, request: Request, slug: str, number: int) -> Response:
        study, by = doors.study_for(request, slug, "report_by_arm")
        found = _export(study, number)
        job_actions.remove(job=found, key=doors.key(request), by=by, at=timezone.now())
        return Response(status=204)


class ExportFileView(APIView):
    http_method_names = ["get", "options"]  # HEAD would say that it was taken
    content_negotiation_class = doors.AnyFile

    @reads_file(
        "randomisation_export_json",
        "What `verifier.py` reads; described in docs/verifying-randomisation.md",
        "application/json",
    )
    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        study, by = doors.study_for(request, slug, "report_by_arm")
        found = _export(study, number)
        if found.state != Job.MADE:
            raise Http404
        return downloads.given(
            found,
            "randomisation.json",
            form="json",
            content_type="application/json",
            saved_as=f"{study.slug}-randomisation-{found.pk}.json",
            by=by,
            at=timezone.now(),
        )


def _export(study: Study, number: int) -> Job:
    proofs.check_revealed(study)
    try:
        return jobs.of_study(study, proofs.EXPORT, number)
    except Job.DoesNotExist:
        raise Http404 from None
