"""Do arms differ in how long people stay? The log-rank test and the G-rho family.

Every time with an event is a table of arms by stopped or not, weighted by the pooled Kaplan-Meier
share just before it to the power rho: 0 is the log-rank test (Mantel, Cancer Chemother Rep
1966;50:163), 1 the Peto and Peto modification of the Wilcoxon test. Harrington and Fleming,
Biometrika 1982;69:553.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import formula as formulas
from ..model_frame import NotEstimable
from ..variation import is_rounding, largest
from .kaplan_meier import checked


class NothingToCompare(NotEstimable):
    """There is one arm, nobody had an event, or nobody else was there when they had it."""


@dataclass(frozen=True)
class LogRank:
    """`observed`, `expected` (weighted, in the order of `arms`), `variance` (arms, arms) of their
    differences.
    """

    arms: tuple[str, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    variance: np.ndarray
    chi_squared: float
    df: int
    p: float


def log_rank(
    times: Sequence[float] | np.ndarray,
    events: Sequence[bool] | np.ndarray,
    arm: Sequence[object] | np.ndarray,
    *,
    rho: float = 0.0,
    strata: Sequence[object] | np.ndarray | None = None,
) -> LogRank:
    """`strata`: tables are made within them and added up. Times that differ by rounding alone tie.

    Errors: NothingToCompare, UnknownTimes.
    """
    from scipy.special import chdtrc

    if not math.isfinite(rho):
        raise ValueError(f"rho is a number, not {rho}")
    time, stopped = checked(times, events)
    names, codes, _ = formulas.levels_of("arm", arm, None)
    layers = (
        np.zeros(len(time), dtype=int)
        if strata is None
        else formulas.levels_of("strata", strata, None)[1]
    )
    if len(codes) != len(time) or len(layers) != len(time):
        raise NothingToCompare(f"{len(time)} times, but {len(codes)} arms and {len(layers)} strata")
    if (codes < 0).any() or (layers < 0).any():
        raise NothingToCompare("an arm or a stratum is missing for somebody")
    if len(names) < 2:
        raise NothingToCompare(f"everybody is in arm {names[0]}")
    parts = [
        _tables(
            time[layers == each], stopped[layers == each], codes[layers == each], len(names), rho
        )
        for each in range(int(layers.max()) + 1)
    ]
    observed, expected, variance = (np.sum([part[i] for part in parts], axis=0) for i in range(3))
    used = expected > 0
    df = int(used.sum()) - 1
    nothing = is_rounding(largest(variance), largest(expected))
    if df < 1 or nothing or np.linalg.matrix_rank(variance) < df:
        raise NothingToCompare("nobody had an event while two arms were there")
    kept = np.flatnonzero(used)[1:]
    difference = (observed - expected)[kept]
    chi = float(difference @ np.linalg.solve(variance[np.ix_(kept, kept)], difference))
    return LogRank(
        names,
        tuple(observed.tolist()),
        tuple(expected.tolist()),
        variance,
        chi,
        df,
        float(chdtrc(df, chi)),
    )


def _tables(
    time: np.ndarray, stopped: np.ndarray, codes: np.ndarray, arms: int, rho: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    different, number = np.unique(time, return_inverse=True)
    shape = (len(different), arms)
    flat = number * arms + codes
    leaving = np.bincount(flat, minlength=shape[0] * arms).reshape(shape)
    died = np.bincount(flat, weights=stopped, minlength=shape[0] * arms).reshape(shape)
    risk = leaving[::-1].cumsum(axis=0)[::-1]
    total, deaths = risk.sum(axis=1), died.sum(axis=1)
    left = np.concatenate([[1.0], np.cumprod(1 - deaths / total)[:-1]])
    weight = left**rho if rho else np.ones(len(different))
    expected = (weight * deaths / total) @ risk
    spread = weight**2 * deaths * (total - deaths) / np.maximum(total - 1, 1) / total
    variance = np.diag(spread @ risk) - (risk * (spread / total)[:, None]).T @ risk
    return weight @ died, expected, variance
