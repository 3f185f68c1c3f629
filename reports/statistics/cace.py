"""The complier average causal effect: what the intervention does to those who take it up when it is
offered.

Two-stage least squares with the offer (the arm) as instrument: the outcome is regressed on what the
offer and the covariates predict of the exposure. The exposure is the dose (an effect per unit), or
having reached a threshold that was declared beforehand. Imbens and Angrist, Econometrica
1994;62:467; Angrist, Imbens and Rubin, JASA 1996;91:444; robust errors HC0 and HC1 (White,
Econometrica 1980;48:817).

    fit = cace.fit(frame, outcome="bdi_6", arm="arm", offered="guided", dose="lessons", threshold=4,
    fixed="bdi_0")
    fit.effect, fit.first_stage, fit.assumptions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import formula as formulas
from . import wald
from .distributions import check_confidence
from .model_frame import (
    ModelFrame,
    NotEstimable,
    as_numbers,
    build,
    check_choice,
    check_columns,
    complete,
    least_squares,
)
from .thresholds import at_least
from .wald import FTest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Effect", "Fit", "NotEstimable", "fit"]

ERRORS = ("hc1", "hc0", "classical")
WEAK = 10.0  # F of the first stage (Staiger and Stock, Econometrica 1997;65:557)
ASSUMPTIONS = (
    "The offer was randomised, so that it is independent of everything but what it causes.",
    "The offer works only through the exposure (exclusion): being offered the intervention does "
    "nothing to the outcome of people "
    "whose exposure it does not change.",
    "Nobody takes up less because it was offered (monotonicity).",
    "The offer changes the exposure (relevance): see the F of the first stage.",
    "One person's offer does not change another's outcome (no interference).",
)
ASSUMES_DOSE = (
    "Every unit of the dose does as much as any other (linearity); else the estimate is a weighted "
    "average of effects."
)
ASSUMES_THRESHOLD = (
    "Exposure below the threshold does nothing: who takes up less counts as not having taken it up "
    "at all."
)


@dataclass(frozen=True)
class Effect:
    """Of one unit of the dose, or of reaching the threshold. In units of the outcome."""

    estimate: float
    se: float
    df: int
    t: float
    p: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Fit:
    """`names` end in the exposure; `vcov` (p, p) as `se` says. `first_stage` is the F test of the
    offer for the exposure, `endogeneity` that of Wu and Hausman. `exposure_by_arm` has means (with
    a threshold: proportions).
    """

    names: tuple[str, ...]
    beta: np.ndarray
    vcov: np.ndarray
    se: str
    sigma: float
    n: int
    first_stage: FTest
    endogeneity: FTest
    intention_to_treat: float
    exposure_by_arm: tuple[tuple[str, float], ...]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def df(self) -> int:
        return self.n - len(self.names)

    @property
    def effect(self) -> Effect:
        return self.effect_at(0.95)

    def effect_at(self, confidence: float) -> Effect:
        row = {name: float(values[-1]) for name, values in self._columns(confidence).items()}
        return Effect(
            row["estimate"], row["se"], self.df, row["t"], row["p"], row["lower"], row["upper"]
        )

    @property
    def coefficients(self) -> pd.DataFrame:
        """Frame by term: estimate se df t p lower upper."""
        import pandas as pd

        return pd.DataFrame(self._columns(0.95), index=pd.Index(self.names, name="term"))

    def _columns(self, confidence: float) -> dict[str, np.ndarray]:
        from scipy.special import stdtr, stdtrit

        check_confidence(confidence)
        se = np.sqrt(np.diag(self.vcov))
        t, half = self.beta / se, stdtrit(self.df, (1 + confidence) / 2) * se
        return {
            "estimate": self.beta,
            "se": se,
            "df": np.full(len(se), self.df),
            "t": t,
            "p": 2 * stdtr(self.df, -np.abs(t)),
            "lower": self.beta - half,
            "upper": self.beta + half,
        }


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    offered: str,
    dose: str,
    threshold: float | None = None,
    fixed: str = "",
    reference: Mapping[str, str] | None = None,
    se: str = "hc1",
    unoffered_dose: float | None = 0.0,
) -> Fit:
    """Fit the model; rows in which the outcome, a covariate of `fixed` or the dose is missing are
    left out, and counted.

    `frame` has a row per person of two arms; `offered` is the level of `arm` to whom the
    intervention was offered. Outside it a missing dose is `unoffered_dose` (None: left out), and
    the result says for how many. `threshold`: exposed are those with at least that dose. `se`: hc1,
    hc0 or classical. Errors: NotEstimable, formula.FormulaError, formula.UnknownColumn.
    """
    check_choice("se", se, ERRORS)
    needed = [outcome, arm, *formulas.parse(fixed).variables]
    check_columns(frame, [*needed, dose])
    data, said = _with_doses(frame.loc[complete(frame, needed)], arm, offered, dose, unoffered_dose)
    found = build(
        data, outcome=outcome, fixed=fixed, reference=reference, needed=[arm, dose], scaled=True
    )
    if arm in (each.name for each in found.design.variables):
        raise formulas.FormulaError(f"{arm} is the instrument: it is not a covariate")
    arms, codes, _ = formulas.levels_of(arm, found.frame[arm], None)
    if len(arms) != 2 or offered not in arms:
        raise NotEstimable(
            f"{arm}: two arms are compared, one of them {offered!r}; there are {', '.join(arms)}"
        )
    instrument = (codes == arms.index(offered)).astype(float)
    exposure, name = as_numbers(found.frame[dose], dose), dose
    if threshold is not None:
        exposure, name = at_least(exposure, threshold).astype(float), f"{dose}>={threshold:g}"
    means = tuple((each, float(exposure[codes == i].mean())) for i, each in enumerate(arms))
    assumes = ASSUMES_DOSE if threshold is None else ASSUMES_THRESHOLD
    return _two_stages(
        found,
        instrument,
        exposure,
        name,
        se,
        means,
        (*ASSUMPTIONS, assumes),
        (*found.warnings, *said),
    )


def _with_doses(
    frame: pd.DataFrame, arm: str, offered: str, dose: str, unoffered_dose: float | None
) -> tuple[pd.DataFrame, list[str]]:
    is_offered = np.array([formulas.text_of(each) == offered for each in frame[arm].tolist()])
    missing = frame[dose].isna().to_numpy()
    said = []
    if unoffered_dose is not None and (fill := missing & ~is_offered).any():
        frame = frame.assign(**{dose: frame[dose].mask(fill, unoffered_dose)})
        said.append(
            f"{int(fill.sum())} outside {offered} have no {dose}: taken as {unoffered_dose:g}"
        )
    if without := int((missing & is_offered).sum()):
        said.append(f"{without} in {offered} have no {dose} and are left out")
    return frame, said


def _two_stages(
    found: ModelFrame,
    instrument: np.ndarray,
    exposure: np.ndarray,
    name: str,
    se: str,
    means: tuple[tuple[str, float], ...],
    assumptions: tuple[str, ...],
    said: tuple[str, ...],
) -> Fit:
    centre, covariates = float(found.y.mean()), found.x
    y = found.y - centre  # moves the intercept alone, and keeps digits
    n, p = len(y), covariates.shape[1] + 1
    if n <= p + 1:
        raise NotEstimable(f"{n} people are too few for {p} coefficients")
    back = np.eye(p)
    back[:-1, :-1] = found.to_scaled(np.eye(p - 1))
    first = _partialled(covariates, instrument)
    if first @ first < 1e-9 * n:
        raise NotEstimable("the arm follows from the covariates")
    left = _partialled(covariates, exposure)
    slope = float(first @ left / (first @ first))
    unexplained = float(((left - slope * first) ** 2).sum())
    explained = slope**2 * float(first @ first)
    if explained < 1e-12 * float(exposure @ exposure) or not explained:
        raise NotEstimable("the offer does not change the exposure: there are no compliers")
    # Everybody offered complies and nobody else: the exposure is the offer, and nothing is left to
    # test.
    exact = unexplained < 1e-20 * explained
    x = np.column_stack([covariates, exposure])
    x_hat = np.column_stack([covariates, exposure - (left - slope * first)])
    least_squares(x, found.y)  # what these columns fit exactly leaves nothing for two stages either
    bread = np.linalg.inv(x_hat.T @ x_hat)
    beta = bread @ (x_hat.T @ y)
    residuals = y - x @ beta
    sigma = float(np.sqrt(residuals @ residuals / (n - p)))
    vcov = _covariance(se, bread, x_hat, residuals, sigma)
    strength = wald.tested(np.inf if exact else explained / (unexplained / (n - p)), 1, n - p)
    beta[0] += centre / covariates[0, 0]
    weak = strength.statistic < WEAK
    warned = (
        (f"the offer hardly changes the exposure (F {strength.statistic:.1f}, below {WEAK:g})",)
        if weak
        else ()
    )
    return Fit(
        (*found.design.names, name),
        back @ beta,
        back @ vcov @ back.T,
        se,
        sigma,
        n,
        strength,
        FTest(float("nan"), 1, n - p - 1, float("nan"))
        if exact
        else _hausman(x, left - slope * first, y),
        float(first @ y / (first @ first)),
        means,
        assumptions,
        (*said, *warned),
    )


def _partialled(covariates: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What the covariates do not explain."""
    return values - covariates @ np.linalg.lstsq(covariates, values, rcond=None)[0]


def _covariance(
    se: str, bread: np.ndarray, x_hat: np.ndarray, residuals: np.ndarray, sigma: float
) -> np.ndarray:
    n, p = x_hat.shape
    if se == "classical":
        return sigma**2 * bread
    scores = x_hat * residuals[:, None]
    return bread @ (scores.T @ scores) @ bread * (n / (n - p) if se == "hc1" else 1.0)


def _hausman(x: np.ndarray, first_residuals: np.ndarray, y: np.ndarray) -> FTest:
    """Whether least squares would do: the F test of the first stage's residuals beside the
    exposure.
    """
    n, p = x.shape
    own, left = _partialled(x, first_residuals), _partialled(x, y)
    gained = float(own @ left) ** 2 / float(own @ own)
    return wald.tested(gained / ((float(left @ left) - gained) / (n - p - 1)), 1, n - p - 1)
