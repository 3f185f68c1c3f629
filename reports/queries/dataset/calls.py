"""Planned calls, whether they were held and by whom; the tries at them; and who had whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from reports.dataset import Attempt, Coached, Contact
from reports.queries.tables import days_after, records
from trial.entries import Table

Start = Mapping[str, date | None]


class Calls:
    """The tables `contacts`, `attempts` and `coach_assignments`."""

    def __init__(self, found: list[Table]) -> None:
        self.rows = records(found, "contacts")
        self.held = {row["participant"] for row in self.rows if row["state"] == "held"}
        self.assigned = records(found, "coach_assignments")
        self.tried = records(found, "attempts")

    def is_held(self, code: str) -> bool:
        """Whether any call with this person was held."""
        return code in self.held

    def contacts(self, start: Start) -> tuple[Contact, ...]:
        return tuple(
            Contact(
                row["participant"],
                row["number"],
                days_after(start[row["participant"]], row["planned_on"]),
                row["attempts"],
                row["state"] == "held",
                row["minutes"] if row["state"] == "held" else None,
                row["coach"] if row["state"] == "held" else None,
            )
            for row in self.rows
            if row["participant"] in start
        )

    def attempts(self, start: Start) -> tuple[Attempt, ...]:
        return tuple(
            Attempt(
                row["participant"],
                row["contact"],
                row["coach"],
                row["steps_done"] if row["outcome"] == "reached" else None,
                row["steps_required"] if row["outcome"] == "reached" else None,
                tuple((row["deviations"] or "").split()),
                row["corrections"],
            )
            for row in self.tried
            if row["participant"] in start and row["outcome"]
        )

    def coached(self, start: Start) -> tuple[Coached, ...]:
        return tuple(
            Coached(
                row["participant"],
                row["coach"],
                days_after(start[row["participant"]], row["since_on"]),
                days_after(start[row["participant"]], row["ended_on"]),
            )
            for row in self.assigned
            if row["participant"] in start
        )
