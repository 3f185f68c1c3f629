"""The linear mixed model with random effects of a subject (or a site): intercept, or intercept and slopes that may correlate.

    fit = linear_mixed.fit(frame, outcome="bdi", subject="subject", fixed="bdi_pre + treatment * month", random="1 + month",
                           reference={"treatment": "TAU"}, df="kenward-roger")
    fit.coefficients, fit.variance_components, fit.contrasts("treatment"), fit.test("treatment:month")

REML by Newton's method on exact derivatives. Laird and Ware, Biometrics 1982;38:963; Bates et al., J Stat Softw 2015;67(1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from . import formula as formulas
from .estimates import Estimates
from .frames import NotEstimable, Regression, check_choice, check_columns, regression
from .linear_covariance import NotConverged
from .random_effects import DEGREES, Fitted, Inference, fitted
from .wald import FTest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FTest", "Fit", "NotConverged", "NotEstimable", "fit"]


@dataclass(frozen=True)
class Fit(Estimates):
    """A fitted model. `random_names` are the columns of the random effects, "(Intercept)" the first."""

    regression: Regression
    fitted: Fitted
    subject: str
    random_names: tuple[str, ...]
    df: str
    warnings: tuple[str, ...]

    @cached_property
    def inference(self) -> Inference:
        return Inference(self.fitted.optimum, self.df)

    @property
    def design(self) -> formulas.Design:
        return self.regression.design

    @property
    def scale(self) -> np.ndarray:
        return self.regression.scale / self.fitted.y_scale

    @property
    def scaled_beta(self) -> np.ndarray:
        return self.fitted.optimum.point.beta

    @property
    def n_subjects(self) -> int:
        return self.fitted.optimum.likelihood.n_clusters

    @property
    def n_observations(self) -> int:
        return self.fitted.optimum.likelihood.n_observations

    @property
    def singular(self) -> bool:
        """Whether a variance is zero or a correlation one: the best covariance lies on the boundary."""
        return self.fitted.rank < self.fitted.size

    @property
    def residual_variance(self) -> float:
        return float(self.fitted.residual_variances[0])

    @property
    def random_covariance(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.fitted.random_covariance, index=[*self.random_names], columns=[*self.random_names])

    @property
    def variance_components(self) -> pd.DataFrame:
        """Rows: variances of the random effects, their covariances, the residual variance. `estimate` in squared units;
        `sd_or_correlation` the standard deviation of a variance, the correlation of a covariance (NaN with a zero variance)."""
        import pandas as pd

        g, names, size = self.fitted.random_covariance, self.random_names, self.fitted.size
        sd = np.sqrt(np.diag(g))
        rows = [(self.subject, names[i], "", g[i, i], sd[i]) for i in range(size)]
        for i in range(size):
            for j in range(i + 1, size):
                correlation = g[i, j] / (sd[i] * sd[j]) if sd[i] * sd[j] > 0 else math.nan
                rows.append((self.subject, names[i], names[j], g[i, j], correlation))
        rows.append(("Residual", "", "", self.residual_variance, math.sqrt(self.residual_variance)))
        return pd.DataFrame(rows, columns=["group", "first", "second", "estimate", "sd_or_correlation"])

    @property
    def minus_two_log_likelihood(self) -> float:
        """REML: of the residual likelihood with the constant (N - p) log 2 pi (lme4's REML criterion)."""
        return self.fitted.minus_two_log_likelihood(self.regression.scale)

    @property
    def n_parameters(self) -> int:
        """That AIC and BIC count: of the covariance, and by maximum likelihood of the mean too."""
        reml = self.fitted.optimum.likelihood.reml
        return self.fitted.n_random + 1 + (0 if reml else len(self.names))

    @property
    def aic(self) -> float:
        return self.minus_two_log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        return self.minus_two_log_likelihood + math.log(self.n_subjects) * self.n_parameters


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    fixed: str,
    random: str = "1",
    reference: Mapping[str, str] | None = None,
    df: str = "satterthwaite",
    reml: bool = True,
) -> Fit:
    """Fit the model; rows in which anything is missing are left out.

    `frame` has a row per observation; `subject` names the column of clusters. `random` is "1", or "1 + month" with numbers;
    the intercept is always in it, and random effects may correlate. Kenward-Roger needs REML.
    Errors: NotEstimable, NotConverged, formula.FormulaError, formula.UnknownColumn.
    """
    check_choice("df", df, DEGREES)
    if df == "kenward-roger" and not reml:
        raise ValueError("Kenward-Roger is defined for REML; use df='satterthwaite' with maximum likelihood")
    slopes = formulas.parse(random)
    check_columns(frame, slopes.variables)
    found = regression(frame, outcome=outcome, fixed=fixed, reference=reference, needed=[subject, *slopes.variables])
    columns = _random_columns(found.frame, slopes)
    cluster = _clusters(found.frame, subject)
    result = fitted(found, cluster, columns, reml=reml)
    names = ("(Intercept)", *(":".join(term) for term in slopes.terms))
    singular = ("a variance is zero or a correlation is one: fewer random effects describe these data as well",)
    warnings = (*found.warnings, *(singular if result.rank < result.size else ()))
    return Fit(found, result, subject, names, df, warnings)


def _random_columns(frame: pd.DataFrame, slopes: formulas.Formula) -> np.ndarray:
    """(rows, size): the intercept and a product of numbers for each term."""
    for name in slopes.variables:
        if name in slopes.categorical or not formulas.is_number(frame[name]):
            raise formulas.FormulaError(f"{name}: random slopes are of numbers")
    columns = [np.ones(len(frame))]
    for term in slopes.terms:
        columns.append(np.prod([frame[name].to_numpy(dtype=float) for name in term], axis=0))
        if np.ptp(columns[-1]) == 0:
            raise NotEstimable(f"{':'.join(term)} does not vary, so it has no slope")
    return np.column_stack(columns)


def _clusters(frame: pd.DataFrame, subject: str) -> np.ndarray:
    import pandas as pd

    codes, levels = pd.factorize(frame[subject])
    if len(levels) < 2:
        raise NotEstimable(f"{subject}: there is one; a variance between them needs several")
    return codes
