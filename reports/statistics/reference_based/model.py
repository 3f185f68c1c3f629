"""The imputation model of a trial, and its refits: without one person, or to a bootstrap sample.
Nothing is gathered twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .. import formula as formulas
from .. import mmrm
from ..mmrm.blocks import Blocks, products
from ..mmrm.likelihood import Likelihood
from ..mmrm.newton import Optimum, maximise, start
from ..model_frame import as_numbers
from .data import Trial
from .imputation import Incomplete, Models

if TYPE_CHECKING:
    import pandas as pd

MOST_FAILURES = 0.2  # of bootstrap samples
MOST_STEPS = 10
ENOUGH = 1e-6  # of minus two log likelihood


class NotRefitted(RuntimeError):
    """The imputation model does not converge without somebody, or for too many bootstrap
    samples.
    """


@dataclass(frozen=True)
class ImputationModel:
    """`own` and `likened` (n, m, p): scaled designs of everybody in their own and in their
    reference arm.
    """

    trial: Trial
    fit: mmrm.Fit
    incomplete: tuple[Incomplete, ...]
    blocks: Blocks
    order: np.ndarray  # (n,) subject numbers in the order of the blocks
    own: np.ndarray
    likened: np.ndarray

    def models(self, optima: Sequence[Optimum]) -> Models:
        """At the parameters of `optima`."""
        beta = np.stack([each.point.beta for each in optima]) + self.fit.prepared.shift
        sigmas = np.stack([each.likelihood.sigmas(each.point.theta) for each in optima])
        n, m, p = self.own.shape
        mean = (beta @ self.own.reshape(n * m, p).T).reshape(-1, n, m)
        likened = (beta @ self.likened.reshape(n * m, p).T).reshape(-1, n, m)
        return Models(mean, likened, sigmas)

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each subject the row and the pattern in the blocks."""
        row = np.empty(len(self.order), dtype=np.int64)
        row[self.order] = np.arange(len(self.order))
        return row, self.blocks.pattern_of_subject[row]

    def without(self, people: np.ndarray) -> list[Optimum]:
        """The model refitted without each of `people`, one at a time, warm from the whole."""
        blocks = self.blocks
        work, counts = blocks.products.copy(), blocks.counts.copy()
        rows, patterns = self._places
        found = []
        for person in people:
            pattern, seen = patterns[person], self.trial.learns[person]
            if not seen.any():
                found.append(self.fit.optimum)
                continue
            own = blocks.dense[rows[person]]
            less = own.reshape(-1, 1) @ own.reshape(1, -1)
            m, q = own.shape
            work[pattern] -= less.reshape(m, q, m, q).swapaxes(1, 2)
            counts[pattern] -= 1
            if not counts[pattern]:
                work[pattern] = 0.0
            rest = replace(
                blocks,
                products=work,
                counts=counts,
                n_observations=blocks.n_observations - int(seen.sum()),
            )
            try:
                found.append(self._refitted(rest))
            except mmrm.NotConverged as error:
                raise NotRefitted(
                    f"without subject {self.trial.subjects[person]}: {error}"
                ) from None
            work[pattern], counts[pattern] = blocks.products[pattern], blocks.counts[pattern]
        return found

    def bootstrapped(
        self, number: int, generator: np.random.Generator
    ) -> tuple[list[Optimum], int]:
        """Refits to `number` samples of people with replacement within arms, and how many samples
        did not converge.
        """
        found: list[Optimum] = []
        failures = 0
        while len(found) < number:
            weights = np.zeros(len(self.order))
            for arm in range(len(self.trial.arms)):
                people = np.flatnonzero(self.trial.arm_of == arm)
                weights[people] += np.bincount(
                    generator.integers(len(people), size=len(people)), minlength=len(people)
                )
            try:
                found.append(self._refitted(self._weighted(weights[self.order])))
            except mmrm.NotConverged as error:
                failures += 1
                if failures > max(5, MOST_FAILURES * number):
                    raise NotRefitted(
                        f"{failures} bootstrap samples did not converge; the last: {error}"
                    ) from None
        return found, failures

    def _weighted(self, weights: np.ndarray) -> Blocks:
        """The blocks with every subject counted so many times; the rows stay, those of nobody as
        zeros.
        """
        blocks = self.blocks
        dense = blocks.dense * np.sqrt(weights)[:, None, None]
        counts = np.add.reduceat(weights, blocks.starts[:-1]).astype(np.int64)
        total = int(counts @ blocks.observed.sum(axis=1))
        again = products(dense, blocks.starts, blocks.observed)
        return replace(blocks, products=again, counts=counts, n_observations=total)

    def _refitted(self, blocks: Blocks) -> Optimum:
        whole = self.fit.optimum
        likelihood = Likelihood(blocks, whole.likelihood.structures, whole.likelihood.reml)
        near = _stepped(likelihood, whole)
        if near is not None:
            return near
        try:
            return maximise(likelihood, whole.point.theta)
        except mmrm.NotConverged:
            return maximise(likelihood, start(blocks, whole.likelihood.structures))


def _stepped(likelihood: Likelihood, whole: Optimum) -> Optimum | None:
    """A few full Newton steps from the optimum of the whole, none the more to look back; None where
    they lead astray.

    Where the gain that a step promises is below ENOUGH, what is left after it is of the order of
    its square.
    """
    point = likelihood.at(whole.point.theta)
    for step in range(MOST_STEPS):
        if point is None:
            return None
        slopes = likelihood.slopes(point)
        try:
            root = np.linalg.cholesky(slopes.observed)
        except np.linalg.LinAlgError:
            return None
        direction = np.linalg.solve(root.T, np.linalg.solve(root, slopes.gradient))
        gain = float(slopes.gradient @ direction)
        found = likelihood.at(point.theta - direction)
        if found is None or found.value > point.value + 1e-9 * abs(point.value):
            return None
        if gain < ENOUGH:
            return Optimum(likelihood, found, slopes, step + 1)
        point = found
    return None


def fitted(
    trial: Trial,
    *,
    arm: str,
    visit: str,
    fixed: str,
    references: np.ndarray,
    covariance: str,
    by_arm: bool,
) -> ImputationModel:
    """`references` (arms,): the arm that each is likened to. Errors: those of mmrm.fit,
    NotEstimable.
    """
    import pandas as pd

    n, m = trial.y.shape
    long = trial.baseline.loc[np.repeat(np.arange(n), m)].reset_index(drop=True)
    long["(subject)"], long["(outcome)"] = np.repeat(np.arange(n), m), trial.y.ravel()
    long[visit] = pd.Categorical.from_codes(
        np.tile(np.arange(m), n), categories=list(trial.visits), ordered=True
    )
    learns = trial.learns.ravel()
    fit = mmrm.fit(
        long.loc[learns],
        outcome="(outcome)",
        subject="(subject)",
        visit=visit,
        fixed=fixed,
        reference={arm: trial.arms[0]},
        covariance=covariance,
        groups=arm if by_arm else None,
        df="satterthwaite",
    )
    if len(fit.prepared.visits) < m or (by_arm and len(fit.prepared.groups) < len(trial.arms)):
        raise mmrm.NotEstimable(
            "the imputation model lacks a visit or an arm: nobody was seen there before an event"
        )
    design = fit.prepared.design
    values = {each.name: _values(each, long[each.name]) for each in design.variables}
    own = fit.to_scaled(design.matrix(values, n * m))
    likened = np.array([design.variable(arm).levels.index(trial.arms[each]) for each in references])
    values[arm] = likened[trial.arm_of].repeat(m)
    other = fit.to_scaled(design.matrix(values, n * m))
    left = np.nan_to_num(trial.y.ravel()) - own @ fit.prepared.shift  # what mmrm fits to
    z = np.column_stack([own, left]) * learns[:, None]
    groups = fit.prepared.groups
    group_of_arm = np.array([groups.index(each) if by_arm else 0 for each in trial.arms])
    blocks, order = _blocks(z.reshape(n, m, -1), trial.learns, group_of_arm[trial.arm_of])
    incomplete = trial.incomplete(group_of_arm, group_of_arm[references])
    return ImputationModel(
        trial, fit, incomplete, blocks, order, own.reshape(n, m, -1), other.reshape(n, m, -1)
    )


def _values(variable: formulas.Variable, column: pd.Series) -> np.ndarray:
    if not variable.is_category:
        return as_numbers(column, variable.name)
    levels, codes, _ = formulas.levels_of(variable.name, column, None)
    if unknown := [each for each in levels if each not in variable.levels]:
        raise mmrm.NotEstimable(
            f"{variable.name} {', '.join(unknown)}: nobody who has it was seen, so it cannot be "
            f"imputed for"
        )
    return np.array([variable.levels.index(each) for each in levels])[codes]


def _blocks(z: np.ndarray, learns: np.ndarray, group: np.ndarray) -> tuple[Blocks, np.ndarray]:
    """As mmrm gathers them, with everybody in them: of whom nothing was seen is a pattern too. Also
    the order of subjects.
    """
    keys = np.column_stack([group, learns])
    _, first, pattern = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    pattern = pattern.reshape(-1)
    order = np.argsort(pattern, kind="stable")
    counts = np.bincount(pattern)
    starts = np.concatenate([[0], np.cumsum(counts)])
    dense, observed = z[order], learns[first]
    total = int(learns.sum())
    return Blocks(
        dense, starts, observed, group[first], counts, products(dense, starts, observed), total, 0.0
    ), order
