"""The coaching protocol of a participant, parsed once per version."""

from __future__ import annotations

from coaching_protocol.models import CoachingPlan
from coaching_protocol.sections import Coaching, Protocol
from trial.models import ProtocolVersion, Study

_by_content: dict[str, Coaching] = {}


def protocol(version: ProtocolVersion, code: str) -> Protocol:
    if version.sha256 not in _by_content:
        _by_content[version.sha256] = Coaching.model_validate(version.section("coaching"))
    return _by_content[version.sha256].protocols[code]


def going_on(study: Study) -> list[CoachingPlan]:
    """Of people who have calls to come, whoever began first first."""
    found = CoachingPlan.objects.filter(
        study=study, ended_at__isnull=True, contacts__state="planned"
    )
    return list(found.distinct().order_by("planned_at", "pk"))
