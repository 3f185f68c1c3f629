"""The address that keeps what is typed: for whom, of whom, and until when."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests import dump
from tests.api import test_pairs as pairs
from tests.conftest import NOW
from trial import actors, audiences
from trial.actions import drafts as actions
from trial.actions import participants, staff
from trial.models import AuditEvent, Draft, Membership, User
from trial.queries import drafts as reads

pytestmark = pytest.mark.django_db
DRAFTS = reverse("drafts")


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


@pytest.fixture
def ben(study) -> Any:
    found = pairs.in_a_call(study)
    user = User.objects.get(pk=found["browser"].session["_auth_user_id"])
    log = reverse("coach:attempt", args=[found["dan"].code, found["attempt"]])
    return type(
        "Ben",
        (),
        {**found, "user": user, "log": log, "about": reads.about_token(user, found["dan"].code)},
    )


def content(
    ben: Any, note: str = "Likes violets", *, key: str = "k", sequence: int = 1, **more: Any
) -> dict[str, Any]:
    fields = {"note": {"was": [""], "value": [note]}}
    owner = audiences.owner(ben.user)
    return {
        "owner": owner,
        "form": ben.log,
        "about": ben.about,
        "title": "Call 1",
        "key": key,
        "sequence": sequence,
        "fields": fields,
        **more,
    }


def put(browser: Client, sent: Any) -> int:
    return browser.put(DRAFTS, json.dumps(sent), content_type="application/json").status_code


def kept(browser: Client, form: str) -> Any:
    found = browser.get(DRAFTS, {"form": form}).json()["draft"]
    return found and {name: each["value"] for name, each in found["fields"].items()}


def test_what_is_typed_is_sealed_for_its_owner_alone_without_an_event(ben, study):
    events = AuditEvent.objects.count()
    assert put(ben.browser, content(ben)) == 200
    assert kept(ben.browser, ben.log) == {"note": ["Likes violets"]}
    assert (Draft.objects.get().about, AuditEvent.objects.count()) == (ben.dan, events)
    assert dump.found(["violets", "Call 1"]) == []
    others = [
        Client(),
        pairs.staff(study, "supervisor")["browser"],
        pairs.staff(study, "researcher")["browser"],
    ]
    assert [other.get(DRAFTS, {"form": ben.log}).status_code for other in others] == [401, 200, 200]
    assert [kept(other, ben.log) for other in others[1:]] == [None, None]
    assert [other.get(DRAFTS).json() for other in others[1:]] == [{"drafts": []}] * 2


def test_what_waits_is_listed_with_the_address_of_its_form(ben):
    put(ben.browser, content(ben))
    place = reads.place(ben.user, ben.log)
    assert ben.browser.get(DRAFTS).json() == {
        "drafts": [{"place": place, "form": ben.log, "title": "Call 1"}]
    }


def test_fields_that_do_not_come_along_stay_and_what_is_as_it_was_is_no_draft(ben):
    put(ben.browser, content(ben))
    minutes = {"minutes": {"was": [""], "value": ["9"]}}
    put(ben.browser, content(ben, key="other tab", fields=minutes))
    assert kept(ben.browser, ben.log) == {"note": ["Likes violets"], "minutes": ["9"]}
    put(ben.browser, content(ben, "", sequence=2))
    assert kept(ben.browser, ben.log) == {"minutes": ["9"]}
    put(ben.browser, content(ben, sequence=3, fields={"minutes": {"was": ["9"], "value": [""]}}))
    assert Draft.objects.count() == 0


def test_an_older_save_of_the_same_page_never_lands_on_a_newer_one(ben):
    put(ben.browser, content(ben, "Newer", sequence=2))
    assert put(ben.browser, content(ben, "Older", sequence=1)) == 200
    assert kept(ben.browser, ben.log) == {"note": ["Newer"]}


def test_once_sent_it_is_gone_and_does_not_come_back_by_a_late_save(ben):
    put(ben.browser, content(ben, key="key-1"))
    answer = ben.browser.post(
        ben.log, {"outcome": "no_answer", "note": "Likes violets", "request_key": "key-1"}
    )
    assert (answer.status_code, Draft.objects.count()) == (302, 0)
    assert put(ben.browser, content(ben, key="key-1", sequence=9)) == 410
    assert Draft.objects.count() == 0
    asked = ben.browser.get(DRAFTS, {"place": "x", "about": ben.about, "sent": "key-1"}).json()
    assert asked["is_sent"] is True


def test_a_form_that_was_not_taken_stays_a_draft(ben):
    put(ben.browser, content(ben, key="key-1"))
    assert ben.browser.post(
        ben.log, {"note": "Likes violets", "request_key": "key-1"}
    ).status_code in {200, 400}
    number = reverse("coach:number", args=[ben.dan.code])
    typed = {
        "note": "Likes violets",
        "request_key": "key-1",
        "number_key": "n",
        "attempt": ben.attempt,
    }
    assert ben.browser.post(number, typed).status_code == 200
    assert kept(ben.browser, ben.log) == {"note": ["Likes violets"]}


def test_it_can_be_given_up_by_its_owner_alone(ben, study):
    put(ben.browser, content(ben))
    place = reads.place(ben.user, ben.log)
    other = pairs.staff(study, "supervisor")
    owner = audiences.owner(User.objects.get(pk=other["browser"].session["_auth_user_id"]))
    for browser, whose, left in (
        (other["browser"], owner, 1),
        (ben.browser, audiences.owner(ben.user), 0),
    ):
        sent = json.dumps({"owner": whose, "place": place})
        assert browser.delete(DRAFTS, sent, content_type="application/json").status_code == 200
        assert Draft.objects.count() == left


def test_a_page_of_somebody_else_saves_nothing_here(ben, study):
    eva = pairs.staff(study, "supervisor")["browser"]
    assert put(eva, content(ben)) == 409
    assert Draft.objects.count() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "x",
        3,
        None,
        {"form": "/nowhere/at/all/"},
        {"form": "https://elsewhere.example/"},
        {"form": 3},
        {"form": "/" + "x" * 600},
        {"fields": []},
        {"fields": {"note": "x"}},
        {"fields": {"note": {"was": "", "value": [""]}}},
        {"fields": {"note": {"was": [3], "value": [""]}}},
        {"sequence": "1"},
        {"sequence": -1},
        {"sequence": 2**60},
    ],
)
def test_what_has_another_shape_is_refused(wrong, ben):
    assert put(ben.browser, {**content(ben), **wrong} if isinstance(wrong, dict) else wrong) in {
        400,
        409,
    }
    assert ben.browser.put(DRAFTS, b"{" * 5000, content_type="application/json").status_code == 400
    assert Draft.objects.count() == 0


def test_half_an_emoji_and_a_nul_are_left_out_and_too_much_is_refused(ben):
    assert put(ben.browser, content(ben, "a\x00b\ud83dc")) == 200
    assert kept(ben.browser, ben.log) == {"note": ["abc"]}
    assert put(ben.browser, content(ben, "x" * (actions.LONGEST + 1), sequence=2)) == 413


def test_the_key_of_a_device_belongs_to_one_person_one_form_and_whom_it_is_about(ben, study):
    eva = pairs.staff(study, "supervisor")["browser"]
    place = reads.place(ben.user, ben.log)

    def key(browser: Client, place: str, about: str = ben.about) -> str:
        return browser.get(DRAFTS, {"place": place, "about": about}).json()["key"]

    own = key(ben.browser, place)
    assert own == ben.browser.get(DRAFTS, {"form": ben.log, "about": ben.about}).json()["key"]
    assert len({own, key(eva, place), key(ben.browser, "other"), key(ben.browser, place, "")}) == 4
    participants.erase(participant=ben.dan, reason="other", by=actors.SYSTEM, at=NOW)
    assert key(ben.browser, place) != own


def test_erasing_somebody_takes_along_what_others_typed_about_them_and_what_they_typed(ben):
    put(ben.browser, content(ben))
    dan = Client()
    dan.force_login(ben.dan.user)
    phone = reverse("participant:phone")
    sent = {**content(ben), "owner": audiences.owner(ben.dan.user), "form": phone, "about": ""}
    assert put(dan, sent) == 200
    assert set(Draft.objects.values_list("about", flat=True)) == {ben.dan.pk}
    participants.erase(participant=ben.dan, reason="other", by=actors.SYSTEM, at=NOW)
    assert Draft.objects.count() == 0
    assert put(ben.browser, content(ben, sequence=2)) == 410


def test_it_goes_with_the_last_role_in_the_study_and_after_thirty_days(ben, study):
    put(ben.browser, content(ben))
    assert actions.forget_old(NOW + timedelta(days=30)) == 0
    member = Membership.objects.get(user=ben.user)
    other = staff.join(study=study, user=ben.user, role="supervisor", by=actors.SYSTEM, at=NOW)
    staff.end_role(membership=other, by=actors.SYSTEM, at=NOW)
    assert Draft.objects.count() == 1
    staff.end_role(membership=member, by=actors.SYSTEM, at=NOW)
    assert Draft.objects.count() == 0
    put(ben.browser, content(ben))
    assert actions.forget_old(NOW + timedelta(days=30, seconds=1)) == 1


def test_nobody_keeps_more_than_a_hundred(ben):
    for number in range(actions.MOST + 2):
        put(ben.browser, content(ben, form=f"{ben.log}?n={number}"))
    assert Draft.objects.count() == actions.MOST
