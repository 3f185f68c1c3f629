"""Usage half-life: the time after which half of those who started have stopped using a programme.

The median of the Kaplan-Meier curve of stopping. Eysenbach, The law of attrition, J Med Internet
Res 2005;7:e11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .kaplan_meier import kaplan_meier


@dataclass(frozen=True)
class HalfLife:
    """In the unit of the times; None where fewer than half had stopped when they were last
    followed.
    """

    value: float | None
    lower: float | None
    upper: float | None
    started: int
    stopped: int


def usage_half_life(
    times: Sequence[float] | np.ndarray,
    stopped: Sequence[bool] | np.ndarray,
    confidence: float = 0.95,
) -> HalfLife:
    """`times` from the start of use to the last use of those who `stopped`, else to when they were
    last known to use it. Errors: UnknownTimes.
    """
    curve = kaplan_meier(times, stopped, confidence)
    median = curve.median
    return HalfLife(median.value, median.lower, median.upper, curve.n, curve.events)
