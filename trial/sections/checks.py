"""What study.yaml says in one place against what it says in another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from trial import contact_details
from trial.folder import Loc, Problem, Source, listed, unknown
from trial.rules import LIMITS, Rule
from trial.sections.study import Question, Study
from trial.unread_markdown import unread


def check_study(study: Study, source: Source, today: date | None = None) -> list[Problem]:
    problems = [problem for check in CHECKS for problem in check(study, source)]
    return [*problems, *_to_come(study, source, today)] if today else problems


def repeated(
    source: Source, loc: Loc, codes: Sequence[str], key: str | None = "code"
) -> Iterator[Problem]:
    """A code that stands in the list at `loc` more than once."""
    first: dict[str, int] = {}
    for index, code in enumerate(codes):
        place = (*loc, index, key) if key else (*loc, index)
        if code in first:
            line = source.line((*loc, first[code]))
            yield source.problem(place, f"'{code}' stands in this list twice, first in line {line}")
        first.setdefault(code, index)


def missing(
    source: Source, loc: Loc, what: str, codes: Iterable[str], known: Iterable[str]
) -> Iterator[Problem]:
    """Codes of the list at `loc` that do not exist."""
    known = list(known)
    for index, code in enumerate(codes):
        if code not in known:
            yield source.problem((*loc, index), unknown(what, code, known))


def unread_lines(
    file: str, markdown: str, first: int, levels: dict[str, str] | None = None
) -> Iterator[Problem]:
    """What a page would not show of the Markdown that begins in line `first` of a file."""
    yield from (Problem(file, first + line, message) for line, message in unread(markdown, levels))


def leaves(rule: Rule, loc: Loc) -> Iterator[tuple[Rule, Loc]]:
    """Every comparison in a rule, and where it stands."""
    for name, parts in (("all", rule.all), ("any", rule.any)):
        for index, part in enumerate(parts or ()):
            yield from leaves(part, (*loc, name, index))
    if rule.not_ is not None:
        yield from leaves(rule.not_, (*loc, "not"))
    if not rule.parts:
        yield rule, loc


def check_answer(
    rule: Rule, loc: Loc, study: Study, source: Source, asked: Iterable[str], by: str
) -> Iterator[Problem]:
    """A comparison with an answer: the question exists, was asked by then, and can be compared like
    this.
    """
    question = study.question(rule.answer or "")
    if question is None:
        yield source.problem(
            (*loc, "answer"), unknown("question", rule.answer, study.question_codes)
        )
    elif question.code not in asked:
        yield source.problem((*loc, "answer"), f"'{question.code}' is not asked {by}")
    else:
        yield from _comparison(rule, loc, question, study, source)


def _comparison(
    rule: Rule, loc: Loc, question: Question, study: Study, source: Source
) -> Iterator[Problem]:
    if question.kind == "number":
        return
    limits = [name for name in LIMITS if getattr(rule, name) is not None]
    for name in limits:
        message = f"'{question.code}' is a {question.kind}, not a number; use equals or one_of"
        yield source.problem((*loc, name), message)
    options = study.options_of(question)
    if rule.equals is not None and rule.equals not in options:
        yield source.problem(
            (*loc, "equals"), unknown(f"option of {question.code}", rule.equals, options)
        )
    yield from missing(
        source, (*loc, "one_of"), f"option of {question.code}", rule.one_of or (), options
    )


def _codes(study: Study, source: Source) -> Iterator[Problem]:
    yield from repeated(source, ("languages",), study.languages, key=None)
    for key in ("sites", "screening", "questions", "eligibility", "arms"):
        yield from repeated(source, (key,), [entry.code for entry in getattr(study, key)])
    for index, question in enumerate(study.questions):
        yield from repeated(source, ("questions", index, "options"), question.option_codes)
    yield from repeated(source, ("stages",), [stage.code for stage in study.stages])
    taken = list(study.arm_codes)
    for loc, arm in list(study.giving())[len(taken) :]:
        if arm.code in taken:
            yield source.problem(
                (*loc, "code"), f"'{arm.code}' is an arm already; every arm has a code of its own"
            )
        taken.append(arm.code)


def _screening(study: Study, source: Source) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, page in enumerate(study.screening):
        loc: Loc = ("screening", index, "questions")
        yield from missing(source, loc, "question", page.questions, study.question_codes)
        for place, code in enumerate(page.questions):
            if code in seen:
                yield source.problem((*loc, place), f"'{code}' is asked before; ask it once")
            seen.add(code)


def _eligibility(study: Study, source: Source) -> Iterator[Problem]:
    pages = [page.code for page in study.screening]
    for index, criterion in enumerate(study.eligibility):
        loc: Loc = ("eligibility", index)
        if criterion.after not in pages:
            yield source.problem((*loc, "after"), unknown("screening page", criterion.after, pages))
            continue
        asked = [code for page in _up_to(study, criterion.after) for code in page.questions]
        for leaf, place in leaves(criterion.rule, (*loc, "rule")):
            if leaf.answer is not None:
                by = f"by the end of screening page '{criterion.after}'"
                yield from check_answer(leaf, place, study, source, asked, by)


def _up_to(study: Study, code: str):
    pages = list(study.screening)
    return pages[: [page.code for page in pages].index(code) + 1]


def _order(study: Study, source: Source) -> Iterator[Problem]:
    """Criteria stand in the order of their pages, since the first that fails ends the screening."""
    pages = [page.code for page in study.screening]
    latest = -1
    for index, criterion in enumerate(study.eligibility):
        if criterion.after not in pages:
            continue
        place = pages.index(criterion.after)
        if place < latest:
            message = (
                f"'{criterion.after}' comes before '{pages[latest]}'; list criteria in the order "
                f"of the pages"
            )
            yield source.problem(("eligibility", index, "after"), message)
        latest = max(latest, place)


def _grants(study: Study, source: Source) -> Iterator[Problem]:
    for at, arm in study.giving():
        loc: Loc = (*at, "grants")
        if at[0] == "stages":
            for grant in arm.granted("assessments"):
                message = (
                    "everybody's questionnaires are planned at randomisation; a stage gives "
                    "coaching or a programme"
                )
                yield source.problem((*loc, arm.grants.index(grant), "assessments"), message)
        elif not arm.granted("assessments"):
            yield source.problem(
                loc,
                f"arm '{arm.code}' is granted no assessments; whoever is randomised is assessed",
            )
        for kind in ("coaching", "programme"):
            for grant in arm.granted(kind)[1:]:
                place = arm.grants.index(grant)
                yield source.problem(
                    (*loc, place, kind), f"arm '{arm.code}' is granted {kind} twice; keep one"
                )
        for place, grant in enumerate(arm.grants):
            if grant.kind == "assessments" and "opens" in grant.model_fields_set:
                message = "a schedule has anchors of its own in assessments.yaml; leave 'opens' out"
                yield source.problem((*loc, place, "opens"), message)
            if grant.kind == "coaching" and "opens" in grant.model_fields_set:
                message = (
                    "calls are planned by their days in coaching.yaml, counted from the grant; "
                    "leave 'opens' out"
                )
                yield source.problem((*loc, place, "opens"), message)


def _to_come(study: Study, source: Source, today: date) -> Iterator[Problem]:
    """What has happened by the day of loading did not happen after it."""
    written: list[tuple[Loc, date, str]] = [
        (("crisis_lines", index, "checked_on"), line.checked_on, "was last checked")
        for index, line in enumerate(study.crisis_lines)
    ]
    if study.registration:
        written.append((("registration", "on"), study.registration.on, "was registered"))
    for loc, day, happened in written:
        if day > today:
            yield source.problem(
                loc, f"'{day}' is still to come; write the day on which it {happened}"
            )


def _rehearsal(study: Study, source: Source) -> Iterator[Problem]:
    if study.rehearsal is None:
        return
    loc: Loc = ("rehearsal", "study_dropout")
    for code in study.rehearsal.study_dropout:
        if code not in study.arm_codes:
            yield source.problem((*loc, code), unknown("arm", code, study.arm_codes))
    lacking = [code for code in study.arm_codes if code not in study.rehearsal.study_dropout]
    if lacking:
        yield source.problem(loc, f"says nothing about {listed(lacking)}; every arm has a share")


def _contacts(study: Study, source: Source) -> Iterator[Problem]:
    """A number that coaches and participants are given can be dialled. Crisis lines may be short:
    113.
    """
    people = {"safety": study.contacts.safety, "team": study.contacts.team}
    for name, contact in people.items():
        if contact is None or not contact.phone:
            continue
        try:
            contact_details.phone_number(contact.phone, study.country)
        except contact_details.NotOneNumber:
            example = contact_details.phone_example(study.country)
            yield source.problem(
                ("contacts", name, "phone"),
                f"'{contact.phone}' is not one phone number; without letters or an extension, such "
                f"as {example}",
            )


CHECKS: tuple[Callable[[Study, Source], Iterator[Problem]], ...] = (
    _codes,
    _screening,
    _eligibility,
    _order,
    _grants,
    _rehearsal,
    _contacts,
)
