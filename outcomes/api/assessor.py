"""What a blinded assessor gets: what may be entered now, by code and instrument, and until when. No
other date, no history, no arm, nothing that hangs on an arm; a test compares two people who differ
only in arm, byte for byte.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from outcomes.actions import assessments as actions
from outcomes.api import wording
from outcomes.models import Assessment
from outcomes.queries import assessments as reads
from outcomes.queries import definitions
from trial.actions import journey
from trial.actors import Actor
from trial.api import described, doors, shapes
from trial.languages import in_language
from trial.models import Study
from trial.requests import Request


class DueShape(serializers.Serializer):
    participant = serializers.CharField(source="participant.code")
    timepoint = serializers.CharField()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    instrument = serializers.CharField()
    last_day = serializers.SerializerMethodField()

    def get_last_day(self, row: Assessment) -> date | None:
        return reads.last_day(row)

    def get_label(self, row: Assessment) -> str:
        return self.context["labels"][row.timepoint]


class Entered(serializers.Serializer):
    answers = serializers.DictField(
        child=serializers.IntegerField(allow_null=True),
        help_text="By item code; null or left out: not answered.",
    )
    mode = serializers.ChoiceField(choices=["phone", "paper"])


class Receipt(serializers.Serializer):
    participant = serializers.CharField()
    timepoint = serializers.CharField()
    instrument = serializers.CharField()


class Form(Receipt):
    instrument = wording.InstrumentShape()  # type: ignore[assignment]


class DuePage(shapes.Page):
    results = DueShape(many=True)


class DueView(APIView):
    @described.reads(
        "assessments_due", "What may be entered now, what closes first", DuePage, described.PAGE
    )
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "assess")
        page = doors.paged(reads.due_for_assessor([study.pk], timezone.now()), request)
        return Response(DuePage(page, context={"labels": _labels(study)}).data)


def _labels(study: Study) -> dict[str, str]:
    described_ = definitions.assessments(study.current).timepoints
    return {each.code: in_language(each.label, "en") for each in described_}


class EnterView(APIView):
    @described.reads(
        "assessment_form", "The wording to ask in, in the participant's language", Form
    )
    def get(
        self, request: Request, slug: str, code: str, timepoint: str, instrument: str
    ) -> Response:
        study, by = doors.study_for(request, slug, "assess")
        row = _row(study, code, timepoint, instrument, by)
        return Response(
            Form(
                {**_receipt(row), "instrument": wording.shown(row.participant, row.instrument)}
            ).data
        )

    @described.writes(
        "assessment_enter", "Enter answers given by phone or on paper", Entered, Receipt, status=201
    )
    def post(
        self, request: Request, slug: str, code: str, timepoint: str, instrument: str
    ) -> Response:
        study, by = doors.study_for(request, slug, "assess")
        given, at, key = doors.given(Entered, request), timezone.now(), doors.key(request)
        row = _row(study, code, timepoint, instrument, by, key)
        actions.submit(
            assessment=row, language=row.participant.language, key=key, by=by, at=at, **given
        )
        journey.advance(row.participant, at)
        return Response(_receipt(row), status=201)


def _row(
    study: Study, code: str, timepoint: str, instrument: str, by: Actor, key: str | None = None
) -> Assessment:
    found = reads.for_entry(study, code, timepoint, instrument, by=by, key=key, at=timezone.now())
    if found is None:
        raise Http404
    return found


def _receipt(row: Assessment) -> dict[str, Any]:
    return {
        "participant": row.participant.code,
        "timepoint": row.timepoint,
        "instrument": row.instrument,
    }
