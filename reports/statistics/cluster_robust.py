"""Least squares with standard errors that are robust to clusters: CR2, with Satterthwaite's degrees
of freedom.

The residuals of a cluster are multiplied by (I - H_ii)^(-1/2), which makes the sandwich unbiased
where observations are independent with one variance. Bell and McCaffrey, Survey Methodology
2002;28:169; Pustejovsky and Tipton, JBES 2018;36:672.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from . import estimates, wald
from .estimates import Solved
from .model_frame import ModelFrame, NotEstimable, build, check_columns, least_squares
from .reading import codes_of
from .variation import is_rounding, largest
from .wald import FTest

if TYPE_CHECKING:
    import pandas as pd

# an eigenvalue of I - H_ii below this is zero: the model fits this cluster whatever it says
ALONE = 1e-10


@dataclass(frozen=True)
class Inference:
    """`x` (n, p), `residuals` (n,), `adjusted` (n, p) with A_i X_i, `cluster` (n,) whole numbers
    from 0; `size`: of the largest number that the residuals were computed from.
    """

    x: np.ndarray
    residuals: np.ndarray
    adjusted: np.ndarray
    cluster: np.ndarray
    phi: np.ndarray
    size: float

    def _summed(self, values: np.ndarray) -> np.ndarray:
        result = np.zeros((int(self.cluster.max()) + 1, *values.shape[1:]))
        np.add.at(result, self.cluster, values)
        return result

    @cached_property
    def vcov(self) -> np.ndarray:
        scores = self._summed(self.adjusted * self.residuals[:, None])
        return self.phi @ (scores.T @ scores) @ self.phi

    def standard_errors(self, combinations: np.ndarray) -> np.ndarray:
        """(r,) of the rows of `combinations` (r, p), NaN where what all clusters add to it comes
        to nothing within each, as where everybody in a cluster has the same outcome and each has
        people of both arms. Errors: NotEstimable where no combination has one.
        """
        weights = self.adjusted @ (self.phi @ combinations.T)
        added = self._summed(weights * self.residuals[:, None])
        beside = self._summed(np.abs(weights)) * self.size
        is_nothing = [
            is_rounding(largest(own), largest(size))
            for own, size in zip(added.T, beside.T, strict=True)
        ]
        errors = np.sqrt((added**2).sum(axis=0))
        return wald.known_errors(errors, np.array(is_nothing, dtype=bool))

    def degrees_of_freedom(self, combinations: np.ndarray) -> np.ndarray:
        """(r,)."""
        found = []
        for row in combinations @ self.phi:
            e = self.adjusted @ row
            found.append(
                wald.bell_mccaffrey(self._summed(self.x * e[:, None]), self._summed(e**2), self.phi)
            )
        return np.array(found)

    def joint(self, combinations: np.ndarray, beta: np.ndarray) -> FTest:
        wald.check_known(combinations, self.vcov, self.standard_errors)
        return wald.joint(combinations, beta, self.vcov, self.degrees_of_freedom)


@dataclass(frozen=True)
class Fit(Solved):
    """Least squares; `errors` has the robust covariance."""

    errors: Inference

    @property
    def n_clusters(self) -> int:
        return int(self.errors.cluster.max()) + 1


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    cluster: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
) -> Fit:
    """Fit the model; rows in which anything is missing are left out, save that a row without
    `cluster` is a cluster of its own.

    Errors: NotEstimable, formula.FormulaError, formula.UnknownColumn.
    """
    check_columns(frame, [cluster])
    found = build(frame, outcome=outcome, fixed=fixed, reference=reference, scaled=True)
    return fitted(found, alone_where_missing(found.frame[cluster], cluster))


def alone_where_missing(labels: pd.Series, name: str) -> np.ndarray:
    """Clusters as whole numbers from 0; every missing label is a cluster of its own."""
    codes = codes_of(labels, name).copy()
    missing = codes < 0
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(int(missing.sum()))
    return codes


def check_several(x: np.ndarray, cluster: np.ndarray, names: Sequence[str]) -> None:
    """NotEstimable where one cluster alone has what a coefficient is estimated from, such as the
    only cluster of an arm: the model fits it whatever it says, and how clusters differ there cannot
    be known.
    """
    q, r = np.linalg.qr(x)
    leverage = np.bincount(cluster, weights=(q**2).sum(axis=1))
    for each in np.flatnonzero(leverage > 1 - ALONE):
        own = q[cluster == each]
        values, vectors = np.linalg.eigh(own.T @ own)
        if values[-1] > 1 - ALONE:
            direction = np.abs(np.linalg.solve(r, vectors[:, -1])) * np.abs(np.diag(r))
            worst = names[int(np.argmax(direction[1:])) + 1] if len(names) > 1 else names[0]
            raise NotEstimable(
                f"{worst} hangs on one cluster alone, so its standard error cannot be computed"
            )


def fitted(found: ModelFrame, cluster: np.ndarray) -> Fit:
    """`cluster` (rows,): whole numbers from 0, one for each row of `found`. Errors:
    NotEstimable.
    """
    x, y = found.x, found.y
    n_clusters = int(cluster.max()) + 1
    if n_clusters <= x.shape[1]:
        raise NotEstimable(f"{n_clusters} clusters are too few for {x.shape[1]} coefficients")
    check_several(x, cluster, found.names)
    beta, residuals = least_squares(x, y)
    phi = np.linalg.inv(x.T @ x)
    adjusted = np.empty_like(x)
    order = np.argsort(cluster, kind="stable")
    ends = np.cumsum(np.bincount(cluster))
    for rows in np.split(order, ends[:-1]):
        adjusted[rows] = _root(np.eye(len(rows)) - x[rows] @ phi @ x[rows].T) @ x[rows]
    errors = Inference(x, residuals, adjusted, cluster, phi, largest(y, x * beta))
    return Fit(without_error(found, errors), beta, errors)


def without_error(found: ModelFrame, errors: estimates.Inference) -> ModelFrame:
    """With a warning for every coefficient that has no standard error because clusters do not
    differ there. The others keep theirs: an arm at the floor of a scale is no reason to refuse what
    the other arm says.
    """
    lost = np.isnan(errors.standard_errors(found.to_scaled(np.eye(len(found.names)))))
    said = (
        f"clusters do not differ in what {name} is estimated from, so it has no standard error"
        for name in np.array(found.names)[lost]
    )
    return replace(found, warnings=(*found.warnings, *said))


def _root(matrix: np.ndarray) -> np.ndarray:
    """The inverse of the symmetric root, zero in directions where the matrix is zero."""
    values, vectors = np.linalg.eigh(matrix)
    powers = np.where(values > ALONE, 1 / np.sqrt(np.maximum(values, ALONE)), 0.0)
    return (vectors * powers) @ vectors.T
