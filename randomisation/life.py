"""The entries of randomisation in the lists of settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from randomisation.actions import allocations, seeds
from randomisation.models import Allocation
from randomisation.queries.tables import tables
from randomisation.sections import section
from trial.actions import grants
from trial.actors import SYSTEM
from trial.entries import Done, Outcome, Wait
from trial.models import Participant, Study

__all__ = ["allocation", "allotted", "granting", "opened", "section", "tables"]


def opened(study: Study, at: datetime) -> None:
    """When a study opens its seed is made, sealed and committed to."""
    seeds.make(study=study, by=SYSTEM, at=at)


def allocation(participant: Participant, at: datetime) -> Outcome:
    """Step: randomise as soon as the baseline is complete; while the study is paused, look again when it is not."""
    if participant.randomised_at:
        return Done()
    if participant.state != "consented":
        return Wait()
    if not participant.study.is_recruiting:
        return Wait()
    try:
        allocations.allocate(participant=participant, by=SYSTEM, at=at)
    except allocations.RandomisationPaused:  # paused between the question above and the lock
        return Wait()
    return Done()


def allotted(participant: Participant) -> Mapping[str, str]:
    """Entry of settings.ALLOTTED: what the person is told, by language; nothing before allocation.

    Somebody who reads on their own page what they were given is no look at an arm, so it leaves no event.
    """
    code = Allocation.objects.filter(participant=participant).values_list("arm", flat=True).first()
    arm = participant.version.protocol.arm(code) if code else None
    return arm.description if arm else {}


def granting(participant: Participant, at: datetime) -> Outcome:
    """Step: the allocation grants what its arm is given. A step of its own: a crash in between is mended by the next try."""
    if participant.state == "withdrawn":
        return Done()
    arm_code = Allocation.objects.filter(participant=participant).values_list("arm", flat=True).first()
    if arm_code is None:
        return Wait()
    arm = participant.version.protocol.arm(arm_code)
    assert arm is not None  # the sections agree on the arms
    access = [(grant.kind, grant.code, grant.opens.model_dump(mode="json", exclude_none=True)) for grant in arm.grants]
    grants.give(participant=participant, access=access, by=SYSTEM, at=at)
    return Done()
