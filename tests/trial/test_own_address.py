"""Somebody corrects their name or the address they sign in with; the old address is told, and can
take it back.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests import dump, factories, smtp
from tests.api import clients
from tests.conftest import NOW
from trial import actors, audit
from trial import mail as trial_mail
from trial.actions import deliveries, messages, own_address, participants
from trial.models import AddressChange, Alert, AuditEvent, Identity, Message
from trial.queries import messages as ledger
from trial.queries.addresses import participant_at
from trial.worker import tick

NEW = "dan.new@example.org"


@pytest.fixture(autouse=True)
def clock(db):
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()
        yield clock


def at_home(person) -> Client:
    client = Client()
    client.force_login(person.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(name: str) -> str:
    return reverse(f"participant:{name}")


def code() -> str:
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0]


def other_than(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06d}"


def address_of(person) -> str:
    return Identity.objects.get(participant=person).email


def asked(person, email: str = NEW, key: str = "ask") -> Client:
    client = at_home(person)
    assert client.post(url("address"), {"email": email, "request_key": key}).url == url(
        "address_code"
    )
    return client


def changed(person, email: str = NEW, key: str = "change") -> AddressChange:
    by = actors.participant(person.code)
    return own_address.change(participant=person, email=email, key=key, by=by, at=NOW)


def link(made: AddressChange) -> str:
    return reverse("take_back_address", args=[own_address.token_of(made)])


def test_an_address_changes_once_a_code_that_went_to_it_is_entered(dan):
    old = address_of(dan)
    client = asked(dan, "Dan <Dan.New@EXAMPLE.org>")
    assert mail.outbox[-1].to == ["Dan.New@example.org"]
    assert address_of(dan) == old
    entered = {"code": code(), "request_key": "enter"}
    assert [client.post(url("address_code"), entered).url for _ in range(2)] == [
        url("data"),
        url("address"),
    ]
    assert address_of(dan) == "Dan.New@example.org"
    assert (participant_at(NEW), participant_at(old)) == (dan, None)
    assert AddressChange.objects.count() == 1
    assert (
        "Dan.New@example.org" in client.get(url("data")).content.decode()
    )  # whoever changed it stays signed in


def test_the_trail_says_that_it_changed_and_not_what(study, dan):
    old = address_of(dan)
    changed(dan)
    event = AuditEvent.objects.get(action="e-mail address changed")
    assert (event.old, event.new, event.reason) == ("", "", "")
    assert dump.found([old, NEW]) == []
    assert audit.verify(study) == []


def test_a_wrong_code_changes_nothing_and_the_sixth_try_is_over(dan):
    client, right = asked(dan), code()
    sent = [{"code": other_than(right), "request_key": f"{number}"} for number in range(6)]
    pages = [client.post(url("address_code"), each).content.decode() for each in sent]
    assert ["This is not the code" in page for page in pages] == [True] * 5 + [False]
    assert "no longer works" in client.post(url("address_code"), {"code": right}).content.decode()
    assert AddressChange.objects.count() == 0


def test_a_new_code_takes_the_place_of_the_first(dan):
    client, first = asked(dan), code()
    assert client.post(
        url("address_code"), {"action": "resend", "request_key": "again"}
    ).url == url("address_code")
    second = code()
    assert len(mail.outbox) == 2
    if first != second:
        assert (
            "This is not the code"
            in client.post(url("address_code"), {"code": first}).content.decode()
        )
    assert client.post(url("address_code"), {"code": second}).url == url("data")


def test_an_address_of_somebody_else_looks_the_same_and_no_code_is_right(study, dan):
    other = factories.a_verified_participant(study, NOW)
    asked(dan, address_of(other))
    assert mail.outbox[-1].to == [address_of(other)]
    assert not re.search(r"\b\d{6}\b", mail.outbox[-1].body)
    with pytest.raises(participants.AddressInUse):
        changed(dan, address_of(other))
    assert AddressChange.objects.count() == 0


def test_the_old_address_is_told_at_once_and_takes_it_back_with_everything_after_it(
    study, dan, clock
):
    old, intruder = address_of(dan), at_home(dan)
    first = changed(dan)
    changed(dan, "third@example.org", "and once more")
    clock.move_to(NOW.replace(hour=23))
    tick(NOW.replace(hour=23), seal=False)
    told = {each.to[0]: each.body for each in mail.outbox}
    assert set(told) == {old, NEW}
    assert link(first) in told[old]
    assert NEW not in told[old]
    clock.shift(timedelta(days=6))
    visitor = Client()
    assert "Take the change back" in visitor.get(link(first)).content.decode()
    assert address_of(dan) == "third@example.org"  # looking changes nothing
    assert "You sign in with this address again" in visitor.post(link(first)).content.decode()
    assert address_of(dan) == old
    assert intruder.get(url("data")).status_code == 302  # signed out
    assert AddressChange.objects.filter(taken_back_at__isnull=True).count() == 0
    assert (visitor.get(link(first)).status_code, visitor.post(link(first)).status_code) == (
        410,
        200,
    )
    assert AuditEvent.objects.filter(action="e-mail address change taken back").count() == 1


def test_a_change_that_stands_is_told_once_and_an_undone_one_not_at_all(study, dan):
    made = changed(dan)
    Client().post(link(made))
    tick(NOW, seal=False)
    assert mail.outbox == []


@pytest.fixture
def host(settings):
    with smtp.running() as running:
        smtp.use(settings, running.port)
        yield running


def test_an_old_mailbox_that_is_gone_says_nothing_of_the_new_one(study, dan, host):
    host.answers[address_of(dan)] = "550 no such mailbox"
    changed(dan)
    tick(NOW, seal=False)
    told = Message.objects.get(kind="address_changed")
    assert (told.state, told.problem) == ("failed", "address")
    assert not Alert.objects.filter(kind__in=["mail_unreached", "mail_stuck"]).exists()
    assert [list(ledger.unreached(study, knows_arms=knows)) for knows in (True, False)] == [[], []]
    with pytest.raises(messages.NothingToSend):
        messages.send_all_again(
            participant=dan, knows_arm=True, key="k", by=actors.staff(1, "supervisor"), at=NOW
        )


def test_the_old_address_is_told_after_days_without_mail_and_not_once_it_is_too_late(
    study, dan, settings, clock
):
    old = address_of(dan)
    changed(dan)
    changed(dan, "third@example.org", "and once more")
    first, _ = Message.objects.filter(kind="address_changed").order_by("pk")
    deliveries.give_up(NOW, NOW + timedelta(days=2))
    assert set(Message.objects.filter(kind="address_changed").values_list("state", flat=True)) == {
        "queued"
    }
    clock.shift(timedelta(days=7) - timedelta(seconds=1))
    with trial_mail.door() as door:
        assert deliveries.deliver(first, door, NOW + timedelta(days=7) - timedelta(seconds=1))
        [other] = Message.objects.filter(kind="address_changed", state="queued")
        assert not deliveries.deliver(other, door, NOW + timedelta(days=7))
        other.refresh_from_db()
        assert other.state == "cancelled"
    assert [each.to for each in mail.outbox] == [[old]]


def test_after_seven_days_or_with_another_link_nothing_is_taken_back(dan, clock):
    made = changed(dan)
    assert Client().get(reverse("take_back_address", args=["another"])).status_code == 410
    clock.shift(timedelta(days=7))
    assert Client().post(link(made)).status_code == 410
    assert address_of(dan) == NEW


def test_an_old_address_that_somebody_else_has_by_now_is_not_taken_back(study, dan):
    old, made = address_of(dan), changed(dan)
    changed(factories.a_verified_participant(study, NOW), old)
    answer = Client().post(link(made))
    assert (answer.status_code, "Somebody else has this address" in answer.content.decode()) == (
        409,
        True,
    )
    assert address_of(dan) == NEW


def test_a_code_that_waits_at_the_old_address_lets_nobody_in_after_a_change(dan):
    client = Client()
    client.post(
        reverse("account_request_login_code"), {"email": address_of(dan), "request_key": "k"}
    )
    waiting = code()
    changed(dan)
    page = client.post(reverse("account_confirm_login_code"), {"code": waiting})
    assert "This is not the code" in page.content.decode()


def test_erasing_somebody_erases_the_addresses_they_had(study, dan):
    made = changed(dan)
    participants.erase(participant=dan, reason="other", by=actors.SYSTEM, at=NOW)
    assert AddressChange.objects.count() == 0
    assert Client().get(link(made)).status_code == 410
    tick(NOW, seal=False)
    assert mail.outbox == []


def test_a_name_is_put_right_and_what_was_signed_stays(dan):
    client = at_home(dan)
    sent = {"name": "Danïel Jansen", "request_key": "k"}
    assert [client.post(url("name"), sent).url for _ in range(2)] == [url("data")] * 2
    assert "Danïel Jansen" in client.get(url("data")).content.decode()
    event = AuditEvent.objects.get(action="name corrected")
    assert "Jansen" not in f"{event.old} {event.new}"
    again = client.post(url("name"), {"name": "Danïel Jansen", "request_key": "other"})
    assert "This is the name that we have already." in again.content.decode()
    assert client.post(url("name"), {"name": " "}).context["form"].errors.keys() == {"name"}


def test_by_the_api_name_and_address_are_read_and_put_right(dan):
    client = clients.of(dan)
    assert client.put("name/", {"name": "Daniel"}, key="n").status_code == 200
    assert client.get("name/").json() == {"name": "Daniel"}
    assert client.post("address/", {"email": f"mailto:{NEW}"}, key="a").status_code == 200
    right = code()
    wrong = client.post("address/code/", {"email": NEW, "code": other_than(right)})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "code_wrong")
    for _ in range(2):
        assert (
            client.post("address/code/", {"email": NEW, "code": right}, key="c").status_code == 200
        )
    assert client.get("address/").json() == {"email": NEW}
    other = client.post("address/code/", {"email": "x@example.org", "code": right})
    assert (other.status_code, other.json()["code"]) == (410, "code_over")


@pytest.mark.parametrize("name", ["name", "address", "address_code"])
def test_whoever_is_not_in_the_study_is_led_home(study, name):
    gone = factories.a_verified_participant(study, NOW)
    assert at_home(gone).get(url(name)).url == url("home")
