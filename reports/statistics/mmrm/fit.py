"""From a data frame to a fitted model, and from that to coefficients, marginal means, contrasts and
tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import formula as formulas
from ..estimates import Estimates
from ..model_frame import ModelFrame, NotEstimable, as_numbers, build, check_choice, least_squares
from ..reading import are_numbered, codes_of
from ..variation import DoesNotVary, NotConverged, is_fitted_exactly, largest
from .blocks import Blocks, Duplicate, gather
from .covariances import FALLBACK, Structure
from .inference import Inference
from .likelihood import Likelihood
from .newton import Optimum, maximise, start

if TYPE_CHECKING:
    import pandas as pd

DEGREES = ("kenward-roger", "satterthwaite", "residual")
ORDERLESS = ("us", "cs", "csh")  # covariances that are the same whatever the order of visits
ERRORS = ("model", "empirical", "empirical-bias-reduced")


@dataclass(frozen=True)
class Prepared:
    """Rows without missing values, as whole numbers and columns. `scale` (p,) divides every column
    of the design; `shift` (p,), in these columns, was taken from the outcome.
    """

    design: formulas.Design
    blocks: Blocks
    scale: np.ndarray
    shift: np.ndarray
    visits: tuple[str, ...]
    groups: tuple[str, ...]
    warnings: tuple[str, ...]
    order_is_declared: bool
    mixing: np.ndarray | None


@dataclass(frozen=True)
class Fit(Estimates):
    """A fitted model."""

    prepared: Prepared
    optimum: Optimum
    structure: str
    reml: bool
    df: str
    se: str
    warnings: tuple[str, ...]

    @cached_property
    def inference(self) -> Inference:
        return Inference(self.optimum, self.df, self.se)

    @property
    def design(self) -> formulas.Design:
        return self.prepared.design

    @property
    def scale(self) -> np.ndarray:
        return self.prepared.scale

    @property
    def mixing(self) -> np.ndarray | None:
        return self.prepared.mixing

    @property
    def scaled_beta(self) -> np.ndarray:
        return self.optimum.point.beta + self.prepared.shift

    @property
    def visits(self) -> tuple[str, ...]:
        """In the order that the covariance has them."""
        return self.prepared.visits

    @property
    def n_subjects(self) -> int:
        return self.prepared.blocks.n_subjects

    @property
    def n_observations(self) -> int:
        return self.prepared.blocks.n_observations

    @property
    def minus_two_log_likelihood(self) -> float:
        """REML: of the residual likelihood with the constant (N - p) log 2 pi; in the units of the
        data given.
        """
        shift = 2 * float(np.log(self.prepared.scale).sum()) if self.reml else 0.0
        return self.optimum.point.value + shift

    @property
    def n_parameters(self) -> int:
        """That AIC and BIC count: of the covariance, and by maximum likelihood of the mean too."""
        return len(self.optimum.point.theta) + (0 if self.reml else len(self.names))

    @property
    def aic(self) -> float:
        return self.minus_two_log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        return self.minus_two_log_likelihood + math.log(self.n_subjects) * self.n_parameters

    @property
    def covariance(self) -> Any:
        """Sigma as a frame by visit; with groups a dictionary of them."""
        import pandas as pd

        visits = list(self.prepared.visits)
        sigmas = self.optimum.likelihood.sigmas(self.optimum.point.theta)
        frames = [pd.DataFrame(each, index=visits, columns=visits) for each in sigmas]
        return (
            dict(zip(self.prepared.groups, frames, strict=True))
            if self.prepared.groups
            else frames[0]
        )


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
    covariance: str = "us",
    groups: str | None = None,
    weights: str | None = None,
    reml: bool = True,
    df: str = "kenward-roger",
    se: str = "model",
    visits: Sequence[Any] | None = None,
) -> Fit:
    """Fit the model; rows in which anything is missing are left out.

    `frame` has a row per subject and visit. `fixed` as `formula` describes it; `visit` is always a
    category in it. `covariance`: us cs csh ar1 ar1h toep toeph ad adh; where it does not converge
    simpler ones are tried in the order of `covariances.FALLBACK`, and the result says so. `groups`:
    one covariance for each level of that column. `weights`: a column by which the variances are
    divided. `visits`: their order, which ar1, toep and ad depend on (they count visits, not the
    time between them); else that of ordered categories, else the natural one, in which "week 2"
    comes before "week 10". The result names the order as `visits`. Errors: NotEstimable,
    NotConverged, formula.FormulaError, UnknownColumn.
    """
    check_choice("covariance", covariance, tuple(FALLBACK))
    check_choice("df", df, DEGREES)
    check_choice("se", se, ERRORS)
    if se != "model" and df == "kenward-roger":
        raise ValueError(
            "empirical standard errors go with df='satterthwaite' or 'residual'; Kenward-Roger is "
            "model-based"
        )
    prepared = prepare(
        frame,
        outcome,
        subject,
        visit,
        fixed,
        reference,
        groups=groups,
        weights=weights,
        visits=visits,
        covariance=covariance,
    )
    optimum, structure, fell = fitted(
        prepared.blocks, covariance, max(1, len(prepared.groups)), reml
    )
    warnings = (*prepared.warnings, *fell)
    if structure not in ORDERLESS and not (
        prepared.order_is_declared or are_numbered(prepared.visits)
    ):
        warnings = (*warnings, f"{visit} is text, taken in the order {', '.join(prepared.visits)}")
    return Fit(prepared, optimum, structure, reml, df, se, warnings)


def fitted(
    blocks: Blocks, covariance: str, n_groups: int, reml: bool
) -> tuple[Optimum, str, tuple[str, ...]]:
    """The optimum with the first covariance that converges, and a warning where that is not the one
    asked for.
    """
    reasons = []
    for name in (covariance, *FALLBACK[covariance]):
        structures = [Structure(name, blocks.size)] * n_groups
        try:
            optimum = maximise(Likelihood(blocks, structures, reml), start(blocks, structures))
        except NotConverged as error:
            reasons.append(f"{name}: {error}")
            continue
        fell = f"covariance {name} instead of {covariance} ({'; '.join(reasons)})"
        return optimum, name, (fell,) if reasons else ()
    raise NotConverged("; ".join(reasons))


def prepare(
    frame: pd.DataFrame,
    outcome: str,
    subject: str,
    visit: str,
    fixed: str,
    reference: Mapping[str, str] | None,
    *,
    groups: str | None,
    weights: str | None,
    visits: Sequence[Any] | None = None,
    covariance: str = "us",
) -> Prepared:
    """The blocks of a fit, made of the rows that have everything. Arguments and errors as `fit`."""
    also = [name for name in (groups, weights) if name]
    found = build(
        frame,
        outcome=outcome,
        fixed=fixed,
        reference=reference,
        categories={visit},
        needed=[subject, visit, *also],
        scaled=True,
        orders={} if visits is None else {visit: visits},
    )
    visit_levels, visit_codes, _ = formulas.levels_of(visit, found.frame[visit], None, visits)
    group_levels: tuple[str, ...] = ()
    group_codes, warnings = None, found.warnings
    if groups is not None:
        group_levels, group_codes, unused = formulas.levels_of(groups, found.frame[groups], None)
        warnings += (f"{groups}: nobody has {', '.join(unused)}",) if unused else ()
    if len(found.z) <= len(found.names):
        raise NotEstimable(
            f"{len(found.z)} observations are too few for {len(found.names)} coefficients"
        )
    # A variance that several visits share ends nowhere only where all of them are fitted exactly.
    shares = Structure(covariance, 2).n_scales == 1 and covariance != "us"
    _check_visits(
        found,
        () if shares else visit_levels,
        np.zeros(len(found.y), dtype=np.int64) if shares else visit_codes,
        group_codes,
    )
    shift, found.z[:, -1] = least_squares(
        found.x, found.y
    )  # the likelihood is the same, and digits are kept
    blocks = _gathered(
        found.frame, subject, visit, found.z, visit_codes, len(visit_levels), group_codes, weights
    )
    if blocks.n_subjects < 2:
        raise NotEstimable("there is one subject; a covariance over visits needs several")
    warnings = tuple(dict.fromkeys(warnings))  # groups may be in the formula too
    ordered = visits is not None or getattr(found.frame[visit].dtype, "ordered", False) is True
    return Prepared(
        found.design,
        blocks,
        found.scale,
        shift,
        visit_levels,
        group_levels,
        warnings,
        ordered,
        found.mixing,
    )


def _gathered(
    frame: pd.DataFrame,
    subject: str,
    visit: str,
    z: np.ndarray,
    visit_codes: np.ndarray,
    size: int,
    group_codes: np.ndarray | None,
    weights: str | None,
) -> Blocks:
    subjects = codes_of(frame[subject], subject)
    given = None
    if weights is not None:
        given = as_numbers(frame[weights], weights)
        if not (given > 0).all():
            raise NotEstimable(f"{weights}: weights are above 0")
    if group_codes is not None:
        spread = np.full(int(subjects.max()) + 1, -1)
        spread[subjects] = group_codes
        if (spread[subjects] != group_codes).any():
            raise NotEstimable("a subject is in two groups")
    try:
        return gather(z, subjects, visit_codes, size=size, group_of_row=group_codes, weights=given)
    except Duplicate as error:
        row = frame.iloc[int(error.args[0])]
        raise Duplicate(f"subject {row[subject]} has two rows at {visit} {row[visit]}") from None


def _check_visits(
    found: ModelFrame,
    visits: Sequence[str],
    visit_codes: np.ndarray,
    group_codes: np.ndarray | None,
) -> None:
    """DoesNotVary where the columns fit the outcome of a visit (of a group, where each has a
    covariance) exactly: its variance would be zero, and the likelihood without end. Without
    `visits` all share a variance.
    """
    groups = np.zeros(len(found.y), dtype=np.int64) if group_codes is None else group_codes
    centred, size = found.y - found.y.mean(), largest(found.y)
    for number, visit in enumerate(visits or ("",)):
        for group in np.unique(groups):
            rows = (visit_codes == number) & (groups == group)
            if rows.any() and is_fitted_exactly(found.x[rows], centred[rows], size):
                where = f"at visit {visit} " if visit else ""
                raise DoesNotVary(f"{where}the outcome does not vary around the model")
