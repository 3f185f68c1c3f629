"""Random plans of every method, and histories that they can produce."""

from __future__ import annotations

import json
from fractions import Fraction
from math import gcd

from hypothesis import strategies as st

from randomisation import methods

EVEN = {"a": 1, "b": 1}
FACTORS = {"sex": "fm", "site": "123", "age": "yo"}
profiles = st.fixed_dictionaries(
    {factor: st.sampled_from(levels) for factor, levels in FACTORS.items()}
)
ratios = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(
    lambda shares: dict(zip("cabd", shares, strict=False))
)
equal = st.integers(2, 4).map(lambda arms: dict.fromkeys("cabd"[:arms], 1))
above_half = (
    st.fractions("1/2", 1, max_denominator=12).filter(lambda p: Fraction(1, 2) < p < 1).map(str)
)
some_factors = st.lists(st.sampled_from(sorted(FACTORS)), min_size=1, unique=True)
weights = st.sampled_from(["1", "2", "0.5", "1/3"])


def of(method, **parameters):
    return st.fixed_dictionaries({"method": st.just(method), **parameters})


@st.composite
def blocks(draw):
    ratio = draw(ratios)
    sizes = [
        times * sum(ratio.values())
        for times in draw(st.lists(st.integers(1, 4), min_size=1, unique=True))
    ]
    weighted = draw(st.booleans())
    given = {str(size): draw(st.integers(1, 3)) for size in sizes} if weighted else sizes
    return {"method": "permuted_blocks", "ratio": ratio, "block_sizes": given}


@st.composite
def fixed_lists(draw):
    ratio = draw(ratios)
    return {
        "method": "random_allocation",
        "ratio": ratio,
        "n": draw(st.integers(1, 5)) * sum(ratio.values()),
    }


@st.composite
def minimisations(draw, unequal=("fake-arms", "han", "naive")):
    ratio = draw(ratios)
    way = draw(st.sampled_from(unequal)) if len(set(ratio.values())) > 1 else "fake-arms"
    lots = sum(ratio.values()) // gcd(*ratio.values()) if way == "fake-arms" else len(ratio)
    distance = draw(st.sampled_from(["range", "variance", "sd"]))
    coins = ["p"] if way == "han" else ["p", "q", "t"]
    coin = draw(st.sampled_from(coins if distance != "sd" else coins[:2]))
    low, high = {
        "p": (Fraction(1, lots), 1),
        "q": (Fraction(1, lots), Fraction(2, lots - 1)),
        "t": (0, 1),
    }[coin]
    share = draw(st.fractions("1/20", "19/20", max_denominator=20))
    return {
        "method": "minimisation",
        "ratio": ratio,
        "factors": {factor: draw(weights) for factor in draw(some_factors)},
        "distance": distance,
        coin: str(low + share * (high - low)),
        "ties": draw(st.sampled_from(["average", "ratio"])),
        "unequal": way,
        "acknowledged": "for a test",
    }


@st.composite
def hu_and_hu(draw):
    factors = draw(some_factors)
    places = draw(
        st.lists(st.sampled_from(["overall", "stratum", *factors]), min_size=1, unique=True)
    )
    given = {place: draw(weights) for place in places}
    return {
        "method": "hu_hu",
        "ratio": {"b": 1, "a": 1},
        "factors": factors,
        "weights": given,
        "p": draw(above_half),
    }


@st.composite
def hierarchies(draw):
    factors = draw(some_factors)
    places = draw(
        st.lists(st.sampled_from(["overall", "stratum", *factors]), min_size=1, unique=True)
    )
    limits = [{"level": place, "limit": draw(st.integers(1, 4))} for place in places]
    p = draw(st.one_of(st.just("1"), above_half))
    return {
        "method": "hierarchical",
        "ratio": {"b": 1, "a": 1},
        "factors": factors,
        "limits": limits,
        "p": p,
    }


OVER_THE_POINT = frozenset({"minimisation", "hu_hu", "hierarchical"})
pairs, tolerances = st.just({"b": 1, "a": 1}), st.integers(1, 5)
BY_METHOD = {
    "complete": of("complete", ratio=ratios),
    "random_allocation": fixed_lists(),
    "permuted_blocks": blocks(),
    "block_urn": of(
        "block_urn", ratio=ratios, limit=st.integers(1, 4), acknowledged=st.just("for a test")
    ),
    "big_stick": of("big_stick", ratio=pairs, tolerance=tolerances),
    "efron": of("efron", ratio=pairs, p=above_half),
    "chen": of("chen", ratio=pairs, p=above_half, tolerance=tolerances),
    "wei": of("wei", ratio=equal, a=st.integers(0, 3), b=st.integers(1, 3)),
    "smith": of("smith", ratio=pairs, rho=st.integers(1, 5)),
    "maximal": of(
        "maximal",
        ratio=pairs,
        n=st.integers(1, 10).map(lambda half: 2 * half),
        tolerance=tolerances,
    ),
    "minimisation": minimisations(),
    "hu_hu": hu_and_hu(),
    "hierarchical": hierarchies(),
}


def stored(plan):
    """As it comes back from a database or an export."""
    return json.loads(json.dumps(plan, sort_keys=True))


@st.composite
def walks(draw, method, most=16):
    """A plan, a history that it can produce (lots and profiles), and who comes next."""
    plan = draw(BY_METHOD[method])
    rule = methods.build(plan)
    history = []
    for _ in range(draw(st.integers(0, min(most, (rule.length or most + 1) - 1)))):
        profile = draw(profiles)
        chances = lot_probabilities(rule, history, profile)
        history.append(
            (draw(st.sampled_from([lot for lot, chance in chances.items() if chance])), profile)
        )
    return plan, history, draw(profiles)


def lot_probabilities(rule, history, profile):
    """What a rule says, from the part of the history that it reads."""
    if rule.scope == "point":
        return rule.lot_probabilities(history, profile)
    return rule.lot_probabilities([lot for lot, _ in history])


def replayed(procedure, history, profile):
    """What a procedure of the verifier says."""
    held = procedure.begin()
    for lot, other in history:
        held = procedure.after(held, lot, other)
    return procedure.chances(held, profile)
