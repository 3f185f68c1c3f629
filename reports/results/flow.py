"""The counts of the flow diagram as numbers."""

from ..dataset import Dataset
from ..dataset.tables import flow_rows
from .number import Number, Numbers, ident


def numbers(data: Dataset) -> Numbers:
    for arm, stage, outcome, reason, n in flow_rows(data.flow):
        yield Number(flow_id(arm, stage, outcome, reason), n, unit="people", method="count")


def flow_id(arm: str, stage: str, outcome: str = "", reason: str = "") -> str:
    return ident("flow", arm, stage, *filter(None, (outcome, reason)))
