"""The first two things every page of the research room does: find the study, check the
permission.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from trial import actors, permissions
from trial.models import Study, User
from trial.queries import studies
from trial.requests import PageRequest
from trial.views.posted import refuses_reused_keys as conflict_if_reused
from trial.views.posted import request_key as key

__all__ = ["conflict_if_reused", "key", "person", "study_for"]


def person(request: PageRequest) -> User:
    """Whoever is signed in: nobody else comes through the door of this room."""
    return request.user


def study_for(request: PageRequest, slug: str, what: str) -> tuple[Study, actors.Actor]:
    """The study, and this person in the role that allows `what`.

    404 for whoever has no role in the study, so that its existence is not told; PermissionDenied
    for the wrong role. Sets `request.study`, `request.may` (for the navigation) and the study's
    time zone.
    """
    try:
        study, roles = studies.in_hand(person(request), slug)
    except Study.DoesNotExist:
        raise Http404 from None
    allowing = [role for role in sorted(roles) if what in permissions.MAY[role]]
    if not allowing:
        raise PermissionDenied(f"none of this person's roles may {what}")
    request.study = study
    request.may = set().union(*(permissions.MAY[role] for role in roles))
    timezone.activate(ZoneInfo(study.current.protocol.timezone))
    return study, actors.staff(person(request).pk, allowing[0])
