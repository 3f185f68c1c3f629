"""What a questionnaire is: its items, answers, scoring rule, bands and wordings.

The definition is data (`outcomes/library/*.yaml`, or a study folder's `instruments/`), checked here
once, so that scoring, forms and reports may rely on it.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from trial.folder import LARGEST

LIBRARY = Path(__file__).parent / "library"

Name = Annotated[str, Field(min_length=1)]
TextByLanguage = Annotated[dict[str, Name], Field(min_length=1)]


class _Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Item(_Definition):
    code: Name
    risk: bool = False


class Scoring(_Definition):
    """`prorate`: up to `max_missing` blank items count as the mean of the answered; `none`: no
    blank is allowed.
    """

    method: Literal["sum"]
    items: tuple[Name, ...]
    max_missing: int = Field(default=0, ge=0, le=LARGEST)
    missing: Literal["prorate", "none"] = "none"

    @model_validator(mode="after")
    def check_missing_rule(self) -> Self:
        if self.missing == "none" and self.max_missing:
            raise ValueError(
                "missing: none allows no blank item; set max_missing to 0, or missing to prorate"
            )
        if self.missing == "prorate" and not 0 < self.max_missing < len(self.items):
            raise ValueError(
                f"missing: prorate needs max_missing between 1 and {len(self.items) - 1}"
            )
        return self


class Band(_Definition):
    """Both ends included. A prorated score between two bands belongs to the lower one."""

    model_config = ConfigDict(
        validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    from_: int = Field(alias="from", ge=-LARGEST, le=LARGEST)
    to: int = Field(ge=-LARGEST, le=LARGEST)
    code: Name
    label: TextByLanguage

    @model_validator(mode="after")
    def check_order(self) -> Self:
        if self.from_ > self.to:
            raise ValueError(f"a band runs upward; from: {self.from_} is above to: {self.to}")
        return self


class ReliableChange(_Definition):
    """A reference value from the literature: points, or the pair from which Jacobson and Truax
    (1991) compute them.
    """

    points: float | None = Field(default=None, gt=0, le=LARGEST)
    sd: float | None = Field(default=None, gt=0, le=LARGEST)
    reliability: float | None = Field(default=None, gt=0, lt=1)
    source: Name
    status: Literal["cited", "unverified"]
    note: str = ""

    @model_validator(mode="after")
    def check_one_form(self) -> Self:
        given = (
            self.points is not None,
            self.sd is not None,
            self.reliability is not None,
        )
        if given not in {(True, False, False), (False, True, True)}:
            raise ValueError("give either points, or sd together with reliability")
        return self


class Wording(_Definition):
    status: Literal["official", "secondary", "derived"]
    source: tuple[Name, ...]
    instruction: str = ""
    time_frame: str = ""
    items: dict[str, Name]
    options: dict[int, Name]
    note: str = ""

    @field_validator("source", mode="before")
    @classmethod
    def accept_one_source(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Instrument(_Definition):
    """`sum_of` names, by questionnaire, the nested scores whose sum is this one's, where those were
    asked in its place.
    """

    code: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
    version: Name
    title: TextByLanguage
    source: Name
    licence: Name
    attribution: str = ""
    range: tuple[int, int]
    direction: Literal["higher_worse", "higher_better"]
    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    options: Annotated[tuple[int, ...], Field(min_length=2)]
    reverse: tuple[Name, ...] = ()
    scoring: Scoring
    derived: dict[str, Annotated[tuple[Name, ...], Field(min_length=1)]] = {}
    sum_of: dict[Name, Name] = {}
    bands: tuple[Band, ...] = ()
    reliable_change: tuple[ReliableChange, ...] = ()
    wordings: dict[str, Wording] = {}

    # Each check hangs on the field where the mistake is to be mended, so that an error names that
    # line of the folder. A field that already failed is absent from `info.data`; what depends on it
    # is then left unchecked.

    @field_validator("range")
    @classmethod
    def check_range(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] >= value[1]:
            raise ValueError("range is [lowest, highest]")
        return value

    @field_validator("items")
    @classmethod
    def check_items(cls, value: tuple[Item, ...]) -> tuple[Item, ...]:
        _check_distinct((item.code for item in value), "item")
        return value

    @field_validator("options")
    @classmethod
    def check_options(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        _check_distinct(value, "option")
        if list(value) != sorted(value):
            raise ValueError("options go from low to high")
        return value

    @field_validator("reverse")
    @classmethod
    def check_reverse(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        _check_items_exist(value, info)
        options = info.data.get("options", ())
        if value and {options[0] + options[-1] - option for option in options} != set(options):
            raise ValueError(
                f"an item can only be reversed where the options mirror each other; "
                f"{list(options)} do not"
            )
        return value

    @field_validator("scoring")
    @classmethod
    def check_scoring(cls, value: Scoring, info: ValidationInfo) -> Scoring:
        _check_items_exist(value.items, info)
        if {"range", "options"} <= info.data.keys():
            _check_sum_range(value, info.data["options"], info.data["range"])
        return value

    @field_validator("derived")
    @classmethod
    def check_derived(
        cls, value: dict[str, tuple[str, ...]], info: ValidationInfo
    ) -> dict[str, tuple[str, ...]]:
        for code, items in value.items():
            if code == info.data.get("code"):
                raise ValueError(f"a derived score needs a name of its own, not {code}")
            _check_items_exist(items, info)
        return value

    @field_validator("sum_of")
    @classmethod
    def check_sum_of(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if info.data.get("code") in value:
            raise ValueError(
                f"a score is not part of itself; leave {info.data['code']} out of sum_of"
            )
        return value

    @field_validator("bands")
    @classmethod
    def check_bands(cls, value: tuple[Band, ...], info: ValidationInfo) -> tuple[Band, ...]:
        _check_distinct((band.code for band in value), "band")
        if value and "range" in info.data:
            _check_cover(value, *info.data["range"])
        return value

    @field_validator("wordings")
    @classmethod
    def check_wordings(cls, value: dict[str, Wording], info: ValidationInfo) -> dict[str, Wording]:
        for language, wording in value.items():
            if "items" in info.data:
                _check_same(
                    wording.items,
                    [item.code for item in info.data["items"]],
                    f"{language}: items",
                )
            if "options" in info.data:
                _check_same(wording.options, info.data["options"], f"{language}: options")
        return value

    @property
    def item_codes(self) -> tuple[str, ...]:
        return tuple(item.code for item in self.items)

    @property
    def risk_items(self) -> tuple[str, ...]:
        return tuple(item.code for item in self.items if item.risk)


def _check_distinct(codes: Iterable[str | int], noun: str) -> None:
    twice = [code for code, count in Counter(codes).items() if count > 1]
    if twice:
        raise ValueError(f"{noun} {', '.join(map(str, twice))} is given more than once")


def _check_items_exist(codes: Iterable[str], info: ValidationInfo) -> None:
    codes = tuple(codes)
    _check_distinct(codes, "item")
    if "items" not in info.data:
        return
    known = [item.code for item in info.data["items"]]
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise ValueError(f"unknown item {', '.join(unknown)}; the items are {', '.join(known)}")


def _check_sum_range(scoring: Scoring, options: tuple[int, ...], stated: tuple[int, int]) -> None:
    possible = (len(scoring.items) * options[0], len(scoring.items) * options[-1])
    if possible != stated:
        raise ValueError(
            f"a sum of these items runs from {possible[0]} to {possible[1]}, range says "
            f"{list(stated)}"
        )


def _check_cover(bands: tuple[Band, ...], lowest: int, highest: int) -> None:
    expected = lowest
    for band in bands:
        if band.from_ != expected:
            raise ValueError(
                f"band {band.code} starts at {band.from_}; to leave no gap or overlap it starts at "
                f"{expected}"
            )
        expected = band.to + 1
    if expected != highest + 1:
        raise ValueError(f"the bands end at {expected - 1}, the range at {highest}")


def _check_same(given: Iterable[str | int], wanted: Iterable[str | int], what: str) -> None:
    given, wanted = list(given), list(wanted)
    missing = [str(code) for code in wanted if code not in given]
    extra = [str(code) for code in given if code not in wanted]
    if missing or extra:
        parts = [f"without {', '.join(missing)}"] * bool(missing) + [
            f"unknown {', '.join(extra)}"
        ] * bool(extra)
        raise ValueError(f"{what}: {'; '.join(parts)}")


def load_library() -> dict[str, Instrument]:
    """The instruments that come with the product, by code, in order of code."""
    return dict(_library())


@cache
def _library() -> dict[str, Instrument]:
    return {path.stem: _read(path) for path in sorted(LIBRARY.glob("*.yaml"))}


def _read(path: Path) -> Instrument:
    instrument = Instrument.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    if instrument.code != path.stem:
        raise ValueError(
            f"{path.name} defines {instrument.code}; file and code carry the same name"
        )
    return instrument
