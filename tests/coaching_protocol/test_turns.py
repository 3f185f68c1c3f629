"""The order of a caseload, which the database works out, against the same in plain Python: over
made-up caseloads in many time zones, at moments around their midnights and changes of the clock.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from coaching_protocol.actions import summaries
from coaching_protocol.models import (
    Attempt,
    CallSummary,
    CoachAssignment,
    CoachingPlan,
    Contact,
)
from coaching_protocol.queries import caseload
from tests.conftest import NOW
from trial.models import Membership, Participant, Study, User

pytestmark = pytest.mark.django_db

PEOPLE, CALLS = 30, 3
ZONES = (
    "Europe/Amsterdam",
    "America/Havana",  # clocks go back at one, to midnight
    "Africa/Cairo",  # clocks go forward at midnight
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
)
AT = (
    datetime(2026, 3, 5, 8, 0, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 30, tzinfo=UTC),  # the night in which clocks go forward in Amsterdam
    datetime(2026, 4, 23, 22, 0, tzinfo=UTC),  # midnight in Cairo, an hour of which there is none
    datetime(2026, 11, 1, 4, 30, tzinfo=UTC),  # the first of two hours after midnight in Havana
)
GROUPS = ("log", "overdue", "today", "week", "later", "finished")


@pytest.mark.parametrize("seed", range(4))
def test_the_database_puts_a_caseload_in_the_order_that_is_meant(study, staff, seed):
    at = AT[seed]
    ben = Membership.objects.get(study=study, role="coach").user
    a_caseload(study, ben, random.Random(seed), at)
    eva = staff("supervisor")

    for hours in (0, 5, 19):
        now = at + timedelta(hours=hours)
        wanted = expected(now)
        assert listed(eva, now) == wanted
        found = caseload.of(eva, now)
        assert [
            row.participant.code for part in (slice(0, 7), slice(7, None)) for row in found[part]
        ] == [code for code, *_ in wanted]
        assert dict(found.groups) == {
            group: sum(each == group for _, _, each, *_ in wanted)
            for group in {group for _, _, group, *_ in wanted}
        }
        for coach, pk in ((str(ben.pk), ben.pk), ("none", None)):
            own = [each for each in wanted if coach_of(each[0]) == pk]
            assert listed(eva, now, coach) == own
        for code, *_ in wanted[:3]:
            plan = caseload.find(eva, code)
            assert plan
            assert shown(caseload.row(plan, now)) == next(
                each for each in wanted if each[0] == code
            )


def listed(user: User, at: datetime, coach: str = "") -> list[tuple]:
    return [shown(row) for row in caseload.of(user, at, coach)]


def shown(row: caseload.Row) -> tuple:
    number = row.contact.number if row.contact else None
    turn = row.turn
    return row.participant.code, number, turn.group, turn.appointment_at, turn.was_tried_today


def coach_of(code: str) -> int | None:
    now = CoachAssignment.objects.filter(plan__participant__code=code, ended_at__isnull=True)
    return now.values_list("coach", flat=True).first()


def a_caseload(study: Study, coach: User, draw: random.Random, at: datetime) -> None:
    """People as they could stand around `at`; rows alone, since no action makes them so quickly."""

    def around(hours: float) -> datetime:
        return at + timedelta(minutes=draw.randint(int(-hours * 60), int(hours * 60)))

    for number in range(PEOPLE):
        person = Participant.objects.create(
            study=study,
            version=study.current,
            code=f"QM-{number:05d}",
            state="randomised",
            language="en",
            timezone=draw.choice(ZONES),
            began_at=NOW,
            completed_at=draw.choice((None, None, NOW)),
        )
        plan = CoachingPlan.objects.create(
            participant=person,
            study=study,
            protocol="support",
            planned_at=NOW,
            ended_at=draw.choice((None, None, None, NOW)),
        )
        has_coach = draw.random() < 0.8
        if has_coach:
            CoachAssignment.objects.create(plan=plan, coach=coach, since_at=NOW)
        for call in range(1, CALLS + 1):
            _a_call(plan, call, coach, draw, around)
        summaries.begin(plan)
        CallSummary.objects.filter(plan=plan).update(coach=coach if has_coach else None)


def _a_call(plan: CoachingPlan, number: int, coach: User, draw: random.Random, around) -> None:
    opens_on = around(12 * 24).date()
    contact = Contact.objects.create(
        study=plan.study,
        plan=plan,
        number=number,
        opens_on=opens_on,
        due_on=opens_on,
        closes_on=opens_on + timedelta(days=draw.randint(0, 4)),
        appointment_at=draw.choice((None, around(30), around(9 * 24))),
        state=draw.choice(("planned", "planned", "held", "not_held")),
    )
    for _ in range(draw.randint(0, 3)):
        started_at = around(40)
        Attempt.objects.create(
            contact=contact,
            coach=coach,
            started_at=started_at,
            logged_at=started_at + timedelta(minutes=draw.randint(1, 1500)),
            outcome="no_answer",
            protocol="support",
            protocol_version="1",
        )
    if contact.state == "planned" and draw.random() < 0.15:
        Attempt.objects.create(
            contact=contact, coach=coach, started_at=around(3), protocol="support"
        )


def expected(at: datetime) -> list[tuple]:
    plans = CoachingPlan.objects.filter(ended_at__isnull=True).select_related("participant")
    found = [turn for plan in plans if (turn := _turn(plan, at))]
    return [values for _, values in sorted(found, key=lambda each: each[0])]


def _turn(plan: CoachingPlan, at: datetime) -> tuple[tuple, tuple] | None:
    person = plan.participant
    zone = ZoneInfo(person.timezone)
    calls = list(Contact.objects.filter(plan=plan, state="planned"))
    if not calls and person.completed_at:
        return None
    tries = list(Attempt.objects.filter(contact__plan=plan).select_related("contact"))
    begun = {each.contact_id for each in tries if each.logged_at is None}
    call = min(calls, key=lambda each: (each.pk not in begun, each.number), default=None)
    agreed = call.appointment_at if call else None
    if agreed and any(each.contact == call and each.started_at >= agreed for each in tries):
        agreed = None
    newest = max(
        (each for each in tries if each.logged_at),
        key=lambda each: (each.logged_at, each.pk),
        default=None,
    )
    was_tried = (
        newest is not None
        and not (agreed and agreed <= at)
        and newest.started_at.astimezone(zone).date() == at.astimezone(zone).date()
    )
    group = "finished"
    if call:
        group = "log" if call.pk in begun else _group(call, agreed, at, zone)
    order = (
        GROUPS.index("today" if group == "overdue" else group),
        newest.started_at.timestamp() if newest and was_tried else 0.0,
        GROUPS.index(group),
        agreed is None,
        agreed.timestamp() if agreed else 0.0,
        call.closes_on if call else date.min,
        person.code,
    )
    return order, (person.code, call.number if call else None, group, agreed, was_tried)


def _group(call: Contact, agreed: datetime | None, at: datetime, zone: ZoneInfo) -> str:
    today = at.astimezone(zone).date()
    day = agreed.astimezone(zone).date() if agreed else None
    if (day or call.closes_on) < today:
        return "overdue"
    if (day or call.opens_on) <= today:
        return "today"
    return "week" if (day or call.opens_on) <= today + timedelta(days=7) else "later"
