"""Ratio of two risks (Katz et al., Biometrics 1978;34:469) and of two odds (Woolf, Ann Hum Genet
1955;19:251).
"""

import math
from dataclasses import dataclass

from ..distributions import normal_quantile
from .shares import check_groups


class ZeroCell(ValueError):
    """A count of zero, at which a ratio or the interval of its logarithm does not exist."""


@dataclass(frozen=True)
class Ratio:
    """First over second; `se_log` is the standard error of its natural logarithm."""

    value: float
    se_log: float
    lower: float
    upper: float
    method: str


def risk_ratio(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Ratio:
    """Katz's log interval. Errors: ZeroCell where either group has no event, or all of both
    have it; ImpossibleCount.
    """
    check_groups(x1, n1, x2, n2)
    if not x1 or not x2:
        raise ZeroCell(
            f"{x1} of {n1} against {x2} of {n2}: a ratio of risks needs an event in both groups"
        )
    if x1 == n1 and x2 == n2:
        raise ZeroCell(
            f"{x1} of {n1} against {x2} of {n2}: everybody has the event, so that Katz's interval "
            f"has no width"
        )
    return _ratio((x1 / n1) / (x2 / n2), 1 / x1 - 1 / n1 + 1 / x2 - 1 / n2, confidence, "Katz log")


def odds_ratio(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> Ratio:
    """Woolf's log interval. Errors: ZeroCell where one of the four cells is empty;
    ImpossibleCount.
    """
    check_groups(x1, n1, x2, n2)
    cells = (x1, n1 - x1, x2, n2 - x2)
    if not all(cells):
        raise ZeroCell(
            f"{x1} of {n1} against {x2} of {n2}: a ratio of odds needs people in all four cells"
        )
    a, b, c, d = cells
    return _ratio(a * d / (b * c), sum(1 / cell for cell in cells), confidence, "Woolf logit")


def _ratio(value: float, variance: float, confidence: float, method: str) -> Ratio:
    se = math.sqrt(variance)
    factor = math.exp(normal_quantile((1 + confidence) / 2) * se)
    return Ratio(value, se, value / factor, value * factor, method)
