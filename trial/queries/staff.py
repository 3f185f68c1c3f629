"""Invitations of staff, and their names, for pages only: the audit trail and the rows keep the number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from trial.models import Invitation, Study, User


def standing(at: datetime) -> QuerySet[Invitation]:
    """Invitations whose link works."""
    return Invitation.objects.filter(accepted_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=at)


def unanswered(study: Study) -> QuerySet[Invitation]:
    """Invitations to a study that were neither accepted nor withdrawn, newest first; some are over."""
    found = Invitation.objects.filter(study=study, accepted_at__isnull=True, withdrawn_at__isnull=True)
    return found.order_by("-invited_at", "-pk")


def names(actors: Iterable[str]) -> dict[str, str]:
    """Names by actor such as `staff 3`; whoever is no staff stays out."""
    numbers = {actor.removeprefix("staff ") for actor in actors if actor.startswith("staff ")}
    if not numbers:
        return {}
    people = User.objects.filter(pk__in=numbers).values_list("pk", "full_name", "email")
    return {f"staff {pk}": name or email for pk, name, email in people}
