"""What a blinded assessor gets: what may be entered now, by code and instrument. No date, no history, no arm, nothing
that hangs on an arm; a test compares two people who differ only in arm, byte for byte."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from outcomes.actions import assessments as actions
from outcomes.api import wording
from outcomes.models import Assessment
from outcomes.queries import assessments as reads
from outcomes.queries import definitions
from trial.actions import journey
from trial.api import described, doors, shapes
from trial.models import Study

ANSWERED = "outcomes.assessments.submit"


class DueShape(serializers.Serializer):
    participant = serializers.CharField(source="participant.code")
    timepoint = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    instrument = serializers.CharField()

    def get_label(self, row: Assessment) -> str:
        return self.context["labels"][row.timepoint]


class Entered(serializers.Serializer):
    answers = serializers.DictField(
        child=serializers.IntegerField(allow_null=True), help_text="By item code; null or left out: not answered."
    )
    mode = serializers.ChoiceField(choices=["phone", "paper"])


class Receipt(serializers.Serializer):
    participant = serializers.CharField()
    timepoint = serializers.CharField()
    instrument = serializers.CharField()


class Form(Receipt):
    instrument = wording.InstrumentShape()  # type: ignore[assignment]


class DueView(APIView):
    @described.reads("assessments_due", "What may be entered now", DueShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "assess")
        rows = reads.due_for_assessor(study.pk, timezone.now())
        return Response(DueShape(rows, many=True, context={"labels": _labels(study)}).data)


def _labels(study: Study) -> dict[str, str]:
    described_ = definitions.assessments(study.current).timepoints
    return {each.code: shapes.said(each.label, "en") for each in described_}


class EnterView(APIView):
    @described.reads("assessment_form", "The wording to ask in, in the participant's language", Form)
    def get(self, request: Request, slug: str, code: str, timepoint: str, instrument: str) -> Response:
        study, _by = doors.study_for(request, slug, "assess")
        row = _due(study, code, timepoint, instrument)
        return Response(Form({**_receipt(row), "instrument": wording.shown(row.participant, row.instrument)}).data)

    @described.writes("assessment_enter", "Enter answers given by phone or on paper", Entered, Receipt, status=201)
    def post(self, request: Request, slug: str, code: str, timepoint: str, instrument: str) -> Response:
        study, by = doors.study_for(request, slug, "assess")
        given, at, key = doors.given(Entered, request), timezone.now(), doors.key(request)
        is_repeat = doors.is_repeat(ANSWERED, by, key)
        row = _row(study, code, timepoint, instrument) if is_repeat else _due(study, code, timepoint, instrument)
        actions.submit(assessment=row, language=row.participant.language, key=key, by=by, at=at, **given)
        journey.advance(row.participant, at)
        return Response(_receipt(row), status=201)


def _due(study: Study, code: str, timepoint: str, instrument: str) -> Assessment:
    """Whatever is not due does not exist here: whether it is answered, missed or never planned is not told."""
    wanted = (code, timepoint, instrument)
    due = reads.due_for_assessor(study.pk, timezone.now())
    found = next((row for row in due if (row.participant.code, row.timepoint, row.instrument) == wanted), None)
    if found is None:
        raise Http404
    return found


def _row(study: Study, code: str, timepoint: str, instrument: str) -> Assessment:
    found = Assessment.objects.filter(
        participant__study=study, participant__code=code, timepoint=timepoint, instrument=instrument
    )
    row = found.select_related("participant").first()
    if row is None:
        raise Http404
    return row


def _receipt(row: Assessment) -> dict[str, Any]:
    return {"participant": row.participant.code, "timepoint": row.timepoint, "instrument": row.instrument}
