"""The Dutch catalogue is whole, in step with the sources, and speaks as the house does."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from pathlib import Path

import django
import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from django.template.loader import render_to_string
from django.utils import formats, translation

from tests import messages
from tests.messages import texts
from trial import words
from trial.templatetags import handvat

PATTERNS = ("l j F Y", "l j F", "j F", "F Y")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|%%")


@pytest.fixture(scope="module")
def dutch() -> list[Message]:
    return list(messages.messages(messages.read()).values())


def test_every_message_has_dutch_and_none_is_a_guess(dutch):
    assert [m.id for m in dutch if m.fuzzy or not all(texts(m.string))] == []


def test_a_counted_message_has_both_its_forms(dutch):
    assert [m.id for m in dutch if len(texts(m.string)) != len(texts(m.id))] == []


def test_every_form_keeps_the_placeholders_of_the_english(dutch):
    pairs = [
        (m.id, english, form)
        for m in dutch
        for english, form in zip(texts(m.id), texts(m.string), strict=True)
    ]
    wrong = [key for key, english, form in pairs if placeholders(english) != placeholders(form)]
    assert wrong == []


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def test_nobody_is_shouted_at_or_called_u(dutch):
    formal = re.compile(r"!|\b([Uu]|[Uu]w)\b")
    assert [form for m in dutch for form in texts(m.string) if formal.search(form)] == []


def test_what_is_compiled_is_what_stands_in_the_catalogue(dutch):
    committed = messages.messages(read_mo(io.BytesIO(messages.COMPILED.read_bytes())))
    said = {
        (context and context.decode(), of): texts(m.string)
        for (context, of), m in committed.items()
    }
    assert said == {(m.context, texts(m.id)): texts(m.string) for m in dutch}


@pytest.mark.skipif(not messages.GETTEXT, reason="GNU gettext is not here: apt-get install gettext")
def test_the_catalogue_holds_what_the_sources_say_and_nothing_else(dutch):
    assert messages.messages(messages.extracted()).keys() == {
        (m.context, texts(m.id)) for m in dutch
    }


def test_none_says_otherwise_what_django_says_in_dates_and_forms(dutch):
    """Without a context ours stands in the place of Django's: "Monday" for a form made every date
    say "op Maandag".
    """
    theirs = messages.read(Path(django.__file__).parent / "conf/locale/nl/LC_MESSAGES/django.po")
    said = {key: texts(m.string) for key, m in messages.messages(theirs).items()}
    ours = {(m.context, texts(m.id)): texts(m.string) for m in dutch}
    assert {key: own for key, own in ours.items() if own != said.get(key, own)} == {}


def test_days_and_months_within_a_sentence_are_written_small():
    """By hand: Dutch writes both small. Every day of a year, in each pattern that a text uses."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    with translation.override("nl"):
        for pattern in PATTERNS:
            assert [
                day for day in days if re.search("[A-Z]", formats.date_format(day, pattern))
            ] == [], pattern
        for shown in (words.short_day, handvat.day):
            assert [day for day in days if re.search("[A-Z]", shown(day))] == [], shown


def test_the_patterns_of_dates_are_those_of_the_sources():
    sources = [
        path.read_text("utf-8")
        for app in messages.APPS
        for path in (messages.ROOT / app).rglob("*.py")
    ]
    found = {
        pattern
        for text in sources
        for pattern in re.findall(r'date_format\([^"\n]+"([^"{]+)"\)', text)
    }
    assert found - {"H:i", "F"} == set(PATTERNS)  # "F" is looked at and never shown


def test_django_speaks_it_with_one_and_with_more():
    with translation.override("nl"):
        said = [
            translation.ngettext("%(minutes)s minute", "%(minutes)s minutes", n) % {"minutes": n}
            for n in (1, 2)
        ]
    assert said == ["1 minuut", "2 minuten"]


def test_a_crisis_number_is_dialled_and_a_planned_call_is_numbered():
    line = {"name": "113", "numbers": ["113"]}
    with translation.override("nl"):
        assert "Bel 113" in render_to_string("pieces/crisis.html", {"line": line})
        assert translation.gettext("Call %(number)s") % {"number": 7} == "Gesprek 7"
