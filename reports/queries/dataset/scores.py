"""One row for each assessment of everybody randomised."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from reports.dataset import Score
from reports.queries.tables import days_after, records
from trial.entries import Table

STATES = {"submitted": "answered", "declined": "declined", "missed": "missed", "withdrawn": "withdrawn"}


def scores(found: list[Table], start: Mapping[str, date | None]) -> tuple[Score, ...]:
    """`at` is the day it was handed in, else the day it opened; None where neither is told."""
    return tuple(
        Score(
            row["participant"],
            row["instrument"],
            row["timepoint"],
            row["score"],
            STATES.get(row["state"], "pending"),
            row["days"] if row["days"] is not None else days_after(start[row["participant"]], row["opens_on"]),
            days_after(start[row["participant"]], row["opens_on"]),
        )
        for row in records(found, "assessments")
        if row["participant"] in start
    )
