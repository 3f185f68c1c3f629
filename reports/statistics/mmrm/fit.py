"""From a data frame to a fitted model, and from that to coefficients, marginal means, contrasts and tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import formula as formulas
from .blocks import Blocks, Duplicate, gather
from .covariances import FALLBACK, Structure
from .inference import FTest, Inference
from .likelihood import Likelihood
from .newton import NotConverged, Optimum, maximise, start

if TYPE_CHECKING:
    import pandas as pd

DEGREES = ("kenward-roger", "satterthwaite", "residual")
ERRORS = ("model", "empirical", "empirical-bias-reduced")
ALIASED = 1e-9  # of a column's own sum of squares


class NotEstimable(ValueError):
    """The data do not determine the model; says which column, visit or subject is the trouble."""


@dataclass(frozen=True)
class Prepared:
    """Rows without missing values, as whole numbers and columns. `scale` divides every column of the design."""

    design: formulas.Design
    blocks: Blocks
    scale: np.ndarray
    visits: tuple[str, ...]
    groups: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """A fitted model. Frames are made anew at each asking; confidence is 95 % unless said."""

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
    def n_subjects(self) -> int:
        return self.prepared.blocks.n_subjects

    @property
    def n_observations(self) -> int:
        return self.prepared.blocks.n_observations

    @property
    def minus_two_log_likelihood(self) -> float:
        """REML: of the residual likelihood with the constant (N - p) log 2 pi; in the units of the data given."""
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
    def names(self) -> tuple[str, ...]:
        return self.prepared.design.names

    @property
    def beta(self) -> np.ndarray:
        return self.optimum.point.beta / self.prepared.scale

    @property
    def covariance(self) -> Any:
        """Sigma as a frame by visit; with groups a dictionary of them."""
        import pandas as pd

        visits = list(self.prepared.visits)
        sigmas = self.optimum.likelihood.sigmas(self.optimum.point.theta)
        frames = [pd.DataFrame(each, index=visits, columns=visits) for each in sigmas]
        return dict(zip(self.prepared.groups, frames, strict=True)) if self.prepared.groups else frames[0]

    @property
    def vcov(self) -> pd.DataFrame:
        import pandas as pd

        found = self.inference.vcov / np.outer(self.prepared.scale, self.prepared.scale)
        return pd.DataFrame(found, index=list(self.names), columns=list(self.names))

    @property
    def coefficients(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self._columns(np.eye(len(self.names)), 0.95), index=pd.Index(self.names, name="term"))

    def marginal_means(
        self, of: str | Sequence[str], by: str | Sequence[str] = (), confidence: float = 0.95
    ) -> pd.DataFrame:
        """Means at every level of `of` and `by`: numbers at their means, other categories weighted equally."""
        import pandas as pd

        labels, rows = self.prepared.design.grid([*_listed(of), *_listed(by)])
        columns = self._columns(rows, confidence)
        kept = {name: columns[name] for name in ("estimate", "se", "df", "lower", "upper")}
        return pd.DataFrame({**_by_name(labels), **kept})

    def contrasts(
        self, of: str, by: str | Sequence[str] = (), reference: str | None = None, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Differences of marginal means: of every level from `reference`, or of all pairs (later minus earlier)."""
        import pandas as pd

        design = self.prepared.design
        levels = design.variable(of).levels
        if reference is not None and reference not in levels:
            raise formulas.FormulaError(f"{of}: there is no level {reference!r}; there are {', '.join(levels)}")
        if reference is not None:
            pairs = [(levels.index(each), levels.index(reference)) for each in levels if each != reference]
        else:
            pairs = [(j, i) for i in range(len(levels)) for j in range(i + 1, len(levels))]
        labels, rows = design.grid([of, *_listed(by)])
        strata = [labels[i : i + len(levels)] for i in range(0, len(labels), len(levels))]
        means = rows.reshape(len(strata), len(levels), -1)
        combinations, heads = [], []
        for own, block in zip(strata, means, strict=True):
            for first, second in pairs:
                combinations.append(block[first] - block[second])
                at = {name: own[0][name] for name in _listed(by)}
                heads.append({**at, "contrast": f"{levels[first]} - {levels[second]}"})
        return pd.DataFrame({**_by_name(heads), **self._columns(np.array(combinations), confidence)})

    def test(self, term: str) -> FTest:
        """Joint F test that all coefficients of a term are zero; the term as in the formula (`treatment:month`)."""
        design = self.prepared.design
        wanted = frozenset(part.strip().strip("`") for part in term.split(":"))
        label = next((each.label for each in design.terms if frozenset(each.label.split(":")) == wanted), None)
        if label is None:
            terms = ", ".join(each.label for each in design.terms)
            raise formulas.UnknownColumn(f"{term!r} is no term of the model; it has {terms}")
        return self.combined(np.eye(len(self.names))[[each == label for each in design.term_of_column]])

    def combined(self, combinations: np.ndarray) -> FTest:
        """Joint F test that the rows of `combinations` (r, p), in the order of `names`, are zero."""
        scaled = np.atleast_2d(combinations) / self.prepared.scale
        return self.inference.joint(scaled, self.optimum.point.beta)

    def _columns(self, combinations: np.ndarray, confidence: float) -> dict[str, np.ndarray]:
        from scipy.special import stdtr, stdtrit

        scaled = combinations / self.prepared.scale
        estimate = scaled @ self.optimum.point.beta
        se, df = self.inference.standard_errors(scaled), self.inference.degrees_of_freedom(scaled)
        t = estimate / se
        half = stdtrit(df, (1 + confidence) / 2) * se
        p = 2 * stdtr(df, -np.abs(t))
        return {
            "estimate": estimate,
            "se": se,
            "df": df,
            "t": t,
            "p": p,
            "lower": estimate - half,
            "upper": estimate + half,
        }


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
) -> Fit:
    """Fit the model; rows in which anything is missing are left out.

    `frame` has a row per subject and visit. `fixed` as `formula` describes it; `visit` is always a category in it.
    `covariance`: us cs csh ar1 ar1h toep toeph ad adh; where it does not converge simpler ones are tried in the order of
    `covariances.FALLBACK`, and the result says so. `groups`: one covariance for each level of that column. `weights`: a
    column by which the variances are divided. Errors: NotEstimable, NotConverged, formula.FormulaError, UnknownColumn.
    """
    _check_choice("covariance", covariance, tuple(FALLBACK))
    _check_choice("df", df, DEGREES)
    _check_choice("se", se, ERRORS)
    if se != "model" and df == "kenward-roger":
        raise ValueError(
            "empirical standard errors go with df='satterthwaite' or 'residual'; Kenward-Roger is model-based"
        )
    prepared = prepare(
        frame, outcome, subject, visit, formulas.parse(fixed), dict(reference or {}), groups=groups, weights=weights
    )
    optimum, structure, fell = fitted(prepared.blocks, covariance, max(1, len(prepared.groups)), reml)
    return Fit(prepared, optimum, structure, reml, df, se, (*prepared.warnings, *fell))


def fitted(blocks: Blocks, covariance: str, n_groups: int, reml: bool) -> tuple[Optimum, str, tuple[str, ...]]:
    """The optimum with the first covariance that converges, and a warning where that is not the one asked for."""
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


def _check_choice(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise ValueError(f"{what} {given!r} is not known; use one of {', '.join(known)}")


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _by_name(labels: list[dict[str, str]]) -> dict[str, list[str]]:
    return {name: [each[name] for each in labels] for name in labels[0]} if labels else {}


def prepare(
    frame: pd.DataFrame,
    outcome: str,
    subject: str,
    visit: str,
    formula: formulas.Formula,
    reference: dict[str, str],
    *,
    groups: str | None,
    weights: str | None,
) -> Prepared:
    needed = [
        outcome,
        subject,
        visit,
        *formula.variables,
        *([groups] if groups else []),
        *([weights] if weights else []),
    ]
    for name in needed:
        if name not in frame.columns:
            raise formulas.UnknownColumn(f"there is no column {name!r}; there are {', '.join(map(str, frame.columns))}")
    if lacking := set(reference) - set(formula.variables):
        raise formulas.UnknownColumn(f"reference names {', '.join(sorted(lacking))}, not in the formula")
    kept = _complete(frame, needed)
    if not kept.all():
        frame = frame.loc[kept]
    if not len(frame):
        raise NotEstimable("no row has all values")
    warnings: list[str] = []
    variables, values = _variables(frame, formula, {visit}, reference, warnings)
    visit_levels, visit_codes = _levels(frame, visit, variables, values, warnings)
    design = formulas.design(formula, variables)
    z = np.empty((len(frame), len(design.names) + 1))
    design.matrix(values, len(frame), out=z[:, :-1])
    z[:, -1] = frame[outcome].to_numpy(dtype=float)
    group_levels, group_codes = ((), None) if groups is None else _levels(frame, groups, {}, {}, warnings)
    scale = _scaled(z, design)
    blocks = _gathered(frame, subject, visit, z, visit_codes, len(visit_levels), group_codes, weights)
    _check_enough(blocks, design)
    return Prepared(design, blocks, scale, visit_levels, tuple(group_levels), tuple(warnings))


def _complete(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    kept = np.ones(len(frame), dtype=bool)
    for name in dict.fromkeys(names):
        kept &= frame[name].notna().to_numpy()
    return kept


def _variables(
    frame: pd.DataFrame,
    formula: formulas.Formula,
    categories: set[str],
    reference: dict[str, str],
    warnings: list[str],
) -> tuple[dict[str, formulas.Variable], dict[str, np.ndarray]]:
    variables, values = {}, {}
    for name in formula.variables:
        column = frame[name]
        is_category = name in categories | formula.categorical or name in reference or not formulas.is_number(column)
        if is_category:
            levels, codes, unused = formulas.levels_of(name, column, reference.get(name))
            warnings += [f"{name}: nobody has {', '.join(unused)}"] if unused else []
            if len(levels) < 2:
                raise NotEstimable(f"{name}: everybody has {levels[0]}, so it has no effect to estimate")
            variables[name], values[name] = formulas.Variable(name, levels), codes
        else:
            numbers = column.to_numpy(dtype=float)
            variables[name] = formulas.Variable(name, mean=float(numbers.mean()))
            values[name] = numbers
    return variables, values


def _levels(
    frame: pd.DataFrame,
    name: str,
    variables: Mapping[str, formulas.Variable],
    values: Mapping[str, np.ndarray],
    warnings: list[str],
) -> tuple[tuple[str, ...], np.ndarray]:
    """Levels in their natural order, whatever the reference level in the formula."""
    levels, codes, unused = formulas.levels_of(name, frame[name], None)
    if unused and name not in variables:
        warnings.append(f"{name}: nobody has {', '.join(unused)}")
    return levels, codes


def _scaled(z: np.ndarray, design: formulas.Design) -> np.ndarray:
    """Divide the columns of X by their root mean squares, in place; NotEstimable where one follows from those before it."""
    x = z[:, :-1]
    scale = np.sqrt(np.einsum("rp,rp->p", x, x) / len(x))
    if not scale.all():
        raise NotEstimable(f"{design.names[int(np.argmin(scale))]} is zero in every row")
    x /= scale
    gram = x.T @ x / len(x)
    root = np.zeros_like(gram)
    aliased = []
    for j in range(len(gram)):
        left = gram[j, j] - root[j, :j] @ root[j, :j]
        if left < ALIASED:
            aliased.append(design.names[j])
            continue
        root[j, j] = math.sqrt(left)
        root[j + 1 :, j] = (gram[j + 1 :, j] - root[j + 1 :, :j] @ root[j, :j]) / root[j, j]
    if aliased:
        raise NotEstimable(f"{', '.join(aliased)} follow from the columns before them; leave them or a term out")
    return scale


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
    import pandas as pd

    subjects, _ = pd.factorize(frame[subject])
    given = None
    if weights is not None:
        given = frame[weights].to_numpy(dtype=float)
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


def _check_enough(blocks: Blocks, design: formulas.Design) -> None:
    if blocks.n_subjects < 2:
        raise NotEstimable("there is one subject; a covariance over visits needs several")
    if blocks.n_observations <= len(design.names):
        raise NotEstimable(f"{blocks.n_observations} observations are too few for {len(design.names)} coefficients")
