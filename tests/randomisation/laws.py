"""Rules with random parameters, and what is expected of them by going through every history."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from hypothesis import strategies as st

from randomisation import methods

EVEN = {"a": 1, "b": 1}
PLANS = [
    {"method": "complete", "ratio": {"a": 2, "b": 1}},
    {"method": "complete", "ratio": {"a": 1, "b": 1, "c": 1}},
    {"method": "random_allocation", "ratio": EVEN, "n": 20},
    {"method": "block_urn", "ratio": EVEN, "limit": 2},
    {"method": "block_urn", "ratio": {"a": 2, "b": 1}, "limit": 2, "acknowledged": "a test"},
    {"method": "big_stick", "ratio": EVEN, "tolerance": 2},
    {"method": "efron", "ratio": EVEN, "p": "2/3"},
    {"method": "chen", "ratio": EVEN, "p": "2/3", "tolerance": 3},
    {"method": "smith", "ratio": EVEN, "rho": 5},
    {"method": "maximal", "ratio": EVEN, "n": 20, "tolerance": 2},
    {"method": "wei", "ratio": EVEN, "a": 0, "b": 1},
]

ratios = st.sampled_from([(1, 1), (2, 1), (3, 2), (1, 1, 1), (1, 2, 3)]).map(
    lambda shares: dict(zip("abc", shares, strict=False))
)


@st.composite
def a_plan(draw) -> dict:
    """A rule that reads one stratum."""
    methods_of_pairs = ["big_stick", "efron", "chen", "smith", "maximal"]
    method = draw(
        st.sampled_from(
            [
                "complete",
                "random_allocation",
                "permuted_blocks",
                "block_urn",
                "wei",
                *methods_of_pairs,
            ]
        )
    )
    ratio = EVEN if method in methods_of_pairs else draw(ratios)
    if method == "wei":
        ratio = dict.fromkeys(ratio, 1)
    unit = sum(ratio.values())
    p = f"{draw(st.integers(51, 99))}/100"
    small = draw(st.integers(1, 4))
    own = {
        "complete": {},
        "random_allocation": {"n": unit * small},
        "permuted_blocks": {
            "block_sizes": draw(st.sampled_from([[1], [2], [1, 2], [2, 3], [1, 2, 3]]))
        },
        "block_urn": {"limit": small},
        "big_stick": {"tolerance": small},
        "efron": {"p": p},
        "chen": {"p": p, "tolerance": small},
        "smith": {"rho": small},
        "maximal": {"n": 8, "tolerance": small},
        "wei": {"a": draw(st.integers(0, 3)), "b": small},
    }[method]
    if method == "permuted_blocks":
        own = {"block_sizes": [unit * size for size in own["block_sizes"]]}
    return {"method": method, "ratio": ratio, "acknowledged": "a test", **own}


@dataclass(frozen=True)
class Law:
    correct: list[Fraction]
    forced: list[Fraction]
    arms: list[list[Fraction]]
    apart: list[Fraction]
    furthest: list[Fraction]


def expected(rule: methods.Rule, n: int, profile: dict[str, str] | None = None) -> Law:
    """By every history of n allocations and the rule's own probabilities, in fractions. `profile`
    is that of everybody, for a rule that reads one.
    """
    law = Law([], [], [], [Fraction(0)], [Fraction(0)])
    histories: dict[tuple[str, ...], Fraction] = {(): Fraction(1)}
    for _ in range(n):
        correct, forced, arms = Fraction(0), Fraction(0), dict.fromkeys(rule.ratio, Fraction(0))
        after: dict[tuple[str, ...], Fraction] = {}
        for history, weight in histories.items():
            chances = rule.probabilities(
                [(arm, profile) for arm in history] if profile else list(history), profile
            )
            correct += weight * guessed(rule, history, chances)
            forced += weight * (1 in chances.values())
            for arm, chance in chances.items():
                arms[arm] += weight * chance
                if chance:
                    after[(*history, arm)] = weight * chance
        histories = after
        law.correct.append(correct)
        law.forced.append(forced)
        law.arms.append(list(arms.values()))
        law.apart.append(
            sum(weight * apart(rule, history) for history, weight in histories.items())
        )
        furthest = (
            (max(apart(rule, history[:end]) for end in range(len(history) + 1)), w)
            for history, w in after.items()
        )
        law.furthest.append(sum(weight * most for most, weight in furthest))
    return law


def standing(rule: methods.Rule, history: tuple[str, ...]) -> dict[str, Fraction]:
    """N_k / r_k, with the ratio in its smallest whole numbers."""
    common = gcd(*rule.ratio.values())
    return {arm: Fraction(history.count(arm) * common, share) for arm, share in rule.ratio.items()}


def apart(rule: methods.Rule, history: tuple[str, ...]) -> Fraction:
    have = standing(rule, history).values()
    return max(have) - min(have)


def guessed(rule: methods.Rule, history: tuple[str, ...], chances: dict[str, Fraction]) -> Fraction:
    have = standing(rule, history)
    fewest = {arm: rule.ratio[arm] for arm in rule.ratio if have[arm] == min(have.values())}
    return sum((share * chances[arm] for arm, share in fewest.items()), Fraction(0)) / sum(
        fewest.values()
    )
