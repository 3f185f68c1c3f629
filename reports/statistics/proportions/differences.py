"""The difference of two independent proportions, first minus second, with the interval asked for.

    wald              the textbook interval: poor, for comparison only
    newcombe          square-and-add of Wilson's limits; method 10 of Newcombe, Stat Med 1998;17:873
    newcombe-cc       the same of continuity-corrected limits; method 11
    miettinen-nurminen  score interval with variance N / (N - 1); Miettinen and Nurminen, Stat Med
                        1985;4:213
    mee               score interval without that factor; Mee, Biometrics 1984;40:1175

A score limit is the difference at which the score statistic equals the normal quantile, the
proportions being those most likely among all that differ by it.
"""

import math
from dataclasses import dataclass

from ..distributions import normal_quantile
from .shares import check_groups, wilson_limits

METHODS = ("wald", "newcombe", "newcombe-cc", "miettinen-nurminen", "mee")


@dataclass(frozen=True)
class RiskDifference:
    """First proportion minus second, from -1 to 1: `x1` of `n1` against `x2` of `n2`."""

    value: float
    lower: float
    upper: float
    x1: int
    n1: int
    x2: int
    n2: int
    method: str
    confidence: float

    @property
    def se(self) -> float:
        """Of Wald's interval, whatever the method of this one."""
        return _wald_error(self.x1, self.n1, self.x2, self.n2)


def difference(
    x1: int, n1: int, x2: int, n2: int, method: str = "newcombe", confidence: float = 0.95
) -> RiskDifference:
    """`x1` of `n1` people against `x2` of `n2`; zero cells are allowed. Errors: ImpossibleCount,
    ValueError for a method.
    """
    check_groups(x1, n1, x2, n2)
    if method not in METHODS:
        raise ValueError(f"method {method!r} is not known; use one of {', '.join(METHODS)}")
    value = x1 / n1 - x2 / n2
    if method == "wald":
        lower, upper = _wald(x1, n1, x2, n2, confidence)
    elif method.startswith("newcombe"):
        lower, upper = _square_and_add(
            x1, n1, x2, n2, confidence, corrected=method == "newcombe-cc"
        )
    else:
        total = n1 + n2
        factor = total / (total - 1) if method == "miettinen-nurminen" else 1.0
        lower, upper = _score_limits(x1, n1, x2, n2, normal_quantile((1 + confidence) / 2), factor)
    return RiskDifference(value, lower, upper, x1, n1, x2, n2, method, confidence)


def cohen_h(x1: int, n1: int, x2: int, n2: int) -> float:
    """Difference of arcsine-transformed proportions. Cohen 1988, chapter 6."""
    check_groups(x1, n1, x2, n2)
    return 2 * math.asin(math.sqrt(x1 / n1)) - 2 * math.asin(math.sqrt(x2 / n2))


def _wald(x1: int, n1: int, x2: int, n2: int, confidence: float) -> tuple[float, float]:
    p1, p2 = x1 / n1, x2 / n2
    half = normal_quantile((1 + confidence) / 2) * _wald_error(x1, n1, x2, n2)
    return p1 - p2 - half, p1 - p2 + half


def _wald_error(x1: int, n1: int, x2: int, n2: int) -> float:
    p1, p2 = x1 / n1, x2 / n2
    return math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)


def _square_and_add(
    x1: int, n1: int, x2: int, n2: int, confidence: float, *, corrected: bool
) -> tuple[float, float]:
    p1, p2 = x1 / n1, x2 / n2
    lower1, upper1 = wilson_limits(x1, n1, confidence, corrected)
    lower2, upper2 = wilson_limits(x2, n2, confidence, corrected)
    down, up = math.hypot(p1 - lower1, upper2 - p2), math.hypot(upper1 - p1, p2 - lower2)
    return max(-1.0, p1 - p2 - down), min(1.0, p1 - p2 + up)


def _score_limits(
    x1: int, n1: int, x2: int, n2: int, z: float, factor: float
) -> tuple[float, float]:
    from scipy.optimize import brentq

    value = x1 / n1 - x2 / n2

    def limit(end: float) -> float:
        target = z if end < 0 else -z

        def off(delta: float) -> float:
            # Bounded, because the statistic is infinite at a difference of one.
            return max(-1e3, min(1e3, _score(x1, n1, x2, n2, delta, factor) - target))

        if value == end:  # all in one group and nobody in the other: no difference beyond it exists
            return end
        return float(brentq(off, value, end, xtol=1e-15, rtol=1e-14, maxiter=500))

    return limit(-1.0), limit(1.0)


def _score(x1: int, n1: int, x2: int, n2: int, delta: float, factor: float) -> float:
    p2 = restricted_p2(x1, n1, x2, n2, delta)
    p1 = min(1.0, max(0.0, p2 + delta))
    off = x1 / n1 - x2 / n2 - delta
    variance = factor * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    if variance > 0:
        return off / math.sqrt(variance)
    return math.copysign(math.inf, off) if off else 0.0


def restricted_p2(x1: int, n1: int, x2: int, n2: int, delta: float) -> float:
    """The second proportion that is most likely where the first is larger by `delta`.

    The slope of the log likelihood falls over the whole range: Newton's method, and halving where
    it leaves the bracket. The root of the cubic in closed form loses half its digits, or more,
    where it meets another at the edge.
    """
    low, high = max(0.0, -delta), min(1.0, 1 - delta)
    if _slope(x1, n1, x2, n2, low + delta, low)[0] <= 0:
        return low
    if _slope(x1, n1, x2, n2, high + delta, high)[0] >= 0:
        return high
    p2 = (x1 + x2 - n1 * delta) / (n1 + n2)
    if not low < p2 < high:
        p2 = (low + high) / 2
    for _ in range(200):
        slope, curve = _slope(x1, n1, x2, n2, p2 + delta, p2)
        low, high = (p2, high) if slope > 0 else (low, p2)
        following = (
            p2 - slope / curve if math.isfinite(slope) and math.isfinite(curve) else math.nan
        )
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - p2) <= 1e-16 + 1e-15 * p2:
            return following
        p2 = following
    return p2


def _slope(x1: int, n1: int, x2: int, n2: int, p1: float, p2: float) -> tuple[float, float]:
    """First and second derivative of the log likelihood; a count of zero takes no part, whatever
    its proportion.
    """
    p1 = min(1.0, max(0.0, p1))
    slope = curve = 0.0
    for count, p, sign in ((x1, p1, 1), (n1 - x1, 1 - p1, -1), (x2, p2, 1), (n2 - x2, 1 - p2, -1)):
        if not count:
            continue
        if p <= 0:
            return sign * math.inf, -math.inf
        slope += sign * count / p
        curve -= count / p / p
    return slope, curve
