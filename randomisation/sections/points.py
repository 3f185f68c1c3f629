"""randomisation.yaml as frozen models. What a method hangs on that lets the next arm be guessed is
kept apart: sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from trial.folder import Code, Count, Entry, Line, Whole
from trial.rules import Rule
from trial.sections.opening import Opening

LONGEST_BLOCK = 100
START = "start"
Method = Literal[
    "complete",
    "random_allocation",
    "permuted_blocks",
    "block_urn",
    "big_stick",
    "efron",
    "chen",
    "wei",
    "smith",
    "maximal",
    "minimisation",
    "hu_hu",
    "hierarchical",
]


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _weighted(value: object) -> object:
    """A plain list gives every factor the weight 1."""
    return (
        dict.fromkeys(value, "1")
        if isinstance(value, list) and all(isinstance(v, str) for v in value)
        else value
    )


Exact = Annotated[Line, BeforeValidator(_as_text)]  # 0.8 or 4/5, as written: no float is either
Weights = Annotated[dict[Code, Exact], BeforeValidator(_weighted)]
BlockSize = Annotated[int, Field(ge=2, le=LONGEST_BLOCK)]


class Point(Entry):
    """What may be seen of how people are randomised. `strata` and `factors` are codes of questions.

    `cluster` names a question, such as a site, whose answer is one unit: whoever comes second has
    the arm of the first.
    """

    method: Method
    ratio: Annotated[dict[Code, Annotated[int, Field(ge=1, le=20)]], Field(min_length=2)]
    strata: tuple[Code, ...] = ()
    factors: Weights = {}
    cluster: Code | None = None
    distance: Literal["range", "variance", "sd"] | None = None
    ties: Literal["average", "ratio"] | None = None
    unequal: Literal["fake-arms", "han", "naive"] | None = None
    acknowledged: Line | None = None

    @property
    def balanced(self) -> tuple[str, ...]:
        """Everything that the allocation looks at, which an analysis has to take in."""
        return (*self.strata, *self.factors)


class Limit(Entry):
    level: Line
    limit: Count


class Restriction(Entry):
    """What is sealed."""

    block_sizes: Annotated[tuple[BlockSize, ...], Field(min_length=1)] | None = None
    block_weights: tuple[Count, ...] | None = None
    tolerance: Count | None = None
    limit: Count | None = None
    limits: Annotated[tuple[Limit, ...], Field(min_length=1)] | None = None
    weights: dict[Line, Exact] | None = None
    p: Exact | None = None
    q: Exact | None = None
    t: Exact | None = None
    a: Annotated[Whole, Field(ge=0)] | None = None
    b: Annotated[Whole, Field(ge=0)] | None = None
    rho: Count | None = None
    n: Count | None = None
    justification: Line | None = None  # that there is one tells that nothing is left to chance


class StageRule(Entry):
    """Who is randomised again, and when. `when` reads answers, how many lessons were begun and done
    (`modules_begun`, `modules_done`), and scores at `timepoint`; where what is missing could decide
    it, `unknown` does.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    code: Code
    from_: Annotated[tuple[Code, ...], Field(min_length=1, alias="from")]
    opens: Opening
    when: Rule
    timepoint: Code | None = None
    unknown: Literal["randomise", "leave"] = "leave"

    @model_validator(mode="after")
    def check_is_a_stage(self) -> Self:
        if self.code == START:
            raise ValueError(f"'{START}' is the first randomisation; give the stage another code")
        return self


class Stage(StageRule, Point):
    """What may be seen of a stage."""


class Forced(Entry):
    """How many allocations may be given by hand and not drawn, in all and at one site."""

    study: Annotated[int, Field(ge=0, le=1000)] = 0
    site: Annotated[int, Field(ge=0, le=1000)] = 0


class Randomisation(Point):
    """What may be seen."""

    stages: tuple[Stage, ...] = ()
    forced: Forced | None = None

    def stage(self, code: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.code == code), None)


class WrittenStage(Stage, Restriction):
    """A stage as it is written."""


class Written(Point, Restriction):
    """The file as it is written."""

    stages: tuple[WrittenStage, ...] = ()
    forced: Forced | None = None


def public(written: Written) -> Randomisation:
    stages = tuple(_only(stage, Stage) for stage in written.stages)
    return Randomisation(**{**_fields(written, Point), "stages": stages, "forced": written.forced})


def sealed(written: Written) -> dict[str, Any]:
    """The restriction of every point, as plain values."""
    stages = {stage.code: _restriction(stage) for stage in written.stages}
    return {**_restriction(written), **({"stages": stages} if stages else {})}


def whole_plan(point: Mapping[str, Any], restriction: Mapping[str, Any]) -> dict[str, Any]:
    """What `methods.build` reads, from a point and its restriction as they are stored."""
    beside = (*StageRule.model_fields, "from", "stages", "forced")
    plan = {**point, **restriction}
    kept = {
        name: value
        for name, value in plan.items()
        if name not in beside and value not in (None, [], {}, ())
    }
    kept.setdefault("strata", [])
    weights = kept.pop("block_weights", None)
    if weights:
        kept["block_sizes"] = dict(zip(map(str, kept["block_sizes"]), weights, strict=False))
    return kept


def _restriction(written: Restriction) -> dict[str, Any]:
    return written.model_dump(
        mode="json", include=set(Restriction.model_fields) - {"chosen_here"}, exclude_none=True
    )


def _only(written: WrittenStage, model: type[Stage]) -> Stage:
    return model.model_validate(_fields(written, model))


def _fields(written: Entry, model: type[Entry]) -> dict[str, Any]:
    return {name: getattr(written, name) for name in model.model_fields}
