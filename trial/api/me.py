"""A participant: what to do today, when they may be called, and leaving."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import week
from trial.actions import journey, own_details, participants
from trial.actions import programme as programme_actions
from trial.api import doors, shapes
from trial.api.described import reads, writes
from trial.api.fields import PhoneNumberField
from trial.entries import Ask
from trial.models import Identity, Participant
from trial.queries import allotment, programme, tasks
from trial.requests import Request
from trial.words import LEAVING_REASONS


class AllottedShape(serializers.Serializer):
    words = serializers.CharField(help_text="What the person is told about what the draw brought.")
    is_news = serializers.BooleanField(help_text="Nothing was begun or answered since.")


class TodayShape(serializers.Serializer):
    participant = serializers.CharField()
    state = serializers.CharField()
    next = shapes.TaskShape(allow_null=True)
    also = shapes.TaskShape(many=True)
    later = shapes.TaskShape(many=True)
    call = shapes.TaskShape(required=False, help_text="Left out for whoever is not called.")
    what_happens_now = AllottedShape(allow_null=True, help_text="Empty before allocation.")
    help = shapes.HelpShape()


class TodayView(APIView):
    @reads("today", "The one thing to do next, and what comes later", TodayShape)
    def get(self, request: Request) -> Response:
        person = doors.participant_of(request)
        return Response(TodayShape(_today(person, timezone.now())).data)


def _today(person: Participant, at: datetime) -> dict[str, Any]:
    found = tasks.agenda(person, _asked(person, at), at)
    answer = {
        "participant": person.code,
        "state": person.state,
        "next": found.now[0] if found.now else None,
        "also": found.now[1:],
        "later": found.later,
        "what_happens_now": _allotted(person),
        "help": shapes.help_for(person),
    }
    return {**answer, "call": found.call} if found.call else answer


def _allotted(person: Participant) -> dict[str, Any] | None:
    words = allotment.words(person)
    return {"words": words, "is_news": allotment.is_news(person)} if words else None


def _asked(person: Participant, at: datetime) -> Ask | None:
    """Before allocation the journey knows what is next; afterwards all that is due stands in the
    lists.
    """
    return journey.advance(person, at) if person.state in {"screening", "consented"} else None


class CallTimesShape(serializers.Serializer):
    times = serializers.ListField(
        child=serializers.ChoiceField(choices=week.TIMES),
        help_text="Day parts; an empty list means no preference.",
    )


class CallTimesView(APIView):
    """Asked in every arm alike, before anybody knows the arm."""

    @reads("call_times_read", "When the person would rather be called", CallTimesShape)
    def get(self, request: Request) -> Response:
        person = doors.in_the_study(request)
        identity = (
            Identity.objects.filter(participant=person).select_related("participant__key").first()
        )
        return Response({"times": identity.call_times if identity else []})

    @writes(
        "call_times",
        "Set when the person would rather be called",
        CallTimesShape,
        shapes.ProgressShape,
    )
    def put(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        chosen = doors.given(CallTimesShape, request)["times"]
        own_details.set_call_times(
            participant=person,
            times=chosen,
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class PhoneShape(serializers.Serializer):
    phone = PhoneNumberField()


class PhoneView(APIView):
    """The number at which the study reaches the participant."""

    @reads("phone_read", "The participant's own phone number", PhoneShape)
    def get(self, request: Request) -> Response:
        person = doors.in_the_study(request)
        identity = (
            Identity.objects.filter(participant=person).select_related("participant__key").first()
        )
        return Response({"phone": identity.phone if identity else ""})

    @writes("phone", "Correct the participant's own phone number", PhoneShape, shapes.ProgressShape)
    def put(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        chosen = doors.given(PhoneShape, request, country=person.version.protocol.country)
        own_details.correct_contact(
            participant=person,
            phone=chosen["phone"],
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class ZoneShape(serializers.Serializer):
    timezone = serializers.CharField(
        max_length=40, help_text="A name of the IANA list, such as Europe/Amsterdam."
    )


class ZoneView(APIView):
    """Where the participant is, by the clock: for the hours of mails and the times on their
    pages.
    """

    @reads("zone_read", "The participant's time zone", ZoneShape)
    def get(self, request: Request) -> Response:
        return Response({"timezone": doors.in_the_study(request).timezone})

    @writes("zone", "Set the participant's time zone", ZoneShape, shapes.ProgressShape)
    def put(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        chosen = doors.given(ZoneShape, request)["timezone"]
        person = own_details.choose_zone(
            participant=person,
            timezone=chosen,
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class LanguageShape(serializers.Serializer):
    language = serializers.CharField(
        max_length=10, help_text="One of the languages in which the study is open."
    )


class LanguageView(APIView):
    """The language of everything the participant reads."""

    @writes(
        "language",
        "Choose the language of lessons and questions",
        LanguageShape,
        shapes.ProgressShape,
    )
    def put(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        language = doors.given(LanguageShape, request)["language"]
        person = own_details.choose_language(
            participant=person,
            language=language,
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class LeavingReason(serializers.Serializer):
    reason = serializers.ChoiceField(choices=list(LEAVING_REASONS), default="", allow_blank=True)


class WithdrawView(APIView):
    @writes(
        "withdraw",
        "Leave the study; what was given until now stays",
        LeavingReason,
        shapes.ProgressShape,
    )
    def post(self, request: Request) -> Response:
        person, at = doors.participant_of(request), timezone.now()
        participants.withdraw(
            participant=person,
            reason=doors.given(LeavingReason, request)["reason"],
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class StopProgrammeView(APIView):
    @writes(
        "stop_programme",
        "Stop with the lessons and stay in the study",
        LeavingReason,
        shapes.ProgressShape,
    )
    def post(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        if programme.access(person) is None:
            raise Http404
        programme_actions.stop_programme(
            participant=person,
            reason=doors.given(LeavingReason, request)["reason"],
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)
