"""A blinded assessor gets the same for two people who differ only in arm: byte for byte, in every
answer of the API and on every page of the assessor's room and of the research room, which is shut
to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client as Browser
from django.urls import get_resolver, reverse

from outcomes.models import Assessment
from tests import factories
from tests.api.clients import Client, a_key
from tests.api.test_pairs import routes
from trial import actors, worker
from trial.actions import participants
from trial.models import AuditEvent, Participant, Study, User

pytestmark = [pytest.mark.once, pytest.mark.django_db]

SAME_LENGTH = "XX-XXXXX"


@pytest.fixture
def twins(study, now) -> dict[str, Participant]:
    return {arm: factories.a_participant_in(study, arm, now) for arm in ("guided", "unguided")}


@pytest.mark.parametrize("day", [0, 15, 45])
def test_two_people_who_differ_only_in_arm_look_the_same(study, staff, now, twins, day):
    cleo = staff("assessor")
    for each in range(1, day + 1):
        worker.tick(now + timedelta(days=each), seal=False)
    with time_machine.travel(now + timedelta(days=day), tick=False):
        seen = {arm: list(everything(study, cleo, twins[arm])) for arm in twins}

    assert seen["guided"] == seen["unguided"]
    # Day 45: the post-test waits for the end of the programme, so its being due would tell; it is
    # not the assessor's.
    due = {0: 0, 15: 1, 45: 0}[day]
    assert seen["guided"][0][2].count(SAME_LENGTH.encode()) == due


def everything(study: Study, cleo: User, person: Participant) -> Iterator[tuple[str, int, bytes]]:
    """What the assessor gets while this is the only person of the study, as (where, status, body):
    by the API, and, as if nothing was entered there, by the pages.
    """
    for ways in (by_api, by_pages):
        saved = transaction.savepoint()
        for other in Participant.objects.filter(study=study).exclude(pk=person.pk):
            participants.withdraw(participant=other, by=actors.SYSTEM, at=person.randomised_at)
        for where, answer in ways(study, cleo, person):
            seen_at = f"{where} {getattr(answer, 'url', '')}".strip().replace(
                person.code, SAME_LENGTH
            )
            yield seen_at, answer.status_code, masked(answer.content, person)
        transaction.savepoint_rollback(saved)


def by_api(study: Study, cleo: User, person: Participant):
    client = Client(cleo)
    sheets = Assessment.objects.filter(participant=person).order_by("timepoint", "instrument")
    base = f"studies/{study.slug}/"
    yield "due", client.get(f"{base}assessments/due/")
    for sheet in sheets:
        path = f"{base}participants/{person.code}/assessments/{sheet.timepoint}/{sheet.instrument}/"
        yield path, client.get(path)
        yield path, client.post(path, {"answers": {"1": 9}, "mode": "phone"})
        given = factories.answers_to(study, sheet.instrument, 1)
        yield path, client.post(path, {"answers": given, "mode": "phone"})
    yield "due", client.get(f"{base}assessments/due/")
    for path in (
        base,
        f"{base}participants/",
        f"{base}alerts/",
        f"{base}reports/",
        "caseload/",
        "today/",
        "studies/",
    ):
        yield path, client.get(path)


def by_pages(study: Study, cleo: User, person: Participant):
    browser = Browser(raise_request_exception=False)
    browser.force_login(cleo, backend="django.contrib.auth.backends.ModelBackend")
    for path in [*research_pages(study, person), *assessor_pages(study, person)]:
        yield path, browser.get(path)
        yield path, browser.post(path)
    for path in assessor_pages(study, person):
        given = {f"item_{code}": "1" for code in range(1, 10)}
        yield path, browser.post(path, {**given, "mode": "phone"})
    yield reverse("assessor:due"), browser.get(reverse("assessor:due"))


def research_pages(study: Study, person: Participant) -> Iterator[str]:
    values = {"slug": study.slug, "code": person.code}
    room = next(
        each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "research"
    )
    for route in routes(room):
        names = re.findall(r"<(?:\w+:)?(\w+)>", str(route.pattern))
        yield reverse(
            f"research:{route.name}", kwargs={name: values.get(name, 1) for name in names}
        )


def assessor_pages(study: Study, person: Participant) -> Iterator[str]:
    yield reverse("assessor:due")
    yield reverse("assessor:help", args=[study.slug, person.code])
    for sheet in Assessment.objects.filter(participant=person).order_by("timepoint", "instrument"):
        yield reverse(
            "assessor:enter", args=[study.slug, person.code, sheet.timepoint, sheet.instrument]
        )


def masked(body: bytes, person: Participant) -> bytes:
    """The code by a word of its length; what is random on every page by nothing."""
    assert len(person.code) == len(SAME_LENGTH)
    body = body.replace(person.code.encode(), SAME_LENGTH.encode())
    body = re.sub(
        rb'data-about="XX-XXXXX:[0-9a-f]{32}"', b"", body
    )  # a keyed hash of this person's code
    return re.sub(rb'name="(csrfmiddlewaretoken|request_key)" value="[^"]*"', b"", body)


def test_the_pages_of_the_room_show_what_is_due_and_take_an_entry(study, staff, now, twins):
    """So that what is compared above is more than refusals."""
    cleo = staff("assessor")
    for day in range(1, 16):
        worker.tick(now + timedelta(days=day), seal=False)
    with time_machine.travel(now + timedelta(days=15), tick=False):
        seen = list(everything(study, cleo, twins["guided"]))
    due = reverse("assessor:due")
    sheet = reverse("assessor:enter", args=[study.slug, SAME_LENGTH, "week2", "PHQ4"])
    assert [status for where, status, _ in seen if where == sheet] == [200, 400]
    assert (f"{sheet} {due}", 302) in [(where, status) for where, status, _ in seen]
    assert [body.count(sheet.encode()) for where, _, body in seen if where == due] == [1, 0, 0, 0]
    assert [status for where, status, _ in seen if where.endswith("/help/")] == [200, 405, 405]


def test_an_assessor_enters_by_phone_what_is_due_and_nothing_else(study, staff, now, twins):
    dan = twins["guided"]
    for day in range(1, 16):
        worker.tick(now + timedelta(days=day), seal=False)
    with time_machine.travel(now + timedelta(days=15), tick=False):
        cleo = Client(staff("assessor"))
        due = [
            each
            for each in cleo.get(f"studies/{study.slug}/assessments/due/").json()["results"]
            if each["participant"] == dan.code
        ]
        described = {
            "timepoint": "week2",
            "label": "Week 2",
            "instrument": "PHQ4",
            "last_day": "2026-03-22",
        }
        assert due == [{"participant": dan.code, **described}]

        path = f"studies/{study.slug}/participants/{dan.code}/assessments/week2/PHQ4/"
        assert [item["code"] for item in cleo.get(path).json()["instrument"]["items"]] == [
            "1",
            "2",
            "3",
            "4",
        ]
        given = {"answers": factories.answers_to(study, "PHQ4", 2), "mode": "phone"}
        key = a_key()
        first, again = (cleo.post(path, given, key=key) for _ in range(2))

        assert (
            (first.status_code, first.content)
            == (again.status_code, again.content)
            == (201, first.content)
        )
        row = Assessment.objects.get(participant=dan, timepoint="week2")
        assert (row.mode, row.scores["PHQ4"]) == ("phone", 8.0)
        event = AuditEvent.objects.get(action="assessment submitted", subject="week2 PHQ4")
        assert event.role == "assessor"
        assert cleo.get(path).status_code == 404
        assert cleo.post(path, given).status_code == 404
