"""Covariance structures over the visits of one person, with first and second derivatives.

Every structure but the unstructured one is

    Sigma_jk = exp(lambda_j + lambda_k) * prod_l rho_l ** e_l(j, k)

with one lambda for all visits (homogeneous) or one each, and whole exponents e: 1 for `cs`, |j - k|
for `ar1`, 1 for the lag's own correlation in `toep`, 1 for every step between j and k in `ad`
(ante-dependence). The unstructured matrix is its own elements. Kenward-Roger and Satterthwaite do
not depend on which of the equivalent parameters are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FALLBACK = {
    "us": ("toeph", "ar1h", "csh", "cs"),
    "toeph": ("ar1h", "csh", "cs"),
    "adh": ("ar1h", "csh", "cs"),
    "ar1h": ("csh", "cs"),
    "csh": ("cs",),
    "toep": ("ar1", "cs"),
    "ad": ("ar1", "cs"),
    "ar1": ("cs",),
    "cs": (),
}
NAMES = tuple(FALLBACK)


@dataclass(frozen=True)
class Structure:
    """`size` visits. `name` as in NAMES."""

    name: str
    size: int

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.tril_indices(self.size)

    @cached_property
    def n_scales(self) -> int:
        return self.size if self.name in {"csh", "ar1h", "toeph", "adh"} else 1

    @cached_property
    def exponents(self) -> np.ndarray:
        """(correlations, size, size), whole numbers."""
        m = self.size
        lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
        match self.name.removesuffix("h"):
            case "cs":
                found = (lag > 0).astype(int)[None]
            case "ar1":
                found = lag[None]
            case "toep":
                found = (
                    np.stack([(lag == each).astype(int) for each in range(1, m)])
                    if m > 1
                    else lag[:0, None]
                )
            case _:
                low = np.minimum.outer(np.arange(m), np.arange(m))
                high = np.maximum.outer(np.arange(m), np.arange(m))
                found = (
                    np.stack([((low <= step) & (step < high)).astype(int) for step in range(m - 1)])
                    if m > 1
                    else lag[:0, None]
                )
        return found if m > 1 else np.zeros((0, 1, 1), dtype=int)

    @property
    def n_parameters(self) -> int:
        return len(self.pairs[0]) if self.name == "us" else self.n_scales + len(self.exponents)

    def start(self, sigma: np.ndarray) -> np.ndarray:
        """Parameters near a positive definite matrix."""
        if self.name == "us":
            return sigma[self.pairs]
        sd = np.sqrt(np.diag(sigma))
        scales = np.log(sd) if self.n_scales > 1 else np.array([0.5 * np.log(np.mean(sd**2))])
        correlation = sigma / np.outer(sd, sd)
        found = []
        for exponent in self.exponents:
            near = exponent == 1
            if self.name.removesuffix("h") == "ad":  # one step: the neighbours alone
                near = near & (self.exponents.sum(axis=0) == 1)
            found.append(float(np.clip(correlation[near].mean(), -0.95, 0.95)))
        for shrunk in (1.0, 0.8, 0.5, 0.2, 0.0):
            theta = np.concatenate([scales, shrunk * np.array(found)])
            if is_positive(self.sigma(theta)):
                return theta
        return theta

    def sigma(self, theta: np.ndarray) -> np.ndarray:
        if self.name == "us":
            full = np.zeros((self.size, self.size))
            full[self.pairs] = theta
            full.T[self.pairs] = theta
            return full
        scale, correlation = self._scale(theta), self._correlation(theta)
        return np.outer(scale, scale) * correlation

    def _scale(self, theta: np.ndarray) -> np.ndarray:
        return np.exp(
            np.broadcast_to(theta[: self.n_scales], (self.size,))
            if self.n_scales == 1
            else theta[: self.size]
        )

    def _correlation(self, theta: np.ndarray, minus: tuple[int, ...] = ()) -> np.ndarray:
        """The monomials; for derivatives with the exponents of `minus` lowered one by one and
        multiplied out.
        """
        rho = theta[self.n_scales :]
        exponents = self.exponents.astype(float)
        factor = np.ones((self.size, self.size))
        for each in minus:
            factor = factor * exponents[each]
            exponents = exponents.copy()
            exponents[each] = np.maximum(exponents[each] - 1, 0)
        return factor * np.prod(rho[:, None, None] ** exponents, axis=0)

    @cached_property
    def _units(self) -> np.ndarray:
        units = np.zeros((self.n_parameters, self.size, self.size))
        row, column = self.pairs
        number = np.arange(self.n_parameters)
        units[number, row, column] = units[number, column, row] = 1.0
        return units

    def first(self, theta: np.ndarray) -> np.ndarray:
        """(parameters, size, size): derivatives of Sigma."""
        if self.name == "us":
            return self._units
        scale = self._scale(theta)
        outer, sigma = np.outer(scale, scale), self.sigma(theta)
        by_scale = self._scale_weights * sigma
        by_rho = [outer * self._correlation(theta, (each,)) for each in range(len(self.exponents))]
        return np.concatenate([by_scale, np.array(by_rho).reshape(-1, self.size, self.size)])

    @cached_property
    def _scale_weights(self) -> np.ndarray:
        """(scales, size, size): how often lambda stands in the exponent of each element."""
        if self.n_scales == 1:
            return np.full((1, self.size, self.size), 2.0)
        eye = np.eye(self.size)
        return eye[:, :, None] + eye[:, None, :]

    def second(self, theta: np.ndarray) -> np.ndarray | None:
        """(parameters, parameters, size, size); None where they are all zero."""
        if self.name == "us":
            return None
        scale, s, r = self._scale(theta), self.n_scales, len(self.exponents)
        outer, sigma = np.outer(scale, scale), self.sigma(theta)
        result = np.zeros((s + r, s + r, self.size, self.size))
        weights = self._scale_weights
        result[:s, :s] = weights[:, None] * weights[None] * sigma
        for i in range(r):
            by_rho = outer * self._correlation(theta, (i,))
            result[:s, s + i] = result[s + i, :s] = weights * by_rho
            for j in range(i, r):
                result[s + i, s + j] = result[s + j, s + i] = outer * self._correlation(
                    theta, (i, j)
                )
        return result


def is_positive(sigma: np.ndarray) -> bool:
    """Whether `sigma` (m, m) is positive definite and finite."""
    try:
        np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return False
    return bool(np.isfinite(sigma).all())
