"""Endpoints that stand beside no page, and the answer that ends in an allocation, twice with one
Idempotency-Key: one after the other, and on PostgreSQL at the same moment. All others are sent
twice in tests/test_every_post.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests import factories, test_every_post
from tests.api import clients, test_pairs
from tests.api.clients import Client
from tests.conftest import NOW
from trial import worker
from trial.models import Study

pytestmark = pytest.mark.django_db(transaction=test_every_post.on_postgresql)


@dataclass(frozen=True)
class Sent:
    """A POST that `given` has prepared, so many days after NOW; `adds` is a table that grows by one
    row.
    """

    name: str
    given: Callable[[Study], tuple[Client, str, dict[str, Any]]]
    adds: str
    day: int = 0


def the_last_sheet(study: Study) -> tuple[Client, str, dict[str, Any]]:
    """Only one questionnaire stands between this person and being randomised."""
    found = test_pairs.consented(study)
    dan, api = found["dan"], found["api"]
    *before, last = clients.remaining(dan, "pre", NOW)
    for instrument in before:
        api.post(f"assessments/pre/{instrument}/", clients.sheet(dan, "pre", instrument))
    return api, f"assessments/pre/{last}/", clients.sheet(dan, "pre", last)


def due_by_phone(study: Study) -> tuple[Client, str, dict[str, Any]]:
    dan = factories.a_randomised_participant(study, NOW)
    for day in range(1, 16):
        worker.tick(NOW + timedelta(days=day), seal=False)
    path = f"studies/{study.slug}/participants/{dan.code}/assessments/week2/PHQ4/"
    cleo = Client(factories.a_staff_member(study, "assessor", "", NOW))
    return cleo, path, {"answers": factories.answers_to(study, "PHQ4", 2), "mode": "phone"}


def with_a_password(study: Study) -> tuple[Client, str, dict[str, Any]]:
    ada = factories.a_staff_member(study, "researcher", "", NOW)
    return (
        Client(),
        "token/",
        {"email": ada.email, "password": factories.PASSWORD, "name": "a script"},
    )


SENT = [
    Sent("the last questionnaire of the baseline", the_last_sheet, "randomisation.Allocation"),
    Sent("an assessor's entry", due_by_phone, "trial.Milestone", day=15),
    Sent("signing in", with_a_password, "trial.ApiToken"),
]


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.name)
def test_a_request_that_is_sent_twice_has_one_effect(sent, study):
    client, path, body = sent.given(study)
    key = clients.a_key()

    def send() -> int:
        window = Client()
        window.api.credentials(**client.api._credentials)
        return window.post(path, body, key=key).status_code

    with time_machine.travel(NOW + timedelta(days=sent.day), tick=False):
        with test_every_post.taken_back():
            once = test_every_post.effect(send)
        twice = test_every_post.effect(send, send)

    assert once.rows[sent.adds] == 1
    assert twice == once
