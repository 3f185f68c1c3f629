"""The exact law of what a rule allocates, worked out from its single steps alone; and rules to try,
many at random.

A history holds lots, or, for a rule that reads across strata, pairs of a lot and a profile.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from math import sqrt

from hypothesis import strategies as st

from randomisation.methods import PermutedBlocks, build

PAIR = {"a": 1, "b": 1}
TWO_TO_ONE = {"a": 2, "b": 1}
TRIO = {"a": 1, "b": 1, "c": 1}
KNOWN = "the comparison is known to be biased"  # a plan's acknowledgement, or its justification

# People with two factors, of two and of three levels, so that levels are met again and new ones
# keep coming.
PEOPLE = [
    {"site": site, "sex": sex}
    for site, sex in zip(
        ["north", "south", "north", "east", "south", "north", "east", "north"],
        "ffmfmmff",
        strict=True,
    )
]
ALIKE = [{"site": "north"}] * 12


def rule_of(method, ratio=PAIR, **parameters):
    return build({"method": method, "ratio": ratio, **parameters})


def minimised(ratio=PAIR, factors=("site", "sex"), **parameters):
    return rule_of("minimisation", ratio, factors=factors, **({"p": "0.8"} | parameters))


def profile_at(rule, profiles, step):
    return profiles[step] if rule.scope == "point" else None


def entry(rule, lot, profile):
    return (lot, profile) if rule.scope == "point" else lot


def law(rule, n, profiles=PEOPLE, arms_only=False):
    """Every history of n lots (or of arms only) that can happen, with its probability: the product
    of its steps.
    """
    asked = rule.probabilities if arms_only else rule.lot_probabilities
    found = {(): Fraction(1)}
    for step in range(n):
        profile, following = profile_at(rule, profiles, step), {}
        for lots, chance in found.items():
            history = [
                entry(rule, lot, profile_at(rule, profiles, place))
                for place, lot in enumerate(lots)
            ]
            for lot, share in asked(history, profile).items():
                if share:
                    following[*lots, lot] = chance * share
        found = following
    return found


def law_of_arms(rule, n, profiles=PEOPLE):
    """Every history of n arms, as numbers in the order of the ratio, with its probability."""
    numbers = {lot: list(rule.ratio).index(rule.arm(lot)) for lot in rule.lots}
    found = defaultdict(Fraction)
    for lots, chance in law(rule, n, profiles).items():
        found[tuple(numbers[lot] for lot in lots)] += chance
    return dict(found)


def merged(rule, n, profiles=PEOPLE):
    """For each length below n: the histories with their chances and their answers, where of all
    histories with the same people on the same lots one stands for all; not for blocks, which alone
    read the order (a test of its own).
    """
    states = {(): ([], Fraction(1))}
    for step in range(n):
        profile, following, now = profile_at(rule, profiles, step), {}, []
        for history, chance in states.values():
            answer = rule.lot_probabilities(history, profile)
            now.append((history, chance, answer))
            for lot, share in answer.items():
                if share:
                    longer = [*history, entry(rule, lot, profile)]
                    same = tuple(
                        map(
                            repr,
                            longer
                            if isinstance(rule, PermutedBlocks)
                            else sorted(longer, key=repr),
                        )
                    )
                    following[same] = (
                        longer,
                        following.get(same, (None, Fraction(0)))[1] + chance * share,
                    )
        yield now
        states = following


def chances_by_step(rule, n, profiles=PEOPLE):
    """P(T_j = k) for j = 1 to n and each arm k, before anything is drawn."""
    found = []
    for now in merged(rule, n, profiles):
        total = dict.fromkeys(rule.ratio, Fraction(0))
        for _, chance, answer in now:
            for lot, share in answer.items():
                total[rule.arm(lot)] += chance * share
        found.append(total)
    return found


def by_ratio(ratio):
    return {arm: Fraction(share, sum(ratio.values())) for arm, share in ratio.items()}


def errors_in(drawn, expected, limit=5):
    """Counts of sequences more than `limit` standard errors from what they should be (5: about one
    false alarm in two million comparisons). Sequences that are expected fewer than 20 times are
    counted together.
    """
    draws = len(drawn)
    counts = Counter(map(tuple, drawn.tolist()))
    assert counts.keys() <= expected.keys()
    seen, chances = Counter(), defaultdict(Fraction)
    for sequence, chance in expected.items():
        cell = sequence if draws * chance >= 20 else "rare"
        seen[cell] += counts[sequence]
        chances[cell] += chance
    found = {
        cell: float(seen[cell] - draws * chance) / sqrt(draws * chance * (1 - chance))
        if chance < 1
        else 0.0
        for cell, chance in chances.items()
    }
    return {cell: error for cell, error in found.items() if abs(error) > limit}


# Rules at random
# ---------------------------------------------------------------------------------------------------  # noqa: E501

ARMS = "abcd"
LEVELS = {"site": ("north", "south", "east"), "sex": ("f", "m"), "all": ("one",)}


def ratios(most=4, share=3):
    shares = st.lists(st.integers(1, share), min_size=2, max_size=most)
    return shares.map(lambda each: dict(zip(ARMS, each, strict=False)))


def equal(most=4):
    return st.tuples(st.integers(2, most), st.integers(1, 2)).map(
        lambda of: dict.fromkeys(ARMS[: of[0]], of[1])
    )


def fractions(low, high, closed=False):
    """Strictly between low and high (or up to high), as the text of a plan."""
    parts = st.integers(1, 100 if closed else 99)
    return parts.map(lambda part: str(low + (high - low) * Fraction(part, 100)))


HALF = Fraction(1, 2)
PAIRS = equal(2)
P = fractions(HALF, Fraction(1))
TOLERANCE = st.integers(1, 4)


@st.composite
def block_plans(draw):
    ratio = draw(ratios(3))
    multiples = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True))
    weights = {multiple * sum(ratio.values()): draw(st.integers(1, 3)) for multiple in multiples}
    return {"method": "permuted_blocks", "ratio": ratio, "block_sizes": weights}


@st.composite
def list_plans(draw):
    ratio = draw(ratios(3))
    return {
        "method": "random_allocation",
        "ratio": ratio,
        "n": draw(st.integers(1, 3)) * sum(ratio.values()),
    }


@st.composite
def minimisation_plans(
    draw, coins="pqt", ways=("fake-arms", "han", "naive"), tied=("average", "ratio")
):
    ratio, factors = draw(ratios(3)), draw(weighed_factors())
    unequal = None if len(set(ratio.values())) == 1 else draw(st.sampled_from(ways))
    coin = draw(st.sampled_from(coins if unequal != "han" else "p"))
    distance = draw(st.sampled_from(["range", "variance", *(["sd"] if coin != "t" else [])]))
    lots = sum(rule_lots(ratio)) if unequal == "fake-arms" else len(ratio)
    limits = {
        "p": (Fraction(1, lots), Fraction(1)),
        "q": (Fraction(1, lots), Fraction(2, lots - 1)),
        "t": (Fraction(0), Fraction(1)),
    }
    plan = {
        "method": "minimisation",
        "ratio": ratio,
        "factors": factors,
        "distance": distance,
        "acknowledged": KNOWN,
    }
    more = {} if unequal is None else {"unequal": unequal}
    value = draw(fractions(*limits[coin], closed=coin != "q"))
    return {
        **plan,
        **more,
        coin: value,
        "ties": draw(st.sampled_from(tied)),
        "justification": KNOWN,
    }


def rule_lots(ratio):
    """The shares in their smallest whole numbers, found by trying."""
    shares = list(ratio.values())
    common = max(d for d in range(1, min(shares) + 1) if all(share % d == 0 for share in shares))
    return [share // common for share in shares]


@st.composite
def weighed_factors(draw):
    names = draw(st.lists(st.sampled_from(sorted(LEVELS)), min_size=1, unique=True))
    weights = {name: draw(st.sampled_from(["0", "1", "2", "0.3", "1/3"])) for name in names}
    return weights | {names[0]: "1"}  # at least one counts


@st.composite
def hu_hu_plans(draw):
    factors = draw(st.lists(st.sampled_from(sorted(LEVELS)), unique=True))
    names = ["overall", "stratum", *factors]
    weights = {name: draw(st.sampled_from(["0", "1", "0.5", "1/3"])) for name in names} | {
        draw(st.sampled_from(names)): 1
    }
    p = draw(fractions(HALF, Fraction(1), closed=True))
    ratio = draw(PAIRS)
    return {
        "method": "hu_hu",
        "ratio": ratio,
        "factors": factors,
        "weights": weights,
        "p": p,
        "justification": KNOWN,
    }


@st.composite
def hierarchical_plans(draw):
    factors = draw(st.lists(st.sampled_from(sorted(LEVELS)), unique=True))
    levels = draw(
        st.lists(st.sampled_from(["overall", "stratum", *factors]), min_size=1, unique=True)
    )
    limits = [{"level": level, "limit": draw(TOLERANCE)} for level in levels]
    p = draw(fractions(HALF, Fraction(1), closed=True))
    return {
        "method": "hierarchical",
        "ratio": draw(PAIRS),
        "factors": factors,
        "limits": limits,
        "p": p,
    }


def of(method, **parameters):
    return st.fixed_dictionaries(
        {"method": st.just(method), "acknowledged": st.just(KNOWN), **parameters}
    )


PLANS = {
    "complete": of("complete", ratio=ratios()),
    "random_allocation": list_plans(),
    "permuted_blocks": block_plans(),
    "block_urn": of("block_urn", ratio=ratios(), limit=st.integers(1, 4)),
    "big_stick": of("big_stick", ratio=PAIRS, tolerance=TOLERANCE),
    "efron": of("efron", ratio=PAIRS, p=P),
    "chen": of("chen", ratio=PAIRS, p=P, tolerance=TOLERANCE),
    "wei": of("wei", ratio=equal(), a=st.integers(0, 3), b=st.integers(1, 3)),
    "smith": of("smith", ratio=PAIRS, rho=st.integers(1, 6)),
    "maximal": of(
        "maximal", ratio=PAIRS, n=st.integers(1, 8).map(lambda half: 2 * half), tolerance=TOLERANCE
    ),
    "minimisation": minimisation_plans(),
    "hu_hu": hu_hu_plans(),
    "hierarchical": hierarchical_plans(),
}

PROFILES = st.fixed_dictionaries({name: st.sampled_from(levels) for name, levels in LEVELS.items()})


@st.composite
def walks(draw, plans, most=12):
    """A plan, a history that its rule can have produced, and who comes next."""
    plan = draw(plans)
    rule = build(plan)
    room = most if rule.length is None else min(most, rule.length - 1)
    history = []
    for _ in range(draw(st.integers(0, room))):
        profile = draw(PROFILES) if rule.scope == "point" else None
        possible = [lot for lot, share in rule.lot_probabilities(history, profile).items() if share]
        history.append(entry(rule, draw(st.sampled_from(possible)), profile))
    return plan, history, draw(PROFILES)
