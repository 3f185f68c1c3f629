from __future__ import annotations

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp

from tests import factories
from tests.api.clients import BASE, Client
from trial.models import User

pytestmark = pytest.mark.django_db


def sign_in(user: User, password: str = factories.PASSWORD, **more: str):
    return Client().post("token/", {"email": user.email, "password": password, **more})


def test_staff_sign_in_and_drop_the_token(study, staff):
    ada = staff("researcher")
    token = sign_in(ada).json()["token"]
    client = Client()
    client.api.credentials(HTTP_AUTHORIZATION=f"Token {token}")

    assert client.get("studies/").json()[0]["roles"] == ["researcher"]
    assert client.delete("token/").status_code == 204
    assert client.get("studies/").status_code == 401


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(study, staff):
    wrong = sign_in(staff("researcher"), "another password")
    unknown = Client().post("token/", {"email": "nobody@example.org", "password": "another password"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")


def test_guessing_is_stopped(study, staff):
    ada = staff("researcher")
    statuses = [sign_in(ada, f"guess {number}").status_code for number in range(12)]
    assert (statuses[0], statuses[-1]) == (401, 429)
    assert sign_in(ada).status_code == 429


def test_an_authenticator_asks_for_its_code_and_takes_each_once(study, staff):
    ada = staff("researcher")
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ada, secret)
    RecoveryCodes.activate(ada)
    code = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))

    assert sign_in(ada).json()["code"] == "code_missing"
    assert sign_in(ada, code="abcdef").json()["code"] == "wrong_credentials"
    assert sign_in(ada, code=code).status_code == 200
    assert sign_in(ada, code=code).json()["code"] == "wrong_credentials"


def test_a_participant_has_no_password_to_sign_in_with(study, now):
    dan = factories.a_verified_participant(study, now)
    answer = Client().post("token/", {"email": dan.identity.email, "password": "x" * 12})
    assert answer.json()["code"] == "wrong_credentials"


def test_nothing_but_the_way_in_the_document_and_signing_in_is_open(study):
    assert Client().api.get(f"{BASE}/nothing/").status_code == 404
    assert Client().get("studies/").status_code == 401
    assert Client().delete("token/").status_code == 401
