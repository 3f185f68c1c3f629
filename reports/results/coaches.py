"""What each coach did, by the code that holds in this study alone."""

from ..dataset import Attempt, Dataset
from ..statistics.descriptives import describe
from .number import Number, Numbers, ident


def numbers(data: Dataset) -> Numbers:
    for coach in codes(data):
        people = {row.participant for row in data.coached or () if row.coach == coach}
        held = [row for row in data.contacts or () if row.held and row.coach == coach]
        tries = [row for row in data.attempts or () if row.coach == coach]
        for word, value in (
            ("people", len(people)),
            ("held", len(held)),
            ("deviations", sum(len(row.deviations) for row in tries)),
            ("corrections", sum(row.corrections for row in tries)),
        ):
            yield Number(
                ident("coach", coach, word), value, n=len(people), unit="count", method="count"
            )
        minutes = [row.minutes for row in held if row.minutes is not None]
        d = describe(minutes)
        method = "mean of calls held"
        yield Number(
            ident("coach", coach, "minutes_each"), d.mean, n=d.n, unit="minute", method=method
        )
        yield _steps(coach, tries)


def codes(data: Dataset) -> list[str]:
    """Everybody who had somebody or tried a call, in the order of their codes."""
    found = {row.coach for row in data.coached or ()} | {row.coach for row in data.attempts or ()}
    return sorted(found, key=lambda code: (len(code), code))


def _steps(coach: str, tries: list[Attempt]) -> Number:
    """Of what the protocol asks in the tries that reached somebody, what was done of it."""
    reached = [row for row in tries if row.steps_done is not None]
    required = sum(row.steps_required or 0 for row in reached)
    done = sum(row.steps_done or 0 for row in reached)
    share = done / required if required else None
    method = "steps done of those that the protocol has, over tries that reached somebody"
    return Number(
        ident("coach", coach, "steps"), share, n=len(reached), unit="proportion", method=method
    )
