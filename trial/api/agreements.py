"""What takes two people, for everybody who works on the study."""

from __future__ import annotations

from typing import cast

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import actors, audiences
from trial.actions import agreements as actions
from trial.api import doors
from trial.api.described import reads, writes
from trial.models import Proposal, User
from trial.queries import notices, staff
from trial.queries import proposals as queries


class Decide(serializers.Serializer):
    agreed = serializers.BooleanField()


class AgreementShape(serializers.Serializer):
    number = serializers.IntegerField(source="pk")
    study = serializers.CharField(source="study.slug")
    kind = serializers.CharField(help_text="role or lock.")
    says = serializers.SerializerMethodField(help_text="What is asked, in words.")
    by = serializers.CharField()
    at = serializers.DateTimeField()
    until_at = serializers.DateTimeField()
    passes_alone = serializers.BooleanField(
        help_text="Nobody could agree: it takes effect at until_at if nobody says no."
    )
    agreed = serializers.BooleanField(source="decision.is_agreed", default=None, help_text="null while it waits.")
    decided_by = serializers.CharField(source="decision.by", default=None)
    decided_at = serializers.DateTimeField(source="decision.at", default=None)

    def get_says(self, proposal: Proposal) -> str:
        return notices.what(proposal, staff.names([proposal.by]))


class AgreementsView(APIView):
    @reads("agreements", "What takes two people in your studies", AgreementShape(many=True))
    def get(self, request: Request) -> Response:
        found = queries.of_staff(_person(request))[: queries.RECENT]
        return Response(AgreementShape(found, many=True).data)


class AgreementView(APIView):
    @writes("agreement", "Agree as the second person, say no, or take back what you asked", Decide, AgreementShape)
    def post(self, request: Request, number: int) -> Response:
        person = _person(request)
        proposal = queries.of_staff(person).filter(pk=number).first()
        if proposal is None:
            raise Http404
        is_agreed = doors.given(Decide, request)["agreed"]
        by = actors.staff(person.pk, queries.role_in(person, proposal))
        actions.decide(proposal=proposal, is_agreed=is_agreed, key=doors.key(request), by=by, at=timezone.now())
        return Response(AgreementShape(queries.of_staff(person).get(pk=number)).data)


def _person(request: Request) -> User:
    """Whoever asks, if they are staff: 404 for others, as in the room of staff."""
    if not audiences.works_here(request._request):
        raise Http404
    return cast(User, request.user)
