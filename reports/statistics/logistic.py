"""Logistic regression by a formula, and what it says of risks: standardisation over the people in
the model.

Maximum likelihood by Newton's method. Odds ratios have Wald intervals, or profile intervals (the
values that a likelihood ratio test does not reject; Venzon and Moolgavkar, Appl Stat 1988;37:87).
An odds ratio is hard to read and not collapsible, so `standardise` predicts everybody's risk under
each arm and averages (g-computation); its standard errors are by the delta method with the
covariates fixed. Robins 1986; Ge et al., Drug Inf J 2011;45:481; Steingrimsson et al., 2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .distributions import normal_quantile, normal_two_sided_p
from .model_frame import ModelFrame, NotEstimable, build, check_choice

if TYPE_CHECKING:
    import pandas as pd

MOST_STEPS = 50
FAR = 12.0  # beyond this log odds a fitted risk is called 0 or 1
SMALL = 1e-6
FLAT = 1e-12  # of the information in orthonormal columns, where a fair coin gives 0.25


class Separated(NotEstimable):
    """The columns tell who has the event without error, so the likelihood has no maximum; says
    which is the trouble.
    """


@dataclass(frozen=True)
class Risk:
    """A contrast of two standardised risks: a difference, or a ratio with its interval made on the
    log scale.
    """

    value: float
    se: float
    lower: float
    upper: float
    p: float


@dataclass(frozen=True)
class Standardised:
    """Risks if everybody in the model had been in the first or the second arm; `ratio.se` is of the
    natural logarithm.
    """

    first: str
    second: str
    risk1: float
    se1: float
    risk2: float
    se2: float
    difference: Risk
    ratio: Risk
    n: int


@dataclass(frozen=True)
class Logistic:
    """`beta` (p,) are log odds, `covariance_matrix` (p, p) theirs; frames are made anew at each
    asking.
    """

    data: ModelFrame
    beta: np.ndarray
    covariance_matrix: np.ndarray
    log_likelihood: float

    @property
    def n(self) -> int:
        return len(self.data.y)

    @property
    def events(self) -> int:
        return int(self.data.y.sum())

    @property
    def names(self) -> tuple[str, ...]:
        return self.data.names

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.data.warnings

    @property
    def deviance(self) -> float:
        return -2 * self.log_likelihood

    @property
    def aic(self) -> float:
        return self.deviance + 2 * len(self.beta)

    @property
    def vcov(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(
            self.covariance_matrix, index=list(self.names), columns=list(self.names)
        )

    @property
    def coefficients(self) -> pd.DataFrame:
        """Log odds by term: estimate se z p lower upper, 95 % Wald intervals."""
        import pandas as pd
        from scipy.special import ndtr

        se = np.sqrt(np.diag(self.covariance_matrix))
        z = self.beta / se
        half = normal_quantile(0.975) * se
        columns = {"estimate": self.beta, "se": se, "z": z, "p": 2 * ndtr(-np.abs(z))}
        index = pd.Index(self.names, name="term")
        return pd.DataFrame(
            {**columns, "lower": self.beta - half, "upper": self.beta + half}, index=index
        )

    def odds_ratios(self, confidence: float = 0.95, interval: str = "wald") -> pd.DataFrame:
        """By term: odds_ratio lower upper, by `interval` wald or profile (0 or infinite where a
        side has no limit).
        """
        import pandas as pd

        check_choice("interval", interval, ("wald", "profile"))
        z = normal_quantile((1 + confidence) / 2)
        half = z * np.sqrt(np.diag(self.covariance_matrix))
        limits = np.column_stack([self.beta - half, self.beta + half])
        if interval == "profile":
            limits = np.array(
                [
                    [self._profile_limit(j, side, z) for side in (-1, 1)]
                    for j in range(len(self.beta))
                ]
            )
        columns = {"odds_ratio": self.beta, "lower": limits[:, 0], "upper": limits[:, 1]}
        with np.errstate(
            over="ignore"
        ):  # odds far from the data, such as an intercept's, may be beyond any number
            return np.exp(pd.DataFrame(columns, index=pd.Index(self.names, name="term")))

    def _profile_limit(self, j: int, side: int, z: float) -> float:
        from scipy.optimize import brentq

        others = [k for k in range(len(self.beta)) if k != j]
        y, q = self.data.y, np.linalg.qr(self.data.x[:, others])[0]
        # What the other columns do not explain of this one: the profile is the same, and its search
        # starts close by.
        column = self.data.x[:, j] - q @ (q.T @ self.data.x[:, j])
        start = q.T @ (self.data.x @ self.beta)

        def fall(value: float) -> float:
            found = _maximised(q, y, column * value, start)
            return 2 * (self.log_likelihood - found.log_likelihood) - z * z

        se = math.sqrt(self.covariance_matrix[j, j])
        inside, step = float(self.beta[j]), z * se
        for _ in range(12):
            outside = inside + side * step
            if fall(outside) > 0:
                return float(
                    brentq(
                        fall,
                        min(inside, outside),
                        max(inside, outside),
                        xtol=1e-13 * max(1, se),
                        rtol=1e-14,
                    )
                )
            inside, step = outside, 2 * step
        return side * math.inf

    def standardise(
        self, arm: str, first: str, second: str, confidence: float = 0.95
    ) -> Standardised:
        """Risks of the event if everybody were in arm `first` or `second`. Errors:
        formula.FormulaError, UnknownColumn.
        """
        risk1, slope1 = self._average_risk(arm, first)
        risk2, slope2 = self._average_risk(arm, second)
        se1, se2 = self._delta(slope1), self._delta(slope2)
        z = normal_quantile((1 + confidence) / 2)
        difference, se = risk1 - risk2, self._delta(slope1 - slope2)
        p = normal_two_sided_p(difference / se)
        absolute = Risk(difference, se, difference - z * se, difference + z * se, p)
        ratio, se_log = risk1 / risk2, self._delta(slope1 / risk1 - slope2 / risk2)
        factor = math.exp(z * se_log)
        relative = Risk(
            ratio,
            se_log,
            ratio / factor,
            ratio * factor,
            normal_two_sided_p(math.log(ratio) / se_log),
        )
        return Standardised(first, second, risk1, se1, risk2, se2, absolute, relative, self.n)

    def _average_risk(self, arm: str, level: str) -> tuple[float, np.ndarray]:
        """The mean risk, and its derivative to the coefficients (p,)."""
        x = self.data.with_level(arm, level)
        risk = _expit(x @ self.beta)
        return float(risk.mean()), (risk * (1 - risk)) @ x / len(x)

    def _delta(self, slope: np.ndarray) -> float:
        return math.sqrt(float(slope @ self.covariance_matrix @ slope))


def fit(
    frame: pd.DataFrame, *, outcome: str, fixed: str, reference: Mapping[str, str] | None = None
) -> Logistic:
    """`outcome`: a column of 0 and 1 or truth values; rows with anything missing are left out.

    Errors: NotEstimable (too few people, everybody the same, columns that follow from others),
    Separated; formula.FormulaError, formula.UnknownColumn.
    """
    data = build(frame, outcome=outcome, fixed=fixed, reference=reference)
    y = data.y
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError(f"{outcome} has values other than 0 and 1")
    if y.all() or not y.any():
        raise NotEstimable(f"{outcome}: {'everybody' if y.all() else 'nobody'} has the event")
    if len(y) <= data.x.shape[1]:
        raise NotEstimable(f"{len(y)} people are too few for {data.x.shape[1]} coefficients")
    q, r = np.linalg.qr(data.x)
    found = _maximised(q, y, np.zeros(len(y)), np.zeros(q.shape[1]))
    _check_maximum(found, q, data)
    risk = _expit(q @ found.beta)
    inverse = np.linalg.inv(r)
    covariance = inverse @ np.linalg.inv((q * (risk * (1 - risk))[:, None]).T @ q) @ inverse.T
    return Logistic(data, np.linalg.solve(r, found.beta), covariance, found.log_likelihood)


@dataclass(frozen=True)
class _Maximum:
    """`left`: how far the next step would move the log odds of somebody; near 0 at a maximum, about
    1 where there is none.
    """

    beta: np.ndarray
    log_likelihood: float
    left: float


def _maximised(x: np.ndarray, y: np.ndarray, offset: np.ndarray, start: np.ndarray) -> _Maximum:
    """Newton's method with halved steps, until a step no longer matters."""
    beta, best, left = start, _log_likelihood(x @ start + offset, y), math.inf
    for _ in range(MOST_STEPS):
        risk = _expit(x @ beta + offset)
        information = (x * (risk * (1 - risk))[:, None]).T @ x
        score = x.T @ (y - risk)
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return _Maximum(beta, best, math.inf)
        left = float(np.abs(x @ step).max(initial=0.0))
        if left < 1e-14 or float(step @ score) < 1e-26:
            break
        fraction, value = 1.0, -math.inf
        while fraction > 1e-4:
            value = _log_likelihood(x @ (beta + fraction * step) + offset, y)
            if value >= best - 1e-12 * abs(best):
                break
            fraction /= 2
        else:
            break
        beta, best = beta + fraction * step, value
    return _Maximum(beta, best, left)


def is_separated(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a combination of the columns `x` (n, p) tells zeros and ones (n,) apart, so that the
    likelihood of independent outcomes has no maximum. One chance near 0 or 1 is no such thing.
    """
    q = np.linalg.qr(x)[0]
    return not _has_maximum(_maximised(q, y, np.zeros(len(y)), np.zeros(q.shape[1])), q)


def _has_maximum(found: _Maximum, q: np.ndarray) -> bool:
    risk = _expit(q @ found.beta)
    curvature = np.linalg.eigvalsh((q * (risk * (1 - risk))[:, None]).T @ q)[0]
    return found.left < SMALL and bool(curvature > FLAT)


def _check_maximum(found: _Maximum, q: np.ndarray, data: ModelFrame) -> None:
    """Where the columns separate, every step moves the log odds on by about one, and the likelihood
    goes on rising: until the curvature along the separation is lost in rounding, and a step of any
    length may come out.
    """
    if _has_maximum(found, q):
        return
    eta = q @ found.beta
    certain = int((np.abs(eta) > FAR).sum())
    # The column that the log odds, which run away along the separation, go with most.
    spread = data.x[:, 1:] - data.x[:, 1:].mean(axis=0)
    goes_with = np.abs(spread.T @ (eta - eta.mean())) / np.linalg.norm(spread, axis=0)
    worst = data.names[1 + int(np.argmax(goes_with))] if len(goes_with) else data.names[0]
    risks = f"{certain} people have a fitted risk of 0 or 1"
    raise Separated(f"{risks}: the model tells who has the event without error; look at {worst}")


def _log_likelihood(eta: np.ndarray, y: np.ndarray) -> float:
    return float((y * eta - np.logaddexp(0, eta)).sum())


def _expit(eta: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(eta)
