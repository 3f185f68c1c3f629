"""How assessments stand, as the database works it out to count them: what outcomes.schedules.state
and concealment.outcome say of one row, for all of them at once. A test holds both to the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    CharField,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    Value,
    When,
)
from django.db.models.functions import TruncDate
from django.db.models.lookups import LessThan

from outcomes.models import ANSWERED_IN_TIME, ENDED_OTHERWISE, NOT_ENDED, Assessment
from outcomes.queries.concealment import ANSWERED, Plan
from outcomes.schedules import AssessmentState
from trial.models import Study

A_DAY = timedelta(days=1)
ALIKE = {
    AssessmentState.STARTED: AssessmentState.OPEN,
    AssessmentState.UNSCHEDULED: AssessmentState.UPCOMING,
}
# In the order that decides between two at the same moment, as in outcomes.schedules.
ENDS = (
    ("submitted_at", AssessmentState.SUBMITTED),
    ("declined_at", AssessmentState.DECLINED),
    ("withdrawn_at", AssessmentState.WITHDRAWN),
    ("closes_at", AssessmentState.MISSED),
)


def counted(study: Study, at: datetime) -> Counter[tuple[str, str, AssessmentState]]:
    """How many assessments of each timepoint and instrument stand how. What has opened and was not
    begun counts as begun does: open; and what has no date yet as what is still to come: upcoming.
    """
    rows = Assessment.objects.filter(study=study).order_by()
    answered, name = rows.filter(ANSWERED_IN_TIME), ("timepoint", "instrument")
    ended = [
        some.annotate(said=said).values_list(*name, "said").annotate(n=Count("*"))
        for some, said in (
            (answered.filter(submitted_at__lte=at), Value(AssessmentState.SUBMITTED)),
            (answered.filter(submitted_at__gt=at), state(at)),
            (rows.filter(ENDED_OTHERWISE), state(at)),
        )
    ]
    found = Counter[tuple[str, str, AssessmentState]]()
    for timepoint, instrument, said, n in ended[0].union(*ended[1:], all=True):
        found[timepoint, instrument, ALIKE.get(said, AssessmentState(said))] += n
    is_over = Q(closes_at__lte=at)
    has_begun = is_over | Q(opens_at__lte=at) | Q(opened_at__lte=at)
    dated = (
        rows.filter(NOT_ENDED)
        .values_list(*name)
        .annotate(
            n=Count("*"),
            begun=Count("study", filter=has_begun),
            over=Count("study", filter=is_over),
        )
    )
    for timepoint, instrument, n, begun, over in dated:
        found[timepoint, instrument, AssessmentState.MISSED] += over
        found[timepoint, instrument, AssessmentState.OPEN] += begun - over
        found[timepoint, instrument, AssessmentState.UPCOMING] += n - begun
    return found


def state(at: datetime) -> Case:
    """How each stands at a moment: what ended it first decides for good."""
    return Case(
        *(When(ended, then=Value(said)) for ended, said in _ends(at)),
        When(opened_at__lte=at, then=Value(AssessmentState.STARTED)),
        When(opens_at__isnull=True, then=Value(AssessmentState.UNSCHEDULED)),
        When(opens_at__lte=at, then=Value(AssessmentState.OPEN)),
        default=Value(AssessmentState.UPCOMING),
        output_field=CharField(),
    )


def _ends(at: datetime) -> list[tuple[Q, AssessmentState]]:
    """Whether each of these ended an assessment, where none that stands before it did."""
    found = []
    for place, (moment, said) in enumerate(ENDS):
        is_first = Q((f"{moment}__lte", at))
        for later, _said in ENDS[place + 1 :]:
            is_first &= Q((f"{later}__isnull", True)) | Q((f"{moment}__lte", F(later)))
        found.append((is_first, said))
    return found


def told(plans: Iterable[Plan], timezone: str, at: datetime) -> Case:
    """What may be told of each that every arm has; empty while it is withheld."""
    dated_alike = Q(pk__in=())
    apart: list[When] = []
    for plan in plans:
        own = Q(timepoint=plan.timepoint, instrument=plan.instrument)
        if plan.is_dated_alike:
            dated_alike |= own
        else:
            apart += _once_over(own, plan, ZoneInfo(timezone), at)
    return Case(
        When(dated_alike, then=state(at)), *apart, default=Value(""), output_field=CharField()
    )


def _once_over(own: Q, plan: Plan, zone: ZoneInfo, at: datetime) -> list[When]:
    """Of what arms are asked at different times: what came of it, once it is over in all."""
    today = at.astimezone(zone).date()
    over, left_before = own & Q(participant__randomised_at__isnull=False), Q(pk__in=())
    for entry in plan.entries:
        over_on = replace(plan, entries=(entry,)).over_on(today)
        if entry.on is None:
            days = over_on - today  # after the day of the allocation
            over &= Q(participant__randomised_at__lt=_midnight(today - days + A_DAY, zone))
            left_before |= Q(LessThan(_days_in(zone), Value(days)))
        else:
            over &= Q() if over_on <= today else Q(pk__in=())
            left_before |= Q(participant__left_at__lt=_midnight(over_on, zone))
    left = Q(participant__state="withdrawn", participant__left_at__isnull=False) & left_before
    answered = _ends(at)[: len(ANSWERED)]
    return [
        *(When(over & ended, then=Value(said)) for ended, said in answered),
        When(over & left, then=Value(AssessmentState.WITHDRAWN)),
        When(over, then=Value(AssessmentState.MISSED)),
    ]


def _days_in(zone: ZoneInfo) -> ExpressionWrapper:
    """Calendar days from the allocation to leaving."""
    left_on, randomised_on = (
        TruncDate(f"participant__{moment}", tzinfo=zone) for moment in ("left_at", "randomised_at")
    )
    return ExpressionWrapper(left_on - randomised_on, output_field=DurationField())


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
