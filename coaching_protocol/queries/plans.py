"""The coaching protocol of a participant, parsed once per version."""

from __future__ import annotations

from functools import lru_cache

from coaching_protocol.sections import Coaching, Protocol
from trial.models import ProtocolVersion


@lru_cache(maxsize=64)
def _parsed(version_id: int, sha256: str) -> Coaching:
    return Coaching.model_validate(ProtocolVersion.objects.get(pk=version_id).section("coaching"))


def protocol(version: ProtocolVersion, code: str) -> Protocol:
    return _parsed(version.pk, version.sha256).protocols[code]
