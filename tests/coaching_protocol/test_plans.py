"""Who gets which coach: fewest people first, then by turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coaching_protocol.actions import plans
from coaching_protocol.models import CoachAssignment, CoachingPlan
from coaching_protocol.queries import caseload
from tests import factories
from trial import actors, audit
from trial.actions import participants
from trial.actions import staff as staff_actions
from trial.actions.participants import NotACode
from trial.models import Alert, AuditEvent, Membership

LIVING_POSITIVE = Path(__file__).resolve().parents[2] / "trial" / "studies" / "living-positive"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def ben(study):
    return Membership.objects.get(study=study, role="coach").user


def the_next(study, minutes: int):
    """Somebody who is called is allocated `minutes` after now; their coach."""
    before = CoachingPlan.objects.count()
    while CoachingPlan.objects.count() == before:
        factories.a_randomised_participant(study, NOW + timedelta(minutes=minutes))
    return CoachAssignment.objects.order_by("-pk")[0]


def test_newcomers_go_round_the_coaches_by_turn(study, staff, ben):
    gijs, hana = staff("coach", "Gijs"), staff("coach", "Hana")
    given = [the_next(study, minutes).coach for minutes in range(7)]
    assert given == [ben, gijs, hana, ben, gijs, hana, ben]


def test_whoever_has_the_fewest_people_comes_before_whose_turn_it_is(study, staff, ben):
    gijs = staff("coach", "Gijs")
    first, _second, _third = (the_next(study, minutes) for minutes in range(3))  # Ben, Gijs, Ben
    assert the_next(study, 3).coach == gijs  # two each: it is Ben's turn
    participants.withdraw(
        participant=CoachAssignment.objects.filter(coach=gijs).first().plan.participant,
        by=actors.SYSTEM,
        at=NOW,
    )
    assert the_next(study, 4).coach == gijs  # one against two
    assert the_next(study, 5).coach == ben
    assert first.coach == ben


def test_a_coach_whose_role_ended_gets_nobody(study, staff, ben):
    gijs = staff("coach", "Gijs")
    Membership.objects.filter(user=ben).update(ended_at=NOW)
    assert [the_next(study, minutes).coach for minutes in range(2)] == [gijs, gijs]


def test_only_a_coach_of_the_study_is_given_people(study, staff, ben):
    plan = the_next(study, 0).plan
    with pytest.raises(plans.NotACoach):
        plans.reassign(
            plan=plan, coach=staff("researcher"), reason="left", by=actors.SYSTEM, at=NOW
        )
    with pytest.raises(plans.SameCoach):
        plans.reassign(plan=plan, coach=ben, reason="left", by=actors.SYSTEM, at=NOW)
    with pytest.raises(NotACode):
        plans.reassign(plan=plan, coach=ben, reason="Ben fell ill", by=actors.SYSTEM, at=NOW)
    assert CoachAssignment.objects.filter(plan=plan).count() == 1


def test_somebody_without_a_coach_is_given_one(study, staff, ben):
    plan = the_next(study, 0).plan
    CoachAssignment.objects.filter(plan=plan).update(ended_at=NOW)
    gijs = staff("coach", "Gijs")
    plans.reassign(plan=plan, coach=gijs, reason="first", by=actors.SYSTEM, at=NOW)
    assert [each.coach for each in CoachAssignment.objects.filter(plan=plan, ended_at=None)] == [
        gijs
    ]


def test_where_there_is_no_coach_the_person_waits_and_staff_are_told(study, ben):
    Membership.objects.filter(user=ben).update(ended_at=NOW)
    dan = factories.a_participant_in(study, "guided", NOW)
    assert CoachAssignment.objects.filter(plan__participant=dan).count() == 0
    assert list(Alert.objects.values_list("participant", "kind", "state")) == [
        (None, "no_coach", "raised")
    ]


def ended(study, coach) -> Membership:
    membership = Membership.objects.get(study=study, user=coach, role="coach")
    return staff_actions.end_role(membership=membership, by=actors.staff(1, "researcher"), at=NOW)


def test_when_a_coachs_role_ends_their_people_wait_for_another_and_staff_are_told_without_telling_whom(  # noqa: E501
    study, ben
):
    plan = the_next(study, 0).plan
    ended(study, ben)
    assert list(CoachAssignment.objects.filter(plan=plan).values_list("coach", "ended_at")) == [
        (ben.pk, NOW)
    ]
    assert list(Alert.objects.values_list("participant", "kind", "subject_ref", "state")) == [
        (None, "no_coach", NOW.date().isoformat(), "raised")
    ]
    event = AuditEvent.objects.get(action="coach left")
    assert (event.stream, event.old) == (
        f"{study.slug}/{plan.participant.code}",
        f'{{"coach":{ben.pk}}}',
    )
    assert audit.verify(study) == []


def test_a_supervisor_finds_them_among_the_people_without_a_coach_and_gives_them_another(
    study, staff, ben
):
    plan, eva = the_next(study, 0).plan, staff("supervisor")
    gijs = staff("coach", "Gijs")
    ended(study, ben)
    assert [row.plan for row in caseload.of(eva, NOW, "none")] == [plan]
    plans.reassign(plan=plan, coach=gijs, reason="left", by=actors.SYSTEM, at=NOW)
    assert list(caseload.of(eva, NOW, "none")) == []


def test_that_a_coach_left_is_told_with_people_or_without_and_of_no_other_role(study, staff, ben):
    """Were it told of a coach with people alone, a study with one person would tell the arm."""
    plan = the_next(study, 0).plan
    participants.withdraw(participant=plan.participant, by=actors.SYSTEM, at=NOW)
    ended(study, ben)
    eva = staff("supervisor")
    staff_actions.end_role(membership=Membership.objects.get(user=eva), by=actors.SYSTEM, at=NOW)
    assert [alert.kind for alert in Alert.objects.all()] == ["no_coach"]
    assert AuditEvent.objects.filter(action="coach left").count() == 0


def test_a_coach_of_two_studies_who_leaves_one_keeps_the_people_of_the_other(study, ben):
    plan = the_next(study, 0).plan
    other = factories.a_loaded_study(LIVING_POSITIVE, NOW)
    staff_actions.join(study=other, user=ben, role="coach", by=actors.SYSTEM, at=NOW)
    ended(other, ben)
    assert (CoachAssignment.objects.get(plan=plan).ended_at, Alert.objects.count()) == (None, 0)
