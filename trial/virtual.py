"""Virtual people: pure values and draws, no database. What they are like is nature's; what they do
is `behave`'s.

Latent severity is one number per person in baseline standard deviations. A measurement of an
instrument at time t is

    mean + sd * (sqrt(RELIABILITY) * severity + sqrt(1 - RELIABILITY) * noise_t + effect_t +
    coach_t) + change_t

so that the SD at baseline is the one in the study folder, and an effect is a difference in baseline
SDs; `coach_t` is what the coach who spoke with them last adds. Change, effect and coach grow evenly
over FULL_AFTER days and stay. Everything here is simulated and is marked so wherever it is stored
or printed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

RELIABILITY = 0.6
FULL_AFTER = 42  # days until change and effect are complete: before the earliest first post-test
ITEM_LEFT_BLANK = 0.004
SHORT_FORM_ANSWERED = 0.9
EXERCISE_DONE = 0.6
LATE_DROPOUT = 0.05  # of those who are still in at the first post-test
ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY"
FIRST_NAMES = (
    "Anna",
    "Bram",
    "Chris",
    "Daan",
    "Els",
    "Femke",
    "Gijs",
    "Hanna",
    "Ilse",
    "Joris",
    "Kim",
    "Lotte",
    "Mees",
)
LAST_NAMES = (
    "Bakker",
    "de Boer",
    "Dekker",
    "Jansen",
    "Mulder",
    "Peters",
    "Smit",
    "Visser",
    "Vos",
    "de Wit",
)


@dataclass(frozen=True)
class Settings:
    """How a rehearsal is run. `effects`: code of a grant -> difference in baseline SDs at the first
    post-test.
    """

    seed: int
    number: int
    effects: Mapping[str, float] = field(default_factory=dict)
    dropout: bool = True
    arrival_days: int | None = None  # None: as the study folder says
    stays_open: bool = False  # at the end, for whoever looks at the demo and joins


@dataclass
class Person:
    """A virtual participant. `code` is set once they are in the database; the rest is nature."""

    number: int
    generator: np.random.Generator
    arrives_at: datetime
    severity: float
    fits: bool
    language: str
    timezone: str
    role: str = "participant"
    code: str = ""
    study: Any = None
    settings: Any = None
    fate: Fate | None = None
    plans: dict[str, datetime] = field(default_factory=dict)  # what they mean to do, and when
    wakes: dict[int, datetime] = field(default_factory=dict)  # by behaviour: when it looks again
    busy_until: datetime | None = None  # nothing to do with the programme before this
    is_gone: bool = False
    coach_effect: float = 0.0  # of whoever spoke with them last, in baseline SDs
    turn: int = -1
    read: Any = None  # reads a person's own record by code
    seen: Any = None  # that record, as it stood when they were woken
    is_fresh: bool = False

    @property
    def name(self) -> str:
        return (
            f"{FIRST_NAMES[self.number % len(FIRST_NAMES)]} "
            f"{LAST_NAMES[self.number % len(LAST_NAMES)]}"
        )

    def now(self) -> Any:
        """The person's own record at this wake."""
        if self.is_fresh and self.seen is not None:
            return self.seen
        self.seen = self.read(self.code, self.seen)
        self.is_fresh = True
        return self.seen

    @property
    def email(self) -> str:
        return f"virtual-{self.number}@example.org"

    @property
    def phone(self) -> str:
        return f"+31 6 0000 {self.number:04d}"


@dataclass(frozen=True)
class Fate:
    """What will become of a person after allocation, drawn once. Times are days after allocation;
    None is never.
    """

    leaves_on: float | None
    says_goodbye: bool
    stops_after: int | None  # lessons
    says_stop: bool


@dataclass
class Coach:
    """A virtual coach: calls in the afternoon of working days."""

    user_id: int
    study: Any
    generator: np.random.Generator
    missed_call: float
    people: Mapping[str, Person]
    role: str = "coach"
    user: Any = None
    nature: Any = (
        None  # how coaches of this rehearsal differ and err; None: all alike, without fault
    )
    effect: float = 0.0
    colleagues: Sequence[Any] = ()


def participant_code(prefix: str, generator: np.random.Generator) -> str:
    return f"{prefix}-{''.join(ALPHABET[i] for i in generator.integers(0, len(ALPHABET), 5))}"


def draw_person(
    number: int,
    seed: np.random.SeedSequence,
    *,
    arrives_at: datetime,
    rehearsal: Any,
    languages: Sequence[str],
) -> Person:
    generator = np.random.default_rng(seed)
    fits = generator.random() >= rehearsal.screened_out
    abroad = generator.random() < 0.04
    return Person(
        number=number,
        generator=generator,
        arrives_at=arrives_at,
        severity=float(generator.standard_normal()),
        fits=bool(fits),
        language=languages[int(generator.integers(0, len(languages)))],
        timezone="America/Paramaribo" if abroad else "",
    )


def draw_fate(
    person: Person, *, dropout: float, first_post_day: float, lessons: int, programme_stop: float
) -> Fate:
    """`dropout`: the chance of having left the study by the first post-test."""
    generator = person.generator
    early, late, when, goodbye, stops, after, says = generator.random(7)
    leaves_on: float | None = None
    if early < dropout:
        leaves_on = 2 + when * (first_post_day - 3)
    elif dropout > 0 and late < LATE_DROPOUT:
        leaves_on = first_post_day + 30 + when * 60
    stops_after = int(after * max(lessons - 1, 1)) if stops < programme_stop else None
    return Fate(leaves_on, bool(goodbye < 0.4), stops_after, bool(says < 0.3))


def progress(days: float) -> float:
    """How much of change and effect is there after `days`."""
    return min(max(days, 0.0) / FULL_AFTER, 1.0)


def total(
    person: Person, *, mean: float, sd: float, lowest: float, highest: float, shift: float = 0.0
) -> int:
    """One measurement as a whole number within the instrument's range; `shift` in points."""
    noise = person.generator.standard_normal()
    value = (
        mean
        + sd * (math.sqrt(RELIABILITY) * person.severity + math.sqrt(1 - RELIABILITY) * noise)
        + shift
    )
    return int(min(max(round(value), math.ceil(lowest)), math.floor(highest)))


def spread(
    total_score: int,
    items: Sequence[str],
    lowest: int,
    highest: int,
    rare: Sequence[str],
    generator: np.random.Generator,
) -> dict[str, int]:
    """Answers that add up to `total_score`, one point at a time; `rare` items (a risk item) are
    chosen seldom.
    """
    answers = dict.fromkeys(items, lowest)
    weights = np.array([0.03 if item in rare else 1.0 for item in items])
    for _ in range(total_score - lowest * len(items)):
        free = np.array([answers[item] < highest for item in items]) * weights
        chosen = int(generator.choice(len(items), p=free / free.sum()))
        answers[items[chosen]] += 1
    return answers


def later(at: datetime, generator: np.random.Generator, most_days: float) -> datetime:
    """A moment in the coming days, sooner rather than later, between seven in the morning and
    eleven at night UTC.
    """
    moment = at + timedelta(days=float(min(generator.exponential(most_days / 4), most_days)))
    return (
        moment.replace(
            hour=int(7 + generator.integers(0, 15)), minute=int(generator.integers(0, 60)), second=0
        )
        if moment.date() > at.date()
        else at
    )
