"""What waits and has come due: messages, journeys, seals, abandoned screenings. Any number of
workers may run, and share it (`trial.claims`).
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from itertools import count, takewhile
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from trial import audit, claims, hooks, mail
from trial.actions import alerts, deliveries, journey, mail_host, months, participants
from trial.actors import WORKER
from trial.models import Alert, Message, Participant, Study
from trial.prepared import prepared
from trial.queries import months as month_reads

T = TypeVar("T")
Work = Callable[[int, datetime], bool]  # what is done for the row of this number; whether it was
About = Callable[[int], tuple[Study, str]]  # the study and the code of the row of this number
logger = logging.getLogger(__name__)
STOPPED_AFTER = timedelta(hours=24)  # a screening left alone: its answers are erased
UNSIGNED_AFTER = timedelta(days=30)  # verified, but consent never signed
FORGOTTEN_AFTER = timedelta(
    hours=20
)  # within the 24 hours that are promised, and longer than a session lasts
HOUR = 60 * 60
LOOK_EVERY = timedelta(minutes=1)  # at the mail host, at most
MOST_BATCHES = 10  # of one part, by the clock: then the others have their turn


class Find(Protocol):
    """A batch of rows that are due, by number: of those above `after`, or claimed, so that they are
    due no more.
    """

    def __call__(self, at: datetime, *, after: int) -> Sequence[int]: ...


@dataclass(frozen=True)
class Round:
    """What one round of the worker did."""

    journeys: int
    messages: int
    stopped: int
    seals: int
    mailed: tuple[str, ...] = ()  # study codes of participants who were sent something
    moved: int = 0  # rows of any kind that are due no more, or later
    failed: int = 0  # rows and parts: logged, and tried again next round

    @property
    def has_more(self) -> bool:
        """Whether it is worth going on at once. What failed is due still, and neither makes the
        worker go on nor keeps it from the others.
        """
        return self.moved > 0


def tick(at: datetime, *, seal: bool = True) -> Round:
    """One round in which it is always `at`, jobs included: all that is due then."""
    careful = _Careful(lambda: at)
    done = _round(careful, seal=seal)
    careful.jobs()
    return replace(done, failed=careful.failed)


def turn(now: Callable[[], datetime], is_over: Callable[[], bool]) -> Round:
    """One round by the clock, without jobs; where there is much to do, a part of it. Stops after
    what is in hand when it `is_over`.
    """
    return _round(_Careful(now, is_over, MOST_BATCHES), seal=True)


def jobs(now: Callable[[], datetime]) -> int:
    """What takes minutes, so that a process of its own does it; how many of it failed."""
    careful = _Careful(now)
    careful.jobs()
    return careful.failed


def _round(careful: _Careful, *, seal: bool) -> Round:
    """What fails stops nothing else. Messages go before the clean-up; what is urgent goes before
    each batch of anything else.
    """
    careful.urgent()
    journeys = careful.each("journey", _journeys, _move, _person, journey.give_back)
    careful.part("messages left behind", deliveries.after_crash, 0)
    careful.messages()
    for work in hooks.WORKER:
        careful.part(hooks.code(work), work, 0)
    stopped = careful.each("stop", _find_abandoned, _stop, _person)
    careful.each("forget", _find_forgotten, _forget, _person)
    careful.part("expired sessions", _clear_sessions, False)
    careful.each("month", _unfinished_months, _count_months, _study)
    sealed = careful.each("seal", _studies, _seal, _study) if seal else 0
    mailed = tuple(
        message.participant.code
        for message in careful.sent
        if message.participant and message.kind != "alert"
    )
    return Round(
        journeys, len(careful.sent), stopped, sealed, mailed, careful.moved, careful.failed
    )


class _Careful:
    """Does each part of a round, and each row of a part, for itself. A row that fails is told to
    staff.

    Only codes and the kind of an error are logged: its own words may hold what somebody typed.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        is_over: Callable[[], bool] = lambda: False,
        batches: int | None = None,
    ) -> None:
        """`batches`: of one part at most."""
        self._now, self._is_over, self._batches = now, is_over, batches
        self._most = math.inf if batches is None else batches * claims.BATCH
        self._looked_at: datetime | None = None
        self._host_answers = True
        self.sent: list[Message] = []  # handed over here
        self.moved = self.failed = 0

    def part(self, name: str, work: Callable[[datetime], T], otherwise: T) -> T:
        return otherwise if self._is_over() else self._try(name, work, otherwise)

    def jobs(self) -> None:
        """One after the other, each at its own moment: what was asked for first may take long."""
        for job in hooks.JOBS:
            while self.part(hooks.code(job), job, 0):
                pass

    def _try(self, name: str, work: Callable[[datetime], T], otherwise: T) -> T:
        try:
            return work(self._now())
        except Exception as error:
            self._log(name, error)
            return otherwise

    def each(
        self,
        name: str,
        find: Find,
        work: Work,
        about: About,
        give_back: Callable[[Sequence[int], datetime], None] | None = None,
    ) -> int:
        """`work` for every row that is found, by number, batch by batch; how many it was done for
        here. `about` names a row that fails. What is left in hand at the end is given back. By the
        clock it ends once enough was done: rows that fail, however many, keep nobody behind them.
        """
        none: Sequence[int] = ()
        done, tried = 0, set[int]()
        while not self._is_over() and done < self._most:
            find_more = partial(find, after=max(tried, default=0))
            left = deque(self.part(name, find_more, none))
            is_last = len(left) < claims.BATCH or tried.issuperset(left)
            tried.update(left)
            while left and not self._is_over():
                done += self._row(name, left.popleft(), work, about)
            if left and give_back:
                self._try(name, partial(give_back, left), None)
            if is_last:
                break
            self.urgent()
        return done

    def _turns(self) -> Iterator[int]:
        """Of one part, while it is not over."""
        turns = count() if self._batches is None else range(self._batches)
        return takewhile(lambda _: not self._is_over(), turns)

    def _row(self, name: str, number: int, work: Work, about: About) -> bool:
        try:
            is_done = work(number, self._now())
        except Exception as error:
            self._tell(name, number, about, error)
            return False
        self.moved += is_done
        return is_done

    def _tell(self, name: str, number: int, about: About, error: Exception) -> None:
        """About the study and not the person: an alert about somebody keeps them from being
        forgotten, and what was done about it is sealed with a key that goes when they are.
        """
        named = f"{name} {number}"
        try:
            study, code = about(number)
            named = f"{name} {code}"
            alerts.raise_alert(
                study=study,
                participant=None,
                kind="worker",
                subject_ref=named[:60],
                within_hours=24,
                by=WORKER,
                at=self._now(),
            )
        except Exception as another:
            self._log(f"the alert about {named}", another)
        self._log(named, error)

    def messages(self) -> None:
        """What is due, over one line for each batch. Of a host that is away, what waited for too
        long is given up.
        """
        for _ in self._turns():
            self.urgent()
            if not self._batch(urgent=False):
                break
        if not self._is_host_there():
            since = mail_host.away_since()
            self.part("messages given up", lambda at: deliveries.give_up(since or at, at), 0)

    def urgent(self) -> None:
        """Mail that nothing else may keep waiting."""
        while self._batch(urgent=True):
            pass

    def _batch(self, *, urgent: bool) -> bool:
        """Whether there may be more. One that can be neither sent nor settled is left until its
        claim is over.
        """
        if not self._is_host_there():
            return False
        none: list[Message] = []
        left = deque(self.part("messages", lambda at: deliveries.claim(at, urgent=urgent), none))
        if not left:
            return False
        try:
            with mail.door() as door:
                while left and not self._is_over():
                    self._send(left.popleft(), door)
        except mail.DoorShut as error:  # whether the host is away is for `look` to say
            logger.warning("mail waits: %s", error)
            self._host_answers = False
        if left:
            self._try("messages in hand", lambda _: deliveries.give_back(left), None)
        return True

    def _is_host_there(self) -> bool:
        """As far as is known. Looked at once a minute and whether a mail waits or not: else when it
        is found away would tell when somebody is written to.
        """
        at = self._now()
        if self._looked_at is None or at - self._looked_at >= LOOK_EVERY:
            self._looked_at, self._host_answers = at, self.part("mail host", mail_host.look, True)
        return self._host_answers

    def _send(self, message: Message, door: mail.Door) -> None:
        try:
            if deliveries.deliver(message, door, self._now()):
                self.sent.append(message)
            self.moved += 1  # put off or settled, if it was not sent
        except mail.DoorShut:
            raise
        except Exception as error:
            self._log(f"message {message.pk}", error)

    def _log(self, name: str, error: Exception) -> None:
        self.failed += 1
        logger.error("%s failed: %s", name, type(error).__name__)


def _person(number: int) -> tuple[Study, str]:
    participant = Participant.objects.select_related("study").get(pk=number)
    return participant.study, participant.code


def _study(number: int) -> tuple[Study, str]:
    study = Study.objects.get(pk=number)
    return study, study.slug


def _journeys(at: datetime, *, after: int) -> Sequence[int]:
    return journey.claim(at)  # a claim alone makes them due later


def _move(number: int, at: datetime) -> bool:
    journey.advance(_moving.one(number), at)
    return True


@prepared
def _moving(person: int) -> QuerySet[Participant]:
    return Participant.objects.select_related("study", "version").filter(pk=person)


# Batches that every worker finds: each row is then held by one of them.
def _find_abandoned(at: datetime, *, after: int) -> Sequence[int]:
    return _next_abandoned(at - STOPPED_AFTER, at - UNSIGNED_AFTER, after)


def _find_forgotten(at: datetime, *, after: int) -> Sequence[int]:
    return _next_forgotten(at - FORGOTTEN_AFTER, after)


def _next(due: QuerySet[Participant], after: Any) -> QuerySet[Participant, int]:
    rows = due.filter(pk__gt=after).order_by("pk")
    return rows.values_list("pk", flat=True)[: claims.BATCH]


@prepared
def _next_abandoned(began: datetime, verified: datetime, after: int) -> QuerySet[Participant, int]:
    return _next(_abandoned(began, verified), after)


@prepared
def _next_forgotten(left: datetime, after: int) -> QuerySet[Participant, int]:
    return _next(_forgotten(left), after)


def _abandoned(began: datetime, verified: datetime) -> QuerySet[Participant]:
    """Whoever began before `began` and has not verified, or verified before `verified`."""
    left = Q(verified_at__isnull=True, began_at__lt=began) | Q(verified_at__lt=verified)
    return Participant.objects.filter(left, state="screening")


@transaction.atomic
def _stop(number: int, at: datetime) -> bool:
    """False for somebody who went on, or is being stopped by another worker."""
    if not claims.hold(_abandoned(at - STOPPED_AFTER, at - UNSIGNED_AFTER), number):
        return False
    participant = Participant.objects.select_related("study").get(pk=number)
    stage = "consent" if participant.verified_at else "screening"
    participants.turn_away(
        participant=participant, stage=stage, reason="stopped", stopped=True, by=WORKER, at=at
    )
    return True


def _forgotten(left: datetime) -> QuerySet[Participant]:
    """Whoever did not get in and left before `left` is forgotten, contact details and key included,
    once nobody has to call them any more.
    """
    waiting = Alert.objects.filter(participant=OuterRef("pk")).exclude(state="closed")
    return Participant.objects.filter(
        ~Exists(waiting), state="excluded", erased_at=None, left_at__lt=left
    )


@transaction.atomic
def _forget(number: int, at: datetime) -> bool:
    if not claims.hold(_forgotten(at - FORGOTTEN_AFTER), number):
        return False
    participant = Participant.objects.select_related("study").get(pk=number)
    participants.erase(participant=participant, reason="did_not_get_in", by=WORKER, at=at)
    return True


def _clear_sessions(at: datetime) -> bool:
    """What is typed before an address is verified stands in a session alone, so it goes when the
    session has expired.

    Once an hour, over all workers: a session lasts 12. Sessions are dated by the wall clock, and
    cleared by it.
    """
    if not cache.add(f"sessions-cleared:{at:%Y-%m-%dT%H}", True, 2 * HOUR):
        return False
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return True


def _unfinished_months(at: datetime, *, after: int) -> Sequence[int]:
    return sorted({study.pk for study, _ in month_reads.uncounted(at) if study.pk > after})


def _count_months(number: int, at: datetime) -> bool:
    """Every month of a study that is over and was not counted yet."""
    of_study = [(study, month) for study, month in month_reads.uncounted(at) if study.pk == number]
    return (
        sum(months.count(study=study, month=month, by=WORKER, at=at) for study, month in of_study)
        > 0
    )


def _studies(at: datetime, *, after: int) -> Sequence[int]:
    return [
        study.pk
        for study in Study.objects.filter(pk__gt=after).exclude(state="draft").order_by("pk")
        if not audit.is_sealed(study, at)
    ]


def _seal(number: int, at: datetime) -> bool:
    return audit.seal(Study.objects.get(pk=number), at, hourly=True) is not None
