"""The first things every page of the desk does: find the plan, know who asks and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404

from coaching_protocol.models import CoachingPlan
from coaching_protocol.queries import caseload as reads
from trial import actors, permissions
from trial.actors import Actor
from trial.models import User
from trial.requests import PageRequest

if TYPE_CHECKING:
    from coaching_protocol.queries.caseload import Coached


def find(request: PageRequest, code: str, *, also_ended: bool = False) -> Coached:
    """The plan of somebody in this caseload; anybody else's does not exist."""
    plan = reads.find(user(request), code, also_ended=also_ended)
    if plan is None:
        raise Http404
    return plan


def user(request: PageRequest) -> User:
    """Whoever came through the door of this room is signed in."""
    return request.user


def actor(request: PageRequest, plan: CoachingPlan) -> Actor:
    return actors.staff(user(request).pk, permissions.check_may(user(request), plan.study, "coach"))
