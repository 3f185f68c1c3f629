"""Whose turn it is to be called: everybody of a caseload with the group of their next call, in
order, worked out by the database a page at a time.

This is the one place that says what is due and what comes first. Days are the participant's: the
few time zones of a caseload are asked first, and become the moments at which days begin there, with
which the database compares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    Count,
    DateField,
    DateTimeField,
    Exists,
    Expression,
    F,
    FilteredRelation,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from coaching_protocol.models import Attempt, CoachingPlan, Contact
from trial.models import Participant

GROUPS = ("log", "overdue", "today", "week", "later", "finished")
LOG, OVERDUE, TODAY, WEEK, LATER, FINISHED = range(len(GROUPS))  # the database has their places
DUE = (OVERDUE, TODAY)
DAYS_OF_A_WEEK = 7
OPEN_TRIES = Attempt.objects.filter(logged_at__isnull=True)
PLANNED = Contact.objects.filter(state="planned")


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
    name: str | None
    group: str
    people: int


@dataclass(frozen=True)
class Days:
    """What day it is at a moment in each time zone, and when days begin there."""

    at: datetime
    zones: Collection[str]

    def on(self, path: str, days: int = 0) -> Expression:
        """Today where the person is, or some days on."""
        return self._by_zone(path, lambda zone: self._day(zone, days), DateField())

    def begins_at(self, path: str, days: int = 0) -> Expression:
        return self._by_zone(path, lambda zone: self._midnight(zone, days), DateTimeField())

    @property
    def first_begins_at(self) -> datetime:
        """Before this moment it is today for nobody."""
        return min((self._midnight(zone, 0) for zone in self.zones), default=self.at)

    def _by_zone(self, path: str, value: Callable[[str], Any], field: Any) -> Expression:
        zones: dict[Any, list[str]] = {}
        for zone in self.zones:
            zones.setdefault(value(zone), []).append(zone)
        if len(zones) < 2:  # as nearly everywhere
            return Value(next(iter(zones), value("UTC")), field)
        return Case(
            *(
                When(Q((f"{path}participant__timezone__in", among)), then=Value(each, field))
                for each, among in zones.items()
            ),
            output_field=field,
        )

    def _day(self, zone: str, days: int) -> date:
        return self.at.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)

    def _midnight(self, zone: str, days: int) -> datetime:
        return datetime.combine(self._day(zone, days), time(), ZoneInfo(zone)).astimezone(UTC)


def zones(studies: Collection[int]) -> list[str]:
    """The time zones of the people of these studies."""
    people = Participant.objects.filter(study__in=studies).order_by()
    return list(people.values_list("timezone", flat=True).distinct())


def shares(plans: QuerySet[CoachingPlan], days: Days) -> list[Share]:
    """How these people are spread over studies, coaches and groups."""
    counted = [
        found.annotate(
            now=FilteredRelation(
                f"{path}assignments", condition=Q((f"{path}assignments__ended_at__isnull", True))
            ),
            of_study=F(f"{path}study"),
            coach=F("now__coach"),
            name=F("now__coach__full_name"),
        )
        .order_by()
        .values_list("of_study", "coach", "name", "place")
        .annotate(people=Count("pk"))
        for found, path in ((_called(plans, days), "plan__"), (_over(plans), ""))
    ]
    return [
        Share(study, coach, name, GROUPS[place], people)
        for study, coach, name, place, people in counted[0].union(counted[1], all=True)
    ]


def listed(
    plans: QuerySet[CoachingPlan], days: Days, *, also_completed: bool = False
) -> QuerySet[Any, tuple[Any, ...]]:
    """The turns of these people, each to be `read`, what is due first; of that, whoever was tried
    today comes last, the longest ago first. Then by group, in it whoever has an appointment, by the
    clock; then whose window closes first.
    """
    names = ("plan_id", "number", "place", "agreed_at", "tried_at", "urgency", "closes_on", "code")
    called = _called(plans, days).annotate(
        urgency=Case(When(place__in=DUE, then=DUE[0]), default=F("place")),
        tried_at=_tried_at("plan__", "plan", days, ~Q(agreed_at__lte=days.at) | Q(agreed_at=None)),
        code=F("plan__participant__code"),
    )
    over = _over(plans, also_completed=also_completed).annotate(
        plan_id=F("pk"),
        number=Value(None, IntegerField()),
        agreed_at=Value(None, DateTimeField()),
        urgency=F("place"),
        tried_at=_tried_at("", "pk", days, ~Q(pk=None)),
        closes_on=Value(None, DateField()),
        code=F("participant__code"),
    )
    everybody = (
        called.order_by().values_list(*names).union(over.order_by().values_list(*names), all=True)
    )
    return everybody.order_by(
        "urgency",
        F("tried_at").asc(nulls_first=True),
        "place",
        F("agreed_at").asc(nulls_last=True),
        "closes_on",
        "code",
    )


def read(row: tuple[Any, ...]) -> Turn:
    plan, number, place, agreed_at, tried_at, *_order = row
    return Turn(plan, number, GROUPS[place], agreed_at, tried_at is not None)


def _called(plans: QuerySet[CoachingPlan], days: Days) -> QuerySet[Any]:
    """The next call of each: the first that is planned, before all others one that was begun."""
    sooner = _with_begun(PLANNED).filter(
        Q(is_begun=True) & ~Q(is_begun=OuterRef("is_begun"))
        | Q(is_begun=OuterRef("is_begun"), number__lt=OuterRef("number")),
        plan=OuterRef("plan"),
    )
    used_up = Attempt.objects.filter(
        contact=OuterRef("pk"), started_at__gte=OuterRef("appointment_at")
    )
    stands = Q(appointment_at__isnull=False) & ~Exists(used_up)
    zoned = "plan__"
    return (
        _with_begun(PLANNED.filter(plan__in=plans))
        .filter(~Exists(sooner))
        .annotate(agreed_at=Case(When(stands, then="appointment_at")))
        .annotate(
            place=Case(
                When(is_begun=True, then=LOG),
                When(agreed_at__lt=days.begins_at(zoned), then=OVERDUE),
                When(agreed_at__lt=days.begins_at(zoned, 1), then=TODAY),
                When(agreed_at__lt=days.begins_at(zoned, DAYS_OF_A_WEEK + 1), then=WEEK),
                When(agreed_at__isnull=False, then=LATER),
                When(closes_on__lt=days.on(zoned), then=OVERDUE),
                When(opens_on__lte=days.on(zoned), then=TODAY),
                When(opens_on__lte=days.on(zoned, DAYS_OF_A_WEEK), then=WEEK),
                default=LATER,
                output_field=IntegerField(),
            )
        )
    )


def _with_begun(contacts: QuerySet[Contact]) -> QuerySet[Any]:
    """`is_begun`: somebody is on the phone, or forgot to log."""
    return contacts.annotate(is_begun=Exists(OPEN_TRIES.filter(contact=OuterRef("pk"))))


def _over(plans: QuerySet[CoachingPlan], *, also_completed: bool = False) -> QuerySet[Any]:
    """People without a call to come; whoever has completed the study too is in no list any more,
    and is asked for by themselves alone.
    """
    if not also_completed:
        plans = plans.filter(participant__completed_at__isnull=True)
    return plans.filter(~Exists(PLANNED.filter(plan=OuterRef("pk")))).annotate(
        place=Value(FINISHED, IntegerField())
    )


def _tried_at(path: str, plan: str, days: Days, counts: Q) -> Case:
    """When the newest try that was logged was made, if that was today. Looked up only of those of
    whom there is a try of today at all.
    """
    newest = Subquery(
        Attempt.objects.filter(contact__plan=OuterRef(plan), logged_at__isnull=False)
        .order_by("-logged_at", "-pk")
        .values("started_at")[:1]
    )
    lately = Attempt.objects.filter(started_at__gte=days.first_begins_at).values("contact__plan")
    has_begun = GreaterThanOrEqual(newest, days.begins_at(path))
    is_today = has_begun & LessThan(newest, days.begins_at(path, 1))
    return Case(When(counts & Q((f"{plan}__in", lately)), then=Case(When(is_today, then=newest))))
