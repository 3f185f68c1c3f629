"""Many at the same moment, on PostgreSQL: what only locks can hold together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Event
from time import sleep

import pytest
from django.db import connection, transaction

from randomisation.actions import allocations, switches
from randomisation.models import Allocation, Scope
from tests import factories
from tests.randomisation import people
from tests.randomisation.test_allocations import by_stratum, check_log, replayed
from trial import actors, audit
from trial.actions import journey, studies
from trial.models import Alert, Participant

pytestmark = [
    *(pytest.mark.postgresql, pytest.mark.django_db(transaction=True)),
    pytest.mark.as_in_service,
]

THREADS, EACH = 8, 25


def at_once(work, shares: list) -> list:
    """`work(share)` for every share, in threads that begin at the same moment."""
    barrier = Barrier(len(shares), timeout=60)

    def one(share):
        barrier.wait()
        try:
            return work(share)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(one, shares))


def test_two_hundred_people_in_eight_threads_leave_no_double_gap_or_inversion(tmp_path, now):
    study = people.a_study(tmp_path, now)
    persons = people.consented(study, THREADS * EACH, now)

    def randomise(share: list[Participant]) -> None:
        for person in share:
            allocations.allocate(participant=person, by=actors.SYSTEM, at=now)

    at_once(randomise, [persons[number::THREADS] for number in range(THREADS)])

    assert Allocation.objects.count() == THREADS * EACH
    assert Participant.objects.filter(state="randomised").count() == THREADS * EACH
    assert replayed(study) == by_stratum(study)
    check_log(study)  # numbers without gap; each draw saw exactly the draws before it
    for arms in by_stratum(study).values():
        assert arms.count("guided") == arms.count("unguided") == len(arms) // 2
    for row in Scope.objects.filter(study=study):
        assert row.next_index == Allocation.objects.filter(stratum=row.name).count()
    # Inversion: a later number that was committed before an earlier one would have a smaller row
    # number.
    for stratum in by_stratum(study):
        numbers = (
            Allocation.objects.filter(stratum=stratum)
            .order_by("pk")
            .values_list("draw_index", flat=True)
        )
        assert list(numbers) == sorted(numbers)
    assert audit.verify(study) == []


def test_one_person_in_eight_threads_is_randomised_once(tmp_path, now):
    study = people.a_study(tmp_path, now)
    (person,) = people.consented(study, 1, now)

    def randomise(_: int) -> str:
        try:
            return allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
        except allocations.AlreadyRandomised:
            return "already"

    answers = at_once(randomise, list(range(THREADS)))

    assert sorted(answers) == sorted([person.code, *["already"] * (THREADS - 1)])
    assert Allocation.objects.count() == 1


def test_a_double_click_on_the_last_questionnaire_moves_the_person_on_once_and_raises_no_alarm(
    study, now
):
    dan = factories.a_consented_participant(study, now)
    from outcomes.actions import assessments
    from outcomes.queries import assessments as reads

    for row in reads.sitting(dan, "pre").remaining(now):
        given = factories.answers_to(
            study, row.instrument, 1, **({"_9": 0} if row.instrument == "PHQ9" else {})
        )
        assessments.submit(
            assessment=row, answers=given, language="en", by=actors.participant(dan.code), at=now
        )

    at_once(lambda _: journey.advance(Participant.objects.get(pk=dan.pk), now), list(range(4)))

    dan.refresh_from_db()
    assert (dan.state, Allocation.objects.count(), Alert.objects.count()) == ("randomised", 1, 0)
    assert audit.verify(study) == []


def test_a_pause_at_the_same_moment_lets_each_allocation_happen_wholly_or_not_at_all(tmp_path, now):
    study = people.a_study(tmp_path, now)
    persons = people.consented(study, 40, now)

    def work(share) -> list[str]:
        if share == "pause":
            studies.pause(study=study, by=actors.SYSTEM, at=now)
            return []
        done = []
        for person in share:
            with suppress(allocations.RandomisationPaused):
                done.append(allocations.allocate(participant=person, by=actors.SYSTEM, at=now))
        return done

    answers = at_once(work, ["pause", *[persons[number::4] for number in range(4)]])

    done = {code for answer in answers for code in answer}
    assert set(Allocation.objects.values_list("participant__code", flat=True)) == done
    assert (
        set(Participant.objects.filter(state="randomised").values_list("code", flat=True)) == done
    )
    check_log(study)


def test_a_halt_gets_through_while_people_keep_coming(tmp_path, now):
    """Draws that hold the study together, one always beginning before another ends: without a gate
    the halt waits for all.
    """
    study = people.a_study(tmp_path, now)
    is_halted = Event()

    def keep_coming(number: int) -> str:
        sleep(number * 0.01)
        for _ in range(400):
            if is_halted.is_set():
                return "stopped"
            with transaction.atomic():
                allocations.held(study.pk)
                sleep(0.05)
        return "never stopped"

    def halt(_: str) -> str:
        sleep(0.3)
        try:
            switches.halt(study=study, level="study", reason="safety", by=actors.SYSTEM, at=now)
        finally:
            is_halted.set()
        return "halted"

    answers = at_once(
        lambda share: halt(share) if share == "halt" else keep_coming(share), ["halt", *range(6)]
    )

    assert answers == ["halted", *["stopped"] * 6]
