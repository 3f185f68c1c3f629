"""The randomisation points of a study as they stood when its seed was made, and the lists that
follow from the seed.

Only a rule that reads no further than its stratum has lists: minimisation and its like depend on
who comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from randomisation import merkle, methods, stream
from randomisation.models import FIRST, SealedSeed
from randomisation.queries import design
from randomisation.sections import levels
from trial.models import ProtocolVersion

# A list for each stratum as long as the whole trial, but no more leaves than this in all: opening
# stays a matter of seconds, and the positions beyond are left to the seed alone.
MOST_LEAVES = 20_000


@dataclass(frozen=True)
class Point:
    """One randomisation point: its whole plan, and how many positions of each stratum's list are
    committed to.
    """

    name: str
    digest: str
    plan: dict[str, Any]
    rule: methods.Rule
    levels: dict[str, tuple[str, ...]]  # of each stratification factor
    covered: int

    @property
    def strata(self) -> list[str]:
        return stream.stratum_texts(self.levels)


def sealed_version(sealed: SealedSeed) -> ProtocolVersion:
    """The protocol as the seed was made for it. A later one may have more sites; the lists stay."""
    version = (
        sealed.study.versions.filter(loaded_at__lte=sealed.made_at).order_by("-number").first()
    )
    assert version is not None  # no seed is made for a study that was never loaded
    return version


def points(version: ProtocolVersion, seed: bytes, most: int = MOST_LEAVES) -> list[Point]:
    found = [_point(version, name, seed) for name in design.points(version)]
    strata = sum(len(each.strata) for each in found if each.rule.scope == "stratum")
    return [_covered(each, version.protocol.target, most // max(strata, 1)) for each in found]


def _point(version: ProtocolVersion, name: str, seed: bytes) -> Point:
    designed = design.of(version, name)
    found = {factor: _levels(version, name, factor) for factor in designed.factors}
    return Point(name, designed.digest(seed), designed.plan, designed.rule, found, 0)


def _levels(version: ProtocolVersion, point: str, factor: str) -> tuple[str, ...]:
    if point != FIRST and factor == design.FROM:
        stages = version.section("randomisation")["stages"]
        return tuple(next(stage["from"] for stage in stages if stage["code"] == point))
    return levels(version.protocol, factor)


def slots(point: Point, seed: bytes) -> list[merkle.Slot]:
    """Every committed position of every list of a point."""
    strata = point.strata if point.covered else []
    return merkle.slots(point.rule, seed, point.digest, point.name, strata, point.covered)


class Committed:
    """Every list of a study under its published root: made when it is first asked for, and once."""

    def __init__(self, version: ProtocolVersion, seed: bytes) -> None:
        self.version, self.seed = version, seed

    @cached_property
    def slots(self) -> list[merkle.Slot]:
        return merkle.in_order(
            slot for point in points(self.version, self.seed) for slot in slots(point, self.seed)
        )

    @cached_property
    def leaves(self) -> list[bytes]:
        return merkle.leaves(self.seed, self.slots)

    @cached_property
    def _places(self) -> dict[tuple[str, str, int], int]:
        return {
            (slot.point, slot.stratum, slot.position): index
            for index, slot in enumerate(self.slots)
        }

    @property
    def root(self) -> str:
        """The Merkle root over the lists of every point; "" where no point has any."""
        return merkle.root(self.leaves)

    def proof(self, point: str, stratum: str, position: int) -> dict[str, Any] | None:
        """What shows that one arm stood at one place of the lists, and nothing else of them; None
        beyond what is covered.
        """
        index = self._places.get((point, stratum, position))
        if index is None:
            return None
        path = [[step.side, step.hash] for step in merkle.path(self.leaves, index)]
        return {
            "position": position,
            "salt": merkle.salt(self.seed, self.slots[index]).hex(),
            "path": path,
        }


def _covered(point: Point, target: int, most: int) -> Point:
    if point.rule.scope != "stratum":
        return point
    longest = target if point.rule.length is None else min(target, point.rule.length)
    return replace(point, covered=min(longest, most))
