"""Asking for a code and entering it: one mail for one press, and a code that is random, works once
and not for long.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection

from tests import dump, factories, smtp
from tests.conftest import NOW
from trial import vault
from trial.actions import doormails, mailcodes
from trial.actions.once import KeyReused
from trial.mail import door
from trial.mailcodes import Verdict
from trial.models import DoorMail, WaitingMail
from trial.worker import tick

pytestmark = pytest.mark.django_db
TYPED = {"name": "Dan Jansen", "email": "dan@example.org", "phone": "+31612345678"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def person(study, now):
    cache.clear()
    return factories.a_screened_participant(study, now)


def ask(person, now, *, key="first", allows=lambda: True, **changed):
    typed = {**TYPED, **changed}
    return mailcodes.ask(
        participant=person, typed=typed, language="en", key=key, allows=allows, at=now
    )


def handed_over(about: DoorMail, at=NOW) -> str:
    """The code that was mailed."""
    with door() as opened:
        assert doormails.hand_over(about, opened, at)
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0]


def signing_in(email: str, key: str = "first", at=NOW) -> DoorMail:
    return mailcodes.ask_to_sign_in(email=email, language="en", key=key, allows=lambda: True, at=at)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_repeat_is_the_same_row_and_one_mail(person, now):
    first = ask(person, now)
    code = handed_over(first)
    mailcodes.judge(handle=first.handle, typed=other_than(code), at=now)
    again = ask(person, now)
    assert (again.handle, again.tries) == (first.handle, 1)  # the tries are not forgotten
    with door() as opened:
        assert not doormails.hand_over(again, opened, now)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "changed", [{"email": "dan@example.net"}, {"phone": "+31687654321"}, {"name": "Daniel"}]
)
def test_a_key_that_comes_with_other_content_is_refused_also_after_another_key(
    person, now, changed
):
    ask(person, now)
    with pytest.raises(KeyReused):
        ask(person, now, **changed)
    ask(person, now, key="second")
    with pytest.raises(KeyReused):
        ask(person, now, **changed)
    assert DoorMail.objects.count() == 2


def test_a_repeat_of_a_request_that_was_one_too_many_is_refused_too(person, now):
    ask(person, now, key="the last")
    for _ in range(2):
        with pytest.raises(mailcodes.TooManyCodes):
            ask(person, now, key="one too many", allows=lambda: False)
    assert ask(person, now, key="the last", allows=lambda: False)  # a repeat is not counted
    assert WaitingMail.objects.count() == 1


def test_the_same_key_on_later_days_is_another_code_and_the_old_one_is_over(study, now):
    email = factories.a_verified_participant(study, now).identity.email
    codes, handles = [], []
    for day in (0, 1, 30):
        at = now + timedelta(days=day)
        about = signing_in(email, at=at)
        codes.append(handed_over(about, at))
        handles.append(about.handle)
    assert len(set(handles)) == 3
    for handle, code in zip(handles[:2], codes[:2], strict=True):
        assert mailcodes.judge(handle=handle, typed=code, at=at) == Verdict.OVER
        assert mailcodes.judge(handle=handles[2], typed=code, at=at) == Verdict.WRONG
    assert mailcodes.judge(handle=handles[2], typed=codes[2], at=at) == Verdict.RIGHT


def test_a_code_works_once_and_the_second_press_of_a_double_click_reads_as_the_first(study, now):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    code = handed_over(about)
    entered = {"handle": about.handle, "typed": code, "press": "a press"}
    assert mailcodes.judge(**entered, at=now) == Verdict.RIGHT
    assert mailcodes.judge(**entered, at=now) == Verdict.RIGHT
    assert mailcodes.judge(**{**entered, "press": "another"}, at=now) == Verdict.OVER
    assert mailcodes.judge(**{**entered, "press": ""}, at=now) == Verdict.OVER
    assert mailcodes.judge(**entered, at=now + MINUTE) == Verdict.OVER
    assert mailcodes.judge(**{**entered, "typed": other_than(code)}, at=now) == Verdict.OVER


def test_a_code_works_for_ten_minutes_and_five_tries(study, now):
    email = factories.a_verified_participant(study, now).identity.email
    about = signing_in(email)
    code = handed_over(about)
    assert mailcodes.judge(handle=about.handle, typed=code, at=now + 10 * MINUTE) == Verdict.OVER
    other = signing_in(email, "another")
    code = handed_over(other)
    wrong = [mailcodes.judge(handle=other.handle, typed=other_than(code), at=now) for _ in range(5)]
    assert wrong == [Verdict.WRONG] * 5
    assert mailcodes.judge(handle=other.handle, typed=code, at=now) == Verdict.OVER


def test_of_an_unknown_address_no_code_is_right_not_even_the_one_that_waited_or_none(study, now):
    about = signing_in("nobody@example.org")
    waited = json.loads(vault.unseal(WaitingMail.objects.get().sealed))["code"]
    with door() as opened:
        assert not doormails.hand_over(about, opened, now)
    assert (mail.outbox, WaitingMail.objects.count()) == ([], 0)
    for typed in (waited, "", "no digits"):
        assert mailcodes.judge(handle=about.handle, typed=typed, at=now) == Verdict.WRONG


def test_a_code_is_right_only_once_it_was_mailed(study, now):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    waited = json.loads(vault.unseal(WaitingMail.objects.get().sealed))["code"]
    assert mailcodes.judge(handle=about.handle, typed=waited, at=now) == Verdict.WRONG


def test_what_waits_is_sealed_and_gone_at_hand_over_and_no_code_stands_anywhere(study, now):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    waited = json.loads(vault.unseal(WaitingMail.objects.get().sealed))["code"]
    assert dump.found([waited]) == []
    assert handed_over(about) == waited
    assert WaitingMail.objects.count() == 0
    assert dump.found([waited]) == []


def test_what_the_host_put_off_is_handed_over_by_the_next_round_of_the_worker(study, now, settings):
    email = factories.a_verified_participant(study, now).identity.email
    about = signing_in(email)
    with smtp.running({"RCPT": "450 grey"}) as host:
        smtp.use(settings, host.port)
        with door() as opened:
            assert not doormails.hand_over(about, opened, now)
        assert WaitingMail.objects.get().claimed_at is None
        host.answers.clear()
        tick(now + MINUTE, seal=False)
        assert host.addressees == [email]
    assert WaitingMail.objects.count() == 0


@pytest.mark.parametrize("said", ["550 nobody here", smtp.CUT])
def test_what_the_host_refused_or_may_have_taken_is_not_sent_again(study, now, settings, said):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    with smtp.running({"TEXT": said}) as host:
        smtp.use(settings, host.port)
        with door() as opened:
            assert not doormails.hand_over(about, opened, now)
    assert WaitingMail.objects.count() == 0


def test_two_who_hand_over_the_same_mail_mail_it_once(study, now):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    WaitingMail.objects.update(claimed_at=now)
    with door() as opened:
        assert not doormails.hand_over(about, opened, now)  # the other has it in hand
        assert doormails.hand_over(about, opened, now + 2 * MINUTE)  # and was cut off
    assert len(mail.outbox) == 1


def test_a_mail_whose_code_is_over_is_not_sent_and_rows_are_forgotten_after_an_hour(study, now):
    signing_in(factories.a_verified_participant(study, now).identity.email)
    tick(now + 11 * MINUTE, seal=False)
    assert (mail.outbox, WaitingMail.objects.count(), DoorMail.objects.count()) == ([], 0, 1)
    tick(now + 61 * MINUTE, seal=False)
    assert DoorMail.objects.count() == 0


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_forty_tries_at_one_moment_are_five(study, now):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    code = handed_over(about)

    def attempt(number: int) -> Verdict:
        try:
            return mailcodes.judge(handle=about.handle, typed=other_than(code), at=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(40) as pool:
        verdicts = list(pool.map(attempt, range(40)))
    assert sorted(verdicts) == [Verdict.OVER] * 35 + [Verdict.WRONG] * 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_forty_right_codes_at_one_moment_one_is_right(study, now):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    code = handed_over(about)

    def attempt(number: int) -> Verdict:
        try:
            return mailcodes.judge(handle=about.handle, typed=code, press=f"press {number}", at=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(attempt, range(40))).count(Verdict.RIGHT) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_presses_of_one_double_click_at_one_moment_are_all_right(study, now):
    about = signing_in(factories.a_verified_participant(study, now).identity.email)
    code = handed_over(about)

    def attempt(number: int) -> Verdict:
        try:
            return mailcodes.judge(handle=about.handle, typed=code, press="a press", at=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, range(4))) == [Verdict.RIGHT] * 4
