"""Planned calls, how often they were tried, and whether they were held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from reports.dataset import Contact
from reports.queries.tables import days_after, records
from trial.entries import Table


class Calls:
    """The table `contacts`: one row for each planned call."""

    def __init__(self, found: list[Table]) -> None:
        self.rows = records(found, "contacts")
        self.held = {row["participant"] for row in self.rows if row["state"] == "held"}

    def is_held(self, code: str) -> bool:
        """Whether any call with this person was held."""
        return code in self.held

    def contacts(self, start: Mapping[str, date | None]) -> tuple[Contact, ...]:
        return tuple(
            Contact(
                row["participant"],
                row["number"],
                days_after(start[row["participant"]], row["planned_on"]),
                row["attempts"],
                row["state"] == "held",
                row["minutes"] if row["state"] == "held" else None,
            )
            for row in self.rows
            if row["participant"] in start
        )
