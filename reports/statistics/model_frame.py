"""From a data frame and a formula to numbers: the rows without missing values, the design matrix and the outcome."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import formula as formulas

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = ("equal", "proportional")


class NotEstimable(ValueError):
    """The data do not determine what is asked: too few people, or columns that cannot be told apart."""


@dataclass(frozen=True)
class ModelFrame:
    """`x` (n, p) and `y` (n,); `values` by variable as `formula.Design.matrix` takes them; `kept` (rows,) of the frame given."""

    design: formulas.Design
    values: Mapping[str, np.ndarray]
    x: np.ndarray
    y: np.ndarray
    kept: np.ndarray
    warnings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.design.names

    def with_level(self, name: str, level: str) -> np.ndarray:
        """The design matrix (n, p) as if everybody had this level of a category."""
        variable = self.design.variable(name)
        number = self.level_number(variable, level)
        return self.design.matrix({**self.values, name: np.full(len(self.y), float(number))}, len(self.y))

    @staticmethod
    def level_number(variable: formulas.Variable, level: str) -> int:
        if not variable.is_category:
            raise formulas.FormulaError(f"{variable.name} is a number, not a category; write C({variable.name})")
        if level not in variable.levels:
            found = ", ".join(variable.levels)
            raise formulas.FormulaError(f"{variable.name}: there is no level {level!r}; there are {found}")
        return variable.levels.index(level)

    def grid(self, of: Sequence[str], weights: str = "equal") -> tuple[list[dict[str, str]], np.ndarray]:
        """Rows of marginal means, numbers at their means. Other categories are averaged with equal weights, or
        `proportional`: as often as their combinations occur among the people in the model."""
        if weights not in WEIGHTS:
            raise ValueError(f"weights {weights!r} are not known; use one of {', '.join(WEIGHTS)}")
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
    outcome: str,
    fixed: str,
    reference: Mapping[str, str] | None = None,
    also: Iterable[str] = (),
) -> ModelFrame:
    """Rows in which the outcome, a variable of `fixed` or a column of `also` is missing are left out.

    The outcome is numbers or truth values. Errors: NotEstimable, formula.FormulaError, formula.UnknownColumn.
    """
    formula, chosen = formulas.parse(fixed), dict(reference or {})
    needed = [outcome, *formula.variables, *also]
    check_columns(frame, needed)
    if lacking := set(chosen) - set(formula.variables):
        raise formulas.UnknownColumn(f"reference names {', '.join(sorted(lacking))}, not in the formula")
    kept = frame[list(dict.fromkeys(needed))].notna().to_numpy().all(axis=1)
    rows = frame.loc[kept]
    if not len(rows):
        raise NotEstimable("nobody has all values")
    warnings: list[str] = []
    variables, values = _variables(rows, formula, chosen, warnings)
    design = formulas.design(formula, variables)
    x, y = design.matrix(values, len(rows)), as_numbers(rows[outcome], outcome)
    if not np.isfinite(x).all():
        endless = design.names[int(np.argmin(np.isfinite(x).all(axis=0)))]
        raise NotEstimable(f"{endless} has infinite values")
    check_rank(x, design.names)
    return ModelFrame(design, values, x, y, kept, tuple(warnings))


def as_numbers(column: Any, name: str) -> np.ndarray:
    """Numbers or truth values as floats; NotEstimable for anything else, or where one is infinite."""
    try:
        found = column.to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise NotEstimable(f"{name} is not numbers") from None
    if np.isinf(found).any():
        raise NotEstimable(f"{name} has infinite values")
    return found


def check_columns(frame: pd.DataFrame, names: Iterable[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise formulas.UnknownColumn(f"there is no column {name!r}; there are {', '.join(map(str, frame.columns))}")


def check_rank(x: np.ndarray, names: Sequence[str]) -> None:
    """NotEstimable with the names of the columns that follow from those before them, whatever the units."""
    length = np.linalg.norm(x, axis=0)
    aliased = []
    basis = np.empty((len(x), 0))
    for j, name in enumerate(names):
        left = x[:, j] / length[j] if length[j] else x[:, j]
        for _ in range(2):  # once more for the digits that the first pass loses
            left = left - basis @ (basis.T @ left)
        size = float(np.linalg.norm(left))
        if size < 1e-8:
            aliased.append(name)
        else:
            basis = np.column_stack([basis, left / size])
    if aliased:
        raise NotEstimable(
            f"{', '.join(aliased)} cannot be told apart from the columns before; leave them or a term out"
        )


def _variables(
    frame: pd.DataFrame, formula: formulas.Formula, reference: Mapping[str, str], warnings: list[str]
) -> tuple[dict[str, formulas.Variable], dict[str, np.ndarray]]:
    variables: dict[str, formulas.Variable] = {}
    values: dict[str, np.ndarray] = {}
    for name in formula.variables:
        column: Any = frame[name]
        if name in formula.categorical or name in reference or not formulas.is_number(column):
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


def pairs_of(levels: Sequence[str], name: str, reference: str | None) -> list[tuple[int, int]]:
    """Every level against `reference`, or all pairs (later against earlier)."""
    if reference is None:
        return [(j, i) for i in range(len(levels)) for j in range(i + 1, len(levels))]
    if reference not in levels:
        raise formulas.FormulaError(f"{name}: there is no level {reference!r}; there are {', '.join(levels)}")
    return [(levels.index(each), levels.index(reference)) for each in levels if each != reference]
