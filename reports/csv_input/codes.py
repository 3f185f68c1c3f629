"""Codes as a file writes them: one program's -99 is another's -99.00."""

import re
from decimal import Decimal

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
