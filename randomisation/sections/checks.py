"""What randomisation.yaml says against what a method takes, and against the study's arms, questions
and timepoints.
"""

from collections.abc import Iterator

from pydantic import BaseModel

from outcomes.sections import Assessments
from randomisation import methods
from randomisation.sections.points import (
    Point,
    Restriction,
    Written,
    WrittenStage,
    sealed,
    whole_plan,
)
from trial.folder import Loc, Problem, Source, listed, unknown
from trial.rules import names
from trial.sections import Study
from trial.sections.checks import missing, repeated

FROM = "from"
USAGE = ("modules_begun", "modules_done")
WrittenPoint = Written | WrittenStage


def check_points(
    written: Written,
    source: Source,
    study: BaseModel | None,
    assessments: BaseModel | None,
    study_source: Source,
) -> Iterator[Problem]:
    """Every problem of the first randomisation, then of each stage."""
    restriction = sealed(written)
    yield from _restriction(written, restriction, source, ())
    stages = restriction.get("stages", {})
    for number, stage in enumerate(written.stages):
        yield from _restriction(stage, stages[stage.code], source, ("stages", number))
    yield from repeated(source, ("stages",), [stage.code for stage in written.stages])
    if isinstance(study, Study):
        yield from _arms(written, source, (), study.arm_codes)
        yield from _factors(written, source, (), study, assessments)
        yield from _stages(written, source, study, assessments, study_source)


def _restriction(
    written: WrittenPoint, restriction: dict, source: Source, loc: Loc
) -> Iterator[Problem]:
    """Block sizes each at its own place; what else the method finds only where they are right."""
    wrong = list(_blocks(written, source, loc))
    yield from wrong or _method(written, restriction, source, loc)


def _blocks(written: Restriction, source: Source, loc: Loc) -> Iterator[Problem]:
    assert isinstance(written, Point)
    share, sizes = sum(written.ratio.values()), written.block_sizes or ()
    yield from repeated(source, (*loc, "block_sizes"), [str(size) for size in sizes], key=None)
    for index, size in enumerate(sizes):
        if size % share:
            ratio = ":".join(str(part) for part in written.ratio.values())
            message = f"{size} cannot be divided {ratio}; a block size is a multiple of {share}"
            yield source.problem((*loc, "block_sizes", index), message)
    if written.block_weights is not None and len(written.block_weights) != len(sizes):
        yield source.problem(
            (*loc, "block_weights"),
            f"gives {len(written.block_weights)} weights to {len(sizes)} sizes",
        )


def _method(
    written: WrittenPoint, restriction: dict, source: Source, loc: Loc
) -> Iterator[Problem]:
    """What the method itself finds wrong, told where its first word is written."""
    plan = whole_plan(written.model_dump(mode="json", include=set(Point.model_fields)), restriction)
    try:
        rule = methods.build(plan)
    except methods.BadParameter as error:
        word = str(error).partition(" ")[0]
        yield source.problem((*loc, word if word in plan else "method"), str(error))
        return
    if rule.scope == "point" and written.strata:
        yield source.problem(
            (*loc, "strata"), f"{written.method} balances over factors; name them under factors"
        )
    if rule.length is not None and written.strata:
        yield source.problem(
            (*loc, "n"), "with strata every stratum has a list of n; count with the fullest"
        )


def _arms(
    written: WrittenPoint, source: Source, loc: Loc, arms: tuple[str, ...]
) -> Iterator[Problem]:
    for code in written.ratio:
        if code not in arms:
            yield source.problem((*loc, "ratio", code), unknown("arm", code, arms))
    lacking = [code for code in arms if code not in written.ratio]
    if lacking:
        yield source.problem(
            (*loc, "ratio"), f"says nothing about {listed(lacking)}; every arm has a share"
        )


def _factors(
    written: WrittenPoint, source: Source, loc: Loc, study: Study, assessments: BaseModel | None
) -> Iterator[Problem]:
    yield from repeated(source, (*loc, "strata"), written.strata, key=None)
    yield from missing(source, (*loc, "strata"), "question", written.strata, study.question_codes)
    named: list[tuple[Loc, str]] = [
        ((*loc, "strata", index), code) for index, code in enumerate(written.strata)
    ]
    named += [((*loc, "factors", code), code) for code in written.factors]
    named += [((*loc, "cluster"), written.cluster)] if written.cluster else []
    for place, code in named:
        yield from _factor(code, source, place, study, assessments)


def _factor(
    code: str, source: Source, place: Loc, study: Study, assessments: BaseModel | None
) -> Iterator[Problem]:
    if code == FROM:
        yield source.problem(
            place,
            f"'{FROM}' is what a stage calls the arm somebody comes from; call the question "
            f"otherwise",
        )
    question, what = study.question(code), place[-1] if place[-1] == "cluster" else place[-2]
    if question is None:
        if what != "strata":  # said already, for the whole list
            yield source.problem(place, unknown("question", code, study.question_codes))
        return
    if question.kind == "number":
        yield source.problem(
            place, f"'{code}' is a number; {what} are questions of kind site or choice"
        )
    if isinstance(assessments, Assessments) and not study.may_ask(
        code, assessments.baseline.questions
    ):
        yield source.problem(place, f"'{code}' is asked neither in the screening nor at baseline")


def _stages(
    written: Written,
    source: Source,
    study: Study,
    assessments: BaseModel | None,
    study_source: Source,
) -> Iterator[Problem]:
    earlier = list(study.arm_codes)
    for number, stage in enumerate(written.stages):
        loc: Loc = ("stages", number)
        described = study.stage(stage.code)
        if described is None:
            known = [each.code for each in study.stages]
            yield source.problem(
                (*loc, "code"),
                f"{unknown('stage', stage.code, known)}; study.yaml says what its arms give",
            )
            continue
        arms = tuple(arm.code for arm in described.arms)
        yield from _arms(stage, source, loc, arms)
        yield from _factors(stage, source, loc, study, assessments)
        yield from missing(source, (*loc, "from"), "arm", stage.from_, earlier)
        yield from _when(stage, source, loc, study, assessments)
        earlier += arms
    for number, each in enumerate(study.stages):
        if each.code not in [stage.code for stage in written.stages]:
            yield study_source.problem(
                ("stages", number, "code"), f"'{each.code}' has no method in randomisation.yaml"
            )


def _when(
    stage: WrittenStage, source: Source, loc: Loc, study: Study, assessments: BaseModel | None
) -> Iterator[Problem]:
    read = names(stage.when)
    for code in sorted(read.answers - {*study.question_codes, *USAGE}):
        yield source.problem(
            (*loc, "when"), unknown("answer", code, [*study.question_codes, *USAGE])
        )
    if read.items:
        yield source.problem(
            (*loc, "when"),
            "reads single items; a stage reads scores, answers and how lessons are used",
        )
    if read.scores and stage.timepoint is None:
        yield source.problem((*loc, "when"), "reads scores; say at which timepoint")
    if isinstance(assessments, Assessments) and stage.timepoint is not None:
        known = sorted(
            {entry.timepoint for entries in assessments.schedules.values() for entry in entries}
        )
        if stage.timepoint not in known:
            yield source.problem((*loc, "timepoint"), unknown("timepoint", stage.timepoint, known))
