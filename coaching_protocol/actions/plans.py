"""Planning coaching when it is granted, and who coaches whom."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q

from coaching_protocol import plan as pure
from coaching_protocol.actions import summaries
from coaching_protocol.models import CallSummary, CoachAssignment, CoachingPlan, Contact
from coaching_protocol.queries import plans
from trial import audit
from trial.actions.alerts import raise_alert
from trial.actions.once import once
from trial.actions.participants import check_code
from trial.actors import SYSTEM, Actor
from trial.models import Membership, Participant, Study, User


class NotACoach(Exception):
    """The person does not coach in this study."""


class SameCoach(Exception):
    """The participant has this coach already."""


def begin(
    *, participant: Participant, protocol: str, from_at: datetime, by: Actor, at: datetime
) -> CoachingPlan:
    """Plan every contact of the protocol and assign a coach. Runs inside the granting action's
    transaction.
    """
    described = plans.protocol(participant.version, protocol)
    made = CoachingPlan.objects.create(
        participant=participant, study=participant.study, protocol=protocol, planned_at=from_at
    )
    Contact.objects.bulk_create(
        Contact(
            study=participant.study,
            plan=made,
            number=c.number,
            opens_on=c.opens_on,
            due_on=c.due_on,
            closes_on=c.closes_on,
        )
        for c in pure.planned(
            described.contacts, from_at=from_at, timezone=participant.version.protocol.timezone
        )
    )
    sealed = participant.sealed(protocol)
    audit.record(
        participant,
        "contacts planned",
        subject=participant.code,
        new={"sealed": sealed},
        by=by,
        at=at,
    )
    summaries.begin(made)
    coach = next_coach(participant.study)
    if coach is not None:
        _assign(made, coach, by=by, at=at)
    return made


def tell_if_nobody_coaches(study: Study, at: datetime) -> None:
    """When anybody is randomised, to whatever arm: an alert when somebody is who gets a coach would
    tell their arm.
    """
    is_coached = bool(study.current.section("coaching")["protocols"])
    if (
        is_coached
        and not Membership.objects.filter(study=study, role="coach", ended_at__isnull=True).exists()
    ):
        _tell_staff(study, at)


def _tell_staff(study: Study, at: datetime) -> None:
    """About the study, once a day: whom it concerns would tell the arm, and supervisors see it in
    the caseload.
    """
    raise_alert(
        study=study,
        participant=None,
        kind="no_coach",
        subject_ref=at.date().isoformat(),
        within_hours=48,
        by=SYSTEM,
        at=at,
    )


def next_coach(study: Study) -> User | None:
    """Fewest people first, then by turn: whoever was given somebody longest ago. Locks the coaches
    against each other.
    """
    coaches = list(
        Membership.objects.select_for_update()
        .filter(study=study, role="coach", ended_at__isnull=True)
        .order_by("pk")  # two who plan at once lock in the same order
        .values_list("user_id", flat=True)
    )
    now = Count("pk", filter=Q(ended_at__isnull=True, plan__ended_at__isnull=True))
    rows = (
        CoachAssignment.objects.filter(coach__in=coaches, plan__study=study)
        .values("coach")
        .annotate(n=now)
    )
    load = {row["coach"]: row["n"] for row in rows}
    last: dict[int, datetime] = dict(
        CoachAssignment.objects.filter(coach__in=coaches, plan__study=study)
        .order_by("since_at")
        .values_list("coach", "since_at")
    )
    if not coaches:
        return None
    chosen = min(
        coaches, key=lambda pk: (load.get(pk, 0), last[pk].isoformat() if pk in last else "", pk)
    )
    return User.objects.get(pk=chosen)


@once
def reassign(
    *, plan: CoachingPlan, coach: User, reason: str, by: Actor, at: datetime
) -> CoachAssignment:
    """Give a participant another coach; the earlier one stays in the history. The reason is a code:
    it is kept in clear.
    """
    check_code(reason)
    if not Membership.objects.filter(
        study=plan.study, user=coach, role="coach", ended_at__isnull=True
    ).exists():
        raise NotACoach
    # As whoever changes the calls of this person: one after the other, and by the same order of
    # locks, the person before their summary and their trail.
    Participant.standing(plan.participant_id)
    plan = CoachingPlan.objects.select_for_update().get(pk=plan.pk)
    current = CoachAssignment.objects.filter(plan=plan, ended_at__isnull=True).first()
    if current and current.coach_id == coach.pk:
        raise SameCoach
    if current:
        current.ended_at = at
        current.save(update_fields=["ended_at"])
    return _assign(plan, coach, reason=reason, old=current, by=by, at=at)


def _assign(
    plan: CoachingPlan,
    coach: User,
    *,
    reason: str = "",
    old: CoachAssignment | None = None,
    by: Actor,
    at: datetime,
) -> CoachAssignment:
    assignment = CoachAssignment.objects.create(plan=plan, coach=coach, since_at=at, reason=reason)
    CallSummary.objects.filter(plan=plan).update(coach=coach)
    audit.record(
        plan.participant,
        "coach assigned",
        subject=f"staff {coach.pk}",
        old={"coach": old.coach_id} if old else None,
        reason=reason,
        by=by,
        at=at,
    )
    return assignment


def leave(*, study: Study, coach: User, by: Actor, at: datetime) -> int:
    """A coach's role ended: their people wait for another. How many people that is.

    Staff are told wherever anybody is randomised and in the study: whether the coach had people
    would tell an arm.
    """
    left = list(
        CoachAssignment.objects.filter(
            coach=coach, ended_at__isnull=True, plan__study=study, plan__ended_at__isnull=True
        )
        .select_related("plan__participant__study")
        .order_by("pk")
    )
    for assignment in left:
        Participant.standing(assignment.plan.participant_id)
        assignment.ended_at = at
        assignment.save(update_fields=["ended_at"])
        CallSummary.objects.filter(plan=assignment.plan_id, coach=coach).update(coach=None)
        audit.record(
            assignment.plan.participant,
            "coach left",
            subject=f"staff {coach.pk}",
            old={"coach": coach.pk},
            by=by,
            at=at,
        )
    if Participant.objects.filter(study=study, state="randomised").exists():
        _tell_staff(study, at)
    return len(left)


def end_all(participant: Participant, at: datetime) -> None:
    """Withdrawal: no more calls."""
    plan = CoachingPlan.objects.filter(participant=participant, ended_at__isnull=True).first()
    if plan:
        plan.ended_at = at
        plan.save(update_fields=["ended_at"])
        Contact.objects.filter(plan=plan, state="planned").update(state="cancelled")
        summaries.renew(plan)
        audit.record(participant, "contacts ended", subject=participant.code, by=SYSTEM, at=at)
