"""The counts of the flow diagram as numbers, by arm and, under the arm `all`, together."""

from collections import Counter

from ..dataset import POOLED, Dataset
from ..dataset.flow import flow_rows
from .number import Number, Numbers, ident


def numbers(data: Dataset) -> Numbers:
    rows = list(flow_rows(data.flow))
    for arm, stage, outcome, reason, n in rows:
        yield Number(flow_id(arm, stage, outcome, reason), n, unit="people", method="count")
    together: Counter[tuple[str, str, str]] = Counter()
    for arm, stage, outcome, reason, n in rows:
        if arm != POOLED:
            together[stage, outcome, reason] += n
    for (stage, outcome, reason), n in together.items():
        yield Number(
            flow_id(POOLED, stage, outcome, reason), n, unit="people", method="sum of the arms"
        )


def flow_id(arm: str, stage: str, outcome: str = "", reason: str = "") -> str:
    return ident("flow", arm, stage, *filter(None, (outcome, reason)))
