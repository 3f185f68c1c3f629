"""The rows that an address names, and who does it."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.serializers import Serializer

from randomisation.models import Allocation
from randomisation.permissions import sees_point
from randomisation.queries import proposals
from trial import permissions as trial_permissions
from trial.actors import Actor
from trial.api import doors
from trial.models import Participant, Proposal, Study
from trial.requests import Request


def person(study: Study, code: str) -> Participant:
    return get_object_or_404(
        Participant.objects.select_related("version", "study", "key"), study=study, code=code
    )


def check_point(request: Request, study: Study, point: str) -> None:
    """404 at a stage for whoever is not to know who is randomised again: any other answer would
    tell.
    """
    may = (
        {"stage_exceptions"}
        if trial_permissions.may(request.user, study, "stage_exceptions")
        else set()
    )
    if not sees_point(study, point, may):
        raise Http404


def allocation(request: Request, study: Study, code: str, point: str) -> Allocation:
    check_point(request, study, point)
    rows = Allocation.objects.select_related(
        "participant__version", "participant__study", "participant__key"
    )
    return get_object_or_404(rows, study=study, participant__code=code, point=point)


def about(
    request: Request, slug: str, code: str, what: str, takes: type[Serializer]
) -> dict[str, Any]:
    """What an action about one allocation is given: by whoever may do `what`, of the person and
    point that are named.
    """
    study, by = doors.study_for(request, slug, what)
    given = doors.given(takes, request)
    return {
        "allocation": allocation(request, study, code, given.pop("point")),
        **given,
        **who(request, by),
    }


def proposal(request: Request, study: Study, number: int) -> Proposal:
    found = proposals.found(study, number)
    if found is None:
        raise Http404
    check_point(request, study, found.point)
    return found


def who(request: Request, by: Actor) -> dict[str, Any]:
    return {"key": doors.key(request), "by": by, "at": timezone.now()}
