"""No page of the staff, and no list of the API, costs more as a study grows: the same number of
statements, and no more rows fetched, at 300 people as at 100, which fill a page of every list.

Pages are found by crawling as each of the staff, the API's by the URL conf.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import get_resolver, reverse

from coaching_protocol.actions import calls
from coaching_protocol.models import Contact
from tests import crawling, factories, multiplied
from tests.api.clients import Client as ApiClient
from tests.api.test_pairs import routes
from tests.conftest import NOW
from tests.scale.counting import Asked, asked
from trial import actors
from trial.actions import alerts
from trial.models import Membership, Message, Participant, Study
from trial.permissions import ROLES

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ON_EACH = 50  # copies of each of two people: with them they fill a page of every list
LATER = NOW + timedelta(days=3)


def test_no_page_of_the_staff_reads_more_as_a_study_grows(study):
    people = somebody_of_each_kind(study)
    with time_machine.travel(LATER, tick=False):
        cache.clear()
        for person in people:
            multiplied.multiply(person, ON_EACH)
        pages = list(every_page(study, people))
        first = [cost_of(*page) for page in pages]
        for person in people:
            multiplied.multiply(person, 2 * ON_EACH)
        second = [cost_of(*page) for page in pages]
    grown = [
        (role, url, before, after)
        for (role, _, url), before, after in zip(pages, first, second, strict=True)
        if after.statements != before.statements or after.rows > before.rows
    ]
    assert grown == []
    assert len(pages) > 60


def somebody_of_each_kind(study: Study) -> list[Participant]:
    """Dan, who is called, with an alert and a mail that failed; and somebody whose baseline is
    due.
    """
    dan = factories.a_participant_in(study, "guided", NOW)
    coach = Membership.objects.get(study=study, role="coach").user
    by = actors.staff(coach.pk, "coach")
    contact = Contact.objects.get(plan__participant=dan, number=1)
    attempt = calls.start(contact=contact, coach=coach, by=by, at=NOW)
    calls.log(attempt=attempt, outcome="no_answer", by=by, at=NOW)
    alerts.raise_alert(
        study=study,
        participant=dan,
        kind="item9",
        subject_ref="pre",
        within_hours=24,
        by=actors.SYSTEM,
        at=NOW,
    )
    Message.objects.filter(participant=dan, subject_ref="week2").update(state="failed")
    return [dan, factories.a_consented_participant(study, NOW)]


def every_page(study: Study, people: list[Participant]) -> Iterator[tuple[str, Any, str]]:
    """Role, client and address of everything that answers with a page or a list."""
    for role in ROLES:
        user = Membership.objects.filter(study=study, role=role).first()
        person = user.user if user else factories.a_staff_member(study, role, "", NOW)
        browser = Client()
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        for page in crawling.pages(browser, reverse("door"), of_a_route=1):
            if browser.get(page.url).status_code == 200:
                yield role, browser, page.url
        api = ApiClient(person).api
        for url in lists_of_the_api(study, people[0]):
            if api.get(url).status_code == 200:
                yield role, api, url


def lists_of_the_api(study: Study, person: Participant) -> Iterator[str]:
    room = next(
        each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "api"
    )
    known = {"slug": study.slug, "code": person.code}
    for route in routes(room):
        places = re.findall(r"<(?:\w+:)?(\w+)>", str(route.pattern))
        if "get" in route.callback.view_class.__dict__ and set(places) <= known.keys():
            yield reverse(f"api:{route.name}", kwargs={name: known[name] for name in places})


def cost_of(role: str, client: Any, url: str) -> Asked:
    client.get(url)  # what is parsed once per version is parsed
    with asked() as cost:
        assert client.get(url, follow=True).status_code == 200
    return cost
