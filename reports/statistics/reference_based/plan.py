"""What is asked of the data, apart from what is assumed after an event; and how a trial, its model
and its analysis begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import formula as formulas
from ..reading import text_of
from .analysis import Analysis, analysis_of
from .data import Strategy, Trial, arrange
from .model import ImputationModel, fitted

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Plan:
    """Columns: `outcome` (nan where missing), `subject`, `visit`, `arm`; `control` is the arm that
    others are compared with.

    `fixed`: the imputation model, of visit, arm and baseline covariates; `covariance` as in mmrm,
    one for each arm with `by_arm`. `adjustment`: the covariates of the ANCOVA. `references`: the
    arm that an arm is likened to, the control unless said. `visits`: their order; else that of
    ordered categories, else of their numbers ("week 2" before "week 10"); text whose order does
    not follow from numbers is refused.
    """

    outcome: str
    subject: str
    visit: str
    arm: str
    control: str
    fixed: str
    adjustment: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    covariance: str = "us"
    by_arm: bool = False
    visits: Sequence[Any] | None = None

    def begin(
        self,
        frame: pd.DataFrame,
        strategies: Strategy | Mapping[str, Strategy],
        events: pd.DataFrame | None,
    ) -> tuple[Trial, ImputationModel, Analysis]:
        """Errors: as `conditional_mean`."""
        fixed = formulas.parse(self.fixed).variables
        adjustment = formulas.parse(self.adjustment).variables
        for name in (self.arm, self.visit):
            if name not in fixed:
                raise formulas.FormulaError(f"{name} is not in the imputation model")
        if self.visit in adjustment:
            raise formulas.FormulaError(f"{self.visit}: every visit has an ANCOVA of its own")
        trial = arrange(
            frame,
            outcome=self.outcome,
            subject=self.subject,
            visit=self.visit,
            arm=self.arm,
            control=self.control,
            variables=sorted({*fixed, *adjustment} - {self.arm, self.visit}),
            strategies=strategies,
            events=events,
            order=self.visits,
        )
        analysis = analysis_of(trial, self.arm, self.adjustment)
        model = fitted(
            trial,
            arm=self.arm,
            visit=self.visit,
            fixed=self.fixed,
            references=self._likened(trial.arms),
            covariance=self.covariance,
            by_arm=self.by_arm,
        )
        return trial, model, analysis

    def _likened(self, arms: tuple[str, ...]) -> np.ndarray:
        """(arms,): the number of the arm that each is likened to."""
        likened = dict.fromkeys(arms, text_of(self.control)) | {
            text_of(arm): text_of(other) for arm, other in self.references.items()
        }
        if unknown := {*likened, *likened.values()} - {*arms}:
            raise formulas.FormulaError(f"{self.arm}: nobody is in {', '.join(sorted(unknown))}")
        return np.array([arms.index(likened[each]) for each in arms])


def delta_by_arm(delta: float | Mapping[str, float], arms: tuple[str, ...]) -> np.ndarray:
    """(arms,). Errors: FormulaError for an arm that is not there."""
    if not isinstance(delta, Mapping):
        return np.full(len(arms), float(delta))
    delta = {text_of(arm): value for arm, value in delta.items()}
    if unknown := set(delta) - set(arms):
        raise formulas.FormulaError(f"delta: nobody is in {', '.join(sorted(unknown))}")
    return np.array([float(delta.get(each, 0.0)) for each in arms])
