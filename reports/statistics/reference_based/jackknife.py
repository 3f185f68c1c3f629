"""Conditional means, with the error of leaving out one person at a time.

Wolbers, Noci, Delmar et al., Pharm Stat 2022;21:1246.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..distributions import normal_quantile
from ..mmrm import NotEstimable
from .data import Strategy, Trial
from .imputation import imputed_means
from .plan import Plan, delta_by_arm

if TYPE_CHECKING:
    import pandas as pd

MOST_NUMBERS = 4_000_000  # completed values held at one time
ROUNDING = 1e-9  # of the outcome's standard deviation


@dataclass(frozen=True)
class Jackknife:
    """Means by arm and visit from the whole trial, (arms, m), and without each person, (n, arms,
    m).

    `slopes` (arms, arms, m) and `slopes_without` (n, arms, arms, m): by how much they change for
    every unit of delta in the first arm. `delta` (arms,) in units of the outcome. `imputed` (n, m):
    the completed data at that delta.
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
        return self._table(
            self.trial.places, self.means.T.ravel(), jackknife_error(self.without).T.ravel()
        )

    @property
    def contrasts(self) -> pd.DataFrame:
        """By visit and arm, each against the control: estimate se z p lower upper (normal, 95
        %).
        """
        differences = self.means[1:] - self.means[0]
        without = self.without[:, 1:] - self.without[:, :1]
        return self._table(
            self.trial.comparisons, differences.T.ravel(), jackknife_error(without).T.ravel()
        )

    def with_delta(self, delta: float | Mapping[str, float]) -> Jackknife:
        """The same with another delta: added, in units of the outcome, to whatever is imputed at or
        after an event.
        """
        given = delta_by_arm(delta, self.trial.arms)
        more = (given - self.delta)[self.trial.arm_of]
        return replace(
            self, delta=given, imputed=self.imputed + more[:, None] * self.trial.delta_places
        )

    def _table(
        self, labels: list[dict[str, str]], estimate: np.ndarray, se: np.ndarray
    ) -> pd.DataFrame:
        import pandas as pd
        from scipy.special import ndtr

        if (bad := se < ROUNDING * np.nanstd(self.trial.y)).any():
            where = labels[int(bad.argmax())]["visit"]
            raise NotEstimable(
                f"at visit {where} the outcome does not vary around the model: whoever is left "
                f"out, nothing changes"
            )
        z = estimate / se
        half = normal_quantile(0.975) * se
        columns = {"estimate": estimate, "se": se, "z": z, "p": 2 * ndtr(-np.abs(z))}
        return pd.DataFrame(labels).assign(**columns, lower=estimate - half, upper=estimate + half)


def conditional_mean(
    frame: pd.DataFrame,
    plan: Plan,
    *,
    strategies: Strategy | Mapping[str, Strategy] = "mar",
    events: pd.DataFrame | None = None,
    delta: float | Mapping[str, float] = 0.0,
) -> Jackknife:
    """Impute conditional means, analyse every visit by ANCOVA, and leave out one person at a time
    for the error.

    `frame` has a row per subject and visit; a row that is not there is missing too, but everybody
    has a row. `events`: a frame of subject, visit (the first one affected) and event; without it
    the event is the visit after the last observed one, for everybody who misses the end.
    `strategies`: one, or one for each kind of event: treatment-policy, hypothetical, mar,
    jump-to-reference, copy-reference, copy-increments, last-mean or Composite(value). `delta`: see
    Jackknife.with_delta. Errors: UnknownStrategy, NotBaseline, NotRefitted, those of mmrm.fit and
    of formula.
    """
    trial, model, analysis = plan.begin(frame, strategies, events)
    y = np.nan_to_num(trial.y)
    imputed = imputed_means(y, model.incomplete, model.models([model.fit.optimum]))
    people = np.arange(len(trial.subjects))
    parts = np.array_split(people, -(-len(people) * y.size // MOST_NUMBERS))
    optima = model.without(people)
    without = [
        analysis.means_without(
            imputed_means(y, model.incomplete, model.models([optima[i] for i in part])), part
        )
        for part in parts
    ]
    shifted = np.stack(
        [trial.delta_places * (trial.arm_of == each)[:, None] for each in range(len(trial.arms))]
    )
    slopes = np.stack([analysis.means(each[None].astype(float))[0] for each in shifted])
    slopes_without = np.stack(
        [analysis.means_without(each[None].astype(float), people) for each in shifted], axis=1
    )
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


def jackknife_error(without: np.ndarray) -> np.ndarray:
    """Jackknife standard errors over the first axis (Efron and Tibshirani 1993, equation 11.5)."""
    n = len(without)
    return np.sqrt((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
