from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from tests import dump, factories
from tests.api import clients
from tests.api.clients import BASE, Client, of
from trial import actors
from trial.actions import participants
from trial.actions import staff as staff_actions
from trial.actions import tokens as actions
from trial.models import ApiToken, User

pytestmark = pytest.mark.django_db


def sign_in(user: User, password: str = factories.PASSWORD, **more):
    return Client().post(
        "token/", {"email": user.email, "password": password, "name": "a script", **more}
    )


def test_staff_sign_in_and_drop_the_token(study, staff):
    ada = staff("researcher")
    token = sign_in(ada).json()["token"]
    client = Client()
    client.api.credentials(HTTP_AUTHORIZATION=f"Token {token}")

    assert client.get("studies/").json()[0]["roles"] == ["researcher"]
    assert client.delete("token/").status_code == 204
    assert client.get("studies/").status_code == 401


def test_whoever_is_signed_in_by_a_browser_has_no_token_to_drop_and_keeps_those_of_their_programs(
    study, staff
):
    ada = staff("researcher")
    token = sign_in(ada).json()["token"]
    client = Client()
    client.api.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    assert client.delete("token/").status_code == 204
    assert (works(token), client.get("studies/").status_code) == (True, 200)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(study, staff):
    wrong = sign_in(staff("researcher"), "another password")
    unknown = Client().post(
        "token/",
        {"email": "nobody@example.org", "password": "another password", "name": "a script"},
    )
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
    code = totp.format_hotp_value(
        totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time())))
    )

    assert sign_in(ada).json()["code"] == "code_missing"
    assert sign_in(ada, code="abcdef").json()["code"] == "wrong_credentials"
    assert sign_in(ada, code=code).status_code == 200
    assert sign_in(ada, code=code).json()["code"] == "wrong_credentials"


def test_a_participant_has_no_password_to_sign_in_with(study, now):
    dan = factories.a_verified_participant(study, now)
    answer = Client().post(
        "token/", {"email": dan.identity.email, "password": "x" * 12, "name": "a script"}
    )
    assert answer.json()["code"] == "wrong_credentials"


def test_nothing_but_the_way_in_the_document_and_signing_in_is_open(study):
    assert Client().api.get(f"{BASE}/nothing/").status_code == 404
    assert Client().get("studies/").status_code == 401
    assert Client().delete("token/").status_code == 401


# Tokens: hashed, named, with a last day


def as_program(token: str) -> Client:
    client = Client()
    client.api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def works(token: str) -> bool:
    return as_program(token).get("tokens/").status_code == 200


@pytest.fixture
def ada(study, staff):
    return staff("researcher")


def test_a_token_stands_nowhere_in_clear(ada):
    token = sign_in(ada).json()["token"]
    assert works(token)
    assert dump.found([token]) == []


def test_tokens_are_listed_by_name_without_their_secrets(ada):
    first, second = (sign_in(ada, name=name).json() for name in ("nightly export", "a notebook"))
    listed = as_program(first["token"]).get("tokens/").json()
    assert [each["name"] for each in listed] == ["a notebook", "nightly export"]
    assert set(listed[0]) == {"id", "name", "made_at", "expires_at"}
    assert as_program(second["token"]).post(f"tokens/{first['id']}/end/").status_code == 200
    assert (works(first["token"]), works(second["token"])) == (False, True)


def test_a_token_has_a_name_and_works_for_90_days_at_most(ada, now):
    assert (
        Client().post("token/", {"email": ada.email, "password": factories.PASSWORD}).status_code
        == 400
    )
    assert sign_in(ada, days=91).json()["fields"]["days"]
    with pytest.raises(actions.TokenTooLong):
        actions.make(user=ada, name="x", days=91, by=actors.staff(ada.pk), at=now)
    with time_machine.travel(now, tick=False):
        token = sign_in(ada).json()["token"]
    with time_machine.travel(now + timedelta(days=90, seconds=-1), tick=False):
        assert works(token)
    with time_machine.travel(now + timedelta(days=90), tick=False):
        assert not works(token)


def test_the_same_request_twice_is_one_token_and_the_same_secret(ada):
    body = {"email": ada.email, "password": factories.PASSWORD, "name": "a script"}
    given = [Client().post("token/", body, key="k").json()["token"] for _ in range(2)]
    assert given[0] == given[1]
    assert ApiToken.objects.filter(user=ada).count() == 1


def test_a_token_ends_once(ada):
    first, second = (sign_in(ada, name=name).json() for name in ("one", "other"))
    ended = [
        as_program(second["token"]).post(f"tokens/{first['id']}/end/", key=key)
        for key in ("a", "b")
    ]
    assert [answer.status_code for answer in ended] == [200, 410]


def test_a_token_of_somebody_else_cannot_be_ended(ada, staff):
    theirs = sign_in(staff("supervisor")).json()
    assert (
        as_program(sign_in(ada).json()["token"]).post(f"tokens/{theirs['id']}/end/").status_code
        == 404
    )
    assert works(theirs["token"])


def test_a_changed_password_ends_every_token(ada):
    token = sign_in(ada).json()["token"]
    browser = Browser()
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    new = "another quiet morning walk"
    answer = browser.post(
        reverse("account_change_password"),
        {"oldpassword": factories.PASSWORD, "password1": new, "password2": new},
    )
    assert answer.status_code == 302
    assert not works(token)


def test_a_role_that_ends_ends_every_token(ada):
    token = sign_in(ada).json()["token"]
    staff_actions.end_role(membership=ada.memberships.get(), by=actors.SYSTEM, at=timezone.now())
    assert not works(token)


def test_who_is_erased_leaves_no_token(study, now):
    dan = factories.a_verified_participant(study, now)
    client = of(dan)
    assert client.get("today/").status_code == 200
    participants.erase(participant=dan, reason="other", by=actors.SYSTEM, at=now)
    assert client.get("today/").status_code == 401
    assert ApiToken.objects.count() == 0


# On pages


@pytest.fixture
def browser(ada):
    client = Browser()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


MADE = {"name": "a notebook", "days": "30", "password": factories.PASSWORD}


def test_a_token_is_made_on_a_page_with_the_password_and_shown_once(browser, ada):
    page = reverse("staff:tokens")
    assert "There are none." in browser.get(page).content.decode()
    for _ in range(2):
        shown = browser.post(page, {**MADE, "request_key": "k"}).content.decode()
        secret = actions.secret_of(ApiToken.objects.get())
        assert secret in shown
    assert works(secret)
    again = browser.get(page).content.decode()
    assert ("a notebook" in again, secret in again) == (True, False)
    browser.post(reverse("staff:end_token", args=[ApiToken.objects.get().pk]), {"request_key": "e"})
    assert not works(secret)


def test_a_wrong_password_makes_none_and_keeps_what_was_typed(browser):
    shown = browser.post(reverse("staff:tokens"), {**MADE, "password": "wrong"})
    assert shown.status_code == 400
    assert 'value="a notebook"' in shown.content.decode()
    assert ApiToken.objects.count() == 0


def test_a_token_that_is_over_or_of_somebody_else_is_said_to_be_over(browser, staff):
    eva = staff("supervisor")
    theirs = sign_in(eva).json()
    own = sign_in(User.objects.get(email__startswith="researcher")).json()
    browser.post(reverse("staff:end_token", args=[own["id"]]))
    for number in (own["id"], theirs["id"], 0):
        shown = browser.post(
            reverse("staff:end_token", args=[number]), follow=True
        ).content.decode()
        assert "This token is over." in shown
    assert works(theirs["token"])


def test_a_participant_sees_and_ends_what_an_app_joined_with(study):
    client, dan = clients.verified(study)
    browser = Browser()
    browser.force_login(dan.user, backend="django.contrib.auth.backends.ModelBackend")
    assert "Apps that sign in for you" in browser.get(reverse("participant:data")).content.decode()
    for token in ApiToken.objects.filter(user=dan.user):
        assert browser.post(reverse("participant:end_token", args=[token.pk])).status_code == 302
    assert client.get("today/").status_code == 401
    assert "There are none." in browser.get(reverse("participant:tokens")).content.decode()
