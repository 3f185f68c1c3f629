"""The rows of the CSV, checked one by one and turned into a snapshot."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import yaml

from trial.folder import unknown

from ..dataset import (
    Arm,
    Dataset,
    Instrument,
    LeftAside,
    Meta,
    Participant,
    ReliableChange,
    Score,
    Timepoint,
    Variable,
    count_flow,
)
from .codes import is_number, same_code
from .plan import ColumnLabel, CsvPlan
from .text import BadInput, read_text

BASELINE = "baseline"
SEPARATORS = {"semicolon": ";", "tab": "\t"}
FEWEST, MOST = (
    3,
    10,
)  # so many different whole numbers may be codes; two make the same model either way


@dataclass(frozen=True)
class _Row:
    """A person's row; `number` is its line in the file, the header being line 1."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class _File:
    """The rows that have something in them, and what was left aside."""

    rows: Sequence[_Row]
    aside: LeftAside
    plan: CsvPlan

    def known(self, row: _Row, column: str) -> str | None:
        """What stands in the cell; None for a code of the plan for missing, however it is
        written.
        """
        text = row.cells[column].strip()
        return None if same_code(text) in self._missing else text

    @cached_property
    def _missing(self) -> frozenset[str | Decimal]:
        return frozenset(map(same_code, self.plan.missing_codes))

    def column(self, column: str) -> list[str]:
        """What is known in it."""
        found = (self.known(row, column) for row in self.rows)
        return [text for text in found if text is not None]

    @cached_property
    def levels(self) -> dict[str, dict[str | Decimal, str]]:
        """How each code of a covariate is written: as in the plan, else as in its first row."""
        return {code: self._levels(code) for code in self.plan.covariates}

    def _levels(self, code: str) -> dict[str | Decimal, str]:
        named = self.plan.labels.get(code, ColumnLabel()).levels
        written: dict[str | Decimal, str] = {}
        for text in (*named, *self.column(code)):
            written.setdefault(same_code(text), text)
        return written

    @cached_property
    def kinds(self) -> dict[str, str]:
        """number or choice, by covariate: as the plan says, else as the column looks."""
        return {code: self._kind(code) for code in self.plan.covariates}

    def _kind(self, code: str) -> str:
        declared = self.plan.kinds.get(code)
        if declared:
            return "number" if declared == "number" else "choice"
        named = code in self.plan.labels and self.plan.labels[code].levels
        return "number" if not named and all(map(is_number, self.column(code))) else "choice"


def read_data(path: Path, plan: CsvPlan, code_version: str) -> Dataset:
    """The snapshot that the plan makes of the CSV, or BadInput with every mistake by column and
    row.
    """
    file = _read(path, plan)
    checks = (_duplicates, _unknown_arms, _not_numbers, _undeclared, _without_cluster)
    mistakes = [mistake for check in checks for mistake in check(file)]
    if mistakes:
        raise BadInput([f"{path.name}: {mistake}" for mistake in mistakes])
    return _dataset(path, file, code_version)


def _read(path: Path, plan: CsvPlan) -> _File:
    try:
        lines = list(csv.reader(io.StringIO(read_text(path), newline=""), strict=True))
    except csv.Error as error:
        raise BadInput([f"{path.name}: this is not a CSV: {error}"]) from None
    header, filled = lines[0], {}
    if separator := _separator(header, plan):
        message = f"this looks {separator}-separated; save it with commas between the cells"
        raise BadInput([f"{path.name}: {message}"])
    for number, line in enumerate(lines[1:], start=2):
        # A spreadsheet saves the rows that were emptied in it as so many commas.
        if any(cell.strip() for cell in line):
            filled[number] = line
    mistakes = [*_header_mistakes(header, plan), *_ragged(filled, len(header))]
    if not mistakes and not filled:
        mistakes = ["there is no row under the header"]
    if mistakes:
        raise BadInput([f"{path.name}: {mistake}" for mistake in mistakes])
    rows = [_Row(i, dict(zip(header, line, strict=True))) for i, line in filled.items()]
    aside = LeftAside(tuple(_unnamed(header, plan)), len(lines) - 1 - len(filled))
    return _File(rows, aside, plan)


def _separator(header: list[str], plan: CsvPlan) -> str | None:
    """What stands between the names of the header in the place of commas. Its numbers may have
    decimal commas, so that such a file is not read.
    """
    whole = ",".join(header)
    if set(plan.needed()) & set(header):
        return None
    found = (
        name for name, mark in SEPARATORS.items() if set(plan.needed()) & set(whole.split(mark))
    )
    return next(found, None)


def _header_mistakes(header: list[str], plan: CsvPlan) -> Iterator[str]:
    for name in plan.needed():
        if name not in header:
            yield f"the plan names a column that is not there: {unknown('column', name, header)}"
        elif header.count(name) > 1:
            yield f"column '{name}': stands in the header {header.count(name)} times"
    if plan.strict:
        for name in _unnamed(header, plan):
            yield f"column '{name}': the plan, which is strict, does not name it"


def _unnamed(header: list[str], plan: CsvPlan) -> list[str]:
    """The columns that the plan does not name."""
    return [name for name in dict.fromkeys(header) if name not in plan.needed()]


def _ragged(lines: Mapping[int, list[str]], width: int) -> Iterator[str]:
    for number, line in lines.items():
        if len(line) != width:
            yield f"row {number}: {len(line)} cells where the header has {width}"


def _duplicates(file: _File) -> Iterator[str]:
    column, seen = file.plan.columns.participant, dict[str | Decimal, _Row]()
    for row in file.rows:
        where, written = f"column '{column}', row {row.number}", row.cells[column]
        code = same_code(written)
        if file.known(row, column) is None:
            yield f"{where}: no participant"
        elif code in seen:
            before = seen[code].cells[column]
            otherwise = "" if before == written else f", as '{before}'"
            yield f"{where}: '{written}' already stands in row {seen[code].number}{otherwise}"
        seen.setdefault(code, row)


def _unknown_arms(file: _File) -> Iterator[str]:
    column = file.plan.columns.arm
    for row in file.rows:
        if _arm(file, row) is None:
            said = unknown("arm", row.cells[column], file.plan.arm_codes)
            yield f"column '{column}', row {row.number}: {said}"


def _arm(file: _File, row: _Row) -> str | None:
    """The arm's code as the plan writes it. A word with a blank more or less is another code: which
    of the two is meant is for the plan to say.
    """
    written, codes = row.cells[file.plan.columns.arm], file.plan.arm_codes
    if written in codes or not is_number(written):
        return written if written in codes else None
    return next((code for code in codes if same_code(code) == same_code(written)), None)


def _not_numbers(file: _File) -> Iterator[str]:
    plan = file.plan
    visits = (visit.column for visit in plan.visits)
    numbers = (code for code in plan.covariates if file.kinds[code] == "number")
    for column in (plan.columns.baseline, *visits, *numbers):
        for row in file.rows:
            text = file.known(row, column)
            if text is not None and not is_number(text):
                yield f"column '{column}', row {row.number}: '{text}' is not a number"


def _undeclared(file: _File) -> Iterator[str]:
    """A few whole numbers may be codes of categories, of which a slope would make nonsense: the
    plan says which.
    """
    plan = file.plan
    counts = {code: _whole_numbers(file, code) for code in plan.covariates}
    doubtful = {
        code: n
        for code, n in counts.items()
        if FEWEST <= n <= MOST and file.kinds[code] == "number" and code not in plan.kinds
    }
    line = _line({**plan.kinds, **dict.fromkeys(doubtful, "category")})
    for code, n in doubtful.items():
        yield (
            f"column '{code}': {n} different whole numbers may be a number or the codes of a "
            f"category; "
            f"add the line `{line}` to the plan, or the same with number"
        )


def _whole_numbers(file: _File, column: str) -> int:
    """How many different values there are, if all of them are whole numbers; else none."""
    texts = file.column(column)
    if not all(is_number(text) and float(text).is_integer() for text in texts):
        return 0
    return len({float(text) for text in texts})


def _line(kinds: Mapping[str, str]) -> str:
    """As it stands in the plan."""
    return yaml.safe_dump(
        {"kinds": dict(kinds)}, default_flow_style=None, sort_keys=False, width=10_000
    ).strip()


def _without_cluster(file: _File) -> Iterator[str]:
    column = file.plan.cluster
    if column:
        for row in file.rows:
            if file.known(row, column) is None:
                yield (
                    f"column '{column}', row {row.number}: no cluster, by which the arms were "
                    f"randomised"
                )


def _dataset(path: Path, file: _File, code_version: str) -> Dataset:
    plan = file.plan
    variables = tuple(_variable(file, code) for code in plan.covariates)
    people = tuple(_participant(file, row, variables) for row in file.rows)
    scores = tuple(score for row in file.rows for score in _scores(file, row))
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
        meta=Meta(
            plan.title,
            path.stem,
            plan.simulated,
            {"en": plan.source},
            code_version,
            tuple(plan.title),
            left_aside=file.aside,
        ),
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
        reference = ReliableChange(
            change.points, change.sd, change.reliability, change.source, change.status
        )
    outcome = plan.outcome
    return Instrument(outcome.code, outcome.title, outcome.direction, reference, outcome.source)


def _variable(file: _File, code: str) -> Variable:
    named = file.plan.labels.get(code, ColumnLabel())
    return Variable(code, named.label or {"en": code}, file.kinds[code], levels=named.levels)


def _participant(file: _File, row: _Row, variables: Sequence[Variable]) -> Participant:
    values = {each.code: _value(file, row, each) for each in variables}
    return Participant(_person(file, row), _arm(file, row), values=values)


def _person(file: _File, row: _Row) -> str:
    return row.cells[file.plan.columns.participant].strip()


def _value(file: _File, row: _Row, variable: Variable) -> float | str | None:
    text = file.known(row, variable.code)
    if text is None:
        return None
    is_number_here = variable.kind == "number"
    return float(text) if is_number_here else file.levels[variable.code][same_code(text)]


def _scores(file: _File, row: _Row) -> Iterator[Score]:
    plan, person = file.plan, _person(file, row)
    visits = ((v.column, v.column, v.months) for v in plan.visits)
    for timepoint, column, at in ((BASELINE, plan.columns.baseline, 0.0), *visits):
        text = file.known(row, column)
        score = None if text is None else float(text)
        state = "unknown" if text is None else "answered"
        yield Score(person, plan.outcome.code, timepoint, score, state, at)
