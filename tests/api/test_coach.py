from __future__ import annotations

import pytest

from coaching_protocol.actions import summaries
from coaching_protocol.models import Attempt, CoachingPlan, Contact
from tests import factories
from tests.api.clients import Client, a_key
from trial import actors
from trial.actions import participants
from trial.models import AuditEvent, Participant

pytestmark = pytest.mark.django_db


@pytest.fixture
def dan(study, now):
    return factories.a_participant_in(study, "guided", now, sex="m")


@pytest.fixture
def ben(study):
    return Client(study.memberships.get(role="coach").user)


def test_the_caseload_names_whom_to_call_and_nothing_of_scores_or_arms(study, dan, ben):
    rows = [
        each for each in ben.get("caseload/").json()["results"] if each["participant"] == dan.code
    ]
    assert rows == [
        {
            "participant": dan.code,
            "study": "small-study",
            "group": "week",
            "number": 1,
            "opens_on": rows[0]["opens_on"],
            "closes_on": rows[0]["closes_on"],
            "appointment_at": None,
            "held": 0,
            "total": 3,
            "coach": "Ben Smit",
            "was_tried_today": False,
            "has_wrong_number": False,
        }
    ]
    person = ben.get(f"caseload/{dan.code}/").json()
    assert [step["code"] for step in person["protocol"]["steps"]] == [
        "greet",
        "look-back",
        "next-step",
    ]
    assert sorted(person) == sorted([*rows[0], "protocol", "calls", "modules"])
    assert "guided" not in str(person).lower().replace("weekly support", "")


def test_whoever_has_completed_and_has_no_call_left_is_read_and_not_listed(dan, ben, now):
    Contact.objects.filter(plan__participant=dan).update(state="held")
    summaries.renew(CoachingPlan.objects.get(participant=dan))
    Participant._base_manager.filter(pk=dan.pk).update(completed_at=now)
    person = ben.get(f"caseload/{dan.code}/").json()
    assert (person["group"], person["number"], person["held"]) == ("finished", None, 3)
    assert dan.code not in str(ben.get("caseload/").json())


def test_the_whole_job_number_start_log_and_the_next_appointment(study, dan, ben):
    details = ben.post(f"caseload/{dan.code}/show-number/").json()
    assert (details["name"], details["call_times"]) == ("Dan Jansen", ["mon-evening"])
    assert details["phone"] == dan.identity.phone

    path = f"caseload/{dan.code}/contacts/1/"
    assert (
        ben.post(f"{path}log/", {"outcome": "reached", "minutes": 5}).json()["code"]
        == "call_not_started"
    )
    ben.post(f"{path}start/")
    bad = [
        {},
        {"outcome": "asleep"},
        {"outcome": "reached"},
        {"outcome": "reached", "minutes": 5, "steps_done": ["sing"]},
    ]
    assert [ben.post(f"{path}log/", each).status_code for each in bad] == [400] * 4

    given = {
        "outcome": "reached",
        "minutes": 12,
        "steps_done": ["greet"],
        "next_at": "2026-03-10T13:30:00Z",
    }
    key = a_key()
    first, again = (ben.post(f"{path}log/", given, key=key) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    assert ben.post(f"{path}log/", {**given, "minutes": 13}, key=key).status_code == 409
    assert ben.post(f"{path}start/").json()["code"] == "contact_over"
    assert Attempt.objects.get().minutes == 12
    assert (
        Contact.objects.get(plan__participant=dan, number=2).appointment_at.isoformat()
        == "2026-03-10T13:30:00+00:00"
    )
    assert AuditEvent.objects.filter(action="call logged").count() == 1


def test_a_call_is_given_up_with_a_reason_unless_it_was_begun(study, dan, ben):
    path = f"caseload/{dan.code}/contacts/1/"
    ben.post(f"{path}start/")
    assert ben.post(f"{path}give-up/", {"reason": "away"}).json()["code"] == "log_first"
    assert (
        ben.post(f"caseload/{dan.code}/contacts/2/give-up/", {"reason": "bored"}).status_code == 400
    )
    assert (
        ben.post(f"caseload/{dan.code}/contacts/2/give-up/", {"reason": "away"}).json()["state"]
        == "not_held"
    )
    assert (
        ben.post(f"caseload/{dan.code}/contacts/9/give-up/", {"reason": "away"}).status_code == 404
    )


def test_another_coach_does_not_see_this_person_until_a_supervisor_says_so(study, dan, ben, staff):
    other = staff("coach", "Bea Bos")
    bea, eva = Client(other), Client(staff("supervisor"))
    assert bea.get(f"caseload/{dan.code}/").status_code == 404
    assert bea.post(f"caseload/{dan.code}/show-number/").status_code == 404
    assert (
        ben.post(
            f"caseload/{dan.code}/reassign/", {"coach": other.pk, "reason": "absent"}
        ).status_code
        == 403
    )

    assert (
        eva.post(
            f"caseload/{dan.code}/reassign/", {"coach": other.pk, "reason": "absent"}
        ).status_code
        == 200
    )
    assert bea.get(f"caseload/{dan.code}/").status_code == 200
    assert ben.get(f"caseload/{dan.code}/").status_code == 404
    answer = eva.post(f"caseload/{dan.code}/reassign/", {"coach": other.pk, "reason": "absent"})
    assert answer.json()["code"] == "same_coach"


def test_of_somebody_who_was_erased_no_number_is_left_to_show(study, dan, ben, now):
    participants.erase(participant=dan, reason="asked", by=actors.SYSTEM, at=now)
    CoachingPlan.objects.filter(participant=dan).update(ended_at=None)
    details = ben.post(f"caseload/{dan.code}/show-number/")
    assert (details.status_code, details.json()) == (
        200,
        {"name": "", "phone": "", "language": "", "call_times": []},
    )
