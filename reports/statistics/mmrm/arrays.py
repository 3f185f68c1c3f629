"""The fast way in, for simulations and resampling: arrays by person and visit, no frame and no
formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..model_frame import ALIASED, NotEstimable
from ..variation import NotConverged, check_magnitude, check_varies
from .blocks import Blocks, arrange
from .covariances import Structure
from .fit import fitted
from .inference import Inference
from .likelihood import Likelihood
from .newton import Optimum, maximise


@dataclass(frozen=True)
class ArrayFit:
    """`structure` is the covariance that converged; coefficients stand in the order of the columns
    of X.
    """

    optimum: Optimum
    structure: str
    df: str
    se: str

    @property
    def beta(self) -> np.ndarray:
        return self.optimum.point.beta

    @property
    def sigma(self) -> np.ndarray:
        """(m, m)."""
        return self.optimum.likelihood.sigmas(self.optimum.point.theta)[0]

    def combined(self, combinations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimates, standard errors and degrees of freedom (r,) of the rows of `combinations` (r,
        p).
        """
        inference = Inference(self.optimum, self.df, self.se)
        errors = inference.standard_errors(combinations)
        return combinations @ self.beta, errors, inference.degrees_of_freedom(combinations)


def fit_arrays(
    dense: np.ndarray,
    seen: np.ndarray,
    *,
    covariance: str = "us",
    near: np.ndarray | None = None,
    reml: bool = True,
    df: str = "kenward-roger",
    se: str = "model",
) -> ArrayFit:
    """Fit to `dense` (n, m, p + 1), the columns of X and then y, of which `seen` (n, m) says what
    is there.

    Columns of X should be of about one size: nothing is rescaled here. `near` (m, m), a covariance
    to start from, as that of a fit to almost the same people, saves steps and leaves the result the
    same. Errors: NotEstimable, NotConverged.
    """
    rows = dense[seen]
    check_magnitude(rows[:, -1], "the outcome")
    blocks = arrange(dense, seen)
    _check(blocks)
    beta = np.linalg.lstsq(rows[:, :-1], rows[:, -1], rcond=None)[0]
    check_varies(rows[:, -1] - rows[:, :-1] @ beta, rows[:, -1], rows[:, :-1] * beta)
    optimum, structure = _fitted(blocks, covariance, reml, near)
    return ArrayFit(optimum, structure, df, se)


def _check(blocks: Blocks) -> None:
    if blocks.n_subjects < 2 or blocks.n_observations <= blocks.p:
        raise NotEstimable(
            f"{blocks.n_observations} observations are too few for {blocks.p} coefficients"
        )
    gram = blocks.gram[: blocks.p, : blocks.p]
    length = np.sqrt(np.diag(gram))
    if not length.all():
        raise NotEstimable(f"column {int(np.argmin(length))} is zero in every row")
    if np.linalg.eigvalsh(gram / np.outer(length, length))[0] < ALIASED:
        raise NotEstimable("a column follows from the others")


def _fitted(
    blocks: Blocks, covariance: str, reml: bool, near: np.ndarray | None
) -> tuple[Optimum, str]:
    if near is not None:
        structure = _structure(covariance, blocks.size)
        try:
            return maximise(
                Likelihood(blocks, [structure], reml), structure.start(near)
            ), covariance
        except NotConverged:
            pass  # from the data's own moments, and then simpler covariances
    optimum, name, _ = fitted(blocks, covariance, 1, reml)
    return optimum, name


@lru_cache(maxsize=64)
def _structure(name: str, size: int) -> Structure:
    return Structure(name, size)
