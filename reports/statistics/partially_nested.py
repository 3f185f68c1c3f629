"""Partially nested trials: coaches make clusters in the guided arm only, everybody else is on their
own.

    y = X beta + guided * u_coach + e,   u ~ N(0, tau^2),   e ~ N(0, sigma^2),
    or a variance of its own for every arm

    fit = partially_nested.fit(frame, outcome="bdi", arm="arm", guided="coached", cluster="coach",
    fixed="bdi_pre + arm")
    fit.difference(), fit.cluster_variance, fit.residual_variances, fit.icc, fit.icc_interval()

Candlish et al., BMC Med Res Methodol 2018;18:105, who advise the residual variance per arm; Roberts
and Roberts, Clin Trials 2005;2:152.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import cluster_robust
from . import formula as formulas
from .distributions import check_confidence
from .linear_covariance import maximise
from .model_frame import ModelFrame, NotEstimable, build, check_choice, check_columns
from .random_effects import RandomEffects, check_degrees, fitted
from .variation import NotConverged

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fit", "NotConverged", "NotEstimable", "fit", "robust"]

RESIDUALS = ("common", "by-arm")
OUTWARD = (
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    0.95,
    0.99,
    0.999,
)  # of the way from the best ICC to one


@dataclass(frozen=True)
class Nested:
    """`cluster` (rows,) whole numbers, `guided_rows` (rows,) truth values, `arm_codes` (rows,) by
    `arms`.
    """

    data: ModelFrame
    arm: str
    guided: str
    arms: tuple[str, ...]
    arm_codes: np.ndarray
    guided_rows: np.ndarray
    cluster: np.ndarray
    warnings: tuple[str, ...]

    @property
    def sizes(self) -> np.ndarray:
        """How many people every cluster of the guided arm has."""
        return np.unique(self.cluster[self.guided_rows], return_counts=True)[1]


@dataclass(frozen=True)
class Fit(RandomEffects):
    """A fitted model. Variances in squared units of the outcome."""

    nested: Nested
    residual: str

    @property
    def n_clusters(self) -> int:
        """Of the guided arm."""
        return len(self.nested.sizes)

    @property
    def mean_cluster_size(self) -> float:
        return float(self.nested.sizes.mean())

    @property
    def singular(self) -> bool:
        """Whether the variance between clusters is zero."""
        return self.fitted.rank == 0

    @property
    def cluster_variance(self) -> float:
        return float(self.fitted.random_covariance[0, 0])

    @property
    def residual_variances(self) -> dict[str, float]:
        """By arm; the same for all where the model has one."""
        found = self.fitted.residual_variances
        return {
            arm: float(found[min(number, len(found) - 1)])
            for number, arm in enumerate(self.nested.arms)
        }

    @property
    def icc(self) -> float:
        """Intraclass correlation in the guided arm: of its variance, the part that is between
        clusters.
        """
        return self.cluster_variance / (
            self.cluster_variance + self.residual_variances[self.nested.guided]
        )

    @property
    def design_effect(self) -> float:
        """How much larger clusters make the variance of the guided arm's mean: 1 + (size - 1)
        ICC.
        """
        return 1 + (self.mean_cluster_size - 1) * self.icc

    def icc_interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """All intraclass correlations, zero included, that a likelihood-ratio test of the
        (residual) likelihood keeps.
        """
        from scipy.optimize import brentq
        from scipy.special import chdtri

        check_confidence(confidence)
        limit = self.fitted.optimum.point.value + float(chdtri(1, 1 - confidence))

        def above(icc: float) -> float:
            return self._profile(icc) - limit

        best = self.icc
        lower = brentq(above, 0.0, best, xtol=1e-10) if above(0.0) > 0 else 0.0
        # Near one the covariance is all but singular: the search goes no further out than it has
        # to.
        inside = best
        for outside in (best + part * (1 - best) for part in OUTWARD):
            if above(outside) > 0:
                return float(lower), float(brentq(above, inside, outside, xtol=1e-10))
            inside = outside
        return float(lower), 1.0

    def _profile(self, icc: float) -> float:
        """Minus two log likelihood at its best with this intraclass correlation, on the scale of
        the fit.
        """
        optimum, guided = self.fitted.optimum, self.nested.arms.index(self.nested.guided)
        n_residual = len(optimum.point.theta) - 1
        own = min(guided, n_residual - 1)
        forms = np.zeros((1 + n_residual, n_residual, n_residual))
        for number in range(n_residual):
            forms[1 + number, number, number] = 1.0
        forms[1 + own, own, own] = 1 - icc
        forms[0, own, own] = icc * float(self.fitted.z_scale[0]) ** 2
        start = np.sqrt(optimum.point.theta[1:])
        return maximise(optimum.likelihood, forms, start).point.value

    def difference(self, reference: str | None = None, confidence: float = 0.95) -> pd.DataFrame:
        """Marginal mean of every arm minus that of `reference`, by default the reference level of
        the formula.
        """
        arm = self.nested.arm
        first = self.design.variable(arm).levels[0]
        return self.contrasts(
            arm, reference=first if reference is None else reference, confidence=confidence
        )


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    guided: str,
    cluster: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
    residual: str = "by-arm",
    df: str = "kenward-roger",
    reml: bool = True,
) -> Fit:
    """Fit the model; rows in which the outcome or a variable of `fixed` is missing are left out.

    `frame` has a row per person, `fixed` has `arm` in it, `guided` is the level of `arm` with
    clusters and `cluster` the column of coaches; outside that arm it is not read. Somebody guided
    without a cluster is a cluster of one, and the result says so. `residual`: common, or by-arm.
    Errors: NotEstimable, NotConverged, formula.FormulaError, formula.UnknownColumn.
    """
    check_choice("residual", residual, RESIDUALS)
    check_degrees(df, reml)
    nested = _nested(frame, outcome, arm, guided, cluster, fixed, reference)
    if len(nested.sizes) < 2:
        raise NotEstimable(
            f"{cluster}: there is one in {guided}; a variance between them needs several"
        )
    if nested.sizes.max() < 2:
        raise NotEstimable(
            f"no {cluster} has two people, so there is no variance between them to estimate"
        )
    column = nested.guided_rows.astype(float)[:, None]
    by_arm = nested.arm_codes if residual == "by-arm" else None
    found = fitted(nested.data, nested.cluster, column, reml=reml, residual=by_arm)
    singular = (f"the variance between clusters ({cluster}) is zero",) if found.rank == 0 else ()
    return Fit(nested.data, found, df, (*nested.warnings, *singular), nested, residual)


def robust(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    guided: str,
    cluster: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
) -> cluster_robust.Fit:
    """Least squares with the same clusters and CR2 errors, which leave open what the variances are.
    Errors as `fit`.
    """
    nested = _nested(frame, outcome, arm, guided, cluster, fixed, reference)
    return cluster_robust.fitted(nested.data, nested.cluster)


def _nested(
    frame: pd.DataFrame,
    outcome: str,
    arm: str,
    guided: str,
    cluster: str,
    fixed: str,
    reference: Mapping[str, str] | None,
) -> Nested:
    if (arm,) not in formulas.parse(fixed).terms:
        raise formulas.FormulaError(f"{arm} is not in {fixed!r}")
    check_columns(frame, [cluster])
    found = build(
        frame, outcome=outcome, fixed=fixed, reference=reference, categories={arm}, scaled=True
    )
    arms, codes, _ = formulas.levels_of(arm, found.frame[arm], (reference or {}).get(arm))
    if guided not in arms:
        raise NotEstimable(f"{arm}: nobody is in {guided!r}; there are {', '.join(arms)}")
    is_guided = codes == arms.index(guided)
    labels = found.frame[cluster].astype(object).where(is_guided)
    alone = int((labels.isna().to_numpy() & is_guided).sum())
    said = (f"{alone} in {guided} have no {cluster}: each is a cluster of one",) if alone else ()
    clusters = cluster_robust.alone_where_missing(labels, cluster)
    return Nested(found, arm, guided, arms, codes, is_guided, clusters, (*found.warnings, *said))
