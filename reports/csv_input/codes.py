"""Codes as a file writes them: one program's -99 is another's -99.00."""

import re
from decimal import Decimal

from ..statistics.reading import look_of

LEADING_ZERO = re.compile(r"[+-]?0\d")


def is_number(text: str) -> bool:
    """Whether it is a finite number with a decimal point; 1_000, which Python reads too, is
    none.
    """
    try:
        return abs(float(text)) < float("inf") and "_" not in text
    except ValueError:
        return False


def same_code(text: str) -> str | Decimal:
    """What two ways of writing one code have in common: 1, 1.0 and 1e0 are one code, 01 is another.

    Decimals, since long codes would not stay apart as floats.
    """
    code = text.strip()
    return Decimal(code) if is_number(code) and not LEADING_ZERO.match(code) else code


def looks(text: str) -> str | Decimal:
    """What two codes that a reader cannot tell apart have in common: the kind of a blank, two
    blanks for one, a mark without width.
    """
    return same_code(look_of(text))


def quoted(text: str) -> str:
    """In quotes, what has no look of its own, such as a second blank, written as its number in
    Unicode.
    """
    before = ["", *text]
    seen = (
        c if c.isprintable() and not c == b == " " else f"\\u{ord(c):04x}"
        for b, c in zip(before, text, strict=False)
    )
    return "'" + "".join(seen) + "'"
