"""The people of a study by their code: state, site and dates. Never a name, never an arm."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from trial import actors
from trial.accepted import check
from trial.actions import lost_mailbox
from trial.actions import participants as actions
from trial.actors import Actor
from trial.api import doors, shapes
from trial.api.agreements import AgreementShape
from trial.api.described import PAGE, reads, writes
from trial.api.errors import NotHere
from trial.api.fields import EmailAddressField
from trial.models import Alert, Participant, Study
from trial.queries import participants, proposals
from trial.requests import Request
from trial.words import ERASE_REASONS, MAILBOX_REASONS

FILTERS = [
    OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.QUERY, description="Narrows the list."
    )
    for name in ("state", "site", "code")
]


class Filters(serializers.Serializer):
    """What narrows the list. The context holds, by filter, the choices that this study has."""

    state = serializers.CharField(required=False, allow_blank=True)
    site = serializers.CharField(required=False, allow_blank=True)
    code = serializers.CharField(required=False, allow_blank=True, max_length=12)

    def validate(self, given: dict[str, str]) -> dict[str, str]:
        check(
            {
                name: _unknown(given[name], choices)
                for name, choices in self.context.items()
                if given.get(name)
            }
        )
        return given


def _unknown(choice: str, choices: dict[str, Any]) -> Any:
    return None if choice in choices else _("Choose one of the answers")


class PersonShape(serializers.Serializer):
    code = serializers.CharField()
    state = serializers.CharField()
    site = serializers.CharField()
    began_at = serializers.DateTimeField()
    consented_at = serializers.DateTimeField(allow_null=True)
    randomised_at = serializers.DateTimeField(allow_null=True)
    left_at = serializers.DateTimeField(allow_null=True)
    simulated = serializers.BooleanField()


class PeoplePage(shapes.Page):
    results = PersonShape(many=True)


class PeopleView(APIView):
    @reads("people", "The people of a study, newest first", PeoplePage, PAGE, *FILTERS)
    def get(self, request: Request, slug: str) -> Response:
        study, _by = doors.study_for(request, slug, "participants")
        filters = Filters(data=request.query_params, context=participants.filters(study))
        filters.is_valid(raise_exception=True)
        wanted = {name: text.strip() for name, text in filters.validated_data.items()}
        page = doors.paged(participants.listed(study, **wanted), request)
        page["results"] = [_person(each, study) for each in page["results"]]
        return Response(PeoplePage(page).data)


def _person(person: Participant, study: Study) -> dict[str, Any]:
    site = study.current.protocol.site_of(person.site)
    return {
        **shapes.facts(PersonShape, person),
        "state": participants.shown_state(person, study),
        "site": site,
    }


class EraseReason(serializers.Serializer):
    reason = serializers.ChoiceField(choices=list(ERASE_REASONS))


class EraseView(APIView):
    @writes(
        "person_erase",
        "Erase who somebody is; the code and the research data stay",
        EraseReason,
        None,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        study, by = doors.study_for(request, slug, "erase")
        person = get_object_or_404(Participant, study=study, code=code)
        reason = doors.given(EraseReason, request)["reason"]
        at = timezone.now()
        key = doors.key(request)
        if Alert.objects.filter(participant=person).exclude(state="closed").exists():
            raise NotHere("Close the open alerts of this person first.")
        if person.erased_at is None:
            _leave(person, key, by, at)
            actions.erase(participant=person, reason=reason, key=key, by=by, at=at)
        return Response(status=204)


class OtherAddress(serializers.Serializer):
    email = EmailAddressField()
    reason = serializers.ChoiceField(choices=list(MAILBOX_REASONS))


class OtherAddressView(APIView):
    @writes(
        "person_address",
        "Ask for another e-mail address of somebody who lost their mailbox; a second person calls "
        "them and agrees",
        OtherAddress,
        AgreementShape,
        status=201,
    )
    def post(self, request: Request, slug: str, code: str) -> Response:
        study, _by = doors.study_for(request, slug, "ask_address")
        person = get_object_or_404(Participant, study=study, code=code)
        user = request.user
        role = proposals.role_for(user, study, "ask_address", prefers_knowing=True)
        asked = lost_mailbox.ask(
            participant=person,
            **doors.given(OtherAddress, request),
            key=doors.key(request),
            by=actors.staff(user.pk, role),
            at=timezone.now(),
        )
        return Response(AgreementShape(asked).data, status=201)


def _leave(person: Participant, key: str | None, by: Actor, at: datetime) -> None:
    """Whoever is still in the study leaves it first: nobody is asked or called without a key to
    read them by.
    """
    if person.is_in_study:
        actions.withdraw(participant=person, reason="erased", key=key, by=by, at=at)
    elif person.state == "screening":
        actions.turn_away(
            participant=person,
            stage="screening",
            reason="erased",
            stopped=True,
            key=key,
            by=by,
            at=at,
        )
