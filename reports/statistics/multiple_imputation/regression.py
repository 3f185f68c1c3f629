"""Linear regression of every imputed data set, pooled: the analysis of covariance after
imputation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import formula as formulas
from ..model_frame import as_numbers
from ..variation import check_varies
from .columns import Imputed, NotImputable
from .pooling import Pooled, pool

if TYPE_CHECKING:
    import pandas as pd


def regress(
    imputed: Imputed,
    outcome: str,
    formula: str,
    *,
    reference: Mapping[str, str] | None = None,
    confidence: float = 0.95,
) -> dict[str, Pooled]:
    """Ordinary least squares of `outcome` on `formula`, pooled by term (named as R names them) with
    Barnard and Rubin's degrees of freedom. Errors: NotImputable where something is still missing or
    follows from other columns, FormulaError.
    """
    parsed = formulas.parse(formula)
    needed = {outcome, *parsed.variables}
    if lacking := needed - set(imputed.frame.columns):
        raise formulas.UnknownColumn(f"there is no column {', '.join(sorted(lacking))}")
    if gaps := [name for name in needed - set(imputed.columns) if imputed.frame[name].isna().any()]:
        raise NotImputable(f"{', '.join(sorted(gaps))}: missing values that were not imputed")
    alike = not set(parsed.variables) & set(imputed.columns)
    frames = [imputed.frame] if alike else imputed.frames()
    designs = [_design(frame, parsed, reference or {}) for frame in frames]
    names, x = designs[0][0], np.stack([matrix for _, matrix in designs])
    y = as_numbers(imputed.frame[outcome], outcome)[None]
    if outcome in imputed.columns:
        y = imputed.values[:, :, imputed.columns.index(outcome)]
    estimates, variances, df = _least_squares(np.broadcast_to(y, (imputed.m, y.shape[1])), x)
    return {
        name: pool(estimates[:, j], variances[:, j], complete_df=df, confidence=confidence)
        for j, name in enumerate(names)
    }


def _design(
    frame: pd.DataFrame, parsed: formulas.Formula, reference: Mapping[str, str]
) -> tuple[tuple[str, ...], np.ndarray]:
    variables, values, _ = formulas.coded(frame, parsed, reference)
    design = formulas.design(parsed, variables)
    return design.names, design.matrix(values, len(frame))


def _least_squares(y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """`y` (m, n), `x` (m or 1, n, k): coefficients and their variances (m, k), and n - k."""
    _, n, k = x.shape
    scale = np.sqrt((x**2).mean(axis=1, keepdims=True))
    if n <= k or not scale.all() or (np.linalg.matrix_rank(x / scale) < k).any():
        raise NotImputable("the regression cannot tell its columns apart, or has as many as people")
    inverse = np.linalg.inv(x.swapaxes(-1, -2) @ x / (scale * scale.swapaxes(-1, -2)))
    inverse = inverse / (scale * scale.swapaxes(-1, -2))
    # The outcome is taken from its mean, so that one far from zero keeps its digits: the intercept
    # alone is another.
    centre = y.mean(axis=1)
    centred = (y - centre[:, None])[..., None]
    beta = inverse @ (x.swapaxes(-1, -2) @ centred)
    beta = beta + inverse @ (x.swapaxes(-1, -2) @ (centred - x @ beta))
    left = centred - x @ beta
    for own, terms, each in zip(
        left, np.broadcast_to(x, (len(y), n, k)) * beta.swapaxes(-1, -2), y, strict=True
    ):
        check_varies(own, each, terms)
    residual = (left**2).sum(axis=(1, 2)) / (n - k)
    beta[:, 0, 0] += centre
    spread = np.diagonal(inverse, axis1=-2, axis2=-1) * residual[:, None]
    return beta[..., 0], spread, n - k
