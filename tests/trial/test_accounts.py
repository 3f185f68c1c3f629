"""Signing in: one mail for one press, and account pages that are shut for whoever has nothing to do there."""

from __future__ import annotations

import re

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.conftest import NOW
from trial.models import User

pytestmark = pytest.mark.django_db
STAFF_ONLY = ["account_change_password", "account_reset_password", "account_reauthenticate", "mfa_index"]
SHUT = ["account_email", "account_set_password", "account_email_verification_sent"]


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(email: str, key: str) -> Client:
    client = Client()
    client.post(reverse("account_request_login_code"), {"email": email, "request_key": key})
    return client


def mailed_codes() -> list[str]:
    return [re.search(r"Your code: (\S+)", each.body).group(1) for each in mail.outbox]


def enter(client: Client, code: str) -> str:
    return client.post(reverse("account_confirm_login_code"), {"code": code}).get("Location", "")


def test_a_press_that_arrives_twice_mails_one_code_which_works_in_either_answer(study):
    email = factories.a_verified_participant(study, NOW).identity.email
    first, second = ask(email, "a press"), ask(email, "a press")
    [code] = mailed_codes()
    assert (enter(first, code), enter(second, code)) == (reverse("door"), reverse("door"))


def test_another_press_makes_another_code(study):
    email = factories.a_verified_participant(study, NOW).identity.email
    ask(email, "a press")
    ask(email, "another")
    one, other = mailed_codes()
    assert one != other


def test_whoever_knows_the_request_key_does_not_know_the_code_of_another_address(study):
    for _ in range(2):
        ask(factories.a_verified_participant(study, NOW).identity.email, "the same press")
    one, other = mailed_codes()
    assert one != other


def test_a_link_to_a_new_password_is_mailed_once_a_press(study):
    email = factories.a_staff_member(study, "coach", "", NOW).email
    for _ in range(2):
        Client().post(reverse("account_reset_password"), {"email": email, "request_key": "a press"})
    assert [each.to for each in mail.outbox] == [[email]]


@pytest.mark.parametrize("name", [*STAFF_ONLY, *SHUT])
def test_a_participant_finds_no_page_about_passwords_addresses_or_second_factors(name, study):
    dan = factories.a_verified_participant(study, NOW)
    assert signed_in(dan.user).get(reverse(name)).status_code == 404


@pytest.mark.parametrize("name", SHUT)
def test_nobody_adds_an_address_to_an_account(name, study):
    ben = factories.a_staff_member(study, "coach", "", NOW)
    client = signed_in(ben)
    answer = client.post(reverse(name), {"email": "other@example.org", "action_add": ""})
    assert answer.status_code == 404
    assert [each.email for each in EmailAddress.objects.filter(user=ben)] == [ben.email]


@pytest.mark.parametrize("name", ["account_change_password", "mfa_index"])
def test_staff_look_after_their_password_and_second_factor(name, study):
    ben = factories.a_staff_member(study, "coach", "", NOW)
    assert signed_in(ben).get(reverse(name)).status_code == 200
