"""JSON as the API reads it: what no column can hold is refused here, once, before any view sees
it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEEPEST = 40
LONGEST_NUMBER = 18  # digits: what a column of 64 bits holds whatever they are


class StrictJSON(JSONParser):
    """Refused with 400: a nesting deeper than DEEPEST, a number longer than LONGEST_NUMBER digits
    or without an end, a text with half a sign (a lone surrogate, as when an emoji is cut in two) or
    with NUL, which PostgreSQL cannot store.
    """

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            found = json.loads(
                stream.read().decode(),
                parse_int=_whole,
                parse_float=_decimal,
                parse_constant=_no_constant,
            )
        except RecursionError:
            raise ParseError(_too_deep()) from None
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from None
        _check(found)
        return found


def _whole(text: str) -> int:
    if len(text.removeprefix("-")) > LONGEST_NUMBER:
        raise ValueError(f"a number of more than {LONGEST_NUMBER} digits")
    return int(text)


def _decimal(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError("a number too large to be kept")
    return float(text)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _check(found: Any) -> None:
    for text in _texts(found):
        if "\x00" in text or not _is_whole_text(text):
            raise ParseError(
                _(
                    "A text holds a sign that cannot be kept: NUL, or half of one, such as half an "
                    "emoji."
                )
            )


def _texts(found: Any) -> Iterator[str]:
    """Every text in it, keys too. No recursion: how deep it goes is for whoever sent it to
    choose.
    """
    waiting = [(found, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise ParseError(_too_deep())
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            waiting += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]


def _is_whole_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_deep() -> str:
    return _("This is nested more than %(depth)s deep.") % {"depth": DEEPEST}
