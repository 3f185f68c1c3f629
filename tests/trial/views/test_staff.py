"""The room of all staff: what takes two people, seen by the one who asks, the one who may agree,
and everybody else.
"""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.conftest import NOW
from trial import actors
from trial.actions import studies
from trial.models import Invitation, Membership, Participant, Proposal, Study

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def an_hour_later():
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def live(study):
    """A live study in which somebody was allocated a moment ago; Ben, its coach, was there
    before.
    """
    Study.objects.filter(pk=study.pk).update(simulated=False)
    study.refresh_from_db()
    Participant.objects.filter(pk=factories.a_screening_participant(study, NOW).pk).update(
        randomised_at=LATER
    )
    return study


def signed_in(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ada(live, staff):
    return signed_in(staff("researcher"))


@pytest.fixture
def ben(live):
    return signed_in(Membership.objects.get(role="coach").user)


def text(answer):
    plain = re.sub(
        r"<[^>]+>", " ", re.sub(r"(?s)<(style|script).*?</\1>", " ", answer.content.decode())
    )
    return " ".join(plain.split())


def key():
    return {"request_key": str(uuid4())}


def invites(client, role="supervisor"):
    return client.post(
        reverse("research:invite", args=["small-study"]),
        {"email": "new@example.org", "role": role, **key()},
        follow=True,
    )


def test_whoever_asks_reads_that_it_waits_and_can_take_it_back(ada, ben):
    said = text(invites(ada))
    assert (
        "Asked, and mailed to all staff. The invitation goes out when a second person agrees."
        in said
    )
    assert "new@example.org supervisor Mon 2 Mar 2026 waits for a second person" in said
    one = reverse("staff:agreement", args=[Proposal.objects.get().pk])
    shown = text(ada.get(one))
    assert "Ada Visser asks that new@example.org works on the study as supervisor." in shown
    assert (
        "Who can agree Ben Smit If nobody says anything it is over, Mon 16 Mar 2026, 12:00" in shown
    )
    assert "the software cannot" in shown
    assert ada.post(one, {"is_agreed": "yes", **key()}).status_code == 409
    ada.post(one, {"is_agreed": "no", **key()})
    assert "Taken back by Ada Visser" in text(ada.get(one))
    assert Invitation.objects.get().withdrawn_at == LATER


def test_the_second_person_agrees_on_a_page_that_any_role_can_open(ada, ben):
    invites(ada)
    listed = text(ben.get(reverse("staff:agreements")))
    assert "works on the study as supervisor. small-study , Mon 2 Mar 2026: waits" in listed
    one = reverse("staff:agreement", args=[Proposal.objects.get().pk])
    unread = ben.post(one, key())
    assert unread.status_code == 400
    sent = {"is_agreed": "yes", **key()}
    for _ in range(2):
        assert ben.post(one, sent).status_code == 302
    assert "Ben Smit agreed" in text(ben.get(one))
    assert Invitation.objects.get().offered_at == LATER


def test_somebody_new_can_only_say_no(ada, ben, live):
    invites(ada)
    new = signed_in(factories.a_staff_member(live, "coach", "Bea Bos", LATER))
    one = reverse("staff:agreement", args=[Proposal.objects.get().pk])
    shown = new.get(one)
    assert (
        "You can say no. To agree takes somebody who had a role before the first allocation"
        in text(shown)
    )
    assert 'value="yes"' not in shown.content.decode()
    refused = new.post(one, {"is_agreed": "yes", **key()})
    assert refused.status_code == 409
    assert "You can say no, but not agree" in text(refused)
    new.post(one, {"is_agreed": "no", **key()})
    assert "Bea Bos did not agree" in text(ada.get(one))


def test_where_nobody_could_agree_the_page_says_when_it_takes_effect(ada):
    Membership.objects.filter(role="coach").delete()
    said = text(invites(ada))
    assert (
        "the invitation goes out on Tue 3 Mar 2026, 12:00 unless one of them says no before" in said
    )
    one = reverse("staff:agreement", args=[Proposal.objects.get().pk])
    assert (
        "Who can agree nobody on the staff If nobody says anything it takes effect, Tue 3 Mar "
        "2026, 12:00" in text(ada.get(one))
    )


def test_the_page_of_staff_says_how_each_role_was_given_and_what_the_rule_is(ada, study):
    shown = text(ada.get(reverse("research:staff", args=["small-study"])))
    assert "Before the first allocation one person of each role needs nobody else." in shown
    assert (
        "Nobody but you can know whether two addresses belong to one person: the software cannot."
        in shown
    )
    Study.objects.update(simulated=True)
    assert "In a live study a second person would have to agree." in text(
        ada.get(reverse("research:staff", args=["small-study"]))
    )


def test_the_room_is_shut_to_participants_and_to_what_others_are_asked(ada, ben, live):
    invites(ada)
    one = reverse("staff:agreement", args=[Proposal.objects.get().pk])
    dan = factories.a_verified_participant(live, NOW)
    stranger = factories.a_staff_member(live, "coach", "Bea Bos", NOW)
    Membership.objects.filter(user=stranger).update(ended_at=NOW)
    for user in (dan.user, stranger):
        assert signed_in(user).get(reverse("staff:agreements")).status_code == 404
        assert signed_in(user).get(one).status_code == 404


def test_nothing_was_asked_yet(ben):
    assert "Nothing was asked yet" in text(ben.get(reverse("staff:agreements")))


def test_the_page_of_the_state_says_that_a_lock_waits(ada, live, staff):
    studies.close(study=live, by=actors.SYSTEM, at=NOW)
    Participant.objects.update(randomised_at=None)
    finn = signed_in(staff("statistician"))
    state = reverse("research:state", args=["small-study"])
    assert "A second person has to agree. All staff get a mail." in text(finn.get(state))
    lock = {"reason": "All in", "sure": "on"}
    said = text(
        finn.post(reverse("research:lock", args=["small-study"]), {**lock, **key()}, follow=True)
    )
    assert "Nothing is locked before a second person agrees." in said
    assert "Asked on Mon 2 Mar 2026, 12:00. It waits for a second person." in said
    again = text(
        finn.post(reverse("research:lock", args=["small-study"]), {**lock, **key()}, follow=True)
    )
    assert "The same was asked before and waits for a second person." in again
    ada.post(
        reverse("staff:agreement", args=[Proposal.objects.get().pk]), {"is_agreed": "yes", **key()}
    )
    live.refresh_from_db()
    assert live.state == "locked"
