"""From a data frame and a formula to the columns of a model: complete rows, categories as numbers, X and y side by side."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import formula as formulas

if TYPE_CHECKING:
    import pandas as pd

ALIASED = 1e-9  # of a column's own sum of squares


class NotEstimable(ValueError):
    """The data do not determine the model; says which column, level or person is the trouble."""


@dataclass(frozen=True)
class Regression:
    """`frame` has the complete rows; `z` (rows, p + 1) their X and then y; `scale` (p,) divided every column of X."""

    frame: pd.DataFrame
    design: formulas.Design
    z: np.ndarray
    scale: np.ndarray
    warnings: tuple[str, ...]

    @property
    def x(self) -> np.ndarray:
        return self.z[:, :-1]

    @property
    def y(self) -> np.ndarray:
        return self.z[:, -1]


def regression(
    frame: pd.DataFrame,
    *,
    outcome: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
    categories: Collection[str] = (),
    needed: Sequence[str] = (),
) -> Regression:
    """Rows in which the outcome, a variable of `fixed` or a column of `needed` is missing are left out.

    `categories` are variables that are never numbers. Errors: NotEstimable, formula.FormulaError, formula.UnknownColumn.
    """
    formula, reference = formulas.parse(fixed), dict(reference or {})
    names = [outcome, *needed, *formula.variables]
    check_columns(frame, names)
    if lacking := set(reference) - set(formula.variables):
        raise formulas.UnknownColumn(f"reference names {', '.join(sorted(lacking))}, not in the formula")
    kept = complete(frame, names)
    if not kept.all():
        frame = frame.loc[kept]
    if not len(frame):
        raise NotEstimable("no row has all values")
    if not formulas.is_number(frame[outcome]):
        raise NotEstimable(f"{outcome}: an outcome is a number")
    warnings: list[str] = []
    variables, values = _variables(frame, formula, set(categories), reference, warnings)
    design = formulas.design(formula, variables)
    z = np.empty((len(frame), len(design.names) + 1))
    design.matrix(values, len(frame), out=z[:, :-1])
    z[:, -1] = frame[outcome].to_numpy(dtype=float)
    if not np.isfinite(z).all():
        raise NotEstimable("there are infinite values")
    scale = _scaled(z, design)
    return Regression(frame, design, z, scale, tuple(warnings))


def check_choice(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise ValueError(f"{what} {given!r} is not known; use one of {', '.join(known)}")


def check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise formulas.UnknownColumn(f"there is no column {name!r}; there are {', '.join(map(str, frame.columns))}")


def complete(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """(rows,) of truth values: which rows have all of these columns."""
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
