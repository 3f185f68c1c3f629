"""randomisation.yaml. Block sizes, tolerances and coins go into the sealed part: they tell the next
arm.
"""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from pydantic import BaseModel

from randomisation.sections.checks import FROM, check_points
from randomisation.sections.points import (
    Point,
    Randomisation,
    Stage,
    Written,
    public,
    sealed,
    whole_plan,
)
from trial.folder import Folder, Part, listed, parse
from trial.sections import Study, languages_of

__all__ = [
    "FROM",
    "Point",
    "Randomisation",
    "Stage",
    "cells",
    "levels",
    "notes",
    "section",
    "whole_plan",
]

FILE = "randomisation.yaml"


def section(folder: Folder, earlier: Mapping[str, BaseModel]) -> Part:
    source = folder.yaml(FILE)
    written = parse(Written, source, languages_of(folder))
    if written.model is None:
        return Part(problems=list(written.problems))
    randomisation, restriction = public(written.model), sealed(written.model)
    study, assessments = earlier.get("study"), earlier.get("assessments")
    problems = [
        *written.problems,
        *check_points(written.model, source, study, assessments, folder.yaml("study.yaml")),
    ]
    found = list(_notes(study, randomisation, restriction)) if isinstance(study, Study) else []
    return Part({"randomisation": randomisation}, {"randomisation": restriction}, problems, found)


def cells(study: Study, randomisation: Point) -> int:
    """How many strata there are: the product of the levels of each factor."""
    return prod(len(levels(study, code)) for code in randomisation.strata)


def levels(study: Study, code: str) -> tuple[str, ...]:
    question = study.question(code)
    if question is None or question.kind == "number":
        return ("",)
    return study.options_of(question)


def _notes(
    study: Study, randomisation: Randomisation, restriction: Mapping[str, Any]
) -> Iterator[str]:
    block_sizes, count = restriction.get("block_sizes"), cells(study, randomisation)
    if block_sizes and study.target < count * max(block_sizes):
        yield (
            f"{study.target} people over {count} strata ({listed(randomisation.strata)}) is less "
            f"than one full block in each: "
            "the arms may end up further apart than the blocks promise"
        )
    if any(point.cluster for point in (randomisation, *randomisation.stages)):
        yield (
            "people are allocated in clusters, of which the models of the report know nothing: it "
            "holds no differences, "
            "effects, p values or intervals; analyse clusters with a model for them"
        )
