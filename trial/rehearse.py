"""The rehearsal: a whole study with virtual people through the real actions, on a virtual clock.

People and coaches are woken in the order of their moments; the worker makes a round each virtual
day. Each person draws from a generator of their own, so the same seed gives the same study whatever
the machine.
"""

from __future__ import annotations

import gc
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from trial import actors, hooks, stamp, virtual, worker
from trial.actions import staff, studies
from trial.models import Study, User
from trial.queries import people as reads
from trial.sections.study import Rehearsal
from trial.virtual import Coach, Person, Settings

BEGINS_AT = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
ROUND_AT = 12  # UTC: by day wherever virtual people live, so that mail to them may go
LOOKS_AGAIN = timedelta(
    days=28
)  # whoever has nothing in mind and gets no mail still looks now and then


class RoundFailed(Exception):
    """Something that the worker did in a rehearsal failed."""


@dataclass
class World:
    """Everything that goes on in one rehearsal."""

    study: Study
    settings: Settings
    begins_at: datetime
    ends_at: datetime | None
    report: Callable[[int, int, datetime], None]
    people: dict[str, Person] = field(default_factory=dict)
    pending: list[Person] = field(default_factory=list)
    queue: list[tuple[datetime, int, Any]] = field(default_factory=list)
    order: Any = field(default_factory=itertools.count)
    randomised: int = 0

    def wake(self, at: datetime, who: Any) -> None:
        """Wake `who` at a moment; of a person's wakes only the one asked for last counts."""
        turn = next(self.order)
        if isinstance(who, Person):
            who.turn = turn
        heapq.heappush(self.queue, (at, turn, who))


def run(
    study: Study,
    settings: Settings,
    *,
    begins_at: datetime = BEGINS_AT,
    ends_at: datetime | None = None,
    report: Callable[[int, int, datetime], None] = lambda done, of, at: None,
) -> datetime:
    """Rehearse an opened study until everybody is at the end, or until `ends_at`; gives back the
    last virtual moment.

    `report(done, of, at)` is called as time passes: people whose study is over or who wait, of all
    to be randomised.
    """
    stamp.check_kind("rehearsal")
    described(study)
    # A rehearsal makes rows by the hundred thousand and keeps few: looking for cycles at the usual
    # pace took a tenth of it.
    gc.set_threshold(50_000, 20, 50)
    world = World(study, settings, begins_at, ends_at, report)
    seeds = np.random.SeedSequence([settings.seed, 2024])
    _invite_coaches(world, seeds)
    arrivals = _Arrivals(world, seeds)
    world.wake(begins_at, arrivals)
    world.wake(begins_at.replace(hour=ROUND_AT) + timedelta(days=1), _Day(world, arrivals))
    at = begins_at
    while world.queue:
        at, turn, who = heapq.heappop(world.queue)
        if isinstance(who, Person) and who.turn != turn:
            continue
        if ends_at and at > ends_at:
            return ends_at
        _live(world, who, at)
    return at


def described(study: Study) -> Rehearsal:
    """How the people of a study behave, as its folder says."""
    rehearsal = study.current.protocol.rehearsal
    if rehearsal is None:
        raise ValueError(
            f"{study.slug}: study.yaml has no `rehearsal`, so nobody knows how its people behave"
        )
    return rehearsal


def _live(world: World, who: Any, at: datetime) -> None:
    if isinstance(who, _Arrivals | _Day):
        who.happen(at)
    elif isinstance(who, Coach):
        for behave in hooks.REHEARSAL:
            wake_at = behave(who, at, who.generator)
            if wake_at:
                world.wake(wake_at, who)
    else:
        _wake_person(world, who, at)


def _wake_person(world: World, person: Person, at: datetime) -> None:
    """Ask those behaviours whose moment has come. One that comes back at once has done something:
    then all look again.
    """
    person.is_fresh = False
    behaviours = tuple(hooks.REHEARSAL)
    for index, behave in enumerate(behaviours):
        if person.wakes.get(index, at) > at:
            continue
        wake_at = behave(person, at, person.generator)
        if wake_at is not None and wake_at <= at:
            person.wakes = {}
            break
        person.wakes[index] = wake_at or at + LOOKS_AGAIN
    if person.code and person.code not in world.people:
        world.people[person.code] = person
    if not person.is_gone:
        world.wake(min(person.wakes.get(index, at) for index in range(len(behaviours))), person)


class _Arrivals:
    """People come in one by one, as long as more are needed than are on their way."""

    def __init__(self, world: World, seeds: np.random.SeedSequence) -> None:
        self.world, self.seeds = world, seeds
        self.generator = np.random.default_rng(seeds.spawn(1)[0])
        self.count = 0
        self.is_over = False
        rehearsal = described(world.study)
        needed = world.settings.number / (1 - rehearsal.screened_out)
        scale = world.settings.number / world.study.current.protocol.target
        days = world.settings.arrival_days or rehearsal.arrival_days * min(scale, 1.0)
        self.mean_gap = days / needed

    def happen(self, at: datetime) -> None:
        world = self.world
        world.randomised = reads.randomised_count(world.study)
        if world.randomised >= world.settings.number:
            self.is_over = True
            return
        on_their_way = sum(self._is_on_the_way(person) for person in world.pending)
        if world.randomised + on_their_way < world.settings.number:
            self._one(at)
        world.wake(at + timedelta(days=float(self.generator.exponential(self.mean_gap))), self)

    def _one(self, at: datetime) -> None:
        protocol = self.world.study.current.protocol
        self.count += 1
        person = virtual.draw_person(
            self.count,
            self.seeds.spawn(1)[0],
            arrives_at=at,
            rehearsal=protocol.rehearsal,
            languages=self.world.study.open_languages,
        )
        person.study, person.settings, person.read = (
            self.world.study,
            self.world.settings,
            reads.now,
        )
        self.world.pending.append(person)
        self.world.wake(at, person)

    def _is_on_the_way(self, person: Person) -> bool:
        return not person.is_gone and person.fate is None


class _Day:
    """The worker's round, once each virtual day."""

    def __init__(self, world: World, arrivals: _Arrivals) -> None:
        self.world, self.arrivals = world, arrivals

    def happen(self, at: datetime) -> None:
        world = self.world
        for code in _round(at, seal=at.weekday() == 0).mailed:
            if code in world.people and not world.people[code].is_gone:
                world.people[code].wakes = {}
                world.wake(at, world.people[code])
        world.pending = [person for person in world.pending if self.arrivals._is_on_the_way(person)]
        left = reads.unfinished_count(world.study)
        over = self.arrivals.is_over and left == 0
        world.report(world.randomised, left, at)
        if over or at > world.begins_at + timedelta(days=2000):
            self._end(at)
        else:
            world.wake(at + timedelta(days=1), self)

    def _end(self, at: datetime) -> None:
        world = self.world
        world.queue.clear()
        world.study.refresh_from_db()
        if world.study.state == "open" and not world.settings.stays_open:
            studies.close(study=world.study, reason="target reached", by=actors.SYSTEM, at=at)
        _round(at)


def _round(at: datetime, *, seal: bool = True) -> worker.Round:
    """What a live study bears and goes on with, a rehearsal is there to show."""
    done = worker.tick(at, seal=seal)
    if done.failed:
        raise RoundFailed(
            f"{done.failed} of what the worker did on {at:%Y-%m-%d} failed: see the log"
        )
    return done


def _invite_coaches(world: World, seeds: np.random.SeedSequence) -> None:
    """The coaches of the study; a rehearsal makes its own if there are none."""
    from trial.permissions import members

    found = members(world.study, "coach")
    rehearsal = described(world.study)
    for user, seed in zip(found, seeds.spawn(max(len(found), 1)), strict=False):
        coach = Coach(
            user.pk, world.study, np.random.default_rng(seed), rehearsal.missed_call, world.people
        )
        coach.user, coach.nature = user, rehearsal.coaches
        coach.colleagues = [other for other in found if other.pk != user.pk]
        if rehearsal.coaches:
            coach.effect = rehearsal.coaches.sd * float(coach.generator.standard_normal())
        world.wake(world.begins_at.replace(hour=13), coach)


def make_coaches(study: Study, number: int, at: datetime) -> list[User]:
    """Virtual coaches, before the study opens."""
    made = []
    for i in range(1, number + 1):
        user = staff.make_user(
            email=f"coach{i}.{study.slug}@example.org",
            full_name=f"Simulated coach {i}",
            password="",
        )
        staff.join(study=study, user=user, role="coach", by=actors.SYSTEM, at=at)
        made.append(user)
    return made
