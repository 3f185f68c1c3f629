"""Asking for an allocation from outside, for a study whose people are registered elsewhere. No
answer holds an arm.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404
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
from trial.actions import journey
from trial.actors import Actor
from trial.api import doors
from trial.api.described import writes
from trial.models import Participant
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


class Replayable(serializers.Serializer):
    """What `verifier.py` reads; described in docs/verifying-randomisation.md."""

    format = serializers.CharField()
    study = serializers.CharField()
    simulated = serializers.BooleanField()
    commitment = serializers.CharField()
    merkle_root = serializers.CharField(allow_blank=True)
    seed = serializers.CharField(allow_null=True)
    points = serializers.ListField(child=serializers.DictField())
    allocations = serializers.ListField(child=serializers.DictField())
    corrections = serializers.ListField(child=serializers.DictField())
    error_marks = serializers.ListField(child=serializers.DictField())
    code_breaks = serializers.ListField(child=serializers.DictField())


class ExportView(APIView):
    @writes(
        "randomisation_export",
        "Everything from which a third party makes every draw again, once the study is locked; "
        "each making is recorded",
        None,
        Replayable,
    )
    def post(self, request: Request, slug: str) -> Response:
        study, by = doors.study_for(request, slug, "report_by_arm")
        return Response(Replayable(proofs.export(study=study, by=by, at=timezone.now())).data)
