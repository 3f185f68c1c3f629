"""How a number looks on the page: a true minus, the language's decimal sign, never more digits than
it bears.
"""

from trial.languages import in_language

MINUS = "−"
DECIMAL = {"en": ".", "nl": ","}


def numeral(value: float | None, decimals: int, language: str, absent: str = "–") -> str:
    if value is None:
        return absent
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS).replace(".", in_language(DECIMAL, language))


def percentage(value: float | None, decimals: int, language: str) -> str:
    return numeral(None if value is None else value * 100, decimals, language)


def p_value(value: float | None, language: str) -> str:
    """Two significant digits down to a thousandth, then less than that."""
    if value is None:
        return "–"
    if value < 0.001:
        return "<" + numeral(0.001, 3, language)
    return numeral(value, 3 if value < 0.095 else 2, language)
