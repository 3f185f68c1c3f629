"""The plan file: what the columns of a CSV are, and what is compared."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..plan import AnalysisPlan, Outcome
from .document import BadInput, Document

Texts = dict[str, str]


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


class ColumnLabel(_Strict):
    """What a covariate and the values in its column are called in the report; what is left out keeps its raw name."""

    label: Texts = {}
    levels: dict[str, Texts] = {}


class CsvPlan(_Strict):
    """The plan file. `primary` names visit columns; left out, no time point is singled out. `labels` are by covariate."""

    title: Texts
    source: str
    columns: Columns
    outcome: Measure
    visits: tuple[Visit, ...] = Field(min_length=1)
    arms: tuple[ArmName, ...] = Field(min_length=2)
    contrasts: tuple[tuple[str, str], ...] = ()
    covariates: tuple[str, ...] = ()
    labels: dict[str, ColumnLabel] = {}
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


def read_plan(path: Path) -> CsvPlan:
    """The plan, or BadInput with every mistake as `file:line: message`."""
    document = Document(path)
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
    for name in plan.labels:
        if name not in plan.covariates:
            yield ("labels", name), f"labels: {name} is not one of the covariates {', '.join(plan.covariates)}"
    for name in sorted({name for name in plan.needed() if plan.needed().count(name) > 1}):
        yield ("columns",), f"column {name} is named for two things"
    if len(set(arms)) != len(arms):
        yield ("arms",), "arms: two arms have the same code"
    change = plan.reliable_change
    if change and change.points is None and (change.sd is None or change.reliability is None):
        yield ("reliable_change",), "reliable_change: give points, or sd and reliability"
