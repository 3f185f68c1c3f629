"""Rubin's rules: one estimate out of many imputed data sets.

Rubin, Multiple Imputation for Nonresponse in Surveys, 1987, section 3.3; degrees of freedom for
small samples by Barnard and Rubin, Biometrika 1999;86:948.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..distributions import normal_quantile, t_quantile, t_two_sided_p

# in the degrees of freedom for small samples, as in mice, so that the formula stays finite
SMALLEST_SHARE = 1e-4


class NotPoolable(ValueError):
    """Fewer than two imputations, or estimates and variances that are no numbers: says which."""


@dataclass(frozen=True)
class Pooled:
    """`within` and `between` are variances, `total` their sum with the correction for m
    imputations.

    `riv`: relative increase in variance through what is missing; `fmi`: fraction of missing
    information; `share`: the share of the total variance that is due to what is missing (lambda).
    `large_sample_df`: of Rubin 1987, infinite without spread.
    """

    estimate: float
    se: float
    df: float
    t: float
    p: float
    lower: float
    upper: float
    within: float
    between: float
    total: float
    riv: float
    fmi: float
    share: float
    large_sample_df: float
    m: int


def pool(
    estimates: Sequence[float] | np.ndarray,
    variances: Sequence[float] | np.ndarray,
    *,
    complete_df: float = math.inf,
    confidence: float = 0.95,
) -> Pooled:
    """`estimates` and their squared standard errors, one for each imputation. `complete_df`: n - k,
    as if nothing were missing; infinite for Rubin's own degrees of freedom. Errors: NotPoolable.
    """
    q, u = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    m = len(q)
    if m < 2 or q.shape != u.shape:
        raise NotPoolable(
            f"{m} estimates and {len(u)} variances: pooling needs as many of both, at least two"
        )
    if not np.isfinite(q).all() or not (np.isfinite(u) & (u > 0)).all():
        raise NotPoolable("an estimate is not a number, or a variance is not above zero")
    if complete_df <= 0:
        raise NotPoolable(f"{complete_df} degrees of freedom of the complete data are too few")
    within, between = float(u.mean()), float(q.var(ddof=1))
    # Estimates that differ by rounding alone are the same: nothing was missing.
    between = 0.0 if between <= (1e-13 * float(np.abs(q).max())) ** 2 else between
    extra = (1 + 1 / m) * between
    total = within + extra
    share, riv = extra / total, extra / within
    large = (m - 1) / share**2 if share**2 > 0 else math.inf
    df = _small_sample(m, complete_df, share)
    fmi = (riv + 2 / (df + 3)) / (1 + riv)
    estimate, se = float(q.mean()), math.sqrt(total)
    t = estimate / se
    level = (1 + confidence) / 2
    half = se * (t_quantile(level, df) if math.isfinite(df) else normal_quantile(level))
    p = t_two_sided_p(t, df) if math.isfinite(df) else math.erfc(abs(t) / math.sqrt(2))
    interval = (estimate - half, estimate + half)
    return Pooled(
        estimate, se, df, t, p, *interval, within, between, total, riv, fmi, share, large, m
    )


def _small_sample(m: int, complete_df: float, share: float) -> float:
    if math.isinf(complete_df):
        return (m - 1) / share**2 if share**2 > 0 else math.inf
    floored = max(share, SMALLEST_SHARE)
    large = (m - 1) / floored**2
    observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - floored)
    return large * observed / (large + observed)
