"""Any order of requests, retries, crashes, pauses and withdrawals, found by hypothesis: what was
allocated never changes, never doubles and never leaves a gap, and the log can always be
replayed.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from randomisation.actions import allocations
from randomisation.models import Allocation, Scope
from tests.conftest import NOW
from tests.randomisation.races import studies
from tests.randomisation.races.checking import check
from trial import actors
from trial.actions import participants
from trial.actions import studies as study_actions
from trial.models import Participant, RequestKey, Study

pytestmark = [
    *(pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)),
    pytest.mark.as_in_service,
]

numbers, machines = itertools.count(), itertools.count()
METHODS = ("blocks of random sizes", "big stick", "minimisation", "fake arms", "clusters")


class Crashed(Exception):
    """The transaction is broken off."""


class Randomising(RuleBasedStateMachine):
    """`told` holds what each (person, key) was answered; `randomised` who has an allocation, by
    what we were told.
    """

    method = METHODS[0]
    people = Bundle("people")
    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        with tempfile.TemporaryDirectory() as directory:
            text = studies.METHODS[self.method]
            self.study = studies.a_study(
                Path(directory), text, NOW, name=f"machine-{next(machines)}"
            )
        self.told: dict[tuple[int, str], str] = {}
        self.randomised: set[int] = set()
        self.rows: dict[int, dict] = {}
        self.is_open = True

    def state(self, person: int) -> str:
        return Participant.objects.values_list("state", flat=True).get(pk=person)

    def consumed(self) -> list[tuple]:
        found = Scope.objects.filter(study=self.study, next_index__gt=0)
        keys = RequestKey.objects.filter(action="randomisation.allocations.allocate")
        return [
            *found.order_by("pk").values_list("name", "next_index"),
            Allocation.objects.count(),
            keys.count(),
        ]

    def ask(self, person: int, key: str) -> str:
        participant = Participant.objects.select_related("study", "version").get(pk=person)
        return allocations.allocate(participant=participant, key=key, by=actors.SYSTEM, at=NOW)

    @initialize(target=people)
    def first_people(self):
        return multiple(
            *(self.newcomer(sex, site) for sex in "fm" for site in studies.site_codes(2))
        )

    @rule(target=people, sex=st.sampled_from("fm"), site=st.sampled_from(studies.site_codes(3)))
    def newcomer(self, sex: str, site: str) -> int:
        return studies.a_person(self.study, next(numbers), sex, site, NOW).pk

    @rule(target=keys, person=people)
    def allocate(self, person: int):
        """With a key that was never used."""
        key, before = f"key-{next(numbers)}", self.consumed()
        expected = self.refusal(person)
        if expected:
            with pytest.raises(expected):
                self.ask(person, key)
            assert self.consumed() == before
            return multiple()
        self.told[person, key] = self.ask(person, key)
        self.randomised.add(person)
        return (person, key)

    def refusal(self, person: int) -> type[Exception] | None:
        if not self.is_open:
            return allocations.RandomisationPaused
        if person in self.randomised:
            return allocations.AlreadyRandomised
        return None if self.state(person) == "consented" else allocations.NotEligible

    @rule(request=keys)
    def retry(self, request: tuple[int, str]) -> None:
        """The same key, also in a pause and after a withdrawal: the same answer, and nothing is
        consumed.
        """
        before = self.consumed()
        assert self.ask(*request) == self.told[request]
        assert self.consumed() == before

    @rule(person=people, after=st.integers(0, 20))
    def crash_before_commit(self, person: int, after: int) -> None:
        """Before one of the statements, or when all is written."""
        left, before = itertools.count(after, -1), self.consumed()

        def breaking(execute, *arguments):
            if next(left) == 0:
                raise Crashed
            return execute(*arguments)

        refused = self.refusal(person) or Crashed
        with pytest.raises((Crashed, refused)), transaction.atomic():
            with connection.execute_wrapper(breaking):
                self.ask(person, f"key-{next(numbers)}")
            raise Crashed
        assert self.consumed() == before

    @rule(target=keys, person=people)
    def crash_after_commit(self, person: int):
        """Committed, and nobody was told: only a retry tells."""
        if self.refusal(person):
            return multiple()
        key = f"key-{next(numbers)}"
        self.ask(person, key)
        self.randomised.add(person)
        self.told[person, key] = Participant.objects.values_list("code", flat=True).get(pk=person)
        return (person, key)

    @rule()
    def pause_or_resume(self) -> None:
        study = Study.objects.get(pk=self.study.pk)
        act = study_actions.pause if self.is_open else study_actions.resume
        act(study=study, by=actors.SYSTEM, at=NOW)
        self.is_open = not self.is_open

    @rule(person=people)
    def withdraw(self, person: int) -> None:
        if self.state(person) != "withdrawn":
            participants.withdraw(
                participant=Participant.objects.get(pk=person), by=actors.SYSTEM, at=NOW
            )

    @precondition(lambda self: self.randomised)
    @rule(
        change=st.sampled_from(
            [
                "UPDATE randomisation_allocation SET arm = 'x'",
                "DELETE FROM randomisation_allocation",
            ]
        )
    )
    def somebody_changes_the_database(self, change: str) -> None:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"{change} WHERE study_id = %s", [self.study.pk])

    @invariant()
    def everything_holds(self) -> None:
        check(self.study)
        rows = {row["id"]: row for row in Allocation.objects.filter(study=self.study).values()}
        assert {
            number: rows.get(number) for number in self.rows
        } == self.rows  # what stood there stands there
        assert sorted(row["participant_id"] for row in rows.values()) == sorted(self.randomised)
        self.rows = rows


@pytest.mark.parametrize("method", METHODS)
def test_whatever_happens_in_whatever_order(method):
    machine = type("Machine", (Randomising,), {"method": method})
    # Not made smaller when it fails: that takes minutes, and so few steps can be read as they are.
    few = settings(max_examples=4, stateful_step_count=25, phases=[Phase.generate])
    run_state_machine_as_test(machine, settings=few)
