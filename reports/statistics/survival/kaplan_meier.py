"""The Kaplan-Meier curve with log-log (or log) intervals. Kaplan and Meier, JASA 1958;53:457.

At each time somebody stops, the share still there is multiplied by 1 - stopped / at risk;
Greenwood's formula gives the variance, and the interval is taken on the log(-log) scale so that it
stays between 0 and 1, or on the log scale.

As long as nobody has stopped that variance is 0 and says nothing, so there the limits are the exact
ones of all out of all who are still followed (Clopper and Pearson, Biometrika 1934;26:404). R has 1
to 1 instead: `log-log` and `log` give its limits throughout. Where nobody is left there are none,
as in R.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..distributions import normal_quantile
from ..model_frame import NotEstimable
from ..proportions import clopper_pearson
from ..reading import numbers
from .ties import slack, tied

TOLERANCE = 1e-9
LIKE_R = ("log-log", "log")
INTERVALS = ("log-log-or-exact", *LIKE_R)


class UnknownTimes(NotEstimable):
    """Nobody, a time that is missing, infinite or below zero, or an event that is neither yes nor
    no.
    """


@dataclass(frozen=True)
class Step:
    """From `time` on, the share `survival` is left; `at_risk` and `events` are counted at `time`.
    Limits None: nobody is left.
    """

    time: float
    at_risk: int
    events: int
    survival: float
    se: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Quantile:
    """A time with its interval, in the unit of the times; None where the curve does not come down
    so far.
    """

    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve: a step for every time at which somebody stopped or was last seen."""

    n: int
    events: int
    steps: tuple[Step, ...]
    confidence: float = 0.95
    interval: str = INTERVALS[0]

    @cached_property
    def slack(self) -> float:
        """Times as close as this are the same; see `ties`."""
        return slack(np.array([step.time for step in self.steps]))

    def at(self, time: float) -> Step | None:
        """The step in force at `time`; None after the last time at which anybody is followed.

        Where the last of them stopped, nobody is left at any later time either.
        """
        if math.isnan(time):
            raise UnknownTimes("the time is missing")
        last = self.steps[-1] if self.steps else None
        if last is None or (time > last.time + self.slack and last.survival > 0):
            return None
        at = time + self.slack
        step = next(
            (step for step in reversed(self.steps) if step.time <= at),
            Step(0.0, self.n, 0, 1.0, 0.0, 1.0, 1.0),
        )
        if (
            step.survival < 1 or time <= 0
        ):  # at the beginning everybody is there: that is no estimate
            return step
        return replace(step, lower=_all_of(self.at_risk(time), self.confidence, self.interval))

    def at_risk(self, time: float) -> int:
        """How many are still followed just before `time`."""
        return next((step.at_risk for step in self.steps if step.time >= time - self.slack), 0)

    @property
    def median(self) -> Quantile:
        """When half have stopped; None where the curve never gets there."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> Quantile:
        """When `share` have stopped; None where the curve never gets there. Exactly so many: the
        middle of the flat, as R.

        The interval is where the limits of the curve cross (Brookmeyer and Crowley, Biometrics
        1982;38:29). Errors: ValueError for a share that does not lie between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"a share lies between 0 and 1; {share} does not")
        return Quantile(
            _crossing(self.steps, 1 - share, lambda step: step.survival),
            _crossing(self.steps, 1 - share, lambda step: step.lower if step.survival < 1 else 1.0),
            _crossing(self.steps, 1 - share, lambda step: step.upper),
        )


def kaplan_meier(
    times: Sequence[float] | np.ndarray,
    events: Sequence[bool] | np.ndarray,
    confidence: float = 0.95,
    interval: str = "log-log-or-exact",
) -> Curve:
    """`events[i]` is whether person i stopped at `times[i]`; if not, they were last seen there.

    Times that differ by rounding alone are one (see `ties`). Errors: UnknownTimes.
    """
    if interval not in INTERVALS:
        raise ValueError(f"interval {interval!r} is not known; use one of {', '.join(INTERVALS)}")
    time, stopped = checked(times, events)
    z = normal_quantile((1 + confidence) / 2)
    different, number = np.unique(time, return_inverse=True)
    leaving, stopping = np.bincount(number), np.bincount(number, weights=stopped).astype(int)
    risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    survival, greenwood, steps = 1.0, 0.0, []
    for at, at_risk, died in zip(different.tolist(), risk.tolist(), stopping.tolist(), strict=True):
        survival *= 1 - died / at_risk
        greenwood += died / (at_risk * (at_risk - died)) if at_risk > died else 0.0
        if survival < 1:
            steps.append(_step(at, at_risk, died, survival, greenwood, z, interval))
        else:
            steps.append(
                Step(at, at_risk, 0, 1.0, 0.0, _all_of(at_risk, confidence, interval), 1.0)
            )
    return Curve(len(time), int(stopped.sum()), tuple(steps), confidence, interval)


def checked(
    times: Sequence[float] | np.ndarray, events: Sequence[bool] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Times as floats, those that differ by rounding made one, and events as truth values. Errors:
    UnknownTimes.
    """
    try:
        time, stopped = numbers(times, "the time"), numbers(events, "the event")
    except NotEstimable as reason:
        raise UnknownTimes(str(reason)) from None
    if time.shape != stopped.shape or time.ndim != 1:
        raise UnknownTimes(
            f"{time.size} times and {stopped.size} events: there must be as many of both"
        )
    if not len(time):
        raise UnknownTimes("there is nobody")
    if not np.isfinite(time).all() or (time < 0).any():
        raise UnknownTimes("a time is missing, infinite or below zero")
    if not np.isin(stopped, (0, 1)).all():
        raise UnknownTimes("an event is neither yes (1) nor no (0)")
    return tied(time), stopped.astype(bool)


def _step(
    time: float,
    at_risk: int,
    stopped: int,
    survival: float,
    greenwood: float,
    z: float,
    interval: str,
) -> Step:
    se = survival * math.sqrt(greenwood)
    if survival <= TOLERANCE:
        return Step(time, at_risk, stopped, 0.0, 0.0, None, None)
    if interval == "log":
        ratio = math.exp(z * math.sqrt(greenwood))
        return Step(
            time, at_risk, stopped, survival, se, survival / ratio, min(1.0, survival * ratio)
        )
    half = z * math.sqrt(greenwood) / abs(math.log(survival))
    lower, upper = survival ** math.exp(half), survival ** math.exp(-half)
    return Step(time, at_risk, stopped, survival, se, lower, upper)


def _all_of(people: int, confidence: float, interval: str) -> float | None:
    """The lower limit of a share of 1."""
    return 1.0 if interval in LIKE_R else clopper_pearson(people, people, confidence).lower


def _crossing(steps: Sequence[Step], at: float, of: Callable[[Step], float | None]) -> float | None:
    for i, step in enumerate(steps):
        level = of(step)
        if level is None:
            return None
        if abs(level - at) < TOLERANCE:
            return _middle_of_flat(steps, i)
        if level < at:
            return step.time
    return None


def _middle_of_flat(steps: Sequence[Step], i: int) -> float:
    later = next((step.time for step in steps[i + 1 :] if step.events), None)
    return steps[i].time if later is None else (steps[i].time + later) / 2
