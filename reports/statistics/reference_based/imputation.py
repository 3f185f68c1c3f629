"""What is expected of the missing values of a person, given the values that were seen, under each
strategy.

The joint normal distribution over visits is put together from that of the own arm and that of the
reference arm (means m and r, covariances S and R; the event comes before visit t), and then
conditioned on what was observed:

    mar                    m throughout, S
    jump-to-reference      m before t, r from t on
    copy-reference         r throughout, R
    copy-increments        m before t, from t on m[t-1] + r - r[t-1]
    last-mean              m before t, m[t-1] from t on, S

with, for a jump and for increments, S before t and the regression of later on earlier visits that R
has. Carpenter, Roger and Kenward, J Biopharm Stat 2013;23:1352; as in the R package rbmi.
Everything is done for many models at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MAR = "mar"
JUMP = "jump-to-reference"
COPY = "copy-reference"
INCREMENTS = "copy-increments"
LAST_MEAN = "last-mean"
STRATEGIES = (MAR, JUMP, COPY, INCREMENTS, LAST_MEAN)


@dataclass(frozen=True)
class Incomplete:
    """People who miss the same visits under the same strategy; `before` visits precede their
    event.
    """

    people: np.ndarray  # (k,) numbers of subjects
    method: str
    before: int
    missing: np.ndarray  # (m,) whether imputed
    own: int  # which covariance
    reference: int


@dataclass(frozen=True)
class Models:
    """R models: `mean` and `reference_mean` (R, n, m), `sigmas` (R, groups, m, m)."""

    mean: np.ndarray
    reference_mean: np.ndarray
    sigmas: np.ndarray


@dataclass(frozen=True)
class Conditional:
    """For `people` and their missing `places`: means (R, k, u) and one covariance (R, u, u)."""

    people: np.ndarray
    places: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


def conditionals(
    y: np.ndarray, incomplete: tuple[Incomplete, ...], models: Models
) -> Iterator[Conditional]:
    """`y` (n, m), whatever where missing."""
    for each in incomplete:
        mean = _mean(each, models.mean[:, each.people], models.reference_mean[:, each.people])
        sigma = _covariance(each, models.sigmas[:, each.own], models.sigmas[:, each.reference])
        yield _given(y[each.people], mean, sigma, each)


def imputed_means(y: np.ndarray, incomplete: tuple[Incomplete, ...], models: Models) -> np.ndarray:
    """(R, n, m): observed values, and conditional means where missing."""
    filled = np.broadcast_to(y, (len(models.mean), *y.shape)).copy()
    for each in conditionals(y, incomplete, models):
        filled[:, each.people[:, None], each.places] = each.mean
    return filled


def imputed_draws(
    y: np.ndarray,
    incomplete: tuple[Incomplete, ...],
    models: Models,
    generator: np.random.Generator,
) -> np.ndarray:
    """(R, n, m): observed values, and one draw of each model where missing."""
    filled = np.broadcast_to(y, (len(models.mean), *y.shape)).copy()
    for each in conditionals(y, incomplete, models):
        root = np.linalg.cholesky(each.covariance)
        noise = generator.standard_normal(each.mean.shape) @ root.swapaxes(-1, -2)
        filled[:, each.people[:, None], each.places] = each.mean + noise
    return filled


def _mean(group: Incomplete, own: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(R, k, m)."""
    before, visits = group.before, own.shape[-1]
    if group.method == MAR or before == visits:
        return own
    if group.method == COPY or (before == 0 and group.method != LAST_MEAN):
        return reference
    mean = own.copy()
    last = slice(before - 1, before)
    if group.method == JUMP:
        mean[..., before:] = reference[..., before:]
    elif group.method == INCREMENTS:
        mean[..., before:] = own[..., last] + reference[..., before:] - reference[..., last]
    else:
        mean[..., before:] = own[..., last]
    return mean


def _covariance(group: Incomplete, own: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(R, m, m)."""
    before, visits = group.before, own.shape[-1]
    if group.own == group.reference or group.method in (MAR, LAST_MEAN) or before == visits:
        return own
    if group.method == COPY or before == 0:
        return reference
    early, late = slice(None, before), slice(before, None)
    slopes = np.linalg.solve(reference[:, early, early], reference[:, early, late]).swapaxes(-1, -2)
    sigma = own.copy()
    sigma[:, late, early] = slopes @ own[:, early, early]
    sigma[:, early, late] = sigma[:, late, early].swapaxes(-1, -2)
    less = slopes @ (reference[:, early, early] - own[:, early, early]) @ slopes.swapaxes(-1, -2)
    sigma[:, late, late] = reference[:, late, late] - less
    return sigma


def _given(y: np.ndarray, mean: np.ndarray, sigma: np.ndarray, group: Incomplete) -> Conditional:
    missing, seen = np.flatnonzero(group.missing), np.flatnonzero(~group.missing)
    middle = sigma[:, missing[:, None], missing]
    expected = mean[..., missing]
    if len(seen):
        across = sigma[:, seen[:, None], missing]
        slopes = np.linalg.solve(sigma[:, seen[:, None], seen], across)
        expected = expected + (y[:, seen] - mean[..., seen]) @ slopes
        middle = middle - across.swapaxes(-1, -2) @ slopes
    return Conditional(group.people, missing, expected, middle)
