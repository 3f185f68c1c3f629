"""Analysis of covariance at every visit, for many completed data sets at once, with or without one
person.

The mean of an arm is what the model predicts with everybody in it, averaged over everybody analysed
(standardisation), so that a difference of means is the arm's coefficient unless arm and covariates
interact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import formula as formulas
from ..mmrm import NotEstimable
from .data import Trial

SINGULAR = 1e-9  # smallest eigenvalue of the scaled cross-products that still counts


@dataclass(frozen=True)
class Analysis:
    """`design` (n, k), columns scaled; `standard` (arms, n, k): everybody put in each arm."""

    design: np.ndarray
    standard: np.ndarray
    subjects: tuple[str, ...]

    @property
    def df(self) -> int:
        return len(self.design) - self.design.shape[1]

    def means(self, y: np.ndarray) -> np.ndarray:
        """(R, arms, m) of `y` (R, n, m)."""
        return self._rows @ y

    def variances(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(R, arms, m) of the means and of their differences from the first arm, by least squares
        on `y` (R, n, m).
        """
        rows = self._rows
        hat = self.design @ np.linalg.solve(self._gram, self.design.T)
        residual = ((y - hat @ y) ** 2).sum(axis=1) / self.df
        spread = [
            (each**2).sum(axis=1)[None, :, None] * residual[:, None, :]
            for each in (rows, rows - rows[0])
        ]
        return spread[0], spread[1]

    def means_without(self, y: np.ndarray, people: np.ndarray) -> np.ndarray:
        """(R, arms, m): data set r of `y` (R, n, m), or the one and only (1, n, m), without person
        people[r].
        """
        n, left_out = len(self.design), people
        own = self.design[left_out]
        gram = self._gram - own[:, :, None] * own[:, None, :]
        self._check(gram, left_out)
        own_y = np.broadcast_to(y, (len(left_out), *y.shape[1:]))[
            np.arange(len(left_out)), left_out
        ]
        right = self.design.T @ y - own[:, :, None] * own_y[:, None, :]
        standard = (self.standard.sum(axis=1)[None] - self.standard[:, left_out].swapaxes(0, 1)) / (
            n - 1
        )
        return standard @ np.linalg.solve(gram, right)

    @property
    def _gram(self) -> np.ndarray:
        return self.design.T @ self.design

    @property
    def _rows(self) -> np.ndarray:
        """(arms, n): the means as linear combinations of the outcomes."""
        return self.standard.mean(axis=1) @ np.linalg.solve(self._gram, self.design.T)

    def _check(self, gram: np.ndarray, left_out: np.ndarray) -> None:
        lowest = np.linalg.eigvalsh(gram)[:, 0] / len(self.design)
        if len(bad := np.flatnonzero(lowest < SINGULAR)):
            raise NotEstimable(
                f"without subject {self.subjects[left_out[bad[0]]]} the ANCOVA cannot tell its "
                f"columns apart"
            )


def analysis_of(trial: Trial, arm: str, adjustment: str) -> Analysis:
    """`adjustment` as a formula of baseline covariates, possibly empty. Errors: FormulaError,
    NotEstimable.
    """
    formula = formulas.parse(f"`{arm}` + {adjustment}" if adjustment.strip() else f"`{arm}`")
    if len(trial.arms) < 2:
        raise NotEstimable(f"everybody is in arm {trial.arms[0]}")
    variables, values, _ = formulas.coded(trial.baseline, formula, {arm: trial.arms[0]})
    design = formulas.design(formula, variables)
    n = len(trial.subjects)
    own = design.matrix(values, n)
    everybody = [
        design.matrix({**values, arm: np.full(n, each)}, n) for each in range(len(trial.arms))
    ]
    scale = np.sqrt((own**2).mean(axis=0))
    if not scale.all() or np.linalg.matrix_rank(own / scale) < own.shape[1] or n <= own.shape[1]:
        raise NotEstimable(
            "the ANCOVA cannot tell its columns apart: covariates follow from each other or from "
            "the arm"
        )
    return Analysis(own / scale, np.stack(everybody) / scale, trial.subjects)
