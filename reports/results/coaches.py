"""What each coach did, by the code that holds in this study alone."""

from ..dataset import Contact, Dataset
from ..statistics.descriptives import describe
from .number import Number, Numbers, ident


def numbers(data: Dataset) -> Numbers:
    for coach in codes(data):
        people = {row.participant for row in data.coached or () if row.coach == coach}
        held = [row for row in data.contacts or () if row.held and row.coach == coach]
        yield from _counts(coach, people, held)
        minutes = [row.minutes for row in held if row.minutes is not None]
        d = describe(minutes)
        method = "mean of calls held"
        yield Number(
            ident("coach", coach, "minutes_each"), d.mean, n=d.n, unit="minute", method=method
        )
        yield _steps(coach, held)


def codes(data: Dataset) -> list[str]:
    """Everybody who had somebody or held a call, in the order of their codes."""
    found = {row.coach for row in data.coached or ()}
    found |= {row.coach for row in data.contacts or () if row.held and row.coach}
    return sorted(found, key=lambda code: (len(code), code))


def _counts(coach: str, people: set[str], held: list[Contact]) -> Numbers:
    for word, value in (
        ("people", len(people)),
        ("held", len(held)),
        ("deviations", sum(len(row.deviations) for row in held)),
        ("corrections", sum(row.corrections for row in held)),
    ):
        yield Number(
            ident("coach", coach, word), value, n=len(people), unit="count", method="count"
        )


def _steps(coach: str, held: list[Contact]) -> Number:
    """Of what the protocol asks in the calls that were held; what was done of it."""
    asked = [row for row in held if row.steps_done is not None and row.steps_required]
    required = sum(row.steps_required or 0 for row in asked)
    done = sum(row.steps_done or 0 for row in asked)
    share = done / required if required else None
    method = "steps done of those that the protocol has, over calls held"
    return Number(
        ident("coach", coach, "steps"), share, n=len(asked), unit="proportion", method=method
    )
