"""What a reader must know of the order of things: the lock of design and plan, registration, the first allocation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Min

from outcomes.queries import definitions
from reports.dataset import Conduct, PartialTimepoint, Registration
from trial.models import Participant, ProtocolVersion, Study


def of(study: Study, version: ProtocolVersion, *, by_arm: bool) -> Conduct | None:
    """Opening a study locks its design and analysis plan; later versions cannot change them."""
    first: datetime | None = Participant.objects.filter(study=study).aggregate(at=Min("randomised_at"))["at"]
    if study.opened_at is None or first is None:
        return None
    zone, registered = ZoneInfo(version.protocol.timezone), version.protocol.registration
    return Conduct(
        locked_at=study.opened_at.astimezone(zone),
        first_allocation_at=first.astimezone(zone),
        registration=Registration(registered.registry, registered.id, registered.on) if registered else None,
        partial=tuple(_partial(version, by_arm)),
    )


def _partial(version: ProtocolVersion, by_arm: bool) -> Iterator[PartialTimepoint]:
    protocol, assessments = version.protocol, definitions.assessments(version)
    planned = {arm: {entry.timepoint for entry in assessments.planned(protocol, arm)} for arm in protocol.arm_codes}
    for code in assessments.timepoint_codes:
        arms = tuple(arm for arm, points in planned.items() if code in points)
        if arms and len(arms) < len(planned):
            yield PartialTimepoint(code, arms if by_arm else ())
