"""Looking at an arm is something that happens: with a reason, by somebody, in the trail."""

from __future__ import annotations

import pytest

from randomisation.actions import looks
from tests import factories
from trial import actors
from trial.actions.participants import NotACode
from trial.models import AuditEvent

pytestmark = pytest.mark.django_db
ADA = actors.staff(7, "researcher")


def looks_in_the_trail() -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.filter(action__in=("arm looked at", "all arms looked at"))
    return list(events.values_list("stream", "by", "role"))


def test_a_look_at_one_arm_is_one_event_about_that_person(study, dan, now):
    assert looks.arm_of(participant=dan, reason="adverse_event", by=ADA, at=now) == factories.arm(dan)
    assert looks_in_the_trail() == [(f"{study.slug}/{dan.code}", "staff 7", "researcher")]


def test_the_arm_itself_does_not_stand_in_the_event(dan, now):
    looks.arm_of(participant=dan, reason="adverse_event", by=ADA, at=now)
    event = AuditEvent.objects.get(action="arm looked at")
    assert "guided" not in f"{event.subject} {event.old} {event.new} {event.reason}"


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_without_a_reason_nothing_is_shown(study, dan, now, reason):
    with pytest.raises(looks.ReasonMissing):
        looks.arm_of(participant=dan, reason=reason, by=ADA, at=now)
    with pytest.raises(looks.ReasonMissing):
        looks.arms_of(study=study, reason=reason, by=ADA, at=now)
    assert looks_in_the_trail() == []


def test_the_reason_of_a_look_at_one_person_is_a_code(dan, now):
    with pytest.raises(NotACode):
        looks.arm_of(participant=dan, reason="Dan had a stroke", by=ADA, at=now)
    assert looks_in_the_trail() == []


def test_all_arms_are_one_event(study, now):
    people = [factories.a_randomised_participant(study, now) for _ in range(3)]
    assert looks.arms_of(study=study, reason="the report", by=ADA, at=now) == {
        person.code: factories.arm(person) for person in people
    }
    assert looks_in_the_trail() == [(study.slug, "staff 7", "researcher")]


def test_before_allocation_there_is_nothing_to_see(study, now):
    person = factories.a_consented_participant(study, now)
    assert looks.arm_of(participant=person, reason="mistake", by=ADA, at=now) is None
