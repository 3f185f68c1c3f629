"""From a plan to its rule: which parameters each method takes, and what they must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from randomisation.methods import balance, counted
from randomisation.methods.blocks import PermutedBlocks
from randomisation.methods.coins import Coin, CoinA, CoinB, CoinC
from randomisation.methods.minimisation import FakeArms, Han, Minimisation
from randomisation.methods.pairs import OVERALL, STRATUM, Hierarchical, HuHu
from randomisation.methods.parameters import (
    between,
    block_sizes,
    even_pair,
    names,
    one_of,
    ratio_of,
    weight,
    whole,
)
from randomisation.methods.rule import (
    AcknowledgementMissing,
    BadParameter,
    Rule,
    UnknownMethod,
    is_equal,
    reduced,
)

HALF = Fraction(1, 2)
FINEST = 1_000_000
# Of the plan, and no parameter of a method: whose history counts, what is one unit, and what people
# said about it.
BESIDE = frozenset({"strata", "cluster", "chosen_here", "acknowledged", "justification"})


def build(plan: Mapping[str, Any]) -> Rule:
    """The rule of a randomisation plan: `method`, `ratio` and the method's own parameters, no
    others.

    Raises UnknownMethod and BadParameter; AcknowledgementMissing for a rule that does not keep the
    ratio at every step, unless `acknowledged` says why it is used all the same.
    """
    method = plan.get("method")
    if not isinstance(method, str) or method not in BUILDERS:
        raise UnknownMethod(f"{method!r} is not a method; use one of {', '.join(BUILDERS)}")
    builder, wanted, optional = BUILDERS[method]
    given = {name: value for name, value in plan.items() if name not in BESIDE and name != "method"}
    _check_names(given, wanted, optional, method)
    rule = builder(**given)
    _check_chance(rule, plan)
    if not rule.keeps_ratio and not _is_written(plan, "acknowledged"):
        raise AcknowledgementMissing(
            f"{method} does not keep the ratio {':'.join(map(str, rule.ratio.values()))} at every "
            f"step, which biases the "
            "comparison; use another method, or say under `acknowledged` why this one is used"
        )
    return rule


def _check_chance(rule: Rule, plan: Mapping[str, Any]) -> None:
    """Where nothing is left to chance whoever knows who was allocated knows who comes next (ICH E9
    2.3.2).
    """
    if _is_deterministic(rule) and not _is_written(plan, "justification"):
        raise BadParameter(
            "p = 1, or t = 1 of two arms, leaves nothing to chance; use less, or give its "
            "`justification`"
        )


def _is_written(plan: Mapping[str, Any], what: str) -> bool:
    return bool(str(plan.get(what) or "").strip())


def _is_deterministic(rule: Rule) -> bool:
    if isinstance(rule, FakeArms):
        rule = rule.inner
    if isinstance(rule, Minimisation):
        return rule.coin.is_certain(len(rule.ratio))
    return isinstance(rule, HuHu) and rule.p == 1


def _check_names(
    given: Mapping[str, Any], wanted: Sequence[str], optional: Sequence[str], method: str
) -> None:
    unknown = [name for name in given if name not in (*wanted, *optional)]
    if unknown:
        takes = ", ".join((*wanted, *optional))
        raise BadParameter(f"{method} has no parameter {', '.join(unknown)}; it takes {takes}")
    missing = [name for name in wanted if name not in given]
    if missing:
        raise BadParameter(f"{method} needs {', '.join(missing)}")


def _complete(ratio: Any) -> Rule:
    return counted.Complete(ratio_of(ratio))


def _random_allocation(ratio: Any, n: Any) -> Rule:
    checked = ratio_of(ratio)
    return counted.RandomAllocation(checked, _multiple(n, sum(checked.values())))


def _permuted_blocks(ratio: Any, block_sizes: Any) -> Rule:
    checked = ratio_of(ratio)
    return PermutedBlocks(checked, _sizes(block_sizes, sum(checked.values())))


_sizes = block_sizes


def _block_urn(ratio: Any, limit: Any) -> Rule:
    return counted.BlockUrn(ratio_of(ratio), whole(limit, "limit"))


def _big_stick(ratio: Any, tolerance: Any) -> Rule:
    return counted.BigStick(even_pair(ratio, "big_stick"), whole(tolerance, "tolerance"))


def _efron(ratio: Any, p: Any) -> Rule:
    return counted.Efron(even_pair(ratio, "efron"), between(p, "p", HALF, Fraction(1)))


def _chen(ratio: Any, p: Any, tolerance: Any) -> Rule:
    return counted.Chen(
        even_pair(ratio, "chen"), between(p, "p", HALF, Fraction(1)), whole(tolerance, "tolerance")
    )


def _wei(ratio: Any, a: Any, b: Any) -> Rule:
    checked = _equal(ratio, "wei")
    first, added = whole(a, "a", 0), whole(b, "b", 0)
    if not first + added:
        raise BadParameter("a and b are not both 0")
    return counted.Wei(checked, first, added)


def _smith(ratio: Any, rho: Any) -> Rule:
    return counted.Smith(even_pair(ratio, "smith"), whole(rho, "rho"))


def _maximal(ratio: Any, n: Any, tolerance: Any) -> Rule:
    return counted.Maximal(
        even_pair(ratio, "maximal"), _multiple(n, 2), whole(tolerance, "tolerance")
    )


def _minimisation(
    ratio: Any,
    factors: Any,
    distance: Any = "range",
    p: Any = None,
    q: Any = None,
    t: Any = None,
    ties: Any = "average",
    unequal: Any = None,
) -> Rule:
    checked = ratio_of(ratio)
    weights = _factor_weights(factors)
    measure: Any = one_of(distance, "distance", ("range", "variance", "sd"))
    rule: Any = one_of(ties, "ties", ("average", "ratio"))
    way = _way(unequal, checked)
    coin = _coin(
        p, q, t, sum(reduced(checked).values()) if way == "fake-arms" else len(checked), measure
    )
    if way == "fake-arms":
        _check_arms(checked)
        return FakeArms.over(checked, weights, measure, coin, rule)
    if way == "han":
        if not isinstance(coin, CoinA):
            raise BadParameter("han goes with coin a: give p")
        return Han(checked, weights, measure, coin, rule)
    return Minimisation(checked, weights, measure, coin, rule)


def _way(unequal: Any, ratio: dict[str, int]) -> str | None:
    if unequal is not None:
        one_of(unequal, "unequal", ("fake-arms", "han", "naive"))
    if is_equal(ratio):
        return None
    if unequal is None:
        raise BadParameter(
            "an unequal ratio needs `unequal`: fake-arms, which keeps the ratio at every step"
        )
    return str(unequal)


def _check_arms(ratio: dict[str, int]) -> None:
    """A history may hold arms or fake arms: which of them is meant is told by the name."""
    for arm in ratio:
        of, _, number = arm.rpartition("/")
        if number.isdecimal() and 1 <= int(number) <= reduced(ratio).get(of, 0):
            raise BadParameter(f"an arm cannot be called {arm}, which is a fake arm of another")


def _coin(p: Any, q: Any, t: Any, arms: int, distance: str) -> Coin:
    if sum(each is not None for each in (p, q, t)) != 1:
        raise BadParameter("minimisation takes exactly one of p (coin a), q (coin b), t (coin c)")
    least = Fraction(1, arms)
    if p is not None:
        return CoinA(between(p, "p", least, Fraction(1), closed=True))
    if q is not None:
        return CoinB(between(q, "q", least, Fraction(2, arms - 1)))
    if distance == "sd":
        raise BadParameter(
            "coin c (t) goes with range or variance: a standard deviation ranks arms, and no more"
        )
    return CoinC(between(t, "t", Fraction(0), Fraction(1), closed=True))


def _hu_hu(ratio: Any, weights: Any, p: Any, factors: Any = ()) -> Rule:
    checked, known = even_pair(ratio, "hu_hu"), _places(factors)
    if not isinstance(weights, Mapping):
        raise BadParameter("weights gives a weight to overall, stratum and factors")
    given = {
        place: weight(value, f"the weight of {place}")
        for place, value in _in_order(weights, known).items()
    }
    _check_weights(given, "weights")
    counting = {place: value for place, value in given.items() if value}
    return HuHu(checked, known, counting, between(p, "p", HALF, Fraction(1), closed=True))


def _hierarchical(ratio: Any, limits: Any, factors: Any = (), p: Any = 1) -> Rule:
    checked, known = even_pair(ratio, "hierarchical"), _places(factors)
    pairs = [(place, whole(limit, f"the limit of {place}")) for place, limit in _ordered(limits)]
    for place, _ in pairs:
        one_of(place, "a level of limits", (OVERALL, STRATUM, *known))
    if len({place for place, _ in pairs}) < len(pairs):
        raise BadParameter("limits names a level more than once")
    return Hierarchical(
        checked, known, tuple(pairs), between(p, "p", HALF, Fraction(1), closed=True)
    )


def _ordered(limits: Any) -> list[tuple[str, Any]]:
    """Of a list of {level, limit}. No mapping: a stored one may come back in another order, and
    here order counts.
    """
    listed = limits if isinstance(limits, Sequence) and not isinstance(limits, str) else []
    if not listed or any(
        not isinstance(each, Mapping) or set(each) != {"level", "limit"} for each in listed
    ):
        raise BadParameter("limits is a list of levels in order, each with its level and its limit")
    return [(str(each["level"]), each["limit"]) for each in listed]


def _in_order(weights: Mapping[str, Any], factors: Sequence[str]) -> dict[str, Any]:
    """Overall, stratum, factors: a stored mapping may come back in another order."""
    for place in weights:
        one_of(place, "a name in weights", (OVERALL, STRATUM, *factors))
    return {place: weights[place] for place in (OVERALL, STRATUM, *factors) if place in weights}


def _places(factors: Any) -> tuple[str, ...]:
    known = names(factors, "factors") if factors else ()
    if set(known) & {OVERALL, STRATUM}:
        raise BadParameter(f"a factor cannot be called {OVERALL} or {STRATUM}")
    return tuple(sorted(known))


def _factor_weights(given: Any) -> dict[str, Fraction]:
    """In order of name: a stored mapping may come back in another order. A list gives all the
    weight 1.
    """
    listed = names(given, "factors")
    known = given.values() if isinstance(given, Mapping) else [1] * len(listed)
    weights = {
        name: weight(value, f"the weight of {name}")
        for name, value in zip(listed, known, strict=True)
    }
    _check_weights(weights, "factors")
    return dict(sorted(weights.items()))


def _check_weights(weights: Mapping[str, Fraction], what: str) -> None:
    """A simulation adds them up as whole numbers, which stay exact to this size and for any
    trial.
    """
    if not any(weights.values()):
        raise BadParameter(f"{what} has at least one weight above 0")
    if max(balance.scaled(weights).values()) > FINEST:
        raise BadParameter(
            f"as whole numbers in the same proportion {what} go beyond {FINEST:,}: write them with "
            f"fewer digits"
        )


def _equal(given: Any, method: str) -> dict[str, int]:
    ratio = ratio_of(given)
    if not is_equal(ratio):
        raise BadParameter(
            f"{method} is for arms of equal shares; this is {':'.join(map(str, ratio.values()))}"
        )
    return ratio


def _multiple(n: Any, unit: int) -> int:
    number = whole(n, "n")
    if number % unit:
        raise BadParameter(f"n is a multiple of {unit}, so that the list holds the ratio")
    return number


# method -> builder, the parameters it needs, those it may be given
BUILDERS: dict[str, tuple[Callable[..., Rule], tuple[str, ...], tuple[str, ...]]] = {
    "complete": (_complete, ("ratio",), ()),
    "random_allocation": (_random_allocation, ("ratio", "n"), ()),
    "permuted_blocks": (_permuted_blocks, ("ratio", "block_sizes"), ()),
    "block_urn": (_block_urn, ("ratio", "limit"), ()),
    "big_stick": (_big_stick, ("ratio", "tolerance"), ()),
    "efron": (_efron, ("ratio", "p"), ()),
    "chen": (_chen, ("ratio", "p", "tolerance"), ()),
    "wei": (_wei, ("ratio", "a", "b"), ()),
    "smith": (_smith, ("ratio", "rho"), ()),
    "maximal": (_maximal, ("ratio", "n", "tolerance"), ()),
    "minimisation": (
        _minimisation,
        ("ratio", "factors"),
        ("distance", "p", "q", "t", "ties", "unequal"),
    ),
    "hu_hu": (_hu_hu, ("ratio", "weights", "p"), ("factors",)),
    "hierarchical": (_hierarchical, ("ratio", "limits"), ("factors", "p")),
}
