"""The plan file: what the columns of a CSV are, and what is compared. docs/plan-for-a-file.md shows
every key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from trial.folder import Entry, Loc, Problem, Source, Text, listed, parse, parse_yaml, unknown

from ..plan import AnalysisPlan, Outcome
from ..statistics.reading import stands_for_nothing
from .codes import looks, quoted
from .text import BadInput, read_text

Positive = Annotated[float, Field(gt=0)]
Pair = Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]


class Columns(Entry):
    participant: str
    arm: str
    baseline: str


class Measure(Entry):
    code: str
    title: Text
    direction: Literal["higher_worse", "higher_better"]
    source: str = ""


class Visit(Entry):
    column: str
    label: Text
    months: Positive


class ArmName(Entry):
    code: str
    name: Text


class Change(Entry):
    points: Positive | None = None
    sd: Positive | None = None
    reliability: Annotated[float, Field(ge=0, lt=1)] | None = None
    source: str
    status: Literal["cited", "unverified"] = "unverified"


class ColumnLabel(Entry):
    """What a covariate and the values in its column are called in the report; what is left out
    keeps its raw name. Where levels are named, the covariate is a category.
    """

    label: Text = {}
    levels: dict[str, Text] = {}


class CsvPlan(Entry):
    """The plan file. `primary` names visit columns; left out, no time point is singled out.
    `labels` and `kinds` are by covariate. `cluster` is the column of what was randomised as one,
    where that was not a person. Columns that the plan does not name are left aside; `strict`
    refuses them.
    """

    title: Text
    source: str
    columns: Columns
    outcome: Measure
    visits: Annotated[tuple[Visit, ...], Field(min_length=1)]
    arms: Annotated[tuple[ArmName, ...], Field(min_length=2)]
    contrasts: tuple[Pair, ...] = ()
    covariates: tuple[str, ...] = ()
    kinds: dict[str, Literal["category", "number"]] = {}
    labels: dict[str, ColumnLabel] = {}
    cluster: str | None = None
    missing: tuple[str | None, ...] = ("NA", "")
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    standardiser: Literal["baseline_sd", "post_sd"] = "baseline_sd"
    reliable_change: Change | None = None
    primary: tuple[str, ...] = ()
    multiplicity: Literal["none", "holm"] = "none"
    simulated: bool = False
    strict: bool = False

    def analysis(self) -> AnalysisPlan:
        return AnalysisPlan(
            primary=tuple(
                Outcome(instrument=self.outcome.code, timepoint=column) for column in self.primary
            ),
            multiplicity=self.multiplicity,
            covariates=self.covariates,
            contrasts=tuple((first, second) for first, second in self.contrasts),
            confidence=self.confidence,
            standardiser=self.standardiser,
            cluster=self.cluster,
        )

    def needed(self) -> list[str]:
        """The columns that the plan names, each for one thing; a cluster may be a covariate too."""
        c = self.columns
        visits = dict.fromkeys(visit.column for visit in self.visits)
        named = [c.participant, c.arm, c.baseline, *visits, *dict.fromkeys(self.covariates)]
        also = [self.cluster] if self.cluster and self.cluster not in self.covariates else []
        return [*named, *also]

    @property
    def arm_codes(self) -> list[str]:
        return [arm.code for arm in self.arms]

    @property
    def missing_codes(self) -> list[str]:
        """A key without a value is empty, as a cell can be."""
        return [code or "" for code in self.missing]


def read_plan(path: Path) -> CsvPlan:
    """The plan, or BadInput with every mistake as `file:line: message`."""
    source = parse_yaml(path.name, read_text(path))
    parsed = parse(CsvPlan, source)
    problems = list(parsed.problems)
    model = parsed.model or _without_unknown_keys(source)
    if model is not None:
        problems += _mismatches(model, source)
    if problems or parsed.model is None:
        raise BadInput([str(problem) for problem in problems])
    return parsed.model


def _without_unknown_keys(source: Source) -> CsvPlan | None:
    """The plan as it would be without them, so that its other mistakes are told at once too."""
    if not isinstance(source.data, dict):
        return None
    known = {key: value for key, value in source.data.items() if key in CsvPlan.model_fields}
    return parse(CsvPlan, replace(source, data=known)).model


def _mismatches(plan: CsvPlan, source: Source) -> Iterator[Problem]:
    """What each part of the plan says of another part that is not so."""
    visits = [visit.column for visit in plan.visits]
    for key in ("primary", "covariates", "missing"):
        yield from _repeated(source, key, [code or "" for code in getattr(plan, key)])
    yield from _repeated(source, "visits", visits)
    if plan.multiplicity == "holm" and not plan.primary:
        message = "holm corrects over the primary visits, and the plan has no primary; name them"
        yield source.problem(("multiplicity",), message)
    for i, pair in enumerate(plan.contrasts):
        yield from _contrast(plan, source, i, pair)
    for i, column in enumerate(plan.primary):
        if column not in visits:
            yield source.problem(("primary", i), unknown("visit", column, visits))
    for key in ("labels", "kinds"):
        for name in getattr(plan, key):
            if name not in plan.covariates:
                yield source.problem((key, name), unknown("covariate", name, plan.covariates))
    for name, kind in plan.kinds.items():
        if kind == "number" and name in plan.labels and plan.labels[name].levels:
            message = f"'{name}' has levels under labels, so it is a category"
            yield source.problem(("kinds", name), message)
    used = plan.needed()
    for name in sorted({name for name in used if used.count(name) > 1}):
        yield source.problem(("columns",), f"column '{name}' is named for two things")
    for code in sorted({code for code in plan.arm_codes if plan.arm_codes.count(code) > 1}):
        yield source.problem(("arms",), f"two arms have the code '{code}'")
    yield from _alike(source, ("arms",), list(dict.fromkeys(plan.arm_codes)))
    for name, label in plan.labels.items():
        yield from _alike(source, ("labels", name, "levels"), list(label.levels))
    yield from _out_of_order(plan, source)
    change = plan.reliable_change
    if change and change.points is None and (change.sd is None or change.reliability is None):
        yield source.problem(("reliable_change",), "give points, or sd and reliability")


def _repeated(source: Source, key: str, codes: Sequence[str]) -> Iterator[Problem]:
    for i, code in enumerate(codes):
        if code in codes[:i]:
            line = source.line((key, codes.index(code)))
            message = f"'{code}' stands in this list twice, first in line {line}"
            yield source.problem((key, i), message)


def _contrast(
    plan: CsvPlan, source: Source, number: int, pair: tuple[str, ...]
) -> Iterator[Problem]:
    loc: Loc = ("contrasts", number)
    for arm in pair:
        if arm not in plan.arm_codes:
            yield source.problem(loc, unknown("arm", arm, plan.arm_codes))
    if len(set(pair)) < len(pair):
        yield source.problem(loc, f"compares '{pair[0]}' with itself; name two arms")
    elif frozenset(pair) in map(frozenset, plan.contrasts[:number]):
        yield source.problem(loc, f"{listed(pair)} are compared already; keep one direction")


def _alike(source: Source, loc: Loc, codes: list[str]) -> Iterator[Problem]:
    """Codes that nobody can tell apart, and those that say nothing."""
    seen: dict[object, str] = {}
    for code in codes:
        before = seen.setdefault(looks(code), code)
        if stands_for_nothing(code):
            yield source.problem(loc, f"{quoted(code)} says nothing; use a code that does")
        elif before != code:
            yield source.problem(loc, f"{quoted(code)} looks like {quoted(before)}; keep one")


def _out_of_order(plan: CsvPlan, source: Source) -> Iterator[Problem]:
    """Who is still in the study is told from visit to visit."""
    for i, (before, visit) in enumerate(pairwise(plan.visits), start=1):
        if visit.months <= before.months:
            message = (
                f"'{visit.column}' at {visit.months:g} months is not later than "
                f"'{before.column}' at {before.months:g}; put the visits in order of time"
            )
            yield source.problem(("visits", i, "months"), message)
