"""A rehearsal goes by the real actions and the real worker: what it asks of the database, a live
study asks too, and it does not creep up.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import factories
from tests.conftest import SMALL
from tests.scale.counting import asked
from trial import rehearse, virtual, worker

pytestmark = pytest.mark.django_db
PEOPLE, DAYS = 4, 30
FOR_A_PERSON = 1200  # statements, with a person's share of the rounds of the worker
FOR_AN_IDLE_ROUND = 56


def test_what_a_rehearsal_asks_for_a_person_does_not_creep_up():
    study = factories.an_open_study(SMALL, rehearse.BEGINS_AT)
    ends_at = rehearse.BEGINS_AT + timedelta(days=DAYS)
    with asked() as cost:
        rehearse.run(study, virtual.Settings(seed=1, number=PEOPLE), ends_at=ends_at)
    assert cost.statements / PEOPLE <= FOR_A_PERSON


def test_what_a_round_asks_that_finds_nothing_does_not_creep_up():
    factories.an_open_study(SMALL, rehearse.BEGINS_AT)
    worker.tick(rehearse.BEGINS_AT)
    with asked() as cost:
        worker.tick(rehearse.BEGINS_AT + timedelta(hours=1))
    assert cost.statements <= FOR_AN_IDLE_ROUND
