"""How long people stay: curves, tests between arms, proportional hazards, mean time within a
horizon, usage half-life.

    curve = survival.kaplan_meier(days, stopped)
    curve.at(30), curve.median, curve.quantile(0.25)
    survival.log_rank(days, stopped, arm)
    survival.cox(frame, time="days", event="stopped", formula="treatment + drug",
                 reference={"treatment": "TAU"})
    survival.restricted_mean_difference(curve_of_one, curve_of_other, horizon=56)
    survival.usage_half_life(days, stopped)

An event is whatever ends the stay; who has none was last seen at their time. The numbers are those
of the R package survival, which also takes times that differ by rounding alone for one (`ties`).
What the data do not determine is a NotEstimable.
"""

from ..model_frame import NotEstimable
from ..variation import NotConverged
from .cox import Cox, Monotone, cox
from .kaplan_meier import Curve, Quantile, Step, UnknownTimes, kaplan_meier
from .log_rank import LogRank, NothingToCompare, log_rank
from .restricted_mean import (
    BeyondFollowUp,
    RestrictedMean,
    restricted_mean,
    restricted_mean_difference,
)
from .usage import HalfLife, usage_half_life

__all__ = [
    "BeyondFollowUp",
    "Cox",
    "Curve",
    "HalfLife",
    "LogRank",
    "Monotone",
    "NotConverged",
    "NotEstimable",
    "NothingToCompare",
    "Quantile",
    "RestrictedMean",
    "Step",
    "UnknownTimes",
    "cox",
    "kaplan_meier",
    "log_rank",
    "restricted_mean",
    "restricted_mean_difference",
    "usage_half_life",
]
