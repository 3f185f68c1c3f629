"""Phone numbers, addresses and codes, as people write them, in each place that takes them."""

from __future__ import annotations

import pytest
import time_machine
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from outcomes.forms.items import Phone
from tests import factories
from tests.api import clients
from tests.conftest import NOW
from trial.forms.join import Contact
from trial.forms.participant import OwnNumber
from trial.forms.research import Invite
from trial.models import Identity, Invitation

PASSWORD = "a sentence is easy to remember"
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@pytest.fixture(autouse=True)
def the_clock_stands_still(db):
    with time_machine.travel(NOW, tick=False):
        cache.clear()
        yield


def contact(**typed: str) -> Contact:
    return Contact(
        {"name": "Dan", "email": "dan@example.org", "phone": "06 1234 5678"} | typed, country="NL"
    )


@pytest.mark.parametrize("form", [Phone, OwnNumber])
def test_every_form_that_asks_for_a_number_counts_from_the_country_of_the_study(form):
    filled = form({"phone": "(415) 555-0132"}, country="US")
    assert (filled.is_valid(), filled.cleaned_data) == (True, {"phone": "+14155550132"})
    refused = form({"phone": "(415) 555-0132 ext. 4"}, country="US")
    assert not refused.is_valid()
    words = (
        "Write one whole number, without letters or an extension, such as (201) 555-0123 / +1 "
        "201-555-0123"
    )
    assert refused.errors == {"phone": [words]}


def test_the_page_of_contact_details_reads_what_was_pasted():
    form = contact(
        email="Dan Jansen <\N{ZERO WIDTH SPACE}Dan@Example.org>",
        phone="\N{LEFT-TO-RIGHT EMBEDDING}0031 6 1234 5678",
    )
    assert form.is_valid()
    assert form.cleaned_data == {"name": "Dan", "email": "Dan@example.org", "phone": "+31612345678"}
    refused = contact(email="dan@example.org and eva@example.org")
    assert refused.errors == {"email": ["Write one whole address, such as name@example.org"]}


def test_a_newcomer_by_the_api_gives_what_was_pasted_and_enters_the_code_in_other_digits(study):
    client = clients.screened(study)
    base = f"join/{study.public_slug}"
    typed = {"name": "Dan", "email": "mailto:dan@Bücher.example", "phone": "(+31) 6 1234-5678"}
    assert client.post(f"{base}/contact/", typed).status_code == 200
    assert mail.outbox[-1].to == ["dan@xn--bcher-kva.example"]
    code = clients.mailed_code()
    answer = client.post(
        f"{base}/verify/", {"code": f" {code[:3]}\N{NO-BREAK SPACE}{code[3:].translate(ARABIC)}"}
    )
    assert answer.status_code == 200, answer.content
    identity = Identity.objects.get()
    assert (identity.email, identity.phone) == ("dan@xn--bcher-kva.example", "+31612345678")


def test_by_the_api_a_number_with_an_extension_is_refused_with_an_example(study):
    typed = {"name": "Dan", "email": "dan@example.org", "phone": "020 123 4567 ext. 12"}
    answer = clients.screened(study).post(f"join/{study.public_slug}/contact/", typed)
    assert answer.status_code == 400
    assert "such as 06 12345678" in answer.content.decode()


@pytest.mark.parametrize(
    "written",
    ["mailto:{}", "Dan Jansen <{}>", "\N{ZERO WIDTH SPACE}{}", "{}\N{NO-BREAK SPACE}", "{},"],
)
def test_a_participant_signs_in_with_their_address_however_they_write_it(study, written):
    address = factories.a_verified_participant(study, NOW).identity.email
    typed = written.format(address.upper())
    Client().post(reverse("account_request_login_code"), {"email": typed, "request_key": "k"})
    assert [each.to for each in mail.outbox] == [[address]]


def test_staff_sign_in_with_a_pasted_address_and_the_code_of_their_app_in_any_digits(study, staff):
    ada = staff("researcher", "Ada")
    ada.set_password(PASSWORD)
    ada.save()
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(ada, secret)
    code = totp.format_hotp_value(
        totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time())))
    )
    browser = Client()
    page = browser.post(
        reverse("account_login"), {"login": f"Ada <{ada.email}>", "password": PASSWORD}
    )
    assert page.url == reverse("mfa_authenticate")
    page = browser.post(page.url, {"code": f"{code[:3]} {code[3:]}".translate(ARABIC)})
    assert page.url == reverse("door")


def test_the_token_of_staff_is_given_for_a_pasted_address(study, staff):
    ada = staff("researcher", "Ada")
    ada.set_password(PASSWORD)
    ada.save()
    given = {"email": f"mailto:{ada.email}", "password": PASSWORD, "name": "a notebook"}
    assert APIClient().post(reverse("api:token"), given, format="json").status_code == 200


def test_a_new_password_is_asked_for_with_a_pasted_address(study, staff):
    ada = staff("researcher", "Ada")
    Client().post(
        reverse("account_reset_password"), {"email": f"Ada <{ada.email}>", "request_key": "k"}
    )
    assert [each.to for each in mail.outbox] == [[ada.email]]


def test_staff_are_invited_by_pasted_addresses_and_an_address_is_one_person(study, staff):
    form = Invite({"email": "Ben de Boer <Ben@BÜCHER.example>", "role": "coach"})
    assert (form.is_valid(), form.cleaned_data["email"]) == (True, "Ben@xn--bcher-kva.example")
    call_command("invite", "mailto:Ben@Bücher.example", role="coach", study=study.slug)
    assert Invitation.objects.get().email == "Ben@xn--bcher-kva.example"
    ada = clients.Client(staff("researcher", "Ada"))
    again = ada.post(
        f"studies/{study.slug}/staff/", {"email": "ben@xn--bcher-kva.example", "role": "coach"}
    )
    assert (again.status_code, Invitation.objects.count()) == (409, 1)
    with pytest.raises(CommandError, match="is no e-mail address"):
        call_command("invite", "ben@example.org eva@example.org", role="coach", study=study.slug)
