"""Allocation: lock first, then read, then draw."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from django.db import connection

from randomisation import stream
from randomisation.actions import seeds
from randomisation.models import Allocation, Scope, SealedSeed
from randomisation.queries import design
from trial import audit
from trial.actions import participants
from trial.actions.once import once
from trial.actors import Actor
from trial.models import Participant, Study


class AlreadyRandomised(Exception):
    """The person has an allocation; it never changes."""


class NotEligible(Exception):
    """Only somebody who consented and is in the study is randomised."""


class RandomisationPaused(Exception):
    """The study is not open, so no allocation can be in flight."""


class WrongIsolation(Exception):
    """On PostgreSQL a lock protects only under READ COMMITTED: an older snapshot would not see the last allocation."""


@once
def allocate(*, participant: Participant, by: Actor, at: datetime) -> str:
    """Allocate one participant. Returns nothing of the arm: only that it happened (the participant's code)."""
    _check_isolation()
    # The study row is locked against a pause at the same moment; the stratum row serialises the draws.
    study = Study.objects.select_for_update().get(pk=participant.study_id)
    if not study.is_recruiting:
        raise RandomisationPaused(study.state)
    people = Participant.objects.select_for_update(of=("self",), no_key=True).select_related("version", "study")
    participant = people.get(pk=participant.pk)
    if Allocation.objects.filter(participant=participant).exists():
        raise AlreadyRandomised(participant.code)
    if participant.state != "consented":
        raise NotEligible(participant.state)
    _draw(participant, study, by, at)
    participants.mark_randomised(participant=participant, by=by, at=at)
    return participant.code


def _draw(participant: Participant, study: Study, by: Actor, at: datetime) -> Allocation:
    factors = design.covariates(participant)
    name = design.stratum_name(factors)
    scope = _locked(study, name)
    history = list(
        Allocation.objects.filter(study=study, stratum=name).order_by("draw_index").values_list("arm", flat=True)
    )
    sealed = SealedSeed.objects.get(study=study)
    probabilities = design.rule(participant.version).probabilities(history)
    key = stream.key(seeds.opened_seed(sealed), sealed.design_digest, name)
    arm = stream.choose(probabilities, key, scope.next_index)
    allocation = Allocation.objects.create(
        participant=participant,
        study=study,
        stratum=name,
        draw_index=scope.next_index,
        arm=arm,
        probabilities={each: str(value) for each, value in probabilities.items()},
        covariates=factors,
        history_digest=hashlib.sha256(json.dumps(history).encode()).hexdigest(),
        design_digest=sealed.design_digest,
        version=participant.version.number,
        allocated_at=at,
    )
    Scope.objects.filter(pk=scope.pk).update(next_index=scope.next_index + 1)
    # The trail says that and where, never which arm.
    audit.record(
        participant,
        "allocated",
        subject=f"draw {allocation.draw_index} of its stratum",
        new={"design": allocation.design_digest},
        by=by,
        at=at,
    )
    return allocation


def _locked(study: Study, name: str) -> Scope:
    Scope.objects.get_or_create(study=study, name=name)
    return Scope.objects.select_for_update().get(study=study, name=name)


def _check_isolation() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        level = cursor.fetchone()[0]
    if level != "read committed":
        raise WrongIsolation(level)
