"""What a column holds, decided once for every function that takes a frame or an array.

Missing: None, NaN, pandas' NA and NaT. A column is numbers (truth values among them count as an
outcome of 0 and 1) or a category. Text is never taken for a number: "NaN", "1,5" or a blank among
numbers is refused by name, since nobody but the reader of the file knows what it stands for. Levels
and codes of people are compared as text, so that 5, 5.0 and "5" are one; those that differ by what
cannot be seen, a blank or a trailing ".0", are refused by name.
"""

from __future__ import annotations

import math
import numbers as kinds
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from .variation import NotEstimable

NUMBER_IN_TEXT = re.compile(r"((?:^|(?<=\s))-?\d+(?:\.\d+)?|\d+(?:\.\d+)?)")


ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def is_missing(value: Any) -> bool:
    if value is np.ma.masked:
        return True
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def is_number(column: Any, name: str) -> bool:
    """Whether a column is numbers rather than a category; truth values are categories, as in R.
    NotEstimable for dates and for numbers with anything else among them.
    """
    column = _without_mask(column)
    dtype = getattr(column, "dtype", None)
    kind = getattr(dtype, "kind", "O")
    if type(dtype).__name__ == "StringDtype":  # text alone: nothing to look for value by value
        return False
    if kind != "O":
        if kind in "mM":
            raise NotEstimable(f"{name} is dates or durations; make it numbers, or text")
        return kind in "iuf"
    if _is_categorical(column):
        return False
    values = [value for value in column if not is_missing(value)]
    found = [value for value in values if _is_number(value)]
    if found and len(found) < len(values):
        other = next(value for value in values if not _is_number(value))
        raise NotEstimable(
            f"{name} is numbers with {other!r} among them; make that a number, or missing (None)"
        )
    return bool(found)


def numbers(column: Any, name: str) -> np.ndarray:
    """Numbers or truth values as floats, NaN where missing; NotEstimable for anything else, and
    where one is infinite.
    """
    column = _without_mask(column)
    kind = getattr(getattr(column, "dtype", None), "kind", "O")
    if kind == "f" and column.dtype.itemsize < np.dtype(float).itemsize:
        # The decimal that was written: 2.3 is no 2.299999952316284.
        if hasattr(column, "to_numpy"):
            column = column.to_numpy(dtype=f"f{column.dtype.itemsize}", na_value=np.nan)
        found = column.astype(str).astype(float)
    elif kind in "biuf" and isinstance(column, np.ndarray):
        found = column.astype(float)
    elif kind in "biuf" and hasattr(column, "to_numpy"):
        found = column.to_numpy(dtype=float, na_value=np.nan)
    else:
        found = np.array([_as_float(value, name) for value in column], dtype=float)
    if found.ndim != 1:
        raise NotEstimable(f"{name} is a table, not one column")
    if np.isinf(found).any():
        raise NotEstimable(f"{name} has infinite values")
    return found


def is_known(column: Any, name: str) -> np.ndarray:
    """(rows,) of truth values: which rows have a number or a level. NotEstimable as `numbers` and
    `labels`.
    """
    return (
        ~np.isnan(numbers(column, name))
        if is_number(column, name)
        else labels(column, name)[1] >= 0
    )


def complete_numbers(column: Any, name: str) -> np.ndarray:
    """As `numbers`, of values from which what is missing was left out before; NotEstimable where
    something is.
    """
    found = numbers(column, name)
    if np.isnan(found).any():
        raise NotEstimable(f"there are missing values in {name}; leave them out first and say so")
    return found


def labels(column: Any, name: str) -> tuple[list[str], np.ndarray, bool]:
    """Levels of a column as text, in the order in which they come, the level number of every row
    (-1 where missing), and whether all levels are numbers. NotEstimable for levels that look alike,
    and for text that stands for nothing.
    """
    import pandas as pd

    column = _without_mask(column)
    codes, found = pd.factorize(column if hasattr(column, "dtype") else pd.Series(list(column)))
    found = list(found)
    texts: dict[str, int] = {}
    place = np.array(
        [texts.setdefault(text_of(value), len(texts)) for value in found] + [-1], dtype=np.int64
    )
    if not all(_is_number(value) for value in found):
        _check_told_apart(list(texts), name)
        return list(texts), place[codes], False
    return list(texts), place[codes], True


def level_texts(values: Iterable[Any], name: str) -> list[str | None]:
    """Levels as text, None where missing; of plain values, without pandas. NotEstimable as
    `labels`.
    """
    found = [None if is_missing(value) else text_of(value) for value in values]
    _check_told_apart(dict.fromkeys(text for text in found if text is not None), name)
    return found


def codes_of(column: Any, name: str) -> np.ndarray:
    """Whole numbers from 0 for the codes of people or clusters, -1 where missing. NotEstimable as
    `labels`.
    """
    import pandas as pd

    column = _without_mask(column)
    if (
        getattr(getattr(column, "dtype", None), "kind", "O") in "biuf"
    ):  # one way of writing: nothing to tell apart
        return np.asarray(pd.factorize(column)[0], dtype=np.int64)
    return labels(column, name)[1]


def in_order(levels: Sequence[str], are_numbers: bool) -> list[int]:
    """Their places in natural order: numbers by size, text as it is sorted, save that numbers
    within it count as numbers, so that "week 2" comes before "week 10".
    """
    if are_numbers:
        return sorted(range(len(levels)), key=lambda i: float(levels[i]))
    return sorted(range(len(levels)), key=lambda i: (natural(levels[i]), levels[i]))


def natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """What text is sorted by."""
    parts = NUMBER_IN_TEXT.split(text)
    return tuple(
        (0, float(part), "") if i % 2 else (1, 0.0, part) for i, part in enumerate(parts) if part
    )


def are_numbered(levels: Sequence[str]) -> bool:
    """Whether levels are alike but for one number in them, so that nobody can doubt their order:
    "week 2" and "week 10"; or dates with the year first. Days and months in "5/1/2024" tell of no
    order.
    """
    if all(ISO_DATE.fullmatch(level) for level in levels):
        return True
    kinds = {
        tuple(part if is_text else None for is_text, _, part in natural(level)) for level in levels
    }
    if len(kinds) > 1:
        return False
    parts = zip(*(natural(level) for level in levels), strict=True)
    return sum(len(set(each)) > 1 for each in parts) <= 1


def text_of(value: Any) -> str:
    """A level as R writes it: 3.0 is 3."""
    if _is_number(value) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def look_of(text: str) -> str:
    """What is seen of a level or a code: levels with one look are told apart by what cannot be
    seen.
    """
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf"
    )
    return re.sub(r"^([+-]?\d+)\.0*$", r"\1", " ".join(seen.split()))


def stands_for_nothing(text: str) -> bool:
    """Whether a level is blank, or what a program writes where nothing is known."""
    return look_of(text).casefold() in {"", "nan", "<na>", "nat"}


def _check_told_apart(levels: Iterable[str], name: str) -> None:
    seen: dict[str, str] = {}
    for text in levels:
        look = look_of(text)
        if stands_for_nothing(text):
            raise NotEstimable(
                f"{name}: {text!r} is a level; make it missing (None), or give it a name"
            )
        if look in seen:
            raise NotEstimable(
                f"{name}: {seen[look]!r} and {text!r} look alike; write them in one way"
            )
        seen[look] = text


def _without_mask(column: Any) -> Any:
    """A masked array as a column in which what is masked is missing."""
    if not isinstance(column, np.ma.MaskedArray):
        return column
    masked = np.ma.getmaskarray(column)
    if column.dtype.kind == "f":
        return np.where(masked, column.dtype.type(np.nan), column.data)
    if not masked.any():
        return column.data
    found = column.data.astype(object)
    found[masked] = None
    return found


def _is_categorical(column: Any) -> bool:
    return type(getattr(column, "dtype", None)).__name__ == "CategoricalDtype"


def _is_number(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return False
    return isinstance(value, (kinds.Real, Decimal))


def _as_float(value: Any, name: str) -> float:
    if is_missing(value):
        return math.nan
    if not isinstance(value, (kinds.Real, Decimal, np.bool_)):
        raise NotEstimable(f"{name} is not numbers: {value!r}")
    try:
        if isinstance(value, np.floating) and value.dtype.itemsize < np.dtype(float).itemsize:
            return float(str(value))
        return float(value)
    except OverflowError:
        return math.inf
