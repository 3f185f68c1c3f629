"""The front page, as whoever watches whether the site is up asks for it, and the door behind it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.conftest import NOW
from trial import actors
from trial.actions import staff as actions

pytestmark = pytest.mark.django_db


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_front_page_answers_to_head():
    answer = Client().head(reverse("front"))
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("role", "room"),
    [
        ("researcher", "research:studies"),
        ("statistician", "research:studies"),
        ("supervisor", "research:studies"),
        ("coach", "coach:caseload"),
        ("assessor", "assessor:due"),
    ],
)
def test_after_signing_in_each_is_led_to_the_room_of_their_role(study, staff, role, room):
    assert signed_in(staff(role)).get(reverse("door")).url == reverse(room)


def test_after_signing_in_a_participant_is_led_to_their_own_room(study):
    dan = factories.a_verified_participant(study, NOW)
    assert signed_in(dan.user).get(reverse("door")).url == reverse("participant:home")


def test_whoever_has_no_role_any_more_is_told_so(study, staff):
    cleo = staff("assessor")
    actions.end_role(membership=cleo.memberships.get(), by=actors.SYSTEM, at=NOW)
    answer = signed_in(cleo).get(reverse("door"))
    assert (answer.status_code, [each.name for each in answer.templates][:1]) == (
        200,
        ["public/no_room.html"],
    )
