"""How long people stay in the study: the two-way split of attrition, first half (Eysenbach
2005).
"""

from collections.abc import Mapping

from ..dataset import Dataset
from ..plan import AnalysisPlan
from ..statistics.survival import Curve, Step
from .curves import curve, tick_name, ticks
from .number import Number, Numbers, ident

SHARE = "Kaplan-Meier, log-log interval"
EVERYBODY = "Kaplan-Meier; exact interval of all out of all who are still followed"
NOBODY = "Kaplan-Meier; nobody is left, which has no interval"
NOT_FOLLOWED = "nobody in the group is followed until then"
MEDIAN = "Kaplan-Meier, log-log interval; half exactly: the middle of the flat"


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    points = [point.code for point in data.timepoints if point.code != data.baseline]
    for group in data.groups:
        found = curve(data, "retention", group, plan.confidence)
        if found is not None:
            times = {
                c: data.last_day_of(group, c) if data.has_timepoint(group, c) else None
                for c in points
            }
            yield from curve_numbers("retention", group, found, times, data.time_unit)
            yield from risk_numbers(data, "retention", group, found)


def curve_numbers(
    kind: str, group: str, found: Curve, times: Mapping[str, float | None], unit: str
) -> Numbers:
    """People, how many ended, the median, and the share left at each of `times` (None: the group is
    not asked then).
    """
    median = found.median
    yield Number(ident(kind, group, "n"), found.n, unit="people", method="count")
    yield Number(
        ident(kind, group, "ended"), found.events, n=found.n, unit="people", method="count"
    )
    yield Number(
        ident(kind, group, "median"),
        median.value,
        median.lower,
        median.upper,
        found.n,
        unit,
        _median_method(median.value),
    )
    for name, time in times.items():
        step = found.at(time) if time is not None else None
        value, lower, upper = (
            (step.survival, step.lower, step.upper) if step else (None, None, None)
        )
        yield Number(
            ident(kind, group, "at", name), value, lower, upper, found.n, "proportion", _how(step)
        )


def risk_numbers(data: Dataset, kind: str, group: str, found: Curve) -> Numbers:
    """The row of people at risk under the figure."""
    for tick in ticks(data, kind):
        name = ident(kind, group, "at_risk", tick_name(data, tick))
        yield Number(
            name, found.at_risk(tick), n=found.n, unit="people", method="count still followed"
        )


def _how(step: Step | None) -> str:
    if step is None:
        return NOT_FOLLOWED
    return EVERYBODY if step.survival == 1 else SHARE if step.survival else NOBODY


def _median_method(value: float | None) -> str:
    return MEDIAN if value is not None else f"not reached; {MEDIAN}"
