"""Random effects by cluster: the fit with its boundary, and the inference about fixed effects,
shared by models that have them.

Satterthwaite's degrees of freedom come from the inverse observed information by the factors of the
covariance (lmerTest: a variance of zero has no factor and drops out), Kenward-Roger from the
inverse expected information by variances and covariances (pbkrtest: a variance of zero stays in).
Kuznetsova, Brockhoff and Christensen, J Stat Softw 2017;82(13); Halekoh and Hojsgaard, J Stat Softw
2014;59(9).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from . import formula as formulas
from . import wald
from .estimates import Estimates
from .linear_covariance import Likelihood, Optimum, batches, factor_forms, maximise
from .model_frame import ModelFrame, NotEstimable, check_choice, least_squares
from .variation import DoesNotVary, NotConverged, is_fitted_exactly, largest
from .wald import FTest

DEGREES = ("satterthwaite", "kenward-roger", "residual")
SMALL = 1e-6  # a variance relative to the residual one, below which zero is tried
SAME = 1e-7  # of minus two log likelihood: as good as the better one
CONFOUNDED = 1e-10  # smallest eigenvalue of the information, its diagonal being one


@dataclass(frozen=True)
class Fitted:
    """`optimum` on the scale of `y_scale` and of `z_scale` (size,), of what is left of the outcome
    after taking from it the columns times `shift` (p,), which keeps the digits of an outcome far
    from zero; `size` random effects, of which `rank` are free.
    """

    optimum: Optimum
    size: int
    rank: int
    y_scale: float
    z_scale: np.ndarray
    shift: np.ndarray

    @property
    def n_random(self) -> int:
        return self.size * (self.size + 1) // 2

    @property
    def random_covariance(self) -> np.ndarray:
        """(size, size), in the units of the data."""
        found = _square(self.optimum.point.theta[: self.n_random], self.size)
        return found * self.y_scale**2 / np.outer(self.z_scale, self.z_scale)

    @property
    def residual_variances(self) -> np.ndarray:
        return self.optimum.point.theta[self.n_random :] * self.y_scale**2

    def minus_two_log_likelihood(self, x_scale: np.ndarray, value: float | None = None) -> float:
        """In the units of the data; REML with the constant (N - p) log 2 pi and without
        log|X'X|.
        """
        likelihood = self.optimum.likelihood
        value = self.optimum.point.value if value is None else value
        freedom = likelihood.n_observations - (likelihood.p if likelihood.reml else 0)
        shift = 2 * float(np.log(x_scale).sum()) if likelihood.reml else 0.0
        return value + 2 * freedom * float(np.log(self.y_scale)) + shift


@dataclass(frozen=True)
class Inference:
    """`df` is satterthwaite, kenward-roger or residual."""

    optimum: Optimum
    df: str

    @property
    def phi(self) -> np.ndarray:
        return self.optimum.point.phi

    @cached_property
    def _parameters(self) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives (k, p, p) of the inverse of Phi by the variance parameters, and the
        covariance (k, k) of those.
        """
        slopes = self.optimum.slopes
        if self.df == "kenward-roger":
            return slopes.a, 2 * np.linalg.inv(slopes.expected)
        observed = self.optimum.observed
        return np.tensordot(self.optimum.jacobian.T, slopes.a, axes=1), 2 * np.linalg.pinv(
            observed, rcond=CONFOUNDED
        )

    @cached_property
    def vcov(self) -> np.ndarray:
        if self.df != "kenward-roger":
            return self.phi
        a, w = self._parameters
        mixed = np.tensordot(w, a, axes=1)
        middle = np.einsum("ab,abpq->pq", w, self.optimum.slopes.q) - (mixed @ self.phi @ a).sum(
            axis=0
        )
        return self.phi + self.phi @ (middle + middle.T) @ self.phi

    def standard_errors(self, combinations: np.ndarray) -> np.ndarray:
        """(r,) of the rows of `combinations` (r, p)."""
        return wald.standard_errors(combinations, self.vcov)

    def degrees_of_freedom(self, combinations: np.ndarray) -> np.ndarray:
        """(r,)."""
        likelihood = self.optimum.likelihood
        if self.df == "residual":
            return np.full(len(combinations), float(likelihood.n_observations - likelihood.p))
        return wald.satterthwaite(combinations, self.phi, *self._parameters)

    def joint(self, combinations: np.ndarray, beta: np.ndarray) -> FTest:
        """F test that every row of `combinations` (r, p) is zero."""
        scale = None
        if self.df == "kenward-roger":
            a, w = self._parameters
            scale = partial(wald.kenward_roger, phi=self.phi, a=a, w=w)
        return wald.joint(combinations, beta, self.vcov, self.degrees_of_freedom, scale)


@dataclass(frozen=True)
class RandomEffects(Estimates):
    """A fitted model with random effects. `df` is satterthwaite, kenward-roger or residual."""

    data: ModelFrame
    fitted: Fitted
    df: str
    warnings: tuple[str, ...]

    @cached_property
    def inference(self) -> Inference:
        return Inference(self.fitted.optimum, self.df)

    @property
    def design(self) -> formulas.Design:
        return self.data.design

    @property
    def scale(self) -> np.ndarray:
        return self.data.scale / self.fitted.y_scale

    @property
    def mixing(self) -> np.ndarray | None:
        found = self.data.mixing
        return None if found is None else found * self.fitted.y_scale

    @property
    def scaled_beta(self) -> np.ndarray:
        return self.fitted.optimum.point.beta + self.fitted.shift / self.fitted.y_scale

    @property
    def n_observations(self) -> int:
        return self.fitted.optimum.likelihood.n_observations

    @property
    def minus_two_log_likelihood(self) -> float:
        """REML: of the residual likelihood with the constant (N - p) log 2 pi (lme4's REML
        criterion).
        """
        return self.fitted.minus_two_log_likelihood(self.data.scale)


def check_degrees(df: str, reml: bool) -> None:
    """ValueError for degrees of freedom that are not known or do not go with maximum likelihood."""
    check_choice("df", df, DEGREES)
    if df == "kenward-roger" and not reml:
        raise ValueError(
            "Kenward-Roger is defined for REML; use df='satterthwaite' with maximum likelihood"
        )


def fitted(
    found: ModelFrame,
    cluster: np.ndarray,
    random: np.ndarray,
    *,
    reml: bool,
    residual: np.ndarray | None = None,
) -> Fitted:
    """`cluster` (rows,) whole numbers, `random` (rows, size), `residual` (rows,) the number of a
    row's residual variance.

    Errors: NotEstimable, NotConverged.
    """
    n, p = found.x.shape
    if n <= p:
        raise NotEstimable(f"{n} observations are too few for {p} coefficients")
    shift, residuals = least_squares(found.x, found.y)
    y_scale = float(np.sqrt((residuals**2).sum() / (n - p)))
    z_scale = np.sqrt((random**2).mean(axis=0))
    u = np.column_stack([found.x, residuals / y_scale])
    size, n_residual = random.shape[1], 1 if residual is None else int(residual.max()) + 1
    likelihood = Likelihood(batches(u, cluster, random / z_scale, residual), reml)
    forms = factor_forms(size, size, n_residual)
    start = np.concatenate([0.7 * np.eye(size)[np.tril_indices(size)], np.full(n_residual, 0.7)])
    _check_told_apart(likelihood, (forms @ start) @ start)
    if size == 1:
        _check_within(found, residuals, cluster, random[:, 0], residual)
    optimum = maximise(likelihood, forms, start)
    optimum, rank = _at_boundary(optimum, size, n_residual)
    return Fitted(optimum, size, rank, y_scale, z_scale, shift)


def _check_told_apart(likelihood: Likelihood, theta: np.ndarray) -> None:
    point = likelihood.at(theta)
    if point is None:
        raise NotConverged("the covariance to start from is not positive definite")
    expected = likelihood.slopes(point).expected
    root = np.sqrt(np.diag(expected).clip(1e-300))
    if np.linalg.eigvalsh(expected / np.outer(root, root))[0] < CONFOUNDED:
        raise NotEstimable(
            "the data do not tell the variances apart: too few clusters, or too few observations "
            "in each"
        )


def _check_within(
    found: ModelFrame,
    y: np.ndarray,
    cluster: np.ndarray,
    random: np.ndarray,
    residual: np.ndarray | None,
) -> None:
    """DoesNotVary where rows that share a residual variance have nothing left for it beside their
    clusters' own levels.
    """
    people = np.maximum(np.bincount(cluster, weights=random != 0), 1)
    within = np.column_stack([found.x, y])
    for column in within.T:
        mean = np.bincount(cluster, weights=np.where(random != 0, column, 0.0)) / people
        column -= np.where(random != 0, mean[cluster], 0.0)
    groups = np.zeros(len(y), dtype=np.int64) if residual is None else residual
    for group in np.unique(groups):
        rows = groups == group
        own = cluster[rows & (random != 0)]
        enough = int(rows.sum()) - len(np.unique(own)) > found.x.shape[1]
        if enough and is_fitted_exactly(within[rows, :-1], within[rows, -1], largest(found.y)):
            raise DoesNotVary(
                "beside clusters and columns the outcome does not vary: there is no residual "
                "variance"
            )


def _at_boundary(optimum: Optimum, size: int, n_residual: int) -> tuple[Optimum, int]:
    """The optimum with as many free random effects as there are variances above zero, and that
    number.
    """
    theta = optimum.point.theta
    n_random = len(theta) - n_residual
    values, vectors = np.linalg.eigh(_square(theta[:n_random], size))
    large = values > SMALL * theta[n_random:].min()
    rank = int(large.sum())
    if rank == size:
        return optimum, size
    root = vectors[:, large] * np.sqrt(values[large])
    lower = np.asarray(np.linalg.qr(root.T, mode="r")).T if rank else root
    places = [(row, column) for row in range(size) for column in range(min(row + 1, rank))]
    start = np.concatenate([[lower[place] for place in places], np.sqrt(theta[n_random:])])
    reduced = maximise(optimum.likelihood, factor_forms(size, rank, n_residual), start)
    if reduced.point.value > optimum.point.value + SAME:
        return optimum, size
    return reduced, rank


def _square(triangle: np.ndarray, size: int) -> np.ndarray:
    result = np.zeros((size, size))
    result[np.tril_indices(size)] = triangle
    return result + np.tril(result, -1).T
