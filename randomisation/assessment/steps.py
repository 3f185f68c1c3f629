"""P(T_j = k): the chance of every arm at the first allocations, before anything is drawn. Where it
is not the ratio's at each of them, the comparison of the arms is biased over the randomisation
(Kaiser 2012, Stat. Med.).
"""

from __future__ import annotations

from fractions import Fraction

from randomisation.methods.rule import Rule

MOST_HISTORIES = 400
Chances = dict[str, Fraction]


def first_steps(rule: Rule, steps: int) -> list[Chances]:
    """Exact, for a rule whose chances follow from counts, with everybody alike: the same level of
    every factor.

    For 1:1 with factors this is one total that every place sees, the plainest case there is. Ends
    early where there are too many counts to go through.
    """
    profile = dict.fromkeys(getattr(rule, "factors", ()), "alike")
    weights: dict[tuple[int, ...], Fraction] = {(0,) * len(rule.lots): Fraction(1)}
    found: list[Chances] = []
    for _ in range(steps if rule.length is None else min(steps, rule.length)):
        if len(weights) > MOST_HISTORIES:
            break
        arms = dict.fromkeys(rule.ratio, Fraction(0))
        after: dict[tuple[int, ...], Fraction] = {}
        for counts, weight in weights.items():
            for place, (lot, chance) in enumerate(
                rule.lot_probabilities(_history(rule, counts, profile), profile).items()
            ):
                arms[rule.arm(lot)] += weight * chance
                if chance:
                    following = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
                    after[following] = after.get(following, Fraction(0)) + weight * chance
        found.append(arms)
        weights = after
    return found


def _history(rule: Rule, counts: tuple[int, ...], profile: dict[str, str]) -> list:
    lots = [lot for lot, count in zip(rule.lots, counts, strict=True) for _ in range(count)]
    return [(lot, profile) for lot in lots] if rule.scope == "point" else lots
