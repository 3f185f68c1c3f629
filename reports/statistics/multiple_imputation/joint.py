"""Draws under a joint normal distribution of the incomplete columns given the complete ones, by
data augmentation.

Starting from the maximum of the likelihood (EM), m chains run side by side. In turn the missing
values are drawn given the parameters, and the parameters given the completed data under Jeffreys'
prior: Sigma from the inverse Wishart distribution with n - q degrees of freedom, q complete columns
and a constant, then the coefficients from the normal. The state after `iterations` is the
imputation, so that imputations are independent of each other. Schafer, Analysis of Incomplete
Multivariate Data, 1997, sections 5.3 and 5.4; with complete columns as predictors nothing is
assumed of their distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .columns import Imputed, NotImputable, checked_names, numbers, strata

if TYPE_CHECKING:
    import pandas as pd

MOST_EM_STEPS = 500
EM_ENOUGH = 1e-6  # change of the standardised moments


def normal(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    m: int,
    generator: np.random.Generator,
    by: str | None = None,
    iterations: int = 100,
) -> Imputed:
    """Impute `columns` m times. Complete categories help as indicators; categories with missing
    values cannot be imputed so.

    `by`: everything is done apart for each of its levels. Errors: NotImputable,
    formula.UnknownColumn.
    """
    known = numbers(frame, checked_names(columns, by, m), binary=False)
    incomplete = known.incomplete
    values = np.broadcast_to(known.matrix[:, incomplete], (m, len(frame), len(incomplete))).copy()
    trace = np.zeros((iterations, len(incomplete), m))
    missing = np.isnan(known.matrix[:, incomplete])
    for rows in strata(frame, by):
        try:
            filled, sums = _augmented(known.chosen(rows), m, iterations, generator)
        except np.linalg.LinAlgError:
            raise NotImputable(
                "the columns follow from each other where they are observed; leave one out"
            ) from None
        values[:, rows] = filled[:, :, incomplete]
        trace += sums[:, incomplete] / np.maximum(missing.sum(axis=0), 1)[None, :, None]
    names = tuple(known.source[j] for j in incomplete)
    return Imputed(frame, names, ((),) * len(names), values, trace)


def _augmented(
    part: np.ndarray, m: int, iterations: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Completed data (m, n, d), and the sums (iterations, d, m) of what was imputed."""
    gaps = np.isnan(part)
    open_columns = gaps.any(axis=0)
    completed = np.broadcast_to(part, (m, *part.shape)).copy()
    sums = np.zeros((iterations, part.shape[1], m))
    if not open_columns.any():
        return completed, sums
    centre, scale = np.nanmean(part, axis=0), np.nanstd(part, axis=0)
    standard = (part - centre) / scale
    x = np.column_stack([np.ones(len(part)), standard[:, ~open_columns]])
    y, gaps = standard[:, open_columns], gaps[:, open_columns]
    patterns = [(rows, pattern) for rows, pattern in _patterns(gaps) if pattern.any()]
    beta, sigma = _em(x, y, patterns)
    betas = np.broadcast_to(beta, (m, *beta.shape))
    sigmas = np.broadcast_to(sigma, (m, *sigma.shape))
    filled = np.broadcast_to(np.nan_to_num(y), (m, *y.shape)).copy()
    for step in range(iterations):
        _draw_values(filled, patterns, x @ betas, sigmas, generator)
        drawn = filled * scale[open_columns] + centre[open_columns]
        sums[step, open_columns] = np.einsum("mnd,nd->dm", drawn, gaps)
        if step + 1 < iterations:
            betas, sigmas = _draw_parameters(x, filled, generator)
    completed[:, :, open_columns] = np.where(gaps, drawn, part[:, open_columns])
    return completed, sums


def _patterns(gaps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    kinds, number = np.unique(gaps, axis=0, return_inverse=True)
    return [(np.flatnonzero(number.reshape(-1) == each), kind) for each, kind in enumerate(kinds)]


def _em(
    x: np.ndarray, y: np.ndarray, patterns: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Maximum-likelihood coefficients (q, d) and covariance (Schafer 1997, section 5.3)."""
    n, d = y.shape
    filled = np.nan_to_num(y)[None]
    projection = np.linalg.solve(x.T @ x, x.T)
    beta, sigma = np.zeros((x.shape[1], d)), np.eye(d)
    for _ in range(MOST_EM_STEPS):
        extra = np.zeros((d, d))
        mean = x @ beta
        for rows, pattern in patterns:
            expected, spread, gaps = _given(filled, rows, pattern, mean[None], sigma[None])
            filled[:, rows[:, None], gaps] = expected
            extra[gaps[:, None], gaps] += len(rows) * spread[0]
        new_beta = projection @ filled[0]
        residual = filled[0] - x @ new_beta
        new_sigma = (residual.T @ residual + extra) / n
        change = max(np.abs(new_beta - beta).max(), np.abs(new_sigma - sigma).max())
        beta, sigma = new_beta, new_sigma
        if change < EM_ENOUGH:
            break
    if np.linalg.eigvalsh(sigma)[0] < EM_ENOUGH:
        raise NotImputable(
            "the columns determine each other where they are observed; leave one out"
        )
    return beta, sigma


def _given(
    filled: np.ndarray, rows: np.ndarray, pattern: np.ndarray, means: np.ndarray, sigmas: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means (m, rows, gaps) and covariance (m, gaps, gaps) of what is missing in `rows`, and which
    columns those are.
    """
    seen, gaps = np.flatnonzero(~pattern), np.flatnonzero(pattern)
    across = sigmas[:, seen[:, None], gaps]
    slopes = np.linalg.solve(sigmas[:, seen[:, None], seen], across)
    known = filled[:, rows[:, None], seen] - means[:, rows[:, None], seen]
    spread = sigmas[:, gaps[:, None], gaps] - across.swapaxes(-1, -2) @ slopes
    return means[:, rows[:, None], gaps] + known @ slopes, spread, gaps


def _draw_values(
    filled: np.ndarray,
    patterns: list[tuple[np.ndarray, np.ndarray]],
    means: np.ndarray,
    sigmas: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Fill the gaps of every chain in place."""
    for rows, pattern in patterns:
        expected, spread, gaps = _given(filled, rows, pattern, means, sigmas)
        noise = generator.standard_normal(expected.shape)
        filled[:, rows[:, None], gaps] = expected + noise @ np.linalg.cholesky(spread).swapaxes(
            -1, -2
        )


def _draw_parameters(
    x: np.ndarray, filled: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Of every chain, given completed data: inverse Wishart by Bartlett's decomposition, then the
    coefficients.
    """
    m, n, d = filled.shape
    q = x.shape[1]
    gram = x.T @ x
    estimate = np.linalg.solve(gram, x.T) @ filled
    residual = filled - x @ estimate
    root = np.linalg.cholesky(residual.swapaxes(-1, -2) @ residual)
    bartlett = np.tril(generator.standard_normal((m, d, d)), -1)
    bartlett[:, np.arange(d), np.arange(d)] = np.sqrt(
        generator.chisquare(n - q - np.arange(d), (m, d))
    )
    # Sigma^-1 = L^-T B B' L^-1 is Wishart where L L' is the matrix of cross-products.
    factor = root @ np.linalg.inv(bartlett).swapaxes(-1, -2)
    sigmas = factor @ factor.swapaxes(-1, -2)
    noise = np.linalg.solve(np.linalg.cholesky(gram).T, generator.standard_normal((m, q, d)))
    return estimate + noise @ np.linalg.cholesky(sigmas).swapaxes(-1, -2), sigmas
