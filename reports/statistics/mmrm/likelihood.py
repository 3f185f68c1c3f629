"""Minus two log likelihood of the repeated-measures model, its gradient and its exact observed and
expected information.

y_i ~ N(X_i beta, Sigma_g restricted to the visits of i). beta is profiled out; REML with the
constant (N - p) log 2 pi and without log|X'X| (SAS, mmrm, lme4). With W the inverse of the observed
block padded by zeros, E_a the derivative of Sigma by parameter a, r the residuals and Phi =
(X'WX)^-1:

    gradient   sum n tr(W E_a) - r'W E_a W r - tr(Phi A_a),              A_a = X'W E_a W X
    Hessian    sum -n tr(W E_a W E_b) + 2 r'W E_a W E_b W r + 2 tr(Phi X'W E_a W E_b W X)
               - 2 c_a' Phi c_b - tr(Phi A_a Phi A_b) + <G, E_ab>,       c_a = X'W E_a W r

where G is the gradient by the elements of Sigma. All sums are over patterns and pairs of visits.
Jennrich and Schluchter, Biometrics 1986;42:805; Lindstrom and Bates, JASA 1988;83:1014.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .blocks import Blocks
from .covariances import Structure

LOG_2_PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Point:
    """The likelihood at one covariance. `phi` (p, p) is the model-based covariance of beta; `w` (P,
    m, m).
    """

    theta: np.ndarray
    value: float
    beta: np.ndarray
    phi: np.ndarray
    w: np.ndarray


@dataclass(frozen=True)
class Slopes:
    """Derivatives at a Point. `a` (parameters, p, p) holds A_a; `observed` and `expected` are of
    minus two log likelihood.
    """

    gradient: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    a: np.ndarray


@dataclass(frozen=True)
class Likelihood:
    """Minus two log likelihood, restricted where `reml`, by the parameters of the covariances, and
    its derivatives.
    """

    blocks: Blocks
    structures: Sequence[Structure]  # one for each group
    reml: bool

    @cached_property
    def splits(self) -> list[slice]:
        """The parameters of each group."""
        ends = np.cumsum([each.n_parameters for each in self.structures])
        return [
            slice(int(end) - each.n_parameters, int(end))
            for end, each in zip(ends, self.structures, strict=True)
        ]

    def sigmas(self, theta: np.ndarray) -> np.ndarray:
        """(groups, m, m)."""
        return np.stack(
            [
                each.sigma(theta[part])
                for each, part in zip(self.structures, self.splits, strict=True)
            ]
        )

    def at(self, theta: np.ndarray) -> Point | None:
        """None where a covariance matrix is not positive definite."""
        blocks, p = self.blocks, self.blocks.p
        with np.errstate(over="ignore", invalid="ignore"):  # a step too far: no matrix comes of it
            sigmas = self.sigmas(theta)
        if not np.isfinite(sigmas).all():
            return None
        both = blocks.observed[:, :, None] & blocks.observed[:, None, :]
        padded = np.where(both, sigmas[blocks.group], np.eye(blocks.size))
        try:
            np.linalg.cholesky(sigmas)
            w = np.where(both, np.linalg.inv(padded), 0.0)
            total = self._weighted(w)
            root = np.linalg.cholesky(total[:p, :p])
            phi = np.linalg.inv(total[:p, :p])
        except np.linalg.LinAlgError:
            return None
        log_det = np.linalg.slogdet(padded)[1]
        phi = (phi + phi.T) / 2
        beta = np.linalg.solve(root.T, np.linalg.solve(root, total[:p, p]))
        quadratic = total[p, p] - beta @ total[:p, p]
        freedom = blocks.n_observations - (p if self.reml else 0)
        value = blocks.counts @ log_det - blocks.log_weights + quadratic + freedom * LOG_2_PI
        if self.reml:
            value += 2 * np.log(np.diag(root)).sum()
        return Point(theta, float(value), beta, phi, w)

    def _weighted(self, w: np.ndarray) -> np.ndarray:
        q = self.blocks.p + 1
        return (w.reshape(-1) @ self.blocks.products.reshape(-1, q * q)).reshape(q, q)

    def _surrounded(self, w: np.ndarray) -> np.ndarray:
        """(groups, m * m, q * q): sums over patterns of W . W between rows of X and y, by pairs of
        visits.

        Pattern by pattern: all at once would hold a second copy of the products.
        """
        m, cells = self.blocks.size, (self.blocks.p + 1) ** 2
        result = np.zeros((len(self.structures), m, m, cells))
        for own, group, each in zip(
            w, self.blocks.group, self.blocks.products.reshape(-1, m, m * cells), strict=True
        ):
            result[group] += own @ (own @ each).reshape(m, m, cells)
        return result.reshape(-1, m * m, cells)

    def slopes(self, point: Point) -> Slopes:
        blocks, p, m = self.blocks, self.blocks.p, self.blocks.size
        n_patterns, q = len(blocks.counts), p + 1
        w, phi = point.w, point.phi
        b = np.append(-point.beta, 1.0)
        flat = blocks.products.reshape(-1, q * q)
        phi_padded = np.zeros((q, q))
        phi_padded[:p, :p] = phi
        traces = flat @ np.column_stack([np.outer(b, b).ravel(), phi_padded.ravel()])
        wr = w @ traces[:, 0].reshape(n_patterns, m, m) @ w
        wk = w @ traces[:, 1].reshape(n_patterns, m, m) @ w if self.reml else np.zeros_like(wr)
        count = blocks.counts[:, None, None]
        g_by_pattern = count * w - wr - wk
        y_observed = -count * w + 2 * wr + 2 * wk
        y_expected = count * w - 2 * wk
        t_by_group = self._surrounded(w)
        gradient, a, c = [], [], []
        k = sum(each.n_parameters for each in self.structures)
        observed, expected = np.zeros((k, k)), np.zeros((k, k))
        for number, (structure, part) in enumerate(zip(self.structures, self.splits, strict=True)):
            own = blocks.group == number
            theta = point.theta[part]
            e = structure.first(theta)
            flat_e = e.reshape(len(e), m * m)
            g = g_by_pattern[own].sum(axis=0)
            gradient.append(flat_e @ g.ravel())
            contracted = (flat_e @ t_by_group[number]).reshape(len(e), q, q)[:, :p]
            a.append(contracted[..., :p])
            c.append(contracted @ b)
            observed[part, part] = _quartic(w[own], y_observed[own], flat_e)
            expected[part, part] = _quartic(w[own], y_expected[own], flat_e)
            second = structure.second(theta)
            if second is not None:
                observed[part, part] += (second * g).sum(axis=(-1, -2))
        a_all, c_all = np.concatenate(a), np.concatenate(c)
        observed -= 2 * c_all @ phi @ c_all.T
        if self.reml:
            phi_a = phi @ a_all
            squares = phi_a.reshape(k, -1) @ phi_a.swapaxes(1, 2).reshape(k, -1).T
            observed -= squares
            expected += squares
        return Slopes(
            np.concatenate(gradient),
            (observed + observed.T) / 2,
            (expected + expected.T) / 2,
            a_all,
        )


def _quartic(w: np.ndarray, y: np.ndarray, flat_e: np.ndarray) -> np.ndarray:
    """sum over patterns of E_a[jk] E_b[ln] W[kl] Y[jn]; E (parameters, m * m)."""
    m = w.shape[1]
    tensor = (w.reshape(len(w), -1).T @ y.reshape(len(y), -1)).reshape(m, m, m, m)  # k l j n
    arranged = tensor.transpose(2, 0, 1, 3).reshape(m * m, m * m)  # j k, l n
    return flat_e @ arranged @ flat_e.T
