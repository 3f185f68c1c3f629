"""This app's part of a study folder: assessments.yaml and the folder's own instruments."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from outcomes.instruments import Instrument, load_library
from outcomes.sections.assessments import Assessments, Written
from outcomes.sections.checks import Subject, check_alone, check_with_study
from outcomes.sections.timing import check_timing
from trial.folder import Folder, Part, Problem, Source, listed, parse
from trial.sections import Study, languages_of

__all__ = ["Assessments", "notes", "section"]

FILE = "assessments.yaml"


def section(folder: Folder, earlier: Mapping[str, BaseModel]) -> Part:
    own, unread, problems = _own_instruments(folder)
    source = folder.yaml(FILE)
    written = parse(Written, source, languages_of(folder))
    problems += written.problems
    if written.model is None:
        return Part(problems=problems)
    available = {**load_library(), **own}
    study = earlier.get("study")
    assessments = _assessments(written.model, available, study)
    subject = Subject(assessments, source, available, frozenset(unread))
    problems += check_alone(subject)
    warnings = list(_warnings(assessments, source))
    if not isinstance(study, Study):
        return Part({"assessments": assessments}, problems=problems, warnings=warnings)
    study_source = folder.yaml("study.yaml")
    problems += check_with_study(subject, study, study_source)
    problems += check_timing(assessments, source, study, study_source)
    notes = _notes(study, assessments)
    return Part({"assessments": assessments}, problems=problems, warnings=warnings, notes=notes)


def _warnings(assessments: Assessments, source: Source) -> Iterator[Problem]:
    """Windows in which a reminder comes too late."""
    days = assessments.reminders.remind_after
    for name, entries in assessments.schedules.items() if assessments.reminders.invite else ():
        for place, entry in enumerate(entries):
            if entry.window <= days:
                message = (
                    f"closes before the reminder of day {days}: nobody is reminded; make the "
                    f"window longer than {days} "
                    "days, or remind sooner"
                )
                yield source.problem(("schedules", name, place, "window"), message)


def notes(document: Mapping[str, Any], sealed: Mapping[str, Any] | None = None) -> list[str]:
    """What is no mistake and yet worth a second look, before a study opens and in its report."""
    return _notes(
        Study.model_validate(document["study"]), Assessments.model_validate(document["assessments"])
    )


def _own_instruments(folder: Folder) -> tuple[dict[str, Instrument], list[str], list[Problem]]:
    found: dict[str, Instrument] = {}
    unread: list[str] = []
    problems: list[Problem] = []
    for name in folder.names(r"instruments/[^/]+\.yaml"):
        code = name.removeprefix("instruments/").removesuffix(".yaml")
        parsed = parse(Instrument, folder.yaml(name))
        problems += parsed.problems
        if parsed.model is None or parsed.problems:
            unread.append(code)
        elif parsed.model.code != code:
            message = (
                f"'{parsed.model.code}' stands in a file named '{code}'; file and code have the "
                f"same name"
            )
            problems.append(folder.yaml(name).problem(("code",), message))
            unread += [code, parsed.model.code]
        else:
            found[code] = parsed.model
    return found, unread, problems


def _assessments(
    written: Written, available: Mapping[str, Instrument], study: BaseModel | None
) -> Assessments:
    screened = study.screened_instruments if isinstance(study, Study) else ()
    used = sorted({*written.instruments, *screened} & set(available))
    return Assessments(**dict(written), definitions={code: available[code] for code in used})


def _notes(study: Study, assessments: Assessments) -> list[str]:
    return [
        *_one_sided(study, assessments),
        *_unworded(study, assessments),
        *_unasked(study, assessments),
    ]


def _one_sided(study: Study, assessments: Assessments) -> list[str]:
    given = {
        arm: {entry.timepoint for entry in assessments.planned(study, arm)}
        for arm in study.arm_codes
    }
    sentences = []
    for code in assessments.timepoint_codes:
        arms = [arm for arm in study.arm_codes if code in given[arm]]
        if arms and len(arms) < len(study.arm_codes):
            sentences.append(
                f"{code} is asked only in {listed(arms)}: whoever sees that it is due knows the "
                f"arm, "
                "so the assessors of this study are not blind to it"
            )
    return sentences


def _unworded(study: Study, assessments: Assessments) -> list[str]:
    return [
        f"{code} has no wording in '{language}': paste the one you hold a licence for into "
        f"instruments/{code}.yaml"
        for code, instrument in assessments.definitions.items()
        for language in study.languages
        if language not in instrument.wordings
    ]


def _unasked(study: Study, assessments: Assessments) -> list[str]:
    asked = {*study.screened_instruments, *assessments.baseline.instruments}
    granted = {grant.code for arm in study.arms for grant in arm.granted("assessments")}
    for name in granted:
        asked.update(
            code for entry in assessments.schedules.get(name, ()) for code in entry.instruments
        )
    return [
        *(
            f"the schedule {name} is granted by no arm"
            for name in assessments.schedules
            if name not in granted
        ),
        *(
            f"{code} stands in 'instruments' but is asked nowhere"
            for code in assessments.instruments
            if code not in asked
        ),
    ]
