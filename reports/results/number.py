"""A number that knows what it is: without one of these nothing numeric enters a report."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Number:
    """`value` None: could not be computed; `method` says why, `reason` by a code for what has one.
    A difference with a value has a `reason` where it is not adjusted as planned: see
    `outcomes.NOT_ADJUSTED`.

    `recipe` tells how a standardised value was made.
    """

    id: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    unit: str = ""
    method: str = ""
    recipe: str = ""
    reason: str = ""


Numbers = Iterator[Number]


@dataclass(frozen=True)
class Results:
    numbers: tuple[Number, ...]

    def __post_init__(self) -> None:
        if len(self.by_id) != len(self.numbers):
            counts = Counter(number.id for number in self.numbers)
            twice = sorted(id for id, times in counts.items() if times > 1)
            raise ValueError(f"two numbers with the same id: {', '.join(twice)}")

    @cached_property
    def by_id(self) -> Mapping[str, Number]:
        return {number.id: number for number in self.numbers}

    def __getitem__(self, id: str) -> Number:
        return self.by_id[id]

    def get(self, *parts: object) -> Number | None:
        return self.by_id.get(ident(*parts))


def ident(*parts: object) -> str:
    """The id made of `parts`: `difference.PHQ9.post1.intervention-control`."""
    return ".".join(str(part).replace(" ", "_") for part in parts)


def pair_of(pair: tuple[str, str]) -> str:
    return "-".join(pair)


def number_of(n: float, what: str) -> str:
    """1 module, 2 modules: for methods, which are written in English."""
    shown = int(n) if float(n).is_integer() else n
    return f"{shown} {what}" if n == 1 else f"{shown} {what}s"
