"""Sizes for proportions and for times to an event."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..distributions import normal_quantile
from .designs import Design, NoSize, check_margin, check_rate, left_over, normal_cdf


@dataclass(frozen=True)
class Proportions(Design):
    """`effect` is p1 - p2 + margin, where `p2` is the second arm's chance; non-inferiority has a
    margin above 0.

    `method`: "pooled" (R's power.prop.test), "unpooled" (Wald; the one for a margin: Blackwelder,
    Control Clin Trials 1982;3:345), "arcsine" (Cohen 1988), "continuity" (pooled, corrected:
    Casagrande, Pike and Smith, Biometrics 1978;34:483).
    """

    p2: float = 0.5
    margin: float = 0.0
    method: str = "pooled"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate("p2", self.p2)
        check_rate("p1", self.p1)
        if self.method not in ("pooled", "unpooled", "arcsine", "continuity"):
            raise NoSize(
                f"method {self.method!r} is not known; use pooled, unpooled, arcsine or continuity"
            )
        if self.margin and self.method != "unpooled":
            raise NoSize(
                "with a margin use method='unpooled': the arms differ under the null hypothesis"
            )

    @property
    def p1(self) -> float:
        return self.p2 + self.effect - self.margin

    @property
    def _variances(self) -> tuple[float, float]:
        """Of the difference for one person in the first arm: under the null hypothesis, and as it
        is.
        """
        real = self.p1 * (1 - self.p1) + self.ratio * self.p2 * (1 - self.p2)
        mean = (self.ratio * self.p1 + self.p2) / (1 + self.ratio)
        null = (1 + self.ratio) * mean * (1 - mean)
        return (real if self.method == "unpooled" else null), real

    def power(self, n: float) -> float:
        if self.method == "arcsine":
            moved = 2 * abs(math.asin(math.sqrt(self.p1)) - math.asin(math.sqrt(self.p2)))
            return normal_cdf(moved * math.sqrt(n / (1 + self.ratio)) - self.z_alpha)
        null, real = self._variances
        distance = self.distance
        if self.method == "continuity":  # the corrected size undone
            root = 1 - (1 + self.ratio) / (2 * n * distance) if distance else 0.0
            n = n * max(root, 0.0) ** 2
        return normal_cdf(
            (distance * math.sqrt(n) - self.z_alpha * math.sqrt(null)) / math.sqrt(real)
        )

    def _needed(self, power: float) -> float:
        z_beta = normal_quantile(power)
        if self.method == "arcsine":
            moved = 2 * (math.asin(math.sqrt(self.p1)) - math.asin(math.sqrt(self.p2)))
            return (1 + self.ratio) * ((self.z_alpha + z_beta) / moved) ** 2
        null, real = self._variances
        deviations = self.z_alpha * math.sqrt(null) + z_beta * math.sqrt(real)
        if deviations <= 0:
            raise NoSize(f"the smallest there can be has more power than {power}")
        n = (deviations / self.effect) ** 2
        if self.method == "continuity":
            n *= (1 + math.sqrt(1 + 2 * (1 + self.ratio) / (n * abs(self.effect)))) ** 2 / 4
        return n

    @property
    def _least_effect(self) -> float:
        return max(0.0, self.margin - self.p2 + 1e-12)

    def _most_effect(self, n: float) -> float:
        return 1 - self.p2 + self.margin - 1e-12


@dataclass(frozen=True)
class LogRank(Design):
    """`effect` is |log hazard ratio|; `events1` and `events2` are the shares of each arm that have
    the event in the study.

    Schoenfeld, Biometrika 1981;68:316.
    """

    events1: float = 1.0
    events2: float = 1.0

    @property
    def _share(self) -> float:
        return self.ratio / (1 + self.ratio) ** 2

    def events(self, power: float) -> float:
        """In both arms together. Errors: NoSize."""
        self.check_power(power)
        return (self.z_alpha + normal_quantile(power)) ** 2 / (self._share * self.effect**2)

    def power_of_events(self, events: float) -> float:
        return normal_cdf(abs(self.effect) * math.sqrt(events * self._share) - self.z_alpha)

    def _events_of(self, n: float) -> float:
        return n * (self.events1 + self.events2 / self.ratio)

    def power(self, n: float) -> float:
        return self.power_of_events(self._events_of(n))

    def _needed(self, power: float) -> float:
        return self.events(power) / self._events_of(1.0)

    def _most_effect(self, n: float) -> float:
        return 1000 / math.sqrt(self._events_of(n) * self._share)


def proportions(p1: float, p2: float, *, method: str = "pooled", **more: float) -> Proportions:
    """A difference of two proportions; `method`: pooled, unpooled, arcsine or continuity. Errors:
    NoSize.
    """
    return Proportions(left_over(p1, -p2), p2=p2, method=method, **more)  # type: ignore[arg-type]


def non_inferior_proportions(
    p1: float, p2: float, margin: float, *, alpha: float = 0.025, ratio: float = 1.0
) -> Proportions:
    """One-sided: p1 is not below p2 by `margin` (above 0); a higher chance is better. Errors:
    NoSize, of `size` also where p1 is below p2 by the margin or more.
    """
    check_margin(margin)
    return Proportions(
        left_over(p1, -p2, margin), alpha, 1, ratio, p2, margin, "unpooled", directed=True
    )


def log_rank(
    hazard_ratio: float, *, events1: float = 1.0, events2: float = 1.0, **more: float
) -> LogRank:
    """A log-rank test; `events1` and `events2` are the shares of both arms who will have the event.
    Schoenfeld, Biometrika 1981;68:316. Errors: NoSize.
    """
    if not hazard_ratio > 0:
        raise NoSize(f"a hazard ratio is above 0, not {hazard_ratio}")
    for name, share in (("events1", events1), ("events2", events2)):
        if not 0 < share <= 1:
            raise NoSize(f"{name} is a share above 0, not {share}")
    return LogRank(abs(math.log(hazard_ratio)), events1=events1, events2=events2, **more)  # type: ignore[arg-type]
