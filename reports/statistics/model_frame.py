"""From a data frame and a formula to the columns of a model: complete rows, categories as numbers,
X and y side by side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import formula as formulas
from .reading import numbers
from .variation import NotEstimable, check_magnitude, check_varies, is_constant

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = ("equal", "proportional")
ALIASED = 1e-9  # of a column's own sum of squares, where models are solved by cross-products
ALIASED_LENGTH = 1e-8  # of a column's own length, where they are solved by QR


@dataclass(frozen=True)
class ModelFrame:
    """`frame` has the complete rows; `values` by variable as `formula.Design.matrix` takes them;
    `z` (rows, p + 1) their X and then y; `scale` (p,) divided every column of X, ones where X has
    the units of the data. `mixing` (p, p), where there is one, made X of the columns of the design,
    which were too near to each other for cross-products; `scale` is its determinant's then.
    `dropped`: numbers of the formula that do not vary, which the model is
    without.
    """

    frame: pd.DataFrame
    design: formulas.Design
    values: Mapping[str, np.ndarray]
    z: np.ndarray
    scale: np.ndarray
    warnings: tuple[str, ...]
    dropped: tuple[str, ...]
    mixing: np.ndarray | None = None

    def to_scaled(self, combinations: np.ndarray) -> np.ndarray:
        """Rows (r, p) of the design as rows of X."""
        return mixed(combinations, self.scale, self.mixing)

    @property
    def x(self) -> np.ndarray:
        return self.z[:, :-1]

    @property
    def y(self) -> np.ndarray:
        return self.z[:, -1]

    @property
    def names(self) -> tuple[str, ...]:
        return self.design.names

    def with_level(self, name: str, level: str) -> np.ndarray:
        """The design matrix (n, p), in the units of the data, as if everybody had this level of a
        category.
        """
        variable = self.design.variable(name)
        number = self.level_number(variable, level)
        return self.design.matrix(
            {**self.values, name: np.full(len(self.y), float(number))}, len(self.y)
        )

    @staticmethod
    def level_number(variable: formulas.Variable, level: str) -> int:
        if not variable.is_category:
            raise formulas.FormulaError(
                f"{variable.name} is a number, not a category; write C({variable.name})"
            )
        return formulas.level_number(variable.name, variable.levels, level)

    def grid(
        self, of: Sequence[str], weights: str = "equal"
    ) -> tuple[list[dict[str, str]], np.ndarray]:
        """Rows of marginal means, numbers at their means. Other categories are averaged with equal
        weights, or `proportional`: as often as their combinations occur among the people in the
        model.
        """
        check_choice("weights", weights, WEIGHTS)
        if weights == "equal":
            return self.design.grid(of)
        named = [self.design.variable(name) for name in of]
        n = len(self.y)
        numbers = {v.name: np.full(n, v.mean) for v in self.design.variables if not v.is_category}
        labels, rows = [], []
        for levels in itertools.product(*(v.levels for v in reversed(named))):
            chosen = dict(zip((v.name for v in named), reversed(levels), strict=True))
            codes = {v.name: np.full(n, float(self.level_number(v, chosen[v.name]))) for v in named}
            labels.append(chosen)
            rows.append(self.design.matrix({**self.values, **numbers, **codes}, n).mean(axis=0))
        return labels, np.array(rows)


def build(
    frame: pd.DataFrame,
    *,
    outcome: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
    categories: Collection[str] = (),
    needed: Sequence[str] = (),
    scaled: bool = False,
    orders: Mapping[str, Sequence[Any]] | None = None,
) -> ModelFrame:
    """Rows in which the outcome, a variable of `fixed` or a column of `needed` is missing are left
    out.

    The outcome is numbers or truth values. `categories`, of these columns, are never numbers.
    `scaled` divides the columns of X by their root mean squares, for models that are solved by
    cross-products; its check for columns that follow from others is as strict as those need.
    `orders` of the levels of categories, where natural order will not do. A number that does not
    vary is left out with its terms, as R's lm does, and named. Errors: NotEstimable,
    formula.FormulaError, formula.UnknownColumn.
    """
    formula, reference = formulas.parse(fixed), dict(reference or {})
    names = [outcome, *needed, *formula.variables]
    check_columns(frame, names)
    if lacking := set(reference) - set(formula.variables):
        raise formulas.UnknownColumn(
            f"reference names {', '.join(sorted(lacking))}, not in the formula"
        )
    kept = complete(frame, names)
    dropped = frame.loc[~kept]
    if len(dropped):
        frame = frame.loc[kept]
    if not len(frame):
        raise NotEstimable("nobody has all values")
    variables, values, unused = formulas.coded(frame, formula, reference, categories, orders)
    formula, constant = _without_constants(formula, variables, values)
    for name in unused:
        if len(variables[name].levels) < 2:
            raise NotEstimable(
                f"{name}: everybody has {variables[name].levels[0]}, so it has no effect to "
                f"estimate"
            )
    held = {name: variables[name].levels for name in unused}
    for name in dict.fromkeys(categories):
        if name not in held:
            held[name], _, unused[name] = formulas.levels_of(name, frame[name], None)
    for name in held:
        unused[name] += _vanished(dropped[name], {*held[name], *unused[name]})
    warnings = (
        *(f"{name} does not vary: it is left out of the model" for name in constant),
        *(f"{name}: nobody has {', '.join(levels)}" for name, levels in unused.items() if levels),
    )
    design = formulas.design(formula, variables)
    z = np.empty((len(frame), len(design.names) + 1))
    x = design.matrix(values, len(frame), out=z[:, :-1])
    z[:, -1] = as_numbers(frame[outcome], outcome)
    if not np.isfinite(x).all():
        endless = design.names[int(np.argmin(np.isfinite(x).all(axis=0)))]
        raise NotEstimable(f"{endless} has infinite values")
    if scaled:
        scale, mixing = _scaled(z, design.names)
    else:
        mixing = None
        check_rank(x, design.names)
        scale = np.ones(len(design.names))
    return ModelFrame(frame, design, values, z, scale, warnings, constant, mixing)


def as_numbers(column: Any, name: str) -> np.ndarray:
    """Numbers or truth values as floats, whose squares can be computed; NotEstimable for anything
    else.
    """
    found = numbers(column, name)
    check_magnitude(found, name)
    return found


def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (p,) and residuals (n,) of `y` on columns of which the first is constant.
    DoesNotVary where the residuals are rounding alone.

    The outcome is taken from its mean first and the solution refined once, so that an outcome far
    from zero keeps its digits.
    """
    centre = float(y.mean())
    q, r = np.linalg.qr(x)
    beta = np.linalg.solve(r, q.T @ (y - centre))
    residuals = y - centre - x @ beta
    more = np.linalg.solve(r, q.T @ residuals)
    beta, residuals = beta + more, residuals - x @ more
    check_varies(residuals, y, x * beta)
    beta[0] += centre / x[0, 0]
    return beta, residuals


def check_choice(what: str, given: str, known: Sequence[str]) -> None:
    """ValueError with what there is to choose from."""
    if given not in known:
        raise ValueError(f"{what} {given!r} is not known; use one of {', '.join(known)}")


def check_columns(frame: pd.DataFrame, names: Iterable[str]) -> None:
    """Errors: formula.UnknownColumn with what there is."""
    names = list(names)
    if not frame.columns.is_unique and (
        twice := [name for name in names if (frame.columns == name).sum() > 1]
    ):
        raise NotEstimable(f"there are two columns {twice[0]!r}")
    for name in names:
        if name not in frame.columns:
            raise formulas.UnknownColumn(
                f"there is no column {name!r}; there are {', '.join(map(str, frame.columns))}"
            )


def complete(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """(rows,) of truth values: which rows have all of these columns."""
    kept = np.ones(len(frame), dtype=bool)
    for name in dict.fromkeys(names):
        kept &= frame[name].notna().to_numpy()
    return kept


def check_rank(x: np.ndarray, names: Sequence[str]) -> None:
    """NotEstimable with the names of the columns of `x` (n, p) that follow from those before them,
    whatever the units.
    """
    aliased = []
    basis = np.empty((len(x), 0))
    for j, name in enumerate(names):
        left = independent_part(basis, x[:, j])
        if left.size:
            basis = np.column_stack([basis, left])
        else:
            aliased.append(name)
    _refuse(aliased)


def independent_part(basis: np.ndarray, column: np.ndarray) -> np.ndarray:
    """What of a column (n,) does not follow from an orthonormal `basis` (n, k), at length one;
    empty where nothing is.
    """
    length = np.linalg.norm(column)
    left = column / length if length else column
    for _ in range(2):  # once more for the digits that the first pass loses
        left = left - basis @ (basis.T @ left)
    size = float(np.linalg.norm(left))
    return left / size if size >= ALIASED_LENGTH else np.empty(0)


def _without_constants(
    formula: formulas.Formula,
    variables: dict[str, formulas.Variable],
    values: Mapping[str, np.ndarray],
) -> tuple[formulas.Formula, tuple[str, ...]]:
    """Without the terms of numbers that do not vary, where what such a term would be without the
    number is in the model; and the names of numbers of which nothing is left.
    """
    for name, variable in variables.items():
        if not variable.is_category:
            check_magnitude(values[name], name)
    constant = {
        name
        for name, variable in variables.items()
        if not variable.is_category and is_constant(values[name])
    }
    if not constant:
        return formula, ()
    known = {frozenset(term) for term in formula.terms} | {frozenset[str]()}
    kept = tuple(
        term
        for term in formula.terms
        if not constant & set(term) or frozenset(term) - constant not in known
    )
    if not kept:
        raise NotEstimable(
            f"{', '.join(formula.variables)}: everybody has the same, so there is no effect to "
            f"estimate"
        )
    left = replace(formula, terms=kept)
    return left, tuple(name for name in formula.variables if name not in left.variables)


def _vanished(dropped: pd.Series, levels: Collection[str]) -> tuple[str, ...]:
    """Levels of a category that only rows have in which something is missing."""
    if not len(dropped):
        return ()
    return tuple(level for level in formulas.levels_of("", dropped, None)[0] if level not in levels)


def mixed(combinations: np.ndarray, scale: np.ndarray, mixing: np.ndarray | None) -> np.ndarray:
    """Rows (r, p) of a design as rows of the X that was made of it."""
    return combinations / scale if mixing is None else combinations @ mixing


def _scaled(z: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Divide the columns of X by their root mean squares, in place. Where one is too near to those
    before it, such as a date far from zero to the intercept, they are made orthogonal instead, and
    how is returned too; NotEstimable where it follows from them.
    """
    x = z[:, :-1]
    scale = np.sqrt(np.einsum("rp,rp->p", x, x) / len(x))
    if not scale.all():
        raise NotEstimable(f"{names[int(np.argmin(scale))]} is zero in every row")
    x /= scale
    gram = x.T @ x / len(x)
    root = np.zeros_like(gram)
    aliased = []
    for j in range(len(gram)):
        left = gram[j, j] - root[j, :j] @ root[j, :j]
        if left < ALIASED:
            aliased.append(names[j])
            continue
        root[j, j] = math.sqrt(left)
        root[j + 1 :, j] = (gram[j + 1 :, j] - root[j + 1 :, :j] @ root[j, :j]) / root[j, j]
    if not aliased:
        return scale, None
    check_rank(x, names)
    q, r = np.linalg.qr(x)
    size = np.sqrt(len(x)) * np.sign(np.diag(r))
    r = r / size[:, None]
    x[:] = q * size
    return scale * np.diag(r), np.linalg.inv(r) / scale[:, None]


def _refuse(aliased: Sequence[str]) -> None:
    if aliased:
        raise NotEstimable(
            f"{', '.join(aliased)} cannot be told apart from the columns before; leave them or a "
            f"term out"
        )
