"""Quantiles and tails of common distributions, from scipy.special (scipy.stats is slow to
import).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

STEEP = 1.0  # t times the standard deviation of the spread, which is about 1 / sqrt(2 df)
FAR = 9.0  # standard deviations: beyond them lies less than 1e-18


class NoConfidence(ValueError):
    """A confidence, or another probability, that does not lie between 0 and 1: 95 % is 0.95."""


def check_confidence(confidence: float) -> None:
    """NoConfidence unless it is a share from 0 to 1."""
    if not 0 <= confidence <= 1:
        raise NoConfidence(f"a confidence is a share from 0 to 1, such as 0.95, not {confidence}")


def t_quantile(p: float, df: float) -> float:
    """Of Student's t: below it lies a share `p`. Errors: NoConfidence."""
    from scipy.special import stdtrit

    _check_share(p)
    return float(stdtrit(df, p))


def t_two_sided_p(t: float, df: float) -> float:
    """P(|T| >= |t|) of Student's t."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))


def normal_quantile(p: float) -> float:
    """Of the standard normal: below it lies a share `p`. Errors: NoConfidence."""
    from scipy.special import ndtri

    _check_share(p)
    return float(ndtri(p))


def _check_share(p: float) -> None:
    if not 0 <= p <= 1:
        raise NoConfidence(f"a share of {p} is none: a confidence of 95 % is 0.95")


def normal_two_sided_p(z: float) -> float:
    """P(|Z| >= |z|) of the standard normal."""
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def chi_squared_p(statistic: float, df: float) -> float:
    """P(X >= statistic)."""
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic))


def f_p(statistic: float, df1: float, df2: float) -> float:
    """P(F >= statistic)."""
    from scipy.special import fdtrc

    return float(fdtrc(df1, df2, statistic))


def noncentral_t_cdf(t: float, df: float, noncentrality: float) -> float:
    """P(T <= t): the normal probability given the spread, integrated over the spread's chi
    distribution.

    Where t is so large that the normal probability is a step in the spread, the chi probability is
    integrated over the normal instead. Composite Gauss-Legendre, absolute error below 1e-13.
    scipy.special.nctdtr is NaN in the far tails.
    """
    from scipy.special import ndtr

    if abs(t) > STEEP * math.sqrt(2 * df):
        below = _far_noncentral_t_cdf(abs(t), df, math.copysign(noncentrality, noncentrality * t))
        return below if t > 0 else 1 - below
    spread, weight = _chi_nodes(df)
    return float(weight @ ndtr(t * spread - noncentrality))


def _far_noncentral_t_cdf(t: float, df: float, noncentrality: float) -> float:
    """For t above zero: the chance that the spread is at least (Z + noncentrality) / t, which it is
    where that is negative.
    """
    from scipy.special import chdtrc, ndtr

    low = max(-FAR, -noncentrality)
    if low >= FAR:
        return 1.0
    edges = np.linspace(low, FAR, 2 * math.ceil(FAR - low) + 1)
    unit, unit_weight = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges)[:, None] / 2
    z = (edges[:-1, None] + half * (1 + unit)).ravel()
    weight = (half * unit_weight).ravel() * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    at_least = chdtrc(df, df * (np.maximum(z + noncentrality, 0.0) / t) ** 2)
    return float(ndtr(low) + weight @ at_least)


@lru_cache(maxsize=8)
def _chi_nodes(df: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes over the square root of chi-squared / df within twelve of its standard deviations, and
    density x weight.
    """
    deviation = 1 / math.sqrt(2 * df)
    edges = np.linspace(max(0.0, 1 - 12 * deviation), 1 + 12 * deviation, 49)
    unit, unit_weight = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges)[:, None] / 2
    s = (edges[:-1, None] + half * (1 + unit)).ravel()
    constant = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    density = np.exp(constant + (df - 1) * np.log(s) - df * s**2 / 2)
    weight = (half * unit_weight).ravel() * density
    return s, weight / weight.sum()


def noncentrality_interval(t: float, df: float, confidence: float = 0.95) -> tuple[float, float]:
    """The noncentralities under which `t` is a quantile (1 + confidence) / 2 and (1 - confidence) /
    2.
    """
    from scipy.optimize import brentq

    check_confidence(confidence)

    def at(p: float) -> float:
        width = 6 + 2 * abs(t)
        while noncentral_t_cdf(t, df, t + width) > p or noncentral_t_cdf(t, df, t - width) < p:
            width *= 2
        return float(
            brentq(
                lambda nc: noncentral_t_cdf(t, df, nc) - p,
                t - width,
                t + width,
                xtol=1e-14,
                rtol=1e-15,
            )
        )

    return at((1 + confidence) / 2), at((1 - confidence) / 2)
