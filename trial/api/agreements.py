"""What takes two people, for everybody who works on the study."""

from __future__ import annotations

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import actors, audiences
from trial.actions import agreements as actions
from trial.actions import lost_mailbox
from trial.api import doors
from trial.api.described import reads, writes
from trial.api.fields import EmailAddressField
from trial.models import Proposal, User
from trial.queries import notices, staff
from trial.queries import proposals as queries
from trial.requests import Request


class Decide(serializers.Serializer):
    agreed = serializers.BooleanField()
    called = serializers.BooleanField(
        default=False,
        help_text="To agree to an address: you called the number on record and spoke with the "
        "person.",
    )
    email = EmailAddressField(
        default="",
        allow_blank=True,
        help_text="To agree to an address: the new one, as the person told you.",
    )


class AgreementShape(serializers.Serializer):
    number = serializers.IntegerField(source="pk")
    study = serializers.CharField(source="study.slug")
    kind = serializers.CharField(help_text="role, lock or address.")
    participant = serializers.CharField(
        source="participant.code",
        default=None,
        help_text="Whose address; null for a role or a lock.",
    )
    says = serializers.SerializerMethodField(help_text="What is asked, in words.")
    by = serializers.CharField()
    at = serializers.DateTimeField()
    until_at = serializers.DateTimeField()
    passes_alone = serializers.BooleanField(
        help_text="Nobody could agree: it takes effect at until_at if nobody says no."
    )
    agreed = serializers.BooleanField(
        source="decision.is_agreed", default=None, help_text="null while it waits."
    )
    decided_by = serializers.CharField(source="decision.by", default=None)
    decided_at = serializers.DateTimeField(source="decision.at", default=None)

    due_at = serializers.DateTimeField(
        source="address_change.due_at",
        default=None,
        help_text="An address changes not before this, nor before the old one has been told for 48 "
        "hours.",
    )
    changed_at = serializers.DateTimeField(
        source="address_change.changed_at",
        default=None,
        help_text="When it changed; null where it has not.",
    )

    def get_says(self, proposal: Proposal) -> str:
        return notices.what(proposal, staff.names([proposal.by]))


class AgreementsView(APIView):
    @reads("agreements", "What takes two people in your studies", AgreementShape(many=True))
    def get(self, request: Request) -> Response:
        found = queries.of_staff(_person(request))[: queries.RECENT]
        return Response(AgreementShape(found, many=True).data)


class AgreementView(APIView):
    @writes(
        "agreement",
        "Agree as the second person, say no, or take back what you asked",
        Decide,
        AgreementShape,
    )
    def post(self, request: Request, number: int) -> Response:
        person = _person(request)
        proposal, given = _find(person, number), doors.given(Decide, request)
        of_address = (
            {"called": given["called"], "email": given["email"]}
            if proposal.kind == "address"
            else {}
        )
        actions.decide(
            proposal=proposal,
            is_agreed=given["agreed"],
            **of_address,
            key=doors.key(request),
            by=actors.staff(person.pk, queries.role_in(person, proposal)),
            at=timezone.now(),
        )
        return Response(AgreementShape(queries.of_staff(person).get(pk=number)).data)


class NumberShape(serializers.Serializer):
    name = serializers.CharField()
    phone = serializers.CharField()
    language = serializers.CharField()
    changed_at = serializers.DateTimeField(
        allow_null=True, help_text="When the number last changed, if it ever did."
    )


class NumberView(APIView):
    @writes(
        "agreement_number",
        "Name and number of whoever lost their mailbox; recorded each time",
        None,
        NumberShape,
    )
    def post(self, request: Request, number: int) -> Response:
        person = _person(request)
        proposal = _find(person, number)
        if proposal.kind != "address":
            raise Http404
        by = actors.staff(person.pk, queries.role_in(person, proposal))
        key, at = doors.key(request), timezone.now()
        return Response(
            NumberShape(lost_mailbox.show_number(proposal=proposal, key=key, by=by, at=at)).data
        )


def _find(person: User, number: int) -> Proposal:
    found = queries.of_staff(person).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _person(request: Request) -> User:
    """Whoever asks, if they are staff: 404 for others, as in the room of staff."""
    if not audiences.works_here(request._request):
        raise Http404
    return request.user
