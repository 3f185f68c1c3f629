"""Everything that a role may get: every route of the URL conf, with every value that its places can
take.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urldefrag

from django.test import Client
from django.urls import Resolver404, URLResolver, get_resolver, resolve

from randomisation.models import FIRST
from reports.actions.reports import EXPORT, REPORT
from tests import crawling
from tests.two_worlds import tokens
from tests.two_worlds.building import Base
from trial import lifecycles
from trial.models import Alert, Invitation, Job, Membership
from trial.queries.verifications import VERIFICATION

PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
# Pages of an account hold nothing of a study; the sign-in and sign-out of whoever reads would end
# the reading.
LEFT_OUT = ("account/", "door/", "language/", "invitation/")
OK, MISSING, REFUSED = 200, 404, {403, 405}
TURNS = {
    "researcher": 0,
    "statistician": 1,
}  # they share most pages: from the third look on each reads every other day
SECOND, PART = 2, 8  # from the third look on, of what has not moved only a part is asked for
SLOW = ("/api/v1/schema/",)  # a third of a second, and about no study: asked for when all is
# What a list is asked for beside its address.
QUERIES: Mapping[str, Sequence[str]] = {
    "research/<slug:slug>/people/": [f"?state={state}" for state in lifecycles.PARTICIPANT],
    "api/v1/studies/<slug:slug>/participants/": [
        f"?state={state}" for state in lifecycles.PARTICIPANT
    ],
}
# No number of a message names one: a message has a handle that nobody can guess.
ASKED_BY_POST = re.compile(r"/messages/\d+/again/$")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Reader:
    """One person of the staff, who reads the routes that begin as the pattern `within` says. `last`
    is the newest answer to each request.
    """

    role: str
    base: Base
    within: str = ""
    client: Client = field(default_factory=Client)
    last: dict[str, Answer] = field(default_factory=dict)
    moves: set[str] = field(default_factory=set)
    looks: int = 0

    def wanted(self, *, all_of_it: bool) -> Iterator[str]:
        """What to ask for next: everything; or whatever changed when it was last asked for, a part
        of the rest, and what is newly linked. To be gone through while answers come in.
        """
        self.looks += 1
        if all_of_it or not self.last:
            yield from self._everything()
            return
        if self.looks > SECOND and self.looks % len(TURNS) != TURNS.get(
            self.role, self.looks % len(TURNS)
        ):
            return
        known = [
            path
            for path, answer in self.last.items()
            if answer.status == OK and not path.startswith(SLOW)
        ]
        asked = {
            path
            for number, path in enumerate(known)
            if self.looks == SECOND
            or path in self.moves
            or number % PART == self.looks // len(TURNS) % PART
        }
        yield from (path for path in known if path in asked)
        for path in list(asked):
            yield from (link for link in self._links(path) if link not in known)

    def _everything(self) -> Iterator[str]:
        values = values_of(self.base)
        for route in routes():
            if not re.match(self.within, route):
                continue
            for path in paths(route, values):
                yield path
                if is_shut(path, self.last[path].status):
                    break

    def _links(self, path: str) -> list[str]:
        answer = self.last[path]
        if not dict(answer.headers).get("Content-Type", "").startswith("text/html"):
            return []
        found = [urldefrag(link).url for link in crawling.read(path, answer.body.decode()).links]
        ours = [
            link
            for link in dict.fromkeys(found)
            if crawling.is_ours(link) and not link[1:].startswith(LEFT_OUT)
        ]
        return [link for link in ours if not self.within or re.match(self.within, _route(link))]

    def ask(self, path: str, seals: Sequence[str]) -> Answer:
        got = (self.client.post if ASKED_BY_POST.search(path) else self.client.get)(path)
        answer = Answer(
            got.status_code,
            tuple(sorted(got.headers.items())),
            tokens.blanked(got.getvalue(), seals),
        )
        if path in self.last:
            (self.moves.discard if self.last[path] == answer else self.moves.add)(path)
        self.last[path] = answer
        return answer


def is_shut(path: str, status: int) -> bool:
    """Whether a route is not for this role, whatever is asked of it: what others have than a
    study's staff is missing.
    """
    is_of_staff = path.startswith(("/research/", "/assessor/", "/api/v1/studies/"))
    return status in REFUSED or (status == MISSING and not is_of_staff)


def _route(link: str) -> str:
    """That of the URL conf that answers a link; empty where none does."""
    try:
        return resolve(link.partition("?")[0]).route
    except Resolver404:
        return ""


def routes(resolver: URLResolver | None = None, before: str = "") -> list[str]:
    found: list[str] = []
    for each in (resolver or get_resolver()).url_patterns:
        path = before + str(each.pattern)
        found += routes(each, path) if isinstance(each, URLResolver) else [path]
    return [path for path in found if not path.startswith(LEFT_OUT)]


def paths(route: str, values: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """The route with every value of every place; a place whose values are not known is a gap in
    this test: KeyError.
    """
    places = PLACE.findall(route)
    for chosen in itertools.product(*(values[_named(route, place)] for place in places)):
        path = "/" + PLACE.sub("{}", route).format(*chosen)
        yield from (path + query for query in ("", *QUERIES.get(route, ())))


def _named(route: str, place: str) -> str:
    """A number is that of an alert, a report and so on: what stands before it says of which."""
    if place != "number":
        return place
    return next(
        (
            name
            for name in ("alerts", "reports", "exports", "contacts", "verifications")
            if f"/{name}/" in route
        ),
        "number",
    )


def values_of(base: Base) -> dict[str, Sequence[Any]]:
    protocol, assessments = base.study.current.protocol, base.study.current.section("assessments")
    made = Job.objects.filter(study=base.study, state=Job.MADE).order_by("-pk")
    programme = base.study.current.programme
    modules = [module.code for module in programme.modules][:1] if programme else []
    return {
        "slug": [base.study.slug],
        "code": [person.code for person in base.people],
        "alerts": _numbers(Alert),
        "reports": _newest(made.filter(product=REPORT)),
        "exports": _newest(made.filter(product=EXPORT)),
        "verifications": _newest(made.filter(product=VERIFICATION)),
        "contacts": [1],
        "number": [1],
        "membership": _numbers(Membership),
        "invitation": _numbers(Invitation),
        "message": range(1, 25),
        "attempt": [1],
        "token": [1],
        "point": [FIRST, *(stage.code for stage in protocol.stages)],
        "timepoint": [each["code"] for each in assessments["timepoints"]],
        "instrument": assessments["instruments"],
        "module": modules,
        "exercise": ["none"],
        "page": [page.code for page in protocol.screening],
        "language": ["en"],
        "kind": ["txt", "md"],
    }


def _numbers(model: Any) -> list[int]:
    return list(model.objects.order_by("pk").values_list("pk", flat=True)) or [1]


def _newest(made: Any) -> list[int]:
    return list(made.values_list("pk", flat=True)[:1]) or [1]
