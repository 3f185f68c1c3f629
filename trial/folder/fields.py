"""The kinds of value that all files of a study folder share, as pydantic types."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)

from trial import contact_details
from trial.folder.problems import listed
from trial.headers import check_name

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class Entry(BaseModel):
    """A mapping of the folder. What the sources do not say carries, beside it, why it was chosen
    here.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_alias=True,
        validate_by_name=True,
        allow_inf_nan=False,
    )
    chosen_here: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None = (
        None
    )


def _code(value: str) -> str:
    if not CODE.fullmatch(value):
        raise ValueError(f"'{value}' is no code; use letters, digits, '-' and '_', at most 40")
    return value


def _email(value: str) -> str:
    try:
        return contact_details.email_address(value)
    except contact_details.NotOneAddress:
        raise ValueError(f"'{value}' is no e-mail address, such as team@example.org") from None


def _web(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\.\S+", value):
        raise ValueError(f"'{value}' is no web address, such as https://example.org")
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # date.fromisoformat also reads 20180930 and 2018-W39-7, which people misread
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError(
            f"'{value}' is not written as a date; write year-month-day, such as 2018-09-30"
        )
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(
            f"'{value}' is not a date that exists; write year-month-day, such as 2018-09-30"
        ) from None


def _in_every_language(value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    languages = (info.context or {}).get("languages")
    if not languages:
        return value
    extra = [name for name in value if name not in languages]
    if extra:
        raise ValueError(
            f"text in '{extra[0]}', which is not among this study's languages: {listed(languages)}"
        )
    lacking = [name for name in languages if name not in value]
    if lacking:
        raise ValueError(
            f"no text in {listed(lacking)}; this study's languages are {listed(languages)}"
        )
    return value


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# What is named in a sign-off: as long as the place where that is stored.
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Code = Annotated[str, AfterValidator(_code)]
Email = Annotated[str, AfterValidator(_email)]
Web = Annotated[str, AfterValidator(_web)]
Day = Annotated[date, BeforeValidator(_day)]
Share = Annotated[float, Field(ge=0, le=1)]
# Far above anything that is counted in a study, and far below what a database or a calendar can
# hold.
LARGEST = 1_000_000
Count = Annotated[int, Field(ge=1, le=LARGEST)]
Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Days = Annotated[int, Field(ge=0, le=3660)]
# What stands in a header of a mail: the name of its sender, a part of its subject.
Heading = Annotated[Line, AfterValidator(check_name)]
# Judged by the `languages` that the caller passes as context; a stored document needs no context.
Text = Annotated[dict[str, Line], AfterValidator(_in_every_language)]
HeadingText = Annotated[dict[str, Heading], AfterValidator(_in_every_language)]
