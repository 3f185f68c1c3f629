"""A small Wilkinson formula: which columns a model has, built with numpy, named as R names them.

`a + b:c + d * e`: numbers and categories, `C(x)` for a number that is a category, backticks round a
name with dots or spaces. Terms stand in R's order: by the number of their variables, then as
written. A category in a term is coded against its reference level where the term without it is in
the model too, and by all its levels where it is not (R's model.matrix).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .reading import in_order, is_number, labels, numbers, text_of

TOKEN = re.compile(r"\s*(?:(C)\(\s*(`[^`]+`|[^\W\d]\w*)\s*\)|(`[^`]+`|[^\W\d]\w*)|([+*:])|(1))")


class FormulaError(ValueError):
    """The text is not a formula of this language; says where."""


class UnknownColumn(ValueError):
    """The formula names a column that the data do not have."""


@dataclass(frozen=True)
class Formula:
    """`terms` as tuples of variables; `categorical` are those written as C(x)."""

    text: str
    terms: tuple[tuple[str, ...], ...]
    categorical: frozenset[str]

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for term in self.terms for name in term))


@dataclass(frozen=True)
class Variable:
    """A number (`levels` empty) or a category whose first level is the reference."""

    name: str
    levels: tuple[str, ...] = ()
    mean: float = 0.0

    @property
    def is_category(self) -> bool:
        return bool(self.levels)


@dataclass(frozen=True)
class Coded:
    """A term with, for each of its variables, whether all levels have a column."""

    variables: tuple[Variable, ...]
    full: tuple[bool, ...]

    @property
    def label(self) -> str:
        return ":".join(variable.name for variable in self.variables)

    def columns(self) -> list[tuple[int, ...]]:
        """For every column the level (from 0) of each variable, -1 for a number; the first variable
        varies fastest.
        """
        choices = [
            range(0 if full else 1, len(variable.levels)) if variable.is_category else (-1,)
            for variable, full in zip(self.variables, self.full, strict=True)
        ]
        return [tuple(reversed(each)) for each in itertools.product(*reversed(choices))]

    def names(self) -> list[str]:
        return [
            ":".join(
                variable.name + (variable.levels[level] if level >= 0 else "")
                for variable, level in zip(self.variables, column, strict=True)
            )
            for column in self.columns()
        ]


@dataclass(frozen=True)
class Design:
    """The columns of a model. `matrix` makes them for any values of its variables: categories as
    whole numbers of levels.
    """

    variables: tuple[Variable, ...]
    terms: tuple[Coded, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return ("(Intercept)", *(name for term in self.terms for name in term.names()))

    @cached_property
    def term_of_column(self) -> tuple[str, ...]:
        return ("(Intercept)", *(term.label for term in self.terms for _ in term.columns()))

    def variable(self, name: str) -> Variable:
        found = next((each for each in self.variables if each.name == name), None)
        if found is None:
            raise UnknownColumn(
                f"{name!r} is not in the model; it has {', '.join(v.name for v in self.variables)}"
            )
        return found

    def matrix(
        self, values: Mapping[str, np.ndarray], rows: int, out: np.ndarray | None = None
    ) -> np.ndarray:
        """(rows, columns). `values` by variable: floats (rows,), or for a category level numbers
        (rows,).
        """
        result = np.empty((rows, len(self.names))) if out is None else out
        result[:, 0] = 1.0
        place = 1
        for term in self.terms:
            parts: dict[tuple[str, int], np.ndarray] = {}
            for column in term.columns():
                product: np.ndarray | None = None
                for variable, level in zip(term.variables, column, strict=True):
                    key = (variable.name, level)
                    if key not in parts:
                        given = values[variable.name]
                        parts[key] = (given == level).astype(float) if level >= 0 else given
                    product = parts[key] if product is None else product * parts[key]
                result[:, place] = product
                place += 1
        return result

    def grid(self, of: Sequence[str]) -> tuple[list[dict[str, str]], np.ndarray]:
        """Rows for marginal means: every combination of the levels of `of` (the first varies
        fastest), averaged with equal weights over the levels of the other categories, numbers at
        their means (Searle, Speed and Milliken 1980).
        """
        named = [self.variable(name) for name in of]
        if bad := [each.name for each in named if not each.is_category]:
            raise FormulaError(f"{', '.join(bad)}: marginal means are of categories")
        others = [each for each in self.variables if each.is_category and each not in named]
        kept = [
            tuple(reversed(c))
            for c in itertools.product(*(range(len(v.levels)) for v in reversed(named)))
        ]
        averaged = list(itertools.product(*(range(len(v.levels)) for v in others)))
        rows = [(*first, *rest) for first in kept for rest in averaged]
        values = {
            variable.name: np.array([row[place] for row in rows], dtype=float)
            for place, variable in enumerate([*named, *others])
        }
        numbers = {
            each.name: np.full(len(rows), each.mean)
            for each in self.variables
            if not each.is_category
        }
        full = self.matrix({**values, **numbers}, len(rows))
        labels = [
            {v.name: v.levels[i] for v, i in zip(named, first, strict=True)} for first in kept
        ]
        return labels, full.reshape(len(kept), len(averaged), -1).mean(axis=1)

    def hypothesis(self, term: str) -> np.ndarray:
        """(rows, columns): what the type III test of a term says is zero. Of the effects with the
        same numbers as the term, averaged with equal weights over the categories that are not in
        it, the differences between its levels (all levels, where its own coding has a column for
        each). Searle, Speed and Milliken, Am Stat 1980;34:216.
        """
        wanted = self._term(term)
        numbers = {each.name for each in wanted.variables if not each.is_category}
        alike = [
            t for t in self.terms if {v.name for v in t.variables if not v.is_category} == numbers
        ]
        categories = {v.name: v for v in wanted.variables if v.is_category}
        categories |= {v.name: v for t in alike for v in t.variables if v.is_category}
        sizes = [len(each.levels) for each in categories.values()]
        cells = np.array(list(itertools.product(*map(range, sizes)))).reshape(
            math.prod(sizes), len(sizes)
        )
        values = dict(zip(categories, cells.T, strict=True))
        values |= {
            v.name: np.full(len(cells), float(v.name in numbers))
            for v in self.variables
            if not v.is_category
        }
        values |= {v.name: np.full(len(cells), -1) for v in self.variables if v.name not in values}
        labels = {each.label for each in alike}
        own = np.array([label in labels for label in self.term_of_column])
        full = {v.name: is_full for v, is_full in zip(wanted.variables, wanted.full, strict=True)}
        weights = np.ones((1, 1))
        for name, size in zip(categories, sizes, strict=True):
            differences = np.eye(size) if full.get(name) else np.eye(size)[1:] - np.eye(size)[0]
            weights = np.kron(
                weights, differences if name in full else np.full((1, size), 1 / size)
            )
        return weights @ np.where(own, self.matrix(values, len(cells)), 0.0)

    def _term(self, term: str) -> Coded:
        wanted = {part.strip().strip("`") for part in term.split(":")}
        found = next(
            (each for each in self.terms if {v.name for v in each.variables} == wanted), None
        )
        if found is None:
            raise UnknownColumn(
                f"{term!r} is no term of the model; it has "
                f"{', '.join(each.label for each in self.terms)}"
            )
        return found


def parse(text: str) -> Formula:
    """Errors: FormulaError with the place."""
    terms: list[tuple[str, ...]] = [()]
    categorical: set[str] = set()
    products: list[list[tuple[str, ...]]] = []
    place, wants_name, operator = 0, True, "+"
    stripped = text.rstrip()
    while place < len(stripped):
        found = TOKEN.match(stripped, place)
        if not found:
            raise FormulaError(
                f"at {stripped[place:].strip()[:20]!r}: a formula has names, C(name), +, :, * and 1"
            )
        c_mark, c_name, name, sign, one = found.groups()
        if (sign is not None) == wants_name:
            raise FormulaError(
                f"before {stripped[place:].strip()[:20]!r}: "
                f"{'a name' if wants_name else '+, : or *'} is missing"
            )
        place = found.end()
        if sign:
            operator, wants_name = sign, True
            continue
        wants_name = False
        variable = (c_name or name or "").strip("`")
        if c_mark:
            categorical.add(variable)
        given: list[tuple[str, ...]] = [(variable,)] if not one else [()]
        if operator == "+" or not products:
            products.append(given)
        elif operator == ":":
            last = products[-1]
            # `:` binds closer than `*`: only the last factor of a product is joined.
            products[-1] = _joined(last, given)
        else:
            last = products[-1]
            products[-1] = [*last, *given, *(_union(a, b) for a in last for b in given)]
    if wants_name and stripped:
        raise FormulaError(f"a name is missing at the end of {text!r}")
    order = {
        name: i for i, name in enumerate(dict.fromkeys(n for p in products for t in p for n in t))
    }
    for term in (t for product in products for t in product):
        arranged = tuple(sorted(set(term), key=order.__getitem__))
        if arranged not in terms:
            terms.append(arranged)
    return Formula(text, tuple(sorted(terms[1:], key=len)), frozenset(categorical))


def _joined(last: list[tuple[str, ...]], given: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The last of the factors so far with what follows the colon, and again with what it was
    crossed with.
    """
    if len(last) == 1:
        return [_union(last[0], given[0])]
    raise FormulaError("write a * b:c as a + b:c + a:b:c")


def _union(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*a, *b)))


def design(formula: Formula, variables: Mapping[str, Variable]) -> Design:
    """Every term coded as R codes it: by all levels of a category where the term without it is not
    in the model.
    """
    present: set[frozenset[str]] = {frozenset(term) for term in formula.terms} | {frozenset()}
    coded = []
    for term in formula.terms:
        full = tuple(frozenset(term) - {name} not in present for name in term)
        coded.append(Coded(tuple(variables[name] for name in term), full))
    return Design(tuple(variables[name] for name in formula.variables), tuple(coded))


def coded(
    frame: Any,
    formula: Formula,
    reference: Mapping[str, str] | None = None,
    categories: Collection[str] = (),
    orders: Mapping[str, Sequence[Any]] | None = None,
) -> tuple[dict[str, Variable], dict[str, np.ndarray], dict[str, tuple[str, ...]]]:
    """The variables of `formula` in a data frame, their values as `Design.matrix` takes them, and
    of each category the levels that nobody has. Categories are those written C(x), those with a
    reference level, `categories`, and columns that are no numbers; `orders` of their levels as in
    `levels_of`. Errors: FormulaError, NotEstimable.
    """
    reference, orders = reference or {}, orders or {}
    named = {*categories, *formula.categorical, *reference}
    variables: dict[str, Variable] = {}
    values: dict[str, np.ndarray] = {}
    unused: dict[str, tuple[str, ...]] = {}
    for name in formula.variables:
        if name in named or not is_number(frame[name], name):
            levels, values[name], unused[name] = levels_of(
                name, frame[name], reference.get(name), orders.get(name)
            )
            variables[name] = Variable(name, levels)
        else:
            values[name] = numbers(frame[name], name)
            variables[name] = Variable(name, mean=float(values[name].mean()))
    return variables, values, unused


def levels_of(
    name: str, values: Any, reference: str | None, order: Sequence[Any] | None = None
) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """Levels of a category as text, level numbers of the rows (-1 where missing), and declared
    levels that nobody has.

    The order is the one given; else that of pandas' categories; else natural: numbers by size, also
    within text. Categories that stand in the order of plain text and are not called ordered were
    not put there by anybody, so they are natural too. The reference level comes first. Errors:
    NotEstimable as `reading.labels`, FormulaError for a level that `order` lacks.
    """
    import pandas as pd

    series = values if hasattr(values, "dtype") else pd.Series(list(values), dtype=object)
    if isinstance(series.dtype, pd.CategoricalDtype):
        texts, place, are_numbers = labels(pd.Series(series.dtype.categories, dtype=object), name)
        codes = np.append(place, -1)[
            np.asarray(series.array.codes if hasattr(series, "array") else series.codes)
        ]
        declared = series.dtype.ordered or texts != sorted(texts)
        arranged = [*range(len(texts))] if declared else in_order(texts, are_numbers)
    else:
        texts, codes, are_numbers = labels(series, name)
        arranged = in_order(texts, are_numbers)
    if order is not None:
        texts, codes, arranged = _ordered(name, texts, codes, order)
    used = np.bincount(codes[codes >= 0], minlength=len(texts)) > 0
    unused = tuple(texts[i] for i in arranged if not used[i])
    arranged = [i for i in arranged if used[i]]
    if reference is not None:
        first = arranged[level_number(name, [texts[i] for i in arranged], reference)]
        arranged = [first, *(i for i in arranged if i != first)]
    moved = np.full(len(texts) + 1, -1, dtype=np.int64)
    moved[arranged] = np.arange(len(arranged))
    return tuple(texts[i] for i in arranged), moved[codes], unused


def _ordered(
    name: str, texts: list[str], codes: np.ndarray, order: Sequence[Any]
) -> tuple[list[str], np.ndarray, list[int]]:
    given = [text_of(each) for each in order]
    if lacking := [text for text in texts if text not in given]:
        raise FormulaError(f"{name}: the order that is given lacks {', '.join(lacking)}")
    if len(set(given)) < len(given):
        raise FormulaError(f"{name}: the order that is given has a level twice")
    place = np.array([given.index(text) for text in texts] + [-1], dtype=np.int64)
    return given, place[codes], [*range(len(given))]


def level_number(name: str, levels: Sequence[str], level: str | float) -> int:
    """Its place from 0; `level` as text, or as the number that the text stands for. Errors:
    FormulaError.
    """
    text = text_of(level)
    if text not in levels:
        raise FormulaError(f"{name}: there is no level {level!r}; there are {', '.join(levels)}")
    return levels.index(text)


def pairs_of(name: str, levels: Sequence[str], reference: str | None) -> list[tuple[int, int]]:
    """Every level against `reference`, or all pairs (later against earlier), by number."""
    if reference is None:
        return [(j, i) for i in range(len(levels)) for j in range(i + 1, len(levels))]
    against = level_number(name, levels, reference)
    return [(place, against) for place in range(len(levels)) if place != against]
