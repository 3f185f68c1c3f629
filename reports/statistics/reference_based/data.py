"""A trial as arrays of people by visits: what was seen, what the imputation model may use, what is
to be imputed and how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import formula as formulas
from ..mmrm import Duplicate, NotEstimable
from ..model_frame import as_numbers, check_columns
from ..reading import are_numbered, codes_of, labels
from .imputation import LAST_MEAN, MAR, STRATEGIES, Incomplete

if TYPE_CHECKING:
    import pandas as pd

TREATMENT_POLICY = "treatment-policy"
HYPOTHETICAL = "hypothetical"


class UnknownStrategy(ValueError):
    """A strategy that is not there, one that cannot be followed for somebody, or an event without a
    strategy.
    """


class NotBaseline(ValueError):
    """A covariate is missing for somebody, or differs between the visits of one person."""


@dataclass(frozen=True)
class Composite:
    """The event is itself an outcome: from it on every value, seen or not, is `value` (in units of
    the outcome).
    """

    value: float


# Of ICH E9(R1): `treatment-policy` uses what was seen after the event; `hypothetical` sets it
# aside; both impute the rest under MAR. By the others what was seen after the event is kept for the
# analysis, but the imputation model does not learn from it.
Strategy = str | Composite


@dataclass(frozen=True)
class Trial:
    """n people by m visits. `y` (n, m) with nan where missing; `learns` (n, m): which values the
    imputation model sees.

    `arm_of` (n,) numbers of `arms`, the control first; `before` (n,) how many visits precede the
    event, m without one; `delta_places` (n, m): imputed at or after an event. `baseline` has a row
    per person.
    """

    subjects: tuple[str, ...]
    visits: tuple[str, ...]
    arms: tuple[str, ...]
    arm_of: np.ndarray
    y: np.ndarray
    learns: np.ndarray
    before: np.ndarray
    methods: tuple[str, ...]
    baseline: pd.DataFrame

    @property
    def missing(self) -> np.ndarray:
        return np.isnan(self.y)

    @property
    def places(self) -> list[dict[str, str]]:
        """Visits by arms, the arms fastest."""
        return [{"visit": visit, "arm": arm} for visit in self.visits for arm in self.arms]

    @property
    def comparisons(self) -> list[dict[str, str]]:
        """Visits by arms but the control, the arms fastest."""
        return [
            {"visit": visit, "arm": arm, "contrast": f"{arm} - {self.arms[0]}"}
            for visit in self.visits
            for arm in self.arms[1:]
        ]

    @property
    def delta_places(self) -> np.ndarray:
        return self.missing & (np.arange(len(self.visits)) >= self.before[:, None])

    def incomplete(self, group: np.ndarray, reference_group: np.ndarray) -> tuple[Incomplete, ...]:
        """People who are imputed alike; for each arm its covariance and that of the arm it is
        likened to.
        """
        found: dict[tuple[str, int, bytes, int], list[int]] = {}
        for person in np.flatnonzero(self.missing.any(axis=1)):
            key = (
                self.methods[person],
                int(self.before[person]),
                self.missing[person].tobytes(),
                int(self.arm_of[person]),
            )
            found.setdefault(key, []).append(int(person))
        return tuple(
            Incomplete(
                np.array(people),
                method,
                before,
                self.missing[people[0]],
                int(group[arm]),
                int(reference_group[arm]),
            )
            for (method, before, _, arm), people in found.items()
        )


def arrange(
    frame: pd.DataFrame,
    *,
    outcome: str,
    subject: str,
    visit: str,
    arm: str,
    control: str,
    variables: Sequence[str],
    strategies: Strategy | Mapping[str, Strategy],
    events: pd.DataFrame | None,
    order: Sequence[Any] | None = None,
) -> Trial:
    """`variables` are the covariates of all formulas; `order` that of the visits, where the natural
    one will not do. See `conditional_mean` for the others. Errors: UnknownStrategy, NotBaseline,
    Duplicate, NotEstimable, formula.UnknownColumn, formula.FormulaError.
    """
    check_columns(frame, (outcome, subject, visit, arm, *variables))
    subjects, rows, visits, columns = _places(frame, subject, visit, order)
    y = np.full((len(subjects), len(visits)), np.nan)
    y[rows, columns] = as_numbers(frame[outcome], outcome)
    if nobody := [visits[j] for j in np.flatnonzero(np.isnan(y).all(axis=0))]:
        raise NotEstimable(f"nobody was seen at {visit} {', '.join(nobody)}")
    baseline = _baseline(frame, rows, subjects, list(dict.fromkeys([arm, *variables])))
    arms, arm_of, _ = formulas.levels_of(arm, baseline[arm], control)
    seen = ~np.isnan(y)
    before, kinds = _events(seen, subjects, visits, events, strategies)
    learns = seen.copy()
    methods = []
    for person, kind in enumerate(kinds):
        after = slice(int(before[person]), None)
        methods.append(_followed(kind, y[person, after], learns[person, after]))
        if methods[-1] == LAST_MEAN and not before[person]:
            raise UnknownStrategy(
                f"subject {subjects[person]}: there is no visit before the event whose mean to "
                f"carry forward"
            )
    return Trial(subjects, visits, arms, arm_of, y, learns, before, tuple(methods), baseline)


def _places(
    frame: pd.DataFrame, subject: str, visit: str, order: Sequence[Any] | None
) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...], np.ndarray]:
    found, rows, _ = labels(frame[subject], subject)
    subjects = tuple(found)
    visits, columns, _ = formulas.levels_of(visit, frame[visit], None, order)
    if (rows < 0).any() or (columns < 0).any():
        raise NotEstimable(f"a row has no {subject if (rows < 0).any() else visit}")
    declared = order is not None or getattr(frame[visit].dtype, "ordered", False) is True
    if not (declared or are_numbered(visits)):
        raise NotEstimable(
            f"{visit}: the order of {', '.join(visits)} does not follow from the text, and what is "
            f"imputed hangs on it; give `visits`, or an ordered category"
        )
    flat = rows * len(visits) + columns
    if len(twice := np.flatnonzero(np.bincount(flat) > 1)):
        person, place = divmod(int(twice[0]), len(visits))
        raise Duplicate(f"subject {subjects[person]} has two rows at {visit} {visits[place]}")
    return subjects, rows, visits, columns


def _baseline(
    frame: pd.DataFrame, rows: np.ndarray, subjects: Sequence[str], names: list[str]
) -> pd.DataFrame:
    first = np.unique(rows, return_index=True)[1]
    for name in names:
        codes = codes_of(frame[name], name)
        if len(bad := np.flatnonzero(codes < 0)):
            raise NotBaseline(f"{name} is missing for subject {subjects[rows[bad[0]]]}")
        if len(bad := np.flatnonzero(codes != codes[first][rows])):
            raise NotBaseline(
                f"{name} differs between the visits of subject {subjects[rows[bad[0]]]}"
            )
    return frame.iloc[first][names].reset_index(drop=True)


def _events(
    seen: np.ndarray,
    subjects: Sequence[str],
    visits: Sequence[str],
    events: pd.DataFrame | None,
    strategies: Strategy | Mapping[str, Strategy],
) -> tuple[np.ndarray, list[Strategy]]:
    """How many visits precede each person's event, and the strategy for it; without `events` it
    follows the last value.
    """
    n, m = seen.shape
    if events is None:
        if isinstance(strategies, Mapping):
            raise UnknownStrategy("strategies by kind of event need events")
        before = np.where(seen.any(axis=1), m - seen[:, ::-1].argmax(axis=1), 0)
        return before, [strategies if at < m else MAR for at in before]
    if lacking := {"subject", "visit", "event"} - set(events.columns):
        raise formulas.UnknownColumn(f"events: there is no column {', '.join(sorted(lacking))}")
    before = np.full(n, m)
    kinds: list[Strategy] = [MAR] * n
    place_of = {name: i for i, name in enumerate(subjects)}
    visit_of = {name: j for j, name in enumerate(visits)}
    for who, when, kind in events[["subject", "visit", "event"]].itertuples(index=False):
        person, place = place_of.get(formulas.text_of(who)), visit_of.get(formulas.text_of(when))
        if person is None or place is None:
            raise UnknownStrategy(
                f"an event of subject {who} at visit {when}: no such "
                f"{'subject' if person is None else 'visit'}"
            )
        if before[person] < m:
            raise UnknownStrategy(
                f"subject {who} has two events; the strategy for a second one is not defined"
            )
        strategy = strategies.get(str(kind)) if isinstance(strategies, Mapping) else strategies
        if strategy is None:
            raise UnknownStrategy(f"no strategy is given for {kind!r}")
        before[person], kinds[person] = place, strategy
    return before, kinds


def _followed(strategy: Strategy, values: np.ndarray, learns: np.ndarray) -> str:
    """Change in place what follows the event, and say how the rest is imputed."""
    if isinstance(strategy, Composite):
        values[:], learns[:] = strategy.value, False
        return MAR
    if strategy == HYPOTHETICAL:
        values[:], learns[:] = np.nan, False
        return MAR
    if strategy in (TREATMENT_POLICY, MAR):
        return MAR
    if strategy not in STRATEGIES:
        known = ", ".join((TREATMENT_POLICY, HYPOTHETICAL, *STRATEGIES))
        raise UnknownStrategy(f"{strategy!r} is no strategy; use Composite or one of {known}")
    learns[:] = False
    return strategy
