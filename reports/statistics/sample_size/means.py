"""Sizes for differences of means: t test, ANCOVA, repeated measures, non-inferiority, clusters in
both arms or in one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..distributions import noncentral_t_cdf, normal_quantile, t_quantile
from .designs import Design, NoSize, check_margin, left_over, normal_cdf, solved


@dataclass(frozen=True)
class Means(Design):
    """A difference of means. `sd` is that of what is compared, `factor` multiplies its variance
    (cluster, repeated measures).

    `distribution`: "t" is exact by the noncentral t distribution with (n1 + n2) / unit - lost
    degrees of freedom; "normal" is the usual formula. `unit` people share a degree of freedom (a
    cluster). `strict`: a two-sided t test counts both directions.
    """

    sd: float = 1.0
    factor: float = 1.0
    distribution: str = "t"
    lost: float = 2.0
    unit: float = 1.0
    strict: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.sd < math.inf:
            raise NoSize(f"the standard deviation is above 0, not {self.sd}")
        if self.distribution not in ("t", "normal"):
            raise NoSize(f"distribution {self.distribution!r} is not known; use t or normal")

    @property
    def least(self) -> float:
        if self.distribution == "normal":
            return 1e-6
        return self.unit * (self.lost + 1) / (1 + 1 / self.ratio)  # one degree of freedom

    def standard_error(self, n: float) -> float:
        return self.sd * math.sqrt(self.factor * (1 + self.ratio) / n)

    def power(self, n: float) -> float:
        if not n >= self.least:
            raise NoSize(f"{n} people in the first arm are too few for this test")
        moved = self.distance / self.standard_error(n)
        if self.distribution == "normal":
            return normal_cdf(moved - self.z_alpha)
        df = n * (1 + 1 / self.ratio) / self.unit - self.lost
        critical = t_quantile(1 - self.alpha / self.sided, df)
        other = (
            _noncentral_t_above(critical, df, -moved) if self.strict and self.sided == 2 else 0.0
        )
        return _noncentral_t_above(critical, df, moved) + other

    def _needed(self, power: float) -> float:
        z = self.z_alpha + normal_quantile(power)
        normal = (1 + self.ratio) * self.factor * (z * self.sd / self.effect) ** 2
        if self.distribution == "normal":
            return normal
        return solved(
            lambda n: self.power(n) - power,
            self.least,
            max(4 * normal, self.least) + 100 * self.unit,
        )

    def _most_effect(self, n: float) -> float:
        return 1000 * self.standard_error(n)


@dataclass(frozen=True)
class PartiallyNested(Design):
    """The first arm meets in groups or shares coaches (`cluster` people each, `icc`), the second
    has none.

    Normal approximation: variance sd1^2 (1 + (cluster - 1) icc) / n1 + sd2^2 / n2. Moerbeek and
    Wong, Stat Med 2008;27:2850.
    """

    sd1: float = 1.0
    sd2: float = 1.0
    cluster: float = 1.0
    icc: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 < self.sd1 < math.inf and 0 < self.sd2 < math.inf):
            raise NoSize("standard deviations are above 0")
        design_effect(self.cluster, self.icc)

    @property
    def _variances(self) -> tuple[float, float]:
        return self.sd1**2 * design_effect(self.cluster, self.icc), self.sd2**2

    @property
    def optimal_ratio(self) -> float:
        """n1 / n2 that needs the fewest people in all."""
        first, second = self._variances
        return math.sqrt(first / second)

    def power(self, n: float) -> float:
        first, second = self._variances
        return normal_cdf(
            self.distance * math.sqrt(n / (first + self.ratio * second)) - self.z_alpha
        )

    def _needed(self, power: float) -> float:
        first, second = self._variances
        return (first + self.ratio * second) * (
            (self.z_alpha + normal_quantile(power)) / self.effect
        ) ** 2

    def _most_effect(self, n: float) -> float:
        first, second = self._variances
        return 1000 * math.sqrt((first + self.ratio * second) / n)


def means(
    difference: float,
    sd: float,
    *,
    alpha: float = 0.05,
    sided: int = 2,
    ratio: float = 1.0,
    distribution: str = "t",
) -> Means:
    """A difference of two means, in the unit of `sd`, by the t or the normal distribution. Errors:
    NoSize.
    """
    return Means(difference, alpha, sided, ratio, sd, distribution=distribution)


def ancova(
    difference: float, sd: float, correlation: float, *, covariates: int = 1, **more: float | str
) -> Means:
    """Adjusted for baseline: the variance shrinks by 1 - correlation^2. Borm, Fransen and Lemmens,
    J Clin Epidemiol 2007;60:1234. A covariate costs a degree of freedom where the distribution is
    t.
    """
    _check_correlation(correlation)
    made = means(difference, sd, **more)  # type: ignore[arg-type]
    return replace(made, factor=1 - correlation**2, lost=made.lost + covariates)


def repeated_measures(
    difference: float,
    sd: float,
    correlation: float,
    *,
    before: int = 1,
    after: int = 1,
    **more: float | str,
) -> Means:
    """The mean of `after` visits adjusted for that of `before` ones, any two visits equally
    correlated.
    """
    made = means(difference, sd, **more)  # type: ignore[arg-type]
    return replace(
        made,
        factor=repeated_measures_factor(correlation, before, after),
        lost=made.lost + (1 if before else 0),
    )


def repeated_measures_factor(correlation: float, before: int, after: int) -> float:
    """Of the variance, against one visit alone: (1 + (r - 1) rho) / r - p rho^2 / (1 + (p - 1) rho)
    with p visits before and r after. Frison and Pocock, Stat Med 1992;11:1685. Errors: NoSize.
    """
    _check_correlation(correlation)
    if not (after >= 1 and before >= 0):
        raise NoSize(
            f"there is at least one visit after and none or more before; not {after} and {before}"
        )
    if 1 + (before + after - 1) * correlation <= 0:
        raise NoSize(
            f"no {before + after} visits have a correlation of {correlation} any two of them"
        )
    shared = before * correlation**2 / (1 + (before - 1) * correlation) if before else 0.0
    return (1 + (after - 1) * correlation) / after - shared


def non_inferiority(
    margin: float, sd: float, *, truth: float = 0.0, alpha: float = 0.025, **more: float | str
) -> Means:
    """One-sided, of means: the first arm is not worse than the second by `margin` (above 0);
    `truth` is how much better it is, below 0 where it is worse.

    `detectable` gives the distance from the margin. Errors: NoSize, of `size` also where the truth
    is at the margin or beyond.
    """
    check_margin(margin)
    made = means(left_over(margin, truth), sd, alpha=alpha, sided=1, **more)  # type: ignore[arg-type]
    return replace(made, directed=True)


def design_effect(size: float, icc: float, cv: float = 0.0) -> float:
    """1 + ((1 + cv^2) size - 1) icc for clusters of mean `size` and coefficient of variation `cv`
    of the sizes.

    Eldridge, Ashby and Kerry, Int J Epidemiol 2006;35:1292. Errors: NoSize.
    """
    if not (1 <= size < math.inf and 0 <= icc <= 1 and 0 <= cv < math.inf):
        raise NoSize(
            f"clusters have a size of at least 1, an ICC from 0 to 1 and a cv of 0 or more, not "
            f"{size}, {icc}, {cv}"
        )
    return 1 + ((1 + cv**2) * size - 1) * icc


def clusters(
    difference: float, sd: float, *, size: float, icc: float, cv: float = 0.0, **more: float | str
) -> Means:
    """Both arms in clusters; where the distribution is t, with the clusters' degrees of freedom. n
    counts people.
    """
    made = means(difference, sd, **more)  # type: ignore[arg-type]
    return replace(made, factor=design_effect(size, icc, cv), unit=size)


def _noncentral_t_above(t: float, df: float, moved: float) -> float:
    """The chance that a noncentral t is above `t`."""
    if abs(moved) > 37:  # beyond what the series can hold; far from every usual t
        return normal_cdf((moved - t) / math.sqrt(1 + t * t / (2 * df)))
    from scipy.special import nctdtr

    below = float(nctdtr(df, moved, t))
    return 1 - (
        noncentral_t_cdf(t, df, moved) if math.isnan(below) else below
    )  # NaN in the far tails


def _check_correlation(value: float) -> None:
    if not -1 < value < 1:
        raise NoSize(f"a correlation is between -1 and 1, not {value}")
