"""The rows of the CSV, checked one by one and turned into a snapshot."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import yaml

from trial.folder import listed, unknown

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
from ..statistics.reading import stands_for_nothing
from .codes import is_number, looks, quoted, same_code
from .plan import ColumnLabel, CsvPlan
from .text import BadInput, read_text

BASELINE = "baseline"
SEPARATORS = {"semicolon": ";", "tab": "\t"}
# So many different whole numbers may be codes; two make the same model either way.
FEWEST, MOST = 3, 10
# More of them may be too, where so many people have each; people of all ages are fewer a value.
PEOPLE_PER_CODE, MOST_CODES = 5, 30
SHOWN = 5  # rows or values named in one message


@dataclass(frozen=True)
class _Row:
    """A person's row; `number` is its line in the file, the header being line 1."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class _Mistake:
    """What is wrong in a column, or in one row of it."""

    column: str
    text: str
    row: int | None = None

    def __str__(self) -> str:
        row = "" if self.row is None else f", row {self.row}"
        return f"column '{self.column}'{row}: {self.text}"


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
        return "number" if not self._named(code) and not self.words(code) else "choice"

    def _named(self, code: str) -> bool:
        return bool(self.plan.labels.get(code, ColumnLabel()).levels)

    def words(self, column: str) -> dict[str, list[int]]:
        """What is known in it and is no number, with the rows in which it stands."""
        return self.rows_of(column, lambda text: not is_number(text))

    def rows_of(self, column: str, wanted: Callable[[str], bool]) -> dict[str, list[int]]:
        """What is known in it and `wanted`, with the rows in which it stands."""
        found: dict[str, list[int]] = {}
        for row in self.rows:
            text = self.known(row, column)
            if text is not None and wanted(text):
                found.setdefault(text, []).append(row.number)
        return found

    def is_mixed(self, code: str) -> bool:
        """Whether numbers and words stand in it, and the plan does not say which is meant."""
        if code in self.plan.kinds or self._named(code):
            return False
        return bool(self.words(code)) and any(map(is_number, self.column(code)))


def read_data(path: Path, plan: CsvPlan, code_version: str) -> Dataset:
    """The snapshot that the plan makes of the CSV, or BadInput with every mistake by column and
    row.
    """
    file = _read(path, plan)
    checks = (
        _duplicates,
        _unknown_arms,
        _empty_arms,
        _not_numbers,
        _mixed,
        _undeclared,
        _alike,
        _outside_levels,
        _without_cluster,
        _split_clusters,
    )
    mistakes = [mistake for check in checks for mistake in _first(check(file))]
    if mistakes:
        raise BadInput([f"{path.name}: {mistake}" for mistake in mistakes])
    return _dataset(path, file, code_version)


def _first(mistakes: Iterable[_Mistake]) -> Iterator[_Mistake]:
    """The first few of each column, then how many more."""
    by_column: dict[str, list[_Mistake]] = {}
    for mistake in mistakes:
        by_column.setdefault(mistake.column, []).append(mistake)
    for column, found in by_column.items():
        yield from found[:SHOWN]
        if len(found) > SHOWN:
            yield _Mistake(column, f"and {len(found) - SHOWN} more")


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


def _duplicates(file: _File) -> Iterator[_Mistake]:
    column, seen = file.plan.columns.participant, dict[str | Decimal, _Row]()
    for row in file.rows:
        written = row.cells[column]
        code = looks(written)
        if file.known(row, column) is None:
            yield _Mistake(column, "no participant", row.number)
        elif code in seen:
            before = seen[code].cells[column]
            otherwise = "" if before == written else f", as {quoted(before)}"
            said = f"{quoted(written)} already stands in row {seen[code].number}{otherwise}"
            yield _Mistake(column, said, row.number)
        seen.setdefault(code, row)


def _unknown_arms(file: _File) -> Iterator[_Mistake]:
    column = file.plan.columns.arm
    for row in file.rows:
        if _arm(file, row) is None:
            said = unknown("arm", quoted(row.cells[column])[1:-1], file.plan.arm_codes)
            yield _Mistake(column, said, row.number)


def _empty_arms(file: _File) -> Iterator[_Mistake]:
    found = {_arm(file, row) for row in file.rows}
    for code in file.plan.arm_codes:
        if code not in found and None not in found:  # an unknown arm may be this one, misspelt
            said = (
                f"nobody is in the plan's arm '{code}'; take it out of the plan, or look for its "
                f"people"
            )
            yield _Mistake(file.plan.columns.arm, said)


def _arm(file: _File, row: _Row) -> str | None:
    """The arm's code as the plan writes it. A word with a blank more or less is another code: which
    of the two is meant is for the plan to say.
    """
    written, codes = row.cells[file.plan.columns.arm], file.plan.arm_codes
    if written in codes or not is_number(written):
        return written if written in codes else None
    return next((code for code in codes if same_code(code) == same_code(written)), None)


def _not_numbers(file: _File) -> Iterator[_Mistake]:
    plan = file.plan
    visits = (visit.column for visit in plan.visits)
    numbers = (code for code in plan.covariates if file.kinds[code] == "number")
    for column in (plan.columns.baseline, *visits, *numbers):
        for row in file.rows:
            text = file.known(row, column)
            if text is not None and not is_number(text):
                yield _Mistake(column, f"'{text}' is not a number", row.number)


def _mixed(file: _File) -> Iterator[_Mistake]:
    """One word would make categories of all the numbers beside it: the plan says what it stands
    for.
    """
    plan = file.plan
    for code in filter(file.is_mixed, plan.covariates):
        words = file.words(code)
        kinds = _line("kinds", {**plan.kinds, code: "category"})
        if len(words) > SHOWN:
            how = f"add the line `{kinds}` to the plan, or make them numbers"
        else:
            missing = _line("missing", [*plan.missing_codes, *words])
            how = (
                f"add the line `{missing}` to the plan where nothing is known, or `{kinds}` where "
                f"all of them are codes"
            )
        yield _Mistake(code, f"numbers, but also {_where(words)}; {how}")


def _undeclared(file: _File) -> Iterator[_Mistake]:
    """A few whole numbers may be codes of categories, of which a slope would make nonsense, also
    where a stray one is not whole: the plan says which.
    """
    plan = file.plan
    counts = {code: _whole_numbers(file, code) for code in plan.covariates}
    doubtful = {
        code: n
        for code, n in counts.items()
        if _may_be_codes(file, code, n) and file.kinds[code] == "number" and code not in plan.kinds
    }
    line = _line("kinds", {**plan.kinds, **dict.fromkeys(doubtful, "category")})
    for code, n in doubtful.items():
        broken = file.rows_of(code, lambda text: not float(text).is_integer())
        beside = f" (beside {_where(broken)})" if broken else ""
        said = (
            f"{n} different whole numbers{beside} may be a number or the codes of a category; add "
            f"the line `{line}` to the plan, or the same with number"
        )
        yield _Mistake(code, said)


def _may_be_codes(file: _File, column: str, different: int) -> bool:
    most = max(MOST, min(MOST_CODES, len(file.column(column)) // PEOPLE_PER_CODE))
    return FEWEST <= different <= most


def _whole_numbers(file: _File, column: str) -> int:
    """How many different whole numbers there are, if most of the rows have one; else none."""
    whole = [float(t) for t in file.column(column) if is_number(t) and float(t).is_integer()]
    return len(set(whole)) if 2 * len(whole) > len(file.column(column)) else 0


def _where(values: Mapping[str, Sequence[int]]) -> str:
    """The first of the values, each with the rows in which it stands."""
    said = [f"{quoted(text)} ({_rows(rows)})" for text, rows in list(values.items())[:SHOWN]]
    more = len(values) - SHOWN
    return ", ".join([*said, f"{more} more"] if more > 0 else said)


def _rows(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"rows {', '.join(map(str, numbers[:SHOWN]))}{more}"


def _alike(file: _File) -> Iterator[_Mistake]:
    """Codes of categories that nobody can tell apart, and those that say nothing."""
    choices = [code for code in file.plan.covariates if file.kinds[code] == "choice"]
    for column in dict.fromkeys([*choices, *filter(None, [file.plan.cluster])]):
        if column not in choices or not file.is_mixed(column):
            yield from _alike_in(file, column)


def _alike_in(file: _File, column: str) -> Iterator[_Mistake]:
    named = file.plan.labels.get(column, ColumnLabel()).levels
    seen = {looks(text): (same_code(text), text, "of the plan") for text in named}
    told = set()
    for row in file.rows:
        text = file.known(row, column)
        if text is None or same_code(text) in told:
            continue
        code = same_code(text)
        other, before, place = seen.setdefault(looks(text), (code, text, f"of row {row.number}"))
        if stands_for_nothing(text):
            line = _line("missing", [*file.plan.missing_codes, text])
            said = f"{quoted(text)} is no category; add the line `{line}` to the plan"
            yield _Mistake(column, said, row.number)
        elif other != code:
            said = f"{quoted(text)} looks like {quoted(before)} {place}; write one of them"
            yield _Mistake(column, said, row.number)
        told.add(code)


def _line(key: str, value: Mapping[str, str] | Sequence[str]) -> str:
    """As it stands in the plan."""
    written = dict(value) if isinstance(value, Mapping) else list(dict.fromkeys(value))
    return yaml.safe_dump(
        {key: written}, default_flow_style=None, sort_keys=False, width=10_000, allow_unicode=True
    ).strip()


def _outside_levels(file: _File) -> Iterator[_Mistake]:
    """Where the plan names the levels of a covariate, it names all."""
    for code, label in file.plan.labels.items():
        alike = set(map(looks, label.levels))  # what only looks like a level is told by _alike
        for row in file.rows if alike else ():
            text = file.known(row, code)
            if text is not None and looks(text) not in alike:
                named = ", ".join(map(quoted, label.levels))
                said = f"{quoted(text)} is none of the levels of the plan ({named})"
                yield _Mistake(code, said, row.number)


def _without_cluster(file: _File) -> Iterator[_Mistake]:
    column = file.plan.cluster
    if column:
        for row in file.rows:
            if file.known(row, column) is None:
                said = "no cluster, by which the arms were randomised"
                yield _Mistake(column, said, row.number)


def _split_clusters(file: _File) -> Iterator[_Mistake]:
    """Clusters with people in several arms, which were not randomised as one."""
    column, arms = file.plan.cluster, dict[str | Decimal, dict[str, None]]()
    written: dict[str | Decimal, str] = {}
    for row in file.rows if column else ():
        text, arm = file.known(row, column or ""), _arm(file, row)
        if text is not None and arm is not None:
            written.setdefault(same_code(text), text)
            arms.setdefault(same_code(text), {})[arm] = None
    for code, found in arms.items():
        if len(found) > 1:
            said = (
                f"{quoted(written[code])} has people in the arms {listed(list(found))}, so it was "
                f"not randomised as one"
            )
            yield _Mistake(column or "", said)


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
