"""An export as one .zip: a CSV for each table, the codebook, the analysis plan, and what it is and
was made from.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any

from reports.dataset import Dataset
from reports.plan import AnalysisPlan
from trial.entries import Column, Table
from trial.languages import in_language

SIMULATED_COLUMN = Column("simulated", "Of simulated people", "boolean")
README = "README.txt"
CODEBOOK = (
    Column("table", "File"),
    Column("column", "Column"),
    Column("label", "What it is"),
    Column("type", "Kind of value", "code"),
    Column("unit", "Unit"),
    Column("values", "What the codes mean"),
    Column("missing", "What an empty cell means"),
)


def write(
    out: IO[bytes], found: Sequence[Table], data: Dataset, plan: AnalysisPlan, at: datetime
) -> None:
    """The .zip, to `out`; the same tables, snapshot and moment give the same bytes."""
    told = [declaring(table, data.meta.simulated) for table in found]
    tables = (*told, declaring(codebook(told), data.meta.simulated))
    files = {f"{table.name}.csv": csv_text(table).encode() for table in tables}
    files["plan.json"] = (
        json.dumps(plan.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    ).encode()
    files[README] = readme(files, data, at).encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, at.timetuple()[:6])
            # Packed, the hash of the seal would make the file longer or shorter: two exports of one
            # size hold as much. Not stored, since programs that read a stream cannot tell where a
            # stored file ends.
            level = 0 if name == README else None
            bundle.writestr(info, content, zipfile.ZIP_DEFLATED, level)


def declaring(table: Table, simulated: bool) -> Table:
    """A file is passed on without its README: every row says by itself whether it is of simulated
    people.
    """
    if any(column.name == SIMULATED_COLUMN.name for column in table.columns):
        return table
    rows = [(*row, simulated) for row in table.rows]
    return Table(table.name, table.title, (*table.columns, SIMULATED_COLUMN), rows)


def csv_text(table: Table) -> str:
    """Comma separated, UTF-8, one line of column names; yes and no in words, days as ISO dates,
    nothing for missing.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([cell(value) for value in row] for row in table.rows)
    return out.getvalue()


def cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return int(value) if value.is_integer() else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return harmless(" ".join(str(each) for each in value))
    return harmless(value) if isinstance(value, str) else value


def harmless(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula, spaces or not; an apostrophe makes it
    text again.
    """
    return (
        "'" + text
        if text.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in ("\t", "\r", "\n")
        else text
    )


def codebook(found: Iterable[Table]) -> Table:
    rows = [
        (table.name, c.name, c.label, c.kind, c.unit, _values(c.values), c.missing)
        for table in found
        for c in table.columns
    ]
    return Table("codebook", "Codebook", CODEBOOK, rows)


def _values(values: Mapping[str, str]) -> str:
    return "; ".join(
        code if code == meaning else f"{code} = {meaning}" for code, meaning in values.items()
    )


def readme(files: Mapping[str, bytes], data: Dataset, at: datetime) -> str:
    meta = data.meta
    arms = (
        "by arm"
        if data.arms is not None
        else "pooled: allocations, calls, lessons and whatever else tells an arm are left out"
    )
    lines = [
        *([meta.notice, ""] if meta.simulated else []),
        f"Export of {meta.study}: {in_language(meta.title, 'en')}",
        "",
        f"Made at           {at.isoformat(timespec='seconds')}",
        f"Arms              {arms}",
        f"Simulated people  {'yes' if meta.simulated else 'no'}",
        f"Protocol version  {meta.protocol_version} (SHA-256 {meta.protocol_sha256})",
        f"Snapshot          SHA-256 {data.snapshot_hash}",
        f"Newest audit seal {meta.audit_seal or 'none yet'}",
        f"Code version      {meta.code_version}",
        "",
        "A report with the same snapshot was made from these tables. codebook.csv tells what each "
        "column is, plan.json",
        "what is compared with what. Days are calendar days in the study's time zone. UTF-8, comma "
        "separated.",
        "",
        "Began what the arm offers: opened a module or had a planned call; an arm that offers "
        "neither at the start is",
        "begun by being allocated. Time in the study: until withdrawing, else until the first time "
        "point opened to the person",
        "from which on nothing was answered; whoever answered at the last one that was due is "
        "counted until it had opened",
        "to everybody in the arm. Where the day of opening is not told, the planned day counts.",
        *_use(data),
        "",
        *(
            f"{hashlib.sha256(content).hexdigest()}  {name}"
            for name, content in sorted(files.items())
        ),
    ]
    return "\n".join(lines) + "\n"


def _use(data: Dataset) -> list[str]:
    """How use of the programme was told from having stopped, where it was recorded."""
    if data.idle_after is None:
        return []
    days = data.idle_after
    return [
        "Use of the programme: from its opening to the last use; it has stopped after more than",
        f"{days:g} {data.time_unit}s without use unless the programme was finished.",
    ]
