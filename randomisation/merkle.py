"""Lists that are fixed before the first participant under one published hash, and opened one leaf
at a time.

A list of a stratum follows from seed, design and rule alone. Every position of it is a leaf,
SHA-256(0x00 || salt || text); a node is SHA-256(0x01 || left || right); an odd node at the end of a
level is carried up unchanged. The salt of each leaf is derived from the seed, so that nobody who is
shown one leaf with its path can try out the arms of another.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from randomisation import stream
from randomisation.methods import Rule
from randomisation.methods.steps import Steps, stepping

FIRST = "start"  # the point whose name stands in no leaf
SALT_BYTES = 16


@dataclass(frozen=True)
class Slot:
    """One position of one list, with the arm that it holds."""

    point: str
    stratum: str
    position: int
    arm: str

    @property
    def place(self) -> str:
        """Strata and codes hold no `|` of their own (`stream.stratum_text` escapes it), so no two
        places agree.
        """
        before = "" if self.point == FIRST else f"{self.point}|"
        return f"{before}{self.stratum}|{self.position}"

    @property
    def text(self) -> str:
        return f"{self.place}|{self.arm}"


@dataclass(frozen=True)
class Step:
    """The sibling on the way from a leaf to the root, and the side on which it stands."""

    side: str  # left | right
    hash: str  # hexadecimal


def the_list(steps: Steps, key: bytes, covered: int) -> Iterator[str]:
    """The arms at positions 0 to `covered` - 1 of the stratum with this `stream.key`; only for
    rules of a stratum.
    """
    for position in range(covered):
        arm = stream.choose(steps.lot_probabilities(), key, position)
        steps.add(arm)
        yield arm


def slots(
    rule: Rule, seed: bytes, digest: str, point: str, strata: Iterable[str], covered: int
) -> list[Slot]:
    """The lists of these strata from the seed, the rule and the design digest."""
    known: dict[tuple[int, ...], dict[str, Fraction]] = {}
    return [
        Slot(point, stratum, position, arm)
        for stratum in strata
        for position, arm in enumerate(
            the_list(stepping(rule, known), stream.key(seed, digest, stratum), covered)
        )
    ]


def salt(seed: bytes, slot: Slot) -> bytes:
    """HMAC-SHA256(HMAC-SHA256(seed, label), place), its first 16 bytes."""
    salts = hmac.digest(seed, b"rand/v1|leaf-salt", "sha256")
    return hmac.digest(salts, slot.place.encode(), "sha256")[:SALT_BYTES]


def leaf(salt: bytes, slot: Slot) -> bytes:
    return hashlib.sha256(b"\x00" + salt + slot.text.encode()).digest()


def in_order(every: Iterable[Slot]) -> list[Slot]:
    """As their leaves stand: by point, stratum and position."""
    return sorted(every, key=lambda slot: (slot.point, slot.stratum, slot.position))


def leaves(seed: bytes, every: Iterable[Slot]) -> list[bytes]:
    """In order, whatever the order they come in."""
    return [leaf(salt(seed, slot), slot) for slot in in_order(every)]


def root(leaves: Sequence[bytes]) -> str:
    """In hexadecimal; nothing at all has none ("")."""
    return _levels(leaves)[-1][0].hex() if leaves else ""


def path(leaves: Sequence[bytes], index: int) -> tuple[Step, ...]:
    """What leads from leaf `index` up to the root, and gives no other leaf away."""
    steps = []
    for level in _levels(leaves)[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            steps.append(Step("left" if sibling < index else "right", level[sibling].hex()))
        index //= 2
    return tuple(steps)


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The leaves, their nodes, and so on up to one."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        level = levels[-1]
        pairs = [level[begin : begin + 2] for begin in range(0, len(level), 2)]
        levels.append([_node(*pair) if len(pair) == 2 else pair[0] for pair in pairs])
    return levels


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
