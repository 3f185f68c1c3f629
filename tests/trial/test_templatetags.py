import re
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from trial import words
from trial.templatetags import handvat

AT = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
KEY = "7c1f1a9e-52a1-4f0e-9f0b-0d5a2a4f6d10"
HOW_OFTEN = [("0", "Not at all"), ("1", "Several days")]


class Answers(forms.Form):
    first_name = forms.CharField(label="First name", help_text="As you want to be called.")
    sleep = forms.ChoiceField(label="Sleeping badly", choices=HOW_OFTEN, widget=forms.RadioSelect)
    agree = forms.BooleanField(label="I agree")
    note = forms.CharField(label="Anything else?", required=False, widget=forms.Textarea)
    page = forms.CharField(required=False, widget=forms.HiddenInput)


def drawn(source: str, **context: object) -> str:
    return Template("{% load handvat %}" + source).render(Context(context))


def found(pattern: str, html: str) -> list[str]:
    return re.findall(pattern, html)


def test_a_field_is_described_by_its_hint_and_its_error():
    html = drawn("{% field form.first_name %}", form=Answers({}))

    assert found(r'<label for="([^"]+)">First name\s*</label>', html) == ["id_first_name"]
    assert found(r'aria-describedby="([^"]+)"', html) == [
        "id_first_name_helptext id_first_name_error"
    ]
    assert found(r'<div (?:class="hint" )?id="([^"]+)"', html) == [
        "id_first_name_helptext",
        "id_first_name_error",
    ]
    assert found(r'aria-invalid="([^"]+)"', html) == ["true"]


def test_radios_stand_in_a_group_that_carries_the_question():
    html = drawn("{% field form.sleep %}", form=Answers())

    assert found(r"<legend>(.*?)\s*</legend>", html) == ["Sleeping badly"]
    assert found(r'<input type="radio"[^>]* id="([^"]+)"', html) == ["id_sleep_0", "id_sleep_1"]
    assert found(r'<label for="([^"]+)">([^<]+)', html) == [
        ("id_sleep_0", "Not at all"),
        ("id_sleep_1", "Several days"),
    ]


def test_what_was_typed_is_still_there_after_an_error():
    html = drawn(
        "{% fields form %}", form=Answers({"first_name": "Dan <3", "note": "late", "sleep": "1"})
    )

    assert found(r'name="first_name" value="([^"]+)"', html) == ["Dan &lt;3"]
    assert found(r"<textarea[^>]*>\s*(.*?)</textarea>", html) == ["late"]
    assert found(r'value="(\d)"[^>]*checked', html) == ["1"]


def test_the_error_summary_links_to_every_field_and_says_what_to_do():
    html = drawn("{% errors form %}", form=Answers({}))

    assert found(r'<a href="([^"]+)">([^<]+)</a>', html) == [
        ("#id_first_name", "First name: Fill this in"),
        ("#id_sleep_0", "Sleeping badly: Choose an answer"),
        ("#id_agree", "I agree: Tick this to go on"),
    ]


def test_what_is_the_same_for_all_fields_is_said_once_above_links():
    class Same(forms.Form):
        first = forms.ChoiceField(label="First?", choices=HOW_OFTEN, widget=forms.RadioSelect)
        second = forms.ChoiceField(label="Second?", choices=HOW_OFTEN, widget=forms.RadioSelect)

    html = drawn("{% errors form %}", form=Same({}))
    assert html.count("Choose an answer") == 1
    assert found(r'<a href="([^"]+)">([^<]+)</a>', html) == [
        ("#id_first_0", "First?"),
        ("#id_second_0", "Second?"),
    ]


def test_a_form_without_errors_has_no_summary():
    assert drawn("{% errors form %}", form=Answers()).strip() == ""
    assert drawn("{% errors form %}", form=None).strip() == ""


def test_an_error_of_the_form_as_a_whole_stands_first_and_links_nowhere():
    form = Answers({"first_name": "Dan", "sleep": "0", "agree": "on"})
    form.add_error(None, "These dates cross.")

    html = drawn("{% errors form %}", form=form)

    assert found(r"<li>\s*(.*?)\s*</li>", html) == ["These dates cross."]


def test_a_message_of_the_form_is_kept_in_its_own_words():
    class Named(forms.Form):
        name = forms.CharField(error_messages={"required": "Tell us what to call you"})

    assert handvat._messages(Named({})["name"]) == ["Tell us what to call you"]


def test_answers_draw_one_row_for_every_item_under_one_head():
    class Two(forms.Form):
        first = forms.ChoiceField(
            label="Little interest", choices=HOW_OFTEN, widget=forms.RadioSelect
        )
        second = forms.ChoiceField(
            label="Feeling down", choices=HOW_OFTEN, widget=forms.RadioSelect
        )

    html = drawn("{% answers form timeframe='Over the last 2 weeks' %}", form=Two({"first": "1"}))

    head = html[html.index("answers-head") : html.index("answers-row")]
    assert found(r"<span>([^<]*)</span>", head) == [
        "Over the last 2 weeks",
        "Not at all",
        "Several days",
    ]
    assert found(r'class="answers-row( invalid)?"', html) == ["", " invalid"]
    assert found(r'<p class="question"[^>]*>([^<]+)', html) == ["Little interest", "Feeling down"]


def test_every_page_gets_a_fresh_request_key():
    keys = [UUID(found(r'value="([^"]+)"', drawn("{% request_key %}"))[0]) for _ in range(2)]

    assert keys[0] != keys[1]


def test_a_form_that_comes_back_keeps_its_request_key():
    request = RequestFactory().post("/", {"request_key": KEY})

    assert found(
        r'value="([^"]+)"', drawn("{% request_key form %}", form=Answers({"request_key": KEY}))
    ) == [KEY]
    assert found(r'value="([^"]+)"', drawn("{% request_key request %}", request=request)) == [KEY]


@pytest.mark.parametrize("posted", ["", "<script>", "1234"])
def test_a_request_key_that_is_none_is_replaced(posted):
    value = found(
        r'value="([^"]+)"', drawn("{% request_key form %}", form=Answers({"request_key": posted}))
    )[0]

    assert str(UUID(value)) == value


@pytest.mark.parametrize(
    ("language", "value", "expected"),
    [
        ("nl", {"en": "Steady Steps", "nl": "Stap voor stap"}, "Stap voor stap"),
        ("nl-be", {"en": "Steady Steps", "nl": "Stap voor stap"}, "Stap voor stap"),
        ("nl", {"en": "Steady Steps"}, "Steady Steps"),
        ("en", {"nl": "Stap voor stap"}, "Stap voor stap"),
        ("en", {}, ""),
        ("en", None, ""),
        ("en", "plain", "plain"),
    ],
)
def test_a_text_is_read_in_the_current_language(language, value, expected):
    with translation.override(language):
        assert words.text(value) == expected


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "Mon 23 Nov, 14:00"), ("nl", "ma 23 nov, 14:00")]
)
def test_a_moment_is_said_in_the_zone_and_language_of_the_reader(language, expected):
    with translation.override(language), timezone.override(ZoneInfo("Europe/Amsterdam")):
        assert handvat.when(AT) == expected


def test_a_day_follows_the_zone_and_may_carry_its_year():
    with translation.override("en"), timezone.override(ZoneInfo("Pacific/Auckland")):
        assert handvat.day(AT) == "Tue 24 Nov"
        assert handvat.day(date(2026, 11, 23), "year") == "Mon 23 Nov 2026"
        assert handvat.when(AT, "year") == "Tue 24 Nov 2026, 02:00"
    assert handvat.when(None) == ""


def test_a_phone_number_is_dialled_without_its_punctuation():
    assert [handvat.tel(number) for number in ("0800-0113", "+31 (0)20 123 4567", "113")] == [
        "08000113",
        "+31201234567",
        "113",
    ]
