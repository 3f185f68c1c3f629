"""The study's own questions as form fields."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms

from outcomes.forms.questions import Questions
from tests.trial.test_folder import SECTIONS, SMALL_STUDY
from trial.folder import read
from trial.sections import Study

TEXT = {"en": "How much?", "nl": "Hoeveel?"}


def asked(given: dict[str, str] | None, **question: Any) -> Questions:
    document = read(SMALL_STUDY, SECTIONS).document["study"]
    questions = [*document["questions"], {"code": "extra", "text": TEXT, **question}]
    study = Study.model_validate({**document, "questions": questions})
    return Questions(given, protocol=study, codes=["extra"], language="en")


@pytest.mark.parametrize(
    ("limits", "typed", "said"),
    [
        ({"min": 2}, "1", "Write a number of at least 2"),
        ({"max": 40}, "41", "Write a number of at most 40"),
        ({"min": 2, "max": 40}, "41", "Write a number of at most 40"),
        ({}, "two", "Write a whole number"),
        ({}, "2.5", "Write a whole number"),
    ],
)
def test_a_number_outside_of_its_limits_is_told_which_they_are(limits, typed, said):
    assert asked({"extra": typed}, kind="number", **limits).errors == {"extra": [said]}


@pytest.mark.parametrize(
    ("limits", "typed"), [({"min": 2}, "2"), ({"max": 40}, "40"), ({}, "-7"), ({}, "100000")]
)
def test_a_number_within_its_limits_is_that_number(limits, typed):
    form = asked({"extra": typed}, kind="number", **limits)
    assert form.is_valid()
    assert form.answers == {"extra": int(typed)}


def test_nought_to_ten_is_a_scale_of_eleven_choices():
    form = asked({"extra": "10"}, kind="number", min=0, max=10)
    assert isinstance(form.fields["extra"].widget, forms.RadioSelect)
    assert [value for value, _ in form.fields["extra"].choices] == [
        str(number) for number in range(11)
    ]
    assert form.is_valid()
    assert form.answers == {"extra": 10}
    assert "extra" in asked({"extra": "11"}, kind="number", min=0, max=10).errors


@pytest.mark.parametrize(("how_many", "is_list"), [(7, False), (8, True)])
def test_more_choices_than_a_page_can_show_are_a_list_that_begins_with_none_of_them(
    how_many, is_list
):
    options = [{"code": f"o{number}", "text": TEXT} for number in range(how_many)]
    field = asked(None, kind="choice", options=options).fields["extra"]
    assert isinstance(field.widget, forms.Select) == is_list
    assert len(field.choices) == how_many + is_list
    assert ("", "Choose") in field.choices or not is_list
