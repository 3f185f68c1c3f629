"""Looking at arms is something that happens: it has a reason, a person and an audit event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from randomisation.models import FIRST, Allocation
from trial import audit
from trial.actors import Actor
from trial.models import Study


class ReasonMissing(Exception):
    """A look at an arm needs a reason."""


@dataclass(frozen=True)
class Look:
    """That it was recorded that every arm of a study is looked at. Only `look` makes one."""

    study: Study


@transaction.atomic
def look(*, study: Study, reason: str, by: Actor, at: datetime) -> Look:
    """One event for every arm of a study. What is read afterwards may take long, and holds nothing
    that this has locked.
    """
    if not reason.strip():
        raise ReasonMissing
    audit.record(study, "all arms looked at", subject=study.slug, reason=reason, by=by, at=at)
    return Look(study)


@transaction.atomic
def replay(*, study: Study, reason: str, by: Actor, at: datetime) -> None:
    """That every draw is about to be made again, from the seed, with every arm in it."""
    if not reason.strip():
        raise ReasonMissing
    audit.record(study, "all draws made again", subject=study.slug, reason=reason, by=by, at=at)


def arms(of: Look) -> dict[str, str]:
    """Every arm of a study, as randomised at first, by participant code."""
    rows = Allocation.objects.filter(study=of.study, point=FIRST)
    return dict(rows.values_list("participant__code", "arm"))
