"""A double click, a retry, a press in two windows: whatever is posted twice has one effect.

The pages are crawled as each of the cast in each state of a study; every form found is one that is
tested below, and every route that takes a POST is reached by a form. Each form is filled in, sent
once to see what one press does, taken back, and sent twice with the request key that the page gave
it: one after the other on SQLite, at the same moment on PostgreSQL. Rows of every table, audit
events and mails are counted. The API's endpoints are sent twice with one Idempotency-Key in the
same way.
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
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import time_machine
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client as Browser
from django.urls import URLResolver, get_resolver, resolve, reverse
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
    """Views take the clock; here it stands at NOW. The rate limits of one test are not those of the
    next.
    """
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


@dataclass(frozen=True)
class Press:
    """A form of the route, found by links from `start`, filled in with `typed`. `does` is the audit
    event of one press.
    """

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


def a_slip(study: Study) -> dict[str, Any]:
    browser = pairs.way_in("begin")
    browser.post(reverse("join:screening", args=[P, "basics"]), {**pairs.BASICS, "age": "14"})
    return {"browser": browser}


def understood(study: Study) -> dict[str, Any]:
    browser = pairs.way_in("code")
    browser.post(reverse("join:consent_questions", args=[P]), {"stop": "b"})
    return {"browser": browser}


def with_a_message(study: Study) -> dict[str, Any]:
    with transaction.atomic():
        return pairs.with_a_message(study)


def known(study: Study) -> dict[str, Any]:
    dan = factories.a_verified_participant(study, NOW)
    return {"browser": Browser(), "email": dan.identity.email}


def staff_member(study: Study) -> dict[str, Any]:
    return {"browser": Browser(), "email": factories.a_staff_member(study, "coach", "", NOW).email}


def invited(study: Study) -> dict[str, Any]:
    invitation = staff.invite(
        study=study, email="new@example.org", role="coach", by=actors.SYSTEM, at=NOW
    )
    return {"browser": Browser(), "token": staff.token_of(invitation)}


def an_alert(x: Any) -> str:
    return reverse("research:alert", args=[R, x.number])


def typed_by_phone(x: Any) -> dict[str, Any]:
    return pairs.typed_by_phone()


P, R = pairs.PUBLIC, pairs.R
JOIN, HOME = at("join:onward", P), at("participant:home")
LESSON = at("participant:lesson", "welcome")
CASELOAD, DASHBOARD = at("coach:caseload"), at("research:dashboard", R)
SETUP, STATE = at("research:setup", R), at("research:state", R)

RANDOMISATION = at("research:randomisation", R)


def dans(x: Any) -> str:
    return reverse("research:exceptions", args=[R, x.dan.code])


def agrees(x: Any) -> dict[str, Any]:
    return {"is_agreed": "yes"}


PRESSES = [
    Press("join:begin", newcomer(), at("join:information", P), "agreed to be screened"),
    Press("join:screening", newcomer("begin"), JOIN, "questions answered", lambda x: pairs.BASICS),
    Press(
        "join:screening",
        newcomer("basics"),
        JOIN,
        "screening answered",
        lambda x: pairs.typed_mood(),
    ),
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
    Press("join:correct", a_slip, at("join:turned_away", P), "screening corrected"),
    Press("join:decline", newcomer("basics"), at("join:decline", P), "stopped"),
    Press(
        "participant:call_times",
        pairs.asked_for_questions,
        HOME,
        "preferred call times given",
        lambda x: {"mon": ["evening"]},
    ),
    Press(
        "participant:zone",
        pairs.in_lessons,
        at("participant:data"),
        "time zone chosen",
        lambda x: {"timezone": "America/Paramaribo"},
    ),
    Press(
        "participant:name",
        pairs.in_lessons,
        at("participant:data"),
        "name corrected",
        lambda x: {"name": "Daniel"},
    ),
    Press(
        "participant:address",
        pairs.in_lessons,
        at("participant:data"),
        "",
        lambda x: {"email": "d@example.net"},
    ),
    Press(
        "participant:address_code",
        pairs.asked_for_a_new_address,
        at("participant:address_code"),
        "e-mail address changed",
        lambda x: {"code": clients.mailed_code()},
    ),
    Press(
        "participant:phone",
        pairs.in_lessons,
        at("participant:data"),
        "phone number corrected",
        lambda x: {"phone": "06 8765 4321"},
    ),
    Press(
        "participant:language",
        pairs.asked_for_questions,
        lambda x: f"{reverse('participant:language')}?to=nl",
        "language chosen",
    ),
    Press(
        "participant:questions",
        pairs.asked_for_questions,
        at("participant:questions"),
        "questions answered",
        lambda x: {"helped": "no"},
    ),
    Press("participant:start", pairs.consented, HOME, "assessment started"),
    Press(
        "participant:item",
        pairs.consented,
        at("participant:item", "pre", "PHQ9"),
        "",
        lambda x: {"answer": "2"},
    ),
    Press(
        "participant:submit",
        pairs.drafted,
        at("participant:review", "pre", "PHQ9"),
        "assessment submitted",
    ),
    Press("participant:skip", pairs.consented, HOME, "assessment declined"),
    Press("participant:lesson_begin", pairs.in_lessons, HOME, "module begun"),
    Press("participant:lesson_save", pairs.begun_lesson, LESSON),
    Press("participant:lesson_done", pairs.begun_lesson, LESSON, "module done"),
    Press("participant:lesson_reopen", pairs.done_lesson, LESSON, "module reopened"),
    Press(
        "participant:stop_programme",
        pairs.in_lessons,
        HOME,
        "programme stopped",
        lambda x: {"reason": "no_time"},
    ),
    Press(
        "participant:withdraw", pairs.in_lessons, HOME, "withdrawn", lambda x: {"reason": "other"}
    ),
    Press("coach:number", pairs.coached, CASELOAD, "contact details shown"),
    Press(
        "coach:number",
        pairs.in_a_call,
        lambda x: reverse("coach:attempt", args=[x.dan.code, x.attempt]),
        "contact details shown",
        lambda x: pairs.LOG,
    ),
    Press(
        "assessor:enter",
        pairs.due_to_an_assessor,
        at("assessor:due"),
        "assessment submitted",
        typed_by_phone,
    ),
    Press("coach:start", pairs.coached, CASELOAD, "call started"),
    Press("coach:attempt", pairs.in_a_call, CASELOAD, "call logged", lambda x: pairs.LOG),
    Press("coach:take_back", pairs.in_a_call, CASELOAD, "call taken back"),
    Press(
        "coach:correct",
        pairs.in_a_logged_call,
        CASELOAD,
        "call log corrected",
        lambda x: pairs.CORRECTION,
    ),
    Press(
        "coach:give_up", pairs.coached, CASELOAD, "contact not held", lambda x: {"reason": "away"}
    ),
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
    Press(
        "research:pause", pairs.researcher, STATE, "study paused", lambda x: {"reason": "Because"}
    ),
    Press("research:resume", pairs.paused_study, STATE, "study open"),
    Press(
        "research:close", pairs.researcher, STATE, "study closed", lambda x: {"reason": "Because"}
    ),
    Press(
        "research:lock",
        pairs.closed_study,
        STATE,
        "study locked",
        lambda x: {"reason": "Because", "sure": "on"},
    ),
    Press("research:confirm_line", pairs.amended, SETUP, "crisis_line confirmed"),
    Press("research:confirm_wording", pairs.amended, SETUP, "wording confirmed"),
    Press(
        "research:erase",
        pairs.with_people,
        lambda x: reverse("research:person", args=[R, x.dan.code]),
        "identity erased",
        lambda x: {"reason": "asked_by_participant", "sure": "on"},
    ),
    Press(
        "research:invite",
        pairs.researcher,
        DASHBOARD,
        "staff invited",
        lambda x: {"email": "new@example.org", "role": "coach"},
    ),
    Press(
        "research:withdraw_invitation", pairs.with_an_invitation, DASHBOARD, "invitation withdrawn"
    ),
    Press(
        "staff:tokens",
        pairs.researcher,
        at("staff:tokens"),
        "token made",
        lambda x: {"name": "a notebook", "days": "9", "password": factories.PASSWORD},
    ),
    Press("staff:end_token", pairs.with_a_token, at("staff:tokens"), "token ended"),
    Press(
        "participant:end_token", pairs.joined_with_an_app, at("participant:tokens"), "token ended"
    ),
    Press(
        "staff:agreement",
        pairs.asked_for_a_role,
        at("staff:agreements"),
        "second person agreed",
        agrees,
    ),
    Press(
        "research:lost_mailbox",
        pairs.with_a_second_person,
        lambda x: reverse("research:person", args=[R, x.dan.code]),
        "second person asked",
        lambda x: pairs.OTHER_ADDRESS,
    ),
    Press(
        "staff:show_number",
        pairs.asked_for_an_address,
        at("staff:agreements"),
        "contact details shown",
    ),
    Press(
        "staff:agreement",
        pairs.looked_up_the_number,
        at("staff:agreements"),
        "second person agreed",
        lambda x: {"is_agreed": "yes", "called": "on", "email": pairs.OTHER_ADDRESS["email"]},
    ),
    Press("research:end_role", pairs.with_a_member, DASHBOARD, "role ended"),
    Press(
        "research:send_again", with_a_message, at("research:messages", R), "message queued again"
    ),
    Press(
        "research:send_all_again",
        pairs.with_failed_mail,
        at("research:messages", R),
        "message queued again",
    ),
    Press("research:take_alert", pairs.with_an_alert, an_alert, "alert taken"),
    Press("research:alert_contact", pairs.with_a_taken_alert, an_alert, "contact details shown"),
    Press(
        "research:close_alert",
        pairs.with_a_taken_alert,
        an_alert,
        "alert closed",
        lambda x: {"done": "Called."},
    ),
    Press(
        "research:design_annex", pairs.draft_study, at("research:design", R), "sealed annex given"
    ),
    Press(
        "research:halt",
        pairs.researcher,
        RANDOMISATION,
        "randomisation halted",
        lambda x: {"part": "study:", "reason": "coaches_full"},
    ),
    Press(
        "research:go_on",
        pairs.halted,
        RANDOMISATION,
        "randomisation goes on",
        lambda x: {"reason": "solved"},
    ),
    Press(
        "research:correct",
        pairs.supervised,
        dans,
        "covariate of an allocation corrected",
        lambda x: {"value_sex": "m", "reason": "entered_wrongly"},
    ),
    Press(
        "research:mark",
        pairs.supervised,
        dans,
        "second person asked",
        lambda x: {"reason": "test_entry", "sure": "on"},
    ),
    Press(
        "research:ineligible",
        pairs.supervised,
        dans,
        "found ineligible after allocation",
        lambda x: {"reason": "criterion_overlooked"},
    ),
    Press(
        "research:received",
        pairs.supervised,
        dans,
        "another treatment received",
        lambda x: {"received": "guided", "reason": "staff_mistake"},
    ),
    Press(
        "research:force",
        pairs.to_be_forced,
        dans,
        "second person asked",
        lambda x: {"arm": "guided", "reason": "fallback_list"},
    ),
    Press(
        "research:settle",
        pairs.came_twice,
        RANDOMISATION,
        "looked into as a possible duplicate",
        lambda x: {"verdict": "household"},
    ),
    Press(
        "research:break_code",
        pairs.supervised,
        dans,
        "second person asked",
        lambda x: {"reason": "authority"},
    ),
    Press(
        "research:break_at_once",
        pairs.supervised,
        dans,
        "code broken",
        lambda x: {"reason": "acute_danger"},
    ),
    Press("research:decide", pairs.asked_to_mark, RANDOMISATION, "marked as made in error", agrees),
    Press("research:decide", pairs.asked_to_force, RANDOMISATION, "allocation forced", agrees),
    Press("research:show_arm", pairs.agreed_to_break, RANDOMISATION, "code broken"),
    Press(
        "research:impact",
        pairs.broken,
        RANDOMISATION,
        "impact of a code-break assessed",
        lambda x: {"text": "Nobody who assesses knows."},
    ),
    Press(
        "research:verify",
        pairs.with_people,
        at("research:audit", R),
        "audit verification requested",
    ),
    Press(
        "research:request_report", pairs.with_people, at("research:reports", R), "report requested"
    ),
    Press(
        "research:request_export", pairs.with_people, at("research:exports", R), "export requested"
    ),
    Press(
        "research:remove_report",
        pairs.with_a_report,
        lambda x: reverse("research:remove_report", args=[R, x.number]),
        "report removed",
    ),
    Press(
        "research:remove_export",
        pairs.with_an_export,
        lambda x: reverse("research:remove_export", args=[R, x.number]),
        "export removed",
    ),
    Press(
        "accept_invitation",
        invited,
        lambda x: reverse("accept_invitation", args=[x.token]),
        "role given",
        lambda x: {"full_name": "Bea Bos", "password": factories.PASSWORD},
    ),
    Press(
        "account_request_login_code",
        known,
        at("account_request_login_code"),
        "",
        lambda x: {"email": x.email},
    ),
    Press(
        "account_reset_password",
        staff_member,
        at("account_reset_password"),
        "",
        lambda x: {"email": x.email},
    ),
]
# Routes that take a POST and change nothing that is counted here.
ELSEWHERE = {
    "set_language": "sets a cookie; who is on the way in chooses a language, and chooses the same "
    "twice",
    "join:anew": "forgets in the session, twice the same; tests/trial/views/test_join.py",
    "join:consent_questions": "counts tries in the session, each press once; "
    "tests/trial/views/test_join.py",
    "take_back_address": "the link works once, and says the same twice; "
    "tests/trial/test_own_address.py",
    "account_login": "signs in",
    "account_confirm_login_code": "signs in",
    "account_logout": "signs out",
    "account_reauthenticate": "asks for the password again",
    "account_change_password": "the same password twice is the same password",
    "account_reset_password_from_key": "the same password twice is the same password",
    "account_signup": "closed; trial.accounts.Adapter",
    "account_set_password": "shut; trial.audiences.SHUT",
    "account_email": "shut; trial.audiences.SHUT",
    "account_confirm_email": "shut; trial.audiences.SHUT",
    "mfa_authenticate": "signs in",
    "mfa_reauthenticate": "asks for the code again",
    "mfa_activate_totp": "one authenticator for each person, whom allauth tells that there is one",
    "mfa_deactivate_totp": "takes it away",
    "mfa_generate_recovery_codes": "new codes in place of the old, in one row",
}
SEEN_BY = {  # who walks through the pages, and from where
    "a newcomer": (newcomer(), ["/"]),
    "a newcomer among the first questions": (newcomer("begin"), [JOIN]),
    "a newcomer among the questionnaires": (newcomer("basics"), [JOIN]),
    "a newcomer in the dark": (newcomer("mood", i9=1), [at("join:talk", P), JOIN]),
    "a newcomer with a code to come": (newcomer("contact"), [at("join:code", P)]),
    "a newcomer before the letter": (newcomer("code"), [JOIN]),
    "a newcomer who understood": (understood, [at("join:sign", P)]),
    "Dan before his questions": (pairs.asked_for_questions, [HOME]),
    "Dan before the baseline": (pairs.consented, [HOME]),
    "Dan in a questionnaire": (pairs.drafted, [HOME]),
    "Dan before his lessons": (pairs.in_lessons, [HOME]),
    "Dan with a code to come": (pairs.asked_for_a_new_address, [at("participant:address_code")]),
    "Dan in a lesson": (pairs.begun_lesson, [LESSON]),
    "Dan after a lesson": (pairs.done_lesson, [LESSON]),
    "Ben": (pairs.coached, [CASELOAD, at("account_change_password")]),
    "Ben in a call": (pairs.in_a_call, [CASELOAD]),
    "Ben after a call": (pairs.in_a_logged_call, [CASELOAD]),
    "Eva": (pairs.two_coaches, [CASELOAD, at("research:studies")]),
    "Eva with an alert": (pairs.with_an_alert, [an_alert]),
    "Eva with an alert of hers": (pairs.with_a_taken_alert, [an_alert]),
    "Cleo": (pairs.due_to_an_assessor, [at("assessor:due")]),
    "Ada": (pairs.with_people, [at("research:studies"), at("mfa_index")]),
    "Ada before the study": (pairs.draft_study, [STATE]),
    "Ada while nobody may join": (pairs.paused_study, [STATE]),
    "Ada with somebody who came twice": (pairs.came_twice, [RANDOMISATION]),
    "Ada while nothing is drawn": (pairs.halted, [RANDOMISATION]),
    "Ada as the second person": (pairs.asked_to_mark, [RANDOMISATION]),
    "Eva as the second person": (pairs.asked_to_force, [RANDOMISATION]),
    "Eva asked about a role": (pairs.asked_for_a_role, [at("staff:agreements")]),
    "Ada with somebody to give another address": (
        pairs.with_a_second_person,
        [lambda x: reverse("research:lost_mailbox", args=[R, x.dan.code])],
    ),
    "Ada asked about an address": (pairs.asked_for_an_address, [at("staff:agreements")]),
    "Eva with an exception": (pairs.supervised, [RANDOMISATION, dans]),
    "Eva before an allocation": (pairs.to_be_forced, [dans]),
    "Eva to be shown an arm": (pairs.agreed_to_break, [RANDOMISATION]),
    "Eva after a code-break": (pairs.broken, [RANDOMISATION]),
    "Ada with a message": (with_a_message, [at("research:messages", R)]),
    "Finn after the study": (pairs.closed_study, [at("research:studies")]),
    "whoever was invited": (invited, [lambda x: reverse("accept_invitation", args=[x.token])]),
}


@pytest.mark.django_db
@pytest.mark.parametrize("who", SEEN_BY)
def test_every_form_that_anybody_sees_is_among_those_sent_twice(who, study):
    given, starts = SEEN_BY[who]
    x = SimpleNamespace(**given(study))
    sent_twice = {press.route for press in PRESSES}
    forms = list(
        crawling.crawl(
            x.browser, *(start if isinstance(start, str) else start(x) for start in starts)
        )
    )
    assert forms
    assert {form.route for form in forms} - sent_twice - set(ELSEWHERE) == set()
    assert [
        form.page for form in forms if form.route in sent_twice and not form.sent.get("request_key")
    ] == []


def test_every_route_that_takes_a_post_is_sent_twice_or_changes_nothing():
    named = {
        route
        for route, view in routes(get_resolver())
        if takes_a_post(view) and not route.startswith("api:")
    }
    assert named == {press.route for press in PRESSES} | set(ELSEWHERE)


def routes(resolver: URLResolver, room: str = "") -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from routes(each, f"{room}{each.namespace}:" if each.namespace else room)
        else:
            yield f"{room}{each.name}", each.callback


def takes_a_post(view: Any) -> bool:
    if hasattr(view, "view_class"):
        return hasattr(view.view_class, "post")
    return view.__module__.split(".")[0] not in {"allauth"} and "POST" in pairs.methods(view)


@pytest.mark.parametrize("press", PRESSES, ids=str)
def test_a_form_that_is_sent_twice_has_one_effect(press, study):
    x = SimpleNamespace(**press.given(study))
    form = next(
        form for form in crawling.crawl(x.browser, press.start(x)) if form.route == press.route
    )
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


@pytest.mark.parametrize("press", PRESSES, ids=str)
def test_the_address_that_a_form_is_sent_to_can_be_opened_too(press, study):
    """It stays in the browser after an error, and a reload, the language switch and the way back
    from help open it.
    """
    x = SimpleNamespace(**press.given(study))
    form = next(
        form for form in crawling.crawl(x.browser, press.start(x)) if form.route == press.route
    )
    answer = x.browser.get(form.action, follow=True)
    assert answer.status_code == 200
    assert answer.content


def test_an_address_that_does_not_take_what_is_sent_says_so_in_words(study):
    answer = pairs.way_in("contact").post(reverse("join:help", args=[P]))
    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert "cannot be opened by itself" in answer.content.decode()


class SentTwice(APIClient):
    """Sends a call of the endpoint so many times with one key, and keeps what that did; other calls
    go as they are.
    """

    endpoint, times = "", 1
    effects: ClassVar[list[Effect]] = []

    def generic(self, method: str, path: str, *args: Any, **extra: Any) -> Any:
        if method == "GET" or resolve(urlsplit(path).path).view_name != f"api:{self.endpoint}":
            return super().generic(method, path, *args, **extra)
        keyed, answers = {**extra, "HTTP_IDEMPOTENCY_KEY": clients.a_key()}, []

        def send() -> int:
            answers.append(APIClient.generic(copy.copy(self), method, path, *args, **keyed))
            return answers[-1].status_code

        self.effects.append(effect(*[send] * self.times))
        return answers[0]


@pytest.mark.parametrize("pair", pairs.PAIRS, ids=lambda pair: pair.endpoint)
def test_a_call_of_the_api_that_comes_twice_has_one_effect(pair, study, monkeypatch):
    monkeypatch.setattr(clients, "APIClient", SentTwice)
    x = SimpleNamespace(
        **(with_a_message(study) if pair.given is pairs.with_a_message else pair.given(study))
    )
    monkeypatch.setattr(SentTwice, "effects", [])
    monkeypatch.setattr(SentTwice, "endpoint", pair.endpoint)

    with taken_back():
        pair.by_api(x)
    monkeypatch.setattr(SentTwice, "times", 2)
    pair.by_api(x)

    once, twice = SentTwice.effects
    assert pair.does in {*once.events, ""}
    assert twice == once


@dataclass(frozen=True)
class Effect:
    """What was added: rows by table, audit events by what was done, and mails. The first answer was
    no refusal.
    """

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
    """In a thread each, let go at the same moment; one alone stays in this thread and its
    transaction.
    """
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
    """Asked in one statement, since it is asked often."""
    each = (
        f"SELECT '{model._meta.label}', COUNT(*) FROM "
        f"{connection.ops.quote_name(model._meta.db_table)}"
        for model in apps.get_models()
        if model not in UNCOUNTED
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return Counter(dict(cursor.fetchall()))


def audit_events() -> Counter[str]:
    return Counter(AuditEvent.objects.values_list("action", flat=True))
