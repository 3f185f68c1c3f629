"""Lessons and their exercises. Whoever has no programme is not told that there is one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial.actions import journey
from trial.actions import programme as actions
from trial.api import doors
from trial.api.described import reads, writes
from trial.languages import in_language
from trial.models import Participant
from trial.queries import programme
from trial.queries.programme import ModuleState
from trial.requests import Request
from trial.sections.programme import Module


class LessonShape(serializers.Serializer):
    code = serializers.CharField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    component = serializers.CharField()
    minutes = serializers.IntegerField()
    opens_at = serializers.DateTimeField(
        allow_null=True, help_text="Empty while it waits for the lesson before."
    )
    expected_at = serializers.DateTimeField(
        allow_null=True, help_text="Of the first lesson, before the programme opens."
    )
    is_latest = serializers.BooleanField(
        help_text="expected_at is the latest day: it may be sooner."
    )
    begun_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)


class BlockShape(serializers.Serializer):
    kind = serializers.CharField(help_text="markdown or exercise.")
    text = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    exercise = serializers.CharField(allow_null=True)
    prompt = serializers.CharField(allow_null=True)
    options = serializers.ListField(child=serializers.CharField())
    low = serializers.CharField(allow_null=True)
    high = serializers.CharField(allow_null=True)


class WholeLesson(LessonShape):
    intended_use = serializers.CharField()
    blocks = BlockShape(many=True, help_text="Empty until the lesson is open.")
    answers = serializers.DictField(help_text="What was written, by exercise.")


class LessonsView(APIView):
    @reads("lessons", "Every lesson with its pacing", LessonShape(many=True))
    def get(self, request: Request) -> Response:
        return Response(LessonShape(_states(doors.in_the_study(request)), many=True).data)


class LessonView(APIView):
    @reads("lesson", "One lesson", WholeLesson)
    def get(self, request: Request, module: str) -> Response:
        return Response(_lesson(doors.in_the_study(request), module, timezone.now()))


class BeginView(APIView):
    @writes("lesson_begin", "Begin a lesson", None, WholeLesson)
    def post(self, request: Request, module: str) -> Response:
        return _do(request, module, actions.begin_module)


class DoneView(APIView):
    @writes("lesson_done", "Mark a lesson done", None, WholeLesson)
    def post(self, request: Request, module: str) -> Response:
        return _do(request, module, actions.finish_module)


class ReopenView(APIView):
    @writes(
        "lesson_reopen", "Undo done, while the next lesson has not been begun", None, WholeLesson
    )
    def post(self, request: Request, module: str) -> Response:
        if _find(_states(doors.in_the_study(request)), module).begun_at is None:
            raise actions.NotBegun
        return _do(request, module, actions.reopen_module)


def _do(request: Request, module: str, action: Callable[..., Any]) -> Response:
    person, at = doors.in_the_study(request), timezone.now()
    _find(_states(person), module)
    action(
        participant=person, module=module, key=doors.key(request), by=doors.actor_of(person), at=at
    )
    journey.advance(person, at)
    return Response(_lesson(person, module, at))


class Exercise(serializers.Serializer):
    value = serializers.JSONField(
        allow_null=True,
        help_text="text: a text. checklist: numbers of options from 0. scale: 0 to 10, or null to "
        "take it back. "
        "plan: {what, when, where}; a part that is left out stays as it is.",
    )


class ExerciseView(APIView):
    @writes(
        "exercise", "Keep what was written in an exercise; the newest counts", Exercise, Exercise
    )
    def put(self, request: Request, module: str, exercise: str) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        state = _find(_states(person), module)
        if not state.is_open(at):
            raise actions.ModuleNotOpen
        if programme.exercise(person, module, exercise) is None:
            raise Http404
        kept = actions.save_exercise(
            participant=person,
            module=module,
            exercise=exercise,
            value=doors.given(Exercise, request)["value"],
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response({"value": programme.written(kept)})


def _states(person: Participant) -> list[ModuleState]:
    states = programme.modules(person)
    if not states:
        raise Http404
    return states


def _find(states: list[ModuleState], module: str) -> ModuleState:
    found = next((state for state in states if state.code == module), None)
    if found is None:
        raise Http404
    return found


def _module(person: Participant, module: str) -> Module:
    return next(each for each in person.version.programme.modules if each.code == module)


def _lesson(person: Participant, module: str, at: datetime) -> dict[str, Any]:
    state, described = _find(_states(person), module), _module(person, module)
    answer = {
        **vars(state),
        "intended_use": in_language(described.intended_use, person.language),
        "blocks": described.blocks[person.language] if state.is_open(at) else (),
        "answers": programme.answers(person, module),
    }
    return dict(WholeLesson(answer).data)
