"""Keeping the summary of a person's calls: within the transaction of whatever changes them."""

from __future__ import annotations

from coaching_protocol.models import CallSummary, CoachingPlan
from coaching_protocol.queries import summaries


def begin(plan: CoachingPlan) -> None:
    CallSummary.objects.create(plan=plan, study=plan.study, **summaries.of(plan))


def renew(plan: CoachingPlan) -> None:
    """To be called last, with the person held: two who change the calls of one person at once would
    each miss what the other did. Who coaches is no part of it, and is written with the assignment.
    """
    CallSummary.objects.filter(plan=plan).update(**summaries.of(plan))
