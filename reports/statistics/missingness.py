"""Who is missing when: patterns over visits, what predicts dropout, and whether the arms lose
people alike.

None of it can show that data are missing at random; it shows where that assumption is strained.
Little and Rubin, Statistical Analysis with Missing Data, 2019, chapter 1; Bell et al., BMJ
2013;346:e8668 (differential dropout).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import formula as formulas
from . import logistic
from .model_frame import NotEstimable, check_columns
from .proportions import Ratio, RiskDifference, ZeroCell, difference, risk_ratio
from .reading import is_known

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pattern:
    """`observed` by visit; `arms` counts its people by arm (empty without an arm)."""

    observed: tuple[bool, ...]
    n: int
    arms: Mapping[str, int]

    @property
    def is_monotone(self) -> bool:
        """Whether nobody comes back: once missing, missing from then on."""
        return list(self.observed) == sorted(self.observed, reverse=True)

    def __str__(self) -> str:
        return "".join("x" if seen else "." for seen in self.observed)


@dataclass(frozen=True)
class Patterns:
    """Most frequent first. `observed` by visit counts the people seen; `arms` the same by arm."""

    visits: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    n: int
    observed: Mapping[str, int]
    arms: Mapping[str, Mapping[str, int]]

    @property
    def complete(self) -> int:
        return sum(pattern.n for pattern in self.patterns if all(pattern.observed))

    @property
    def dropped_out(self) -> int:
        """People who stop and do not come back, also those never seen."""
        return sum(
            pattern.n
            for pattern in self.patterns
            if pattern.is_monotone and not all(pattern.observed)
        )

    @property
    def intermittent(self) -> int:
        return sum(pattern.n for pattern in self.patterns if not pattern.is_monotone)


@dataclass(frozen=True)
class DifferentialDropout:
    """First arm minus second, and first over second; the ratio is None where one arm lost
    nobody.
    """

    first: str
    second: str
    difference: RiskDifference
    ratio: Ratio | None


def patterns(frame: pd.DataFrame, visits: Sequence[str], arm: str | None = None) -> Patterns:
    """One row of `frame` a person, one column a visit in the order of time. Errors:
    formula.UnknownColumn, NotEstimable.
    """
    check_columns(frame, [*visits, *([arm] if arm else [])])
    if not len(frame):
        raise NotEstimable("there is nobody in the data")
    seen = np.column_stack([is_known(frame[visit], visit) for visit in visits])
    who = _by_arm(frame, arm)
    distinct, place = np.unique(seen, axis=0, return_inverse=True)
    found = [
        Pattern(
            tuple(bool(v) for v in row),
            int((place.ravel() == number).sum()),
            {name: int((mask & (place.ravel() == number)).sum()) for name, mask in who.items()},
        )
        for number, row in enumerate(distinct)
    ]
    ordered = tuple(
        sorted(found, key=lambda pattern: (-pattern.n, [not seen for seen in pattern.observed]))
    )
    observed = {visit: int(seen[:, i].sum()) for i, visit in enumerate(visits)}
    arms = {
        name: {visit: int(seen[mask, i].sum()) for i, visit in enumerate(visits)}
        for name, mask in who.items()
    }
    return Patterns(tuple(visits), ordered, len(frame), observed, arms)


def predictors(
    frame: pd.DataFrame, *, visit: str, fixed: str, reference: Mapping[str, str] | None = None
) -> logistic.Logistic:
    """Logistic regression of having no value at `visit` on `fixed`, among the people who have all
    of its variables.

    Errors: those of `logistic.fit`; NotEstimable where everybody or nobody is missing.
    """
    check_columns(frame, [visit])
    name = "missing"
    while name in frame.columns:
        name += "_"
    given = frame.assign(**{name: ~is_known(frame[visit], visit)})
    return logistic.fit(given, outcome=name, fixed=fixed, reference=reference)


def differential(
    frame: pd.DataFrame,
    *,
    visit: str,
    arm: str,
    first: str,
    second: str,
    method: str = "newcombe",
    confidence: float = 0.95,
) -> DifferentialDropout:
    """The share without a value at `visit` in two arms. Errors: formula.UnknownColumn, FormulaError
    for an arm nobody is in.
    """
    check_columns(frame, [visit, arm])
    who = _by_arm(frame, arm)
    levels = list(who)
    first, second = (levels[formulas.level_number(arm, levels, each)] for each in (first, second))
    gone = ~is_known(frame[visit], visit)
    counts = [
        int(n) for name in (first, second) for n in ((gone & who[name]).sum(), who[name].sum())
    ]
    x1, n1, x2, n2 = counts
    try:
        ratio: Ratio | None = risk_ratio(x1, n1, x2, n2, confidence)
    except ZeroCell:
        ratio = None
    return DifferentialDropout(first, second, difference(x1, n1, x2, n2, method, confidence), ratio)


def _by_arm(frame: pd.DataFrame, arm: str | None) -> dict[str, np.ndarray]:
    if arm is None:
        return {}
    levels, codes, _ = formulas.levels_of(arm, frame[arm], None)
    return {name: codes == number for number, name in enumerate(levels)}
