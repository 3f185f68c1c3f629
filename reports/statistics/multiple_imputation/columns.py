"""Columns of a frame as numbers to impute from, and the imputed data sets that come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import formula as formulas
from ..model_frame import as_numbers, check_columns
from ..reading import is_number
from ..variation import NotEstimable, is_constant

if TYPE_CHECKING:
    import pandas as pd


class NotImputable(ValueError):
    """A column that cannot be imputed, or not from the others: says which and why."""


@dataclass(frozen=True)
class Imputed:
    """`values` (m, n, columns) of the columns that had missing values; the rest of `frame` is as it
    was.

    `levels`: of a category the texts that its numbers stand for, for a number nothing. `trace`
    (iterations, columns, m): the means of what was imputed, by which to see whether the chains have
    settled.
    """

    frame: pd.DataFrame
    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    values: np.ndarray
    trace: np.ndarray

    @property
    def m(self) -> int:
        return len(self.values)

    def frames(self) -> Iterator[pd.DataFrame]:
        """The completed data sets, one after another."""
        for each in self.values:
            filled = {
                name: np.array(levels, dtype=object)[each[:, j].astype(int)]
                if levels
                else each[:, j]
                for j, (name, levels) in enumerate(zip(self.columns, self.levels, strict=True))
            }
            yield self.frame.assign(**filled)


@dataclass(frozen=True)
class Numbers:
    """`matrix` (n, d): nan where missing. `source` (d,): the column of the frame of each; a
    complete category has several.
    """

    matrix: np.ndarray
    source: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]

    @property
    def incomplete(self) -> list[int]:
        return [int(j) for j in np.flatnonzero(np.isnan(self.matrix).any(axis=0))]

    def chosen(self, rows: np.ndarray) -> np.ndarray:
        """The matrix of `rows`; NotImputable where a column has nothing to learn from, or follows
        from others.
        """
        part = self.matrix[rows]
        d = part.shape[1]
        for j, name in enumerate(self.source):
            seen = part[~np.isnan(part[:, j]), j]
            if len(seen) <= d + 1:
                raise NotImputable(
                    f"{name}: {len(seen)} values are too few to learn from with {d} columns"
                )
            if is_constant(seen):
                raise NotImputable(f"{name}: one value alone to learn from")
        complete = part[~np.isnan(part).any(axis=1)]
        if len(complete) > d:
            centred = complete - complete.mean(axis=0)
            scale = np.sqrt((centred**2).mean(axis=0))
            if not scale.all() or np.linalg.matrix_rank(centred / scale) < d:
                raise NotImputable(
                    "among the complete rows one column follows from the others; leave it out"
                )
        return part


def numbers(frame: pd.DataFrame, names: Sequence[str], *, binary: bool) -> Numbers:
    """Numbers as they are; complete categories as indicators of all levels but the first; with
    `binary`, categories of two levels as 0 and 1 with their missing values. Errors:
    formula.UnknownColumn, NotImputable.
    """
    parts, source, kept = [], [], {}
    for name in names:
        check_columns(frame, [name])
        try:
            if is_number(frame[name], name):
                parts.append(as_numbers(frame[name], name))
                source.append(name)
                continue
            levels, codes, _ = formulas.levels_of(name, frame[name], None)
        except NotEstimable as reason:
            raise NotImputable(str(reason)) from None
        missing = codes < 0
        if missing.any() and not (binary and len(levels) == 2):
            raise NotImputable(
                f"{name} is a category with missing values: only chained equations impute it, and "
                f"with two levels"
            )
        kept[name] = levels
        for level in range(1, len(levels)):
            parts.append(np.where(missing, np.nan, codes == level))
            source.append(name)
    return Numbers(np.column_stack(parts), tuple(source), kept)


def strata(frame: pd.DataFrame, by: str | None) -> list[np.ndarray]:
    """Row numbers of every level of `by`. Errors: formula.UnknownColumn, NotImputable where it is
    missing for somebody.
    """
    if by is None:
        return [np.arange(len(frame))]
    check_columns(frame, [by])
    levels, codes, _ = formulas.levels_of(by, frame[by], None)
    if (codes < 0).any():
        raise NotImputable(f"{by} is missing for somebody")
    return [np.flatnonzero(codes == level) for level in range(len(levels))]


def checked_names(names: Sequence[str], by: str | None, m: int) -> list[str]:
    """`names` as a list. Errors: NotImputable for fewer than two of them, one twice, `by` among
    them, or `m` below two.
    """
    if m < 2:
        raise NotImputable(f"{m} imputations are too few: pooling needs two at least")
    if by in names:
        raise NotImputable(f"{by} is what is imputed by, so it cannot be among the columns")
    if len(set(names)) < len(names) or len(names) < 2:
        raise NotImputable("name two columns at least, each once")
    return list(names)
