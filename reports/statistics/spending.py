"""Spending functions: how much of an error is used up at a fraction of the information.

Lan and DeMets, Biometrika 1983;70:659; Kim and DeMets, Biometrika 1987;74:149; Hwang, Shih and
DeCani, Stat Med 1990;9:1439.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .distributions import normal_quantile

SPENDING = ("lan-demets-obrien-fleming", "lan-demets-pocock", "kim-demets", "hwang-shih-decani")


def function(
    kind: str, alpha: float, sided: int, parameter: float | None
) -> Callable[[float], float]:
    """Error spent up to a fraction; a two-sided test spends half on each side."""
    from scipy.special import ndtr

    each = alpha / sided
    match kind:
        case "lan-demets-obrien-fleming":
            quantile = normal_quantile(1 - each / 2)
            return lambda t: sided * 2 * float(ndtr(-quantile / math.sqrt(t)))
        case "lan-demets-pocock":
            return lambda t: alpha * math.log1p((math.e - 1) * t)
        case "kim-demets":
            return lambda t: alpha * t ** float(parameter or 0)
    gamma = float(parameter or 0)
    if (
        gamma < 0
    ):  # the same with both multiplied by e^gamma, which no gamma takes beyond what a number holds
        return lambda t: (
            alpha * math.exp(gamma * (1 - t)) * math.expm1(gamma * t) / math.expm1(gamma)
        )
    return lambda t: alpha * (math.expm1(-gamma * t) / math.expm1(-gamma) if gamma else t)
