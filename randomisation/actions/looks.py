"""Looking at arms is something that happens: it has a reason, a person and an audit event."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from randomisation.models import FIRST, Allocation
from trial import audit
from trial.actions.participants import check_code
from trial.actors import Actor
from trial.models import Participant, Study


class ReasonMissing(Exception):
    """A look at an arm needs a reason."""


@transaction.atomic
def arm_of(*, participant: Participant, reason: str, by: Actor, at: datetime) -> str | None:
    """The arm that one person was randomised to at first; None before allocation. The reason stands in their own trail, so
    it is a code."""
    if not reason.strip():
        raise ReasonMissing
    check_code(reason)
    audit.record(participant, "arm looked at", subject=participant.code, reason=reason, by=by, at=at)
    found = Allocation.objects.filter(participant=participant, point=FIRST)
    return found.values_list("arm", flat=True).first()


@transaction.atomic
def arms_of(*, study: Study, reason: str, by: Actor, at: datetime) -> dict[str, str]:
    """Every arm of a study, as randomised at first, by participant code, with one event for all."""
    if not reason.strip():
        raise ReasonMissing
    audit.record(study, "all arms looked at", subject=study.slug, reason=reason, by=by, at=at)
    rows = Allocation.objects.filter(study=study, point=FIRST).values_list("participant__code", "arm")
    return dict(rows)
