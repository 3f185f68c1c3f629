"""Planned calls, how often they were tried, whether they were held, by whom and how; and who had
whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from reports.dataset import Coached, Contact
from reports.queries.tables import Records, days_after, records
from trial.entries import Table

Start = Mapping[str, date | None]


class Calls:
    """The table `contacts`, one row for each planned call, with the tries at it."""

    def __init__(self, found: list[Table]) -> None:
        self.rows = records(found, "contacts")
        self.held = {row["participant"] for row in self.rows if row["state"] == "held"}
        self.assigned = records(found, "coach_assignments")
        self.tries: dict[tuple[str, int], Records] = {}
        for row in records(found, "attempts"):
            self.tries.setdefault((row["participant"], row["contact"]), []).append(row)

    def is_held(self, code: str) -> bool:
        """Whether any call with this person was held."""
        return code in self.held

    def contacts(self, start: Start) -> tuple[Contact, ...]:
        return tuple(
            self._contact(row, start[row["participant"]])
            for row in self.rows
            if row["participant"] in start
        )

    def _contact(self, row: dict, started: date | None) -> Contact:
        tries = self.tries.get((row["participant"], row["number"]), [])
        spoken = [each for each in tries if each["outcome"] == "reached"]
        steps = {step for each in spoken for step in (each["steps"] or "").split()}
        held = row["state"] == "held" and bool(spoken)
        return Contact(
            row["participant"],
            row["number"],
            days_after(started, row["planned_on"]),
            row["attempts"],
            row["state"] == "held",
            row["minutes"] if row["state"] == "held" else None,
            row["coach"],
            len(steps) if held else None,
            spoken[-1]["steps_required"] if held else None,
            tuple(code for each in tries for code in (each["deviations"] or "").split()),
            sum(each["corrections"] for each in tries),
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
