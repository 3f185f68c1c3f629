"""Any model on every imputed data set, and its estimates and joint tests pooled.

    fits = analyse(imputed, lambda frame: logistic.fit(frame, outcome="remission", fixed="bdi_pre +
    treatment"))
    fits["treatmentBtheB"].estimate, fits.coefficients, fits.test("treatment")
    analyse(imputed, lambda frame: logistic.fit(frame, ...)
            .standardise("treatment", "BtheB", "TAU"))["risk difference"]
    analyse(imputed, lambda frame: mmrm.fit(to_long(frame), ...)
            .contrasts("treatment", by="month", reference="TAU"))

A model gives `Quantities`, or anything that `quantities` understands: a fit of this library, a
frame of its estimates, standardised risks, one estimate with its error. Estimates and errors: Rubin
1987, with the degrees of freedom that the model would have without gaps (Barnard and Rubin,
Biometrika 1999;86:948). Joint tests:

    D2   of the Wald statistics alone (Li, Meng, Raghunathan and Rubin, Stat Sin 1991;1:65): needs
         no more than a statistic of
         each data set, and is the rougher for it
    D1   of estimates and their covariances, the share of missing information being alike in all
         directions (Li, Raghunathan
         and Rubin, J Am Stat Assoc 1991;86:1065), in small samples with Reiter's degrees of freedom
         (Biometrika 2007;94:502)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ancova
from ..formula import Design
from ..logistic import Standardised
from ..proportions import Ratio, RiskDifference
from ..t_tests import TTest
from ..variation import NotConverged, NotEstimable
from ..wald import FTest, independent, tested
from .columns import Imputed
from .pooling import NotPoolable, Pooled, pool

if TYPE_CHECKING:
    import pandas as pd

D1, D2 = "d1", "d2"


@dataclass(frozen=True)
class Quantities:
    """What a model says of one data set: `estimates` (k,) by name, their standard errors `se` (k,),
    the degrees of freedom `df` (k,) with which their t would be tested, infinite for normal
    intervals, and, where it is known, their `covariance` (k, k). `hypothesis` gives the rows (r, k)
    that a term of the model says are zero.
    """

    names: tuple[str, ...]
    estimates: np.ndarray
    se: np.ndarray
    df: np.ndarray
    covariance: np.ndarray | None = None
    hypothesis: Callable[[str], np.ndarray] | None = None


@dataclass(frozen=True)
class PooledFit:
    """`pooled` by the name of the quantity; `quantities` of every data set."""

    pooled: Mapping[str, Pooled]
    quantities: tuple[Quantities, ...]

    def __getitem__(self, name: str) -> Pooled:
        return self.pooled[name]

    @property
    def names(self) -> tuple[str, ...]:
        return self.quantities[0].names

    @property
    def m(self) -> int:
        return len(self.quantities)

    @property
    def coefficients(self) -> pd.DataFrame:
        """Frame by name: estimate se df t p lower upper riv fmi."""
        import pandas as pd

        columns = ("estimate", "se", "df", "t", "p", "lower", "upper", "riv", "fmi")
        found = [[getattr(each, column) for column in columns] for each in self.pooled.values()]
        return pd.DataFrame(found, index=pd.Index(self.names, name="term"), columns=list(columns))

    def test(self, of: str | Sequence[str], method: str = D2) -> FTest:
        """Joint F test that a term of the model, or these quantities, are zero. Errors: NotPoolable
        where their covariance is not known, KeyError for a name that is not there.
        """
        return self.combined(self._rows(of), method)

    def combined(self, combinations: np.ndarray, method: str = D2) -> FTest:
        """Joint F test that the rows of `combinations` (r, k), in the order of `names`, are
        zero.
        """
        if method not in (D1, D2):
            raise ValueError(f"method {method!r} is not known; use {D1} or {D2}")
        rows = independent(np.atleast_2d(combinations))
        if not len(rows):
            raise ValueError("there is nothing to test: every combination is zero")
        q, u = self._estimates @ rows.T, rows @ self._covariances @ rows.T
        if method == D2:
            statistics = [
                float(own @ np.linalg.solve(spread, own)) for own, spread in zip(q, u, strict=True)
            ]
            return pool_tests(statistics, len(rows))
        return _d1(q, u, float(np.mean([each.df[_used(rows)].min() for each in self.quantities])))

    def _rows(self, of: str | Sequence[str]) -> np.ndarray:
        first = self.quantities[0]
        if isinstance(of, str) and of not in first.names and first.hypothesis is not None:
            return first.hypothesis(of)
        names = [of] if isinstance(of, str) else list(of)
        if lacking := [name for name in names if name not in first.names]:
            raise KeyError(f"there is no {', '.join(lacking)}; there are {', '.join(first.names)}")
        return np.eye(len(first.names))[[first.names.index(name) for name in names]]

    @cached_property
    def _estimates(self) -> np.ndarray:
        return np.stack([each.estimates for each in self.quantities])

    @cached_property
    def _covariances(self) -> np.ndarray:
        found = [each.covariance for each in self.quantities]
        if any(each is None for each in found):
            raise NotPoolable(
                "what was analysed gives no covariance, so nothing can be tested together; "
                "pool_tests may do"
            )
        return np.stack([np.asarray(each) for each in found])


def analyse(
    imputed: Imputed | Iterable[pd.DataFrame],
    model: Callable[[pd.DataFrame], Any],
    *,
    complete_df: float | None = None,
    confidence: float = 0.95,
) -> PooledFit:
    """`model` on every completed data set, pooled. `complete_df` goes before the degrees of freedom
    that the model gives.

    Errors: NotPoolable with the number of the data set (from 1) in which the model cannot be
    fitted, or says other things than in the first.
    """
    fits = []
    for number, frame in enumerate(
        imputed.frames() if isinstance(imputed, Imputed) else imputed, 1
    ):
        try:
            fits.append(quantities(model(frame)))
        except (NotEstimable, NotConverged) as reason:
            raise NotPoolable(f"imputation {number}: {reason}") from reason
    return pool_fits(fits, complete_df=complete_df, confidence=confidence)


def pool_fits(
    fits: Iterable[Any], *, complete_df: float | None = None, confidence: float = 0.95
) -> PooledFit:
    """The models that were fitted to all imputed data sets, pooled. Arguments and errors as
    `analyse`.
    """
    found = tuple(quantities(each) for each in fits)
    if len(found) < 2:
        raise NotPoolable(f"{len(found)} fits: pooling needs at least two")
    names = found[0].names
    for number, each in enumerate(found, 1):
        if each.names != names:
            apart = ", ".join(sorted({*each.names} ^ {*names})) or "another order"
            raise NotPoolable(f"imputation {number} has other quantities than the first: {apart}")
    pooled = {}
    for j, name in enumerate(names):
        # As if nothing were missing: where every data set has its own (Satterthwaite,
        # Kenward-Roger), their mean.
        df = float(np.mean([each.df[j] for each in found])) if complete_df is None else complete_df
        estimates = [each.estimates[j] for each in found]
        variances = [each.se[j] ** 2 for each in found]
        pooled[name] = pool(estimates, variances, complete_df=df, confidence=confidence)
    return PooledFit(pooled, found)


def pool_tests(statistics: Sequence[float], df1: int) -> FTest:
    """D2: Wald or likelihood-ratio statistics, chi-squared with `df1` degrees of freedom, one of
    each imputed data set.

    Li, Meng, Raghunathan and Rubin 1991, with r from the spread of the roots of the statistics.
    Errors: NotPoolable.
    """
    d = np.asarray(statistics, dtype=float)
    m = len(d)
    if m < 2 or df1 < 1:
        raise NotPoolable(
            f"{m} statistics with {df1} degrees of freedom: pooling needs two and one at least"
        )
    if not np.isfinite(d).all() or (d < 0).any():
        raise NotPoolable("a statistic is not a number, or below zero")
    r = (1 + 1 / m) * float(np.sqrt(d).var(ddof=1))
    statistic = max(0.0, (float(d.mean()) / df1 - (m + 1) / (m - 1) * r) / (1 + r))
    df2 = df1 ** (-3 / m) * (m - 1) * (1 + 1 / r) ** 2 if r > 0 else math.inf
    return tested(statistic, df1, df2)


def _d1(q: np.ndarray, u: np.ndarray, complete_df: float) -> FTest:
    """`q` (m, k) and `u` (m, k, k)."""
    m, k = q.shape
    mean, within = q.mean(axis=0), u.mean(axis=0)
    if k == 1:
        found = pool(q[:, 0], u[:, 0, 0], complete_df=complete_df)
        return tested(found.t**2, 1, found.df)
    between = np.atleast_2d(np.cov(q, rowvar=False))
    r = (1 + 1 / m) * float(np.trace(np.linalg.solve(within, between))) / k
    statistic = float(mean @ np.linalg.solve(within, mean)) / k / (1 + r)
    t = k * (m - 1)
    if r <= 0:
        return tested(statistic, k, complete_df)
    if math.isinf(complete_df):
        if t > 4:
            return tested(statistic, k, 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2)
        return tested(statistic, k, t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2)
    return tested(statistic, k, _reiter(r, t, complete_df, m, k))


def _reiter(r: float, t: int, complete_df: float, m: int, k: int) -> float:
    """The denominator's degrees of freedom in small samples (Reiter 2007, equations 1 and 2)."""
    a = r * t / (t - 2) if t > 2 else math.inf
    observed = complete_df * (complete_df + 1) / (complete_df + 3)
    c1, c2 = observed - 2 * (1 + a), observed - 4 * (1 + a)
    if t <= 4 or c2 <= 0:
        raise NotPoolable(
            f"{m} imputations, or {complete_df:g} degrees of freedom, are too few for D1 of {k}; "
            f"use D2"
        )
    shared = c1 / ((1 + a) ** 2 * c2) + 8 * c1 / ((1 + a) * c2**2) + 4 / ((1 + a) * c2)
    shared += 4 / (c2 * c1) + 16 * c1 / c2**3 + 8 / c2**2
    return 4 + 1 / (1 / c2 + a**2 * shared / (t - 4))


def _used(rows: np.ndarray) -> np.ndarray:
    return np.abs(rows).max(axis=0) > 0


def quantities(found: Any) -> Quantities:
    """What a model says, to be pooled: `Quantities` as they are; a fit with `names`, `beta` and
    `vcov`; a frame with columns estimate and se (and df), named by its other columns of text or its
    index; an analysis of covariance; a t test; standardised risks and a difference of risks with
    the error of Wald's interval; ratios as logarithms; anything with `estimate` and `se` (and
    `df`). Errors: TypeError.
    """
    if isinstance(found, Quantities):
        return found
    if isinstance(found, Standardised):
        return _of_risks(found)
    if isinstance(found, ancova.Fit):
        covariance = np.array(found.covariance)
        estimates = np.array(found.coefficients)
        df = np.full(len(estimates), float(found.df))
        return Quantities(found.names, estimates, np.sqrt(np.diag(covariance)), df, covariance)
    if isinstance(found, TTest):
        return _one("difference", found.difference, found.se, found.df)
    if isinstance(found, RiskDifference):
        return _one("risk difference", found.value, found.se)
    if isinstance(found, Ratio):
        return _one("log ratio", math.log(found.value), found.se_log)
    if hasattr(found, "beta") and hasattr(found, "vcov") and hasattr(found, "names"):
        return _of_fit(found)
    if hasattr(found, "columns") and {"estimate", "se"} <= set(found.columns):
        return _of_frame(found)
    if hasattr(found, "estimate") and hasattr(found, "se"):
        return _one("estimate", found.estimate, found.se, getattr(found, "df", math.inf))
    raise TypeError(
        f"{type(found).__name__} has neither coefficients nor an estimate with its standard error"
    )


def _one(name: str, estimate: float, se: float, df: float = math.inf) -> Quantities:
    return Quantities((name,), np.array([estimate]), np.array([se]), np.array([df], dtype=float))


def _of_fit(found: Any) -> Quantities:
    names = tuple(found.names)
    covariance = np.asarray(found.vcov, dtype=float)
    table = found.coefficients
    df = (
        np.asarray(table["df"], dtype=float)
        if "df" in table.columns
        else np.full(len(names), math.inf)
    )
    design = getattr(found, "design", None) or getattr(getattr(found, "data", None), "design", None)
    known = None if design is None else partial(_hypothesis, design, len(names))
    return Quantities(
        names,
        np.asarray(found.beta, dtype=float),
        np.asarray(table["se"], dtype=float),
        df,
        covariance,
        known,
    )


def _hypothesis(design: Design, k: int, term: str) -> np.ndarray:
    """Of the last `k` columns: a Cox model has a design with an intercept, and no coefficient of
    it.
    """
    rows = design.hypothesis(term)
    return rows[:, rows.shape[1] - k :]


def _of_frame(found: pd.DataFrame) -> Quantities:
    words = [
        name
        for name in found.columns
        if found[name].map(lambda value: isinstance(value, str)).all()
    ]
    rows = found[words].itertuples(index=False) if words else [(str(each),) for each in found.index]
    names = tuple(" ".join(row) for row in rows)
    if len(set(names)) < len(names):
        raise TypeError(
            f"the rows of a frame have names of their own; there are two "
            f"{max(names, key=names.count)!r}"
        )
    df = (
        found["df"].to_numpy(dtype=float)
        if "df" in found.columns
        else np.full(len(found), math.inf)
    )
    return Quantities(
        names, found["estimate"].to_numpy(dtype=float), found["se"].to_numpy(dtype=float), df
    )


def _of_risks(found: Standardised) -> Quantities:
    names = (f"risk {found.first}", f"risk {found.second}", "risk difference", "log risk ratio")
    estimates = [found.risk1, found.risk2, found.difference.value, math.log(found.ratio.value)]
    se = np.array([found.se1, found.se2, found.difference.se, found.ratio.se])
    return Quantities(names, np.array(estimates), se, np.full(4, math.inf))
