"""Standard errors and degrees of freedom of linear combinations of the coefficients.

Model-based (Phi), Kenward-Roger with the elements of Sigma as parameters (SAS ddfm=kr; Kenward and
Roger, Biometrics 1997;53:983; the second-order term is zero for elements of Sigma), empirical CR0
(Liang and Zeger, Biometrika 1986;73:13) and CR2 (Bell and McCaffrey, Survey Methodology
2002;28:169; Pustejovsky and Tipton, JBES 2018;36:672). Degrees of freedom: Satterthwaite with the
inverse observed information (Fai and Cornelius 1996 for several combinations), and for the
empirical errors Satterthwaite on the sandwich with the fitted covariance as working model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from .. import wald
from ..wald import FTest
from .newton import Optimum


@dataclass(frozen=True)
class Inference:
    """`df` is kenward-roger, satterthwaite or residual; `se` is model, empirical or
    empirical-bias-reduced.
    """

    optimum: Optimum
    df: str
    se: str

    @property
    def phi(self) -> np.ndarray:
        return self.optimum.point.phi

    @cached_property
    def w_theta(self) -> np.ndarray:
        """Covariance of the covariance parameters: the inverse observed information of the log
        likelihood.
        """
        found = 2 * np.linalg.inv(self.optimum.slopes.observed)
        return (found + found.T) / 2

    @cached_property
    def vcov(self) -> np.ndarray:
        """(p, p): what standard errors are made of."""
        if self.se != "model":
            return self._sandwich
        return self.kenward_roger if self.df == "kenward-roger" else self.phi

    @cached_property
    def kenward_roger(self) -> np.ndarray:
        blocks, point = self.optimum.likelihood.blocks, self.optimum.point
        p, m, w, phi, a = blocks.p, blocks.size, point.w, point.phi, self.optimum.slopes.a
        root = np.linalg.cholesky(self._positive(self.w_theta))
        mixed = np.tensordot(root.T, a, axes=1)  # sum over a, b of W_ab A_a Phi A_b, as squares
        crossed = (mixed @ phi @ mixed).sum(axis=0)
        x = blocks.products[..., :p, :p]
        q = np.zeros((p, p))
        for number, (structure, part) in enumerate(
            zip(self.optimum.likelihood.structures, self.optimum.likelihood.splits, strict=True)
        ):
            own = blocks.group == number
            e = structure.first(point.theta[part]).reshape(-1, m * m)
            g = (e.T @ self.w_theta[part, part] @ e).reshape(m, m, m, m)  # j k, l n
            inner = np.tensordot(w[own], g.transpose(1, 2, 0, 3), axes=2)  # P, j, n: sum over k, l
            moved = w[own] @ inner @ w[own]  # between the rows of X themselves
            q += np.tensordot(moved, x[own], axes=3)
        q = (q + q.T) / 2
        return phi + 2 * phi @ (q - crossed) @ phi

    @staticmethod
    def _positive(matrix: np.ndarray) -> np.ndarray:
        return matrix + np.eye(len(matrix)) * 1e-14 * np.trace(matrix) / len(matrix)

    @cached_property
    def _pieces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By subject: X'W adjusted to the residuals (n, p, m), residuals (n, m), and V a (n, p, m)
        for the trace terms.
        """
        blocks, point = self.optimum.likelihood.blocks, self.optimum.point
        p, phi = blocks.p, point.phi
        sigmas = self.optimum.likelihood.sigmas(point.theta)
        a = np.empty((blocks.n_subjects, p, blocks.size))
        for number, seen in enumerate(blocks.observed):
            rows = slice(int(blocks.starts[number]), int(blocks.starts[number + 1]))
            x, w = blocks.dense[rows, :, :p], point.w[number]
            xw = x.swapaxes(1, 2) @ w
            if self.se == "empirical-bias-reduced":
                xw = xw @ _adjusted(x, phi, sigmas[blocks.group[number]], seen)
            a[rows] = xw
        residuals = blocks.dense[..., p] - blocks.dense[..., :p] @ point.beta
        v = sigmas[blocks.group][blocks.pattern_of_subject]
        return a, residuals, v

    @cached_property
    def _sandwich(self) -> np.ndarray:
        a, residuals, _ = self._pieces
        scores = (a @ residuals[..., None])[..., 0]
        return self.phi @ (scores.T @ scores) @ self.phi

    def standard_errors(self, combinations: np.ndarray) -> np.ndarray:
        """(r,) of the rows of `combinations` (r, p)."""
        return wald.standard_errors(combinations, self.vcov)

    def degrees_of_freedom(self, combinations: np.ndarray) -> np.ndarray:
        """(r,)."""
        blocks = self.optimum.likelihood.blocks
        if self.df == "residual":
            return np.full(len(combinations), float(blocks.n_observations - blocks.p))
        if self.se != "model":
            return self._bell_mccaffrey(combinations)
        return wald.satterthwaite(combinations, self.phi, self.optimum.slopes.a, self.w_theta)

    def _bell_mccaffrey(self, combinations: np.ndarray) -> np.ndarray:
        a, _, v = self._pieces
        blocks = self.optimum.likelihood.blocks
        x = blocks.dense[..., : blocks.p]
        found = []
        for row in combinations @ self.phi:
            e = np.einsum("p,npm->nm", row, a)
            b = np.einsum("nmp,nm->np", x, e)
            d = np.einsum("nm,nmk,nk->n", e, v, e, optimize=True)
            found.append(wald.bell_mccaffrey(b, d, self.phi))
        return np.array(found)

    def joint(self, combinations: np.ndarray, beta: np.ndarray) -> FTest:
        """F test that every row of `combinations` (r, p) is zero; rows that repeat others are left
        out of df1.
        """
        scaled = self.df == "kenward-roger" and self.se == "model"
        scale = (
            partial(wald.kenward_roger, phi=self.phi, a=self.optimum.slopes.a, w=self.w_theta)
            if scaled
            else None
        )
        return wald.joint(combinations, beta, self.vcov, self.degrees_of_freedom, scale)


def _adjusted(x: np.ndarray, phi: np.ndarray, sigma: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(n, m, m): L (I - L^-1 X Phi X' L^-T)^(-1/2) L^-1 of each subject of a pattern, zeros where
    nothing is observed.
    """
    places = np.flatnonzero(seen)
    root = np.linalg.cholesky(sigma[np.ix_(places, places)])
    back = np.linalg.inv(root)
    white = back @ x[:, places]
    inner = np.eye(len(places)) - white @ phi @ white.swapaxes(1, 2)
    values, vectors = np.linalg.eigh(inner)
    powers = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0.0)
    middle = (vectors * powers[:, None, :]) @ vectors.swapaxes(1, 2)
    result = np.zeros((len(x), len(sigma), len(sigma)))
    result[:, places[:, None], places] = root @ middle @ back
    return result
