"""Generalised estimating equations: marginal models of continuous and yes-or-no outcomes, robust to
clusters.

    fit = gee.fit(frame, outcome="remission", subject="subject", fixed="treatment * month",
    family="binomial",
                  working="exchangeable", reference={"treatment": "TAU"})
    fit.coefficients, fit.odds_ratios, fit.contrasts("treatment", by="month"), fit.correlation

Results are on the scale of the link (identity, logit) with normal intervals: `df` is infinite.
Liang and Zeger, Biometrika 1986;73:13; bias-reduced errors for few clusters: Mancl and DeRouen,
Biometrics 2001;57:126. The equations are solved in `estimating_equations`; moments are divided by
their number less that of the coefficients, as statsmodels does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import estimating_equations, logistic
from .cluster_robust import check_several, without_error
from .estimates import Known, Solved
from .model_frame import NotEstimable, build, check_choice, least_squares
from .reading import codes_of
from .variation import NotConverged

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fit", "NotConverged", "NotEstimable", "fit"]

FAMILIES = ("gaussian", "binomial")
WORKING = ("exchangeable", "independence")
ERRORS = ("robust", "bias-reduced", "model")
MOST_STEPS = 200
CERTAIN = 1e-8  # as near to 0 or 1 as this a fitted chance is worth a look


@dataclass(frozen=True)
class Fit(Solved):
    """A fitted model. `correlation` within a subject is None with the independence working model;
    `dispersion` is the variance of the residuals relative to that of the family.
    """

    family: str
    working: str
    se: str
    correlation: float | None
    dispersion: float
    n_subjects: int

    @property
    def odds_ratios(self) -> pd.DataFrame:
        """Frame by term: estimate, p, lower, upper. Errors: ValueError where the outcome is
        continuous.
        """
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
    """Fit the model; rows in which anything is missing are left out, which asks for values missing
    completely at random.

    `frame` has a row per observation; a binomial outcome is 0 or 1. `family`: gaussian or binomial;
    `working`: exchangeable or independence; `se`: robust, bias-reduced or model. Errors:
    NotEstimable, NotConverged, formula.FormulaError, UnknownColumn.
    """
    check_choice("family", family, FAMILIES)
    check_choice("working", working, WORKING)
    check_choice("se", se, ERRORS)
    found = build(
        frame, outcome=outcome, fixed=fixed, reference=reference, needed=[subject], scaled=True
    )
    if family == "binomial" and set(np.unique(found.y)) != {0.0, 1.0}:
        raise NotEstimable(f"{outcome}: a yes-or-no outcome has zeros and ones, and both")
    codes = codes_of(found.frame[subject], subject)
    sizes = np.bincount(codes)
    if len(sizes) <= len(found.design.names):
        raise NotEstimable(
            f"{len(sizes)} subjects are too few for {len(found.design.names)} coefficients"
        )
    if working == "exchangeable" and sizes.max() < 2:
        raise NotEstimable(
            f"no {subject} has two rows, so there is no correlation within them to estimate"
        )
    pairs = int(sizes @ (sizes - 1)) // 2
    if working == "exchangeable" and pairs <= len(found.names):
        raise NotEstimable(
            f"{pairs} pairs of rows of one {subject} are too few to estimate their correlation"
        )
    if se != "model":
        check_several(found.x, codes, found.names)
    shift, y, unit = np.zeros(len(found.names)), found.y, 1.0
    if (
        family == "gaussian"
    ):  # the same model in standard units, which the search's tolerance is meant for
        shift, y = least_squares(found.x, found.y)
        unit = float(np.sqrt((y**2).mean()))
    order = np.argsort(codes, kind="stable")
    solution = estimating_equations.solve(
        (y / unit)[order],
        found.x[order],
        codes[order],
        binomial=family == "binomial",
        exchangeable=working == "exchangeable",
        most_steps=MOST_STEPS,
    )
    certain = np.minimum(solution.mean, 1 - solution.mean).min() < CERTAIN
    suspect = family == "binomial" and (certain or not solution.converged)
    if suspect and logistic.is_separated(found.x, found.y):
        raise NotEstimable(
            "a combination of the variables tells zeros and ones apart: its odds ratio is infinite"
        )
    if not solution.converged:
        raise NotConverged(
            f"Iteration limit reached: the estimating equations are not solved after {MOST_STEPS} "
            f"steps"
        )
    vcov = {
        "robust": solution.robust,
        "bias-reduced": solution.bias_reduced,
        "model": solution.model,
    }[se]() * unit**2
    model = solution.model() * unit**2
    if not (np.isfinite(vcov).all() and (np.diag(model) > 0).all() and vcov.any()):
        raise NotEstimable(
            "the standard errors cannot be computed: too few subjects, or an outcome the model "
            "fits exactly"
        )
    correlation = solution.correlation if working == "exchangeable" else None
    errors = Known(vcov, np.inf, None if se == "model" else model)
    return Fit(
        without_error(found, errors),
        solution.beta * unit + shift,
        errors,
        family,
        working,
        se,
        correlation,
        solution.dispersion * unit**2,
        len(sizes),
    )
