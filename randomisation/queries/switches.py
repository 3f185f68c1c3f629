"""What halts randomisation now. The newest event of each switch decides."""

from __future__ import annotations

from collections.abc import Sequence

from randomisation import stream
from randomisation.models import Switch
from randomisation.queries import design
from randomisation.sections import levels
from trial.models import ProtocolVersion

MOST_STRATA = 200  # more than these are not offered one by one


def halted(study: int, point: str, site: str, stratum: str) -> Switch | None:
    """The first switch that keeps anybody of this site and stratum from being allocated at this
    point. An arm that is halted, or coaches who are full, halt the whole point: to skip an arm
    would be to choose the next.
    """
    return next(
        (switch for switch in in_force(study) if _holds(switch, point, site, stratum)), None
    )


def _holds(switch: Switch, point: str, site: str, stratum: str) -> bool:
    if switch.point not in ("", point):
        return False
    match switch.level:
        case "site":
            return switch.target == site
        case "stratum":
            return switch.target == stratum
        case _:
            return True


def in_force(study: int, known: Sequence[Switch] | None = None) -> list[Switch]:
    """Everything that is halted, the oldest first; `known` are its events where they are at
    hand.
    """
    found = events(study) if known is None else known
    newest = {(each.level, each.point, each.target): each for each in found}
    return sorted((each for each in newest.values() if each.is_halted), key=lambda each: each.pk)


def events(study: int) -> list[Switch]:
    """Every time randomisation was halted or went on, the oldest first."""
    return list(Switch.objects.filter(study=study).order_by("pk"))


def targets(version: ProtocolVersion) -> dict[str, list[tuple[str, str]]]:
    """What can be halted at each level, as (code, name)."""
    protocol = version.protocol
    return {
        "study": [("", "")],
        "point": [(code, code) for code in design.points(version)],
        "site": [(site.code, site.name) for site in protocol.sites],
        "arm": [(code, code) for code in protocol.arm_codes],
        "stratum": [(name, name) for name in strata(version)],
    }


def strata(version: ProtocolVersion) -> list[str]:
    """Every stratum of the first point by its text; none where they are too many to choose from."""
    factors = version.section("randomisation").get("strata", [])
    named = stream.stratum_texts({factor: levels(version.protocol, factor) for factor in factors})
    return named if factors and len(named) <= MOST_STRATA else []
