"""Solves generalised estimating equations for all subjects at once: exchangeable or independent
within a subject.

With D the derivatives of the means and r the residuals, both divided by the standard deviation of
the family, a subject with n observations adds D'R^-1 r to the equations and D'R^-1 D to their
slope, where the working correlation R has ones and `c`:

    R^-1 = (I - k 1 1') / (1 - c),    k = c / (1 + c (n - 1))

so that all it takes are sums over the observations and over each subject. Liang and Zeger,
Biometrika 1986;73:13.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_BEGINNING = 25  # steps with independent observations first
NEAR = 1e-3  # of the linear predictor
ENOUGH = 1e-13  # relative to the largest linear predictor, where that is above one
ALONE = 1 - 1e-9
SMALLEST = 1e-10  # a chance that the variance of a yes-or-no outcome is still taken of


@dataclass(frozen=True)
class Solution:
    """`beta` (p,), `mean` (rows,) fitted; `slopes` (subjects, p, p) and `scores` (subjects, p) of
    each subject's equations.
    """

    beta: np.ndarray
    mean: np.ndarray
    correlation: float
    dispersion: float
    converged: bool
    slopes: np.ndarray
    scores: np.ndarray

    def model(self) -> np.ndarray:
        """(p, p): the covariance of beta where the working correlation is the true one."""
        return self.dispersion * self._inverse()

    def robust(self) -> np.ndarray:
        """(p, p), whatever the correlation within subjects."""
        bread = self._inverse()
        return bread @ (self.scores.T @ self.scores) @ bread

    def bias_reduced(self) -> np.ndarray:
        """(p, p), residuals freed of the subject's own pull on the fit: (I - H)^-1 r for each
        subject's part H of the hat matrix, which for the equations is (I - S P)^-1 of their own
        score, S the slope and P the inverse of all slopes. NaN where somebody alone determines a
        coefficient: nothing is left of them then.
        """
        try:
            root = np.linalg.inv(np.linalg.cholesky(self.slopes.sum(axis=0)))
        except np.linalg.LinAlgError:  # a correlation below that of any real observations
            return np.full(self.slopes.shape[1:], np.nan)
        pull = (
            root @ self.slopes @ root.T
        )  # of each subject in turn; 1 where somebody alone determines a combination
        if np.linalg.eigvalsh(pull)[:, -1].max() > ALONE:
            return np.full(root.shape, np.nan)
        freed = np.linalg.solve(np.eye(len(root)) - pull, (self.scores @ root.T)[..., None])[..., 0]
        return root.T @ (freed.T @ freed) @ root

    def _inverse(self) -> np.ndarray:
        return np.linalg.inv(self.slopes.sum(axis=0))


@dataclass(frozen=True)
class _Data:
    """Rows of a subject stand together; `starts` (subjects,) and `sizes` (subjects,) say where."""

    y: np.ndarray
    x: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    binomial: bool

    def mean(self, beta: np.ndarray) -> np.ndarray:
        from scipy.special import expit

        eta = self.x @ beta
        return expit(eta) if self.binomial else eta

    def standardised(self, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """D (rows, p) and r (rows,)."""
        if not self.binomial:
            return self.x, self.y - mean
        kept = np.clip(mean, SMALLEST, 1 - SMALLEST)
        deviation = np.sqrt(kept * (1 - kept))
        return self.x * deviation[:, None], (self.y - mean) / deviation

    def summed(self, rows: np.ndarray) -> np.ndarray:
        return np.add.reduceat(rows, self.starts, axis=0)

    def correlation(self, residual: np.ndarray) -> float:
        """The mean product of two residuals of one subject over their mean square."""
        p = self.x.shape[1]
        squares = float(residual @ residual)
        pairs = float((self.sizes * (self.sizes - 1)).sum()) / 2
        products = (float((self.summed(residual) ** 2).sum()) - squares) / 2
        return products / (squares / (len(self.y) - p)) / (pairs - p)

    def shared(self, correlation: float) -> np.ndarray:
        """(subjects,): k."""
        return correlation / (1 + correlation * (self.sizes - 1))


def solve(
    y: np.ndarray,
    x: np.ndarray,
    subject: np.ndarray,
    *,
    binomial: bool,
    exchangeable: bool,
    most_steps: int,
) -> Solution:
    """`y` (rows,), `x` (rows, p), `subject` (rows,) numbers whose rows stand together. An outcome
    of zeros and ones where `binomial`, with the logit as its link. Does not end in an error: see
    `converged`.
    """
    starts = np.concatenate([[0], 1 + np.flatnonzero(np.diff(subject))])
    data = _Data(y, x, starts, np.diff([*starts, len(y)]), binomial)
    beta, correlation, converged = np.zeros(x.shape[1]), 0.0, False
    with np.errstate(all="ignore"):
        for number in range(most_steps):
            d, r = data.standardised(data.mean(beta))
            step = _step(data, d, r, correlation)
            if not np.isfinite(step).all():
                break
            beta = beta + step
            moved = float(np.abs(x @ step).max())
            if not exchangeable or (moved > NEAR and not correlation and number < MOST_BEGINNING):
                changed = 0.0 if not exchangeable else np.inf
            else:
                before = correlation
                correlation = data.correlation(data.standardised(data.mean(beta))[1])
                changed = abs(correlation - before)
            if moved <= ENOUGH * max(1.0, float(np.abs(x @ beta).max())) and changed <= ENOUGH:
                converged = True
                break
        mean = data.mean(beta)
        d, r = data.standardised(mean)
        dispersion = 1.0 if binomial else float(r @ r) / (len(y) - x.shape[1])
        slopes, scores = _equations(data, d, r, correlation)
    return Solution(beta, mean, correlation, dispersion, converged, slopes, scores)


def _step(data: _Data, d: np.ndarray, r: np.ndarray, correlation: float) -> np.ndarray:
    k, sums = data.shared(correlation), data.summed(d)
    slope = d.T @ d - (sums * k[:, None]).T @ sums
    score = d.T @ r - sums.T @ (k * data.summed(r))
    try:
        return np.linalg.solve(slope, score)
    except np.linalg.LinAlgError:
        return np.full(len(score), np.nan)


def _equations(
    data: _Data, d: np.ndarray, r: np.ndarray, correlation: float
) -> tuple[np.ndarray, np.ndarray]:
    k, sums = data.shared(correlation), data.summed(d)
    slopes = (
        data.summed(d[:, :, None] * d[:, None, :])
        - k[:, None, None] * sums[:, :, None] * sums[:, None, :]
    )
    scores = data.summed(d * r[:, None]) - (k * data.summed(r))[:, None] * sums
    return slopes / (1 - correlation), scores / (1 - correlation)
