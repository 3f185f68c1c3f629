"""Linear models whose covariance is linear in its parameters: likelihood, derivatives and the
optimum, by cluster.

y_i ~ N(X_i beta, V_i), V_i = sum_a theta_a E_ia: variances and covariances of random effects and of
residuals. Clusters of equal size lie in one dense batch. The formulas are those of
`mmrm.likelihood` with second derivatives of V zero:

    gradient   sum tr(W E_a) - r'W E_a W r - tr(Phi A_a)
    observed   sum -tr(W E_a W E_b) + 2 r'W E_a W E_b W r + 2 tr(Phi Q_ab) - 2 c_a' Phi c_b - tr(Phi
               A_a Phi A_b)
    expected   sum  tr(W E_a W E_b) - 2 tr(Phi Q_ab) + tr(Phi A_a Phi A_b)

with W = V^-1, A_a = X'W E_a W X, Q_ab = X'W E_a W E_b W X, c_a = X'W E_a W r. The search runs over
factors lambda, theta being a quadratic form of them (a random covariance F F', a residual variance
s^2): whatever lambda is, V stays allowed, and a variance of zero is an ordinary stationary point.
Bates et al., J Stat Softw 2015;67(1); Kenward and Roger, Biometrics 1997;53:983.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .variation import NotConverged

LOG_2_PI = math.log(2 * math.pi)
MOST_STEPS = 200
MOST_HALVINGS = 40
CLOSE = 1e-8  # of the expected gain in minus two log likelihood, where full steps follow
NOTHING = 1e-28  # of that gain: steps are below rounding
POLISH = 8  # full steps at most


@dataclass(frozen=True)
class Batch:
    """Clusters of one size: `u` (b, n, p + 1) with X and then y, `e` (k, b, n, n) the derivatives
    of V.
    """

    u: np.ndarray
    e: np.ndarray


@dataclass(frozen=True)
class Point:
    """The likelihood at one covariance. `phi` (p, p) is the model-based covariance of beta; `w` are
    the inverses by batch.
    """

    theta: np.ndarray
    value: float
    beta: np.ndarray
    phi: np.ndarray
    w: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Slopes:
    """Derivatives by theta. `a` (k, p, p) and `q` (k, k, p, p); `observed` and `expected` of minus
    two log likelihood.
    """

    gradient: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    a: np.ndarray
    q: np.ndarray


@dataclass(frozen=True)
class Likelihood:
    """Minus two log likelihood, restricted where `reml`, of clusters in `batches`, and its
    derivatives.
    """

    batches: Sequence[Batch]
    reml: bool

    @property
    def p(self) -> int:
        return int(self.batches[0].u.shape[2]) - 1

    @property
    def n_observations(self) -> int:
        return sum(each.u.shape[0] * each.u.shape[1] for each in self.batches)

    @property
    def n_clusters(self) -> int:
        return sum(len(each.u) for each in self.batches)

    def at(self, theta: np.ndarray) -> Point | None:
        """None where a covariance matrix is not positive definite."""
        p, log_det, inverses = self.p, 0.0, []
        total = np.zeros((p + 1, p + 1))
        try:
            for batch in self.batches:
                v = np.tensordot(theta, batch.e, axes=1)
                roots = np.linalg.cholesky(v)
                log_det += 2 * float(np.log(np.diagonal(roots, axis1=1, axis2=2)).sum())
                inverses.append(np.linalg.inv(v))
                total += _summed(batch.u, inverses[-1] @ batch.u)
            root = np.linalg.cholesky(total[:p, :p])
        except np.linalg.LinAlgError:
            return None
        beta = np.linalg.solve(root.T, np.linalg.solve(root, total[:p, p]))
        phi = np.linalg.inv(total[:p, :p])
        value = log_det + total[p, p] - beta @ total[:p, p]
        value += (self.n_observations - (p if self.reml else 0)) * LOG_2_PI
        if self.reml:
            value += 2 * float(np.log(np.diag(root)).sum())
        return (
            Point(theta, float(value), beta, (phi + phi.T) / 2, tuple(inverses))
            if np.isfinite(value)
            else None
        )

    def slopes(self, point: Point) -> Slopes:
        p, k, phi = self.p, len(point.theta), point.phi
        to_residuals = np.eye(p + 1)
        to_residuals[:p, p] = -point.beta
        first, squares = np.zeros((k, p + 1, p + 1)), np.zeros((k, k, p + 1, p + 1))
        traces, pairs = np.zeros(k), np.zeros((k, k))
        for batch, w in zip(self.batches, point.w, strict=True):
            wu = w @ (batch.u @ to_residuals)  # (b, n, p + 1): W X and W r
            ewu = batch.e @ wu
            wewu = w @ ewu
            first += np.array([_summed(wu, each) for each in ewu])
            we = w @ batch.e
            traces += np.trace(we, axis1=2, axis2=3).sum(axis=1)
            flipped = we.swapaxes(2, 3).reshape(k, -1)
            pairs += we.reshape(k, -1) @ flipped.T
            squares += np.array([[_summed(left, right) for right in wewu] for left in ewu])
        a, c, q = first[:, :p, :p], first[:, :p, p], squares[:, :, :p, :p]
        gradient = traces - first[:, p, p]
        observed = -pairs + 2 * squares[:, :, p, p] - 2 * c @ phi @ c.T
        expected = pairs.copy()
        if self.reml:
            phi_a = phi @ a
            products = phi_a.reshape(k, -1) @ phi_a.swapaxes(1, 2).reshape(k, -1).T
            crossed = np.einsum("pq,abpq->ab", phi, q)
            gradient = gradient - np.einsum("pq,apq->a", phi, a)
            observed += 2 * crossed - products
            expected += products - 2 * crossed
        return Slopes(gradient, (observed + observed.T) / 2, (expected + expected.T) / 2, a, q)


def _summed(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum over clusters of left' right; (b, n, s) and (b, n, t) give (s, t)."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


@dataclass(frozen=True)
class Optimum:
    """`factors` (f,) and `forms` (k, f, f): theta_a = factors' forms_a factors."""

    likelihood: Likelihood
    forms: np.ndarray
    factors: np.ndarray
    point: Point
    slopes: Slopes
    steps: int

    @property
    def jacobian(self) -> np.ndarray:
        """(k, f): derivatives of theta by the factors."""
        return 2 * self.forms @ self.factors

    @property
    def gradient(self) -> np.ndarray:
        return self.jacobian.T @ self.slopes.gradient

    @property
    def observed(self) -> np.ndarray:
        """(f, f): second derivatives of minus two log likelihood by the factors."""
        jacobian = self.jacobian
        return jacobian.T @ self.slopes.observed @ jacobian + 2 * np.tensordot(
            self.slopes.gradient, self.forms, axes=1
        )


def maximise(likelihood: Likelihood, forms: np.ndarray, start: np.ndarray) -> Optimum:
    """Newton's method over the factors; curvatures of the wrong sign are turned round, so that
    every step goes down.

    Errors: NotConverged.
    """
    found = _at(likelihood, forms, start, 0)
    if found is None:
        raise NotConverged("the covariance to start from is not positive definite")
    for step in range(1, MOST_STEPS):
        direction, gain = _direction(found)
        if gain < CLOSE:
            return _polished(found)
        found = _searched(found, direction, gain, step)
    raise NotConverged(f"not converged after {MOST_STEPS} steps")


def _at(
    likelihood: Likelihood, forms: np.ndarray, factors: np.ndarray, step: int
) -> Optimum | None:
    point = likelihood.at((forms @ factors) @ factors)
    return (
        None
        if point is None
        else Optimum(likelihood, forms, factors, point, likelihood.slopes(point), step)
    )


def _direction(found: Optimum) -> tuple[np.ndarray, float]:
    values, vectors = np.linalg.eigh(found.observed)
    size = np.abs(values)
    along = vectors.T @ found.gradient / np.maximum(size, 1e-8 * size.max(initial=1e-300))
    return -vectors @ along, float(along @ (vectors.T @ found.gradient))


def _searched(found: Optimum, direction: np.ndarray, gain: float, step: int) -> Optimum:
    size = 1.0
    for _ in range(MOST_HALVINGS):
        factors = found.factors + size * direction
        point = found.likelihood.at((found.forms @ factors) @ factors)
        if point is not None and point.value <= found.point.value - 1e-4 * size * gain:
            return Optimum(
                found.likelihood, found.forms, factors, point, found.likelihood.slopes(point), step
            )
        size /= 2
    raise NotConverged("no step improves the likelihood any more")


def _polished(found: Optimum) -> Optimum:
    """Full steps as long as the gradient gets smaller: the likelihood itself cannot tell them apart
    any more.
    """
    direction, gain = _direction(found)
    for _ in range(POLISH):
        if gain < NOTHING:
            break
        closer = _at(found.likelihood, found.forms, found.factors + direction, found.steps + 1)
        if closer is None:
            break
        next_direction, next_gain = _direction(closer)
        if next_gain >= gain:
            break
        found, direction, gain = closer, next_direction, next_gain
    curvatures = np.linalg.eigvalsh(found.observed)
    if curvatures[0] < -1e-6 * curvatures[-1]:
        raise NotConverged("the search ended where the likelihood is not at its best")
    return found


def factor_forms(size: int, rank: int, n_residual: int) -> np.ndarray:
    """(k, f, f) for a random covariance F F' with F (size, rank) lower trapezoidal, and
    `n_residual` residual variances.

    theta: the lower triangle of the random covariance by rows, then the residual variances;
    factors: F by rows, then their roots.
    """
    places = [(row, column) for row in range(size) for column in range(min(row + 1, rank))]
    triangle = [(row, column) for row in range(size) for column in range(row + 1)]
    k, f = len(triangle) + n_residual, len(places) + n_residual
    forms = np.zeros((k, f, f))
    for number, (row, column) in enumerate(triangle):
        for shared in range(min(column + 1, rank)):
            one, other = places.index((row, shared)), places.index((column, shared))
            forms[number, one, other] += 0.5
            forms[number, other, one] += 0.5
    for number in range(n_residual):
        forms[len(triangle) + number, len(places) + number, len(places) + number] = 1.0
    return forms


def batches(
    u: np.ndarray, cluster: np.ndarray, random: np.ndarray, residual: np.ndarray | None = None
) -> tuple[Batch, ...]:
    """`u` (rows, p + 1) with y last; `cluster` (rows,) whole numbers; `random` (rows, size) the
    columns that random effects multiply; `residual` (rows,) whole numbers of the residual variance
    of a row, one variance where None.
    """
    order = np.argsort(cluster, kind="stable")
    _, starts, sizes = np.unique(cluster[order], return_index=True, return_counts=True)
    residual = np.zeros(len(u), dtype=np.int64) if residual is None else residual
    n_residual = int(residual.max()) + 1
    result = []
    for size in np.unique(sizes):
        rows = order[starts[sizes == size][:, None] + np.arange(size)]
        result.append(Batch(u[rows], _derivatives(random[rows], residual[rows], n_residual)))
    return tuple(result)


def _derivatives(z: np.ndarray, residual: np.ndarray, n_residual: int) -> np.ndarray:
    """(k, b, n, n) from `z` (b, n, size) and `residual` (b, n)."""
    rows, columns = np.tril_indices(z.shape[2])
    b, n = residual.shape
    result = np.zeros((len(rows) + n_residual, b, n, n))
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        outer = z[:, :, None, row] * z[:, None, :, column]
        result[number] = outer if row == column else outer + outer.swapaxes(1, 2)
    along = np.arange(n)
    for number in range(n_residual):
        result[len(rows) + number][:, along, along] = residual == number
    return result
