"""Standardised effects that say how they were made.

The same trial, time point and data give d from 0.56 to 1.03 depending on the standardiser and the adjustment, so an
effect never travels without its recipe. Hedges, J Educ Stat 1981;6:107; Borenstein et al. 2009, chapter 4.
"""

import math
from dataclasses import dataclass

from .distributions import normal_quantile

APPROXIMATE, EXACT = "approximate", "exact"


@dataclass(frozen=True)
class Recipe:
    """How an effect was made: `standardiser` names the SD, `adjustment` what the difference is adjusted for."""

    standardiser: str
    sd: float
    adjustment: str
    n1: int
    n2: int
    correction: str
    interval: str


@dataclass(frozen=True)
class Effect:
    value: float
    se: float
    lower: float
    upper: float
    recipe: Recipe


def hedges_correction(df: float, kind: str = EXACT) -> float:
    """J, which takes the small-sample bias off d: the gamma form, or 1 - 3 / (4 df - 1)."""
    if kind == APPROXIMATE:
        return 1 - 3 / (4 * df - 1)
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def large_sample_interval(d: float, n1: int, n2: int, confidence: float = 0.95) -> tuple[float, float]:
    """The normal interval of a d from two independent groups."""
    half = normal_quantile((1 + confidence) / 2) * large_sample_se(d, n1, n2)
    return d - half, d + half


def large_sample_se(d: float, n1: int, n2: int) -> float:
    return math.sqrt((n1 + n2) / (n1 * n2) + d * d / (2 * (n1 + n2)))


def hedges_g(
    mean1: float,
    sd1: float,
    n1: int,
    mean2: float,
    sd2: float,
    n2: int,
    confidence: float = 0.95,
    kind: str = EXACT,
) -> Effect:
    """First minus second over the pooled SD, times J; the standard error uses d before J, as Metapsy does."""
    df = n1 + n2 - 2
    sd = math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    d = (mean1 - mean2) / sd
    recipe = Recipe(
        "pooled SD of the two groups",
        sd,
        "none",
        n1,
        n2,
        f"Hedges J ({kind})",
        "large sample, normal",
    )
    return _effect(d * hedges_correction(df, kind), large_sample_se(d, n1, n2), confidence, recipe)


def standardise(
    difference: float,
    se: float,
    sd: float,
    n_of_sd: int,
    df_of_sd: int,
    *,
    standardiser: str,
    adjustment: str,
    n1: int,
    n2: int,
    confidence: float = 0.95,
) -> Effect:
    """An adjusted difference in units of `sd`, times J.

    se^2 = (se of the difference / sd)^2 + d^2 / (2 n of the SD), d before J: with no adjustment and the pooled SD this
    is exactly the large-sample formula of `hedges_g`, and adjustment makes the interval as narrow as it ought to be.
    """
    d = difference / sd
    spread = math.sqrt((se / sd) ** 2 + d * d / (2 * n_of_sd))
    recipe = Recipe(
        standardiser,
        sd,
        adjustment,
        n1,
        n2,
        f"Hedges J ({EXACT})",
        "large sample, normal",
    )
    return _effect(d * hedges_correction(df_of_sd), spread, confidence, recipe)


def _effect(value: float, se: float, confidence: float, recipe: Recipe) -> Effect:
    half = normal_quantile((1 + confidence) / 2) * se
    return Effect(value, se, value - half, value + half, recipe)
