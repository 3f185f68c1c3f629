"""The baseline table: each arm and everybody, and how far the arms stand apart.

Standardised differences: of numbers over the root of the mean variance, of categories the
Mahalanobis distance of Yang and Dalton (SAS Global Forum 2012, paper 335; Austin, Stat Med
2009;28:3083). No p values unless asked for: chance made the arms, so a test of baseline has nothing
to find (Senn, Stat Med 1994;13:1715; CONSORT).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import formula as formulas
from .descriptives import (
    Description,
    describe,
    standardised_difference,
    standardised_difference_of_counts,
)
from .distributions import chi_squared_p, f_p
from .model_frame import NotEstimable, check_columns
from .reading import is_number, numbers
from .variation import is_rounding, largest, unit_of

if TYPE_CHECKING:
    import pandas as pd

OVERALL = "overall"


@dataclass(frozen=True)
class NumberRow:
    """`arms` by name, `overall` everybody; `differences` by arm, that arm minus the reference, None
    where it has no spread.
    """

    name: str
    arms: Mapping[str, Description]
    overall: Description
    missing: Mapping[str, int]
    differences: Mapping[str, float | None]
    p: float | None


@dataclass(frozen=True)
class CategoryRow:
    """`counts` by arm in the order of `levels`; shares are of those who answered. `differences` are
    never negative.
    """

    name: str
    levels: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    overall: tuple[int, ...]
    missing: Mapping[str, int]
    differences: Mapping[str, float | None]
    p: float | None


@dataclass(frozen=True)
class Table:
    """Rows in the order asked for, numbers first; people by arm."""

    arms: tuple[str, ...]
    reference: str
    people: Mapping[str, int]
    rows: tuple[NumberRow | CategoryRow, ...]
    quantile_type: int

    def row(self, name: str) -> NumberRow | CategoryRow:
        found = next((row for row in self.rows if row.name == name), None)
        if found is None:
            raise formulas.UnknownColumn(
                f"{name!r} is not in the table; it has {', '.join(r.name for r in self.rows)}"
            )
        return found

    def frame(self) -> pd.DataFrame:
        """A row for every number and every level: variable level arm n mean sd median q1 q3 minimum
        maximum count share.
        """
        import pandas as pd

        found = [line for row in self.rows for line in _lines(row, self.arms)]
        return pd.DataFrame(found)


def table(
    frame: pd.DataFrame,
    *,
    arm: str,
    numbers: Sequence[str] = (),
    categories: Sequence[str] = (),
    reference: str | None = None,
    quantile_type: int = 7,
    p_values: bool = False,
) -> Table:
    """One row of `frame` a person. Everybody is in an arm; other columns may have missing values,
    which are counted.

    `reference`: the arm that others are compared with, else the first. `quantile_type`: 7 of R, 2
    of SAS. `p_values`: of a one-way analysis of variance or Pearson's chi-squared. Errors:
    NotEstimable, formula.UnknownColumn, FormulaError.
    """
    check_columns(frame, [arm, *numbers, *categories])
    if frame[arm].isna().any():
        raise NotEstimable(f"{int(frame[arm].isna().sum())} people have no {arm}")
    levels, codes, _ = formulas.levels_of(arm, frame[arm], None)
    chosen = levels[0] if reference is None else reference
    formulas.level_number(arm, levels, chosen)
    who = {name: codes == number for number, name in enumerate(levels)}
    rows: list[NumberRow | CategoryRow] = [
        *(_number(name, frame[name], who, chosen, quantile_type, p_values) for name in numbers),
        *(_category(name, frame[name], who, chosen, p_values) for name in categories),
    ]
    people = {name: int(mask.sum()) for name, mask in who.items()}
    return Table(levels, chosen, people, tuple(rows), quantile_type)


def _number(
    name: str,
    column: Any,
    who: Mapping[str, np.ndarray],
    reference: str,
    quantile_type: int,
    p_values: bool,
) -> NumberRow:
    if not is_number(column, name):
        raise formulas.FormulaError(f"{name} is not a number; put it among the categories")
    values = numbers(column, name)
    known = ~np.isnan(values)
    groups = {arm: values[mask & known] for arm, mask in who.items()}
    differences = {
        arm: standardised_difference(group, groups[reference])
        for arm, group in groups.items()
        if arm != reference
    }
    described = {arm: describe(group, quantile_type=quantile_type) for arm, group in groups.items()}
    overall = describe(values[known], quantile_type=quantile_type)
    p = _analysis_of_variance(list(groups.values())) if p_values else None
    return NumberRow(name, described, overall, _missing(known, who), differences, p)


def _category(
    name: str, column: Any, who: Mapping[str, np.ndarray], reference: str, p_values: bool
) -> CategoryRow:
    levels, codes, _ = formulas.levels_of(name, column, None)
    counts = {
        arm: tuple(int(c) for c in np.bincount(codes[mask & (codes >= 0)], minlength=len(levels)))
        for arm, mask in who.items()
    }
    differences = {
        arm: standardised_difference_of_counts(found, counts[reference])
        for arm, found in counts.items()
        if arm != reference
    }
    overall = tuple(int(each) for each in np.sum(list(counts.values()), axis=0))
    p = _pearson(np.array(list(counts.values()), dtype=float)) if p_values else None
    return CategoryRow(name, levels, counts, overall, _missing(codes >= 0, who), differences, p)


def _missing(known: np.ndarray, who: Mapping[str, np.ndarray]) -> dict[str, int]:
    return {arm: int((mask & ~known).sum()) for arm, mask in who.items()}


def _analysis_of_variance(groups: list[np.ndarray]) -> float | None:
    """None where there is no spread within the groups to compare with."""
    unit = unit_of(*groups)
    groups = [group / unit for group in groups if len(group)]
    n, mean = sum(map(len, groups)), np.concatenate(groups).mean() if groups else 0.0
    df1, df2 = len(groups) - 1, n - len(groups)
    between = sum(len(group) * (group.mean() - mean) ** 2 for group in groups)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    if not df1 or df2 <= 0 or is_rounding(math.sqrt(within / df2), largest(*groups)):
        return None
    return f_p(between / df1 / (within / df2), df1, df2)


def _pearson(counts: np.ndarray) -> float | None:
    """None where one arm or one level is all there is."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    if df < 1:
        return None
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return chi_squared_p(float(((counts - expected) ** 2 / expected).sum()), df)


def _lines(row: NumberRow | CategoryRow, arms: Sequence[str]) -> list[dict[str, Any]]:
    if isinstance(row, NumberRow):
        described = {**row.arms, OVERALL: row.overall}
        keys = ("n", "mean", "sd", "median", "q1", "q3", "minimum", "maximum")
        return [
            {
                "variable": row.name,
                "level": "",
                "arm": arm,
                **{key: getattr(described[arm], key) for key in keys},
            }
            for arm in (*arms, OVERALL)
        ]
    counts = {**row.counts, OVERALL: row.overall}
    lines = []
    for place, level in enumerate(row.levels):
        for arm in (*arms, OVERALL):
            n, count = sum(counts[arm]), counts[arm][place]
            share = count / n if n else None
            lines.append(
                {
                    "variable": row.name,
                    "level": level,
                    "arm": arm,
                    "n": n,
                    "count": count,
                    "share": share,
                }
            )
    return lines
