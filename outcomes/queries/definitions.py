"""What the protocol version says is measured, parsed once per version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from outcomes.instruments import Instrument
from outcomes.models import ScreeningAnswer
from outcomes.sections import Assessments
from trial.models import Participant, ProtocolVersion
from trial.prepared import prepared
from trial.rules import Facts
from trial.sections.study import Page

_by_content: dict[str, Assessments] = {}


def assessments(version: ProtocolVersion) -> Assessments:
    """Parsed once per process: the hash says what is in a version."""
    if version.sha256 not in _by_content:
        _by_content[version.sha256] = Assessments.model_validate(version.section("assessments"))
    return _by_content[version.sha256]


def instrument(version: ProtocolVersion, code: str) -> Instrument:
    return assessments(version).definitions[code]


def screening_facts(participant: Participant) -> Facts:
    """What is known of a person at the screening: answers to questions, scores and items of
    instruments.
    """
    scores: dict[str, float] = {}
    items: dict[str, int] = {}
    for row in _screened(participant.pk):
        if row.score is not None:
            scores[row.instrument] = row.score
        items |= {
            f"{row.instrument}.{code}": value
            for code, value in row.answers.items()
            if value is not None
        }
    return Facts(answers=participant.answers, scores=scores, items=items)


@prepared
def _screened(person: int) -> QuerySet[ScreeningAnswer]:
    return ScreeningAnswer.objects.filter(participant=person)


def is_answered(participant: Participant, page: Page) -> bool:
    """Whether a screening page was answered."""
    if page.instrument:
        return any(row.instrument == page.instrument for row in _screened(participant.pk))
    return set(page.questions) <= set(participant.answers)


def current_page(participant: Participant) -> Page | None:
    """The first screening page that is not answered."""
    pages = participant.version.protocol.screening
    return next((page for page in pages if not is_answered(participant, page)), None)


def may_answer(participant: Participant, page: Page) -> bool:
    """The page that is asked now, or one before it: until the last is answered, the earlier ones
    can be changed.
    """
    current, pages = current_page(participant), participant.version.protocol.screening
    return (
        participant.state == "screening"
        and current is not None
        and pages.index(page) <= pages.index(current)
    )


def given_answers(participant: Participant, page: Page) -> dict[str, Any]:
    """What was answered on a screening page before, as its form names it."""
    if page.questions:
        return {
            code: participant.answers[code]
            for code in page.questions
            if code in participant.answers
        }
    stored = ScreeningAnswer.objects.filter(
        participant=participant, instrument=page.instrument
    ).first()
    return {f"item_{code}": str(value) for code, value in stored.answers.items()} if stored else {}


def primary_instruments(version: ProtocolVersion) -> list[str]:
    return list(
        dict.fromkeys(each["instrument"] for each in version.section("analysis")["primary"])
    )


def open_languages(version: ProtocolVersion) -> list[str]:
    """Languages in which every primary outcome has a wording: nobody is shown an instrument in a
    language not chosen.
    """
    known = assessments(version).definitions
    primary = primary_instruments(version)
    return [
        language
        for language in version.protocol.languages
        if all(language in known[code].wordings for code in primary)
    ]


def with_wording(participant: Participant, codes: Sequence[str]) -> list[str]:
    """Those instruments that have a wording in the person's language; all of them for simulated
    people, who read nothing.
    """
    known = assessments(participant.version).definitions
    return [
        code
        for code in codes
        if participant.simulated or participant.language in known[code].wordings
    ]
