"""What people did with the programme, in days since randomisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from reports.dataset import Module, ModuleUse, Usage
from reports.queries.tables import Records, day, days_after, records
from trial.entries import Table
from trial.models import ProtocolVersion

Start = Mapping[str, date | None]


def modules(version: ProtocolVersion) -> tuple[Module, ...]:
    described = version.programme.modules if version.programme else ()
    return tuple(
        Module(module.code, dict(module.title), number)
        for number, module in enumerate(described, 1)
    )


class Use:
    """The table `programme` by person."""

    def __init__(self, found: list[Table]) -> None:
        self.rows: dict[str, Records] = {}
        for row in records(found, "programme"):
            self.rows.setdefault(row["participant"], []).append(row)

    def has_begun(self, code: str) -> bool:
        return any(row["begun_on"] for row in self.rows.get(code, []))

    def module_use(self, start: Start) -> tuple[ModuleUse, ...]:
        return tuple(
            ModuleUse(
                code,
                row["module"],
                days_after(start[code], row["begun_on"]),
                days_after(start[code], row["done_on"]),
            )
            for code, row in self._rows(start)
        )

    def usage(self, start: Start) -> tuple[Usage, ...]:
        """From the opening of the programme to its last use, for everybody it was open to."""
        return tuple(self._usage(code, start[code]) for code in start if code in self.rows)

    def _usage(self, code: str, started: date | None) -> Usage:
        rows = self.rows[code]
        last = max((used_on for row in rows if (used_on := day(row["last_used_on"]))), default=None)
        return Usage(
            code,
            days_after(started, last),
            days_after(started, rows[0]["opened_on"]) or 0,
            days_after(started, rows[0]["finished_on"]),
            days_after(started, rows[0]["known_until"]),
        )

    def _rows(self, start: Start) -> Iterator[tuple[str, dict[str, Any]]]:
        for code in start:
            yield from ((code, row) for row in self.rows.get(code, []))
