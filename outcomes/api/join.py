"""The screening, page by page, and help at once for whoever says that things are very dark."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from outcomes.actions import screening as actions
from outcomes.api import wording
from outcomes.queries import definitions, safety
from trial.actions import participants
from trial.actions.questions import accepted
from trial.api import doors, shapes
from trial.api.described import JOIN, reads, writes
from trial.api.errors import NotHere
from trial.api.fields import PhoneNumberField
from trial.api.join import WayInView
from trial.models import Participant, PersonKey
from trial.requests import Request
from trial.sections.study import Page

ANSWER_QUESTIONS = "trial.participants.answer_questions"
ANSWER_INSTRUMENT = "outcomes.screening.answer_instrument"


class PageShape(serializers.Serializer):
    """Either questions or an instrument."""

    page = serializers.CharField()
    questions = shapes.QuestionShape(many=True)
    instrument = wording.InstrumentShape(allow_null=True)


class PageAnswers(serializers.Serializer):
    answers = serializers.DictField(help_text="By question code.")


class ItemAnswers(serializers.Serializer):
    answers = serializers.DictField(
        child=serializers.IntegerField(), help_text="Every item, by its code."
    )


class Screened(shapes.ProgressShape):
    help = shapes.HelpShape(allow_null=True, help_text="To be shown at once, before anything else.")
    may_leave_phone = serializers.BooleanField(
        help_text="Staff hear of it only when a number is left."
    )


class QuestionsView(WayInView):
    @reads("join_questions_read", "The questions of a screening page", PageShape, JOIN)
    def get(self, request: Request, slug: str, page: str) -> Response:
        return _page(doors.newcomer(request, slug), page)

    @writes(
        "join_questions",
        "Answer a screening page of questions",
        PageAnswers,
        shapes.ProgressShape,
        JOIN,
    )
    def post(self, request: Request, slug: str, page: str) -> Response:
        person, at, key = doors.newcomer(request, slug), timezone.now(), doors.key(request)
        given, by = doors.given(PageAnswers, request)["answers"], doors.actor_of(person)
        found = _find(person, page)
        if not found.questions or not (
            definitions.may_answer(person, found) or doors.is_repeat(ANSWER_QUESTIONS, by, key)
        ):
            raise NotHere
        answers = accepted(person.version.protocol, given, found.questions)
        participants.answer_questions(participant=person, answers=answers, key=key, by=by, at=at)
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class ScreeningView(WayInView):
    @reads("join_screening_read", "A screening page: questions, or an instrument", PageShape, JOIN)
    def get(self, request: Request, slug: str, page: str) -> Response:
        return _page(doors.newcomer(request, slug), page)

    @writes(
        "join_screening", "Answer a screening page with an instrument", ItemAnswers, Screened, JOIN
    )
    def post(self, request: Request, slug: str, page: str) -> Response:
        person, at, key = doors.newcomer(request, slug), timezone.now(), doors.key(request)
        given, by = doors.given(ItemAnswers, request)["answers"], doors.actor_of(person)
        found = _find(person, page)
        if not found.instrument or not (
            definitions.may_answer(person, found) or doors.is_repeat(ANSWER_INSTRUMENT, by, key)
        ):
            raise NotHere
        instrument = definitions.instrument(person.version, found.instrument)
        actions.answer_instrument(
            participant=person, instrument=instrument.code, answers=given, key=key, by=by, at=at
        )
        # Judged from what was sent: whoever is turned away in this step has no stored answers any
        # more.
        is_dark = safety.calls_for_help(person.version, instrument, given)
        answer = {
            **shapes.progress(person, at),
            "help": shapes.help_for(person) if is_dark else None,
        }
        return Response(Screened({**answer, "may_leave_phone": is_dark}).data)


def _find(person: Participant, page: str) -> Page:
    found = next((each for each in person.version.protocol.screening if each.code == page), None)
    if found is None:
        raise doors.Http404
    return found


def _page(person: Participant, page: str) -> Response:
    found = _find(person, page)
    answer: dict[str, Any] = {
        "page": found.code,
        "questions": shapes.questions(person, found.questions),
        "instrument": wording.shown(person, found.instrument) if found.instrument else None,
    }
    return Response(PageShape(answer).data)


class PhoneNumber(serializers.Serializer):
    phone = PhoneNumberField()


class PhoneView(WayInView):
    @writes(
        "join_phone",
        "Leave a number to be called on; also for somebody who did not get in",
        PhoneNumber,
        None,
        JOIN,
    )
    def post(self, request: Request, slug: str) -> Response:
        person = doors.newcomer(request, slug)
        given = doors.given(PhoneNumber, request, country=person.version.protocol.country)
        try:
            actions.leave_phone(
                participant=person,
                phone=given["phone"],
                key=doors.key(request) or "",
                by=doors.actor_of(person),
                at=timezone.now(),
            )
        except PersonKey.DoesNotExist:  # erased since
            raise NotHere from None
        return Response(status=204)
