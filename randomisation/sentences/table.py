"""The table of operating characteristics: its columns in words, its figures as text, and the file
of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from randomisation.assessment import Characteristics, Compared, Estimate
from randomisation.sentences import rules
from randomisation.sentences.numbers import figure, per_cent


@dataclass(frozen=True)
class Column:
    """`name` is a field of Characteristics, and the head of the column in a file."""

    name: str
    head: str | Promise
    meaning: str | Promise
    kind: Literal["share", "people"] = "people"


COLUMNS = (
    Column(
        "correct",
        gettext_lazy("Guessed right"),
        gettext_lazy(
            "The expected share of right guesses by somebody who always names the arm with the "
            "fewest so far, relative to "
            "the ratio, in the stratum of the newcomer; at a tie by the ratio. For a rule that "
            "looks across strata, by the "
            "best of those who count overall, in a stratum, or at one level of one factor."
        ),
        "share",
    ),
    Column(
        "deterministic",
        gettext_lazy("Certain"),
        gettext_lazy(
            "The share of allocations that are certain for who knows the rule and whom went before."
        ),
        "share",
    ),
    Column(
        "imbalance",
        gettext_lazy("Imbalance at the end"),
        gettext_lazy(
            "The expected difference between the arms overall, in people. For an unequal ratio or "
            "more arms: the largest "
            "difference between numbers divided by their share."
        ),
    ),
    Column(
        "furthest",
        gettext_lazy("Largest on the way"),
        gettext_lazy("The expected largest such difference at any moment."),
    ),
    Column(
        "deviation",
        gettext_lazy("SD at the end"),
        gettext_lazy("The standard deviation of the difference at the end."),
    ),
    Column(
        "within",
        gettext_lazy("In a stratum, at the end"),
        gettext_lazy("The expected difference between the arms in the average stratum."),
    ),
    Column(
        "lost",
        gettext_lazy("People lost"),
        gettext_lazy(
            "How many people fewer, in perfect balance, would tell as much: D² / n for two arms "
            "1:1, from the variance of a "
            "difference of means (Lachin 1988; Atkinson 2002)."
        ),
    ),
    Column(
        "lost_within",
        gettext_lazy("Lost within strata"),
        gettext_lazy("The same where every stratum has a term of its own in the model."),
    ),
    Column(
        "power",
        gettext_lazy("Power"),
        gettext_lazy("The expected power at the planned difference, of a two-sided z-test at 5%."),
        "share",
    ),
)


MOST_PLACES = 6


@dataclass(frozen=True)
class Cell:
    text: str
    error: str  # plus or minus the Monte-Carlo standard error; empty where it is exact


@dataclass(frozen=True)
class Row:
    number: int
    label: str
    is_own: bool
    cells: tuple[
        Cell, ...
    ]  # one for each column; none where there are too many blocks to go through
    found: Characteristics | None

    @property
    def ratio(self) -> str:
        """Whether the ratio is kept at every step."""
        if self.found is None:
            return "–"
        if self.found.keeps_ratio:
            return _("kept")
        return _("off by %(points)s points") % {"points": figure(100 * self.found.off_ratio, 1)}

    @property
    def balanced(self) -> str:
        """The power in perfect balance."""
        return "" if self.found is None else per_cent(self.found.balanced_power)

    @property
    def steps(self) -> list[str]:
        """The chance of the first arm at the first allocations."""
        return [] if self.found is None else [figure(step[0], 3) for step in self.found.steps]


def table(compared: Iterable[Compared]) -> list[Row]:
    return [
        Row(number, rules.in_full(each.plan), each.is_own, _cells(each.found), each.found)
        for number, each in enumerate(compared, 1)
    ]


def _cells(found: Characteristics | None) -> tuple[Cell, ...]:
    return (
        ()
        if found is None
        else tuple(_cell(getattr(found, column.name), column.kind) for column in COLUMNS)
    )


def _cell(estimate: Estimate, kind: str) -> Cell:
    if kind == "share":
        return Cell(per_cent(estimate.value), _error(100 * estimate.error, 1))
    return Cell(figure(estimate.value, 2), _error(estimate.error, 2))


def _error(error: float, places: int) -> str:
    if not error:
        return ""
    while not round(error, places) and places < MOST_PLACES:
        places += 1  # ± 0.0 would say that it is exact
    return f"± {figure(error, places)}"


def as_csv(compared: Iterable[Compared]) -> str:
    """One line a design; names of columns and numbers for a machine, with a point and unrounded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    names = [column.name for column in COLUMNS]
    heads = [head for name in names for head in (name, f"{name}_se")]
    writer.writerow(
        ["design", "own", "n", "strata", "simulated_trials", *heads, "balanced_power", "off_ratio"]
    )
    for each in compared:
        writer.writerow(_line(each, names))
    return out.getvalue()


def _line(each: Compared, names: Sequence[str]) -> list[object]:
    found, start = each.found, [rules.in_full(each.plan), "yes" if each.is_own else "no"]
    if found is None:
        return [*start, *[""] * (5 + 2 * len(names))]
    estimates = [getattr(found, name) for name in names]
    figures = [number for each in estimates for number in (each.value, each.error)]
    return [
        *start,
        found.n,
        found.strata,
        found.draws,
        *figures,
        found.balanced_power,
        found.off_ratio,
    ]
