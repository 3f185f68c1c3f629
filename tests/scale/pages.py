"""Every page that somebody of each role comes to by links, one of each kind."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.test import Client
from django.urls import resolve, reverse

from tests import crawling
from tests.scale import counting
from tests.scale.measures import Found, measure, timed, times
from trial.models import Participant, Study, User

TIMES = 5
AUDIENCES = ("research", "coach", "assessor", "participant")
STARTS = ("door", "coach:caseload", "assessor:due")
ROLES = ("researcher", "statistician", "supervisor", "coach", "assessor")


@measure
def pages(study: Study, at: datetime) -> Iterator[Found]:
    for page in everybodys(study):
        page.get()
        yield (
            page.name,
            "ms",
            1000 * statistics.median(timed(page.get) for _ in range(times(TIMES))),
        )
        asked = page.asked()
        yield page.name, "statements", asked.statements
        yield page.name, "rows", asked.rows


@dataclass(frozen=True)
class Page:
    name: str  # role and route
    browser: Client
    url: str

    def get(self) -> int:
        return self.browser.get(self.url).status_code

    def asked(self) -> counting.Asked:
        with counting.asked() as found:
            self.get()
        return found


def everybodys(study: Study) -> Iterator[Page]:
    """In the order of roles and routes; what everybody has once, since it is the same."""
    known: set[str] = set()
    for role, user in _cast(study):
        browser = Client(HTTP_HOST="127.0.0.1")
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        for route, url in sorted(_found(browser)):
            page = Page(f"{role} {route}", browser, url)
            is_shared = route.partition(":")[0] not in AUDIENCES
            if (route not in known or not is_shared) and page.get() == 200:
                known.add(route)
                yield page


def _cast(study: Study) -> Iterator[tuple[str, User]]:
    for role in ROLES:
        yield role, User.objects.get(email=f"{role}@example.org")
    person = (
        Participant.objects.filter(study=study, state="randomised", user__isnull=False)
        .order_by("randomised_at", "pk")
        .first()
    )
    assert person is not None
    assert person.user is not None
    yield "participant", person.user


def _found(browser: Client) -> Iterator[tuple[str, str]]:
    """The first page of each route."""
    routes = set()
    for page in crawling.pages(browser, *map(reverse, STARTS), of_a_route=1):
        route = resolve(urlsplit(page.url).path).view_name
        if route not in routes:
            routes.add(route)
            yield route, page.url
