"""A double click, a retry, a press in two windows: whatever is posted twice has one effect.

The pages are crawled as each of the cast in each state of a study; every form found is one that is tested below, and
every route that takes a POST is reached by a form. Each form is filled in, sent once to see what one press does, taken
back, and sent twice with the request key that the page gave it: one after the other on SQLite, at the same moment on
PostgreSQL. Rows of every table, audit events and mails are counted. The API's endpoints are sent twice with one
Idempotency-Key in the same way.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client as Browser
from django.urls import resolve, reverse
from rest_framework.test import APIClient

from tests import crawling, factories
from tests.api import clients
from tests.api import test_pairs as pairs
from tests.conftest import NOW
from trial import actors
from trial.actions import staff
from trial.models import AuditEvent, Study

on_postgresql = connection.vendor == "postgresql"
pytestmark = pytest.mark.django_db(transaction=on_postgresql)
KEPT_IN_PLACE = {
    "participant:lesson_save": "an exercise left blank stores nothing",
}
UNCOUNTED = {Session: "signing in twice makes two sessions, and the browser keeps one cookie"}


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    """Views take the clock; here it stands at NOW. The rate limits of one test are not those of the next."""
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


@dataclass(frozen=True)
class Press:
    """A form of the route, found by links from `start`, filled in with `typed`. `does` is the audit event of one press."""

    route: str
    given: Callable[[Study], Mapping[str, Any]]
    start: Callable[[Any], str]
    does: str = ""
    typed: Callable[[Any], Mapping[str, Any]] = field(default=lambda x: {})

    def __str__(self) -> str:
        return self.route


def at(name: str, *args: Any) -> Callable[[Any], str]:
    return lambda x: reverse(name, args=args)


def newcomer(upto: str = "", **items: int) -> Callable[[Study], dict[str, Any]]:
    return lambda study: {"browser": pairs.way_in(upto, **items) if upto else Browser()}


def understood(study: Study) -> dict[str, Any]:
    browser = pairs.way_in("code")
    browser.post(reverse("join:consent_questions", args=[P]), {"stop": "b"})
    return {"browser": browser}


def with_a_message(study: Study) -> dict[str, Any]:
    with transaction.atomic():
        return pairs.with_a_message(study)


def invited(study: Study) -> dict[str, Any]:
    invitation = staff.invite(study=study, email="new@example.org", role="coach", by=actors.SYSTEM, at=NOW)
    return {"browser": Browser(), "token": staff.token_of(invitation)}


def an_alert(x: Any) -> str:
    return reverse("research:alert", args=[R, x.number])


P, R = pairs.PUBLIC, pairs.R
JOIN, HOME = at("join:onward", P), at("participant:home")
LESSON = at("participant:lesson", "welcome")
CASELOAD, DASHBOARD = at("coach:caseload"), at("research:dashboard", R)
SETUP, STATE = at("research:setup", R), at("research:state", R)

PRESSES = [
    Press("join:begin", newcomer(), at("join:information", P), "agreed to be screened"),
    Press("join:screening", newcomer("begin"), JOIN, "questions answered", lambda x: pairs.BASICS),
    Press("join:screening", newcomer("basics"), JOIN, "screening answered", lambda x: pairs.typed_mood()),
    Press(
        "join:leave_phone",
        newcomer("mood", i9=1),
        at("join:talk", P),
        "alert raised",
        lambda x: {"phone": "06 1234 5678"},
    ),
    Press("join:contact", newcomer("mood"), JOIN, "", lambda x: pairs.ADDRESS),
    Press("join:code_again", newcomer("contact"), at("join:code", P)),
    Press(
        "join:code",
        newcomer("contact"),
        at("join:code", P),
        "address verified",
        lambda x: {"code": clients.mailed_code()},
    ),
    Press(
        "join:sign",
        understood,
        at("join:sign", P),
        "consent signed",
        lambda x: {"statement_voluntary": "on", "statement_data": "on", "signature": "Dan Jansen"},
    ),
    Press("join:decline", newcomer("basics"), at("join:decline", P), "stopped"),
    Press(
        "participant:call_times",
        pairs.asked_for_questions,
        HOME,
        "preferred call times given",
        lambda x: {"mon": ["evening"]},
    ),
    Press(
        "participant:questions",
        pairs.asked_for_questions,
        at("participant:questions"),
        "questions answered",
        lambda x: {"helped": "no"},
    ),
    Press("participant:start", pairs.consented, HOME, "assessment started"),
    Press("participant:item", pairs.consented, at("participant:item", "pre", "PHQ9"), "", lambda x: {"answer": "2"}),
    Press("participant:submit", pairs.drafted, at("participant:review", "pre", "PHQ9"), "assessment submitted"),
    Press("participant:skip", pairs.consented, HOME, "assessment declined"),
    Press("participant:lesson_begin", pairs.in_lessons, HOME, "module begun"),
    Press("participant:lesson_save", pairs.begun_lesson, LESSON),
    Press("participant:lesson_done", pairs.begun_lesson, LESSON, "module done"),
    Press("participant:lesson_reopen", pairs.done_lesson, LESSON, "module reopened"),
    Press("participant:stop_programme", pairs.in_lessons, HOME, "programme stopped", lambda x: {"reason": "no_time"}),
    Press("participant:withdraw", pairs.in_lessons, HOME, "withdrawn", lambda x: {"reason": "other"}),
    Press("coach:number", pairs.coached, CASELOAD, "contact details shown"),
    Press(
        "coach:number",
        pairs.in_a_call,
        lambda x: reverse("coach:attempt", args=[x.dan.code, x.attempt]),
        "contact details shown",
        lambda x: pairs.LOG,
    ),
    Press("coach:start", pairs.coached, CASELOAD, "call started"),
    Press("coach:attempt", pairs.in_a_call, CASELOAD, "call logged", lambda x: pairs.LOG),
    Press("coach:give_up", pairs.coached, CASELOAD, "contact not held", lambda x: {"reason": "away"}),
    Press(
        "coach:reassign",
        pairs.two_coaches,
        CASELOAD,
        "coach assigned",
        lambda x: {"coach": x.other, "reason": "workload"},
    ),
    Press(
        "research:load",
        pairs.researcher,
        at("research:studies"),
        "protocol version stored",
        lambda x: {"upload": pairs.a_zip(), "simulated": "on"},
    ),
    Press("research:open", pairs.draft_study, STATE, "study opened", lambda x: {"sure": "on"}),
    Press("research:pause", pairs.researcher, STATE, "study paused", lambda x: {"reason": "Because"}),
    Press("research:resume", pairs.paused_study, STATE, "study open"),
    Press("research:close", pairs.researcher, STATE, "study closed", lambda x: {"reason": "Because"}),
    Press("research:lock", pairs.closed_study, STATE, "study locked", lambda x: {"reason": "Because", "sure": "on"}),
    Press("research:confirm_line", pairs.researcher, SETUP, "crisis_line confirmed"),
    Press("research:confirm_wording", pairs.researcher, SETUP, "wording confirmed"),
    Press(
        "research:erase",
        pairs.with_people,
        lambda x: reverse("research:person", args=[R, x.dan.code]),
        "identity erased",
        lambda x: {"reason": "Asked for it", "sure": "on"},
    ),
    Press(
        "research:invite",
        pairs.researcher,
        DASHBOARD,
        "staff invited",
        lambda x: {"email": "new@example.org", "role": "coach"},
    ),
    Press("research:end_role", pairs.with_a_member, DASHBOARD, "role ended"),
    Press("research:send_again", with_a_message, at("research:messages", R), "message queued again"),
    Press("research:take_alert", pairs.with_an_alert, an_alert, "alert taken"),
    Press("research:alert_contact", pairs.with_a_taken_alert, an_alert, "contact details shown"),
    Press("research:close_alert", pairs.with_a_taken_alert, an_alert, "alert closed", lambda x: {"done": "Called."}),
    Press("research:request_report", pairs.with_people, at("research:reports", R), "report requested"),
    Press("research:make_export", pairs.with_people, at("research:exports", R), "export made"),
    Press(
        "accept_invitation",
        invited,
        lambda x: reverse("accept_invitation", args=[x.token]),
        "role given",
        lambda x: {"full_name": "Bea Bos", "password": factories.PASSWORD},
    ),
]


@pytest.mark.parametrize("press", PRESSES, ids=str)
def test_a_form_that_is_sent_twice_has_one_effect(press, study):
    x = SimpleNamespace(**press.given(study))
    form = next(form for form in crawling.crawl(x.browser, press.start(x)) if form.route == press.route)
    assert form.sent.get("request_key"), f"the form on {form.page} carries no request key"

    def send() -> int:
        browser = copy.deepcopy(x.browser)  # with the cookies that the page was shown to
        return browser.post(form.action, form.filled(press.typed(x))).status_code

    with taken_back():
        once = effect(send)
    twice = effect(send, send)

    assert press.does in {*once.events, ""}
    assert twice == once
    assert once.rows or once.mails or press.route in KEPT_IN_PLACE


@dataclass(frozen=True)
class Effect:
    """What was added: rows by table, audit events by what was done, and mails. The first answer was no refusal."""

    rows: dict[str, int]
    events: dict[str, int]
    mails: int


def effect(*sends: Callable[[], int]) -> Effect:
    before, events, mails = rows(), audit_events(), len(mail.outbox)
    statuses = at_once(*sends) if on_postgresql else [send() for send in sends]
    assert min(statuses) < 400, statuses
    assert max(statuses) < 500, statuses
    assert 409 not in statuses, "the same press was taken for another"
    return Effect(dict(rows() - before), dict(audit_events() - events), len(mail.outbox) - mails)


def at_once(*sends: Callable[[], int]) -> list[int]:
    """In a thread each, let go at the same moment; one alone stays in this thread and its transaction."""
    if len(sends) == 1:
        return [sends[0]()]
    gate = threading.Barrier(len(sends))

    def run(send: Callable[[], int]) -> int:
        try:
            gate.wait(10)
            return send()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(sends)) as pool:
        return list(pool.map(run, sends))


@contextmanager
def taken_back() -> Iterator[None]:
    """As a test of Django's does it: whatever is stored inside is gone afterwards, mails too."""
    mails = len(mail.outbox)
    block = transaction.atomic()
    block._from_testcase = True  # so that durable blocks are allowed inside
    with block:
        yield
        transaction.set_rollback(True)
    del mail.outbox[mails:]


def rows() -> Counter[str]:
    return Counter(
        {model._meta.label: model._default_manager.count() for model in apps.get_models() if model not in UNCOUNTED}
    )


def audit_events() -> Counter[str]:
    return Counter(AuditEvent.objects.values_list("action", flat=True))
