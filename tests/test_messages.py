"""The Dutch catalogue is whole, in step with the sources, and speaks as the house does."""

from __future__ import annotations

import io
import re

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from django.template.loader import render_to_string
from django.utils import translation

from tests import messages
from tests.messages import texts

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|%%")


@pytest.fixture(scope="module")
def dutch() -> list[Message]:
    return list(messages.messages(messages.read()).values())


def test_every_message_has_dutch_and_none_is_a_guess(dutch):
    assert [m.id for m in dutch if m.fuzzy or not all(texts(m.string))] == []


def test_a_counted_message_has_both_its_forms(dutch):
    assert [m.id for m in dutch if len(texts(m.string)) != len(texts(m.id))] == []


def test_every_form_keeps_the_placeholders_of_the_english(dutch):
    pairs = [(m.id, english, form) for m in dutch for english, form in zip(texts(m.id), texts(m.string), strict=True)]
    wrong = [key for key, english, form in pairs if placeholders(english) != placeholders(form)]
    assert wrong == []


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_nobody_is_shouted_at_or_called_u(dutch):
    formal = re.compile(r"!|\b([Uu]|[Uu]w)\b")
    assert [form for m in dutch for form in texts(m.string) if formal.search(form)] == []


def test_what_is_compiled_is_what_stands_in_the_catalogue(dutch):
    committed = messages.messages(read_mo(io.BytesIO(messages.COMPILED.read_bytes())))
    said = {(context and context.decode(), of): texts(m.string) for (context, of), m in committed.items()}
    assert said == {(m.context, texts(m.id)): texts(m.string) for m in dutch}


@pytest.mark.skipif(not messages.GETTEXT, reason="GNU gettext is not here: apt-get install gettext")
def test_the_catalogue_holds_what_the_sources_say_and_nothing_else(dutch):
    assert messages.messages(messages.extracted()).keys() == {(m.context, texts(m.id)) for m in dutch}


def test_django_speaks_it_with_one_and_with_more():
    with translation.override("nl"):
        said = [translation.ngettext("%(minutes)s minute", "%(minutes)s minutes", n) % {"minutes": n} for n in (1, 2)]
    assert said == ["1 minuut", "2 minuten"]


def test_a_crisis_number_is_dialled_and_a_planned_call_is_numbered():
    line = {"name": "113", "numbers": ["113"]}
    with translation.override("nl"):
        assert "Bel 113" in render_to_string("pieces/crisis.html", {"line": line})
        assert translation.gettext("Call %(number)s") % {"number": 7} == "Gesprek 7"
