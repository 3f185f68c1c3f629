"""Signing in: one mail for one press, and account pages that are shut for whoever has nothing to do
there.
"""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse, reverse_lazy

from tests import factories
from tests.conftest import NOW, SMALL
from trial import actors
from trial.actions import participants
from trial.models import Participant, Study, User
from trial.queries.addresses import participant_at

pytestmark = pytest.mark.django_db
STAFF_ONLY = [
    "account_change_password",
    "account_reset_password",
    "account_reauthenticate",
    "mfa_index",
]
ASK = reverse_lazy("account_request_login_code")
CONFIRM = reverse_lazy("account_confirm_login_code")
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


@pytest.mark.parametrize("answer", [0, 1])
def test_a_press_that_arrives_twice_mails_one_code_which_works_once_in_either_answer(study, answer):
    email = factories.a_verified_participant(study, NOW).identity.email
    answers = ask(email, "a press"), ask(email, "a press")
    [code] = mailed_codes()
    assert enter(answers[answer], code) == reverse("door")
    assert enter(answers[1 - answer], code) == ASK


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


def test_a_tab_that_was_closed_takes_along_who_asked_for_a_code(study):
    browser = ask("dan@example.org", "a press")
    page = browser.get(CONFIRM, {"next": "/participant/?a=1&b=2"}).content.decode()
    assert "dan@example.org" in page
    assert f'data-of-this-tab="{ASK}?closed&amp;next=/participant/%3Fa%3D1%26b%3D2"' in page
    assert browser.get(f"{ASK}?closed").status_code == 200
    assert browser.get(CONFIRM).url == ASK


@pytest.fixture
def other_study(study, tmp_path):
    folder = shutil.copytree(SMALL, tmp_path / "other")
    described = (folder / "study.yaml").read_text()
    for ours, theirs in (
        ("small-study", "other-study"),
        ("quiet-mornings", "soft-evenings"),
        ("QM", "SE"),
    ):
        described = described.replace(f": {ours}\n", f": {theirs}\n")
    (folder / "study.yaml").write_text(described)
    return factories.an_open_study(folder, NOW)


def verified(study: Study, email: str, at: datetime) -> Participant:
    person = factories.a_screened_participant(study, at)
    return participants.verify(
        participant=person,
        name="Dan",
        email=email,
        phone="+31 6 0000 0000",
        by=actors.SYSTEM,
        at=at,
    )


def test_whoever_is_in_one_study_is_not_kept_out_of_it_by_a_later_look_at_another(
    study, other_study
):
    dan = factories.a_consented_participant(study, NOW)
    email, later = dan.identity.email, NOW + timedelta(days=1)
    again = verified(other_study, email, later)
    assert participant_at(email) == dan  # on the way into the other study
    participants.turn_away(
        participant=again,
        stage="consent",
        reason="declined",
        stopped=True,
        by=actors.SYSTEM,
        at=later,
    )
    assert participant_at(email) == dan
    participants.withdraw(participant=dan, by=actors.SYSTEM, at=later)
    assert participant_at(email) == again  # neither is active: the newest


def test_whoever_is_on_the_way_in_goes_before_a_study_that_is_over_for_them(study, other_study):
    joining = verified(study, "dan@example.org", NOW)
    declined = verified(other_study, "dan@example.org", NOW + timedelta(hours=1))
    participants.turn_away(
        participant=declined,
        stage="consent",
        reason="declined",
        stopped=True,
        by=actors.SYSTEM,
        at=NOW,
    )
    assert participant_at("dan@example.org") == joining


def test_of_two_studies_that_somebody_is_in_the_newest_opens(study, other_study):
    dan = factories.a_consented_participant(study, NOW)
    second = verified(other_study, dan.identity.email, NOW + timedelta(days=1))
    Participant.objects.filter(pk=second.pk).update(state="consented")
    assert participant_at(dan.identity.email) == second
    assert participant_at("nobody@example.org") is None


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


def test_the_page_for_the_code_shows_the_address_and_the_way_to_another(study):
    client = ask("typo@example.org", "a press")
    page = client.get(f"{CONFIRM}?next=/participant/lessons/").content.decode()
    assert "typo@example.org" in page
    assert f'href="{reverse("account_request_login_code")}?next=/participant/lessons/"' in page
    assert f'href="{reverse("account_login")}"' not in page


def test_a_code_is_six_digits_from_the_study_under_its_neutral_title(study):
    ask(factories.a_verified_participant(study, NOW).identity.email, "a press")
    protocol = study.current.protocol
    assert re.fullmatch(r"\d{6}", mailed_codes()[0])
    assert mail.outbox[-1].subject == f"{protocol.public_title['en']}: your message"
    assert mail.outbox[-1].from_email.startswith(f"{protocol.sender['en']} <")


def test_a_code_sent_again_comes_once_a_press_and_takes_the_place_of_the_first(study):
    client = ask(factories.a_verified_participant(study, NOW).identity.email, "a press")
    for _ in range(2):
        assert client.post(CONFIRM, {"action": "resend", "request_key": "once more"}).url == CONFIRM
    first, second = mailed_codes()
    assert first != second
    assert enter(client, first) == ""
    assert enter(client, second) == reverse("door")


def test_whoever_posts_another_address_when_sending_again_does_not_learn_the_code(study):
    known, mine = (factories.a_verified_participant(study, NOW).identity.email for _ in range(2))
    client = ask(known, "a press")
    client.post(CONFIRM, {"action": "resend", "request_key": "mine", "email": mine})
    theirs = mailed_codes()[-1]
    ask(mine, "mine")
    assert mailed_codes()[-1] != theirs


def test_after_five_wrong_tries_it_is_said_why_a_new_code_is_needed(study):
    client = ask(factories.a_verified_participant(study, NOW).identity.email, "a press")
    wrong = "000000" if mailed_codes()[0] != "000000" else "000001"
    for _ in range(5):
        assert "This is not the code" in client.post(CONFIRM, {"code": wrong}).content.decode()
    answer = client.post(CONFIRM, {"code": mailed_codes()[0]}, follow=True)
    assert answer.redirect_chain == [(ASK, 302)]
    assert "was tried five times" in answer.content.decode()


def test_one_address_is_mailed_five_codes_an_hour(study):
    email = factories.a_verified_participant(study, NOW).identity.email
    for number in range(6):
        ask(email, f"press {number}")
    assert len(mail.outbox) == 5


def walked(email: str) -> list[tuple[int, str, str]]:
    """What somebody sees who asks for a code, asks again and guesses until it is over: all but the
    address.
    """
    client, seen = Client(), []
    steps = [(reverse("account_request_login_code"), {"email": email, "request_key": "a press"})]
    steps += [
        (CONFIRM, {"action": "resend", "request_key": f"again {number}"}) for number in range(4)
    ]
    steps += [(CONFIRM, {"code": "12"})] * 6
    for address, typed in steps:
        answer = client.post(address, typed)
        page = answer.content.decode() + client.get(CONFIRM, follow=True).content.decode()
        for hidden in (r'value="[A-Za-z0-9]{64}"', r'value="[0-9a-f-]{36}"', re.escape(email)):
            page = re.sub(hidden, "", page)
        seen.append((answer.status_code, answer.get("Location", ""), page))
    return seen


def test_an_unknown_address_gets_the_same_pages_as_a_known_one_and_no_mail(study):
    known = factories.a_verified_participant(study, NOW).identity.email
    assert walked("nobody@example.org") == walked(known)
    assert {address for each in mail.outbox for address in each.to} == {known}
