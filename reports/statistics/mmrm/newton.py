"""Newton's method on the observed information, with the expected information where that is not
positive definite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..variation import NotConverged
from .blocks import Blocks
from .covariances import Structure
from .likelihood import Likelihood, Point, Slopes

MOST_STEPS = 100
MOST_HALVINGS = 40
MOST_POLISHING = 8
# Of the expected gain in minus two log likelihood:
NEAR = 1e-3  # only rounding can keep a step from being better
CLOSE = 1e-6  # full steps follow
ROUNDING = 1e-8  # what may be left where steps no longer get closer
ENOUGH = 1e-13  # relative to the likelihood, where that is above one


@dataclass(frozen=True)
class Optimum:
    """Where the likelihood is at its best, with its derivatives there, after so many steps."""

    likelihood: Likelihood
    point: Point
    slopes: Slopes
    steps: int


def maximise(likelihood: Likelihood, start: np.ndarray) -> Optimum:
    """Errors: NotConverged."""
    point = likelihood.at(start)
    if point is None:
        raise NotConverged("the covariance to start from is not positive definite")
    for step in range(1, MOST_STEPS + 1):
        slopes = likelihood.slopes(point)
        direction = _direction(slopes)
        decrement = float(-slopes.gradient @ direction)
        if decrement >= CLOSE:
            found = _searched(likelihood, point, direction, decrement)
            if found is not None:
                point = found
                continue
            if decrement >= NEAR:
                raise NotConverged("no step improves the likelihood any more")
        return _polished(Optimum(likelihood, point, slopes, step), direction, decrement)
    raise NotConverged(f"not converged after {MOST_STEPS} steps")


def _polished(found: Optimum, direction: np.ndarray, decrement: float) -> Optimum:
    """One full step, and more as long as they bring the gradient down: so close, the likelihood
    itself cannot tell points apart any more, the less the further the outcome is from zero.
    """
    likelihood, point, slopes = found.likelihood, found.point, found.slopes
    enough = ENOUGH * max(1.0, abs(point.value))
    for _ in range(MOST_POLISHING):
        closer = likelihood.at(point.theta + direction)
        if closer is None:
            break
        next_slopes = likelihood.slopes(closer)
        direction = -np.linalg.pinv(next_slopes.observed) @ next_slopes.gradient
        left = float(-next_slopes.gradient @ direction)
        if left >= max(decrement, enough):
            break
        point, slopes, decrement = closer, next_slopes, left
        if decrement < enough:
            break
    if decrement >= max(ROUNDING, enough):
        raise NotConverged("the best covariance lies on the edge of what is allowed")
    return _checked(Optimum(likelihood, point, slopes, found.steps))


def _direction(slopes: Slopes) -> np.ndarray:
    for information in (slopes.observed, slopes.expected):
        try:
            root = np.linalg.cholesky(information)
        except np.linalg.LinAlgError:
            continue
        found = -np.linalg.solve(root.T, np.linalg.solve(root, slopes.gradient))
        if np.isfinite(found).all():
            return found
    raise NotConverged("the information is singular: the data do not tell all covariances apart")


def _searched(
    likelihood: Likelihood, point: Point, direction: np.ndarray, decrement: float
) -> Point | None:
    """None where no step along `direction` is better."""
    size = 1.0
    for _ in range(MOST_HALVINGS):
        found = likelihood.at(point.theta + size * direction)
        if found is not None and found.value <= point.value - 1e-4 * size * decrement:
            return found
        size /= 2
    return None


def _checked(optimum: Optimum) -> Optimum:
    try:
        np.linalg.cholesky(optimum.slopes.observed)
    except np.linalg.LinAlgError:
        raise NotConverged("the information is singular at the best covariance found") from None
    return optimum


def starting_sigma(blocks: Blocks, group: int | None = None) -> np.ndarray:
    """(m, m): moments of least-squares residuals over pairs of visits, made positive definite.
    Errors: NotConverged, where a sample of the people does not tell the coefficients apart.
    """
    gram, p = blocks.gram, blocks.p
    try:
        beta = np.linalg.solve(gram[:p, :p], gram[:p, p])
    except np.linalg.LinAlgError:
        raise NotConverged("the people do not tell all coefficients apart") from None
    b = np.append(-beta, 1.0)
    own = slice(None) if group is None else blocks.group == group
    moments = ((blocks.products[own] @ b) @ b).sum(axis=0)
    both = (blocks.observed[own][:, :, None] & blocks.observed[own][:, None, :]) * blocks.counts[
        own
    ][:, None, None]
    pairs = both.sum(axis=0)
    sigma = np.where(pairs > 0, moments / np.maximum(pairs, 1), 0.0)
    variance = np.diag(sigma).copy()
    variance[variance <= 0] = max(float(variance.max()), 1e-12)
    sd = np.sqrt(variance)
    correlation = np.clip(sigma / np.outer(sd, sd), -0.98, 0.98)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    fixed = (vectors * np.maximum(values, 0.05)) @ vectors.T
    return fixed / np.sqrt(np.outer(np.diag(fixed), np.diag(fixed))) * np.outer(sd, sd)


def start(blocks: Blocks, structures: Sequence[Structure]) -> np.ndarray:
    """Parameters to begin with, from the moments of least-squares residuals."""
    sigmas = [
        starting_sigma(blocks, group if len(structures) > 1 else None)
        for group in range(len(structures))
    ]
    return np.concatenate(
        [each.start(sigma) for each, sigma in zip(structures, sigmas, strict=True)]
    )
