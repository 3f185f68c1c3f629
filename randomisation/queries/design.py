"""The design of a randomisation point, put together from the protocol version and its sealed
part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from randomisation import methods, stream
from randomisation.models import FIRST
from randomisation.sections import FROM, whole_plan
from trial import vault
from trial.models import Participant, ProtocolVersion

MOST_KNOWN = 64
_known: dict[tuple[str, str], Design] = {}


@dataclass(frozen=True)
class Design:
    """One point: its whole plan, the sealed restriction included, and what follows from it. Never
    to be shown.
    """

    point: str
    plan: dict[str, Any]
    rule: methods.Rule

    @property
    def factors(self) -> tuple[str, ...]:
        """What of a person is looked at, in the order of the plan; for a stage first the arm they
        come from.
        """
        own = (*self.plan["strata"], *self.plan.get("factors", {}))
        return own if self.point == FIRST else (FROM, *own)

    def digest(self, seed: bytes) -> str:
        """What is published of the plan and names it in every key."""
        return stream.design_digest(seed, canonical(self.plan))

    def scope(self, covariates: Mapping[str, str]) -> str:
        """Whose history counts: a stratum's text; for a rule that reads across strata always the
        same.
        """
        return stream.stratum_text(covariates) if self.rule.scope == "stratum" else ""


def of(version: ProtocolVersion, point: str = FIRST) -> Design:
    """Worked out once per process: a version never changes, and its hash says what is in it."""
    found = _known.get((version.sha256, point))
    if found is None:
        found = _design(version, point)
        while len(_known) >= MOST_KNOWN:
            _known.pop(next(iter(_known)))
        _known[version.sha256, point] = found
    return found


def points(version: ProtocolVersion) -> tuple[str, ...]:
    """The first randomisation and the stages, in order."""
    return (FIRST, *(stage["code"] for stage in version.section("randomisation").get("stages", ())))


def plan(version: ProtocolVersion, point: str = FIRST) -> dict[str, Any]:
    """The whole plan, the sealed restriction included. Never to be shown."""
    return of(version, point).plan


def rule(version: ProtocolVersion, point: str = FIRST) -> methods.Rule:
    return of(version, point).rule


def covariates(participant: Participant, point: str = FIRST, *, origin: str = "") -> dict[str, str]:
    """The factors of a person as they stand now; `origin` is the arm that somebody in a stage comes
    from.
    """
    factors = of(participant.version, point).factors
    return {factor: origin if factor == FROM else answer(participant, factor) for factor in factors}


def stratum(participant: Participant) -> str | None:
    """Theirs at the first point as things stand now; None while a question that it hangs on is not
    answered.
    """
    try:
        return of(participant.version).scope(covariates(participant))
    except KeyError:
        return None


def answer(participant: Participant, code: str) -> str:
    """What somebody answered to a question; a site also where there is one only and nobody was
    asked.
    """
    protocol = participant.version.protocol
    question = protocol.question(code)
    if question is not None and question.kind == "site":
        return protocol.site_of(participant.site)
    return str(participant.answers[code])


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _design(version: ProtocolVersion, point: str) -> Design:
    section = version.section("randomisation")
    restriction = json.loads(vault.unseal(version.sealed)).get("randomisation", {})
    if point == FIRST:
        plan = whole_plan(
            section, {name: value for name, value in restriction.items() if name != "stages"}
        )
    else:
        stage = next(stage for stage in section["stages"] if stage["code"] == point)
        plan = {**whole_plan(stage, restriction["stages"][point]), "point": point}
    rule = methods.build({name: value for name, value in plan.items() if name != "point"})
    return Design(point, plan, rule)
