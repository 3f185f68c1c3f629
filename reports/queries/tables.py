"""Every table of a study, put together by the apps that know it (settings.TABLES)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from reports.dataset import Digest
from reports.dataset.digest import READ
from trial import hooks
from trial.actors import SYSTEM, Actor
from trial.entries import Table
from trial.models import Study

Records = list[dict[str, Any]]


def tables(study: Study, at: datetime, *, arms: bool, by: Actor = SYSTEM) -> list[Table]:
    """All tables at `at`, each to be read once; without `arms` none that tells an arm."""
    return [table for entry in hooks.TABLES for table in entry(study, by, at, arms)]


def held(found: list[Table], digest: Digest) -> list[Table]:
    """Those that a report is made from, with their rows in memory; the others are not read."""
    return [
        replace(table, rows=list(digest.reading(table.name, table.names, table.rows)))
        for table in found
        if table.name in READ
    ]


def records(found: list[Table], name: str) -> Records:
    """The rows of the table `name` by column; none where there is no such table."""
    table = next((table for table in found if table.name == name), None)
    if table is None:
        return []
    return [dict(zip(table.names, row, strict=True)) for row in table.rows]


def has(found: list[Table], name: str) -> bool:
    return any(table.name == name for table in found)


def day(value: date | str | None) -> date | None:
    """A day as tables hold it: a date, or its ISO text."""
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None  # type: ignore[return-value]


def days_after(start: date | None, value: date | str | None) -> int | None:
    """Whole calendar days from `start`."""
    end = day(value)
    return (end - start).days if start and end else None
