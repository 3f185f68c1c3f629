"""Phone numbers and addresses in every place that takes them, and those that were stored before."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests import factories
from tests.conftest import NOW
from trial import actors, audit, vault
from trial.actions import contacts, own_details, participants
from trial.contact_details import NotOneAddress, NotOneNumber
from trial.models import AuditEvent, Identity

BY = actors.Actor("system", "renew_contacts")
DAN = "+31612345678"


def as_stored_before(person, phone: str, email: str) -> None:
    """As an earlier version kept them: as typed, and hashed by digits and by small letters."""
    Identity.objects.filter(participant=person).update(
        phone_sealed=person.sealed(phone),
        phone_hash=vault.keyed_hash("phone", "".join(sign for sign in phone if sign.isdigit())),
        email_sealed=person.sealed(email),
        email_hash=vault.keyed_hash("e-mail", email.casefold()),
    )


@pytest.fixture
def dan(study):
    return factories.a_verified_participant(study, NOW)


def test_what_was_stored_before_is_written_and_hashed_anew_once(study, dan):
    as_stored_before(dan, "06 1234 5678", "Dan@Bücher.example")
    assert contacts.renew(by=BY, at=NOW) == {"renewed": 1}
    identity = Identity.objects.get(participant=dan)
    assert (identity.phone, identity.email) == (DAN, "Dan@xn--bcher-kva.example")
    assert identity.phone_hash == vault.phone_hash(DAN)
    assert identity.email_hash == vault.address_hash("dan@bücher.EXAMPLE")
    assert contacts.renew(by=BY, at=NOW) == {"unchanged": 1}
    event = AuditEvent.objects.get(action="contact details written anew")
    assert dan.unsealed(json.loads(event.old)["phone"]) == "06 1234 5678"
    assert dan.unsealed(json.loads(event.new)["phone"]) == DAN
    assert audit.verify(study) == []


def test_what_is_no_number_is_kept_and_counted(dan):
    as_stored_before(dan, "ask my mother", "dan@example.org")
    assert contacts.renew(by=BY, at=NOW) == {"unreadable": 1}
    assert Identity.objects.get(participant=dan).phone == "ask my mother"


def test_two_people_who_come_to_one_address_are_kept_and_counted(study, dan):
    other = factories.a_verified_participant(study, NOW)
    as_stored_before(dan, DAN, "dan@bücher.example")
    as_stored_before(other, "+31687654321", "dan@xn--bcher-kva.example")
    assert contacts.renew(by=BY, at=NOW) == {"clashing": 1, "renewed": 1}
    assert Identity.objects.get(participant=other).email == "dan@xn--bcher-kva.example"


def test_the_command_says_how_many(dan):
    as_stored_before(dan, "0031 6 1234 5678", "dan@example.org")
    out = StringIO()
    call_command("renew_contacts", stdout=out)
    assert out.getvalue().split("\n")[:4] == [
        "renewed: 1",
        "unchanged: 0",
        "unreadable: 0",
        "clashing: 0",
    ]


def test_the_actions_themselves_keep_one_way_to_write_a_number_and_refuse_what_is_none(study, dan):
    own_details.correct_contact(participant=dan_in(dan), phone="(06) 8765 4321", by=BY, at=NOW)
    assert Identity.objects.get(participant=dan).phone == "+31687654321"
    with pytest.raises(own_details.SameNumber):
        own_details.correct_contact(participant=dan, phone="0031 6 87654321", by=BY, at=NOW)
    with pytest.raises(NotOneNumber):
        own_details.correct_contact(participant=dan, phone="06 8765 4321 ext. 3", by=BY, at=NOW)
    fresh = factories.a_screened_participant(study, NOW)
    with pytest.raises(NotOneAddress):
        participants.verify(participant=fresh, name="Dan", email="dan", phone=DAN, by=BY, at=NOW)


def dan_in(person):
    person.state = "consented"
    person.save(update_fields=["state"])
    return person


@pytest.mark.django_db
def test_an_index_finds_the_people_of_a_study_by_number_and_people_by_address():
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Identity._meta.db_table).values()
    columns = [each["columns"] for each in found if each["index"]]
    assert ["study_id", "phone_hash"] in columns
    assert ["email_hash"] in columns


def test_whoever_was_erased_a_moment_ago_is_left_alone(study, dan):
    participants.erase(participant=dan, reason="other", by=BY, at=NOW)
    assert contacts._renewed(dan.pk, BY, NOW) == "unchanged"
    assert AuditEvent.objects.filter(action="contact details written anew").count() == 0
    assert contacts.renew(by=BY, at=NOW) == {}
