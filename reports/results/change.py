"""How many people got reliably better, and how many reliably worse, among those with both
scores.
"""

from ..dataset import Dataset, Instrument, ReliableChange
from ..plan import AnalysisPlan
from ..statistics.reliable_change import count, jacobson_truax
from .number import Number, Numbers, ident, number_of
from .outcomes import measured
from .shares import count_and_share


def threshold(reference: ReliableChange | None) -> float | None:
    """The bar in points: as cited, or from the cited SD and reliability (Jacobson and Truax
    1991).
    """
    if reference is None:
        return None
    if reference.points is not None:
        return reference.points
    if reference.sd is None or reference.reliability is None:
        return None
    return jacobson_truax(reference.sd, reference.reliability)


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    instruments = {instrument.code: instrument for instrument in data.instruments}
    for instrument in data.instruments:
        bar = threshold(instrument.reliable_change)
        if bar is not None and instrument.reliable_change:
            reference = instrument.reliable_change
            recipe = f"source: {reference.source}; status: {reference.status}"
            yield Number(
                ident("reliable_change", instrument.code),
                bar,
                unit="points",
                method=_how(reference),
                recipe=recipe,
            )
    for outcome in measured(data):
        yield from _outcome(data, plan, instruments[outcome.instrument], outcome.timepoint)


def _how(reference: ReliableChange) -> str:
    if reference.points is not None:
        return "points as given"
    return (
        f"1.96 x {reference.sd} x sqrt(2) x sqrt(1 - {reference.reliability}), Jacobson and Truax "
        f"1991"
    )


def _outcome(data: Dataset, plan: AnalysisPlan, instrument: Instrument, timepoint: str) -> Numbers:
    bar = threshold(instrument.reliable_change)
    if bar is None:
        return
    for group in data.groups:
        pairs = list(_pairs(data, group, instrument.code, timepoint))
        before, after = [a for a, _ in pairs], [b for _, b in pairs]
        counted = count(before, after, bar, instrument.direction)
        for word, number in (
            ("improved", counted.improved),
            ("deteriorated", counted.deteriorated),
        ):
            id = ident("reliable", instrument.code, timepoint, group, word)
            method = (
                f"change from baseline of at least {number_of(bar, 'point')}, among people with "
                f"both scores"
            )
            yield from count_and_share(id, number, counted.n, plan.confidence, method)
        yield Number(
            ident("reliable", instrument.code, timepoint, group, "n"),
            counted.n,
            unit="people",
            method="count",
        )


def _pairs(data: Dataset, group: str, instrument: str, timepoint: str):
    for person in data.people(group):
        before = data.score(person.code, instrument, data.baseline)
        after = data.score(person.code, instrument, timepoint)
        if before is not None and after is not None:
            yield before, after
