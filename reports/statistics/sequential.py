"""Group-sequential designs: boundaries, futility, exit probabilities, expected size and conditional
power.

Boundaries are on the scale of the standard normal statistic Z, a look per information fraction.
O'Brien and Fleming, Biometrics 1979;35:549 (c / sqrt t); Pocock, Biometrika 1977;64:191 (c); Wang
and Tsiatis, Biometrics 1987;43:193 (c t^(delta - 1/2)); Haybittle-Peto (3 until the last look,
where what is left is spent: Peto et al., Br J Cancer 1976;34:585); spending functions of Lan and
DeMets, Biometrika 1983;70:659, Kim and DeMets, Biometrika 1987;74:149 (alpha t^rho), and Hwang,
Shih and DeCani, Stat Med 1990;9:1439. Integrals in `integration`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np

from . import integration, spending
from .distributions import normal_quantile
from .spending import SPENDING

SHAPES = ("obrien-fleming", "pocock", "wang-tsiatis")
KINDS = (*SHAPES, "haybittle-peto", *SPENDING)
NEEDS = {"wang-tsiatis": "delta", "kim-demets": "rho", "hwang-shih-decani": "gamma"}
HAYBITTLE_PETO = 3.0
PRECISE = 1e-13
# of the information: between looks that lie closer the integrals need more points than a computer
# holds
CLOSEST = 1e-3


class NoBoundary(ValueError):
    """The numbers asked for do not make a sequential design; says why."""


@dataclass(frozen=True)
class Boundary:
    """`information` (K,) increasing to 1; `critical` (K,) on the scale of Z, reached by Z (or,
    two-sided, by its size).

    `futility` (K,) is empty or ends at the last critical value: below it the trial stops without an
    effect. Where it is `binding` the critical values count on that. `spent` (K,) is the type I
    error used up to each look.
    """

    kind: str
    alpha: float
    sided: int
    information: tuple[float, ...]
    critical: tuple[float, ...]
    spent: tuple[float, ...]
    futility: tuple[float, ...] = ()
    binding: bool = False

    @property
    def levels(self) -> tuple[float, ...]:
        """One-sided nominal levels of the looks."""
        from scipy.special import ndtr

        return tuple(float(ndtr(-each)) for each in self.critical)


@dataclass(frozen=True)
class Exits:
    """By look (K,): the chance to stop for efficacy (`upper`), on the other side (`lower`,
    two-sided), and for futility.
    """

    information: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]
    futility: tuple[float, ...]

    @property
    def power(self) -> float:
        """The chance to cross the upper boundary, or either one of a two-sided test."""
        return sum(self.upper) + sum(self.lower)

    @property
    def rejected(self) -> tuple[float, ...]:
        """Cumulative chance to have crossed a critical value."""
        return tuple(float(x) for x in np.cumsum(np.add(self.upper, self.lower)))

    @property
    def stopped(self) -> tuple[float, ...]:
        """Cumulative chance to have stopped; 1 at the last look."""
        early = np.cumsum(np.add(np.add(self.upper, self.lower), self.futility))
        return (*(float(x) for x in early[:-1]), 1.0)

    @property
    def expected_information(self) -> float:
        """As a fraction of the most; times the largest sample size it is the expected sample
        size.
        """
        return float(np.diff([0.0, *self.stopped]) @ np.array(self.information))


def boundary(
    kind: str,
    information: Sequence[float],
    alpha: float = 0.025,
    *,
    sided: int = 1,
    parameter: float | None = None,
) -> Boundary:
    """Critical values that spend `alpha` in all, on both sides together where `sided` is 2.

    `information` are fractions, increasing, the last 1. `parameter` is delta of wang-tsiatis, rho
    of kim-demets, gamma of hwang-shih-decani. Errors: NoBoundary.
    """
    fractions = _checked(kind, information, alpha, sided, parameter)
    if kind in SPENDING:
        spend = spending.function(kind, alpha, sided, parameter)
        found = _by_spending(fractions, [spend(t) for t in fractions], sided)
    elif kind == "haybittle-peto":
        found = _haybittle_peto(fractions, alpha, sided)
    else:
        found = _by_shape(_shape(kind, fractions, parameter), fractions, alpha, sided)
    made = Boundary(kind, alpha, sided, fractions, tuple(found), ())
    return replace(made, spent=exits(made, 0.0).rejected)


def with_futility(
    design: Boundary,
    power: float,
    kind: str = "lan-demets-obrien-fleming",
    *,
    parameter: float | None = None,
    binding: bool = False,
) -> Boundary:
    """The same design with lower boundaries that spend 1 - power under the drift that has that
    power.

    Non-binding: the critical values stay, so that the type I error holds when futility is
    overruled. Binding: they are found anew. One-sided designs, and binding only with a spending
    function. Pampallona, Tsiatis and Kim, Drug Inf J 2001;35:1113. Errors: NoBoundary.
    """
    if design.sided != 1:
        raise NoBoundary("futility boundaries are for one-sided designs")
    if kind not in SPENDING:
        raise NoBoundary(f"futility is spent by one of {', '.join(SPENDING)}, not by {kind!r}")
    if binding and design.kind not in SPENDING:
        raise NoBoundary(
            f"binding futility needs critical values by a spending function, not {design.kind}"
        )
    _check_rate("power", power)
    spend = spending.function(kind, 1 - power, 1, _needed(kind, parameter))
    beta = np.diff([0.0, *(spend(t) for t in design.information)])

    def lacking(drift: float) -> float:
        return _with_futility(design, drift, beta, binding)[2] - power

    drift = _root(lacking, 0.5, normal_quantile(1 - design.alpha) + normal_quantile(power) + 3)
    critical, futility, _ = _with_futility(design, drift, beta, binding)
    made = replace(design, critical=critical, futility=(*futility, critical[-1]), binding=binding)
    return replace(made, spent=design.spent)


def exits(design: Boundary, drift: float, *, overruled: bool = False) -> Exits:
    """Chances to stop at each look. `drift` is the mean of Z at full information; `overruled`
    leaves futility out.
    """
    start = integration.begin()
    return _exits(design, start, 0, drift, overruled)


def drift_for(design: Boundary, power: float) -> float:
    """The mean of Z at full information with which the design has `power`; its futility stops are
    kept to. Errors: NoBoundary.
    """
    _check_rate("power", power)
    if power <= design.alpha:
        raise NoBoundary(f"power {power} is not above the level {design.alpha}")
    highest = max(design.critical) + normal_quantile(power) + 3
    return _root(lambda drift: exits(design, drift).power - power, 0.0, highest)


def inflation(design: Boundary, power: float) -> float:
    """How many times larger the largest sample size is than that of a single look with the same
    level and power.
    """
    fixed = normal_quantile(1 - design.alpha / design.sided) + normal_quantile(power)
    return (drift_for(design, power) / fixed) ** 2


def conditional_power(
    design: Boundary,
    look: int,
    z: float,
    *,
    under: str = "trend",
    drift: float | None = None,
    overruled: bool = False,
) -> float:
    """The chance to cross a critical value after `look` (from 1), when Z is `z` there.

    `under`: "trend" (the drift seen so far, z / sqrt t), "null" (none), or "design" with its
    `drift` (see `drift_for`). Lan and Wittes, Biometrics 1988;44:579. Errors: NoBoundary.
    """
    if not 1 <= look < len(design.information):
        raise NoBoundary(
            f"look {look}: after looks 1 to {len(design.information) - 1} something is still to "
            f"come"
        )
    if not math.isfinite(z):
        raise NoBoundary(f"Z is a number, not {z}")
    at = design.information[look - 1]
    if under == "design" and drift is None:
        raise NoBoundary("under the design conditional power needs the design's drift")
    known = {"trend": z / math.sqrt(at), "null": 0.0, "design": drift}
    if under not in known:
        raise NoBoundary(f"under {under!r} is not known; use one of {', '.join(known)}")
    start = integration.begin(at, z * math.sqrt(at))
    return _exits(design, start, look, float(known[under] or 0.0), overruled).power


def _exits(
    design: Boundary, state: integration.State, first: int, drift: float, overruled: bool
) -> Exits:
    upper, lower, futile = [], [], []
    fractions, count = design.information, len(design.information)
    for k in range(first, count):
        high = design.critical[k]
        low = -high if design.sided == 2 else -math.inf
        stop = design.futility[k] if design.futility and not overruled else -math.inf
        upper.append(integration.above(state, fractions[k], drift, high))
        lower.append(
            integration.below(state, fractions[k], drift, low) if design.sided == 2 else 0.0
        )
        futile.append(
            integration.below(state, fractions[k], drift, stop) if stop > -math.inf else 0.0
        )
        if k + 1 < count:
            state = integration.go_on(
                state, fractions[k], drift, max(low, stop), high, fractions[k + 1]
            )
    return Exits(fractions[first:], tuple(upper), tuple(lower), tuple(futile))


def _with_futility(
    design: Boundary, drift: float, beta: np.ndarray, binding: bool
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Critical values, futility values but the last, and the power: under no drift and under
    `drift` side by side.
    """
    null, real = integration.begin(), integration.begin()
    alpha = np.diff([0.0, *design.spent])
    critical, futility, power = list(design.critical), [], 0.0
    fractions, last = design.information, len(design.information) - 1
    for k, at in enumerate(fractions):
        if binding:
            critical[k] = _crossing(partial(integration.above, null, at, 0.0), alpha[k])
        power += integration.above(real, at, drift, critical[k])
        if k == last:
            break
        stop = _reached(partial(integration.below, real, at, drift), beta[k])
        futility.append(stop)
        if (
            stop >= critical[k]
        ):  # everybody has stopped: the drift is too large for these spending functions
            return tuple(critical), (*futility, *critical[k + 1 : last]), 1.0
        null = integration.go_on(
            null, at, 0.0, stop if binding else -math.inf, critical[k], fractions[k + 1]
        )
        real = integration.go_on(real, at, drift, stop, critical[k], fractions[k + 1])
    return tuple(critical), tuple(futility), power


def _by_spending(fractions: Sequence[float], spent: Sequence[float], sided: int) -> list[float]:
    found: list[float] = []
    state = integration.begin()
    for k, at in enumerate(fractions):
        left = (spent[k] - (spent[k - 1] if k else 0.0)) / sided  # both sides are alike
        found.append(_crossing(partial(integration.above, state, at, 0.0), left))
        if k + 1 < len(fractions):
            low = -found[k] if sided == 2 else -math.inf
            state = integration.go_on(state, at, 0.0, low, found[k], fractions[k + 1])
    return found


def _by_shape(
    shape: np.ndarray, fractions: tuple[float, ...], alpha: float, sided: int
) -> list[float]:
    def error(constant: float) -> float:
        tried = Boundary("", alpha, sided, fractions, tuple(constant * shape), ())
        return alpha - exits(tried, 0.0).power

    alone = normal_quantile(1 - alpha / sided)
    return list(_root(error, min(alone, 0.0), alone + 6) * shape)


def _haybittle_peto(fractions: tuple[float, ...], alpha: float, sided: int) -> list[float]:
    early = [HAYBITTLE_PETO] * (len(fractions) - 1)

    def error(last: float) -> float:
        return alpha - exits(Boundary("", alpha, sided, fractions, (*early, last), ()), 0.0).power

    if error(30.0) <= 0:
        raise NoBoundary(
            f"the looks before the last at {HAYBITTLE_PETO} spend more than {alpha} already"
        )
    return [*early, _root(error, 0.0, 30.0)]


def _shape(kind: str, fractions: Sequence[float], parameter: float | None) -> np.ndarray:
    delta = {"obrien-fleming": 0.0, "pocock": 0.5}.get(kind, parameter)
    assert delta is not None
    return np.array(fractions) ** (delta - 0.5)


def _crossing(chance: Callable[[float], float], wanted: float) -> float:
    """The z at which a falling chance is `wanted`; infinite where nothing is left to spend, or less
    than any z above 30 leaves.
    """
    if wanted <= 0 or chance(30.0) >= wanted:
        return math.inf
    if chance(-30.0) <= wanted:
        return -math.inf
    return _root(lambda z: wanted - chance(z), -30.0, 30.0)


def _reached(chance: Callable[[float], float], wanted: float) -> float:
    """The z at which a rising chance is `wanted`."""
    return -_crossing(lambda z: chance(-z), wanted)


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    if rising(low) > 0 or rising(high) < 0:
        raise NoBoundary(
            "no design has these numbers: nothing between the least and the most solves for them"
        )
    return float(brentq(rising, low, high, xtol=PRECISE, rtol=4 * np.finfo(float).eps))


def _checked(
    kind: str, information: Sequence[float], alpha: float, sided: int, parameter: float | None
) -> tuple[float, ...]:
    if kind not in KINDS:
        raise NoBoundary(f"boundary {kind!r} is not known; use one of {', '.join(KINDS)}")
    if sided not in (1, 2):
        raise NoBoundary(f"a test has 1 or 2 sides, not {sided}")
    _check_rate("alpha", alpha)
    _needed(kind, parameter)
    fractions = tuple(float(each) for each in information)
    if not all(math.isfinite(each) for each in fractions):
        raise NoBoundary(f"information fractions are numbers; these are {list(fractions)}")
    rising = all(a < b for a, b in zip((0.0, *fractions), fractions, strict=False))
    if not fractions or not rising or abs(fractions[-1] - 1) > 1e-12:
        raise NoBoundary(
            f"information fractions increase from above 0 to 1; these are {list(fractions)}"
        )
    close = next(((a, b) for a, b in pairwise(fractions) if b - a < CLOSEST * b), None)
    if close:
        raise NoBoundary(f"the looks at {close[0]} and {close[1]} lie too close together to be two")
    return (*fractions[:-1], 1.0)


def _needed(kind: str, parameter: float | None) -> float | None:
    if (kind in NEEDS) != (parameter is not None):
        raise NoBoundary(
            f"{kind} needs its {NEEDS[kind]}" if kind in NEEDS else f"{kind} has no parameter"
        )
    if parameter is not None and not math.isfinite(parameter):
        raise NoBoundary(f"{NEEDS[kind]} of {kind} is a number, not {parameter}")
    if kind == "kim-demets" and parameter is not None and parameter <= 0:
        raise NoBoundary(f"rho of kim-demets is above 0, not {parameter}")
    return parameter


def _check_rate(what: str, value: float) -> None:
    if not 0 < value < 1:
        raise NoBoundary(f"{what} is between 0 and 1, not {value}")
