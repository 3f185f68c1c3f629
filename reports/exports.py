"""An export as one .zip: a CSV for each table, the codebook, the analysis plan, and what it is and
was made from.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import IO, Any

from reports.dataset import Digest, Meta
from reports.plan import AnalysisPlan
from trial.entries import Column, Table
from trial.languages import in_language

SIMULATED_COLUMN = Column("simulated", "Of simulated people", "boolean")
README = "README.txt"
PIECE = 64 * 1024  # characters of a table in memory
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
    out: IO[bytes],
    found: Iterable[Table],
    meta: Meta,
    plan: AnalysisPlan,
    at: datetime,
    *,
    by_arm: bool,
    idle_after: float | None,
) -> str:
    """The .zip, to `out`, and the hash of the snapshot that it is of; row by row, so that it takes
    the same memory whatever it holds. The same tables and moment give the same bytes.
    """
    digest, described, sums = Digest(), [], {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for table in found:
            rows = digest.reading(table.name, table.names, table.rows)
            told = declaring(replace(table, rows=rows), meta.simulated)
            described.append(told)
            name = f"{table.name}.csv"
            sums[name] = _put(bundle, name, csv_pieces(told), at)
        of_all = declaring(codebook(described), meta.simulated)
        sums["codebook.csv"] = _put(bundle, "codebook.csv", csv_pieces(of_all), at)
        text = json.dumps(plan.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
        sums["plan.json"] = _put(bundle, "plan.json", [text.encode()], at)
        snapshot = digest.snapshot(meta.hashed)
        # Packed, the hash of the seal would make the file longer or shorter: two exports of one
        # size hold as much. Not stored, since programs that read a stream cannot tell where a
        # stored file ends.
        content = readme(sums, meta, snapshot, at, by_arm=by_arm, idle_after=idle_after)
        bundle.writestr(_info(README, at), content.encode(), zipfile.ZIP_DEFLATED, 0)
    return snapshot


def _put(bundle: zipfile.ZipFile, name: str, pieces: Iterable[bytes], at: datetime) -> str:
    """One file, and its SHA-256."""
    digest = hashlib.sha256()
    with bundle.open(_info(name, at), "w", force_zip64=True) as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _info(name: str, at: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, at.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def declaring(table: Table, simulated: bool) -> Table:
    """A file is passed on without its README: every row says by itself whether it is of simulated
    people.
    """
    if any(column.name == SIMULATED_COLUMN.name for column in table.columns):
        return table
    rows = ((*row, simulated) for row in table.rows)
    return Table(table.name, table.title, (*table.columns, SIMULATED_COLUMN), rows)


def csv_pieces(table: Table) -> Iterator[bytes]:
    """Comma separated, UTF-8, one line of column names; yes and no in words, days as ISO dates,
    nothing for missing.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.names)
    for row in table.rows:
        writer.writerow([cell(value) for value in row])
        if out.tell() > PIECE:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


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


def readme(
    sums: Mapping[str, str],
    meta: Meta,
    snapshot: str,
    at: datetime,
    *,
    by_arm: bool,
    idle_after: float | None,
) -> str:
    arms = (
        "by arm"
        if by_arm
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
        f"Snapshot          SHA-256 {snapshot}",
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
        *_use(idle_after),
        "",
        *(f"{digest}  {name}" for name, digest in sorted(sums.items())),
    ]
    return "\n".join(lines) + "\n"


def _use(idle_after: float | None) -> list[str]:
    """How use of the programme was told from having stopped, where it was recorded."""
    if idle_after is None:
        return []
    return [
        "Use of the programme: from its opening to the last use; it has stopped after more than",
        f"{idle_after:g} days without use unless the programme was finished.",
    ]
