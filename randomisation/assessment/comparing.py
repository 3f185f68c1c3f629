"""A design beside others that might be used in its place, each with its operating
characteristics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from randomisation import methods
from randomisation.assessment.chains import TooManyStates
from randomisation.assessment.characteristics import DRAWS, Characteristics, assess
from randomisation.assessment.population import Factor
from randomisation.methods.rule import Rule, is_equal

Plan = Mapping[str, Any]
FOR_COMPARISON = "worked out for comparison, and not used"


@dataclass(frozen=True)
class Choices:
    """Parameters of the alternatives, as text or numbers that a plan may hold. An empty row offers
    none of that kind.
    """

    block_sizes: tuple[tuple[int, ...], ...] = ()
    tolerances: tuple[int, ...] = ()  # big stick; 1:1 only
    limits: tuple[int, ...] = ()  # block urn
    coins: tuple[str, ...] = ()  # Efron's p; 1:1 only
    minimisation: tuple[str, ...] = ()  # p; only where there are factors

    @classmethod
    def offered(cls, ratio: Mapping[str, int], has_factors: bool) -> Choices:
        """What is worth a look for this ratio. For an unequal ratio only what keeps it at every
        step.
        """
        unit = sum(ratio.values())
        minimisation = ("0.8",) if has_factors else ()
        if len(ratio) == 2 and is_equal(ratio):
            pair = unit // 2
            sizes = tuple(tuple(pair * size for size in each) for each in ((4,), (6,), (4, 6)))
            return cls(sizes, (2, 3, 4), (3,), ("2/3",), minimisation)
        blocks = ((unit,), (2 * unit,), (unit, 2 * unit))
        return cls(blocks, (), (2, 3) if is_equal(ratio) else (), (), minimisation)


@dataclass(frozen=True)
class Compared:
    plan: Plan
    rule: Rule
    is_own: bool
    found: Characteristics | None  # none where there are too many blocks to go through


def alternatives(
    ratio: Mapping[str, int], factors: Sequence[str], choices: Choices
) -> list[dict[str, Any]]:
    """Plans; raises nothing, so a parameter that a method cannot have shows where the plan is
    built.
    """
    of: list[dict[str, Any]] = [
        *(
            {"method": "permuted_blocks", "block_sizes": list(sizes)}
            for sizes in choices.block_sizes
        ),
        *({"method": "big_stick", "tolerance": each} for each in choices.tolerances),
        *({"method": "block_urn", "limit": each} for each in choices.limits),
        *({"method": "efron", "p": each} for each in choices.coins),
    ]
    if factors:
        unequal = {} if is_equal(ratio) else {"unequal": "fake-arms"}
        for p in choices.minimisation:
            of.append({"method": "minimisation", "factors": list(factors), "p": p, **unequal})
    return [{**plan, "ratio": dict(ratio)} for plan in of]


def compare(
    own: Plan | None,
    others: Iterable[Plan],
    n: int,
    factors: Sequence[Factor] = (),
    *,
    seed: int,
    effect: float | None = None,
    draws: int = DRAWS,
) -> tuple[Compared, ...]:
    """The study's own first. An alternative that is the study's own does not come twice.

    Raises what `methods.build` raises, but an alternative needs no acknowledgement: what it does is
    what the table shows.
    """
    rows = [] if own is None else [(own, built(own), True)]
    known = [rule for _, rule, _ in rows]
    for plan in others:
        rule = built(plan)
        if rule not in known:
            rows.append((plan, rule, False))
            known.append(rule)
    return tuple(
        Compared(plan, rule, is_own, _assessed(rule, n, factors, seed, effect, draws))
        for plan, rule, is_own in rows
    )


def built(plan: Plan) -> Rule:
    return methods.build({"acknowledged": FOR_COMPARISON, "justification": FOR_COMPARISON, **plan})


def _assessed(
    rule: Rule, n: int, factors: Sequence[Factor], seed: int, effect: float | None, draws: int
) -> Characteristics | None:
    # The same seed for each, so that a row does not change with the rows beside it.
    try:
        return assess(
            rule, n, factors, generator=np.random.default_rng(seed), effect=effect, draws=draws
        )
    except TooManyStates:
        return None
