"""The partially nested model by REML, for many trials at once.

y = X b + coach + error: coaches (variance c) in the treated arm alone, error variances s0 and s1 by
arm. The mean of a coach's people carries s1 + n c, what is left of them s1, so that the model is
independent parts with variances linear in (s0, s1, c): one part for the controls, one for the
deviations within coaches, one for each coach's mean. Fisher scoring, c kept at 0 or above;
Satterthwaite with the inverse observed information. Candlish et al., BMC Med Res Methodol
2018;18:105.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_STEPS = 200
ENOUGH = 1e-12  # of the expected gain in minus two log likelihood
FLOOR = 1e-8  # of the variance of y: the smallest error variance


@dataclass(frozen=True)
class Parts:
    """`products` (t, R, q, q), `counts` (t, R) rows in each part, `loadings` (t, R, 3): variance =
    loadings @ theta.
    """

    products: np.ndarray
    counts: np.ndarray
    loadings: np.ndarray


@dataclass(frozen=True)
class NestedFit:
    """(t, ...): `theta` is (s0, s1, c); NaN where a trial could not be fitted."""

    theta: np.ndarray
    beta: np.ndarray
    phi: np.ndarray
    value: np.ndarray
    first: np.ndarray
    covariance: np.ndarray

    @property
    def icc(self) -> np.ndarray:
        return self.theta[:, 2] / (self.theta[:, 1] + self.theta[:, 2])

    def combined(self, combination: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimate, standard error and Satterthwaite's degrees of freedom of one combination (p,)
        of the coefficients.
        """
        moved = self.phi @ combination
        variance = moved @ combination
        gradient = np.einsum("tp,tapq,tq->ta", moved, self.first, moved)
        spread = np.einsum("ta,tab,tb->t", gradient, self.covariance, gradient)
        return self.beta @ combination, np.sqrt(variance), 2 * variance**2 / spread


def fit_nested(z: np.ndarray, seen: np.ndarray, coach: np.ndarray) -> NestedFit:
    """`z` (t, n, p + 1) with y last, `seen` (t, n), `coach` (n,) from 0, -1 in the control arm."""
    parts = gather(np.where(seen[..., None], z, 0.0), seen, coach)
    theta = _start(parts)
    trials, k = theta.shape
    usable = _usable(parts)
    parts = Parts(
        np.where(usable[:, None, None, None], parts.products, np.eye(z.shape[-1])),
        parts.counts,
        parts.loadings,
    )
    free = np.ones((trials, k), dtype=bool)
    point = _Point.at(parts, theta)
    going = usable.copy()
    for _ in range(MOST_STEPS):
        gradient, expected, _, _ = point.slopes()
        # A coach variance at 0 that wants to be negative stays there.
        free[:, 2] = (theta[:, 2] > 0) | (gradient[:, 2] < 0)
        step = -_solved(expected, gradient, free)
        gain = -(step * gradient).sum(axis=1)
        going &= gain > ENOUGH
        if not going.any():
            break
        theta, point = _searched(parts, theta, point, step, going)
    gradient, _, observed, first = point.slopes()
    free[:, 2] = (theta[:, 2] > 0) | (gradient[:, 2] < 0)
    covariance = 2 * _inverse(observed, free)
    bad = ~usable | going
    return NestedFit(
        _blanked(theta, bad),
        _blanked(point.beta, bad),
        _blanked(point.phi, bad),
        _blanked(point.value, bad),
        first,
        covariance,
    )


def gather(z: np.ndarray, seen: np.ndarray, coach: np.ndarray) -> Parts:
    """`z` zero where not seen."""
    control = coach < 0
    number = int(coach.max()) + 1
    member = (coach[:, None] == np.arange(number)).astype(float)  # n, K
    people = seen.astype(float) @ member  # t, K
    sums = member.T @ z  # t, K, q
    means = sums / np.sqrt(np.maximum(people, 1.0))[..., None]
    between = means[..., :, None] * means[..., None, :]
    treated = z[:, ~control]
    within = treated.swapaxes(1, 2) @ treated - between.sum(axis=1)
    alone = z[:, control].swapaxes(1, 2) @ z[:, control]
    products = np.concatenate([alone[:, None], within[:, None], between], axis=1)
    present = (people > 0).astype(float)
    rest = people.sum(axis=1) - present.sum(axis=1)
    counts = np.concatenate([seen[:, control].sum(axis=1)[:, None], rest[:, None], present], axis=1)
    loadings = np.zeros((*counts.shape, 3))
    loadings[:, 0, 0] = loadings[:, 1:, 1] = 1.0
    loadings[:, 2:, 2] = people
    return Parts(products, counts, loadings)


@dataclass(frozen=True)
class _Point:
    parts: Parts
    variances: np.ndarray
    beta: np.ndarray
    phi: np.ndarray
    value: np.ndarray

    @classmethod
    def at(cls, parts: Parts, theta: np.ndarray) -> _Point:
        p = parts.products.shape[-1] - 1
        variances = (parts.loadings @ theta[..., None])[..., 0]
        total = (parts.products / variances[..., None, None]).sum(axis=1)
        x = total[:, :p, :p]
        phi = np.linalg.inv(x)
        beta = (phi @ total[:, :p, p:])[..., 0]
        quadratic = total[:, p, p] - (beta * total[:, :p, p]).sum(axis=1)
        constant = (parts.counts.sum(axis=1) - p) * np.log(2 * np.pi)
        value = (
            (parts.counts * np.log(variances)).sum(axis=1)
            + quadratic
            + np.linalg.slogdet(x)[1]
            + constant
        )
        return cls(parts, variances, beta, phi, value)

    def slopes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Gradient, expected and observed information of minus two log likelihood, and X'V^-1 V_a
        V^-1 X (t, 3, p, p).
        """
        parts, v, phi = self.parts, self.variances, self.phi
        p = phi.shape[-1]
        b = np.concatenate([-self.beta, np.ones((len(v), 1))], axis=1)
        squares = np.einsum("tq,trqs,ts->tr", b, parts.products, b)
        crossed = np.einsum("trqs,ts->trq", parts.products[:, :, :p], b)
        x = parts.products[..., :p, :p]
        traces = np.einsum("tpq,trqp->tr", phi, x)
        load, n = parts.loadings, parts.counts
        gradient = np.einsum("tra,tr->ta", load, n / v - (squares + traces) / v**2)
        first = np.einsum("tra,trpq->tapq", load, x / v[..., None, None] ** 2)
        c = np.einsum("tra,trp->tap", load, crossed / v[..., None] ** 2)

        def weighted(by: np.ndarray) -> np.ndarray:
            return np.einsum("tra,tr,trb->tab", load, by, load)

        moved = phi[:, None] @ first
        pairs = np.einsum("tapq,tbqp->tab", moved, moved)
        expected = weighted(n / v**2 - 2 * traces / v**3) + pairs
        observed = (
            weighted(-n / v**2 + 2 * (squares + traces) / v**3)
            - 2 * c @ phi @ c.swapaxes(1, 2)
            - pairs
        )
        return gradient, expected, observed, first


def _searched(
    parts: Parts, theta: np.ndarray, point: _Point, step: np.ndarray, going: np.ndarray
) -> tuple[np.ndarray, _Point]:
    """Halve the step of each trial until its likelihood does not fall."""
    floor = np.concatenate([theta[:, :2] / 10, np.zeros((len(theta), 1))], axis=1)
    size = np.where(going, 1.0, 0.0)
    for _ in range(40):
        tried = np.maximum(theta + size[:, None] * step, floor)
        found = _Point.at(parts, tried)
        worse = going & ~(found.value <= point.value + 1e-9)
        if not worse.any():
            return tried, found
        size[worse] /= 2
    tried = np.where(worse[:, None], theta, tried)
    return tried, _Point.at(parts, tried)


def _solved(information: np.ndarray, gradient: np.ndarray, free: np.ndarray) -> np.ndarray:
    return (_inverse(information, free) @ gradient[..., None])[..., 0]


def _inverse(information: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The inverse over the free parameters, zeros elsewhere."""
    both = free[:, :, None] & free[:, None, :]
    return np.where(
        both, np.linalg.inv(np.where(both, information, np.eye(information.shape[-1]))), 0.0
    )


def _start(parts: Parts) -> np.ndarray:
    y = parts.products[..., -1, -1]
    total = parts.products.sum(axis=1)
    p = total.shape[-1] - 1
    safe = np.where(_usable(parts)[:, None, None], total, np.eye(p + 1))
    left = safe[:, p, p] - np.einsum(
        "tp,tp->t", safe[:, :p, p], np.linalg.solve(safe[:, :p, :p], safe[:, :p, p:])[..., 0]
    )
    rows = np.maximum(parts.counts.sum(axis=1), 1)
    level = np.maximum(left / rows, FLOOR * np.maximum(y.sum(axis=1) / rows, 1e-300))
    return level[:, None] * np.array([1.0, 0.95, 0.05])


def _usable(parts: Parts) -> np.ndarray:
    """Both arms are there, some coach has two people, and there are two coaches."""
    n = parts.counts
    return (n[:, 0] > 2) & (n[:, 1] > 2) & (n[:, 2:].sum(axis=1) >= 2)


def _blanked(values: np.ndarray, bad: np.ndarray) -> np.ndarray:
    return np.where(bad.reshape(-1, *([1] * (values.ndim - 1))), np.nan, values)
