"""The baseline table: each arm, and how far the arms of each contrast stand apart. No p values:
chance did it.
"""

from collections.abc import Mapping, Sequence

from ..dataset import Dataset, Variable
from ..plan import AnalysisPlan
from ..statistics.descriptives import (
    describe,
    standardised_difference,
    standardised_difference_of_counts,
)
from .number import Number, Numbers, ident, pair_of
from .shares import count_and_share

SMD = "difference of means over the root of the mean variance"
SMD_COUNTS = "Mahalanobis distance between the shares (Yang and Dalton 2012)"


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    for variable in data.variables:
        known = {
            g: [v for p in data.people(g) if (v := p.value(variable.code)) is not None]
            for g in data.groups
        }
        if variable.kind == "number":
            yield from _continuous(data, plan, variable.code, known, variable.unit)
        else:
            yield from _choice(data, plan, variable, known)
    for instrument in data.instruments:
        scores = {group: baseline_scores(data, group, instrument.code) for group in data.groups}
        if any(scores.values()):
            yield from _continuous(data, plan, instrument.code, scores, "points")


def baseline_scores(data: Dataset, group: str, instrument: str) -> list[float]:
    found = (data.score(person.code, instrument, data.baseline) for person in data.people(group))
    return [score for score in found if score is not None]


def levels(data: Dataset, variable: Variable) -> list[str]:
    """The levels in the study's order, then any others that were found."""
    found = {str(v) for p in data.participants if (v := p.value(variable.code)) is not None}
    return [*variable.levels, *sorted(found - set(variable.levels))]


def _continuous(
    data: Dataset, plan: AnalysisPlan, code: str, known: Mapping[str, Sequence], unit: str
) -> Numbers:
    for group, values in known.items():
        d = describe(values, plan.confidence)
        yield Number(
            ident("baseline", code, group, "mean"), d.mean, d.lower, d.upper, d.n, unit, "mean"
        )
        yield Number(
            ident("baseline", code, group, "sd"),
            d.sd,
            n=d.n,
            unit=unit,
            method="standard deviation, n - 1",
        )
        yield Number(ident("baseline", code, group, "n"), d.n, unit="people", method="count")
    for first, second in pairs(data, plan):
        value = standardised_difference(known[first], known[second])
        yield Number(
            ident("baseline", code, "smd", pair_of((first, second))), value, unit="SD", method=SMD
        )


def _choice(
    data: Dataset, plan: AnalysisPlan, variable: Variable, known: Mapping[str, Sequence]
) -> Numbers:
    codes = levels(data, variable)
    counts = {
        group: [sum(str(v) == code for v in values) for code in codes]
        for group, values in known.items()
    }
    for group, values in known.items():
        yield Number(
            ident("baseline", variable.code, group, "n"), len(values), unit="people", method="count"
        )
        for code, count in zip(codes, counts[group], strict=True):
            id = ident("baseline", variable.code, code, group)
            yield from count_and_share(id, count, len(values), plan.confidence)
    if variable.code == plan.cluster:
        return  # a cluster is in one arm alone: how far the arms differ in it says nothing
    for first, second in pairs(data, plan):
        value = standardised_difference_of_counts(counts[first], counts[second])
        id = ident("baseline", variable.code, "smd", pair_of((first, second)))
        yield Number(id, value, unit="SD", method=SMD_COUNTS)


def pairs(data: Dataset, plan: AnalysisPlan) -> list[tuple[str, str]]:
    """The contrasts; none where everything is pooled."""
    return list(plan.pairs(data.groups)) if data.arms is not None else []
