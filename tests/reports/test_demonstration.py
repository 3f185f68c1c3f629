"""Who signs in to a demo finds somebody there."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from coaching_protocol.queries import caseload
from reports import demonstration, rehearsing
from tests import factories
from tests.conftest import SMALL
from trial import actors, audit
from trial.actions import programme
from trial.models import User
from trial.queries import people

pytestmark = pytest.mark.django_db


def test_the_demo_coach_has_some_of_the_people_and_the_supervisor_sees_all(study, now):
    for _ in range(3):
        factories.a_participant_in(study, "guided", now)
    made = demonstration.logins(study, now)
    of = {login.role: User.objects.filter(email=login.email).first() for login in made}
    everybody = caseload.of(of["supervisor"], now)
    own = caseload.of(of["coach"], now)
    assert len(own) == (len(everybody) + 1) // 2
    assert {row.plan.coach_pk for row in own} == {of["coach"].pk}
    assert audit.verify(study) == []


def test_the_demo_participant_is_in_the_middle_of_the_lessons(study, now):
    person = factories.a_participant_in(study, "unguided", now)
    address = people.address_of(person)
    by = actors.participant(person.code)
    programme.begin_module(participant=person, module="welcome", by=by, at=now)
    programme.finish_module(participant=person, module="welcome", by=by, at=now)
    [login] = [
        each
        for each in demonstration.logins(study, now + timedelta(days=30))
        if each.role == "participant"
    ]
    assert login == demonstration.Login(
        "participant", address, "(a code by mail)", reverse("account_request_login_code")
    )


def test_the_demo_assessor_finds_whose_questions_are_open(study, now, client):
    dan = factories.a_consented_participant(study, now)
    login = next(each for each in demonstration.logins(study, now) if each.role == "assessor")
    client.force_login(
        User.objects.get(email=login.email), backend="django.contrib.auth.backends.ModelBackend"
    )
    with time_machine.travel(now, tick=False):
        assert dan.code in client.get(reverse("door"), follow=True).content.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stays_open", "state", "asks"), [(True, "open", True), (False, "closed", False)]
)
def test_both_studies_of_the_demo_can_be_joined_and_a_rehearsal_closes_its_own(
    db, client, stays_open, state, asks
):
    """The first of a demo is rehearsed to its end, and stays open for whoever looks."""
    study, _ = rehearsing.run(SMALL, number=2, seed=1, effects={}, stays_open=stays_open)
    assert study.state == state
    assert people.unfinished_count(study) == 0
    page = client.get(reverse("join:information", args=[study.public_slug])).content.decode()
    assert ('id="begin"' in page) == asks
