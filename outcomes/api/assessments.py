"""A participant's questionnaires: what is open, drafts, handing in, and help first where an answer
calls for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from outcomes import schedules
from outcomes.actions import assessments as actions
from outcomes.api import wording
from outcomes.models import Assessment
from outcomes.queries import assessments as reads
from outcomes.queries import definitions, safety
from outcomes.queries.assessments import Sitting
from trial.actions import participants
from trial.actions.questions import accepted
from trial.api import described, doors, shapes
from trial.api.errors import NotHere
from trial.languages import in_language
from trial.models import Participant
from trial.requests import Request

ANSWER_QUESTIONS = "trial.participants.answer_questions"


class RowShape(serializers.Serializer):
    instrument = serializers.CharField()
    state = serializers.CharField()
    answered = serializers.IntegerField(help_text="Items with an answer.")
    items = serializers.IntegerField()


class SittingShape(serializers.Serializer):
    timepoint = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    minutes = serializers.IntegerField()
    state = serializers.CharField()
    opens_at = serializers.DateTimeField(allow_null=True)
    closes_at = serializers.DateTimeField(allow_null=True)
    instruments = RowShape(many=True)


class Sheet(serializers.Serializer):
    timepoint = serializers.CharField()
    state = serializers.CharField()
    instrument = wording.InstrumentShape()
    answers = serializers.DictField(child=serializers.IntegerField())


class Kept(Sheet):
    help = shapes.HelpShape(allow_null=True, help_text="To be shown at once, before anything else.")


class SheetAnswers(serializers.Serializer):
    answers = serializers.DictField(
        child=serializers.IntegerField(allow_null=True),
        help_text="By item code. Null: not answered, and what was answered before is taken back. "
        "Left out: as it was; when "
        "handing in, not answered.",
    )


class HandedIn(shapes.ProgressShape):
    help = shapes.HelpShape(allow_null=True, help_text="To be shown at once, before anything else.")


class SittingsView(APIView):
    @described.reads(
        "assessments", "Every timepoint that is open, comes, or has been", SittingShape(many=True)
    )
    def get(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        return Response(
            SittingShape(
                [_shown(person, each, at) for each in reads.sittings(person)], many=True
            ).data
        )


class SittingView(APIView):
    @described.reads("assessment", "One timepoint", SittingShape)
    def get(self, request: Request, timepoint: str) -> Response:
        person = doors.in_the_study(request)
        found = reads.sitting(person, timepoint)
        if found is None:
            raise Http404
        return Response(SittingShape(_shown(person, found, timezone.now())).data)


def _shown(person: Participant, sitting: Sitting, at: datetime) -> dict[str, Any]:
    known = definitions.assessments(person.version).definitions
    return {
        "timepoint": sitting.timepoint,
        "label": in_language(sitting.label, person.language),
        "minutes": sitting.minutes,
        "state": sitting.state(at).value,
        "opens_at": sitting.opens_at,
        "closes_at": sitting.closes_at,
        "instruments": [
            {
                "instrument": row.instrument,
                "state": schedules.state(row, at).value,
                "answered": len(row.answers),
                "items": len(known[row.instrument].items),
            }
            for row in sitting.rows
        ],
    }


class SheetView(APIView):
    @described.reads("assessment_read", "A questionnaire, with what was answered so far", Sheet)
    def get(self, request: Request, timepoint: str, instrument: str) -> Response:
        person = doors.in_the_study(request)
        return Response(
            Sheet(_sheet(person, _find(person, timepoint, instrument), timezone.now())).data
        )

    @described.writes("assessment_draft", "Keep what was answered so far", SheetAnswers, Kept)
    def put(self, request: Request, timepoint: str, instrument: str) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        answers = doors.given(SheetAnswers, request)["answers"]
        row = actions.save_draft(
            assessment=_find(person, timepoint, instrument),
            answers=answers,
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(
            Kept({**_sheet(person, row, at), "help": _help(person, instrument, answers)}).data
        )

    @described.writes("assessment_submit", "Hand a questionnaire in", SheetAnswers, HandedIn)
    def post(self, request: Request, timepoint: str, instrument: str) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        answers = doors.given(SheetAnswers, request)["answers"]
        actions.submit(
            assessment=_find(person, timepoint, instrument),
            answers=answers,
            language=person.language,
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(
            HandedIn(
                {**shapes.progress(person, at), "help": _help(person, instrument, answers)}
            ).data
        )


class StartView(APIView):
    @described.writes("assessment_start", "Open a questionnaire for the first time", None, Sheet)
    def post(self, request: Request, timepoint: str, instrument: str) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        row = actions.start(
            assessment=_find(person, timepoint, instrument),
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(Sheet(_sheet(person, row, at)).data)


class DeclineView(APIView):
    @described.writes(
        "assessment_decline", "Rather not answer this one", None, shapes.ProgressShape
    )
    def post(self, request: Request, timepoint: str, instrument: str) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        actions.decline(
            assessment=_find(person, timepoint, instrument),
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


def _find(person: Participant, timepoint: str, instrument: str) -> Assessment:
    found = Assessment.objects.filter(
        participant=person, timepoint=timepoint, instrument=instrument
    ).first()
    if found is None:
        raise Http404
    return found


def _sheet(person: Participant, row: Assessment, at: datetime) -> dict[str, Any]:
    return {
        "timepoint": row.timepoint,
        "state": schedules.state(row, at).value,
        "instrument": wording.shown(person, row.instrument),
        "answers": row.answers,
    }


def _help(
    person: Participant, instrument: str, answers: dict[str, int | None]
) -> dict[str, Any] | None:
    is_dark = safety.calls_for_help(
        person.version, definitions.instrument(person.version, instrument), answers
    )
    return shapes.help_for(person) if is_dark else None


class QuestionsShape(serializers.Serializer):
    questions = shapes.QuestionShape(many=True)


class QuestionAnswers(serializers.Serializer):
    answers = serializers.DictField(help_text="By question code.")


class QuestionsView(APIView):
    """The study's own questions that belong to the baseline."""

    @described.reads("questions_read", "The study's own questions at the baseline", QuestionsShape)
    def get(self, request: Request) -> Response:
        person = doors.in_the_study(request)
        codes = definitions.assessments(person.version).baseline.questions
        return Response(QuestionsShape({"questions": shapes.questions(person, codes)}).data)

    @described.writes(
        "questions",
        "Answer the study's own questions at the baseline",
        QuestionAnswers,
        shapes.ProgressShape,
    )
    def post(self, request: Request) -> Response:
        person, at, key = doors.in_the_study(request), timezone.now(), doors.key(request)
        by = doors.actor_of(person)
        if person.state != "consented" and not doors.is_repeat(ANSWER_QUESTIONS, by, key):
            raise NotHere
        codes = definitions.assessments(person.version).baseline.questions
        given = doors.given(QuestionAnswers, request)["answers"]
        answers = accepted(person.version.protocol, given, codes)
        participants.answer_questions(participant=person, answers=answers, key=key, by=by, at=at)
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)
