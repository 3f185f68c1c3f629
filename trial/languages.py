"""The languages of the product, and which of them a text of a study is read in: decided here and
nowhere else.
"""

from collections.abc import Mapping

LANGUAGES = (
    "en",
    "nl",
)  # of pages, reports and study folders; the first stands in where a reader's is not there


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in the reader's `language`; where it has none, in English; else in the first that it
    has.

    The loader sees to it that every text of a study is in each language of that study, so the
    others are asked only for a reader whose language is none of them. "" for a text in no language.
    """
    return next(
        (text for code in (language, LANGUAGES[0], *texts) if (text := texts.get(code))), ""
    )
