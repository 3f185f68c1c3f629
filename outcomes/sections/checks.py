"""What assessments.yaml says against itself, against the instruments and against study.yaml."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from outcomes.instruments import Instrument
from outcomes.sections.assessments import Assessments, Planned
from trial.anchors import TIMED
from trial.folder import Loc, Problem, Source, unknown
from trial.rules import COMPARATORS, Rule, names
from trial.rules import number as as_number
from trial.sections import Study
from trial.sections.checks import check_answer, leaves, missing, repeated


@dataclass(frozen=True)
class Subject:
    """`available` are the instruments of the library and the folder; `unread` those whose own file
    has mistakes.
    """

    assessments: Assessments
    source: Source
    available: Mapping[str, Instrument]
    unread: frozenset[str] = frozenset()

    @property
    def known(self) -> list[str]:
        return sorted({*self.available, *self.unread})


def check_alone(subject: Subject) -> Iterator[Problem]:
    for check in ALONE:
        yield from check(subject)


def check_with_study(subject: Subject, study: Study, study_source: Source) -> Iterator[Problem]:
    for check in WITH_STUDY:
        yield from check(subject, study, study_source)


def _codes(subject: Subject) -> Iterator[Problem]:
    assessments, source = subject.assessments, subject.source
    yield from repeated(source, ("instruments",), assessments.instruments, key=None)
    yield from repeated(source, ("timepoints",), assessments.timepoint_codes)
    yield from repeated(source, ("alerts",), [alert.code for alert in assessments.alerts])
    yield from missing(
        source, ("instruments",), "instrument", assessments.instruments, subject.known
    )
    for index, left_out in enumerate(assessments.not_included):
        if left_out.code in assessments.instruments:
            message = (
                f"'{left_out.code}' also stands in 'instruments'; it is either asked or not "
                f"included"
            )
            yield source.problem(("not_included", index, "code"), message)


def _baseline(subject: Subject) -> Iterator[Problem]:
    assessments, source = subject.assessments, subject.source
    baseline = assessments.baseline
    if baseline.timepoint not in assessments.timepoint_codes:
        message = unknown("timepoint", baseline.timepoint, assessments.timepoint_codes)
        yield source.problem(("baseline", "timepoint"), message)
    yield from missing(
        source,
        ("baseline", "instruments"),
        "instrument",
        baseline.instruments,
        assessments.instruments,
    )


def _schedules(subject: Subject) -> Iterator[Problem]:
    assessments, source = subject.assessments, subject.source
    for name, entries in assessments.schedules.items():
        loc: Loc = ("schedules", name)
        yield from repeated(source, loc, [entry.timepoint for entry in entries], key="timepoint")
        for index, entry in enumerate(entries):
            place: Loc = (*loc, index)
            yield from missing(
                source,
                (*place, "instruments"),
                "instrument",
                entry.instruments,
                assessments.instruments,
            )
            yield from _known_timepoint(assessments, source, (*place, "timepoint"), entry.timepoint)
            if entry.timepoint == assessments.baseline.timepoint:
                message = (
                    f"'{entry.timepoint}' is the baseline; it is asked before allocation, not in a "
                    f"schedule"
                )
                yield source.problem((*place, "timepoint"), message)
            if entry.awaited_timepoint:
                yield from _known_timepoint(
                    assessments, source, (*place, "anchor"), entry.awaited_timepoint
                )


def _windows(subject: Subject) -> Iterator[Problem]:
    """One instrument is open once at a time, where the schedule alone decides it: both hang on the
    same fixed day.
    """
    for name, entries in subject.assessments.schedules.items():
        for later, entry in enumerate(entries):
            for earlier, other in enumerate(entries[:later]):
                both = [code for code in entry.instruments if code in other.instruments]
                if both and _overlap(entry, other):
                    line = subject.source.line(("schedules", name, earlier))
                    message = (
                        f"{both[0]} is open at '{other.timepoint}' (line {line}) and here on the "
                        f"same days; "
                        "shorten a window or move one of them"
                    )
                    yield subject.source.problem(("schedules", name, later), message)


def _overlap(one: Planned, other: Planned) -> bool:
    if one.anchor != other.anchor or one.anchor not in TIMED:
        return False
    (first, first_end), (second, second_end) = _days(one), _days(other)
    return first < second_end and second < first_end


def _days(entry: Planned) -> tuple[int, int]:
    """First day of a window and the day after its last, counted from the anchor that it shares with
    others.
    """
    first = entry.days + (entry.on.toordinal() if entry.on else 0)
    if entry.anchor == "randomised":
        first = max(first, entry.not_before or 0)
        first = first if entry.at_the_latest is None else min(first, entry.at_the_latest)
    return first, first + entry.window


def _known_timepoint(
    assessments: Assessments, source: Source, loc: Loc, code: str
) -> Iterator[Problem]:
    if code not in assessments.timepoint_codes:
        yield source.problem(loc, unknown("timepoint", code, assessments.timepoint_codes))


def _screening(subject: Subject, study: Study, study_source: Source) -> Iterator[Problem]:
    left_out = {each.code for each in subject.assessments.not_included}
    for index, page in enumerate(study.screening):
        loc: Loc = ("screening", index, "instrument")
        if page.instrument and page.instrument not in subject.known:
            yield study_source.problem(loc, unknown("instrument", page.instrument, subject.known))
        elif page.instrument in left_out:
            message = f"'{page.instrument}' stands in 'not_included' of assessments.yaml; keep one"
            yield study_source.problem(loc, message)


def _baseline_questions(subject: Subject, study: Study, study_source: Source) -> Iterator[Problem]:
    loc: Loc = ("baseline", "questions")
    codes = subject.assessments.baseline.questions
    yield from missing(subject.source, loc, "question", codes, study.question_codes)
    yield from repeated(subject.source, loc, codes, key=None)
    for index, code in enumerate(codes):
        if code in study.screened_questions:
            yield subject.source.problem(
                (*loc, index), f"'{code}' is asked in the screening already; ask it once"
            )


def _grants(subject: Subject, study: Study, study_source: Source) -> Iterator[Problem]:
    schedules = subject.assessments.schedules
    for number, arm in enumerate(study.arms):
        given: set[str] = set()
        for place, grant in enumerate(arm.grants):
            if grant.kind != "assessments":
                continue
            loc: Loc = ("arms", number, "grants", place, "assessments")
            if grant.code not in schedules:
                yield study_source.problem(loc, unknown("schedule", grant.code, schedules))
            gives = {entry.timepoint: None for entry in schedules.get(grant.code, ())}
            for timepoint in gives:
                if timepoint in given:
                    yield study_source.problem(
                        loc, f"gives '{timepoint}' to arm '{arm.code}' a second time"
                    )
            given.update(gives)


def _eligibility(subject: Subject, study: Study, study_source: Source) -> Iterator[Problem]:
    pages = [page.code for page in study.screening]
    for index, criterion in enumerate(study.eligibility):
        if criterion.after not in pages:
            continue
        shown = study.screening[: pages.index(criterion.after) + 1]
        asked = [page.instrument for page in shown if page.instrument]
        by = f"by the end of screening page '{criterion.after}'"
        for leaf, loc in leaves(criterion.rule, ("eligibility", index, "rule")):
            yield from _measured(subject, leaf, loc, study_source, asked, by)


def _alerts(subject: Subject, study: Study, study_source: Source) -> Iterator[Problem]:
    asked = [*study.screened_instruments, *subject.assessments.instruments]
    questions = [*study.screened_questions, *subject.assessments.baseline.questions]
    for index, alert in enumerate(subject.assessments.alerts):
        named = names(alert.rule)
        if not named.items and not named.scores:
            message = (
                "names no score and no item; a questionnaire raises an alert, an answer can only "
                "be a part of its rule"
            )
            yield subject.source.problem(("alerts", index, "rule"), message)
        for leaf, loc in leaves(alert.rule, ("alerts", index, "rule")):
            if leaf.answer is not None:
                yield from check_answer(leaf, loc, study, subject.source, questions, "anywhere")
            yield from _measured(subject, leaf, loc, subject.source, asked, "anywhere")


def _measured(
    subject: Subject, leaf: Rule, loc: Loc, source: Source, asked: Iterable[str], by: str
) -> Iterator[Problem]:
    """A comparison with a score or an item: it exists, and its instrument was asked by then."""
    asked = list(asked)
    if any(code not in subject.available for code in asked):
        return  # what an unknown or unreadable instrument would give is unknown
    key = "score" if leaf.score is not None else "item"
    name = getattr(leaf, key)
    list_names = _scores if key == "score" else _items
    if name is None:
        return
    if name in list_names(subject.available[code] for code in asked):
        yield from _out_of_range(
            leaf, loc, source, name, _range(name, [subject.available[code] for code in asked])
        )
        return
    if name in list_names(subject.available.values()):
        yield source.problem((*loc, key), f"'{name}' is not asked {by}")
    elif not _may_be_unread(subject, name):
        near = list_names(subject.available[code] for code in asked)
        yield source.problem((*loc, key), unknown(key, name, near))


def _range(name: str, instruments: Iterable[Instrument]) -> tuple[int, int]:
    """Lowest and highest value of a score or an item of these instruments."""
    for instrument in instruments:
        lowest, highest = instrument.options[0], instrument.options[-1]
        if name == instrument.code:
            return instrument.range
        if name in instrument.derived:
            return len(instrument.derived[name]) * lowest, len(instrument.derived[name]) * highest
        if name in _items([instrument]):
            return lowest, highest
    raise KeyError(name)


def _out_of_range(
    leaf: Rule, loc: Loc, source: Source, name: str, spread: tuple[int, int]
) -> Iterator[Problem]:
    """A value that is never reached, or a limit that everybody is within: the rule would always say
    the same.
    """
    lowest, highest = spread
    runs = f"{name} runs from {lowest} to {highest}"
    for key in COMPARATORS:
        written = getattr(leaf, key)
        for value in (
            (written if isinstance(written, tuple) else (written,)) if written is not None else ()
        ):
            given = as_number(value)
            if given is None or not lowest <= given <= highest:
                yield source.problem((*loc, key), f"'{value}' is no value of it; {runs}")
            elif (key, given) in {("above", highest), ("below", lowest)}:
                yield source.problem((*loc, key), f"nothing is {key} {value}; {runs}")


def _may_be_unread(subject: Subject, name: str) -> bool:
    return bool(subject.unread) and name not in subject.available


def _scores(instruments: Iterable[Instrument]) -> list[str]:
    return [name for instrument in instruments for name in (instrument.code, *instrument.derived)]


def _items(instruments: Iterable[Instrument]) -> list[str]:
    return [
        f"{instrument.code}.{code}" for instrument in instruments for code in instrument.item_codes
    ]


def _rehearsal(subject: Subject, study: Study, study_source: Source) -> Iterator[Problem]:
    if study.rehearsal is None:
        return
    yield from _known_timepoint(
        subject.assessments,
        study_source,
        ("rehearsal", "study_dropout_at"),
        study.rehearsal.study_dropout_at,
    )
    later = subject.assessments.instruments
    first = dict.fromkeys((*later, *study.screened_instruments))  # what somebody has who arrives
    for key, known in (("baseline", first), ("change", later)):
        for code in getattr(study.rehearsal, key):
            if code not in known:
                yield study_source.problem(
                    ("rehearsal", key, code), unknown("instrument", code, known)
                )


ALONE: tuple[Callable[[Subject], Iterator[Problem]], ...] = (
    _codes,
    _baseline,
    _schedules,
    _windows,
)
WITH_STUDY: tuple[Callable[[Subject, Study, Source], Iterator[Problem]], ...] = (
    _screening,
    _baseline_questions,
    _grants,
    _eligibility,
    _alerts,
    _rehearsal,
)
