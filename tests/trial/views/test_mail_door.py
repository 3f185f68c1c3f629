"""Signing in, coming in and a new password, with the mail host open, slow or shut: nothing tells
who is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.core.handlers.base import BaseHandler
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import Client, RequestFactory
from django.urls import reverse, reverse_lazy

from tests import factories, smtp
from tests.api import clients
from tests.conftest import NOW
from tests.trial.views import test_join as join
from trial import actors, mail_door
from trial.actions import participants
from trial.models import DoorMail, Identity, MailHost, WaitingMail

ASK = reverse_lazy("account_request_login_code")
CONFIRM = reverse_lazy("account_confirm_login_code")
PASSWORD = reverse_lazy("account_reset_password")
AWAY = "Our mail does not get through at this moment."
UNKNOWN = "nobody@example.org"


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


@pytest.fixture
def host(settings):
    with smtp.running() as running:
        smtp.use(settings, running.port)
        yield running


def steps_until_the_answer(
    host: smtp.Host, path: str, typed: dict, browser: Client
) -> tuple[list[str], str]:
    """Each statement to the database and each word to the mail host, in order; and the page. Then
    the answer goes out.
    """
    host.said.clear()
    steps: list[str] = []
    request = RequestFactory().post(path, typed)
    request._dont_enforce_csrf_checks = True
    request.COOKIES = {name: cookie.value for name, cookie in browser.cookies.items()}
    handler = BaseHandler()
    handler.load_middleware()

    def recorded(execute, sql, params, many, context):
        steps.append(f"{len(host.said)} said; {re.sub(r's[0-9]+_x[0-9]+', 'savepoint', sql)}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(recorded):
        response = handler.get_response(request)
    steps.append(f"answered after {host.said}")
    page = response.content.decode()
    request_finished.disconnect(
        close_old_connections
    )  # as Django's own client does: the test goes on with this one
    response.close()
    request_finished.connect(close_old_connections)
    for hidden in (r'value="[A-Za-z0-9]{64}"', r'value="[0-9a-f-]{36}"', re.escape(typed["email"])):
        page = re.sub(hidden, "", page)
    return steps, f"{response.status_code} {response.get('Location', '')} {page}"


def participant(study) -> str:
    return factories.a_verified_participant(study, NOW).identity.email


def coach(study) -> str:
    return factories.a_staff_member(study, "coach", "", NOW).email


def nobody_yet(study) -> Client:
    return Client()


def screened(study) -> Client:
    browser = Client()
    join.screened(browser)
    return browser


Known = Callable[..., str]
DOORS = {
    "sign in": (ASK, participant, nobody_yet, {}),
    "join": (
        reverse_lazy("join:contact", args=[join.SLUG]),
        participant,
        screened,
        {"name": "Dan", "phone": "0612345678"},
    ),
    "password": (PASSWORD, coach, nobody_yet, {}),
}


@contextmanager
def standing(host: smtp.Host, how: str):
    if how == "slow":
        host.delay = 0.05
    if how == "shut":
        host.answers["CONNECT"] = "421 full"
    yield


@pytest.mark.parametrize("how", ["open", "slow", "shut"])
@pytest.mark.parametrize("door", DOORS)
def test_a_known_and_an_unknown_address_take_the_same_steps_and_read_the_same_page(
    study, host, door, how
):
    path, known, browser, typed = DOORS[door]
    there = known(study)
    visitors = [browser(study), browser(study)]
    with standing(host, how):
        seen = []
        for number, email in enumerate((there, UNKNOWN)):
            cache.clear()
            sent = {**typed, "email": email, "request_key": f"press {number}"}
            seen.append(steps_until_the_answer(host, str(path), sent, visitors[number]))
    assert seen[0] == seen[1]
    steps, page = seen[0]
    assert not any(Identity._meta.db_table in step and "email_hash" in step for step in steps)
    assert not any("account_emailaddress" in step for step in steps)
    assert (AWAY in page) == (how == "shut")
    if how != "shut":
        assert (
            steps[-1] == "answered after ['EHLO', 'AUTH']"
        )  # logged in before the answer, handed over after it
        assert there in host.addressees


@pytest.mark.parametrize("door", DOORS)
def test_while_the_host_is_known_to_be_away_it_is_not_asked(study, host, door):
    path, _known, browser, typed = DOORS[door]
    visitor = browser(study)
    host.said.clear()
    MailHost.objects.create(pk=1, away_since=NOW - timedelta(hours=1), next_look_at=NOW)
    page = visitor.post(path, {**typed, "email": "new@example.org", "request_key": "a press"})
    assert (page.status_code, AWAY in page.content.decode(), host.said) == (200, True, [])
    MailHost.objects.update(next_look_at=NOW - timedelta(minutes=2))  # the worker stands still
    assert (
        visitor.post(
            path, {**typed, "email": "new@example.org", "request_key": "a press"}
        ).status_code
        == 302
    )


def test_a_host_that_takes_its_time_holds_up_so_many_and_no_more(study, host):
    opened = []
    for _ in range(mail_door.AT_ONCE):
        request = RequestFactory().get("/")
        mail_door.opened(request, NOW)
        opened.append(request)
    host.said.clear()
    sent = {"email": UNKNOWN, "request_key": "a press"}
    assert AWAY in Client().post(ASK, sent).content.decode()
    assert host.said == []
    for request in opened:
        getattr(request, mail_door.KEPT).close()
    assert [Client().post(ASK, {**sent, "request_key": f"{n}"}).status_code for n in range(4)] == [
        302
    ] * 4


def test_a_door_that_did_not_open_is_no_longer_counted(study, host):
    host.answers["CONNECT"] = "421 full"
    for number in range(mail_door.AT_ONCE + 1):
        assert (
            AWAY
            in Client().post(ASK, {"email": UNKNOWN, "request_key": f"{number}"}).content.decode()
        )
    host.answers.clear()
    assert Client().post(ASK, {"email": UNKNOWN, "request_key": "later"}).status_code == 302


@pytest.mark.parametrize("door", DOORS)
def test_when_the_host_is_away_nothing_typed_is_lost_and_the_same_form_works_later(
    study, settings, door
):
    path, known, browser, typed = DOORS[door]
    email, visitor = known(study), browser(study)
    if door == "join":
        email = "new@example.org"
    sent = {**typed, "email": email, "request_key": "the same press"}
    smtp.use(settings, smtp.nobody_listens())
    page = visitor.post(path, sent)
    assert (page.status_code, AWAY in page.content.decode()) == (200, True)
    assert f'value="{email}"' in page.content.decode()
    assert (DoorMail.objects.count(), WaitingMail.objects.count()) == (0, 0)
    with smtp.running() as host:
        smtp.use(settings, host.port)
        assert visitor.post(path, sent).status_code == 302
        assert host.addressees == [email]


def test_a_mail_that_the_host_puts_off_goes_with_the_next_press_of_the_same_form(study, host):
    email = participant(study)
    sent = {"email": email, "request_key": "the same press"}
    host.answers["RCPT"] = "450 grey"
    assert Client().post(ASK, sent).url == CONFIRM
    host.answers.clear()
    browser = Client()
    assert browser.post(ASK, sent).url == CONFIRM
    assert host.addressees == [email]
    [code] = re.findall(r"\b\d{6}\b", host.letters()[0].get_content())
    assert browser.post(CONFIRM, {"code": code}).url == reverse("door")


def test_by_the_api_a_shut_door_is_said_and_the_key_works_later(study, settings):
    client = clients.screened(study)
    path = f"join/{study.public_slug}/contact/"
    typed = {"name": "Dan", "email": "d@example.org", "phone": "0612345678"}
    smtp.use(settings, smtp.nobody_listens())
    answer = client.post(path, typed, key="a key")
    assert (answer.status_code, answer.json()["code"]) == (503, "mail_away")
    with smtp.running() as host:
        smtp.use(settings, host.port)
        assert client.post(path, typed, key="a key").status_code == 200
        assert host.addressees == ["d@example.org"]


def test_asking_again_with_the_host_away_says_so_and_stays_on_the_page(study, host, settings):
    browser = Client()
    browser.post(ASK, {"email": participant(study), "request_key": "k"})
    smtp.use(settings, smtp.nobody_listens())
    page = browser.post(CONFIRM, {"action": "resend", "request_key": "again"}, follow=True)
    assert (page.redirect_chain, AWAY in page.content.decode()) == ([(str(CONFIRM), 302)], True)


def test_the_way_to_a_page_is_kept_over_both_pages_and_leads_to_no_other_site(study, host):
    email = participant(study)
    for wanted, led in (
        ("/participant/data/", "/participant/data/"),
        ("https://example.net/", reverse("door")),
    ):
        browser = Client()
        page = browser.get(f"{ASK}?next={wanted}").content.decode()
        assert (f'name="next" value="{wanted}"' in page) == (wanted == led)
        onward = browser.post(f"{ASK}?next={wanted}", {"email": email, "request_key": wanted}).url
        code = re.findall(r"\b\d{6}\b", host.letters()[-1].get_content())[-1]
        assert browser.post(onward, {"code": code}).url == led


def test_whoever_is_signed_in_or_has_not_asked_is_led_on(study):
    dan = factories.a_verified_participant(study, NOW)
    assert Client().get(CONFIRM).url == ASK
    browser = Client()
    browser.force_login(dan.user, backend="django.contrib.auth.backends.ModelBackend")
    assert [browser.get(path).url for path in (ASK, CONFIRM)] == [reverse("door")] * 2


def test_erasing_somebody_ends_their_code(study, host):
    dan = factories.a_verified_participant(study, NOW)
    browser = Client()
    browser.post(ASK, {"email": dan.identity.email, "request_key": "k"})
    [code] = re.findall(r"\b\d{6}\b", host.letters()[0].get_content())
    participants.erase(participant=dan, reason="other", by=actors.SYSTEM, at=NOW)
    assert browser.post(CONFIRM, {"code": code}).url == ASK
    assert "_auth_user_id" not in browser.session
