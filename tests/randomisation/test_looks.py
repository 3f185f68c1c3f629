"""Looking at the arms is something that happens: with a reason, by somebody, in the trail."""

from __future__ import annotations

import pytest

from randomisation.actions import looks
from tests import factories
from trial import actors
from trial.models import AuditEvent

pytestmark = pytest.mark.django_db
ADA = actors.staff(7, "researcher")


def looks_in_the_trail() -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.filter(action="all arms looked at")
    return list(events.values_list("stream", "by", "role"))


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_without_a_reason_nothing_is_shown(study, now, reason):
    with pytest.raises(looks.ReasonMissing):
        looks.look(study=study, reason=reason, by=ADA, at=now)
    assert looks_in_the_trail() == []


def test_all_arms_are_one_event(study, now):
    people = [factories.a_randomised_participant(study, now) for _ in range(3)]
    look = looks.look(study=study, reason="the report", by=ADA, at=now)
    assert looks.arms(look) == {person.code: factories.arm(person) for person in people}
    assert looks_in_the_trail() == [(study.slug, "staff 7", "researcher")]
