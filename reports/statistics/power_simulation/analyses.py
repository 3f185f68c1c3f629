"""The declared analysis of a simulated trial: treated minus control at one visit, with its standard
error and df.

Each analysis is a frozen value that is called with `Scores` and answers `TrialEstimates`, one for
each trial; an analysis that fails leaves NaN. `visit` counts from 0; -1 is the last.
`after_stopping` False leaves out what was measured after stopping the programme (for the
hypothetical estimand).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..mmrm.arrays import fit_arrays
from ..model_frame import NotEstimable
from ..variation import NotConverged
from .nested import fit_nested
from .trial import Scores, Trial


@dataclass(frozen=True)
class TrialEstimates:
    """(t,) each."""

    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray


class Analysis(Protocol):
    @property
    def visit(self) -> int: ...

    def __call__(self, scores: Scores) -> TrialEstimates: ...


@dataclass(frozen=True)
class Mmrm:
    """Visit, arm by visit and baseline (`baseline_by_visit`: its slope at every visit)."""

    visit: int = -1
    covariance: str = "us"
    df: str = "kenward-roger"
    se: str = "model"
    baseline_by_visit: bool = False
    after_stopping: bool = True

    def __call__(self, scores: Scores) -> TrialEstimates:
        trial, seen = scores.trial, _used(scores, self.after_stopping)
        m = trial.visits
        dense = self._template(trial)
        combination = np.zeros((1, dense.shape[-1] - 1))
        combination[0, m + (self.visit % m)] = 1.0
        baselines = (scores.baseline - trial.baseline) / np.sqrt(
            trial.sigma[0, 0]
        )  # the scale of y does not change by it
        found = np.full((len(seen), 3), np.nan)
        for number in range(len(seen)):
            self._put(dense, baselines[number], scores.y[number])
            try:
                fit = fit_arrays(
                    dense, seen[number], covariance=self.covariance, df=self.df, se=self.se
                )
            except (NotConverged, NotEstimable, np.linalg.LinAlgError):
                continue
            found[number] = [each[0] for each in fit.combined(combination)]
        return TrialEstimates(*found.T)

    def _template(self, trial: Trial) -> np.ndarray:
        """(n, m, q): a mean for every visit, the arm's difference at every visit, baseline, y."""
        m = trial.visits
        dense = np.zeros((trial.people, m, 2 * m + (m if self.baseline_by_visit else 1) + 1))
        dense[..., :m] = np.eye(m)
        dense[..., m : 2 * m] = np.eye(m) * trial.treated[:, None, None]
        return dense

    def _put(self, dense: np.ndarray, baseline: np.ndarray, y: np.ndarray) -> None:
        m = dense.shape[1]
        if self.baseline_by_visit:
            dense[..., 2 * m : 3 * m] = np.eye(m) * baseline[:, None, None]
        else:
            dense[..., 2 * m] = baseline[:, None]
        dense[..., -1] = y


@dataclass(frozen=True)
class Ancova:
    """Of those seen at the visit, adjusted for baseline, t with n - 3 degrees of freedom."""

    visit: int = -1
    after_stopping: bool = True

    def __call__(self, scores: Scores) -> TrialEstimates:
        z, seen = _at_visit(scores, self.visit, self.after_stopping)
        z = np.where(seen[..., None], z, 0.0)
        n = seen.sum(axis=1)
        gram = z.swapaxes(1, 2) @ z
        kept = _estimable(gram, n, z)
        gram[~kept] = np.eye(4)
        inverse = np.linalg.inv(gram[:, :3, :3])
        beta = (inverse @ gram[:, :3, 3:])[..., 0]
        df = n - 3.0
        residual = gram[:, 3, 3] - (beta * gram[:, :3, 3]).sum(axis=1)
        se = np.sqrt(residual / np.maximum(df, 1) * inverse[:, 1, 1])
        return TrialEstimates(*(np.where(kept, each, np.nan) for each in (beta[:, 1], se, df)))


@dataclass(frozen=True)
class PartiallyNested:
    """A random effect of the coach in the treated arm, a residual variance per arm, adjusted for
    baseline; Satterthwaite.

    Candlish, Teare, Dimairo, Flight, Mandefield and Walters, BMC Med Res Methodol 2018;18:105.
    """

    visit: int = -1
    after_stopping: bool = True

    def __call__(self, scores: Scores) -> TrialEstimates:
        if scores.trial.coaches is None:
            raise ValueError("a partially nested analysis needs a trial with coaches")
        z, seen = _at_visit(scores, self.visit, self.after_stopping)
        fit = fit_nested(z, seen, scores.trial.coach)
        combination = np.array([0.0, 1.0, 0.0])
        return TrialEstimates(*fit.combined(combination))


def _used(scores: Scores, after_stopping: bool) -> np.ndarray:
    return scores.seen if after_stopping else scores.seen & ~scores.stopped


def _at_visit(scores: Scores, visit: int, after_stopping: bool) -> tuple[np.ndarray, np.ndarray]:
    """(t, n, 4): one, arm, baseline from its mean, y; and (t, n) who is there."""
    baseline = scores.baseline - scores.trial.baseline
    arm = np.broadcast_to(scores.trial.treated.astype(float), baseline.shape)
    z = np.stack([np.ones_like(baseline), arm, baseline, scores.y[..., visit]], axis=-1)
    return z, _used(scores, after_stopping)[..., visit]


def _estimable(gram: np.ndarray, n: np.ndarray, z: np.ndarray) -> np.ndarray:
    treated = gram[:, 1, 1]
    return (n > 3) & (treated > 0) & (treated < n)
