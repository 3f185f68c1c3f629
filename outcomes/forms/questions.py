"""The study's own questions as a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from trial.actions.questions import fault
from trial.languages import in_language
from trial.sections.study import Question, Site, Study

MOST_RADIOS = 7
SCALE = (0, 10)


class Questions(forms.Form):
    """`codes` names the questions, in the order in which they are asked. Every one wants an
    answer.
    """

    def __init__(
        self, *args: Any, protocol: Study, codes: Sequence[str], language: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.protocol = protocol
        self.asked = [question for code in codes if (question := protocol.question(code))]
        for question in self.asked:
            self.fields[question.code] = _field(question, protocol.sites, language)

    def clean(self) -> dict[str, Any] | None:
        given = super().clean() or {}
        for question in self.asked:
            words = (
                fault(question, self.protocol, given[question.code])
                if question.code in given
                else None
            )
            if words:
                self.add_error(question.code, words)
        return given

    @property
    def answers(self) -> dict[str, Any]:
        return {question.code: self.cleaned_data[question.code] for question in self.asked}


def _field(question: Question, sites: Sequence[Site], language: str) -> forms.Field:
    match question.kind:
        case "number":
            field = _number(question)
        case "site":
            field = _choice([(site.code, site.name) for site in sites])
        case _:
            field = _choice(
                [(option.code, in_language(option.text, language)) for option in question.options]
            )
    field.label = in_language(question.text, language)
    return field


def _number(question: Question) -> forms.Field:
    if (question.min, question.max) == SCALE:
        return forms.TypedChoiceField(
            choices=[(str(n), str(n)) for n in range(SCALE[0], SCALE[1] + 1)],
            widget=forms.RadioSelect,
            coerce=int,
        )
    field = forms.IntegerField(widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    field.error_messages["invalid"] = _("Write a whole number")
    return field


def _choice(choices: list[tuple[str, str]]) -> forms.Field:
    if len(choices) <= MOST_RADIOS:
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect)
    return forms.ChoiceField(choices=[("", _("Choose")), *choices])
