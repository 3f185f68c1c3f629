"""From a snapshot and a plan to all the numbers of the report."""

from ..dataset import Dataset, check_flow
from ..plan import AnalysisPlan
from . import adherence, baseline, change, contacts, flow, given, outcomes, retention
from .number import Numbers, Results


def analyse(data: Dataset, plan: AnalysisPlan) -> Results:
    """Every number of the report; FlowDoesNotAddUp where the flow's boxes do not, or disagree with the analysis."""
    check_flow(data.flow)
    return Results(tuple(_numbers(data, plan)))


def _numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    yield from given.numbers(data, plan)
    yield from flow.numbers(data)
    yield from baseline.numbers(data, plan)
    yield from outcomes.numbers(data, plan)
    yield from change.numbers(data, plan)
    yield from adherence.numbers(data, plan)
    yield from retention.numbers(data, plan)
    yield from contacts.numbers(data)
