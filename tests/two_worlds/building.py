"""Two worlds: one study with the same people, dates, keys and numbers of rows, in which only who
got which arm differs.

Everything up to the allocation is built once. A world is what follows from another seed: it is
played by the real actions, and taken back, sequences of numbers with it, before the next one
begins.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import time_machine
from django.core import mail
from django.core.cache import cache
from django.db import connection, transaction

from coaching_protocol.models import Contact
from outcomes.models import Assessment
from randomisation.actions import allocations, seeds
from randomisation.models import Allocation, SealedSeed
from tests import factories
from tests.conftest import NOW, SMALL
from trial import actors, hooks, triggers, vault, worker
from trial.actions import studies
from trial.grants import Grant
from trial.models import Journey, Message, Participant, Study, User

STUDIES = Path(__file__).parents[2] / "trial" / "studies"
APART = Path(__file__).parent / "apart"  # what the arms of the small study are given here
ROLES = ("researcher", "statistician", "assessor")
SEEDS = range(1, 500)
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Setting:
    """A study whose worlds are compared. `answers` get somebody through its screening, every item
    answered `value`.
    """

    name: str
    folder: Callable[[Path], Path]
    value: int
    answers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def apart(directory: Path) -> Path:
    """The small study, made over so that its arms differ in programme, coaching, schedule and
    stage.
    """
    folder = directory / "apart"
    shutil.copytree(SMALL, folder)
    for each in APART.iterdir():
        text = each.read_text()
        if each.name == "study.yaml":
            before = (folder / each.name).read_text().partition("arms:\n")[0]
            text = f"{before}{text}"
        (folder / each.name).write_text(text)
    return folder


SETTINGS = (
    Setting(
        "guided-or-not",
        lambda directory: STUDIES / "guided-or-not",
        2,
        {"gender": "f", "language_ok": "able", "treatment": "no_treatment"},
    ),
    Setting(
        "living-positive",
        lambda directory: STUDIES / "living-positive",
        2,
        {"language_ok": "able", "diagnosis": "y2to10"},
    ),
    Setting("apart", apart, 1),
)


@dataclass
class Base:
    """A live study just before anybody is allocated, with two people who have only their baseline
    to fill in.
    """

    study: Study
    people: list[Participant]
    staff: dict[str, User]

    @property
    def arms(self) -> tuple[str, ...]:
        return self.study.current.protocol.arm_codes


def base(setting: Setting, directory: Path) -> Base:
    study = factories.a_loaded_study(setting.folder(directory), NOW, simulated=False)
    by, at = actors.SYSTEM, NOW - A_DAY
    staff = {
        role: factories.a_staff_member(study, role, "", at)
        for role in (*ROLES, "coach", "supervisor")
    }
    for sign_offs in hooks.SIGN_OFFS:
        for kind, subject in sign_offs(study.current):
            studies.confirm(version=study.current, kind=kind, subject=subject, by=by, at=at)
    seeds.make(study=study, rehearsal_seed=SEEDS[0], by=by, at=at)
    study = studies.open_study(study=study, by=by, at=at)
    people = [
        factories.a_consented_participant(study, NOW, name, value=setting.value, **setting.answers)
        for name in ("Dan Jansen", "Gijs Prins")
    ]
    return Base(study, people, staff)


@dataclass(frozen=True)
class World:
    """Which arm each person gets, by the seed that gives it."""

    arms: tuple[str, ...]
    seed: int

    def __str__(self) -> str:
        return "/".join(self.arms)


def worlds(base: Base, wanted: Sequence[tuple[str, ...]]) -> list[World]:
    """A seed for each of the `wanted` combinations of arms, in order of the people."""
    found: dict[tuple[str, ...], int] = {}
    for seed in SEEDS:
        with taken_back():
            plant(base.study, seed)
            drawn = []
            for person in base.people:
                allocations.allocate(participant=person, by=actors.SYSTEM, at=NOW)
                drawn.append(Allocation.objects.get(participant=person).arm)
        found.setdefault(tuple(drawn), seed)
        if found.keys() >= set(wanted):
            return [World(arms, found[arms]) for arms in wanted]
    raise AssertionError(f"no seed gives {sorted(set(wanted) - found.keys())}")


def one_apart(base: Base) -> list[tuple[str, ...]]:
    """The first person in each arm, the second in the first arm: between any two of these worlds
    one person differs.
    """
    return [(arm, base.arms[0]) for arm in base.arms]


def plant(study: Study, number: int) -> None:
    """Another seed below what was published: what can be seen of it stays the same."""
    with connection.cursor() as cursor:
        for name in triggers.names(SealedSeed, connection.vendor):
            cursor.execute(f"DROP TRIGGER {name}")
    SealedSeed.objects.filter(study=study).update(
        ciphertext=vault.seal(seeds.rehearsed(study, number).hex())
    )


@contextmanager
def taken_back() -> Iterator[None]:
    """Whatever is stored inside is gone afterwards, mails and what the cache holds too."""
    mails = len(mail.outbox)
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # so that durable blocks are allowed inside
    with block:
        yield
        transaction.set_rollback(True)
    del mail.outbox[mails:]


def nothing(at: datetime) -> None:
    """What happens on most days."""


def play(
    base: Base,
    world: World,
    onward: Callable[[datetime], datetime | None],
    look: Callable[[datetime], None],
    before: Callable[[datetime], None] = nothing,
) -> None:
    """The world from the allocation on. At each day the worker runs, and then somebody looks;
    `onward` names the next. `before` is what befalls the world before the worker runs.

    Both fill in their baseline on the first day; after that nobody does anything.
    """
    with taken_back():
        cache.clear()
        plant(base.study, world.seed)
        with time_machine.travel(NOW, tick=False):
            for person in base.people:
                _fill_in(Participant.objects.get(pk=person.pk), NOW)
        assert tuple(factories.arm(person) for person in base.people) == world.arms
        at: datetime | None = NOW
        while at is not None:
            with time_machine.travel(at, tick=False):
                before(at)
                _settle(at)
                look(at)
            at = onward(at)


def _fill_in(person: Participant, at: datetime) -> None:
    factories.fill_in(person, person.version.section("assessments")["baseline"]["timepoint"], at)


def _settle(at: datetime) -> None:
    """Rounds of the worker until nothing moves."""
    for _ in range(5):
        done = worker.tick(at)
        assert done.failed == 0
        if not (done.journeys or done.messages):
            return
    raise AssertionError("the worker does not come to rest")


def due_days(base: Base, worlds: Sequence[World], until: datetime) -> list[datetime]:
    """The days on which a row falls due in any of the worlds, from the allocation on."""
    found: set[datetime] = set()
    for world in worlds:
        play(base, world, lambda at: _next_due(at, until), found.add)
    return sorted(found)


def every_day(until: datetime) -> list[datetime]:
    return list(
        itertools.takewhile(
            lambda at: at < until, (NOW + number * A_DAY for number in itertools.count())
        )
    )


def along(days: Sequence[datetime]) -> Callable[[datetime], datetime | None]:
    return lambda at: next((day for day in days if day > at), None)


def _next_due(at: datetime, until: datetime) -> datetime | None:
    """The next day, at the hour of the allocation, by which a row has fallen due."""
    moments = [_moment(row) for rows in _dated() for row in rows if row is not None]
    coming = min((moment for moment in moments if moment > at), default=None)
    if coming is None:
        return None
    day = NOW + ((coming - NOW) // A_DAY) * A_DAY
    day = day if day >= coming else day + A_DAY
    return day if day < until else None


def _dated() -> Iterator[Iterable[datetime | date | None]]:
    for model, names in (
        (Journey, ("due_at",)),
        (Assessment, ("opens_at", "closes_at")),
        (Contact, ("opens_on", "due_on", "closes_on")),
        (Grant, ("opens_at",)),
    ):
        for name in names:
            yield model._default_manager.values_list(name, flat=True)
    yield Message.objects.filter(state="queued").values_list("due_at", flat=True)


def _moment(value: datetime | date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), tzinfo=UTC)
