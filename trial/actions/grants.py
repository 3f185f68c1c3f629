"""Giving access, and opening what was given when its time has come. The only place where a grant is
written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from trial import anchors, audit, hooks, sections
from trial.actions import milestones
from trial.actors import WORKER, Actor
from trial.grants import Grant
from trial.models import Participant
from trial.prepared import prepared

AT_ONCE = {"anchor": "granted", "days": 0}


@transaction.atomic
def give(
    *,
    participant: Participant,
    access: Sequence[tuple[str, str, Mapping[str, Any] | None]],
    by: Actor,
    at: datetime,
) -> list[Grant]:
    """Give each (kind, code, opens) that the participant does not have yet, with what follows from
    it (settings.GRANTED).
    """
    given = []
    for kind, code, opens in access:
        grant, is_new = Grant.objects.get_or_create(
            participant=participant,
            kind=kind,
            code=code,
            defaults={"granted_at": at, "opens": dict(opens or AT_ONCE)},
        )
        if is_new:
            # The stream is readable by staff who may not know the arm: what was granted is sealed
            # with the person's key.
            sealed = participant.sealed(f"{kind}:{code}")
            audit.record(
                participant,
                "access granted",
                subject=f"grant {grant.pk}",
                new={"sealed": sealed},
                by=by,
                at=at,
            )
            _open_if_due(grant, at)
            for granted in hooks.GRANTED:
                granted(grant, at)
            given.append(grant)
    return given


def open_due(participant: Participant, at: datetime) -> tuple[bool, datetime | None]:
    """Open what has come due. Returns whether everything is open, and the next date that is known
    to matter.
    """
    later: list[datetime] = []
    all_open = True
    for grant in _unopened(participant.pk):
        grant.participant = participant  # in hand, and locked by the step
        if not _open_if_due(grant, at):
            all_open = False
            expected = _when(grant, at)[1]
            if expected and expected > at:
                later.append(expected)
    return all_open, min(later, default=None)


@prepared
def _unopened(person: int) -> QuerySet[Grant]:
    return Grant.objects.filter(participant=person, opens_at__isnull=True, ended_at__isnull=True)


@transaction.atomic
def finish_programme(*, participant: Participant, by: Actor, at: datetime) -> None:
    """Every module is done."""
    changed = Grant.objects.filter(
        participant=participant, kind="programme", finished_at__isnull=True
    ).update(finished_at=at)
    if changed:
        milestones.reach(participant=participant, name="programme_finished", by=by, at=at)


def end_all(participant: Participant, at: datetime) -> None:
    """Withdrawal: nothing that was granted goes on."""
    if Grant.objects.filter(participant=participant, ended_at__isnull=True).update(ended_at=at):
        audit.record(participant, "access ended", subject=participant.code, by=WORKER, at=at)


def _open_if_due(grant: Grant, at: datetime) -> bool:
    known, _ = _when(grant, at)
    if known is None or known > at:
        return False
    grant.opens_at = known
    grant.save(update_fields=["opens_at"])
    audit.record(
        grant.participant,
        "access opened",
        subject=f"grant {grant.pk}",
        new={"opens_at": known},
        by=WORKER,
        at=at,
    )
    return True


def _when(grant: Grant, at: datetime) -> tuple[datetime | None, datetime | None]:
    """When the grant opens if that is known by `at`, and the best present estimate."""
    expected = anchors.expected(
        sections.Opening.model_validate(grant.opens),
        randomised_at=grant.participant.randomised_at or grant.granted_at,
        granted_at=grant.granted_at,
        events=milestones.reached(grant.participant),
        timezone=grant.participant.version.protocol.timezone,
        at=at,
    )
    return (expected.opens_at if expected.certain else None), expected.opens_at
