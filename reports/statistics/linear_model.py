"""Ordinary least squares by a formula, with the model's or a heteroscedasticity-consistent
covariance.

    HC0  White, Econometrica 1980;48:817: squared residuals in place of one variance
    HC1  times n / (n - p)
    HC2  each squared residual over one minus its leverage
    HC3  over the square of that: the one to use in small samples (Long and Ervin, Am Stat
         2000;54:217)

Intervals and p values are Student's t with n - p degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .distributions import f_p
from .estimates import Known, Solved, listed
from .model_frame import NotEstimable, build, check_choice, least_squares

if TYPE_CHECKING:
    import pandas as pd

COVARIANCES = ("ols", "hc0", "hc1", "hc2", "hc3")


@dataclass(frozen=True)
class JointTest:
    """Wald F test that several combinations of coefficients are zero."""

    f: float
    df1: int
    df2: int
    p: float


@dataclass(frozen=True)
class Regression(Solved):
    """A fitted model."""

    covariance: str
    residuals: np.ndarray

    @property
    def covariance_matrix(self) -> np.ndarray:
        return self.inference.vcov

    @property
    def n(self) -> int:
        return len(self.data.y)

    @property
    def df(self) -> int:
        return self.n - len(self.beta)

    @property
    def sigma(self) -> float:
        return math.sqrt(float(self.residuals @ self.residuals) / self.df)

    @property
    def r_squared(self) -> float:
        y = self.data.y
        return 1 - float(self.residuals @ self.residuals) / float(((y - y.mean()) ** 2).sum())

    @property
    def adjusted_r_squared(self) -> float:
        return 1 - (1 - self.r_squared) * (self.n - 1) / self.df

    def combinations(
        self, rows: np.ndarray, labels: Sequence[str] | None = None, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Linear combinations of coefficients, `rows` (r, p) in the order of `names`."""
        import pandas as pd

        index = pd.Index(labels, name="term") if labels is not None else None
        return pd.DataFrame(self.estimated(np.atleast_2d(rows), confidence), index=index)

    def marginal_means(
        self,
        of: str | Sequence[str],
        by: str | Sequence[str] = (),
        confidence: float = 0.95,
        weights: str = "equal",
    ) -> pd.DataFrame:
        """Means at every level of `of` and `by`: numbers at their means, other categories averaged
        by `weights`, equal or proportional (Searle, Speed and Milliken, Am Stat 1980;34:216).
        """
        import pandas as pd

        labels, rows = self.data.grid([*listed(of), *listed(by)], weights)
        found = self.combinations(rows, confidence=confidence)
        return pd.concat([pd.DataFrame(labels), found], axis=1)

    def joint(self, rows: np.ndarray) -> JointTest:
        """Wald F test with this covariance that every combination in `rows` (r, p) is zero."""
        rows = np.atleast_2d(rows)
        off = rows @ self.beta
        spread = rows @ self.covariance_matrix @ rows.T
        f = float(off @ np.linalg.solve(spread, off)) / len(rows)
        return JointTest(f, len(rows), self.df, f_p(f, len(rows), self.df))

    def sequential(self) -> pd.DataFrame:
        """Type I table: each term after those before it; of the ordinary model, whatever the
        covariance.
        """
        import pandas as pd

        q, _ = np.linalg.qr(self.data.x)
        squares = (q.T @ (self.data.y - self.data.y.mean())) ** 2
        terms = [term.label for term in self.data.design.terms]
        of_column = np.array(self.data.design.term_of_column)
        df = [int((of_column == term).sum()) for term in terms]
        sums = [float(squares[of_column == term].sum()) for term in terms]
        mean = [s / d for s, d in zip(sums, df, strict=True)]
        f = [m / self.sigma**2 for m in mean]
        p = [f_p(each, d, self.df) for each, d in zip(f, df, strict=True)]
        residual = float(self.residuals @ self.residuals)
        columns = {
            "df": [*df, self.df],
            "sum_sq": [*sums, residual],
            "mean_sq": [*mean, residual / self.df],
            "f": [*f, math.nan],
            "p": [*p, math.nan],
        }
        return pd.DataFrame(columns, index=pd.Index([*terms, "Residuals"], name="term"))


def regress(
    frame: pd.DataFrame,
    *,
    outcome: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
    covariance: str = "ols",
) -> Regression:
    """Fit by least squares over the rows that have all values. `fixed` as `formula` describes it.

    Errors: NotEstimable for too few people, columns that follow from others, an outcome that does
    not vary around the model, or a leverage of one under HC2 and HC3; formula.FormulaError,
    formula.UnknownColumn.
    """
    check_choice("covariance", covariance, COVARIANCES)
    data = build(frame, outcome=outcome, fixed=fixed, reference=reference)
    n, p = data.x.shape
    if n <= p:
        raise NotEstimable(f"{n} people are too few for {p} coefficients")
    beta, residuals = least_squares(data.x, data.y)
    q, r = np.linalg.qr(data.x)
    bread = np.linalg.inv(r)
    middle = _middle(q, residuals, covariance)
    return Regression(
        data, beta, Known(bread @ middle @ bread.T, float(n - p)), covariance, residuals
    )


def _middle(q: np.ndarray, residuals: np.ndarray, covariance: str) -> np.ndarray:
    """What stands between R^-1 and its transpose, x being QR: sigma^2 I, or Q'diag(w)Q."""
    n, p = q.shape
    if covariance == "ols":
        return np.eye(p) * float(residuals @ residuals) / (n - p)
    squared = residuals**2
    if covariance == "hc1":
        squared = squared * n / (n - p)
    if covariance in ("hc2", "hc3"):
        left = 1 - (q**2).sum(axis=1)
        if (left < 1e-10).any():
            row = int(np.argmin(left))
            raise NotEstimable(
                f"row {row} alone determines a coefficient (leverage 1): {covariance} does not "
                f"exist"
            )
        squared = squared / left ** (1 if covariance == "hc2" else 2)
    return (q * squared[:, None]).T @ q
