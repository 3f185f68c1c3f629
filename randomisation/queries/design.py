"""The design of a study's randomisation, put together from the protocol version and its sealed part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from randomisation import methods, stream
from trial import vault
from trial.models import Participant, ProtocolVersion


def plan(version: ProtocolVersion) -> dict[str, Any]:
    """The whole plan, the sealed restriction included. Never to be shown."""
    sealed = json.loads(vault.unseal(version.sealed))
    return {**version.section("randomisation"), **sealed.get("randomisation", {})}


def rule(version: ProtocolVersion) -> methods.Rule:
    whole = plan(version)
    return methods.build({key: value for key, value in whole.items() if key != "strata"})


def digest(version: ProtocolVersion) -> str:
    """SHA-256 of the canonical design."""
    return hashlib.sha256(json.dumps(plan(version), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def covariates(participant: Participant) -> dict[str, str]:
    """The stratification factors of a person, as they stand now."""
    values: Mapping[str, Any] = participant.answers
    factors = participant.version.section("randomisation").get("strata", [])
    return {factor: str(participant.site if factor == "site" else values[factor]) for factor in factors}


def stratum_name(factors: Mapping[str, str]) -> str:
    return stream.stratum_text(factors)
