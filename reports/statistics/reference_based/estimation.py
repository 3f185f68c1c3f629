"""From a frame to the differences between arms: by conditional means with the jackknife, or by draws with Rubin's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .. import formula as formulas
from ..distributions import normal_quantile
from ..multiple_imputation.pooling import Pooled, pool
from .analysis import Analysis, analysis_of
from .data import Strategy, Trial, arrange
from .imputation import imputed_draws, imputed_means
from .model import ImputationModel, fitted

if TYPE_CHECKING:
    import pandas as pd

MOST_NUMBERS = 4_000_000  # completed values held at one time by the jackknife


@dataclass(frozen=True)
class Jackknife:
    """Means by arm and visit from the whole trial, (arms, m), and without each person, (n, arms, m).

    `slopes` (arms, arms, m) and `slopes_without` (n, arms, arms, m): by how much they change for every unit of delta in the
    first arm. `delta` (arms,) in units of the outcome. `imputed` (n, m): the completed data at that delta.
    """

    trial: Trial
    imputed: np.ndarray
    means_at_zero: np.ndarray
    without_at_zero: np.ndarray
    slopes: np.ndarray
    slopes_without: np.ndarray
    delta: np.ndarray
    warnings: tuple[str, ...]

    @property
    def means(self) -> np.ndarray:
        return self.means_at_zero + np.tensordot(self.delta, self.slopes, axes=1)

    @property
    def without(self) -> np.ndarray:
        return self.without_at_zero + np.tensordot(self.delta, self.slopes_without, axes=(0, 1))

    @property
    def marginal_means(self) -> pd.DataFrame:
        """By visit and arm: estimate se z p lower upper (normal, 95 %)."""
        labels = [{"visit": visit, "arm": arm} for visit in self.trial.visits for arm in self.trial.arms]
        return _table(labels, self.means.T.ravel(), _spread(self.without).T.ravel())

    @property
    def contrasts(self) -> pd.DataFrame:
        """By visit and arm, each against the control: estimate se z p lower upper (normal, 95 %)."""
        arms, control = self.trial.arms[1:], self.trial.arms[0]
        labels = [
            {"visit": visit, "arm": arm, "contrast": f"{arm} - {control}"}
            for visit in self.trial.visits
            for arm in arms
        ]
        differences, without = self.means[1:] - self.means[0], self.without[:, 1:] - self.without[:, :1]
        return _table(labels, differences.T.ravel(), _spread(without).T.ravel())

    def with_delta(self, delta: float | Mapping[str, float]) -> Jackknife:
        """The same with another delta: added, in units of the outcome, to whatever is imputed at or after an event."""
        given = _delta(delta, self.trial.arms)
        more = (given - self.delta)[self.trial.arm_of]
        return replace(self, delta=given, imputed=self.imputed + more[:, None] * self.trial.delta_places)


@dataclass(frozen=True)
class Bayesian:
    """Pooled by Rubin's rules; `failures` counts bootstrap samples to which the model did not converge (drawn again)."""

    trial: Trial
    draws: int
    failures: int
    pooled_means: tuple[Pooled, ...]  # visits by arms, the arms fastest
    pooled_contrasts: tuple[Pooled, ...]  # visits by arms but the control
    warnings: tuple[str, ...]

    @property
    def marginal_means(self) -> pd.DataFrame:
        """By visit and arm: estimate se df t p lower upper riv fmi."""
        labels = [{"visit": visit, "arm": arm} for visit in self.trial.visits for arm in self.trial.arms]
        return _pooled_table(labels, self.pooled_means)

    @property
    def contrasts(self) -> pd.DataFrame:
        """By visit and arm, each against the control: estimate se df t p lower upper riv fmi."""
        arms, control = self.trial.arms[1:], self.trial.arms[0]
        labels = [
            {"visit": visit, "arm": arm, "contrast": f"{arm} - {control}"}
            for visit in self.trial.visits
            for arm in arms
        ]
        return _pooled_table(labels, self.pooled_contrasts)


def conditional_mean(
    frame: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    control: str,
    fixed: str,
    adjustment: str = "",
    strategies: Strategy | Mapping[str, Strategy] = "mar",
    events: pd.DataFrame | None = None,
    references: Mapping[str, str] | None = None,
    delta: float | Mapping[str, float] = 0.0,
    covariance: str = "us",
    by_arm: bool = False,
) -> Jackknife:
    """Impute conditional means, analyse every visit by ANCOVA, and leave out one person at a time for the error.

    `frame` has a row per subject and visit, outcome nan where missing; a row that is not there is missing too, but everybody
    has a row. `fixed`: the imputation model, of visit, arm and baseline covariates; `covariance` as in mmrm, one for each arm
    with `by_arm`. `adjustment`: the covariates of the ANCOVA. `events`: a frame of subject, visit (the first one affected) and
    event; without it the event is the visit after the last observed one, for everybody who misses the end. `strategies`: one,
    or one for each kind of event: treatment-policy, hypothetical, mar, jump-to-reference, copy-reference, copy-increments,
    last-mean or Composite(value). `references`: the arm that an arm is likened to, the control unless said. `delta`: see
    Jackknife.with_delta. Errors: UnknownStrategy, NotBaseline, model.NotRefitted, those of mmrm.fit and of formula.
    """
    trial, model, analysis = _begun(
        frame,
        outcome,
        subject,
        visit,
        arm,
        control,
        fixed,
        adjustment,
        strategies,
        events,
        references,
        covariance,
        by_arm,
    )
    y = np.nan_to_num(trial.y)
    imputed = imputed_means(y, model.incomplete, model.models([model.fit.optimum]))
    people = np.arange(len(trial.subjects))
    parts = np.array_split(people, -(-len(people) * y.size // MOST_NUMBERS))
    optima = model.without(people)
    without = [
        analysis.means_without(imputed_means(y, model.incomplete, model.models([optima[i] for i in part])), part)
        for part in parts
    ]
    shifted = np.stack([trial.delta_places * (trial.arm_of == each)[:, None] for each in range(len(trial.arms))])
    slopes = np.stack([analysis.means(each[None].astype(float))[0] for each in shifted])
    slopes_without = np.stack([analysis.means_without(each[None].astype(float), people) for each in shifted], axis=1)
    result = Jackknife(
        trial,
        imputed[0],
        analysis.means(imputed)[0],
        np.concatenate(without),
        slopes,
        slopes_without,
        np.zeros(len(trial.arms)),
        model.fit.warnings,
    )
    return result.with_delta(delta)


def approximate_bayesian(
    frame: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    control: str,
    fixed: str,
    draws: int,
    generator: np.random.Generator,
    adjustment: str = "",
    strategies: Strategy | Mapping[str, Strategy] = "mar",
    events: pd.DataFrame | None = None,
    references: Mapping[str, str] | None = None,
    delta: float | Mapping[str, float] = 0.0,
    covariance: str = "us",
    by_arm: bool = False,
    confidence: float = 0.95,
) -> Bayesian:
    """Draw the missing values, one set for each bootstrap refit of the model, and pool the ANCOVAs by Rubin's rules.

    The refits to samples of people (with replacement, within arms) stand for draws from the posterior: rbmi's `approxbayes`.
    Arguments and errors otherwise as `conditional_mean`; `draws` at least 2.
    """
    trial, model, analysis = _begun(
        frame,
        outcome,
        subject,
        visit,
        arm,
        control,
        fixed,
        adjustment,
        strategies,
        events,
        references,
        covariance,
        by_arm,
    )
    optima, failures = model.bootstrapped(draws, generator)
    completed = imputed_draws(np.nan_to_num(trial.y), model.incomplete, model.models(optima), generator)
    completed += _delta(delta, trial.arms)[trial.arm_of][:, None] * trial.delta_places
    means = analysis.means(completed)
    of_means, of_differences = analysis.variances(completed)
    differences = (means - means[:, :1])[:, 1:]
    return Bayesian(
        trial,
        draws,
        failures,
        _pooled(means, of_means, analysis.df, confidence),
        _pooled(differences, of_differences[:, 1:], analysis.df, confidence),
        model.fit.warnings,
    )


def _begun(
    frame: pd.DataFrame,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    control: str,
    fixed: str,
    adjustment: str,
    strategies: Strategy | Mapping[str, Strategy],
    events: pd.DataFrame | None,
    references: Mapping[str, str] | None,
    covariance: str,
    by_arm: bool,
) -> tuple[Trial, ImputationModel, Analysis]:
    named = {*formulas.parse(fixed).variables, *formulas.parse(adjustment).variables}
    for what, name in (("the arm", arm), ("the visit", visit)):
        if name not in formulas.parse(fixed).variables:
            raise formulas.FormulaError(f"{what}, {name}, is not in the imputation model")
    trial = arrange(
        frame,
        outcome=outcome,
        subject=subject,
        visit=visit,
        arm=arm,
        control=control,
        variables=sorted(named - {arm, visit}),
        strategies=strategies,
        events=events,
    )
    analysis = analysis_of(trial, arm, adjustment)
    likened = dict.fromkeys(trial.arms, control) | dict(references or {})
    if unknown := {*likened, *likened.values()} - {*trial.arms}:
        raise formulas.FormulaError(f"{arm}: nobody is in {', '.join(sorted(unknown))}")
    numbers = np.array([trial.arms.index(likened[each]) for each in trial.arms])
    model = fitted(trial, arm=arm, visit=visit, fixed=fixed, references=numbers, covariance=covariance, by_arm=by_arm)
    return trial, model, analysis


def _delta(delta: float | Mapping[str, float], arms: tuple[str, ...]) -> np.ndarray:
    if not isinstance(delta, Mapping):
        return np.full(len(arms), float(delta))
    if unknown := set(delta) - set(arms):
        raise formulas.FormulaError(f"delta: nobody is in {', '.join(sorted(unknown))}")
    return np.array([float(delta.get(each, 0.0)) for each in arms])


def _spread(without: np.ndarray) -> np.ndarray:
    """Jackknife standard errors over the first axis (Efron and Tibshirani 1993, equation 11.5)."""
    n = len(without)
    return np.sqrt((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0))


def _table(labels: list[dict[str, str]], estimate: np.ndarray, se: np.ndarray) -> pd.DataFrame:
    import pandas as pd
    from scipy.special import ndtr

    z = estimate / se
    half = normal_quantile(0.975) * se
    columns = {"estimate": estimate, "se": se, "z": z, "p": 2 * ndtr(-np.abs(z))}
    return pd.DataFrame(labels).assign(**columns, lower=estimate - half, upper=estimate + half)


def _pooled(estimates: np.ndarray, variances: np.ndarray, df: int, confidence: float) -> tuple[Pooled, ...]:
    _, arms, visits = estimates.shape
    places = [(a, j) for j in range(visits) for a in range(arms)]
    return tuple(pool(estimates[:, a, j], variances[:, a, j], complete_df=df, confidence=confidence) for a, j in places)


def _pooled_table(labels: list[dict[str, str]], pooled: tuple[Pooled, ...]) -> pd.DataFrame:
    import pandas as pd

    names = ("estimate", "se", "df", "t", "p", "lower", "upper", "riv", "fmi")
    return pd.DataFrame(labels).assign(**{name: [getattr(each, name) for each in pooled] for name in names})
