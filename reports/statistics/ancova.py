"""Analysis of covariance: the difference between arms at one time point, adjusted for the score at baseline.

The outcome is regressed by ordinary least squares on the baseline score, the covariates and the arm, over the people
who have all of them (complete cases). A contrast is a difference of two arms' coefficients; its interval is Student's t
with n - p degrees of freedom. Vickers and Altman, BMJ 2001;323:1123. `regress` fits by a formula, with HC0 to HC3.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .distributions import t_quantile, t_two_sided_p
from .linear_model import Regression, regress
from .model_frame import NotEstimable

__all__ = ["Difference", "Fit", "NotEstimable", "Regression", "complete_cases", "fit", "regress"]


@dataclass(frozen=True)
class Difference:
    """First arm minus second; `n1` and `n2` are the people of both arms in the model, `n` all the people in it."""

    first: str
    second: str
    estimate: float
    se: float
    df: int
    lower: float
    upper: float
    p: float
    n: int
    n1: int
    n2: int


@dataclass(frozen=True)
class Fit:
    """`coefficients` and `covariance` in the order of `names`; `sigma` is the residual standard deviation, in units
    of the outcome."""

    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    sigma: float
    df: int
    n: int
    n_by_arm: tuple[tuple[str, int], ...]

    def difference(self, first: str, second: str, confidence: float = 0.95) -> Difference:
        """First minus second, with its interval and two-sided p; NotEstimable for an arm that nobody is in."""
        weights = self._weights(first) - self._weights(second)
        estimate = float(weights @ np.array(self.coefficients))
        se = math.sqrt(float(weights @ np.array(self.covariance) @ weights))
        half = t_quantile((1 + confidence) / 2, self.df) * se
        n = dict(self.n_by_arm)
        p = t_two_sided_p(estimate / se, self.df)
        return Difference(
            first,
            second,
            estimate,
            se,
            self.df,
            estimate - half,
            estimate + half,
            p,
            self.n,
            n[first],
            n[second],
        )

    def _weights(self, arm: str) -> np.ndarray:
        if not dict(self.n_by_arm).get(arm):
            raise NotEstimable(f"nobody in arm {arm} has all values")
        return np.array([float(name == f"arm={arm}") for name in self.names])


def fit(
    outcome: Sequence[float | None],
    baseline: Sequence[float | None],
    arm: Sequence[str],
    covariates: Mapping[str, Sequence[float | str | None]] | None = None,
) -> Fit:
    """Fit the model; a text covariate enters as indicators of its levels, the first (sorted) being the reference.

    All by person, None where missing; scores in the units of their scale. Errors: NotEstimable for nobody, too few people, or
    an arm or covariate that follows from others.
    """
    columns = {"baseline": baseline, **(covariates or {})}
    complete = complete_cases(outcome, *columns.values())
    if not complete:
        raise NotEstimable("nobody has all values")
    y = np.array([outcome[i] for i in complete], dtype=float)
    arms = [arm[i] for i in complete]
    names, design = _design({name: [values[i] for i in complete] for name, values in columns.items()}, arms)
    return _least_squares(names, design, y, arms)


def complete_cases(*columns: Sequence[object]) -> list[int]:
    """The positions at which no column is missing (None)."""
    return [i for i, row in enumerate(zip(*columns, strict=True)) if all(value is not None for value in row)]


def _design(columns: Mapping[str, list], arms: list[str]) -> tuple[list[str], np.ndarray]:
    names, parts = ["intercept"], [np.ones(len(arms))]
    for name, values in columns.items():
        for label, part in _indicators(name, values) if _is_text(values) else [(name, np.array(values, dtype=float))]:
            names.append(label)
            parts.append(part)
    for label, part in _indicators("arm", arms):
        names.append(label)
        parts.append(part)
    return names, np.column_stack(parts)


def _is_text(values: list) -> bool:
    return any(isinstance(value, str) for value in values)


def _indicators(name: str, values: list) -> list[tuple[str, np.ndarray]]:
    levels = sorted(set(values))
    return [(f"{name}={level}", np.array([float(v == level) for v in values])) for level in levels[1:]]


def _least_squares(names: list[str], design: np.ndarray, y: np.ndarray, arms: list[str]) -> Fit:
    n, p = design.shape
    if n - p < 1:
        raise NotEstimable(f"{n} people are too few for {p} coefficients")
    # Columns are scaled first, so that the rank does not depend on the unit of a covariate.
    scale = np.linalg.norm(design, axis=0)
    if not scale.all() or np.linalg.matrix_rank(design / scale) < p:
        raise NotEstimable("arm and covariates cannot be told apart")
    q, r = np.linalg.qr(design)
    beta = np.linalg.solve(r, q.T @ y)
    left = float(((y - design @ beta) ** 2).sum())
    if left <= 1e-24 * float(y @ y):
        raise NotEstimable("the outcome does not vary around the model")
    sigma2 = left / (n - p)
    inverse = np.linalg.inv(r)
    covariance = sigma2 * inverse @ inverse.T
    counts = tuple((arm, arms.count(arm)) for arm in sorted(set(arms)))
    rows = tuple(tuple(float(v) for v in row) for row in covariance)
    return Fit(
        tuple(names),
        tuple(float(b) for b in beta),
        rows,
        math.sqrt(sigma2),
        n - p,
        n,
        counts,
    )
