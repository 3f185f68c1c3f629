"""The chapters of the report, in order; each is a function from the writer to blocks."""

from . import (
    adherence,
    baseline,
    change,
    contacts,
    differences,
    flow,
    front,
    intercurrent,
    means,
    methods,
    retention,
    staff,
)

simulated = front.simulated

CHAPTERS = (
    front.chapter,
    flow.chapter,
    baseline.chapter,
    means.chapter,
    differences.chapter,
    change.chapter,
    adherence.chapter,
    retention.chapter,
    intercurrent.chapter,
    contacts.chapter,
    staff.chapter,
    methods.chapter,
)
