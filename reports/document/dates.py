"""Days and moments as people write them."""

from datetime import date, datetime

from trial.languages import in_language

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}


def day(value: date, language: str) -> str:
    """2 January 2026, with spaces that do not break."""
    month = in_language(MONTHS, language).split()[value.month - 1]
    return f"{value.day}\u00a0{month}\u00a0{value.year}"


def moment(value: datetime, language: str) -> str:
    return f"{day(value, language)}, {value:%H:%M} {value:%Z}".rstrip()
