"""Draws of what is missing, from models refitted to bootstrap samples of people, pooled by Rubin's
rules.

The refits stand for draws from the posterior: approximate Bayesian imputation (Little and Rubin
2002, section 10.2.3; rbmi's `approxbayes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..multiple_imputation.pooling import Pooled, pool
from .data import Strategy, Trial
from .imputation import imputed_draws
from .plan import Plan, delta_by_arm

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Bayesian:
    """Pooled by Rubin's rules; `failures` counts bootstrap samples to which the model did not
    converge (drawn again).
    """

    trial: Trial
    draws: int
    failures: int
    pooled_means: tuple[Pooled, ...]  # visits by arms, the arms fastest
    pooled_contrasts: tuple[Pooled, ...]  # visits by arms but the control
    warnings: tuple[str, ...]

    @property
    def marginal_means(self) -> pd.DataFrame:
        """By visit and arm: estimate se df t p lower upper riv fmi."""
        return _pooled_table(self.trial.places, self.pooled_means)

    @property
    def contrasts(self) -> pd.DataFrame:
        """By visit and arm, each against the control: estimate se df t p lower upper riv fmi."""
        return _pooled_table(self.trial.comparisons, self.pooled_contrasts)


def approximate_bayesian(
    frame: pd.DataFrame,
    plan: Plan,
    *,
    draws: int,
    generator: np.random.Generator,
    strategies: Strategy | Mapping[str, Strategy] = "mar",
    events: pd.DataFrame | None = None,
    delta: float | Mapping[str, float] = 0.0,
    confidence: float = 0.95,
) -> Bayesian:
    """One set of draws for each refit to people drawn with replacement within arms; ANCOVAs pooled
    by Rubin's rules.

    `draws`: two at least. Other arguments and errors as `conditional_mean`; NotPoolable.
    """
    trial, model, analysis = plan.begin(frame, strategies, events)
    optima, failures = model.bootstrapped(draws, generator)
    completed = imputed_draws(
        np.nan_to_num(trial.y), model.incomplete, model.models(optima), generator
    )
    completed += delta_by_arm(delta, trial.arms)[trial.arm_of][:, None] * trial.delta_places
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


def _pooled(
    estimates: np.ndarray, variances: np.ndarray, df: int, confidence: float
) -> tuple[Pooled, ...]:
    _, arms, visits = estimates.shape
    places = [(a, j) for j in range(visits) for a in range(arms)]
    return tuple(
        pool(estimates[:, a, j], variances[:, a, j], complete_df=df, confidence=confidence)
        for a, j in places
    )


def _pooled_table(labels: list[dict[str, str]], pooled: tuple[Pooled, ...]) -> pd.DataFrame:
    import pandas as pd

    names = ("estimate", "se", "df", "t", "p", "lower", "upper", "riv", "fmi")
    return pd.DataFrame(labels).assign(
        **{name: [getattr(each, name) for each in pooled] for name in names}
    )
