"""Anybody's trial as one CSV with a row a person, and a plan that says what its columns are.

`read_plan` and `read_data` list every mistake at once: of the plan by file and line, of the data by column and row.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .dataset import (
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
from .plan import AnalysisPlan, Outcome

BASELINE = "baseline"
Texts = dict[str, str]


class BadInput(ValueError):
    """`messages` name each mistake and where it stands."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(_Strict):
    participant: str
    arm: str
    baseline: str


class Measure(_Strict):
    code: str
    title: Texts
    direction: Literal["higher_worse", "higher_better"]
    source: str = ""


class Visit(_Strict):
    column: str
    label: Texts
    months: float = Field(gt=0)


class ArmName(_Strict):
    code: str
    name: Texts


class Change(_Strict):
    points: float | None = Field(None, gt=0)
    sd: float | None = Field(None, gt=0)
    reliability: float | None = Field(None, ge=0, lt=1)
    source: str
    status: Literal["cited", "unverified"] = "unverified"


class CsvPlan(_Strict):
    """The plan file. `primary` names visit columns; left out, no time point is singled out."""

    title: Texts
    source: str
    columns: Columns
    outcome: Measure
    visits: tuple[Visit, ...] = Field(min_length=1)
    arms: tuple[ArmName, ...] = Field(min_length=2)
    contrasts: tuple[tuple[str, str], ...] = ()
    covariates: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("NA", "")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    standardiser: Literal["baseline_sd", "post_sd"] = "baseline_sd"
    reliable_change: Change | None = None
    primary: tuple[str, ...] = ()
    multiplicity: Literal["none", "holm"] = "none"
    simulated: bool = False

    def analysis(self) -> AnalysisPlan:
        return AnalysisPlan(
            primary=tuple(Outcome(instrument=self.outcome.code, timepoint=column) for column in self.primary),
            multiplicity=self.multiplicity,
            covariates=self.covariates,
            contrasts=self.contrasts,
            confidence=self.confidence,
            standardiser=self.standardiser,
        )

    def needed(self) -> list[str]:
        c = self.columns
        return [c.participant, c.arm, c.baseline, *(visit.column for visit in self.visits), *self.covariates]


# --- the plan ---------------------------------------------------------------------------------------------------------


def read_plan(path: Path) -> CsvPlan:
    """The plan, or BadInput with every mistake as `file:line: message`."""
    document = _Document(path)
    try:
        plan = CsvPlan.model_validate(document.value)
    except ValidationError as error:
        raise BadInput([document.at(e["loc"], _said(e)) for e in error.errors()]) from None
    mistakes = [document.at(loc, text) for loc, text in _mismatches(plan)]
    if mistakes:
        raise BadInput(mistakes)
    return plan


def _said(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {error['msg'][:1].lower()}{error['msg'][1:]}" if where else error["msg"]


def _mismatches(plan: CsvPlan) -> Iterator[tuple[tuple, str]]:
    """What each part of the plan says of another part that is not so."""
    arms, visits = [arm.code for arm in plan.arms], [visit.column for visit in plan.visits]
    for i, pair in enumerate(plan.contrasts):
        for arm in pair:
            if arm not in arms:
                yield ("contrasts", i), f"contrasts: {arm} is not one of the arms {', '.join(arms)}"
        if pair[0] == pair[1]:
            yield ("contrasts", i), f"contrasts: a contrast needs two different arms, not {pair[0]} twice"
    for i, column in enumerate(plan.primary):
        if column not in visits:
            yield ("primary", i), f"primary: {column} is not the column of a visit ({', '.join(visits)})"
    for name in sorted({name for name in plan.needed() if plan.needed().count(name) > 1}):
        yield ("columns",), f"column {name} is named for two things"
    if len(set(arms)) != len(arms):
        yield ("arms",), "arms: two arms have the same code"
    change = plan.reliable_change
    if change and change.points is None and (change.sd is None or change.reliability is None):
        yield ("reliable_change",), "reliable_change: give points, or sd and reliability"


class _Document:
    """A YAML file as plain text values, remembering on which line each stands."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.lines: dict[tuple, int] = {(): 1}
        self.mistakes: list[str] = []
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise BadInput([f"{self.name}: this is not UTF-8 text"]) from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise BadInput([f"{self.name}:{line}: {getattr(error, 'problem', None) or error}"]) from None
        self.value = self._plain(node, ()) if node else {}
        if self.mistakes:
            raise BadInput(self.mistakes)

    def at(self, loc: tuple, message: str) -> str:
        """The message with the line of `loc`, or of the nearest part around it."""
        while loc not in self.lines:
            loc = loc[:-1]
        return f"{self.name}:{self.lines[loc]}: {message}"

    def _plain(self, node: yaml.Node, loc: tuple) -> Any:
        self.lines.setdefault(loc, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, (*loc, i)) for i, item in enumerate(node.value)]
        # Scalars stay text, so that an arm called No or a missing value called NA is not read as something else.
        return node.value

    def _mapping(self, node: yaml.MappingNode, loc: tuple) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.value in found:
                self.mistakes.append(f"{self.name}:{key.start_mark.line + 1}: {key.value} stands here a second time")
            self.lines[(*loc, key.value)] = key.start_mark.line + 1
            found[key.value] = self._plain(value, (*loc, key.value))
        return found


# --- the data ---------------------------------------------------------------------------------------------------------


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
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file, strict=True))
    except UnicodeDecodeError:
        raise BadInput([f"{path.name}: this is not UTF-8 text"]) from None
    except csv.Error as error:
        raise BadInput([f"{path.name}: this is not a CSV: {error}"]) from None
    header = lines[0] if lines else []
    mistakes = [*_header_mistakes(header, plan), *_ragged(lines, len(header))]
    if not mistakes and len(lines) < 2:
        mistakes = ["there is no row under the header"]
    if mistakes:
        raise BadInput([f"{path.name}: {mistake}" for mistake in mistakes])
    return [_Row(i, dict(zip(header, line, strict=True))) for i, line in enumerate(lines[1:], start=2) if line]


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
        meta=Meta(plan.title, path.stem, plan.simulated, plan.source, code_version, tuple(plan.title)),
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
    return Variable(code, {"en": code}, "number" if numeric else "choice")


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
        yield Score(person, plan.outcome.code, timepoint, score, "missed" if text is None else "answered", at)
