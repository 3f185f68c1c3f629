"""Contacts that are due to a coach on a day. For the caseload and the rehearsal."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from coaching_protocol.models import Contact
from trial.prepared import prepared


def due_contacts(coach_id: int, study_id: int, on: date) -> list[Contact]:
    """Planned contacts of the coach's people that are due by `on`, the oldest first."""
    return _due(coach_id, study_id, on)


@prepared
def _due(coach: int, study: int, on: date) -> QuerySet[Contact]:
    found = Contact.objects.filter(
        plan__assignments__coach=coach,
        plan__assignments__ended_at__isnull=True,
        plan__study=study,
        plan__ended_at__isnull=True,
        state="planned",
        due_on__lte=on,
    ).select_related(
        "plan__participant__version", "plan__participant__study", "plan__participant__key"
    )
    return found.order_by("due_on", "plan_id", "number")
