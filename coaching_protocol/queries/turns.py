"""Whose turn it is to be called: everybody of a caseload with the group of their next call, in
order, a page at a time.

This is the one place that says what is due and what comes first, by what is kept of each person
(CallSummary). Days are the participant's: the few time zones of a caseload are asked first, and
become the moments at which days begin there, with which the database compares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    Count,
    DateField,
    DateTimeField,
    Expression,
    F,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)

from coaching_protocol.models import CallSummary, CoachingPlan
from trial.models import Participant

GROUPS = ("log", "overdue", "today", "week", "later", "finished")
LOG, OVERDUE, TODAY, WEEK, LATER, FINISHED = range(len(GROUPS))  # the database has their places
DUE = (OVERDUE, TODAY)
# One after the other; what is overdue and what is due today are sorted together.
IN_ORDER = (("log",), ("overdue", "today"), ("week",), ("later",), ("finished",))
DAYS_OF_A_WEEK = 7


Row = tuple[int, int | None, int, datetime | None, datetime | None]


@dataclass(frozen=True)
class Turn:
    """`number` is that of the next call, None when every call is over; `appointment_at` counts
    until a try was made at it. `was_tried_today`: nobody was reached, and no appointment has come
    since.
    """

    plan: int
    number: int | None
    group: str
    appointment_at: datetime | None
    was_tried_today: bool


@dataclass(frozen=True)
class Share:
    """How many people of a study one coach (None: nobody) has in one group."""

    study: int
    coach: int | None
    group: str
    people: int


@dataclass(frozen=True)
class Days:
    """What day it is at a moment in the time zones of these studies, the most frequent first, and
    when days begin there.
    """

    at: datetime
    zones: Sequence[str]
    studies: Collection[int] = ()

    def today(self, days: int = 0) -> Expression:
        """Where the person of a summary is, or some days on."""
        return self._by_zone(lambda zone: self._day(zone, days), DateField())

    def begins_at(self, days: int = 0) -> Expression:
        return self._by_zone(lambda zone: self._midnight(zone, days), DateTimeField())

    def _by_zone(self, value: Callable[[str], Any], field: Any) -> Expression:
        """Asks for the few people alone who are in another zone than most, and of these only where
        it makes a difference now.
        """
        usual = value(self.zones[0] if self.zones else "UTC")
        others: dict[Any, list[str]] = {}
        for zone in self.zones:
            if value(zone) != usual:
                others.setdefault(value(zone), []).append(zone)
        cases = [
            When(Q(plan__in=self._in(some)), then=Value(v, field)) for v, some in others.items()
        ]
        return Case(*cases, default=Value(usual, field), output_field=field)

    def _in(self, zones: list[str]) -> QuerySet[Any, Any]:
        people = Participant.objects.filter(study__in=self.studies, timezone__in=zones)
        return CoachingPlan.objects.filter(participant__in=people).values("pk")

    def _day(self, zone: str, days: int) -> date:
        return self.at.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)

    def _midnight(self, zone: str, days: int) -> datetime:
        return datetime.combine(self._day(zone, days), time(), ZoneInfo(zone)).astimezone(UTC)


def days(at: datetime, studies: Collection[int]) -> Days:
    people = Participant.objects.filter(study__in=studies).order_by()
    zones = (
        people.values_list("timezone").annotate(people=Count("*")).order_by("-people", "timezone")
    )
    return Days(at, [zone for zone, _ in zones], studies)


def shares(calls: QuerySet[CallSummary], days: Days) -> list[Share]:
    """How these people are spread over studies, coaches and groups."""
    counted = [
        some.annotate(place=_place(days))
        .order_by()
        .values_list("study", "coach", "place")
        .annotate(people=Count("pk"))
        # Of whoever has a call to come nothing but the summary is looked at.
        for some in (calls.filter(number__isnull=False), _over(calls))
    ]
    return [
        Share(study, coach, GROUPS[place], people)
        for study, coach, place, people in counted[0].union(counted[1], all=True)
    ]


def listed(calls: QuerySet[CallSummary], days: Days, groups: Collection[str]) -> QuerySet[Any, Row]:
    """The turns of those of these people who are in these groups, each to be `read`, what is due
    first; of that, whoever was tried today comes last, the longest ago first. Then by group, in it
    whoever has an appointment, by the clock; then whose window closes first.
    """
    among = calls.filter(number__isnull=False)
    if "finished" in groups:
        among |= _over(calls)
    return (
        _turns(among, days)
        .filter(place__in=map(GROUPS.index, groups))
        .order_by(
            Case(When(place__in=DUE, then=DUE[0]), default=F("place")),
            F("tried_at").asc(nulls_first=True),
            "place",
            F("appointment_at").asc(nulls_last=True),
            "closes_on",
            "plan__participant__code",
        )
    )


def of(plan: CoachingPlan, days: Days) -> Turn:
    """That of one person, whether in a list or not."""
    return read(_turns(CallSummary.objects.filter(plan=plan), days).get())


def read(row: Row) -> Turn:
    plan, number, place, agreed_at, tried_at = row
    return Turn(plan, number, GROUPS[place], agreed_at, tried_at is not None)


def _turns(calls: QuerySet[CallSummary], days: Days) -> QuerySet[Any, Row]:
    found = calls.annotate(place=_place(days), tried_at=_tried_today(days))
    return found.values_list("plan_id", "number", "place", "appointment_at", "tried_at")


def _over(calls: QuerySet[CallSummary]) -> QuerySet[CallSummary]:
    """People without a call to come; whoever has completed the study too is in no list any more."""
    return calls.filter(number__isnull=True, plan__participant__completed_at__isnull=True)


def _place(days: Days) -> Case:
    """The place of the group in GROUPS."""
    return Case(
        When(number__isnull=True, then=FINISHED),
        When(is_begun=True, then=LOG),
        When(appointment_at__lt=days.begins_at(), then=OVERDUE),
        When(appointment_at__lt=days.begins_at(1), then=TODAY),
        When(appointment_at__lt=days.begins_at(DAYS_OF_A_WEEK + 1), then=WEEK),
        When(appointment_at__isnull=False, then=LATER),
        When(closes_on__lt=days.today(), then=OVERDUE),
        When(opens_on__lte=days.today(), then=TODAY),
        When(opens_on__lte=days.today(DAYS_OF_A_WEEK), then=WEEK),
        default=LATER,
        output_field=IntegerField(),
    )


def _tried_today(days: Days) -> Case:
    """When the newest try that was logged was made, if that was today and no appointment has come
    since.
    """
    has_come = Q(appointment_at__isnull=False, appointment_at__lte=days.at)
    is_today = Q(last_tried_at__gte=days.begins_at()) & Q(last_tried_at__lt=days.begins_at(1))
    return Case(When(is_today & ~has_come, then="last_tried_at"))
