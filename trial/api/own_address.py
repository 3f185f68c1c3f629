"""A participant's own name and e-mail address."""

from __future__ import annotations

import uuid

from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import limits, mail_door
from trial.actions import mailcodes, own_address
from trial.api import doors, shapes
from trial.api.described import reads, writes
from trial.api.errors import CodeOver, CodeWrong
from trial.api.fields import CodeDigitsField, EmailAddressField
from trial.mailcodes import VALID, Verdict
from trial.models import Identity, Participant
from trial.requests import Request


class NameShape(serializers.Serializer):
    name = serializers.CharField(max_length=120)


class AddressShape(serializers.Serializer):
    email = EmailAddressField()


class AddressSent(serializers.Serializer):
    valid_until = serializers.DateTimeField(help_text="A code is mailed to the new address.")


class AddressProved(AddressShape):
    code = CodeDigitsField()


class NameView(APIView):
    """What the participant is called. What they signed stays signed as it was."""

    @reads("name_read", "The participant's own name", NameShape)
    def get(self, request: Request) -> Response:
        return Response({"name": _identity(doors.in_the_study(request)).name})

    @writes("name", "Correct the participant's own name", NameShape, shapes.ProgressShape)
    def put(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        chosen = doors.given(NameShape, request)
        own_address.correct_name(
            participant=person,
            name=chosen["name"],
            key=doors.key(request),
            by=doors.actor_of(person),
            at=at,
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


class AddressView(APIView):
    """The address with which the participant signs in."""

    @reads("address_read", "The participant's own e-mail address", AddressShape)
    def get(self, request: Request) -> Response:
        return Response({"email": _identity(doors.in_the_study(request)).email})

    @writes("address", "Another address: mails a code to it", AddressShape, AddressSent)
    def post(self, request: Request) -> Response:
        person, at = doors.in_the_study(request), timezone.now()
        email = doors.given(AddressShape, request)["email"]
        door = doors.opened_mail_door(request, at)
        key = doors.key(request) or str(uuid.uuid4())
        about = mailcodes.ask_for_new_address(
            participant=person,
            email=email,
            language=person.language,
            key=key,
            allows=lambda: limits.may_mail(request._request, "proof", email, person=person.code),
            at=at,
        )
        mail_door.leaves_after_the_answer(request._request, about, door, at)
        return Response(AddressSent({"valid_until": about.asked_at + VALID}).data)


class AddressCodeView(APIView):
    @writes(
        "address_code",
        "The code that was mailed; the address changes",
        AddressProved,
        shapes.ProgressShape,
    )
    def post(self, request: Request) -> Response:
        person, at, key = doors.in_the_study(request), timezone.now(), doors.key(request)
        given = doors.given(AddressProved, request)
        verdict = mailcodes.judge_new_address(
            participant=person, email=given["email"], typed=given["code"], press=key or "", at=at
        )
        if verdict == Verdict.OVER:
            raise CodeOver
        if verdict == Verdict.WRONG:
            raise CodeWrong
        own_address.change(
            participant=person, email=given["email"], key=key, by=doors.actor_of(person), at=at
        )
        return Response(shapes.ProgressShape(shapes.progress(person, at)).data)


def _identity(person: Participant) -> Identity:
    return Identity.objects.select_related("participant__key").get(participant=person)
