"""Processes that allocate at once, crash, are killed and try again: nothing is lost, doubled,
skipped or out of order.

Every run leaves its figures in the summary at the end.
"""

from __future__ import annotations

from collections import Counter

import pytest

from randomisation.models import Allocation
from tests.randomisation.races import crowds, studies
from tests.randomisation.races.checking import check

pytestmark = [
    *(pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)),
    pytest.mark.as_in_service,
]

ALREADY, EXHAUSTED = "AlreadyRandomised", "ListExhausted"


@pytest.fixture
def raced(tmp_path, now, record_property):
    """`raced(method, processes, persons)`: the study after the race, what was told, and its figures
    in the summary.
    """

    def run(method: str, processes: int, how_many: int):
        study = studies.a_study(tmp_path, method, now)
        persons = studies.a_crowd(study, how_many, now)
        told = crowds.race(persons, now, processes=processes, seed=processes)
        figures = {**told.figures, **check(study)}
        said = ", ".join(f"{number} {name}" for name, number in figures.items())
        record_property("figures", f"race, {method}: {said}")
        return study, persons, told

    return run


def by_person(told: crowds.Told) -> dict[int, list[list[str]]]:
    """For each person the answers to each of their keys, those that were told something first."""
    found: dict[int, list[list[str]]] = {}
    for (person, _), answers in told.answers.items():
        found.setdefault(person, []).append(answers)
    return {
        person: sorted(keys, key=lambda each: each[0] in {ALREADY, EXHAUSTED})
        for person, keys in found.items()
    }


def check_everybody_is_told_once(persons, told: crowds.Told) -> None:
    """One key of each person gets the answer, every time that it is sent; another key never
    does.
    """
    codes = {person.pk: person.code for person in persons}
    for person, (winning, *others) in by_person(told).items():
        assert set(winning) == {codes[person]}
        assert all(set(answers) == {ALREADY} for answers in others)
    assert Counter(Allocation.objects.values_list("participant", flat=True)) == Counter(
        codes.keys()
    )


@pytest.mark.parametrize(
    "method", ["blocks of random sizes", "big stick", "minimisation", "fake arms"]
)
def test_eight_processes_that_crash_and_are_killed_tell_each_person_one_allocation(raced, method):
    _, persons, told = raced(method, 8, 60)
    check_everybody_is_told_once(persons, told)
    assert told.figures["kills"] == 5


@pytest.mark.parametrize("method", ["blocks of random sizes", "minimisation"])
def test_thirty_two_processes_do_too(raced, method):
    _, persons, told = raced(method, 32, 100)
    check_everybody_is_told_once(persons, told)


def test_a_cluster_is_drawn_for_once_however_many_of_it_come_together(raced):
    study, persons, told = raced("clusters", 8, 60)
    check_everybody_is_told_once(persons, told)
    drawn = Allocation.objects.filter(study=study, kind="drawn").values_list("cluster", flat=True)
    assert sorted(drawn) == studies.site_codes(4)


def test_a_list_that_runs_out_is_given_out_whole_and_then_consumes_nothing(raced):
    study, persons, told = raced("lists", 8, 44)
    rows = Allocation.objects.filter(study=study)
    assert Counter(rows.values_list("arm", flat=True)) == {"guided": 16, "unguided": 16}
    allocated = set(rows.values_list("participant", flat=True))
    codes = {person.pk: person.code for person in persons}
    for person, (first, *others) in by_person(told).items():
        assert set(first) == {codes[person] if person in allocated else EXHAUSTED}
        assert all(
            set(answers) <= {ALREADY if person in allocated else EXHAUSTED, EXHAUSTED}
            for answers in others
        )
