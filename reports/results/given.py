"""The numbers that the plan and the data set bring along, so that the text can print them with an
id.
"""

from ..dataset import Dataset
from ..plan import AnalysisPlan
from .number import Number, Numbers


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    yield Number(
        "plan.confidence", plan.confidence, unit="proportion", method="given by the analysis plan"
    )
    if data.idle_after is not None:
        method = "given by the data set"
        yield Number("data.idle_after", data.idle_after, unit=data.time_unit, method=method)
    if data.meta.left_aside:
        method = "count of rows in which every cell is empty"
        n = data.meta.left_aside.empty_rows
        yield Number("data.empty_rows", n, unit="rows", method=method)
    if plan.contacts:
        yield Number(
            "plan.contacts.at_least",
            plan.contacts.at_least,
            unit="count",
            method="calls held that the plan asks for",
        )
    if plan.adherence:
        yield Number(
            "plan.adherence.at_least",
            plan.adherence.at_least,
            unit="modules",
            method="given by the plan",
        )
