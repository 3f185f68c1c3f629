"""What a design's figures warn of. A caution is a code with figures; the sentences are
`randomisation.sentences.cautions`.

The figures follow from what is sealed. Whoever is not to know it may be told the code, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from randomisation.assessment.characteristics import Characteristics, assess
from randomisation.assessment.population import Factor
from randomisation.methods.blocks import PermutedBlocks
from randomisation.methods.rule import Rule

# more guesses right than by always naming the largest arm; for 1:1 blocks of 4 give .21, a big
# stick .08
PREDICTABLE = 0.15
CERTAIN = 0.2  # of allocations
GROWN = 2.0  # times what one stratum would leave
NOTICED = 3.0  # people; a smaller difference overall is no cause for a caution
FEW = 10  # people at a site, by the end of the study


@dataclass(frozen=True)
class Caution:
    code: str
    figures: Mapping[str, float] = field(default_factory=dict)


def cautions(
    rule: Rule, factors: Sequence[Factor], found: Characteristics, site: str = "site"
) -> tuple[Caution, ...]:
    """`site` names the factor whose people work together and may guess together."""
    return tuple(_cautions(rule, factors, found, site))


def _cautions(
    rule: Rule, factors: Sequence[Factor], found: Characteristics, site: str
) -> Iterator[Caution]:
    expected = found.n / found.strata
    if isinstance(rule, PermutedBlocks) and expected < max(rule.block_sizes):
        sizes = {"block": max(rule.block_sizes), "expected": expected}
        yield Caution("strata_below_block", {"n": found.n, "strata": found.strata, **sizes})
    if found.off_ratio:
        yield Caution("ratio_not_kept", {"off": found.off_ratio})
    if found.strata > 1 and rule.scope == "stratum":
        yield from _grown(rule, found)
    blindly = max(rule.ratio.values()) / sum(rule.ratio.values())
    if found.correct.value > blindly + PREDICTABLE:
        yield Caution("predictable", {"correct": found.correct.value, "blindly": blindly})
    yield from _few(factors, found, site)
    if found.allocated < found.n - 0.5:
        yield Caution("list_short", {"n": found.n, "left": found.n - found.allocated})
    if found.deterministic.value > CERTAIN:
        yield Caution("certain", {"certain": found.deterministic.value})


def _grown(rule: Rule, found: Characteristics) -> Iterator[Caution]:
    n = found.n if rule.length is None else min(found.n, rule.length)
    alone = assess(rule, n, generator=np.random.default_rng(0)).imbalance.value
    if found.imbalance.value > max(NOTICED, GROWN * alone):
        yield Caution(
            "many_strata",
            {
                "strata": found.strata,
                "imbalance": found.imbalance.value,
                "alone": alone,
                "n": found.n,
            },
        )


def _few(factors: Sequence[Factor], found: Characteristics, site: str) -> Iterator[Caution]:
    for factor in factors:
        if factor.name == site and len(factor.levels) > 1:
            few = int(np.count_nonzero(factor.shares * found.n < FEW))
            if few:
                yield Caution("few_at_a_site", {"sites": few, "below": FEW})
