"""Whether everything that an arm waits for can happen: anchors name what the arm gets, and nothing
waits for itself.
"""

from collections.abc import Iterator, Mapping

from outcomes.sections.assessments import Assessments
from trial.anchors import OF_TIMEPOINTS
from trial.folder import Loc, Problem, Source, unknown
from trial.sections import Opening, Study

PROGRAMME = "programme_finished"


def check_timing(
    assessments: Assessments, source: Source, study: Study, study_source: Source
) -> list[Problem]:
    problems = [*_gone_programmes(assessments, source, study)]
    for arm in study.arm_codes:
        problems += _unreachable(assessments, source, study, study_source, arm)
        problems += _circles(assessments, source, study, study_source, arm)
    return list(dict.fromkeys(problems))


def _gone_programmes(assessments: Assessments, source: Source, study: Study) -> Iterator[Problem]:
    """Arms may share a schedule that waits for a programme which one of them lacks; not if all of
    them do.
    """
    for name, entries in assessments.schedules.items():
        arms = [arm for arm in study.arms if any(grant.assessments == name for grant in arm.grants)]
        if not arms or any(arm.granted("programme") for arm in arms):
            continue
        for index, entry in enumerate(entries):
            if entry.anchor == PROGRAMME:
                message = (
                    "no arm with this schedule is granted a programme; anchor it to 'randomised'"
                )
                yield source.problem(("schedules", name, index, "anchor"), message)


def _unreachable(
    assessments: Assessments, source: Source, study: Study, study_source: Source, arm: str
) -> Iterator[Problem]:
    given = {
        assessments.baseline.timepoint,
        *(entry.timepoint for entry in assessments.planned(study, arm)),
    }
    has_programme = bool(study.arms[study.arm_codes.index(arm)].granted("programme"))
    for opening, where, loc in _openings(assessments, source, study, study_source, arm):
        timepoint = opening.awaited_timepoint
        if timepoint in assessments.timepoint_codes and timepoint not in given:
            yield where.problem(loc, f"waits for '{timepoint}', which arm '{arm}' does not get")
        elif where is source:
            # unknown timepoints and missing programmes of schedules are named once, not for every
            # arm
            continue
        elif timepoint and timepoint not in assessments.timepoint_codes:
            yield where.problem(loc, unknown("timepoint", timepoint, assessments.timepoint_codes))
        elif opening.anchor == PROGRAMME and not has_programme:
            yield where.problem(loc, f"arm '{arm}' is granted no programme; anchor it to 'granted'")


def _openings(
    assessments: Assessments, source: Source, study: Study, study_source: Source, arm: str
) -> Iterator[tuple[Opening, Source, Loc]]:
    """Every opening of an arm, with the place of its anchor."""
    number = study.arm_codes.index(arm)
    for place, grant in enumerate(study.arms[number].grants):
        if grant.kind == "assessments":
            for index, entry in enumerate(assessments.schedules.get(grant.code, ())):
                yield entry, source, ("schedules", grant.code, index, "anchor")
        else:
            yield (grant.opens, study_source, ("arms", number, "grants", place, "opens", "anchor"))


def _circles(
    assessments: Assessments, source: Source, study: Study, study_source: Source, arm: str
) -> Iterator[Problem]:
    awaited = _awaited(assessments, study, arm)
    for opening, where, loc in _openings(assessments, source, study, study_source, arm):
        event = _event(opening)
        path = _path(awaited, event)
        if len(path) > 1 and path[-1] == event:
            circle = " waits for ".join(map(_spoken, path))
            yield where.problem(loc, f"can never happen by itself: {circle}")
            return


def _awaited(assessments: Assessments, study: Study, arm: str) -> Mapping[str, str]:
    """Event -> the event that it waits for, by the names of anchors."""
    planned = assessments.planned(study, arm)
    found = {
        f"{kind}:{entry.timepoint}": entry.anchor for kind in OF_TIMEPOINTS for entry in planned
    }
    for grant in study.arms[study.arm_codes.index(arm)].granted("programme"):
        found[PROGRAMME] = grant.opens.anchor
    return found


def _event(opening: Opening) -> str | None:
    return opening.anchor if opening.awaited_timepoint or opening.anchor == PROGRAMME else None


def _path(awaited: Mapping[str, str], start: str | None) -> list[str]:
    """From an event along what it waits for, until nothing is awaited or the start is met again."""
    path = [start] if start else []
    while path and path[-1] in awaited and (len(path) == 1 or path[-1] not in path[:-1]):
        path.append(awaited[path[-1]])
    return path


def _spoken(event: str) -> str:
    if event == PROGRAMME:
        return "the end of the programme"
    kind, _, timepoint = event.partition(":")
    return f"the {'close' if kind == 'assessment_closed' else 'opening'} of {timepoint}"
