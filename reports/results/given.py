"""The numbers that the plan and the data set bring along, so that the text can print them with an id."""

from ..dataset import Dataset
from ..plan import AnalysisPlan
from .number import Number, Numbers


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    yield Number("plan.confidence", plan.confidence, unit="proportion", method="given by the analysis plan")
    yield Number("data.idle_after", data.idle_after, unit=data.time_unit, method="given by the data set")
    if plan.adherence:
        yield Number("plan.adherence.at_least", plan.adherence.at_least, unit="modules", method="given by the plan")
