"""What a reader must know of the order of things: the lock of design and plan, registration, the
first allocation.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from outcomes.queries import definitions
from reports.dataset import Conduct, Given, PartialTimepoint, Registration
from trial.models import ProtocolVersion, Study
from trial.queries import proposals, roles


def of(study: Study, version: ProtocolVersion, *, by_arm: bool) -> Conduct | None:
    """Opening a study locks its design and analysis plan; later versions cannot change them."""
    first = proposals.first_allocation(study)
    if study.opened_at is None or first is None:
        return None
    zone, registered = ZoneInfo(version.protocol.timezone), version.protocol.registration
    return Conduct(
        locked_at=study.opened_at.astimezone(zone),
        first_allocation_at=first.astimezone(zone),
        registration=Registration(registered.registry, registered.id, registered.on)
        if registered
        else None,
        partial=tuple(_partial(version, by_arm)),
        given=() if study.simulated else tuple(_given(study, zone)),
    )


def _given(study: Study, zone: ZoneInfo) -> Iterator[Given]:
    """Every role in the order in which they were given, and the lock: who asked, and who agreed."""
    for row in sorted(roles.given(study), key=lambda row: (row.since_at, row.pk)):
        yield Given(
            what=row.role,
            to=f"staff {row.user_id}",
            since=row.since_at.astimezone(zone).date(),
            until=row.ended_at.astimezone(zone).date() if row.ended_at else None,
            ground=roles.ground(row),
            asked_by=roles.asker(row),
            agreed_by=roles.second(row),
        )
    lock = proposals.agreed(study, "lock")
    if lock:
        alone = lock.decision.by.startswith("system")
        on = lock.decision.at.astimezone(zone).date()
        ground, second = ("waited", "") if alone else ("agreed", lock.decision.by)
        yield Given("lock", "", on, None, ground, lock.by, second)


def _partial(version: ProtocolVersion, by_arm: bool) -> Iterator[PartialTimepoint]:
    protocol, assessments = version.protocol, definitions.assessments(version)
    planned = {
        arm: {entry.timepoint for entry in assessments.planned(protocol, arm)}
        for arm in protocol.arm_codes
    }
    for code in assessments.timepoint_codes:
        arms = tuple(arm for arm, points in planned.items() if code in points)
        if arms and len(arms) < len(planned):
            yield PartialTimepoint(code, arms if by_arm else ())
