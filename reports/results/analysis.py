"""From a snapshot and a plan to all the numbers of the report."""

import re
from dataclasses import replace

from ..dataset import Dataset, check_flow
from ..plan import AnalysisPlan
from . import (
    adherence,
    baseline,
    change,
    coaches,
    contacts,
    flow,
    given,
    intercurrent,
    outcomes,
    retention,
)
from .number import Number, Numbers, Results

# Which interval a method has, up to the end of its part.
INTERVAL = re.compile(r"(^|; | with |, )(t|Wilson|exact|log-log) interval[^;]*")


def analyse(data: Dataset, plan: AnalysisPlan) -> Results:
    """Every number of the report; FlowDoesNotAddUp where the flow's boxes do not, or disagree with
    the analysis.
    """
    check_flow(data.flow)
    numbers = _numbers(data, plan)
    return Results(tuple(map(_without_interval, numbers) if plan.cluster else numbers))


def _numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    yield from given.numbers(data, plan)
    yield from flow.numbers(data)
    yield from baseline.numbers(data, plan)
    yield from outcomes.numbers(data, plan)
    yield from change.numbers(data, plan)
    yield from adherence.numbers(data, plan)
    yield from retention.numbers(data, plan)
    yield from intercurrent.numbers(data, plan)
    yield from contacts.numbers(data)
    yield from coaches.numbers(data)


def _without_interval(number: Number) -> Number:
    """Where clusters were randomised, an interval made as if it were people is too narrow, whatever
    it is of; nor does its method name one that was not made.
    """
    method = INTERVAL.sub("", number.method) or "share"
    if number.lower is not None or number.upper is not None:
        method = f"{method}; no interval, since clusters were randomised"
    return replace(number, lower=None, upper=None, method=method if number.method else "")
