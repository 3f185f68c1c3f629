"""The linear mixed model with random effects of a subject (or a site): intercept, or intercept and
slopes that may correlate.

    fit = linear_mixed.fit(frame, outcome="bdi", subject="subject", fixed="bdi_pre + treatment *
    month", random="1 + month",
                           reference={"treatment": "TAU"}, df="kenward-roger")
    fit.coefficients, fit.variance_components, fit.contrasts("treatment"),
    fit.test("treatment:month")

REML by Newton's method on exact derivatives. Laird and Ware, Biometrics 1982;38:963; Bates et al.,
J Stat Softw 2015;67(1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import formula as formulas
from .model_frame import NotEstimable, as_numbers, build, check_columns
from .random_effects import RandomEffects, check_degrees, fitted
from .reading import codes_of, is_number
from .variation import NotConverged, is_constant
from .wald import FTest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FTest", "Fit", "NotConverged", "NotEstimable", "fit"]


@dataclass(frozen=True)
class Fit(RandomEffects):
    """A fitted model. `random_names` are the columns of the random effects, "(Intercept)" the
    first.
    """

    subject: str
    random_names: tuple[str, ...]

    @property
    def n_subjects(self) -> int:
        return self.fitted.optimum.likelihood.n_clusters

    @property
    def singular(self) -> bool:
        """Whether a variance is zero or a correlation one: the best covariance lies on the
        boundary.
        """
        return self.fitted.rank < self.fitted.size

    @property
    def residual_variance(self) -> float:
        return float(self.fitted.residual_variances[0])

    @property
    def random_covariance(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(
            self.fitted.random_covariance, index=[*self.random_names], columns=[*self.random_names]
        )

    @property
    def variance_components(self) -> pd.DataFrame:
        """Rows: variances of the random effects, their covariances, the residual variance.
        `estimate` in squared units; `sd_or_correlation` the standard deviation of a variance, the
        correlation of a covariance (NaN with a zero variance).
        """
        import pandas as pd

        g, names, size = self.fitted.random_covariance, self.random_names, self.fitted.size
        sd = np.sqrt(np.diag(g))
        rows = [(self.subject, names[i], "", g[i, i], sd[i]) for i in range(size)]
        for i in range(size):
            for j in range(i + 1, size):
                correlation = g[i, j] / (sd[i] * sd[j]) if sd[i] * sd[j] > 0 else math.nan
                rows.append((self.subject, names[i], names[j], g[i, j], correlation))
        rows.append(("Residual", "", "", self.residual_variance, math.sqrt(self.residual_variance)))
        return pd.DataFrame(
            rows, columns=["group", "first", "second", "estimate", "sd_or_correlation"]
        )

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

    `frame` has a row per observation; `subject` names the column of clusters. `random` is "1", or
    "1 + month" with numbers; the intercept is always in it, and random effects may correlate.
    Kenward-Roger needs REML. Errors: NotEstimable, NotConverged, formula.FormulaError,
    formula.UnknownColumn.
    """
    check_degrees(df, reml)
    slopes = formulas.parse(random)
    check_columns(frame, slopes.variables)
    needed = [subject, *slopes.variables]
    found = build(
        frame, outcome=outcome, fixed=fixed, reference=reference, needed=needed, scaled=True
    )
    columns = _random_columns(found.frame, slopes)
    cluster = _clusters(found.frame, subject)
    result = fitted(found, cluster, columns, reml=reml)
    names = ("(Intercept)", *(":".join(term) for term in slopes.terms))
    singular = (
        "a variance is zero or a correlation is one: fewer random effects describe these data as "
        "well",
    )
    warnings = (*found.warnings, *(singular if result.rank < result.size else ()))
    return Fit(found, result, df, warnings, subject, names)


def _random_columns(frame: pd.DataFrame, slopes: formulas.Formula) -> np.ndarray:
    """(rows, size): the intercept and a product of numbers for each term."""
    for name in slopes.variables:
        if name in slopes.categorical or not is_number(frame[name], name):
            raise formulas.FormulaError(f"{name}: random slopes are of numbers")
    columns = [np.ones(len(frame))]
    for term in slopes.terms:
        columns.append(np.prod([as_numbers(frame[name], name) for name in term], axis=0))
        if is_constant(columns[-1]):
            raise NotEstimable(f"{':'.join(term)} does not vary, so it has no slope")
    return np.column_stack(columns)


def _clusters(frame: pd.DataFrame, subject: str) -> np.ndarray:
    codes = codes_of(frame[subject], subject)
    if codes.max() < 1:
        raise NotEstimable(f"{subject}: there is one; a variance between them needs several")
    return codes
