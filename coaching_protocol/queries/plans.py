"""The coaching protocol of a participant, parsed once per version."""

from __future__ import annotations

from coaching_protocol.sections import Coaching, Protocol
from trial.models import ProtocolVersion

_by_content: dict[str, Coaching] = {}


def protocol(version: ProtocolVersion, code: str) -> Protocol:
    if version.sha256 not in _by_content:
        _by_content[version.sha256] = Coaching.model_validate(version.section("coaching"))
    return _by_content[version.sha256].protocols[code]
