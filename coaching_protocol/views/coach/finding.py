"""The first things every page of the desk does: find the plan, know who asks and as what."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest

from coaching_protocol.models import CoachingPlan
from coaching_protocol.queries import caseload as reads
from trial import actors, permissions
from trial.actors import Actor
from trial.models import User


def find(request: HttpRequest, code: str, *, also_ended: bool = False) -> CoachingPlan:
    """The plan of somebody in this caseload; anybody else's does not exist."""
    plan = reads.find(user(request), code, also_ended=also_ended)
    if plan is None:
        raise Http404
    return plan


def user(request: HttpRequest) -> User:
    """Whoever came through the door of this room is signed in."""
    return cast(User, request.user)


def actor(request: HttpRequest, plan: CoachingPlan) -> Actor:
    return actors.staff(user(request).pk, permissions.check_may(user(request), plan.study, "coach"))
