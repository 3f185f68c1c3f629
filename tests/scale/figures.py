"""What was measured: lines of JSON in a file, and a table to be read; two files side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """`unit` is ms, s, MB, /s, statements, rows or a count of anything else."""

    measure: str
    what: str
    unit: str
    value: float
    database: str = ""
    people: int = 0


def read(path: Path) -> list[Figure]:
    return [Figure(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def add(path: Path, figures: Iterable[Figure]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(each))}\n" for each in figures)


def table(figures: Iterable[Figure], before: Iterable[Figure] = ()) -> str:
    """A row for each thing that was measured; a column for each database and number of people, or
    two, before and after.
    """
    ages = {"before": list(before), "after": list(figures)}
    if not ages["before"]:
        ages = {"": ages["after"]}
    values: dict[tuple[str, str], dict[tuple[str, int, str], dict[str, float]]] = {}
    for age, found in ages.items():
        for each in found:
            row = values.setdefault((each.measure, each.what), {})
            row.setdefault((each.database, each.people, age), {})[each.unit] = each.value
    columns = sorted({column for row in values.values() for column in row}, key=_place)
    rows = [["", *(f"{database} {people:,} {age}".strip() for database, people, age in columns)]]
    for (measure, what), row in values.items():
        units = list(dict.fromkeys(unit for cell in row.values() for unit in cell))
        cells = [
            " / ".join(_said(row[c].get(unit)) for unit in units) if c in row else "-"
            for c in columns
        ]
        rows.append([f"{measure}: {what}, {' / '.join(units)}", *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _place(column: tuple[str, int, str]) -> tuple[str, int, bool]:
    database, people, age = column
    return database, people, age == "after"


def _line(row: list[str], widths: list[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *numbers])


def _said(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.1f}"
