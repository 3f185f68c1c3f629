"""Proportional hazards by Cox's partial likelihood. Cox, J R Stat Soc B 1972;34:187.

Newton's method to convergence. Events at the same time by Efron's approximation (JASA 1977;72:557)
or Breslow's. Proportionality by the score test for coefficients that change with the Kaplan-Meier
transform of time, as cox.zph of survival 3 (Grambsch and Therneau, Biometrika 1994;81:515). An arm
without events, and whatever else leaves the likelihood without a maximum, is refused: see
`monotone`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .. import formula as formulas
from ..distributions import normal_quantile
from ..model_frame import NotEstimable, check_choice, check_columns, complete
from ..variation import NotConverged, check_magnitude, is_constant
from . import monotone
from .concordance import concordance
from .kaplan_meier import checked
from .partial_likelihood import Terms, terms

if TYPE_CHECKING:
    import pandas as pd

TIES = ("efron", "breslow")
MOST_STEPS = 50
MOST_HALVINGS = 30
ENOUGH = 1e-12  # of the expected gain in the log likelihood
FLAT = 1e-9  # of the most that one column tells: what is told less is told by rounding
# between two people's log hazards; an infinite estimate is further out before its steps are small
# enough to end
FAR = 10.0


class Monotone(NotEstimable):
    """The partial likelihood rises for ever, so that a hazard ratio is 0 or infinite; says of
    what.
    """


@dataclass(frozen=True)
class Test:
    """A chi-squared test that all coefficients are zero."""

    __test__ = False  # no test of pytest

    statistic: float
    df: int
    p: float


@dataclass(frozen=True)
class Cox:
    """`log_likelihood` (null, fitted); `left_out`: people with missing values. Frames are made anew
    at each asking.
    """

    design: formulas.Design
    time: np.ndarray
    event: np.ndarray
    x: np.ndarray
    beta: np.ndarray
    vcov: np.ndarray
    ties: str
    log_likelihood: tuple[float, float]
    score_test: Test
    left_out: int

    @property
    def n(self) -> int:
        return len(self.time)

    @property
    def events(self) -> int:
        return int(self.event.sum())

    @property
    def names(self) -> tuple[str, ...]:
        return self.design.names[1:]

    @property
    def coefficients(self) -> pd.DataFrame:
        """By term: estimate se z p hazard_ratio lower upper (the interval of the hazard ratio, 95
        %).
        """
        import pandas as pd
        from scipy.special import ndtr

        se = np.sqrt(np.diag(self.vcov))
        z, half = self.beta / se, normal_quantile(0.975) * se
        columns = {"estimate": self.beta, "se": se, "z": z, "p": 2 * ndtr(-np.abs(z))}
        with np.errstate(
            over="ignore"
        ):  # a hazard ratio for a step of one may be beyond any number
            limits = {"lower": np.exp(self.beta - half), "upper": np.exp(self.beta + half)}
            columns |= {"hazard_ratio": np.exp(self.beta), **limits}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="term"))

    @property
    def likelihood_ratio_test(self) -> Test:
        return _test(2 * (self.log_likelihood[1] - self.log_likelihood[0]), len(self.beta))

    @property
    def wald_test(self) -> Test:
        return _test(float(self.beta @ np.linalg.solve(self.vcov, self.beta)), len(self.beta))

    @cached_property
    def concordance(self) -> float:
        """The share of pairs in which the one with the greater hazard stopped first, ties of hazard
        as a half; NaN where nobody was still there when somebody stopped.
        """
        return concordance(self.time, self.event, self.x @ self.beta)

    def proportionality(self) -> pd.DataFrame:
        """By term, and GLOBAL: chi_squared df p, of no change of the coefficients over time."""
        import pandas as pd

        found = terms(self.time, self.event, self.x, self.beta, self.ties)
        moments = _transformed(self.time, self.event, found.at)
        gradient, information = found.by_time(moments)
        p = len(self.beta)
        of_column = np.array(self.design.term_of_column[1:])
        labels = [each.label for each in self.design.terms]
        tests = {}
        for label in [*labels, "GLOBAL"]:
            own = np.flatnonzero((of_column == label) | (label == "GLOBAL"))
            kept = np.concatenate([np.arange(p), p + own])
            score = np.concatenate([np.zeros(p), gradient[own]])
            statistic = float(score @ np.linalg.solve(information[np.ix_(kept, kept)], score))
            tests[label] = _test(statistic, len(own))
        rows = {
            name: [getattr(each, name) for each in tests.values()]
            for name in ("statistic", "df", "p")
        }
        return pd.DataFrame(rows, index=pd.Index(list(tests), name="term")).rename(
            columns={"statistic": "chi_squared"}
        )


def cox(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    formula: str,
    reference: Mapping[str, str] | None = None,
    ties: str = "efron",
) -> Cox:
    """`event`: 1 or true where somebody stopped at `time`; times that differ by rounding alone tie.

    Errors: NotEstimable (nobody stopped, columns that follow from others or do not differ while
    somebody stops), Monotone, NotConverged, UnknownTimes, formula.FormulaError,
    formula.UnknownColumn.
    """
    check_choice("ties", ties, TIES)
    parsed = formulas.parse(formula)
    needed = [time, event, *parsed.variables]
    check_columns(frame, needed)
    if lacking := set(reference or ()) - set(parsed.variables):
        raise formulas.UnknownColumn(
            f"reference names {', '.join(sorted(lacking))}, not in the formula"
        )
    if not parsed.terms:
        raise formulas.FormulaError("the formula names no variable")
    kept = complete(frame, needed)
    frame = frame.loc[kept]
    at, stopped = checked(frame[time], frame[event])
    if not stopped.any():
        raise NotEstimable("nobody had an event")
    variables, values, _ = formulas.coded(frame, parsed, reference)
    for name, variable in variables.items():
        if not variable.is_category and is_constant(values[name]):
            raise NotEstimable(f"{name} is the same for everybody")
    design = formulas.design(parsed, variables)
    x = design.matrix(values, len(frame))[:, 1:]
    for column, name in zip(x.T, design.names[1:], strict=True):
        check_magnitude(column, name)
    centre, scale = x.mean(axis=0), x.std(axis=0)
    _check_columns(x, scale, design)
    standard = (x - centre) / scale
    null = terms(at, stopped, standard, np.zeros(x.shape[1]), ties)
    found = _maximised(null, at, stopped, standard, ties)
    if found is None or np.ptp(standard @ found[1]) > FAR:
        _check_maximum(
            at, stopped, standard, design, _levels_without_events(variables, values, stopped)
        )
    if found is None:
        raise NotConverged(f"not converged after {MOST_STEPS} steps")
    best, beta = found
    score = float(null.score @ np.linalg.solve(null.information, null.score))
    vcov = np.linalg.inv(best.information) / np.outer(scale, scale)
    return Cox(
        design,
        at,
        stopped,
        x - centre,
        beta / scale,
        vcov,
        ties,
        (null.log_likelihood, best.log_likelihood),
        _test(score, len(beta)),
        int((~kept).sum()),
    )


def _check_columns(x: np.ndarray, scale: np.ndarray, design: formulas.Design) -> None:
    if not scale.all():
        raise NotEstimable(f"{design.names[1:][int(np.argmin(scale))]} is the same for everybody")
    if np.linalg.matrix_rank((x - x.mean(axis=0)) / scale) < x.shape[1]:
        raise NotEstimable("a column follows from the others; leave one out")


def _maximised(
    null: Terms, time: np.ndarray, event: np.ndarray, x: np.ndarray, ties: str
) -> tuple[Terms, np.ndarray] | None:
    """At the maximum, and where that is, for standardised columns; None where the steps do not end
    or nothing leads them.
    """
    beta, here = np.zeros(x.shape[1]), null
    told = float(np.linalg.eigvalsh(null.information)[-1])
    for _ in range(MOST_STEPS):
        if np.linalg.eigvalsh(here.information)[0] <= FLAT * told:
            return None
        step = np.linalg.solve(here.information, here.score)
        gain = float(here.score @ step)
        size = 1.0
        for _ in range(MOST_HALVINGS):
            there = terms(time, event, x, beta + size * step, ties)
            if there.log_likelihood >= here.log_likelihood - 1e-10 * abs(here.log_likelihood):
                break
            size /= 2
        beta, here = beta + size * step, there
        if gain < ENOUGH:
            return here, beta
    return None


def _check_maximum(
    time: np.ndarray, event: np.ndarray, x: np.ndarray, design: formulas.Design, without: str
) -> None:
    """NotEstimable where nobody differs from others while somebody stops, Monotone where the
    likelihood has no maximum.
    """
    found = monotone.comparisons(time, event, x)
    if found.rank < x.shape[1]:
        raise NotEstimable(
            without or "nobody differs from others in some column while somebody stops"
        )
    combination = monotone.endless_combination(found)
    if combination is None:
        return
    part = np.abs(combination) > 1e-6 * np.abs(combination).max()
    names = " and ".join(name for name, own in zip(design.names[1:], part, strict=True) if own)
    if part.sum() > 1:
        raise Monotone(
            f"the hazard ratios of {names} are 0 or infinite together{without and ': ' + without}"
        )
    end = "infinite" if combination[part][0] > 0 else "0"
    why = without or "of those still there, always the one at its end stopped"
    raise Monotone(f"the hazard ratio of {names} is {end}: {why}")


def _levels_without_events(
    variables: Mapping[str, formulas.Variable], values: Mapping[str, np.ndarray], event: np.ndarray
) -> str:
    """What to say of the levels of categories in which nobody stopped; empty where there are
    none.
    """
    said = []
    for name, variable in variables.items():
        counts = (
            np.bincount(values[name][event].astype(int), minlength=len(variable.levels))
            if variable.levels
            else ()
        )
        said += [
            f"{name} {level}"
            for level, count in zip(variable.levels, counts, strict=True)
            if not count
        ]
    return f"nobody in {', '.join(said)} had an event" if said else ""


def _transformed(time: np.ndarray, event: np.ndarray, at: np.ndarray) -> np.ndarray:
    """One minus the Kaplan-Meier share just before the times `at`, centred at its mean over the
    events.
    """
    different, number = np.unique(time, return_inverse=True)
    leaving = np.bincount(number)
    risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    left = np.cumprod(1 - np.bincount(number, weights=event) / risk)
    before = 1 - np.concatenate([[1.0], left])[np.searchsorted(different, at)]
    return before - before.mean()


def _test(statistic: float, df: int) -> Test:
    from scipy.special import chdtrc

    return Test(statistic, df, float(chdtrc(df, max(statistic, 0.0))))
