"""analysis.yaml: what will be compared with what, written down before the first allocation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from coaching_protocol.sections import Coaching
from outcomes.sections import Assessments
from trial.folder import (
    Code,
    Count,
    Entry,
    Folder,
    Loc,
    Part,
    Problem,
    Source,
    Text,
    listed,
    parse,
    unknown,
)
from trial.sections import Arm, Programme, Question, Study, languages_of
from trial.sections.checks import missing, repeated

FILE = "analysis.yaml"


def _no_looks(value: tuple[str, ...]) -> tuple[str, ...]:
    """The key is there so that a folder says that there are none."""
    if value:
        raise ValueError("interim looks have no method here yet; write []")
    return value


class Outcome(Entry):
    instrument: Code
    timepoint: Code


class Multiplicity(Entry):
    method: Literal["none", "holm"]


class Adherence(Entry):
    measure: Literal["modules_completed"]
    at_least: Count
    justification: Text


class Contacts(Entry):
    at_least: Count
    justification: Text


class Analysis(Entry):
    primary: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    multiplicity: Multiplicity
    secondary: tuple[Outcome, ...] = ()
    model: Literal["ancova"]
    covariates: tuple[Code, ...] = ()
    contrasts: Annotated[
        tuple[Annotated[tuple[Code, ...], Field(min_length=2, max_length=2)], ...],
        Field(min_length=1),
    ]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]
    estimand: Text
    standardiser: Literal["baseline_sd", "post_sd"]
    adherence: Adherence | None = None
    contacts: Contacts | None = None
    looks: Annotated[tuple[Code, ...], AfterValidator(_no_looks)] = ()


@dataclass(frozen=True)
class Subject:
    analysis: Analysis
    source: Source
    study: Study
    assessments: Assessments


def section(folder: Folder, earlier: Mapping[str, BaseModel]) -> Part:
    source = folder.yaml(FILE)
    analysis = parse(Analysis, source, languages_of(folder))
    problems = list(analysis.problems)
    study, assessments, programme = (
        earlier.get(name) for name in ("study", "assessments", "programme")
    )
    warnings: list[Problem] = []
    if isinstance(study, Study) and isinstance(assessments, Assessments):
        warnings += _without_label(folder.yaml("study.yaml"), study, assessments)
    if analysis.model is None:
        return Part(problems=problems, warnings=warnings)
    if isinstance(study, Study):
        problems += _contrasts(analysis.model, source, study)
    if isinstance(study, Study) and isinstance(assessments, Assessments):
        subject = Subject(analysis.model, source, study, assessments)
        problems += [*_outcomes(subject), *_covariates(subject)]
    if isinstance(programme, Programme):
        problems += _adherence(analysis.model, source, programme)
    coaching = earlier.get("coaching")
    if isinstance(coaching, Coaching):
        problems += _contacts(analysis.model, source, coaching)
    return Part({"analysis": analysis.model}, problems=problems, warnings=warnings)


def _without_label(source: Source, study: Study, assessments: Assessments) -> Iterator[Problem]:
    """What the tables of the report will call by a whole sentence, or by its code."""
    for index, question in enumerate(study.questions):
        if question.label is None and _stands_in_a_table(question, study, assessments):
            message = (
                f"'{question.code}' has no label, so the tables of the report hold its whole text"
            )
            yield source.problem(("questions", index), message)
    for index, criterion in enumerate(study.eligibility):
        if criterion.label is None:
            message = (
                f"'{criterion.code}' has no label, so the report gives its code for why somebody "
                f"did not get in"
            )
            yield source.problem(("eligibility", index), message)


def _stands_in_a_table(question: Question, study: Study, assessments: Assessments) -> bool:
    """Whether it is asked, and people who got in may have answered it differently."""
    varies = question.kind != "choice" or len(study.admitting(question)) > 1
    return varies and study.may_ask(question.code, assessments.baseline.questions)


def _contrasts(analysis: Analysis, source: Source, study: Study) -> Iterator[Problem]:
    named: set[frozenset[str]] = set()
    for index, pair in enumerate(analysis.contrasts):
        loc: Loc = ("contrasts", index)
        yield from missing(source, loc, "arm", pair, study.arm_codes)
        if pair[0] == pair[1]:
            yield source.problem(loc, f"compares '{pair[0]}' with itself; name two arms")
        elif frozenset(pair) in named:
            yield source.problem(loc, f"{listed(pair)} are compared already; keep one direction")
        named.add(frozenset(pair))
    if any(len(pair) < 2 or not pair <= set(study.arm_codes) for pair in named):
        return  # the pair that is lacking may be the one that is misspelt
    lacking = [pair for pair in combinations(study.arm_codes, 2) if frozenset(pair) not in named]
    if lacking:
        pairs = "; ".join(listed(pair) for pair in lacking)
        yield source.problem(("contrasts",), f"every pair of arms is named; not yet {pairs}")


def _outcomes(subject: Subject) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for key in ("primary", "secondary"):
        for index, outcome in enumerate(getattr(subject.analysis, key)):
            loc: Loc = (key, index)
            if (outcome.instrument, outcome.timepoint) in seen:
                message = f"{outcome.instrument} at {outcome.timepoint} is listed twice; keep one"
                yield subject.source.problem(loc, message)
            seen.add((outcome.instrument, outcome.timepoint))
            named = list(_names(subject, outcome, loc))
            yield from named or _measured(subject, outcome, loc, is_primary=key == "primary")


def _names(subject: Subject, outcome: Outcome, loc: Loc) -> Iterator[Problem]:
    for key, known in (
        ("instrument", subject.assessments.instruments),
        ("timepoint", subject.assessments.timepoint_codes),
    ):
        value = getattr(outcome, key)
        if value not in known:
            yield subject.source.problem((*loc, key), unknown(key, value, known))


def _measured(subject: Subject, outcome: Outcome, loc: Loc, is_primary: bool) -> Iterator[Problem]:
    """A primary outcome is measured in every arm, before and after; any other at least in one."""
    assessments, code, timepoint = (subject.assessments, outcome.instrument, outcome.timepoint)
    if timepoint == assessments.baseline.timepoint:
        yield subject.source.problem(
            (*loc, "timepoint"), f"'{timepoint}' is the baseline; an outcome comes after it"
        )
        return
    lacking = [
        arm.code
        for arm in subject.study.arms
        if _has_schedules(subject, arm)
        and code not in assessments.instruments_at(subject.study, arm.code, timepoint)
    ]
    if is_primary and code not in assessments.baseline.instruments:
        message = (
            f"{code} is not asked at baseline ({assessments.baseline.timepoint}); a primary "
            f"outcome is"
        )
        yield subject.source.problem((*loc, "instrument"), message)
    if lacking and (is_primary or len(lacking) == len(subject.study.arms)):
        yield subject.source.problem(
            (*loc, "timepoint"), f"{code} is not asked at {timepoint} in {listed(lacking)}"
        )


def _has_schedules(subject: Subject, arm: Arm) -> bool:
    """What an arm is asked is unknown while its schedules are missing, which is said elsewhere."""
    codes = {grant.code for grant in arm.granted("assessments")}
    return bool(codes) and codes <= set(subject.assessments.schedules)


def _covariates(subject: Subject) -> Iterator[Problem]:
    source, codes, study = subject.source, subject.analysis.covariates, subject.study
    yield from repeated(source, ("covariates",), codes, key=None)
    yield from missing(source, ("covariates",), "question", codes, study.question_codes)
    for index, code in enumerate(codes):
        if code in study.question_codes and not study.may_ask(
            code, subject.assessments.baseline.questions
        ):
            yield source.problem(
                ("covariates", index), f"'{code}' is asked neither in the screening nor at baseline"
            )


def _adherence(analysis: Analysis, source: Source, programme: Programme) -> Iterator[Problem]:
    count = len(programme.modules)
    if analysis.adherence and analysis.adherence.at_least > count:
        message = f"{analysis.adherence.at_least} is more than the {count} modules of the programme"
        yield source.problem(("adherence", "at_least"), message)


def _contacts(analysis: Analysis, source: Source, coaching: Coaching) -> Iterator[Problem]:
    """Asked of everybody who is called, by whatever protocol."""
    if analysis.contacts is None:
        return
    fewest = min((each.contacts.count for each in coaching.protocols.values()), default=0)
    if not fewest:
        yield source.problem(("contacts",), "no arm is called, so no number of calls can be enough")
    elif analysis.contacts.at_least > fewest:
        message = f"{analysis.contacts.at_least} is more than the {fewest} calls of a protocol"
        yield source.problem(("contacts", "at_least"), message)
