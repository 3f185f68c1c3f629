"""How many people of each arm had each intercurrent event that is on record."""

from collections.abc import Iterator

from ..dataset import Dataset
from ..plan import AnalysisPlan
from .number import Number, Numbers, ident


def numbers(data: Dataset, plan: AnalysisPlan) -> Numbers:
    if data.intercurrent is None:
        return
    for group in data.groups:
        people = {person.code for person in data.people(group)}
        for what in recorded(data, plan):
            had = {row.participant for row in data.intercurrent if row.what == what} & people
            yield Number(
                ident("intercurrent", group, what),
                len(had),
                n=len(people),
                unit="count",
                method="people with at least one",
            )


def recorded(data: Dataset, plan: AnalysisPlan) -> Iterator[str]:
    """The kinds of event that this design has and this platform sees."""
    yield "allocation_forced"
    if data.usage is not None:
        yield "programme_stopped"
    if data.contacts is not None and plan.contacts:
        yield "too_few_contacts"
    yield "consent_withdrawn"
