"""What waits and has come due: messages, journeys, seals, abandoned screenings. Any number of
workers may run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q

from trial import audit, hooks, mail
from trial.actions import alerts, deliveries, journey, mail_host, months, participants
from trial.actors import WORKER
from trial.lifecycles import NotAllowedNow
from trial.models import Alert, Journey, Message, Participant, Study
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


@dataclass(frozen=True)
class Round:
    """What one round of the worker did."""

    journeys: int
    messages: int
    stopped: int
    seals: int
    mailed: tuple[str, ...] = ()  # study codes of participants who were sent something
    failed: int = 0  # rows and parts: logged, and tried again next round


def tick(at: datetime, *, seal: bool = True) -> Round:
    """One round. What fails stops nothing else. Messages go before the clean-up, so that an alert
    is on its way first.
    """
    careful = _Careful(at)
    moved = careful.each("journey", _due, _move, _person)
    careful.part("messages left behind", deliveries.after_crash, 0)
    sent = careful.messages()
    for work in hooks.WORKER:
        careful.part(hooks.code(work), work, 0)
    stopped = careful.each("stop", _abandoned, _stop, _person)
    careful.each("forget", _forgotten, _forget, _person)
    careful.part("expired sessions", _clear_sessions, False)
    careful.each("month", _unfinished_months, _count_months, _study)
    sealed = careful.each("seal", _studies, _seal, _study) if seal else 0
    mailed = tuple(
        message.participant.code
        for message in sent
        if message.participant and message.kind != "alert"
    )
    return Round(moved, len(sent), stopped, sealed, mailed, careful.failed)


class _Careful:
    """Does each part of a round, and each row of a part, for itself. A row that fails is told to
    staff.

    Only codes and the kind of an error are logged: its own words may hold what somebody typed.
    """

    def __init__(self, at: datetime) -> None:
        self.at, self.failed = at, 0

    def part(self, name: str, work: Callable[[datetime], T], otherwise: T) -> T:
        try:
            return work(self.at)
        except Exception as error:
            self._log(name, error)
            return otherwise

    def each(
        self, name: str, found: Callable[[datetime], Sequence[int]], work: Work, about: About
    ) -> int:
        """`work` for every row that is found, by number; how many it was done for. `about` names a
        row that fails.
        """
        none: Sequence[int] = ()
        return sum(self._row(name, number, work, about) for number in self.part(name, found, none))

    def _row(self, name: str, number: int, work: Work, about: About) -> bool:
        try:
            return work(number, self.at)
        except Exception as error:
            self._tell(name, number, about, error)
            return False

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
                at=self.at,
            )
        except Exception as another:
            self._log(f"the alert about {named}", another)
        self._log(named, error)

    def messages(self) -> list[Message]:
        """Those that were sent, all over one line. One that can be neither sent nor claimed is left
        for the next round.
        """
        sent: list[Message] = []
        if not self.part("mail host", mail_host.look, True):
            since = mail_host.away_since()
            self.part("messages given up", lambda at: deliveries.give_up(since or at, at), 0)
            return sent
        tried: set[int] = set()
        try:
            while batch := self._due(tried):
                tried |= {message.pk for message in batch}
                with mail.door() as door:
                    for message in batch:
                        if self._send(message, door) == "sent":
                            sent.append(message)
        except (
            mail.DoorShut
        ) as error:  # the others wait; whether the host is away is for `look` to say
            logger.warning("mail waits: %s", error)
        return sent

    def _due(self, tried: set[int]) -> list[Message]:
        none: list[Message] = []
        return [
            each for each in self.part("messages", deliveries.due, none) if each.pk not in tried
        ]

    def _send(self, message: Message, door: mail.Door) -> str:
        try:
            return deliveries.deliver(message, door, self.at)
        except mail.DoorShut:
            raise
        except Exception as error:
            self._log(f"message {message.pk}", error)
            return message.state

    def _log(self, name: str, error: Exception) -> None:
        self.failed += 1
        logger.error("%s failed: %s", name, type(error).__name__)


def _person(number: int) -> tuple[Study, str]:
    participant = Participant.objects.select_related("study").get(pk=number)
    return participant.study, participant.code


def _study(number: int) -> tuple[Study, str]:
    study = Study.objects.get(pk=number)
    return study, study.slug


def _due(at: datetime) -> Sequence[int]:
    return list(
        Journey.objects.filter(due_at__lte=at)
        .order_by("due_at", "pk")
        .values_list("participant", flat=True)[:500]
    )


def _move(number: int, at: datetime) -> bool:
    """Each due row is claimed in one short update, so that two workers do not take the same one."""
    # Moved on before the step is taken: if nothing else says when to look again, it is looked at
    # again then.
    if not Journey.objects.filter(participant=number, due_at__lte=at).update(
        due_at=at + journey.RETRY_AFTER
    ):
        return False
    journey.advance(Participant.objects.select_related("study", "version").get(pk=number), at)
    return True


def _abandoned(at: datetime) -> Sequence[int]:
    left = Q(verified_at__isnull=True, began_at__lt=at - STOPPED_AFTER) | Q(
        verified_at__lt=at - UNSIGNED_AFTER
    )
    return list(
        Participant.objects.filter(left, state="screening")
        .order_by("pk")
        .values_list("pk", flat=True)[:500]
    )


def _stop(number: int, at: datetime) -> bool:
    """False for somebody who went on, or was stopped by another worker, since we looked."""
    participant = Participant.objects.select_related("study").get(pk=number)
    stage = "consent" if participant.verified_at else "screening"
    try:
        participants.turn_away(
            participant=participant, stage=stage, reason="stopped", stopped=True, by=WORKER, at=at
        )
    except NotAllowedNow:
        return False
    return True


def _forgotten(at: datetime) -> Sequence[int]:
    """Whoever did not get in is forgotten, contact details and key included, once nobody has to
    call them any more.
    """
    waiting = Alert.objects.filter(participant=OuterRef("pk")).exclude(state="closed")
    gone = Participant.objects.filter(
        ~Exists(waiting), state="excluded", erased_at=None, left_at__lt=at - FORGOTTEN_AFTER
    )
    return list(gone.order_by("pk").values_list("pk", flat=True)[:500])


def _forget(number: int, at: datetime) -> bool:
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


def _unfinished_months(at: datetime) -> Sequence[int]:
    return list(dict.fromkeys(study.pk for study, _ in month_reads.uncounted(at)))


def _count_months(number: int, at: datetime) -> bool:
    """Every month of a study that is over and was not counted yet."""
    of_study = [(study, month) for study, month in month_reads.uncounted(at) if study.pk == number]
    return (
        sum(months.count(study=study, month=month, by=WORKER, at=at) for study, month in of_study)
        > 0
    )


def _studies(at: datetime) -> Sequence[int]:
    return [
        study.pk
        for study in Study.objects.exclude(state="draft").order_by("pk")
        if not audit.is_sealed(study, at)
    ]


def _seal(number: int, at: datetime) -> bool:
    return audit.seal(Study.objects.get(pk=number), at, hourly=True) is not None
