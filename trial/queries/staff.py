"""Names of staff, for pages only: the audit trail and the rows keep the number."""

from __future__ import annotations

from collections.abc import Iterable

from trial.models import User


def names(actors: Iterable[str]) -> dict[str, str]:
    """Names by actor such as `staff 3`; whoever is no staff stays out."""
    numbers = {actor.removeprefix("staff ") for actor in actors if actor.startswith("staff ")}
    if not numbers:
        return {}
    people = User.objects.filter(pk__in=numbers).values_list("pk", "full_name", "email")
    return {f"staff {pk}": name or email for pk, name, email in people}
