"""Analysis of covariance: the difference between arms at one time point, adjusted for the score at
baseline.

The outcome is regressed by ordinary least squares on the baseline score, the covariates and the
arm, over the people who have all of them (complete cases). A contrast is a difference of two arms'
coefficients; its interval is Student's t with n - p degrees of freedom. Vickers and Altman, BMJ
2001;323:1123. `regress` fits by a formula, with HC0 to HC3.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .distributions import t_quantile, t_two_sided_p
from .linear_model import Regression, regress
from .model_frame import NotEstimable, independent_part
from .reading import is_missing, is_number, level_texts, numbers, text_of
from .variation import DoesNotVary, TooFew, check_magnitude, check_varies, is_constant

__all__ = [
    "Difference",
    "DoesNotVary",
    "Fit",
    "NotEstimable",
    "Regression",
    "TooFew",
    "complete_cases",
    "fit",
    "regress",
]


@dataclass(frozen=True)
class Difference:
    """First arm minus second; `n1` and `n2` are the people of both arms in the model, `n` all the
    people in it.
    """

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
    """`coefficients` and `covariance` in the order of `names`; `sigma` is the residual standard
    deviation, in units of the outcome. `adjusted_for` are the columns, baseline the first, of which
    the model has something; `dropped` are the others: they do not vary, or follow from those before
    them.
    """

    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    sigma: float
    df: int
    n: int
    n_by_arm: tuple[tuple[str, int], ...]
    adjusted_for: tuple[str, ...]
    dropped: tuple[str, ...]

    def difference(self, first: Any, second: Any, confidence: float = 0.95) -> Difference:
        """First minus second, arms as text or as the number that it stands for, with its interval
        and two-sided p; NotEstimable for an arm that nobody is in.
        """
        first, second = text_of(first), text_of(second)
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
            raise TooFew(f"nobody in arm {arm} has all values")
        return np.array([float(name == f"arm={arm}") for name in self.names])


def fit(
    outcome: Sequence[float | None],
    baseline: Sequence[float | None],
    arm: Sequence[str],
    covariates: Mapping[str, Sequence[float | str | None]] | None = None,
) -> Fit:
    """Fit the model; a text covariate enters as indicators of its levels, the first (sorted) being
    the reference.

    All by person, None where missing; scores in the units of their scale. A column that does not
    vary, or that follows from those before it, is left out of the model and named, as R's lm does.
    Errors: TooFew for nobody, too few people, or an arm that follows from the covariates;
    DoesNotVary; NotEstimable for values that no model takes.
    """
    read: dict[str, Any] = {
        "outcome": numbers(outcome, "outcome"),
        "baseline": numbers(baseline, "baseline"),
    }
    read |= {name: _read(values, name) for name, values in (covariates or {}).items()}
    complete = complete_cases(
        *([None if is_missing(v) else v for v in values] for values in read.values())
    )
    if not complete:
        raise TooFew("nobody has all values")
    y = read.pop("outcome")[complete]
    check_magnitude(y, "outcome")
    found = level_texts(arm, "arm")
    arms = [each for each in (found[i] for i in complete) if each is not None]
    if len(arms) < len(complete):
        raise NotEstimable("somebody who has all values has no arm")
    return _least_squares(
        {name: [values[i] for i in complete] for name, values in read.items()}, y, arms
    )


def complete_cases(*columns: Sequence[object]) -> list[int]:
    """The positions at which no column is missing (None)."""
    return [
        i
        for i, row in enumerate(zip(*columns, strict=True))
        if all(value is not None for value in row)
    ]


def _read(values: Sequence[float | str | None], name: str) -> Any:
    return numbers(values, name) if is_number(values, name) else level_texts(values, name)


def _least_squares(columns: Mapping[str, list], y: np.ndarray, arms: list[str]) -> Fit:
    names, parts = ["intercept"], [np.ones(len(arms))]
    # Numbers are taken from their means: the same model, and what is far from zero keeps its
    # digits.
    centres = [0.0]
    adjusted: list[str] = []
    dropped: list[str] = []
    basis = np.full((len(arms), 1), 1 / math.sqrt(len(arms)))
    for name, values in columns.items():
        kept = len(names)
        for label, part, centre in _columns(name, values):
            left = independent_part(basis, part)
            if left.size:
                basis = np.column_stack([basis, left])
                names, parts, centres = [*names, label], [*parts, part], [*centres, centre]
        (adjusted if len(names) > kept else dropped).append(name)
    for label, part in _indicators("arm", arms):
        left = independent_part(basis, part)
        if not left.size:
            raise TooFew("arm and covariates cannot be told apart")
        basis = np.column_stack([basis, left])
        names, parts, centres = [*names, label], [*parts, part], [*centres, 0.0]
    design, (n, p) = np.column_stack(parts), (len(arms), len(names))
    if n - p < 1:
        raise TooFew(f"{n} people are too few for {p} coefficients")
    centre = float(y.mean())
    q, r = np.linalg.qr(design)
    beta = np.linalg.solve(r, q.T @ (y - centre))
    residuals = y - centre - design @ beta
    check_varies(residuals, y, design * beta)
    sigma2 = float(residuals @ residuals) / (n - p)
    # Back to numbers as they were given: the intercept alone is another.
    back = np.eye(p)
    back[0] -= centres
    root = back @ np.linalg.inv(r)
    beta = back @ beta
    beta[0] += centre
    covariance = sigma2 * root @ root.T
    return Fit(
        tuple(names),
        tuple(float(b) for b in beta),
        tuple(tuple(float(v) for v in row) for row in covariance),
        math.sqrt(sigma2),
        n - p,
        n,
        tuple((arm, arms.count(arm)) for arm in sorted(set(arms))),
        tuple(adjusted),
        tuple(dropped),
    )


def _columns(name: str, values: list) -> list[tuple[str, np.ndarray, float]]:
    """Label, column and its centre; of numbers that do not vary none."""
    if any(isinstance(value, str) for value in values):
        return [(label, part, 0.0) for label, part in _indicators(name, values)]
    given = np.array(values, dtype=float)
    check_magnitude(given, name)
    centre = float(given.mean())
    return [] if is_constant(given) else [(name, given - centre, centre)]


def _indicators(name: str, values: list) -> list[tuple[str, np.ndarray]]:
    levels = sorted(set(values))
    return [
        (f"{name}={level}", np.array([float(v == level) for v in values])) for level in levels[1:]
    ]
