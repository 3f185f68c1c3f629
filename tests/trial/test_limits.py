"""Who tries too often is slowed down; who is guessed at, or sits in one room with others, is let
in.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import time_machine
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client, override_settings
from django.urls import reverse

from tests import factories, smtp
from tests.api import clients
from tests.conftest import NOW
from trial import environment, limits
from trial.models import Participant, User

pytestmark = pytest.mark.django_db
HOME, ROOM, AWAY = "198.51.100.1", "198.51.100.2", "203.0.113.9"
LOGIN = reverse("account_login")
ASK = reverse("account_request_login_code")
BEGIN = "/join/quiet-mornings/begin/"


@pytest.fixture(autouse=True)
def waited(monkeypatch, db):
    """The seconds that were waited, without waiting them. The clock stands still, and no count is
    there yet.
    """
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: found.append(seconds))
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield found


def at(address: str) -> Client:
    return Client(REMOTE_ADDR=address)


def signs_in(browser: Client, email: str, password: str = factories.PASSWORD) -> bool:
    return browser.post(LOGIN, {"login": email, "password": password}).status_code == 302


def token(address: str, email: str, password: str = factories.PASSWORD, **more: str) -> int:
    body = {"email": email, "password": password, "name": "a program", **more}
    return (
        Client(REMOTE_ADDR=address)
        .post("/api/v1/token/", body, content_type="application/json")
        .status_code
    )


def begins_by_api(address: str):
    path, body = "/api/v1/join/quiet-mornings/", {"language": "en"}
    return Client(REMOTE_ADDR=address).post(path, body, content_type="application/json")


def guesses(address: str, email: str, times: int) -> None:
    for number in range(times):
        assert not signs_in(at(address), email, f"guess {number}")


def test_25_people_in_one_room_begin_and_sign_in_within_a_minute(study):
    known = [factories.a_consented_participant(study, NOW).identity.email for _ in range(25)]
    mail.outbox.clear()
    for number, email in enumerate(known):
        assert (
            at(ROOM).post(ASK, {"email": email, "request_key": f"press {number}"}).status_code
            == 302
        )
        assert at(ROOM).post(BEGIN).status_code == 302
        assert begins_by_api(ROOM).status_code == 201
    assert len(mail.outbox) == 25
    assert Participant.objects.count() == 75


def test_25_staff_in_one_room_sign_in_within_a_minute_and_some_type_it_wrong_first(study):
    emails = [
        factories.a_staff_member(study, "coach", f"Coach {number}", NOW).email
        for number in range(25)
    ]
    for number, email in enumerate(emails):
        if number % 3 == 0:
            guesses(ROOM, email, 1)
        assert signs_in(at(ROOM), email)


@override_settings(PROXIES=environment.proxies({"HANDVAT_PROXIES": "127.0.0.1"}))
def test_behind_a_named_proxy_each_has_an_address_of_their_own(study, staff):
    email = staff("coach").email
    for number in range(6):
        browser = Client(HTTP_X_FORWARDED_FOR=AWAY)
        answer = browser.post(LOGIN, {"login": email, "password": f"guess {number}"})
    assert "Too many" in answer.content.decode()
    assert signs_in(Client(HTTP_X_FORWARDED_FOR=HOME), email)


def test_an_address_that_nobody_vouches_for_is_not_counted(study, staff):
    email = staff("coach").email
    for number in range(6):
        browser = Client(REMOTE_ADDR=AWAY, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
        answer = browser.post(LOGIN, {"login": email, "password": f"guess {number}"})
    assert "Too many" in answer.content.decode()


def test_whoever_guesses_is_stopped_and_keeps_nobody_out(study, staff, waited):
    email = staff("coach").email
    for address in range(40):
        guesses(f"203.0.113.{address}", email, 6)
    assert not signs_in(
        at("203.0.113.1"), email
    )  # where it was guessed, the right one is not tried either
    assert signs_in(at(HOME), email)
    assert max(waited) == limits.LONGEST_WAIT
    assert token(ROOM, email) == 200


def test_the_wait_grows_and_never_exceeds_five_seconds():
    assert [limits.wait(wrong) for wrong in range(10)] == [0, 0, 0, 0.25, 0.5, 1, 2, 4, 5, 5]
    assert limits.wait(10**6) == 5


def test_after_a_right_password_there_is_no_wait_any_more(study, staff, waited):
    email = staff("coach").email
    guesses(AWAY, email, 5)
    assert signs_in(at(HOME), email)
    waited.clear()
    assert signs_in(at(HOME), email)
    assert waited == [0]


def test_a_browser_that_signed_in_before_is_counted_apart_and_waits_for_nobody(
    study, staff, waited
):
    email = staff("coach").email
    mine = at(ROOM)
    assert signs_in(mine, email)
    mine.post(reverse("account_logout"))
    guesses(ROOM, email, 6)
    assert not signs_in(at(ROOM), email)
    waited.clear()
    assert signs_in(mine, email)
    assert waited == []


def test_a_browser_that_signed_in_before_may_not_guess_for_ever_either(study, staff):
    email = staff("coach").email
    mine = at(ROOM)
    assert signs_in(mine, email)
    mine.post(reverse("account_logout"))
    for number in range(5):
        assert not signs_in(mine, email, f"guess {number}")
    assert not signs_in(mine, email)
    assert signs_in(at(HOME), email)


def test_a_browser_is_known_to_the_accounts_it_signed_in_to_and_to_no_other(study, staff):
    ben, eva = staff("coach").email, staff("supervisor").email
    browser = at(ROOM)
    assert signs_in(browser, ben)
    browser.post(reverse("account_logout"))
    assert ben not in str(browser.cookies[limits.COOKIE])
    guesses(ROOM, eva, 6)
    assert not signs_in(browser, eva)


def test_a_cookie_that_somebody_made_themselves_makes_no_browser_known(study, staff, waited):
    email = staff("coach").email
    guesses(AWAY, email, 6)
    for value in ("x", "W10:x", f'[["{limits.account_hash(email)}", "x"]]'):
        browser = at(AWAY)
        browser.cookies[limits.COOKIE] = value
        assert not signs_in(browser, email)


def test_wrong_passwords_count_for_the_address_over_all_accounts(study, staff):
    most = 50
    for number in range(most):
        assert token(AWAY, f"nobody-{number}@example.org") == 401
    email = staff("coach").email
    assert token(AWAY, email) == 429
    assert token(HOME, email) == 200


def test_an_account_that_does_not_exist_is_answered_as_one_that_does(study, staff, waited):
    email = staff("coach").email
    answers = {}
    for asked in (email, "nobody@example.org"):
        waited.clear()
        answers[asked] = (
            [token(AWAY, asked, f"guess {number}") for number in range(7)],
            list(waited),
        )
    assert answers[email] == answers["nobody@example.org"]
    assert answers[email][0] == [401] * 5 + [429] * 2


def test_a_right_second_factor_is_counted_apart(study, staff):
    ada = staff("researcher")
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ada, secret)
    code = totp.format_hotp_value(
        totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time())))
    )
    for number in range(6):
        token(ROOM, ada.email, f"guess {number}")
    assert token(ROOM, ada.email) == 429
    assert token(ROOM, ada.email, code="000000") == 429
    assert token(ROOM, ada.email, code=code) == 200
    assert token(ROOM, ada.email, code=code) == 429  # each code once


def test_screenings_begun_from_one_address_are_limited_on_the_page_and_by_the_api_together(study):
    for _ in range(30):
        assert at(AWAY).post(BEGIN).status_code == 302
        assert begins_by_api(AWAY).status_code == 201
    page = at(AWAY).post(BEGIN)
    assert (page.status_code, page["Retry-After"]) == (429, "60")
    answer = begins_by_api(AWAY)
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (
        429,
        "60",
        "throttled",
    )
    assert at(HOME).post(BEGIN).status_code == 302


def test_the_token_endpoint_is_limited_by_address_whatever_the_answers(study, staff):
    email = staff("coach").email
    assert [token(AWAY, email) for _ in range(61)] == [200] * 60 + [429]


def test_counters_cannot_be_pushed_out_of_the_shared_memory(study, staff):
    email = staff("coach").email
    guesses(AWAY, email, 5)
    for number in range(1_000):  # what anybody can have stored, by asking with many addresses
        cache.set(f"other-{number}", number, 300)
    assert not signs_in(at(AWAY), email)
    assert sum(cache.get(f"other-{number}") is not None for number in range(1_000)) == 1_000


def test_what_has_expired_leaves_the_shared_memory():
    for number in range(400):
        cache.set(f"old-{number}", number, 60)
    with time_machine.travel(NOW.replace(hour=12), tick=False):
        cache.set("new", 1, 60)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM shared_cache")
            assert cursor.fetchone() == (1,)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_40_guesses_at_the_same_moment_five_are_looked_at(study, staff, monkeypatch):
    monkeypatch.undo()  # the lock of a count waits in earnest
    email = staff("coach").email
    gate = threading.Barrier(40)

    def guess(number: int) -> int:
        try:
            gate.wait(30)
            return token(AWAY, email, f"guess {number}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(guess, range(40)))
    assert set(statuses) <= {401, 429}
    assert statuses.count(401) <= 5
    assert clients.Client(User.objects.get(email=email)).get("studies/").status_code == 200


def asks(browser: Client, email: str, times: int = 1, purpose: str = "") -> list[bool]:
    """Whether each of so many requests for a code, or for a link to a new password, is let
    through.
    """
    pages = [
        browser.post(purpose or ASK, {"email": email, "request_key": str(uuid4())})
        for _ in range(times)
    ]
    return [page.status_code == 302 for page in pages]


def signs_in_by_code(browser: Client, email: str) -> None:
    assert asks(browser, email) == [True]
    code = re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0]
    assert browser.post(reverse("account_confirm_login_code"), {"code": code}).status_code == 302
    del browser.cookies["s"]  # as after the session's end


@pytest.mark.parametrize("purpose", [ASK, reverse("account_reset_password")])
def test_a_stranger_who_asks_for_codes_keeps_nobody_from_asking(study, purpose):
    email = factories.a_verified_participant(study, NOW).identity.email
    assert asks(at(AWAY), email, 6, purpose) == [True] * 5 + [False]
    assert asks(at(HOME), email, 6, purpose) == [True] * 5 + [False]


def test_strangers_at_many_addresses_keep_nobody_from_a_code_in_a_browser_that_signed_in_before(
    study,
):
    email = factories.a_verified_participant(study, NOW).identity.email
    own = at(HOME)
    signs_in_by_code(own, email)
    for number in range(4):
        asks(at(f"203.0.113.{number}"), email, 5)
    assert asks(at(ROOM), email) == [False]
    assert asks(own, email, 6) == [True] * 5 + [False]


def test_whoever_asks_too_often_is_counted_before_the_mail_host_is_asked_anything(study, settings):
    settings.LIMITS = {**settings.LIMITS, "mail_door": "2/m/ip"}
    with smtp.running() as host:
        smtp.use(settings, host.port)
        assert asks(at(AWAY), "one@example.org", 2) == [True, True]
        host.said.clear()
        assert asks(at(AWAY), "two@example.org") == [False]
        assert host.said == []
        assert asks(at(HOME), "two@example.org") == [True]
