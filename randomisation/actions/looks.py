"""Looking at arms is something that happens: it has a reason, a person and an audit event."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from randomisation.models import FIRST, Allocation
from trial import audit
from trial.actors import Actor
from trial.models import Study


class ReasonMissing(Exception):
    """A look at an arm needs a reason."""


@transaction.atomic
def arms_of(*, study: Study, reason: str, by: Actor, at: datetime) -> dict[str, str]:
    """Every arm of a study, as randomised at first, by participant code, with one event for all."""
    if not reason.strip():
        raise ReasonMissing
    audit.record(study, "all arms looked at", subject=study.slug, reason=reason, by=by, at=at)
    rows = Allocation.objects.filter(study=study, point=FIRST).values_list(
        "participant__code", "arm"
    )
    return dict(rows)
