"""Answers to the study's own questions, judged as plain values: a whole number, or the code of an
option or a site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from trial.accepted import check
from trial.sections.study import Question, Study


def accepted(protocol: Study, answers: Mapping[str, Any], asked: Iterable[str]) -> dict[str, Any]:
    """The answers to what is asked, each of which wants one. Raises NotAccepted."""
    codes = list(asked)
    faults = {code: _("Nothing is asked by this name") for code in answers if code not in codes}
    missing = {code: _("Fill this in") for code in codes if code not in answers}
    check({**faults, **missing, **_judged(protocol, answers, codes)})
    return {code: answers[code] for code in codes}


def check_values(protocol: Study, answers: Mapping[str, Any]) -> None:
    """Raises NotAccepted where a question of the study has an answer that it cannot have."""
    check(_judged(protocol, answers, answers))


def _judged(
    protocol: Study, answers: Mapping[str, Any], codes: Iterable[str]
) -> dict[str, str | None]:
    known = {code: protocol.question(code) for code in codes if code in answers}
    return {
        code: fault(question, protocol, answers[code])
        for code, question in known.items()
        if question
    }


def fault(question: Question, protocol: Study, answer: Any) -> str | None:
    """What is wrong with one answer, in words; None where nothing is."""
    match question.kind:
        case "number":
            return _fault_of_number(question, answer)
        case "site":
            codes = {site.code for site in protocol.sites}
        case _:
            codes = {option.code for option in question.options}
    return None if isinstance(answer, str) and answer in codes else _("Choose one of the answers")


def _fault_of_number(question: Question, answer: Any) -> str | None:
    if not isinstance(answer, int) or isinstance(answer, bool):
        return _("Write a whole number")
    if question.min is not None and answer < question.min:
        return _("Write a number of at least %(limit)g") % {"limit": question.min}
    if question.max is not None and answer > question.max:
        return _("Write a number of at most %(limit)g") % {"limit": question.max}
    return None
