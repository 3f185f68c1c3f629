"""What the calls and tries of one person come to, worked out of the rows themselves: what a
CallSummary holds.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from coaching_protocol.models import Attempt, CoachingPlan, Contact


def of(plan: CoachingPlan) -> dict[str, Any]:
    """Every column of the summary of these calls, by name, but whose it is and who coaches."""
    contacts = list(Contact.objects.filter(plan=plan))
    tries = list(
        Attempt.objects.filter(contact__plan=plan)
        .order_by("logged_at", "pk")
        .only("contact", "started_at", "logged_at", "outcome", "minutes")
    )
    return {
        "is_ended": plan.ended_at is not None,
        **_next(contacts, tries),
        **_sums(contacts, [each for each in tries if each.logged_at], _left_on(plan)),
    }


def _left_on(plan: CoachingPlan) -> date | None:
    if plan.ended_at is None:
        return None
    zone = ZoneInfo(plan.participant.version.protocol.timezone)
    return plan.ended_at.astimezone(zone).date()


def _next(contacts: list[Contact], tries: list[Attempt]) -> dict[str, Any]:
    """The first call that is planned, before all others one that was begun."""
    begun = {each.contact_id for each in tries if each.logged_at is None}
    planned = [each for each in contacts if each.state == "planned"]
    call = min(planned, key=lambda each: (each.pk not in begun, each.number), default=None)
    if call is None:
        names = ("number", "opens_on", "closes_on", "appointment_at")
        return {**dict.fromkeys(names), "is_begun": False}
    agreed = call.appointment_at
    is_used_up = agreed is not None and any(
        each.contact_id == call.pk and each.started_at >= agreed for each in tries
    )
    return {
        "number": call.number,
        "opens_on": call.opens_on,
        "closes_on": call.closes_on,
        "appointment_at": None if is_used_up else agreed,
        "is_begun": call.pk in begun,
    }


def _sums(contacts: list[Contact], logged: list[Attempt], left_on: date | None) -> dict[str, Any]:
    """Of tries in the order in which they were logged."""
    numbers = {each.contact_id for each in logged}
    tried = [each for each in contacts if each.state == "held" or each.pk in numbers]
    cancelled = [each for each in contacts if each.state == "cancelled"]
    standing = [each.due_on for each in tried if each not in cancelled]
    reached = [each for each in logged if each.outcome == "reached"]
    return {
        "last_tried_at": logged[-1].started_at if logged else None,
        "held": sum(each.state == "held" for each in contacts),
        "tried": len(tried),
        "tried_until": max(standing, default=None),
        "cancelled_late": sum(
            each in tried or (left_on is not None and each.due_on <= left_on) for each in cancelled
        ),
        "conversations": len(reached),
        "minutes": sum(each.minutes or 0 for each in reached),
    }
