"""At which delta does a conclusion tip? Ratitch, O'Kelly and Tosiello, Pharm Stat 2013;12:337.

Delta is added to whatever is imputed in one arm at or after an event. Estimates of the jackknife
are linear in it, so that every delta is exact and costs no fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..distributions import normal_quantile
from .jackknife import Jackknife, jackknife_error

if TYPE_CHECKING:
    import pandas as pd

GRID = 21


class NoTippingPoint(ValueError):
    """The conclusion is the same at both ends of the range; says which."""


@dataclass(frozen=True)
class Tipping:
    """`delta`, in units of the outcome, is where p is exactly `alpha`. `grid`: delta estimate se
    lower upper p.
    """

    visit: str
    arm: str
    alpha: float
    delta: float
    grid: pd.DataFrame


def tipping_point(
    result: Jackknife,
    *,
    visit: str,
    arm: str,
    low: float = 0.0,
    high: float = 20.0,
    alpha: float = 0.05,
    grid: Sequence[float] | None = None,
    precision: float = 1e-8,
) -> Tipping:
    """Bisect between `low` and `high` for the delta in `arm` at which the difference from the
    control tips.

    It tips where the two-sided p crosses `alpha`. Where the range holds several crossings one is
    found: see the grid, 21 even steps unless given. Errors: NoTippingPoint, KeyError for a visit or
    arm that is not there.
    """
    if arm not in result.trial.arms[1:] or visit not in result.trial.visits:
        raise KeyError(f"no arm {arm!r} against the control, or no visit {visit!r}")
    path = _Path.of(result, result.trial.visits.index(visit), result.trial.arms.index(arm))
    z = normal_quantile(1 - alpha / 2)
    table = _grid(
        path, np.linspace(low, high, GRID) if grid is None else np.asarray(grid, dtype=float), z
    )
    below, above = (abs(path.at(each)[0] / path.at(each)[1]) >= z for each in (low, high))
    if below == above:
        raise NoTippingPoint(
            f"p is {'below' if below else 'above'} {alpha} both at delta {low} and at delta {high}"
        )
    while high - low > precision:
        middle = (low + high) / 2
        estimate, se = path.at(middle)
        low, high = (middle, high) if (abs(estimate / se) >= z) == below else (low, middle)
    return Tipping(visit, arm, alpha, (low + high) / 2, table)


@dataclass(frozen=True)
class _Path:
    """The difference and its replicates as linear functions of delta in one arm; its delta so far
    is replaced.
    """

    start: float
    slope: float
    starts: np.ndarray
    slopes: np.ndarray

    @classmethod
    def of(cls, result: Jackknife, visit: int, arm: int) -> _Path:
        without_it = result.delta.copy()
        without_it[arm] = 0.0
        names = result.trial.arms
        base = result.with_delta(dict(zip(names, without_it.tolist(), strict=True)))
        slopes = result.slopes[arm, :, visit]
        slopes_without = result.slopes_without[:, arm, :, visit]
        return cls(
            float(base.means[arm, visit] - base.means[0, visit]),
            float(slopes[arm] - slopes[0]),
            base.without[:, arm, visit] - base.without[:, 0, visit],
            slopes_without[:, arm] - slopes_without[:, 0],
        )

    def at(self, delta: float) -> tuple[float, float]:
        return self.start + delta * self.slope, float(
            jackknife_error(self.starts + delta * self.slopes)
        )


def _grid(path: _Path, deltas: np.ndarray, z: float) -> pd.DataFrame:
    import pandas as pd
    from scipy.special import ndtr

    estimate, se = np.array([path.at(float(each)) for each in deltas]).T
    columns = {
        "delta": deltas,
        "estimate": estimate,
        "se": se,
        "lower": estimate - z * se,
        "upper": estimate + z * se,
    }
    return pd.DataFrame(columns).assign(p=2 * ndtr(-np.abs(estimate / se)))
