"""What people did with the programme, in days since randomisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reports.dataset import Module, ModuleUse, Usage
from reports.queries.tables import Records, day, days_after, records
from trial.entries import Table
from trial.models import ProtocolVersion

IDLE_AFTER = 14  # days without use after which somebody is counted as having stopped
Start = Mapping[str, date | None]


def modules(version: ProtocolVersion) -> tuple[Module, ...]:
    described = version.programme.modules if version.programme else ()
    return tuple(Module(module.code, dict(module.title), number) for number, module in enumerate(described, 1))


class Use:
    """The table `programme` by person."""

    def __init__(self, version: ProtocolVersion, found: list[Table], at: datetime) -> None:
        self.rows: dict[str, Records] = {}
        for row in records(found, "programme"):
            self.rows.setdefault(row["participant"], []).append(row)
        self.today = at.astimezone(ZoneInfo(version.protocol.timezone)).date()
        self.left = {row["participant"]: day(row["left_on"]) for row in records(found, "participants")}

    def has_begun(self, code: str) -> bool:
        return any(row["begun_on"] for row in self.rows.get(code, []))

    def module_use(self, start: Start) -> tuple[ModuleUse, ...]:
        return tuple(
            ModuleUse(
                code, row["module"], days_after(start[code], row["begun_on"]), days_after(start[code], row["done_on"])
            )
            for code, row in self._rows(start)
        )

    def usage(self, start: Start) -> tuple[Usage, ...]:
        """From the opening of the programme to its last use, for everybody it was open to."""
        return tuple(self._usage(code, start[code]) for code in start if code in self.rows)

    def _usage(self, code: str, started: date | None) -> Usage:
        rows = self.rows[code]
        last = max((used_on for row in rows if (used_on := day(row["last_used_on"]))), default=None)
        opened_on = day(rows[0]["opened_on"]) or self.today
        return Usage(
            code,
            days_after(started, last),
            days_after(started, opened_on) or 0,
            days_after(started, rows[0]["finished_on"]),
            days_after(started, self._until(code, last or opened_on)),
        )

    def _until(self, code: str, last: date) -> date:
        """The last day that says anything of use: leaving the study, today, or a day more than IDLE_AFTER without use.

        Later days add nothing, so that the snapshot of a finished study is the same whenever it is taken.
        """
        return min(self.left.get(code) or self.today, self.today, last + timedelta(days=IDLE_AFTER + 1))

    def _rows(self, start: Start) -> Iterator[tuple[str, dict[str, Any]]]:
        for code in start:
            yield from ((code, row) for row in self.rows.get(code, []))
