"""Contacts that are due to a coach on a day. For the caseload and the rehearsal."""

from __future__ import annotations

from datetime import date

from coaching_protocol.models import Contact


def due_contacts(coach_id: int, study_id: int, on: date) -> list[Contact]:
    """Planned contacts of the coach's people that are due by `on`, the oldest first."""
    due = Contact.objects.filter(
        plan__assignments__coach=coach_id,
        plan__assignments__ended_at__isnull=True,
        plan__study=study_id,
        plan__ended_at__isnull=True,
        state="planned",
        due_on__lte=on,
    )
    numbers = list(
        due.order_by().values_list("pk", flat=True)
    )  # most days it is empty: a narrow question first
    if not numbers:
        return []
    whole = Contact.objects.filter(pk__in=numbers).select_related(
        "plan__participant__version", "plan__participant__study", "plan__participant__key"
    )
    return list(whole.order_by("due_on", "plan_id", "number"))
