"""One row for each assessment of everybody randomised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from reports.dataset import Score
from reports.queries.tables import days_after, records
from trial.entries import Table

STATES = {
    "submitted": "answered",
    "declined": "declined",
    "missed": "missed",
    "withdrawn": "withdrawn",
}


def scores(found: list[Table], start: Mapping[str, date | None]) -> tuple[Score, ...]:
    """`at` is the day it was handed in, else the day it opened; None where neither is told."""
    asked = tuple(_asked(found, start))
    return (*asked, *_nested(found, asked))


def _asked(found: list[Table], start: Mapping[str, date | None]) -> Iterator[Score]:
    yield from (
        Score(
            row["participant"],
            row["instrument"],
            row["timepoint"],
            row["score"],
            STATES.get(row["state"], "pending"),
            row["days"]
            if row["days"] is not None
            else days_after(start[row["participant"]], row["opens_on"]),
            days_after(start[row["participant"]], row["opens_on"]),
        )
        for row in records(found, "assessments")
        if row["participant"] in start
    )


def _nested(found: list[Table], asked: tuple[Score, ...]) -> Iterator[Score]:
    """Scores at baseline of questionnaires that were asked there only as a part of longer ones."""
    point = next(row["timepoint"] for row in records(found, "timepoints") if row["is_baseline"])
    at_baseline = {
        (row.participant, row.instrument): row for row in asked if row.timepoint == point
    }
    values = {
        (row["participant"], row["instrument"], row["score"]): row["value"]
        for row in records(found, "scores")
        if row["timepoint"] == point
    }
    own = {instrument for _, instrument in at_baseline}
    for instrument in records(found, "instruments"):
        parts = [part.partition(".")[::2] for part in instrument["sum_of"]]
        if parts and instrument["instrument"] not in own:
            yield from _sums(instrument["instrument"], parts, at_baseline, values)


def _sums(
    instrument: str,
    parts: list[tuple[str, str]],
    rows: Mapping[tuple[str, str], Score],
    values: Mapping[tuple[str, str, str], float | None],
) -> Iterator[Score]:
    """For everybody who answered each part without a blank."""
    for (participant, questionnaire), row in rows.items():
        found = [values.get((participant, *part)) for part in parts]
        known = [value for value in found if value is not None]
        if questionnaire == parts[0][0] and len(known) == len(parts):
            yield Score(
                participant, instrument, row.timepoint, sum(known), row.state, row.at, row.opened_at
            )
