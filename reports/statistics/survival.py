"""How long people stay: the Kaplan-Meier curve with log-log intervals. Kaplan and Meier, JASA 1958;53:457.

At each time somebody stops, the share still there is multiplied by 1 - stopped / at risk; Greenwood's formula gives the
variance, and the interval is taken on the log(-log) scale so that it stays between 0 and 1.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .distributions import normal_quantile

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Step:
    """From `time` on, the share `survival` is left; `at_risk` and `events` are counted at `time`."""

    time: float
    at_risk: int
    events: int
    survival: float
    se: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Quantile:
    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Curve:
    n: int
    events: int
    steps: tuple[Step, ...]

    def at(self, time: float) -> Step | None:
        """The step in force at `time`; None after the last time at which anybody is followed.

        Where the last of them stopped, nobody is left at any later time either.
        """
        last = self.steps[-1] if self.steps else None
        if last is None or (time > last.time and last.survival > 0):
            return None
        before = Step(0.0, self.n, 0, 1.0, 0.0, 1.0, 1.0)
        return next((step for step in reversed(self.steps) if step.time <= time), before)

    def at_risk(self, time: float) -> int:
        """How many are still followed just before `time`."""
        return next((step.at_risk for step in self.steps if step.time >= time), 0)

    @property
    def median(self) -> Quantile:
        """When half have stopped; None where the curve never gets there. Half exactly: the middle of the flat, as R."""
        return Quantile(
            _crossing(self.steps, lambda step: step.survival),
            _crossing(self.steps, lambda step: step.lower),
            _crossing(self.steps, lambda step: step.upper),
        )


def kaplan_meier(times: Sequence[float], events: Sequence[bool], confidence: float = 0.95) -> Curve:
    """`events[i]` is whether person i stopped at `times[i]`; if not, they were last seen there."""
    pairs = list(zip(times, events, strict=True))
    z = normal_quantile((1 + confidence) / 2)
    survival, greenwood, steps = 1.0, 0.0, []
    for time in sorted(set(times)):
        at_risk = sum(t >= time for t, _ in pairs)
        stopped = sum(t == time and event for t, event in pairs)
        survival *= 1 - stopped / at_risk
        greenwood += stopped / (at_risk * (at_risk - stopped)) if at_risk > stopped else 0.0
        steps.append(_step(time, at_risk, stopped, survival, greenwood, z))
    return Curve(len(pairs), sum(bool(event) for _, event in pairs), tuple(steps))


def _step(time: float, at_risk: int, stopped: int, survival: float, greenwood: float, z: float) -> Step:
    se = survival * math.sqrt(greenwood)
    if survival >= 1:
        return Step(time, at_risk, stopped, 1.0, 0.0, 1.0, 1.0)
    if survival <= TOLERANCE:
        return Step(time, at_risk, stopped, 0.0, 0.0, None, None)
    half = z * math.sqrt(greenwood) / abs(math.log(survival))
    lower, upper = survival ** math.exp(half), survival ** math.exp(-half)
    return Step(time, at_risk, stopped, survival, se, lower, upper)


def _crossing(steps: Sequence[Step], of: Callable[[Step], float | None]) -> float | None:
    for i, step in enumerate(steps):
        level = of(step)
        if level is None:
            return None
        if abs(level - 0.5) < TOLERANCE:
            return _middle_of_flat(steps, i)
        if level < 0.5:
            return step.time
    return None


def _middle_of_flat(steps: Sequence[Step], i: int) -> float:
    later = next((step.time for step in steps[i + 1 :] if step.events), None)
    return steps[i].time if later is None else (steps[i].time + later) / 2
