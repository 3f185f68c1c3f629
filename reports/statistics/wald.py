"""Standard errors, degrees of freedom and F tests of linear combinations of coefficients, whatever
model they come from.

Satterthwaite's degrees of freedom (Giesbrecht and Burns, Biometrics 1985;41:477), for several
combinations together Fai and Cornelius (J Stat Comput Simul 1996;54:363), and the scaled F of
Kenward and Roger (Biometrics 1997;53:983). Combinations are rows (r, p); `phi` (p, p) is the
model-based covariance of the coefficients; `a` (k, p, p) the derivatives of its inverse by the
variance parameters, up to a sign; `w` (k, k) the covariance of those parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .variation import NotEstimable

SAME = 1e-8  # relative: directions of a joint test that add nothing


@dataclass(frozen=True)
class FTest:
    """`statistic` is already scaled; `df2` may be infinite."""

    statistic: float
    df1: int
    df2: float
    p: float


def standard_errors(combinations: np.ndarray, vcov: np.ndarray) -> np.ndarray:
    """(r,)."""
    return np.sqrt(variances(combinations, vcov))


def variances(combinations: np.ndarray, vcov: np.ndarray) -> np.ndarray:
    """(r,)."""
    return np.einsum("rp,pq,rq->r", combinations, vcov, combinations)


def known_errors(errors: np.ndarray, is_nothing: np.ndarray) -> np.ndarray:
    """(r,): `errors` of combinations, NaN where they are rounding (`is_nothing`), as where nobody
    that one is estimated from differs from the model. NotEstimable where all are.
    """
    if len(errors) and is_nothing.all():
        raise NotEstimable(
            "clusters do not differ in what this is estimated from, so it has no standard error"
        )
    return np.where(is_nothing, np.nan, errors)


def check_known(
    combinations: np.ndarray, vcov: np.ndarray, errors: Callable[[np.ndarray], np.ndarray]
) -> None:
    """NotEstimable where a direction of a joint test has no standard error. `errors` gives those
    of single combinations, as `known_errors`.
    """
    combinations = independent(combinations)
    if len(combinations):
        _, vectors = np.linalg.eigh(combinations @ vcov @ combinations.T)
        for each in vectors.T @ combinations:
            errors(each[None])


def satterthwaite(
    combinations: np.ndarray, phi: np.ndarray, a: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """(r,). Infinite where the variance parameters are known (k = 0)."""
    moved = combinations @ phi
    variance = np.einsum("rp,rp->r", moved, combinations)
    gradient = np.einsum("rp,apq,rq->ra", moved, a, moved, optimize=True)
    return 2 * variance**2 / np.einsum("ra,ab,rb->r", gradient, w, gradient)


def bell_mccaffrey(b: np.ndarray, d: np.ndarray, phi: np.ndarray) -> float:
    """Satterthwaite's degrees of freedom of a cluster-robust variance of one combination, made of
    squares e_i' r_i.

    `b` (n, p) are X_i' e_i and `d` (n,) e_i' V_i e_i by cluster, V_i the working covariance. Bell
    and McCaffrey, Survey Methodology 2002;28:169.
    """
    bp = b @ phi
    own = np.einsum("np,np->n", bp, b)
    inner = b.T @ bp
    squares = (d**2).sum() - 2 * (d * own).sum() + (inner * inner.T).sum()
    return float((d - own).sum()) ** 2 / float(squares)


def joint(
    combinations: np.ndarray,
    beta: np.ndarray,
    vcov: np.ndarray,
    degrees: Callable[[np.ndarray], np.ndarray],
    scale: Callable[[np.ndarray], tuple[float, float]] | None = None,
) -> FTest:
    """F test that every row of `combinations` is zero; rows that repeat others are left out of df1.

    `degrees` gives the degrees of freedom of single combinations; `scale` the Kenward-Roger scale
    and df2 of several.
    """
    combinations = independent(combinations)
    if not len(combinations):
        raise ValueError("there is nothing to test: every combination is zero")
    values = combinations @ beta
    if len(combinations) == 1:
        se = standard_errors(combinations, vcov)[0]
        return tested(float(values[0] / se) ** 2, 1, float(degrees(combinations)[0]))
    middle = combinations @ vcov @ combinations.T
    statistic = float(values @ np.linalg.solve(middle, values)) / len(combinations)
    if scale is not None:
        factor, df2 = scale(combinations)
        return tested(factor * statistic, len(combinations), df2)
    return tested(statistic, len(combinations), fai_cornelius(combinations, middle, degrees))


def fai_cornelius(
    combinations: np.ndarray, middle: np.ndarray, degrees: Callable[[np.ndarray], np.ndarray]
) -> float:
    """Denominator degrees of freedom; 0 where no direction has more than two."""
    _, vectors = np.linalg.eigh(middle)
    each = degrees(vectors.T @ combinations)
    if np.isinf(each).all() or each.max() - each.min() < SAME:
        return float(each[0])
    over = each[each > 2]
    total = float((over / (over - 2)).sum())
    return 2 * total / (total - len(combinations)) if total > len(combinations) else 0.0


def kenward_roger(
    combinations: np.ndarray, phi: np.ndarray, a: np.ndarray, w: np.ndarray
) -> tuple[float, float]:
    """Scale and denominator degrees of freedom (Kenward and Roger 1997, section 3); rows
    independent, more than one.
    """
    number, k = len(combinations), len(a)
    theta = combinations.T @ np.linalg.solve(combinations @ phi @ combinations.T, combinations)
    parts = theta @ phi @ a @ phi  # (k, p, p); a sign of `a` drops out of products
    traces = np.trace(parts, axis1=1, axis2=2)
    products = (parts.reshape(k, -1)) @ parts.swapaxes(1, 2).reshape(k, -1).T
    a1 = float(traces @ w @ traces)
    a2 = float((w * products).sum())
    b = (a1 + 6 * a2) / (2 * number)
    g = ((number + 1) * a1 - (number + 4) * a2) / ((number + 2) * a2)
    shared = 3 * number + 2 * (1 - g)
    c1, c2, c3 = g / shared, (number - g) / shared, (number + 2 - g) / shared
    expected = 1 / (1 - a2 / number)
    variance = 2 / number * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    rho = variance / (2 * expected**2)
    df2 = 4 + (number + 2) / (number * rho - 1)
    return df2 / (expected * (df2 - 2)), float(df2)


def independent(combinations: np.ndarray) -> np.ndarray:
    """Rows orthogonal to those before them, without the ones that add nothing."""
    kept: list[np.ndarray] = []
    for row in combinations:
        left = row.astype(float)
        for basis in kept:
            left = left - (left @ basis) / (basis @ basis) * basis
        if np.abs(left).max() > SAME * np.abs(row).max():
            kept.append(left)
    return np.array(kept)


def tested(statistic: float, df1: int, df2: float) -> FTest:
    """The F test of a statistic that is already scaled; chi-squared where `df2` is infinite."""
    from scipy.special import chdtrc, fdtrc

    if np.isinf(df2):
        return FTest(statistic, df1, df2, float(chdtrc(df1, df1 * statistic)))
    return FTest(
        statistic, df1, df2, float(fdtrc(df1, df2, statistic)) if df2 > 0 else float("nan")
    )
