"""The trial that is simulated: who is in it, how scores run, who stops, who leaves, what is
missing, who shares a coach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


class NoTrial(ValueError):
    """What was declared is no trial; says which number is the trouble."""


@dataclass(frozen=True)
class Stopping:
    """Stopping the programme (not the study), in the treated arm: assessments go on, but the effect
    wanes.

    `hazard` by visit: the chance to stop before it, of those who have not. The effect at the first
    visit after stopping is `kept` times that of somebody still in the programme, then `kept`
    squared, and so on. `kept` 0: gone at once.
    """

    hazard: tuple[float, ...]
    kept: float = 0.5


@dataclass(frozen=True)
class Leaving:
    """Leaving the study: from then on everything is missing.

    `hazard` by arm (control, treated) and visit: the chance to leave before it, of those still in,
    at an average last score. `slope` is added to its log-odds for every standard deviation of the
    last score above the control arm's mean (missing at random), `after_stopping` for those who
    stopped the programme before.
    """

    hazard: tuple[tuple[float, ...], tuple[float, ...]]
    slope: float = 0.0
    after_stopping: float = 0.0


@dataclass(frozen=True)
class Coaches:
    """The treated arm is dealt out evenly to `number` coaches; `icc` of the scores after baseline
    in that arm.

    The coach's effect comes on top of the covariance of the trial.
    """

    number: int
    icc: float


@dataclass(frozen=True)
class Trial:
    """Two arms, control first. `n` people by arm, `means` by arm and visit (2, m), `covariance` (m
    + 1, m + 1) of baseline and the visits, `missing` by visit: the chance that it alone is missing.
    Errors: NoTrial.
    """

    n: tuple[int, int]
    means: tuple[tuple[float, ...], tuple[float, ...]]
    covariance: tuple[tuple[float, ...], ...]
    baseline: float = 0.0
    missing: tuple[float, ...] = ()
    stopping: Stopping | None = None
    leaving: Leaving | None = None
    coaches: Coaches | None = None

    def __post_init__(self) -> None:
        m = self.visits
        if min(self.n) < 2:
            raise NoTrial(f"an arm has at least 2 people, not {self.n}")
        if not m or len(self.means[1]) != m:
            raise NoTrial(
                f"means are of the same visits in both arms; there are {m} and {len(self.means[1])}"
            )
        if not (np.isfinite(self.means).all() and np.isfinite(self.baseline)):
            raise NoTrial("a mean is missing or infinite")
        sigma = np.array(self.covariance)
        if sigma.shape != (m + 1, m + 1) or not np.array_equal(sigma, sigma.T):
            raise NoTrial(
                f"the covariance of baseline and {m} visits is symmetric, {m + 1} by {m + 1}"
            )
        if np.linalg.eigvalsh(sigma)[0] <= 0:
            raise NoTrial("the covariance is not positive definite")
        rates = [
            self.missing,
            *([self.stopping.hazard] if self.stopping else []),
            *(self.leaving.hazard if self.leaving else ()),
        ]
        for rate in rates:
            if rate and (len(rate) != m or not all(0 <= each < 1 for each in rate)):
                raise NoTrial(f"chances by visit are {m} numbers from 0 to below 1, not {rate}")
        if self.stopping and not 0 <= self.stopping.kept <= 1:
            raise NoTrial(f"what is kept of the effect is a share, not {self.stopping.kept}")
        if self.coaches and not (
            2 <= self.coaches.number <= self.n[1] and 0 <= self.coaches.icc < 1
        ):
            raise NoTrial(
                f"there are 2 to {self.n[1]} coaches, and an ICC from 0 to below 1; not "
                f"{self.coaches}"
            )

    @property
    def visits(self) -> int:
        return len(self.means[0])

    @property
    def people(self) -> int:
        return sum(self.n)

    @cached_property
    def sigma(self) -> np.ndarray:
        return np.array(self.covariance)

    @cached_property
    def treated(self) -> np.ndarray:
        """(n,) of truth values."""
        return np.arange(self.people) >= self.n[0]

    @cached_property
    def coach(self) -> np.ndarray:
        """(n,): number of the coach, -1 in the control arm or without coaches."""
        numbers = np.full(self.people, -1)
        if self.coaches:
            numbers[self.n[0] :] = np.arange(self.n[1]) % self.coaches.number
        return numbers

    @property
    def effect(self) -> np.ndarray:
        """(m,): treated minus control while in the programme (the hypothetical estimand)."""
        return np.subtract(self.means[1], self.means[0])

    @property
    def policy_effect(self) -> np.ndarray:
        """(m,): treated minus control whether or not they stopped the programme (the
        treatment-policy estimand).
        """
        if self.stopping is None:
            return self.effect
        left, kept = (
            1.0,
            0.0,
        )  # still in the programme; the mean share of the effect that those who stopped still have
        shares = []
        for hazard in self.stopping.hazard:
            kept = (kept + left * hazard) * self.stopping.kept
            left *= 1 - hazard
            shares.append(left + kept)
        return self.effect * np.array(shares)

    def without_effect(self) -> Trial:
        """The same trial where the treated do as the controls do: for the type I error."""
        return replace(self, means=(self.means[0], self.means[0]))


@dataclass(frozen=True)
class Scores:
    """`trials` times: `baseline` (t, n), `y` (t, n, m) all of them, `seen` and `stopped` (t, n,
    m).
    """

    trial: Trial
    baseline: np.ndarray
    y: np.ndarray
    seen: np.ndarray
    stopped: np.ndarray


def arms(total: int, ratio: tuple[float, float] = (1, 1)) -> tuple[int, int]:
    """People by arm for an allocation ratio control : treated; what does not divide goes to the
    treated.
    """
    control = int(total * ratio[0] / sum(ratio))
    return control, total - control


def compound_symmetry(
    sd: float | Sequence[float], correlation: float, visits: int
) -> tuple[tuple[float, ...], ...]:
    """A covariance of baseline and `visits` visits in which any two are equally correlated."""
    sds = np.broadcast_to(np.asarray(sd, dtype=float), (visits + 1,))
    found = np.outer(sds, sds) * (np.eye(visits + 1) * (1 - correlation) + correlation)
    return tuple(tuple(float(x) for x in row) for row in found)


def draw(trial: Trial, times: int, rng: np.random.Generator) -> Scores:
    """All draws are made whatever the rates, so that trials that differ in one rate share their
    people.
    """
    n, m = trial.people, trial.visits
    root = np.linalg.cholesky(trial.sigma)
    errors = rng.standard_normal((times, n, m + 1)) @ root.T
    chances = rng.random((3, times, n, m))
    y = errors[..., 1:] + np.array(trial.means)[trial.treated.astype(int)]
    if trial.coaches:
        own = rng.standard_normal((times, trial.coaches.number))
        sd = np.sqrt(trial.coaches.icc / (1 - trial.coaches.icc) * np.diag(trial.sigma)[1:])
        y[:, trial.treated] += own[:, trial.coach[trial.treated], None] * sd
    stopped = _stopped(trial, chances[0])
    if trial.stopping:
        since = np.cumsum(stopped, axis=-1)
        y -= np.where(stopped, trial.effect * (1 - trial.stopping.kept**since), 0.0)
    left = _left(trial, errors[..., 0], y, stopped, chances[1])
    seen = ~left
    if trial.missing:
        seen &= chances[2] >= np.array(trial.missing)
    return Scores(trial, trial.baseline + errors[..., 0], y, seen, stopped)


def _stopped(trial: Trial, chances: np.ndarray) -> np.ndarray:
    if trial.stopping is None:
        return np.zeros(chances.shape, dtype=bool)
    stops = (chances < np.array(trial.stopping.hazard)) & trial.treated[:, None]
    return np.logical_or.accumulate(stops, axis=-1)


def _left(
    trial: Trial, baseline: np.ndarray, y: np.ndarray, stopped: np.ndarray, chances: np.ndarray
) -> np.ndarray:
    left = np.zeros(chances.shape, dtype=bool)
    if trial.leaving is None:
        return left
    hazard = np.array(trial.leaving.hazard)[trial.treated.astype(int)]
    odds = hazard / (1 - hazard)
    sd = np.sqrt(np.diag(trial.sigma))
    gone = np.zeros(chances.shape[:-1], dtype=bool)
    last = baseline / sd[0]
    for j in range(trial.visits):
        own = odds[:, j] * np.exp(
            trial.leaving.slope * last + trial.leaving.after_stopping * stopped[..., j]
        )
        gone = gone | (chances[..., j] < own / (1 + own))
        left[..., j] = gone
        last = (y[..., j] - trial.means[0][j]) / sd[j + 1]
    return left
