"""Lists of a fixed length: a warning at four fifths, and at the end nobody is allocated by guess."""

from __future__ import annotations

import pytest

from randomisation import life, methods
from randomisation.actions import allocations
from randomisation.models import Allocation, Scope
from tests import factories
from tests.randomisation import people
from trial import actors
from trial.entries import Done, Wait
from trial.models import Alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def list_of_five(tmp_path, now):
    """One list of six, and eight people: four fifths of six are five."""
    study = people.a_listed_study(tmp_path, now, n=6)
    return study, people.consented(study, 8, now)


def waiting_alerts(study) -> list[str]:
    return list(Alert.objects.filter(study=study).order_by("pk").values_list("kind", flat=True))


def test_the_draw_that_brings_a_list_to_four_fifths_is_told_once(list_of_five, now):
    study, everybody = list_of_five
    told = []
    for person in everybody[:6]:
        assert life.allocation(person, now) == Done()
        told.append(len(waiting_alerts(study)))
    assert told == [0, 0, 0, 0, 1, 1]
    assert waiting_alerts(study) == ["list_low"]


def test_at_the_end_nothing_is_consumed_staff_are_told_and_the_person_waits(list_of_five, now):
    study, everybody = list_of_five
    for person in everybody[:6]:
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    assert [life.allocation(person, now) for person in everybody[6:]] == [Wait()] * 2
    assert (Allocation.objects.count(), Scope.objects.get().next_index) == (6, 6)
    assert waiting_alerts(study) == ["list_exhausted"]
    everybody[6].refresh_from_db()
    assert everybody[6].state == "consented"
    with pytest.raises(methods.ListExhausted):
        allocations.allocate(participant=everybody[6], by=actors.SYSTEM, at=now)


def test_a_rule_without_a_length_warns_of_nothing(study, now):
    for _ in range(3):
        factories.a_randomised_participant(study, now)
    assert waiting_alerts(study) == []
