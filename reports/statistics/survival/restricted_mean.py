"""Mean time within a horizon: the area under the Kaplan-Meier curve up to it.

The variance sums, over the times with an event, the square of the area still to come times
Greenwood's term. Royston and Parmar, BMC Med Res Methodol 2013;13:152.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..distributions import normal_quantile
from ..model_frame import NotEstimable
from .kaplan_meier import Curve


class BeyondFollowUp(NotEstimable):
    """The horizon lies after the last time that anybody was followed, or not after 0."""


@dataclass(frozen=True)
class RestrictedMean:
    """In the unit of time. `p` is of no difference: None for the mean of one arm. Limits and p are
    None where `se` is 0, before anybody has stopped (or all at one time): that is no knowledge of
    the mean without error.
    """

    horizon: float
    estimate: float
    se: float
    lower: float | None
    upper: float | None
    p: float | None = None


def restricted_mean(curve: Curve, horizon: float, confidence: float = 0.95) -> RestrictedMean:
    """Errors: BeyondFollowUp."""
    last = curve.steps[-1]
    if not horizon > 0 or (horizon > last.time + curve.slack and last.survival > 0):
        raise BeyondFollowUp(
            f"{horizon} is not between 0 and {last.time}, until when people are followed"
        )
    steps = [step for step in curve.steps if step.time < horizon - curve.slack]
    edges = np.array([0.0, *(step.time for step in steps), horizon])
    pieces = np.diff(edges) * np.array([1.0, *(step.survival for step in steps)])
    to_come = pieces[::-1].cumsum()[::-1][1:]
    greenwood = [
        s.events / (s.at_risk * (s.at_risk - s.events)) if s.at_risk > s.events else 0.0
        for s in steps
    ]
    se = math.sqrt(float((to_come**2) @ np.array(greenwood)))
    return _with_interval(horizon, float(pieces.sum()), se, confidence)


def restricted_mean_difference(
    first: Curve, second: Curve, horizon: float, confidence: float = 0.95
) -> RestrictedMean:
    """First minus second. Errors: BeyondFollowUp, of either."""
    one, other = restricted_mean(first, horizon), restricted_mean(second, horizon)
    se = math.hypot(one.se, other.se)
    estimate = one.estimate - other.estimate
    p = math.erfc(abs(estimate / se) / math.sqrt(2)) if se else None
    return _with_interval(horizon, estimate, se, confidence, p)


def _with_interval(
    horizon: float, estimate: float, se: float, confidence: float, p: float | None = None
) -> RestrictedMean:
    if not se:
        return RestrictedMean(horizon, estimate, 0.0, None, None, p)
    half = normal_quantile((1 + confidence) / 2) * se
    return RestrictedMean(horizon, estimate, se, estimate - half, estimate + half, p)
