"""Generalised estimating equations, by statsmodels: marginal models of continuous and yes-or-no outcomes, robust to clusters.

    fit = gee.fit(frame, outcome="remission", subject="subject", fixed="treatment * month", family="binomial",
                  working="exchangeable", reference={"treatment": "TAU"})
    fit.coefficients, fit.odds_ratios, fit.contrasts("treatment", by="month"), fit.correlation

Results are on the scale of the link (identity, logit) with normal intervals: `df` is infinite. Liang and Zeger, Biometrika
1986;73:13; bias-reduced errors for few clusters: Mancl and DeRouen, Biometrics 2001;57:126.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .cluster_robust import check_several
from .estimates import Known, Solved
from .model_frame import NotEstimable, build, check_choice, least_squares
from .reading import codes_of
from .variation import NotConverged

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fit", "NotConverged", "NotEstimable", "fit"]

FAMILIES = ("gaussian", "binomial")
WORKING = ("exchangeable", "independence")
ERRORS = {"robust": "robust", "bias-reduced": "bias_reduced", "model": "naive"}
MOST_STEPS = 200
TIGHT = 1e-10  # norm of the estimating equations
NOTHING = 1e-8  # of a model-based error: what is smaller is what the search left


@dataclass(frozen=True)
class Fit(Solved):
    """A fitted model. `correlation` within a subject is None with the independence working model; `dispersion` is the variance
    of the residuals relative to that of the family."""

    family: str
    working: str
    se: str
    correlation: float | None
    dispersion: float
    n_subjects: int

    @property
    def odds_ratios(self) -> pd.DataFrame:
        """Frame by term: estimate, p, lower, upper. Errors: ValueError where the outcome is continuous."""
        if self.family != "binomial":
            raise ValueError("odds ratios are of a yes-or-no outcome: family='binomial'")
        found = self.coefficients
        ratios = found[["estimate", "p", "lower", "upper"]].copy()
        for name in ("estimate", "lower", "upper"):
            ratios[name] = np.exp(found[name])
        return ratios


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    fixed: str,
    family: str = "gaussian",
    working: str = "exchangeable",
    reference: Mapping[str, str] | None = None,
    se: str = "robust",
) -> Fit:
    """Fit the model; rows in which anything is missing are left out, which asks for values missing completely at random.

    `frame` has a row per observation; a binomial outcome is 0 or 1. `family`: gaussian or binomial; `working`: exchangeable or
    independence; `se`: robust, bias-reduced or model. Errors: NotEstimable, NotConverged, formula.FormulaError, UnknownColumn.
    """
    check_choice("family", family, FAMILIES)
    check_choice("working", working, WORKING)
    check_choice("se", se, tuple(ERRORS))
    found = build(frame, outcome=outcome, fixed=fixed, reference=reference, needed=[subject], scaled=True)
    if family == "binomial" and set(np.unique(found.y)) != {0.0, 1.0}:
        raise NotEstimable(f"{outcome}: a yes-or-no outcome has zeros and ones, and both")
    codes = codes_of(found.frame[subject], subject)
    sizes = np.bincount(codes)
    if len(sizes) <= len(found.design.names):
        raise NotEstimable(f"{len(sizes)} subjects are too few for {len(found.design.names)} coefficients")
    if working == "exchangeable" and sizes.max() < 2:
        raise NotEstimable(f"no {subject} has two rows, so there is no correlation within them to estimate")
    if se != "model":
        check_several(found.x, codes, found.names)
    shift, y, unit = np.zeros(len(found.names)), found.y, 1.0
    if family == "gaussian":  # the same model in standard units, which the search's tolerance is meant for
        shift, y = least_squares(found.x, found.y)
        unit = float(np.sqrt((y**2).mean()))
    result = _solved(found.x, y / unit, codes, family, working, ERRORS[se])
    vcov = np.asarray(result.cov_params()) * unit**2
    nothing = np.diag(vcov) < NOTHING**2 * np.diag(np.asarray(result.cov_naive)) * unit**2
    if nothing.any():
        name = found.names[int(np.argmax(nothing))]
        raise NotEstimable(f"clusters do not differ in what {name} is estimated from, so it has no standard error")
    if not (np.isfinite(vcov).all() and (np.diag(vcov) > 0).all()):
        raise NotEstimable(
            "the standard errors cannot be computed: too few subjects, or an outcome the model fits exactly"
        )
    correlation = float(result.model.cov_struct.dep_params) if working == "exchangeable" else None
    return Fit(
        found,
        np.asarray(result.params) * unit + shift,
        Known(vcov, np.inf),
        family,
        working,
        se,
        correlation,
        float(result.scale) * unit**2,
        len(sizes),
    )


def _solved(x: np.ndarray, y: np.ndarray, codes: np.ndarray, family: str, working: str, errors: str):  # type: ignore[no-untyped-def]
    """statsmodels' result. What it only warns of is an error here."""
    import statsmodels.api as sm

    families = {"gaussian": sm.families.Gaussian, "binomial": sm.families.Binomial}
    structures = {"exchangeable": sm.cov_struct.Exchangeable, "independence": sm.cov_struct.Independence}
    order = np.argsort(codes, kind="stable")
    model = sm.GEE(y[order], x[order], groups=codes[order], family=families[family](), cov_struct=structures[working]())
    with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            result = model.fit(maxiter=MOST_STEPS, ctol=TIGHT, cov_type=errors)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise NotConverged(f"the estimating equations cannot be solved: {error}") from None
    if result is None or not result.converged:
        raise NotConverged("; ".join(dict.fromkeys(str(each.message) for each in said)) or "not converged")
    fitted = np.asarray(result.fittedvalues)
    if family == "binomial" and (np.minimum(fitted, 1 - fitted).min() < 1e-8):
        raise NotEstimable("a combination of the variables tells zeros and ones apart: its odds ratio is infinite")
    return result
