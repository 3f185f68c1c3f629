"""The rows of the CSV, checked one by one and turned into a snapshot."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..dataset import (
    Arm,
    Dataset,
    Instrument,
    Meta,
    Participant,
    ReliableChange,
    Score,
    Timepoint,
    Variable,
    count_flow,
)
from .document import BadInput, read_text
from .plan import ColumnLabel, CsvPlan

BASELINE = "baseline"
SEPARATORS = {"semicolon": ";", "tab": "\t"}


@dataclass(frozen=True)
class _Row:
    """A person's row; `number` is its line in the file, the header being line 1."""

    number: int
    cells: Mapping[str, str]


def read_data(path: Path, plan: CsvPlan, code_version: str) -> Dataset:
    """The snapshot that the plan makes of the CSV, or BadInput with every mistake by column and row."""
    rows = _rows(path, plan)
    mistakes = [*_duplicates(rows, plan), *_unknown_arms(rows, plan), *_not_numbers(rows, plan)]
    if mistakes:
        raise BadInput([f"{path.name}: {mistake}" for mistake in mistakes])
    return _dataset(path, rows, plan, code_version)


def _rows(path: Path, plan: CsvPlan) -> list[_Row]:
    try:
        lines = list(csv.reader(io.StringIO(read_text(path), newline=""), strict=True))
    except csv.Error as error:
        raise BadInput([f"{path.name}: this is not a CSV: {error}"]) from None
    header = lines[0]
    if separator := _separator(header, plan):
        raise BadInput([f"{path.name}: this looks {separator}-separated; save it with commas between the cells"])
    mistakes = [*_header_mistakes(header, plan), *_ragged(lines, len(header))]
    if not mistakes and len(lines) < 2:
        mistakes = ["there is no row under the header"]
    if mistakes:
        raise BadInput([f"{path.name}: {mistake}" for mistake in mistakes])
    return [_Row(i, dict(zip(header, line, strict=True))) for i, line in enumerate(lines[1:], start=2) if line]


def _separator(header: list[str], plan: CsvPlan) -> str | None:
    """What stands between the names of the header in the place of commas. Its numbers may have decimal commas, so that
    such a file is not read."""
    whole = ",".join(header)
    if set(plan.needed()) & set(header):
        return None
    found = (name for name, mark in SEPARATORS.items() if set(plan.needed()) & set(whole.split(mark)))
    return next(found, None)


def _header_mistakes(header: list[str], plan: CsvPlan) -> Iterator[str]:
    needed = plan.needed()
    for name in needed:
        if name not in header:
            yield f"column {name}: the plan names it, the file does not have it"
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            yield f"column {name}: stands in the header {header.count(name)} times"
        elif name not in needed:
            yield f"column {name}: unknown; the plan does not name it"


def _ragged(lines: list[list[str]], width: int) -> Iterator[str]:
    for number, line in enumerate(lines[1:], start=2):
        if line and len(line) != width:
            yield f"row {number}: {len(line)} cells where the header has {width}"


def _duplicates(rows: list[_Row], plan: CsvPlan) -> Iterator[str]:
    column, seen = plan.columns.participant, dict[str, int]()
    for row in rows:
        code = row.cells[column].strip()
        if code in plan.missing:
            yield f"column {column}, row {row.number}: no participant"
        elif code in seen:
            yield f"column {column}, row {row.number}: {code} already stands in row {seen[code]}"
        seen.setdefault(code, row.number)


def _unknown_arms(rows: list[_Row], plan: CsvPlan) -> Iterator[str]:
    arms, column = [arm.code for arm in plan.arms], plan.columns.arm
    for row in rows:
        if row.cells[column] not in arms:
            found = row.cells[column] or "empty"
            yield f"column {column}, row {row.number}: {found} is not one of the arms {', '.join(arms)}"


def _not_numbers(rows: list[_Row], plan: CsvPlan) -> Iterator[str]:
    for column in (plan.columns.baseline, *(visit.column for visit in plan.visits)):
        for row in rows:
            text = row.cells[column].strip()
            if text not in plan.missing and not _is_number(text):
                yield f"column {column}, row {row.number}: '{text}' is not a number"


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf") and "_" not in text
    except ValueError:
        return False


def _dataset(path: Path, rows: list[_Row], plan: CsvPlan, code_version: str) -> Dataset:
    variables = tuple(_variable(rows, code, plan) for code in plan.covariates)
    people = tuple(_participant(row, plan, variables) for row in rows)
    scores = tuple(score for row in rows for score in _scores(row, plan))
    arms = tuple(Arm(arm.code, arm.name) for arm in plan.arms)
    singled_out = plan.primary or [visit.column for visit in plan.visits]
    flow = count_flow(
        people,
        scores,
        [arm.code for arm in arms],
        [(plan.outcome.code, column) for column in singled_out],
        BASELINE,
        covariates=plan.covariates,
        discontinuation_recorded=False,
    )
    return Dataset(
        meta=Meta(plan.title, path.stem, plan.simulated, {"en": plan.source}, code_version, tuple(plan.title)),
        arms=arms,
        participants=people,
        instruments=(_instrument(plan),),
        timepoints=(
            Timepoint(BASELINE, {"en": "Baseline", "nl": "Voormeting"}, 0),
            *(Timepoint(visit.column, visit.label, visit.months) for visit in plan.visits),
        ),
        baseline=BASELINE,
        scores=scores,
        flow=flow,
        variables=variables,
        time_unit="month",
    )


def _instrument(plan: CsvPlan) -> Instrument:
    change = plan.reliable_change
    reference = None
    if change:
        reference = ReliableChange(change.points, change.sd, change.reliability, change.source, change.status)
    outcome = plan.outcome
    return Instrument(outcome.code, outcome.title, outcome.direction, reference, outcome.source)


def _known(row: _Row, column: str, plan: CsvPlan) -> str | None:
    text = row.cells[column].strip()
    return None if text in plan.missing else text


def _variable(rows: list[_Row], code: str, plan: CsvPlan) -> Variable:
    """A column in which every known value is a number is one; any other is a choice."""
    numeric = all(_is_number(text) for row in rows if (text := _known(row, code, plan)) is not None)
    named = plan.labels.get(code, ColumnLabel())
    return Variable(code, named.label or {"en": code}, "number" if numeric else "choice", levels=named.levels)


def _participant(row: _Row, plan: CsvPlan, variables: tuple[Variable, ...]) -> Participant:
    values = {v.code: _known(row, v.code, plan) for v in variables}
    numbers = {v.code for v in variables if v.kind == "number"}
    typed = {code: float(text) if text and code in numbers else text for code, text in values.items()}
    return Participant(row.cells[plan.columns.participant].strip(), row.cells[plan.columns.arm], values=typed)


def _scores(row: _Row, plan: CsvPlan) -> Iterator[Score]:
    person = row.cells[plan.columns.participant].strip()
    columns = [(BASELINE, plan.columns.baseline, 0.0), *((v.column, v.column, v.months) for v in plan.visits)]
    for timepoint, column, at in columns:
        text = _known(row, column, plan)
        score = None if text is None else float(text)
        yield Score(person, plan.outcome.code, timepoint, score, "unknown" if text is None else "answered", at)
