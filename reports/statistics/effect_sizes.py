"""Effects in raw points first and standardised after, each with the recipe that made it.

The same trial, time point and data give d from 0.56 to 1.03 depending on the standardiser and the
adjustment, so an effect never travels without its recipe. Hedges, J Educ Stat 1981;6:107;
Borenstein et al. 2009, chapter 4. Noncentral t intervals: Steiger and Fouladi 1997; Cumming and
Finch, Educ Psychol Meas 2001;61:532.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .distributions import noncentrality_interval, normal_quantile
from .reading import complete_numbers
from .t_tests import TTest, paired, rank_sum, welch
from .variation import DoesNotVary, NotEstimable, is_rounding, largest, mean, standard_deviation

APPROXIMATE, EXACT, NONE = "approximate", "exact", "none"
POOLED, SECOND = "pooled", "second"
NONCENTRAL, LARGE_SAMPLE = "noncentral-t", "large-sample"
HEDGES_OLKIN, BORENSTEIN = "hedges-olkin", "borenstein"
MANY = 1e5  # degrees of freedom
WITHIN = ("change", "average", "repeated-measures", "baseline")


@dataclass(frozen=True)
class Recipe:
    """How an effect was made: `standardiser` names the SD, `adjustment` what the difference is
    adjusted for.

    `n1` and `n2` are the people of both groups; `n2` is 0 where one group is compared with itself.
    """

    standardiser: str
    sd: float
    adjustment: str
    n1: int
    n2: int
    correction: str
    interval: str

    def __str__(self) -> str:
        people = f"{self.n1} and {self.n2}" if self.n2 else f"{self.n1}"
        return (
            f"standardiser: {self.standardiser} = {self.sd:.6g}; adjustment: {self.adjustment}; n: "
            f"{people}; "
            f"correction: {self.correction}; interval: {self.interval}"
        )


@dataclass(frozen=True)
class Effect:
    """A standardised effect, without unit; with its limits as the recipe says."""

    value: float
    se: float
    lower: float
    upper: float
    recipe: Recipe

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.lower:.2f} to {self.upper:.2f}) [{self.recipe}]"


@dataclass(frozen=True)
class Comparison:
    """Of two groups: the raw difference (Welch), then its standardised form, then how often the
    first is higher.
    """

    difference: TTest
    effect: Effect
    probability_of_superiority: float


@dataclass(frozen=True)
class Change:
    """Of one group: the raw change, before minus after, then its standardised form; `correlation`
    of before and after.
    """

    difference: TTest
    sd: float
    correlation: float
    effect: Effect


def between(
    first: Sequence[float],
    second: Sequence[float],
    *,
    standardiser: str = POOLED,
    correction: str = EXACT,
    interval: str = NONCENTRAL,
    confidence: float = 0.95,
) -> Comparison:
    """First minus second, without adjustment; missing values are to be left out before.

    `standardiser`: pooled, or second (the SD of the second group, Glass's delta, large-sample
    interval only). `correction`: exact or approximate (Hedges J), or none for d. Errors:
    NotEstimable, ValueError for a choice.
    """
    difference = welch(first, second, confidence)
    a, b = complete_numbers(first, "the first group"), complete_numbers(second, "the second group")
    moments = (mean(a), standard_deviation(a), len(a), mean(b), standard_deviation(b), len(b))
    if standardiser == POOLED:
        effect = from_moments(
            *moments, correction=correction, interval=interval, confidence=confidence
        )
    elif standardiser == SECOND:
        if interval != LARGE_SAMPLE:
            raise ValueError(
                "Glass's delta has a large-sample interval here; say interval='large-sample'"
            )
        effect = glass_delta(*moments, correction=correction, confidence=confidence)
    else:
        raise ValueError(f"standardiser {standardiser!r} is not known; use {POOLED} or {SECOND}")
    return Comparison(difference, effect, rank_sum(first, second).probability)


def from_moments(
    mean1: float,
    sd1: float,
    n1: int,
    mean2: float,
    sd2: float,
    n2: int,
    *,
    correction: str = EXACT,
    interval: str = NONCENTRAL,
    se: str = BORENSTEIN,
    confidence: float = 0.95,
) -> Effect:
    """First minus second over the pooled SD; d with `correction` none, else Hedges g.

    `se`: borenstein (with d before J, as Metapsy does) or hedges-olkin (with the value given). A
    noncentral-t interval is that of d, times J. Errors: NotEstimable, ValueError for a choice.
    """
    for each in (sd1, sd2):
        if not (math.isfinite(each) and each >= 0):
            raise NotEstimable(f"an SD of {each} is not 0 or above")
    df, sd = _pooled(sd1, n1, sd2, n2)
    _check_spread(sd, mean1, mean2)
    d, j = (mean1 - mean2) / sd, hedges_correction(df, correction)
    if se not in (BORENSTEIN, HEDGES_OLKIN):
        raise ValueError(f"se {se!r} is not known; use {BORENSTEIN} or {HEDGES_OLKIN}")
    spread = large_sample_se(d if se == BORENSTEIN else d * j, n1, n2)
    recipe = Recipe(
        "pooled SD of the two groups",
        sd,
        "none",
        n1,
        n2,
        _correction(correction),
        _interval(interval),
    )
    if interval == LARGE_SAMPLE:
        return _effect(d * j, spread, confidence, recipe)
    root = math.sqrt(n1 * n2 / (n1 + n2))
    lower, upper = (limit / root * j for limit in noncentrality_interval(d * root, df, confidence))
    return Effect(d * j, spread, lower, upper, recipe)


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
    """First minus second over the pooled SD, times J; the standard error uses d before J, as
    Metapsy does.
    """
    moments = (mean1, sd1, n1, mean2, sd2, n2)
    return from_moments(*moments, correction=kind, interval=LARGE_SAMPLE, confidence=confidence)


def glass_delta(
    mean1: float,
    sd1: float,
    n1: int,
    mean2: float,
    sd2: float,
    n2: int,
    *,
    correction: str = NONE,
    confidence: float = 0.95,
) -> Effect:
    """First minus second over the SD of the second group, the control. Glass 1976; Hedges and Olkin
    1985, chapter 5.

    The standard error allows for different spreads: sqrt((sd1^2 / sd2^2) / n1 + 1 / n2 + delta^2 /
    (2 (n2 - 1))).
    """
    if n2 < 2:
        raise NotEstimable(f"the second group is of {n2}: an SD needs at least 2")
    _check_spread(sd2, mean1, mean2)
    delta, j = (mean1 - mean2) / sd2, hedges_correction(n2 - 1, correction)
    se = math.hypot(sd1 / sd2 / math.sqrt(n1), math.sqrt(1 / n2), delta / math.sqrt(2 * (n2 - 1)))
    recipe = Recipe(
        "SD of the second group (Glass)",
        sd2,
        "none",
        n1,
        n2,
        _correction(correction),
        _interval(LARGE_SAMPLE),
    )
    return _effect(delta * j, se * j, confidence, recipe)


def within(
    before: Sequence[float],
    after: Sequence[float],
    *,
    standardiser: str = "change",
    correction: str = NONE,
    confidence: float = 0.95,
) -> Change:
    """Before minus after of the same people, so that a fall is positive.

    `standardiser`: change (SD of the changes, d_z, noncentral-t interval), average (mean of both
    SDs, d_av), repeated-measures (SD of the changes over sqrt(2 (1 - r)), d_rm) or baseline (d of
    Becker 1988). All but d_z have the large-sample interval of a change: se^2 = (sd of change /
    standardiser)^2 / n + d^2 / (2 (n - 1)). They are no measure of what a treatment did. Lakens,
    Front Psychol 2013;4:863. `correlation` is NaN where before or after does not vary. Errors:
    NotEstimable where the changes or this standardiser have no spread, or d_rm is asked for at a
    correlation of one.
    """
    if standardiser not in WITHIN:
        raise ValueError(
            f"standardiser {standardiser!r} is not known; use one of {', '.join(WITHIN)}"
        )
    difference = paired(before, after, confidence)
    a, b = complete_numbers(before, "before"), complete_numbers(after, "after")
    n, change = len(a), difference.se * math.sqrt(len(a))
    sd_before, sd_after = standard_deviation(a), standard_deviation(b)
    apart = _apart(a, b, sd_before, sd_after)
    r = 1 - apart**2 / 2
    if standardiser == "change":
        name, sd = "SD of the changes", change
    elif standardiser == "average":
        name, sd = "mean of the SDs before and after", sd_before / 2 + sd_after / 2
    elif standardiser == "baseline":
        name, sd = "SD before", sd_before
    else:
        if not apart > 0:
            why = (
                "before or after does not vary"
                if math.isnan(apart)
                else "before and after correlate perfectly"
            )
            raise NotEstimable(f"{why}: there is no SD of the changes over sqrt(2 (1 - r))")
        name, sd = "SD of the changes over sqrt(2 (1 - r))", change / apart
    _check_spread(sd)
    d, j = difference.difference / sd, hedges_correction(n - 1, correction)
    se = math.hypot(change / sd / math.sqrt(n), d / math.sqrt(2 * (n - 1))) * j
    kind = NONCENTRAL if standardiser == "change" else LARGE_SAMPLE
    recipe = Recipe(name, sd, "none", n, 0, _correction(correction), _interval(kind))
    if kind == LARGE_SAMPLE:
        return Change(difference, change, r, _effect(d * j, se, confidence, recipe))
    limits = noncentrality_interval(d * math.sqrt(n), n - 1, confidence)
    lower, upper = (limit / math.sqrt(n) * j for limit in limits)
    return Change(difference, change, r, Effect(d * j, se, lower, upper, recipe))


def _apart(a: np.ndarray, b: np.ndarray, sd_a: float, sd_b: float) -> float:
    """sqrt(2 (1 - r)), the SD of the differences of both in standard units: 1 - r itself loses its
    digits where r is near one. NaN where one has no spread, 0 where they correlate perfectly but
    for rounding.
    """
    if not (sd_a and sd_b):
        return math.nan
    off = a / sd_a - mean(a / sd_a) - (b / sd_b - mean(b / sd_b))
    found = math.sqrt(float(off @ off) / (len(a) - 1))
    return 0.0 if is_rounding(found, max(largest(a) / sd_a, largest(b) / sd_b)) else found


def hedges_correction(df: float, kind: str = EXACT) -> float:
    """J, which takes the small-sample bias off d: the gamma form, or 1 - 3 / (4 df - 1); 1 for
    `none`. Errors: NotEstimable below two degrees of freedom, where d has no mean to correct,
    ValueError for another kind.
    """
    if kind == NONE:
        return 1.0
    if kind not in (EXACT, APPROXIMATE):
        raise ValueError(f"correction {kind!r} is not known; use {EXACT}, {APPROXIMATE} or {NONE}")
    if df <= 1:
        raise NotEstimable(f"{df} degrees of freedom are too few for Hedges J")
    if kind == APPROXIMATE:
        return 1 - 3 / (4 * df - 1)
    if (
        df > MANY
    ):  # the gamma functions would lose digits; the next term of the series is below 1e-16
        return 1 - 3 / (4 * df) - 7 / (32 * df**2)
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def large_sample_interval(
    d: float, n1: int, n2: int, confidence: float = 0.95
) -> tuple[float, float]:
    """The normal interval of a d from two independent groups."""
    half = normal_quantile((1 + confidence) / 2) * large_sample_se(d, n1, n2)
    return d - half, d + half


def large_sample_se(d: float, n1: int, n2: int) -> float:
    """The standard error of d of `n1` and `n2` people: sqrt(1/n1 + 1/n2 + d^2 / (2 (n1 + n2))).
    Hedges and Olkin 1985.
    """
    return math.hypot(math.sqrt((n1 + n2) / (n1 * n2)), d / math.sqrt(2 * (n1 + n2)))


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

    se^2 = (se of the difference / sd)^2 + d^2 / (2 n of the SD), d before J: with no adjustment and
    the pooled SD this is exactly the large-sample formula of `hedges_g`, and adjustment makes the
    interval as narrow as it ought to be.
    """
    _check_spread(sd)
    d = difference / sd
    spread = math.hypot(se / sd, d / math.sqrt(2 * n_of_sd))
    recipe = Recipe(
        standardiser, sd, adjustment, n1, n2, _correction(EXACT), _interval(LARGE_SAMPLE)
    )
    return _effect(d * hedges_correction(df_of_sd), spread, confidence, recipe)


def _effect(value: float, se: float, confidence: float, recipe: Recipe) -> Effect:
    half = normal_quantile((1 + confidence) / 2) * se
    return Effect(value, se, value - half, value + half, recipe)


def _pooled(sd1: float, n1: int, sd2: float, n2: int) -> tuple[int, float]:
    df = n1 + n2 - 2
    if df < 1:
        raise NotEstimable(f"groups of {n1} and {n2} are too small for a pooled SD")
    return df, math.hypot(math.sqrt(n1 - 1) * sd1, math.sqrt(n2 - 1) * sd2) / math.sqrt(df)


def _check_spread(sd: float, *means: float) -> None:
    if not 0 < sd < math.inf or is_rounding(sd, largest(*means)):
        raise DoesNotVary("the standardiser has no spread")


def _correction(kind: str) -> str:
    return "none" if kind == NONE else f"Hedges J ({kind})"


def _interval(kind: str) -> str:
    if kind not in (NONCENTRAL, LARGE_SAMPLE):
        raise ValueError(f"interval {kind!r} is not known; use {NONCENTRAL} or {LARGE_SAMPLE}")
    return "noncentral t" if kind == NONCENTRAL else "large sample, normal"
