"""Whoever comes a second time is held before allocation; somebody of the same household goes on."""

from __future__ import annotations

import pytest

from randomisation import life
from randomisation.actions import allocations, matches
from randomisation.models import Allocation, Match
from randomisation.queries import matches as reads
from tests import factories
from trial import actors, worker
from trial.actions import participants
from trial.entries import Wait
from trial.models import Alert, Identity

pytestmark = pytest.mark.django_db
ADA = actors.staff(1, "researcher")


@pytest.fixture
def twin(study, dan, now):
    """Ready to be allocated, with Dan's number."""
    found = factories.a_consented_participant(study, now)
    Identity.objects.filter(participant=found).update(phone_hash=dan.identity.phone_hash)
    factories.fill_in(found, "pre", now)
    return found


def settle(person, verdict, at):
    return matches.settle(participant=person, verdict=verdict, by=ADA, at=at)


def test_a_second_account_with_the_same_number_is_held_before_anything_is_drawn(dan, twin, now):
    assert (twin.state, life.waiting_for(twin)) == ("consented", "looked_into")
    assert Allocation.objects.count() == 1
    with pytest.raises(matches.PossibleDuplicate):
        allocations.allocate(participant=twin, by=actors.SYSTEM, at=now)
    alert = Alert.objects.get(kind="possible_duplicate")
    assert (alert.participant, alert.subject_ref, alert.state) == (twin, "allocation", "raised")
    assert reads.held(dan.study) == [twin]


def test_staff_are_told_once_however_often_the_person_looks(twin, now):
    assert [life.allocation(twin, now) for _ in range(3)] == [Wait()] * 3
    assert Alert.objects.filter(kind="possible_duplicate").count() == 1


def test_whoever_left_before_is_matched_too(dan, twin, now):
    participants.withdraw(participant=dan, reason="other", by=actors.participant(dan.code), at=now)
    assert reads.earlier(twin) == dan


def test_another_person_of_the_household_goes_on(study, twin, now):
    settle(twin, "household", now)
    worker.tick(now)
    twin.refresh_from_db()
    assert (twin.state, Allocation.objects.count(), reads.held(study)) == ("randomised", 2, [])


def test_the_second_account_of_the_same_person_leaves_without_an_allocation_and_is_kept(
    study, dan, twin, now
):
    settle(twin, "same_person", now)
    twin.refresh_from_db()
    assert (twin.state, twin.left_reason) == ("withdrawn", "came_twice")
    dan.refresh_from_db()
    assert (dan.state, Allocation.objects.count()) == ("randomised", 1)
    assert [(each.participant, each.verdict) for each in Match.objects.all()] == [
        (twin, "same_person")
    ]


def test_nobody_is_looked_into_without_a_match_or_twice(dan, twin, now):
    with pytest.raises(matches.NotHeld):
        settle(dan, "household", now)
    with pytest.raises(matches.UnknownVerdict):
        settle(twin, "cousin", now)
    settle(twin, "household", now)
    with pytest.raises(matches.NotHeld):
        settle(twin, "same_person", now)


def test_of_two_who_are_not_allocated_yet_the_first_goes_first(study, now):
    first, second = (factories.a_consented_participant(study, now) for _ in range(2))
    Identity.objects.filter(participant__in=[first, second]).update(phone_hash="same")
    for person in (second, first):
        factories.fill_in(person, "pre", now)
    assert list(Allocation.objects.values_list("participant", flat=True)) == [second.pk]
    assert reads.earlier(first) == second


def test_no_number_is_nobodys_number(study, dan, now):
    from trial import vault

    other = factories.a_consented_participant(study, now)
    Identity.objects.filter(participant__in=[dan, other]).update(phone_hash=vault.phone_hash(""))
    assert (reads.earlier(other), reads.held(study)) == (None, [])
