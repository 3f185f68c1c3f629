"""An arm that is given and not drawn: two people, a cap, no draw, in no history."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from randomisation import life
from randomisation.actions import allocations, forced, proposals, switches
from randomisation.models import Allocation, ForcedAllocation, Scope
from randomisation.queries import design, proofs
from randomisation.queries.tables import tables
from tests import factories
from tests.randomisation import people
from trial import actors, vault
from trial.entries import Done
from trial.grants import Grant
from trial.models import Alert, AuditEvent, Participant

pytestmark = pytest.mark.django_db
CAPS = "forced: {study: 3, site: 2}\n"
EVA, FAY = actors.staff(2, "supervisor"), actors.staff(3, "supervisor")


@pytest.fixture
def ready(tmp_path, now):
    """Six people who are ready, in a study that allows three forced allocations, two of them at one
    site.
    """
    study = people.a_study(tmp_path, now, more=CAPS)
    return study, people.consented(study, 6, now)


def asked(person, at, arm="guided"):
    return proposals.propose_forced(
        participant=person, arm=arm, reason="fallback_list", by=EVA, at=at
    )


def given(person, at, arm="guided"):
    proposals.decide(proposal=asked(person, at, arm), is_agreed=True, by=FAY, at=at)
    return Allocation.objects.get(participant=person)


def test_a_forced_allocation_takes_no_draw_and_says_what_it_is(ready, now):
    _study, everybody = ready
    row = given(everybody[0], now)
    assert (row.kind, row.draw_index, row.arm, row.probabilities) == (
        "forced",
        None,
        "guided",
        {"guided": "1"},
    )
    assert Scope.objects.count() == 0
    made = ForcedAllocation.objects.get()
    assert (made.by, made.agreed_by, made.reason) == ("staff 2", "staff 3", "fallback_list")
    assert Participant.objects.get(pk=everybody[0].pk).state == "randomised"


def test_no_list_proves_it(ready, now):
    study, [person, other, *_] = ready
    assert proofs.proof(given(person, now), proofs.committed(study)) is None
    allocations.allocate(participant=other, by=actors.SYSTEM, at=now)
    drawn = Allocation.objects.get(participant=other)
    assert proofs.proof(drawn, proofs.committed(study))["position"] == 0


def test_it_stands_in_no_history(ready, now):
    """Whoever is drawn after it is drawn as if it had not been."""
    _study, everybody = ready
    given(everybody[0], now, "unguided")
    allocations.allocate(participant=everybody[2], by=actors.SYSTEM, at=now)
    row = Allocation.objects.get(participant=everybody[2])
    assert (row.draw_index, row.probabilities) == (0, {"guided": "1/2", "unguided": "1/2"})


def test_the_journey_goes_on_from_it_and_grants_what_the_arm_is_given(tmp_path, now):
    study = people.a_study(tmp_path, now, more=CAPS)
    dan = factories.a_consented_participant(study, now)
    given(dan, now)
    dan.refresh_from_db()
    assert (life.allocation(dan, now), life.granting(dan, now)) == (Done(), Done())
    assert Grant.objects.filter(participant=dan, kind="coaching").count() == 1


def test_the_arm_that_is_asked_for_is_sealed_and_stands_in_no_trail(ready, now):
    _study, everybody = ready
    proposal = asked(everybody[0], now)
    assert vault.unseal(proposal.content_sealed) == "guided"
    proposals.decide(proposal=proposal, is_agreed=True, by=FAY, at=now)
    told = "".join(
        f"{e.subject}{e.old}{e.new}{e.reason}"
        for e in AuditEvent.objects.filter(by__in=("staff 2", "staff 3"))
    )
    assert "guided" not in told


def test_the_cap_holds_and_four_fifths_of_it_are_told(ready, now):
    study, everybody = ready
    given(everybody[0], now)
    assert Alert.objects.filter(kind="forced_cap").count() == 0
    given(everybody[1], now)
    assert list(Alert.objects.filter(kind="forced_cap").values_list("subject_ref", flat=True)) == [
        "site main"
    ]
    with pytest.raises(forced.CapReached):
        asked(everybody[2], now)
    assert ForcedAllocation.objects.filter(study=study).count() == 2


def test_the_cap_is_looked_at_again_when_the_second_person_agrees(ready, now):
    _study, everybody = ready
    waiting = [asked(person, now) for person in everybody[:3]]
    for proposal in waiting[:2]:
        proposals.decide(proposal=proposal, is_agreed=True, by=FAY, at=now)
    with pytest.raises(forced.CapReached):
        proposals.decide(proposal=waiting[2], is_agreed=True, by=FAY, at=now)
    assert Allocation.objects.count() == 2


def test_without_a_declared_cap_nothing_is_forced(tmp_path, now):
    (person,) = people.consented(people.a_study(tmp_path, now), 1, now)
    with pytest.raises(forced.CapReached):
        asked(person, now)


def test_the_caps_are_no_part_of_the_design_that_is_drawn_from(ready):
    study, _everybody = ready
    assert study.current.section("randomisation")["forced"] == {"study": 3, "site": 2}
    assert "forced" not in design.plan(study.current)


def test_only_somebody_who_waits_while_the_study_allocates_is_given_an_arm(ready, now):
    study, everybody = ready
    allocations.allocate(participant=everybody[0], by=actors.SYSTEM, at=now)
    everybody[0].refresh_from_db()
    with pytest.raises(forced.NotForced):
        asked(everybody[0], now)
    with pytest.raises(forced.UnknownArm):
        asked(everybody[1], now, "placebo")
    switches.halt(study=study, level="study", reason="safety", by=EVA, at=now)
    with pytest.raises(forced.NotForced):
        asked(everybody[1], now)


def test_nobody_is_given_an_arm_before_what_the_stratum_hangs_on_is_answered(ready, now):
    _study, everybody = ready
    Participant.objects.filter(pk=everybody[0].pk).update(answers={})
    everybody[0].refresh_from_db()
    with pytest.raises(forced.NotForced):
        asked(everybody[0], now)


@pytest.mark.postgresql
def test_agreeing_takes_the_locks_of_a_draw_and_holds_the_study_against_nobody_but_a_halt(
    ready, now
):
    """Whoever moves a person on holds the person first: a study held against them too would be a
    deadlock.
    """
    _study, everybody = ready
    proposal = asked(everybody[0], now)
    with CaptureQueriesContext(connection) as captured:
        proposals.decide(proposal=proposal, is_agreed=True, by=FAY, at=now)
    locked = [
        query["sql"]
        for query in captured.captured_queries
        if re.search(r"FOR (UPDATE|NO KEY|SHARE)", query["sql"])
    ]
    person, study, *rest = locked
    assert study.endswith("FOR SHARE OF s")
    assert "trial_participant" in person
    assert [sql for sql in rest if 'FROM "trial_study"' in sql] == []
    assert sum("randomisation_sealedseed" in sql for sql in rest) == 1


def test_it_is_flagged_wherever_arms_are_told(ready, now):
    study, everybody = ready
    given(everybody[0], now)
    allocations.allocate(participant=everybody[1], by=actors.SYSTEM, at=now)
    told = {table.name: table for table in tables(study, None, now, arms=True)}
    assert [(row[0], row[2]) for row in told["allocations"].rows] == [
        (everybody[0].code, "forced"),
        (everybody[1].code, "drawn"),
    ]
    assert [row[0] for row in told["forced_allocations"].rows] == [everybody[0].code]
