"""Randomness that is fixed before the first participant, and can be replayed by anybody who is
given the seed.

One 32-byte seed a study. Every stratum has a key of its own, HMAC-SHA256(seed,
"rand/v1|design=...|stratum=..."); draw i of a stratum is the first 8 bytes, big-endian, of
HMAC-SHA256(key, i as 8 bytes). The seed's commitment is published before the first allocation, so
that a seed shown afterwards can be checked.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, count, islice, product
from math import lcm

SEED_BYTES = 32
WORD_BITS = 64
# What separates levels, factors and fields of the key's text, and the sign that escapes them.
_ESCAPES = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "%;=|"})


class BadSeed(ValueError):
    """A seed is 32 bytes."""


class BadProbabilities(ValueError):
    """Probabilities that are negative or do not sum to exactly 1."""


def commitment(seed: bytes) -> str:
    """The published promise: SHA-256 of a label and the seed, in hexadecimal."""
    return hashlib.sha256(b"rand-seed/v1\0" + _checked(seed)).hexdigest()


def design_digest(seed: bytes, plan: bytes) -> str:
    """What is published of a plan, as canonical JSON: HMAC-SHA256 under a salt from the seed, in
    hexadecimal.

    Plans are few: whoever knows the public part would find block sizes from a plain hash by trying
    them all.
    """
    salt = hmac.digest(_checked(seed), b"rand/v1|design-salt", "sha256")
    return hmac.digest(salt, plan, "sha256").hex()


def stratum_text(levels: Mapping[str, str]) -> str:
    """`site=c01;sex=f`, factors in alphabetical order; separators in a name are escaped, so no two
    strata agree.
    """
    return ";".join(
        f"{_escaped(factor)}={_escaped(level)}" for factor, level in sorted(levels.items())
    )


def stratum_texts(levels: Mapping[str, Sequence[str]]) -> list[str]:
    """The text of every stratum that the levels of these factors make, also of those that nobody is
    in.
    """
    return [
        stratum_text(dict(zip(levels, each, strict=True))) for each in product(*levels.values())
    ]


def key(seed: bytes, design_digest: str, stratum: str) -> bytes:
    """The key of one stratum; `stratum` is a `stratum_text`, `design_digest` names the locked
    design.
    """
    if "|" in design_digest:
        raise ValueError("a design digest has no | in it")
    info = f"rand/v1|design={design_digest}|stratum={stratum}"
    return hmac.digest(_checked(seed), info.encode(), "sha256")


def draw(key: bytes, index: int) -> int:
    """Draw `index` of a stratum, uniform on 0 to 2^64 - 1."""
    return _word(key, index.to_bytes(8))


def words(key: bytes, index: int) -> Iterator[int]:
    """Draw `index`, then its sub-stream: word j is made from index and j, 8 bytes each, so it meets
    no other draw.
    """
    yield draw(key, index)
    for continued in count(1):
        yield _word(key, index.to_bytes(8) + continued.to_bytes(8))


def choose(probabilities: Mapping[str, Fraction], key: bytes, index: int) -> str:
    """The arm that draw `index` picks, with exactly these probabilities.

    Over a common denominator the probabilities are whole weights with sum W. A number below a
    multiple of W, the largest that the words hold, is divided evenly over 0 to W - 1 and compared
    with the cumulated weights. A number not below it is rejected and the next words of the same
    index are taken: one allocation uses one index, always. As many words are joined as W needs
    (one, unless W exceeds 2^64).

    Arms are laid out in order of code, not of the mapping: a stored mapping may come back in
    another order.
    """
    weights = _weights(tuple(sorted(probabilities.items())))
    total = sum(weights.values())
    picked = _below(total, words(key, index))
    for arm, end in zip(weights, accumulate(weights.values()), strict=True):
        if picked < end:
            return arm
    raise AssertionError("a number below the total falls under one of the arms")


@lru_cache(1024)  # a procedure has few distributions, and a replay asks for them again and again
def _weights(probabilities: tuple[tuple[str, Fraction], ...]) -> Mapping[str, int]:
    shares = {arm: Fraction(share) for arm, share in probabilities}
    if sum(shares.values()) != 1 or min(shares.values()) < 0:
        raise BadProbabilities(
            f"not a distribution: { ({arm: str(share) for arm, share in shares.items()}) }"
        )
    denominator = lcm(*(share.denominator for share in shares.values()))
    return {arm: int(share * denominator) for arm, share in shares.items()}


def _below(total: int, source: Iterator[int]) -> int:
    """Uniform on 0 to total - 1."""
    size = -(-(total - 1).bit_length() // WORD_BITS) or 1
    space = 1 << (WORD_BITS * size)
    share = space // total
    while True:
        number = _joined(islice(source, size))
        if number < share * total:
            return number // share


def _joined(parts: Iterator[int]) -> int:
    number = 0
    for part in parts:
        number = number << WORD_BITS | part
    return number


def _word(key: bytes, message: bytes) -> int:
    return int.from_bytes(hmac.digest(key, message, "sha256")[:8])


def _escaped(name: str) -> str:
    return name.translate(_ESCAPES)


def _checked(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        raise BadSeed(f"a seed is {SEED_BYTES} bytes, this is {len(seed)}")
    return seed
