"""In which language a text is read: by hand, every case of what a text may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trial.languages import LANGUAGES, in_language

EN, NL, FY = "In English", "In het Nederlands", "Yn it Frysk"


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        ({"en": EN, "nl": NL}, "nl", NL),
        ({"nl": NL, "en": EN}, "en", EN),
        ({"fy": FY, "nl": NL, "en": EN}, "de", EN),  # English before what stands first
        ({"fy": FY, "nl": NL}, "en", FY),  # the first that there is
        ({"nl": "", "en": EN}, "nl", EN),  # nothing written is no text
        ({"en": "", "nl": NL}, "en", NL),
        ({}, "en", ""),
        ({"nl": ""}, "nl", ""),
    ],
)
def test_the_readers_language_then_english_then_the_first(texts, language, expected):
    assert in_language(texts, language) == expected


@given(
    st.dictionaries(st.sampled_from(["en", "nl", "fy", "de"]), st.text(min_size=1)),
    st.sampled_from(LANGUAGES),
)
def test_a_text_in_any_language_is_always_read(texts, language):
    found = in_language(texts, language)
    assert found == texts[language] if language in texts else found in texts.values() or not texts
