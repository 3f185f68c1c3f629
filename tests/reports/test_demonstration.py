"""Who signs in to a demo finds somebody there."""

from __future__ import annotations

import pytest

from coaching_protocol.queries import caseload
from reports import demonstration
from tests import factories
from trial import audit
from trial.models import User

pytestmark = pytest.mark.django_db


def test_the_demo_coach_has_some_of_the_people_and_the_supervisor_sees_all(study, now):
    for _ in range(3):
        factories.a_participant_in(study, "guided", now)
    made = demonstration.logins(study, now)
    of = {login.role: User.objects.filter(email=login.email).first() for login in made}
    everybody = caseload.rows(of["supervisor"], now)
    own = caseload.rows(of["coach"], now)
    assert len(own) == (len(everybody) + 1) // 2
    assert {row.plan.coach_pk for row in own} == {of["coach"].pk}
    assert audit.verify(study) == []
