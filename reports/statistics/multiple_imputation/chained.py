"""Chained equations: every incomplete column in turn is drawn from its regression on all the
others, again and again.

van Buuren and Groothuis-Oudshoorn, J Stat Softw 2011;45(3). All m chains run side by side. Ways to
draw a column:

    norm      Bayesian linear regression: sigma from the scaled inverse chi-squared, coefficients
              from the normal
              distribution, then the values (Rubin 1987, page 167)
    pmm       predictive mean matching: a value of one of the five people whose prediction is
              nearest, the predictions of
              those observed with the estimated and of those missing with the drawn coefficients
              (type 1; van Buuren, Flexible
              Imputation of Missing Data 2018, section 3.4)
    logistic  for two categories or 0 and 1: coefficients from the normal approximation at the
              maximum, data augmented against
              perfect prediction (White, Daniel and Royston, Comput Stat Data Anal 2010;54:2267)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .columns import Imputed, NotImputable, Numbers, checked_names, numbers, strata

if TYPE_CHECKING:
    import pandas as pd

DONORS = 5
IRLS_STEPS = 30
Draw = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def chained(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    m: int,
    generator: np.random.Generator,
    by: str | None = None,
    methods: Mapping[str, str] | None = None,
    iterations: int = 10,
) -> Imputed:
    """Impute `columns` m times, each from all the others. `methods` by column: norm unless said,
    logistic for categories.

    `by`: everything is done apart for each of its levels. Errors: NotImputable,
    formula.UnknownColumn.
    """
    known = numbers(frame, checked_names(columns, by, m), binary=True)
    incomplete = known.incomplete
    chosen = _methods(known, incomplete, dict(methods or {}))
    values = np.broadcast_to(known.matrix[:, incomplete], (m, len(frame), len(incomplete))).copy()
    trace = np.zeros((iterations, len(incomplete), m))
    missing = np.isnan(known.matrix[:, incomplete])
    for rows in strata(frame, by):
        try:
            filled, sums = _iterated(
                known.chosen(rows), incomplete, chosen, m, iterations, generator
            )
        except np.linalg.LinAlgError:
            raise NotImputable(
                "the columns follow from each other where they are observed; leave one out"
            ) from None
        values[:, rows] = filled[:, :, incomplete]
        trace += sums / missing.sum(axis=0)[None, :, None]
    names = tuple(known.source[j] for j in incomplete)
    return Imputed(frame, names, tuple(known.levels.get(name, ()) for name in names), values, trace)


def _methods(known: Numbers, incomplete: list[int], given: dict[str, str]) -> list[str]:
    names = [known.source[j] for j in incomplete]
    if unknown := set(given) - set(names):
        raise NotImputable(
            f"{', '.join(sorted(unknown))}: nothing is missing there, or it is no column of these"
        )
    chosen = [given.get(name, "logistic" if name in known.levels else "norm") for name in names]
    for j, name, method in zip(incomplete, names, chosen, strict=True):
        if method not in METHODS:
            raise NotImputable(f"{name}: {method!r} is no method; use {', '.join(METHODS)}")
        seen = known.matrix[~np.isnan(known.matrix[:, j]), j]
        if (method == "logistic") != (name in known.levels) and not (
            method == "logistic" and np.isin(seen, (0, 1)).all()
        ):
            raise NotImputable(
                f"{name}: logistic is for two categories or 0 and 1, and nothing else is for "
                f"categories"
            )
    return chosen


def _iterated(
    part: np.ndarray,
    incomplete: list[int],
    methods: list[str],
    m: int,
    iterations: int,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Completed data (m, n, d), and the sums (iterations, columns, m) of what was imputed."""
    gaps = np.isnan(part)
    filled = np.broadcast_to(part, (m, *part.shape)).copy()
    for j in incomplete:
        filled[:, gaps[:, j], j] = generator.choice(
            part[~gaps[:, j], j], (m, int(gaps[:, j].sum()))
        )
    sums = np.zeros((iterations, len(incomplete), m))
    for step in range(iterations):
        for place, (j, method) in enumerate(zip(incomplete, methods, strict=True)):
            gap = gaps[:, j]
            if not gap.any():
                continue
            x = filled.copy()
            x[:, :, j] = 1.0  # the intercept, in the place of the column itself
            drawn = METHODS[method](part[~gap, j], x[:, ~gap], x[:, gap], generator)
            filled[:, gap, j] = drawn
            sums[step, place] = drawn.sum(axis=1)
    return filled, sums


def _regression(
    y: np.ndarray, x: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimated and drawn coefficients (m, k), and drawn residual standard deviations (m,)."""
    m, n, k = x.shape
    scale = np.sqrt((x**2).mean(axis=1))
    scaled = x / scale[:, None]
    root = np.linalg.cholesky(scaled.swapaxes(-1, -2) @ scaled)
    right = (y @ scaled)[..., None]
    upper = root.swapaxes(-1, -2)
    estimate = np.linalg.solve(upper, np.linalg.solve(root, right))
    residual = y - (scaled @ estimate)[..., 0]
    sigma = np.sqrt((residual**2).sum(axis=1) / generator.chisquare(n - k, m))
    noise = np.linalg.solve(upper, generator.standard_normal((m, k, 1)))[..., 0]
    return estimate[..., 0] / scale, (estimate[..., 0] + sigma[:, None] * noise) / scale, sigma


def _norm(
    y: np.ndarray, x: np.ndarray, x_gap: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    _, drawn, sigma = _regression(y, x, generator)
    expected = (x_gap @ drawn[..., None])[..., 0]
    return expected + sigma[:, None] * generator.standard_normal(expected.shape)


def _pmm(
    y: np.ndarray, x: np.ndarray, x_gap: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    estimate, drawn, _ = _regression(y, x, generator)
    fitted, wanted = (x @ estimate[..., None])[..., 0], (x_gap @ drawn[..., None])[..., 0]
    donors = min(DONORS, len(y))
    distance = np.abs(wanted[:, :, None] - fitted[:, None, :])
    nearest = (
        np.argpartition(distance, donors - 1, axis=2)[:, :, :donors]
        if donors < len(y)
        else np.argsort(distance, 2)
    )
    pick = generator.integers(donors, size=(*wanted.shape, 1))
    return y[np.take_along_axis(nearest, pick, axis=2)[..., 0]]


def _logistic(
    y: np.ndarray, x: np.ndarray, x_gap: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    from scipy.special import expit

    m, _, k = x.shape
    centre, scale = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    constant = scale == 0
    centre, scale = np.where(constant, 0.0, centre), np.where(constant, 1.0, scale)
    z, z_gap = (x - centre) / scale, (x_gap - centre) / scale
    z, target, weights = _augmented(y, z, constant[:, 0])
    beta = np.zeros((m, k))
    for _ in range(IRLS_STEPS):
        p = expit((z @ beta[..., None])[..., 0])
        information = z.swapaxes(-1, -2) @ (z * (weights * p * (1 - p))[..., None])
        step = np.linalg.solve(
            information, (z.swapaxes(-1, -2) @ (weights * (target - p))[..., None])
        )[..., 0]
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    upper = np.linalg.cholesky(information).swapaxes(-1, -2)
    drawn = beta + np.linalg.solve(upper, generator.standard_normal((m, k, 1)))[..., 0]
    p = expit((z_gap @ drawn[..., None])[..., 0])
    return (generator.random(p.shape) < p).astype(float)


def _augmented(
    y: np.ndarray, z: np.ndarray, constant: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With people half a standard deviation to both sides on every predictor, once in each
    category, of small weight.
    """
    m, n, _ = z.shape
    places = np.flatnonzero(~constant[0])
    extra = np.zeros((m, 4 * len(places), z.shape[2]))
    extra[:, :, constant[0]] = 1.0
    for i, j in enumerate(places):
        extra[:, 4 * i : 4 * i + 4, j] = (0.5, 0.5, -0.5, -0.5)
    target = np.concatenate([y, np.tile([0.0, 1.0], 2 * len(places))])
    weight = (len(places) + 1) / max(1, 4 * len(places))
    return (
        np.concatenate([z, extra], axis=1),
        target,
        np.concatenate([np.ones(n), np.full(4 * len(places), weight)]),
    )


METHODS: dict[str, Draw] = {"norm": _norm, "pmm": _pmm, "logistic": _logistic}
