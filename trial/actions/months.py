"""Counting a month once it is over: what was done of what was planned, for whoever may not know the
arms.

Figures of calls, use and mails hang on the arm. From day to day, with the dates of allocation
beside them, they tell whom an arm has; so they are told by the month alone, as a share in whole
tens, kept as counted once, and only of a month in which enough people were randomised.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from trial import audit, hooks, months
from trial.actors import Actor
from trial.models import MonthlyShare, Participant, Study


@transaction.atomic
def count(*, study: Study, month: date, by: Actor, at: datetime) -> bool:
    """Keep the shares of a month that is over; False where they are kept already."""
    Study.held().get(pk=study.pk)
    if MonthlyShare.objects.filter(study=study, month=month).exists():
        return False
    timezone = study.current.protocol.timezone
    begins_at, ends_at = (months.begins_at(each, timezone) for each in (month, months.after(month)))
    randomised = Participant.objects.filter(
        study=study, randomised_at__gte=begins_at, randomised_at__lt=ends_at
    ).count()
    shares = {
        what: months.in_tens(*hooks.MONTHLY[what](study, begins_at, ends_at))
        if randomised >= months.ENOUGH
        else None
        for what in hooks.MONTHLY
    }
    MonthlyShare.objects.bulk_create(
        MonthlyShare(study=study, month=month, what=what, percent=percent, counted_at=at)
        for what, percent in shares.items()
    )
    audit.record(study, "month counted", subject=f"{month:%Y-%m}", new=shares, by=by, at=at)
    return True
