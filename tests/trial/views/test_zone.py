"""Where a participant is, by the clock: told by themselves, kept with its history, and moving no
date of the study.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from outcomes.models import Schedule
from tests import factories
from tests.conftest import NOW
from trial import actors, audit
from trial.actions import own_details, programme
from trial.models import AuditEvent, Participant
from trial.queries import programme as reads

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3)


def at_the_page(dan: Participant, zone: str):
    client = Client()
    client.force_login(dan.user, backend="django.contrib.auth.backends.ModelBackend")
    with time_machine.travel(LATER, tick=False):
        url = reverse("participant:zone")
        answer = client.post(url, {"timezone": zone, "request_key": str(uuid4())}, follow=True)
    dan.refresh_from_db()
    return answer


def test_a_participant_chooses_a_city_and_what_was_before_is_kept(dan):
    dates = list(Schedule.objects.filter(participant=dan).values_list("opens_at", "closes_at"))
    answer = at_the_page(dan, "America/Paramaribo")
    assert "Paramaribo" in answer.content.decode()
    assert dan.timezone == "America/Paramaribo"
    moments = (NOW, LATER - timedelta(seconds=1), LATER, LATER + timedelta(days=9))
    assert [dan.zone_at(each) for each in moments] == ["Europe/Amsterdam"] * 2 + [
        "America/Paramaribo"
    ] * 2
    assert (
        list(Schedule.objects.filter(participant=dan).values_list("opens_at", "closes_at")) == dates
    )
    event = AuditEvent.objects.get(action="time zone chosen")
    assert "Paramaribo" not in f"{event.old}{event.new}"
    assert audit.verify(dan.study) == []


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Amsterdam", "This is the time zone that we have already."),
        ("Europe/Nowhere", "Select a valid choice"),
    ],
)
def test_the_same_zone_or_none_changes_nothing_and_is_said(dan, zone, told):
    answer = at_the_page(dan, zone)
    assert told in answer.content.decode()
    assert (dan.timezone, dan.earlier_zones) == ("Europe/Amsterdam", [])


def test_an_unknown_zone_is_refused_whoever_asks(dan):
    with pytest.raises(own_details.UnknownZone):
        own_details.choose_zone(
            participant=dan, timezone="../../etc/passwd", by=actors.participant(dan.code), at=LATER
        )


def test_a_lesson_that_is_open_stays_open_for_whoever_travels_west(study):
    dan, by = factories.a_randomised_participant(study, NOW), actors.participant("QM-X")
    first = reads.modules(dan)[0]
    programme.begin_module(participant=dan, module=first.code, by=by, at=NOW)
    programme.finish_module(participant=dan, module=first.code, by=by, at=NOW)
    opens_at = reads.modules(dan)[1].opens_at
    assert opens_at is not None
    dan = own_details.choose_zone(
        participant=dan, timezone="America/Los_Angeles", by=by, at=opens_at
    )
    assert reads.modules(dan)[1].opens_at == opens_at
