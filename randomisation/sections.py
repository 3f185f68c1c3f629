"""randomisation.yaml. Block sizes go into the sealed part: whoever knows them can guess the next arm."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from outcomes.sections import Assessments
from trial.folder import Code, Entry, Folder, Part, Problem, Source, listed, parse, unknown
from trial.sections import Study, languages_of
from trial.sections.checks import missing, repeated

FILE = "randomisation.yaml"
LONGEST_BLOCK = 100


class Randomisation(Entry):
    """What may be seen. `strata` are codes of questions."""

    method: Literal["permuted_blocks"]
    ratio: Annotated[dict[Code, Annotated[int, Field(ge=1, le=20)]], Field(min_length=2)]
    strata: tuple[Code, ...] = ()


class Written(Randomisation):
    """The file as it is written."""

    block_sizes: Annotated[tuple[Annotated[int, Field(ge=2, le=LONGEST_BLOCK)], ...], Field(min_length=1)]


def section(folder: Folder, earlier: Mapping[str, BaseModel]) -> Part:
    source = folder.yaml(FILE)
    written = parse(Written, source, languages_of(folder))
    problems = list(written.problems)
    if written.model is None:
        return Part(problems=problems)
    model = written.model
    public = Randomisation(**{name: getattr(model, name) for name in Randomisation.model_fields})
    problems += _blocks(model, source)
    study, assessments = earlier.get("study"), earlier.get("assessments")
    found: list[str] = []
    if isinstance(study, Study):
        problems += _arms(model, source, study)
        problems += _strata(model, source, study, assessments)
        found = _notes(study, public, model.block_sizes)
    sealed = {"randomisation": {"block_sizes": list(model.block_sizes)}}
    return Part({"randomisation": public}, sealed, problems, found)


def notes(document: Mapping[str, Any], sealed: Mapping[str, Any]) -> list[str]:
    """No sentence gives a sealed number away."""
    study = Study.model_validate(document["study"])
    randomisation = Randomisation.model_validate(document["randomisation"])
    return _notes(study, randomisation, sealed["randomisation"]["block_sizes"])


def cells(study: Study, randomisation: Randomisation) -> int:
    """How many strata there are: the product of the levels of each factor."""
    return prod(len(_levels(study, code)) for code in randomisation.strata)


def _levels(study: Study, code: str) -> tuple[str, ...]:
    question = study.question(code)
    if question is None or question.kind == "number":
        return ("",)
    return question.option_codes if question.kind == "choice" else tuple(site.code for site in study.sites)


def _blocks(written: Written, source: Source) -> Iterator[Problem]:
    share = sum(written.ratio.values())
    yield from repeated(source, ("block_sizes",), [str(size) for size in written.block_sizes], key=None)
    for index, size in enumerate(written.block_sizes):
        if size % share:
            ratio = ":".join(str(part) for part in written.ratio.values())
            message = f"{size} cannot be divided {ratio}; a block size is a multiple of {share}"
            yield source.problem(("block_sizes", index), message)


def _arms(written: Written, source: Source, study: Study) -> Iterator[Problem]:
    for code in written.ratio:
        if code not in study.arm_codes:
            yield source.problem(("ratio", code), unknown("arm", code, study.arm_codes))
    lacking = [code for code in study.arm_codes if code not in written.ratio]
    if lacking:
        yield source.problem(("ratio",), f"says nothing about {listed(lacking)}; every arm has a share")


def _strata(written: Written, source: Source, study: Study, assessments: BaseModel | None) -> Iterator[Problem]:
    yield from repeated(source, ("strata",), written.strata, key=None)
    yield from missing(source, ("strata",), "question", written.strata, study.question_codes)
    for index, code in enumerate(written.strata):
        question = study.question(code)
        if question is None:
            continue
        if question.kind == "number":
            message = f"'{code}' is a number; strata are questions of kind site or choice"
            yield source.problem(("strata", index), message)
        if isinstance(assessments, Assessments) and not study.may_ask(code, assessments.baseline.questions):
            yield source.problem(("strata", index), f"'{code}' is asked neither in the screening nor at baseline")


def _notes(study: Study, randomisation: Randomisation, block_sizes: Any) -> list[str]:
    count = cells(study, randomisation)
    if study.target >= count * max(block_sizes):
        return []
    return [
        f"{study.target} people over {count} strata ({listed(randomisation.strata)}) is less than one full block in each: "
        + "the arms may end up further apart than the blocks promise"
    ]
