"""What is kept of a person's calls, against the same worked out of the rows, after whatever coaches
may do in any order.
"""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from coaching_protocol.actions import calls, plans
from coaching_protocol.models import Attempt, CallSummary, CoachAssignment, CoachingPlan, Contact
from coaching_protocol.queries import summaries
from tests import factories
from tests.conftest import NOW
from trial import actors, lifecycles
from trial.actions import participants
from trial.models import Membership

pytestmark = pytest.mark.django_db

REFUSALS = (
    PermissionDenied,
    calls.AlreadyLogged,
    calls.ContactOver,
    calls.LogFirst,
    calls.NotLogged,
    calls.NothingCorrected,
    calls.NotStarted,
    lifecycles.NotAllowedNow,
    plans.SameCoach,
)
STEPS = 30


@pytest.mark.parametrize("seed", range(3))
def test_the_summary_is_what_the_calls_come_to_whatever_is_done(study, staff, seed):
    draw = random.Random(seed)
    people = [factories.a_participant_in(study, "guided", NOW) for _ in range(2)]
    ben = Membership.objects.get(study=study, role="coach").user
    coaches = [ben, staff("coach", "Gijs")]
    by = actors.staff(ben.pk, "coach")
    done = set()
    for step in range(STEPS):
        at = NOW + timedelta(days=step // 2, minutes=draw.randint(0, 600))
        deed = draw.choice((start, start, log, log, correct, take_back, give_up, reassign))
        plan = CoachingPlan.objects.get(participant=draw.choice(people))
        try:
            deed(plan, draw, coaches=coaches, by=by, at=at)
        except REFUSALS:
            continue
        done.add(deed)
        check(plan)
    participants.withdraw(participant=people[0], by=actors.SYSTEM, at=at)
    plans.leave(study=study, coach=ben, by=by, at=at)
    for plan in CoachingPlan.objects.all():
        check(plan)
    assert len(done) > 2
    assert CallSummary.objects.filter(is_ended=True).exists()
    assert not CallSummary.objects.filter(coach=ben, is_ended=False).exists()


def check(plan: CoachingPlan) -> None:
    plan = CoachingPlan.objects.get(pk=plan.pk)
    found = CallSummary.objects.get(plan=plan)
    wanted = summaries.of(plan)
    assert {name: getattr(found, name) for name in wanted} == wanted
    now = CoachAssignment.objects.filter(plan=plan, ended_at__isnull=True)
    assert [found.coach_id] == (list(now.values_list("coach", flat=True)) or [None])


def start(plan, draw, *, coaches, by, at) -> None:
    contact = draw.choice(Contact.objects.filter(plan=plan))
    coach = current(plan, coaches)
    calls.start(contact=contact, coach=coach, by=by, at=at)


def log(plan, draw, *, coaches, by, at) -> None:
    attempt = one_of(plan, draw)
    calls.log(attempt=attempt, **said(draw, at), by=by, at=at)


def correct(plan, draw, *, coaches, by, at) -> None:
    attempt = one_of(plan, draw)
    said_now = said(draw, at)
    calls.correct(attempt=attempt, coach=attempt.coach, reason="slip", **said_now, by=by, at=at)


def take_back(plan, draw, *, coaches, by, at) -> None:
    attempt = one_of(plan, draw)
    calls.take_back(attempt=attempt, coach=attempt.coach, by=by, at=at)


def give_up(plan, draw, *, coaches, by, at) -> None:
    contact = draw.choice(Contact.objects.filter(plan=plan))
    calls.give_up(contact=contact, reason="window_passed", by=by, at=at)


def reassign(plan, draw, *, coaches, by, at) -> None:
    plans.reassign(plan=plan, coach=draw.choice(coaches), reason="holiday", by=by, at=at)


def current(plan, coaches):
    return CoachAssignment.objects.get(plan=plan, ended_at__isnull=True).coach


def one_of(plan, draw) -> Attempt:
    tries = list(Attempt.objects.filter(contact__plan=plan).select_related("contact__plan"))
    if not tries:
        raise calls.NotStarted
    return draw.choice(tries)


def said(draw, at) -> dict:
    outcome = draw.choice(Attempt.OUTCOMES)
    if outcome == "reached":
        return {"outcome": outcome, "minutes": draw.randint(1, 30)}
    next_at = at + timedelta(days=1) if outcome == "call_back" else None
    return {"outcome": outcome, "next_at": next_at}
