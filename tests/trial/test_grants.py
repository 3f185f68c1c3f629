"""Access: given once, opened when its time has come, ended on leaving."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import factories
from trial import actors
from trial.actions import grants, milestones
from trial.grants import Grant
from trial.models import AuditEvent, Milestone

pytestmark = pytest.mark.django_db


def test_each_arm_is_given_what_the_folder_says(study, now):
    for arm in study.current.protocol.arms:
        person = factories.a_participant_in(study, arm.code, now)
        given = set(Grant.objects.filter(participant=person).values_list("kind", "code"))
        assert given == {(grant.kind, grant.code) for grant in arm.grants}


def test_giving_twice_gives_once(study, now):
    dan = factories.a_participant_in(study, "unguided", now)
    before = Grant.objects.count()
    assert (
        grants.give(
            participant=dan, access=[("programme", "mornings", None)], by=actors.SYSTEM, at=now
        )
        == []
    )
    assert Grant.objects.count() == before


def test_the_trail_says_that_access_was_granted_and_seals_which(study, now):
    dan = factories.a_participant_in(study, "guided", now)
    events = AuditEvent.objects.filter(
        stream=f"{study.slug}/{dan.code}", action="access granted"
    ).order_by("number")
    values = [json.loads(event.new) for event in events]
    assert [sorted(value) for value in values] == [["sealed"]] * 3
    assert {dan.unsealed(value["sealed"]) for value in values} == {
        "assessments:everyone",
        "coaching:support",
        "programme:mornings",
    }


def test_a_delayed_grant_opens_on_its_day_and_not_before(study, now):
    dan = factories.a_participant_in(study, "unguided", now)
    later = {"anchor": "randomised", "days": 10}
    (grant,) = grants.give(
        participant=dan, access=[("programme", "later", later)], by=actors.SYSTEM, at=now
    )
    assert grant.opens_at is None

    assert grants.open_due(dan, now + timedelta(days=9)) == (
        False,
        now.replace(hour=5) + timedelta(days=10),
    )
    assert Grant.objects.get(pk=grant.pk).opens_at is None
    assert grants.open_due(dan, now + timedelta(days=10)) == (True, None)
    assert Grant.objects.get(pk=grant.pk).opens_at == now.replace(hour=5) + timedelta(
        days=10
    )  # 06:00 in Amsterdam


def test_finishing_the_programme_is_a_milestone_once(study, now):
    dan = factories.a_participant_in(study, "unguided", now)
    for day in (20, 21):
        grants.finish_programme(participant=dan, by=actors.SYSTEM, at=now + timedelta(days=day))
    found = Milestone.objects.filter(participant=dan, name="programme_finished")
    assert [milestone.reached_at for milestone in found] == [now + timedelta(days=20)]


def test_of_what_waits_the_next_day_that_matters_is_known(study, now):
    dan = factories.a_participant_in(study, "unguided", now)
    opens = [
        {"anchor": "randomised", "days": 20},
        {"anchor": "programme_finished", "days": 0, "at_the_latest": 30},
        {"anchor": "randomised", "days": 10},
    ]
    access = [("programme", f"later{number}", each) for number, each in enumerate(opens)]
    grants.give(participant=dan, access=access, by=actors.SYSTEM, at=now)
    morning = now.replace(hour=5)
    assert grants.open_due(dan, now) == (False, morning + timedelta(days=10))
    assert grants.open_due(dan, now + timedelta(days=20)) == (
        False,
        (morning + timedelta(days=30)).replace(hour=4),
    )
    grants.finish_programme(participant=dan, by=actors.SYSTEM, at=now + timedelta(days=21))
    assert grants.open_due(dan, now + timedelta(days=21)) == (True, None)


def test_a_milestone_is_reached_once_and_the_first_time_counts(study, now):
    dan = factories.a_randomised_participant(study, now)
    reached = [
        milestones.reach(participant=dan, name="x", by=actors.SYSTEM, at=now + timedelta(days=day))
        for day in (1, 2)
    ]
    assert [each.pk for each in reached] == [reached[0].pk] * 2
    assert milestones.reached(dan)["x"] == now + timedelta(days=1)
    assert AuditEvent.objects.filter(action="milestone reached", subject="x").count() == 1
