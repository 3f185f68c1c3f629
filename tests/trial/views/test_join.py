"""The way in, as a person meets it: page after page, through HTTP."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from outcomes.actions import screening
from outcomes.models import ScreeningAnswer
from tests import factories
from tests.conftest import NOW
from trial import actors, worker
from trial.actions import participants, studies
from trial.models import Alert, AuditEvent, Consent, Identity, Participant, User
from trial.queries import dashboard

SHIPPED = Path(__file__).parents[3] / "trial" / "studies" / "living-positive"
pytestmark = pytest.mark.django_db

SLUG = "quiet-mornings"
CONTACT = {"name": "Dan Jansen", "email": "dan@example.org", "phone": "+31 6 1234 5678"}


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()
        yield clock


def url(name: str, *args: str) -> str:
    return reverse(f"join:{name}", args=[SLUG, *args])


def key_of(page) -> str:
    """The request key of the page's last form."""
    return re.findall(r'name="request_key" value="([^"]+)"', page.content.decode())[-1]


def send(client: Client, address: str, data: dict, page: str = "") -> object:
    """Open the page, fill in its form and send it."""
    return client.post(address, {**data, "request_key": key_of(client.get(page or address))})


def items(value: int, **given: int) -> dict[str, str]:
    answers = {f"item_{code}": value for code in range(1, 10)} | given
    return {name: str(answer) for name, answer in answers.items()}


def screened(client: Client, **given: int) -> object:
    send(client, url("begin"), {}, url("information"))
    send(client, url("screening", "basics"), {"age": "41", "sex": "f", "site": "main"})
    return send(client, url("screening", "mood"), items(1, **{"item_9": 0, **given}))


def mailed_code() -> str:
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body).group()


def verified(client: Client) -> object:
    screened(client)
    send(client, url("contact"), CONTACT)
    return send(client, url("code"), {"code": mailed_code()})


def signed(client: Client) -> object:
    verified(client)
    send(client, url("consent_questions"), {"stop": "b"})
    statements = {"statement_voluntary": "on", "statement_data": "on"}
    return send(client, url("sign"), {**statements, "signature": "Dan Jansen"})


def everything_stored() -> str:
    """Every column of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [str(value) for row in cursor.fetchall() for value in row]
    return "\n".join(found)


def test_a_person_goes_from_the_letter_to_the_first_question_after_consent(client, study):
    assert client.get(url("information")).status_code == 200
    answer = screened(client)
    assert answer.url == url("contact")
    answer = send(client, url("contact"), CONTACT)
    assert answer.url == url("code")
    assert mail.outbox[-1].to == ["dan@example.org"]
    answer = send(client, url("code"), {"code": mailed_code()})
    assert answer.url == url("consent")
    answer = send(client, url("consent_questions"), {"stop": "b"})
    assert answer.url == url("sign")
    statements = {"statement_voluntary": "on", "statement_data": "on"}
    answer = send(client, url("sign"), {**statements, "signature": "Dan Jansen"})
    assert answer.url == reverse("participant:call_times")
    dan = Participant.objects.get()
    assert (dan.state, dan.language, dan.identity.name) == ("consented", "en", "Dan Jansen")
    consent = Consent.objects.get(kind="study")
    assert (consent.statements, consent.comprehension) == (["data", "voluntary"], {"stop": 1})


def test_the_letter_and_every_page_of_the_way_in_can_be_read(client, study):
    signed(client)
    for name in ("information", "help"):
        assert client.get(url(name)).status_code == 200
    copy = client.get(reverse("participant:consent"))
    assert "We want to know whether a weekly call" in copy.content.decode()
    assert "Dan Jansen" in copy.content.decode()
    file = client.get(reverse("participant:consent"), {"download": "1"})
    assert file["Content-Disposition"] == 'attachment; filename="signed.html"'


def test_neither_address_nor_name_nor_number_nor_code_is_readable_in_the_database(client, study):
    signed(client)
    code = mailed_code()
    client.logout()
    signed_in = Client()
    signed_in.post(reverse("account_request_login_code"), {"email": CONTACT["email"]})
    second = re.search(r"Your code: (\S+)", mail.outbox[-1].body).group(1)
    answer = signed_in.post(reverse("account_confirm_login_code"), {"code": second})
    assert answer.url == reverse("door")
    assert signed_in.get(reverse("door")).url == reverse("participant:home")
    stored = everything_stored()
    for typed in (CONTACT["email"], "Dan Jansen", "Jansen", CONTACT["phone"], "12345678", second):
        assert typed not in stored
    # Six digits may stand in a hash by chance, never on their own.
    assert not re.search(rf"(?<![0-9a-zA-Z]){code}(?![0-9a-zA-Z])", stored)


def test_what_is_typed_on_the_contact_page_stays_in_the_encrypted_session_until_the_code_is_right(
    client, study
):
    screened(client)
    send(client, url("contact"), CONTACT)
    assert (Identity.objects.count(), CONTACT["email"] in everything_stored()) == (0, False)
    assert not re.search(rf"(?<![0-9a-zA-Z]){mailed_code()}(?![0-9a-zA-Z])", everything_stored())


def sessions() -> str:
    """Every session that is stored, decoded as the site itself decodes it."""
    return "\n".join(str(each.get_decoded()) for each in Session.objects.all())


def nothing_typed_is_kept() -> bool:
    return not any(typed in sessions() for typed in (*CONTACT.values(), "Jansen"))


def test_what_was_typed_and_never_verified_goes_with_its_session_which_the_worker_clears(
    client, study, monday
):
    screened(client)
    send(client, url("contact"), CONTACT)
    assert CONTACT["email"] in sessions()
    for hours in (1, 6, 7):  # 14 hours; a session lasts 12
        monday.shift(timedelta(hours=hours))
        worker.tick(timezone.now())
    assert (nothing_typed_is_kept(), Session.objects.count()) == (True, 0)


def test_a_session_in_use_is_not_cleared_and_expired_ones_not_each_round(client, study, monday):
    client.post(url("begin"), {"request_key": key_of(client.get(url("information")))})
    worker.tick(timezone.now())
    assert Session.objects.count() == 1
    Session.objects.update(expire_date=NOW - timedelta(minutes=1))
    worker.tick(timezone.now())
    assert Session.objects.count() == 1
    monday.shift(timedelta(hours=1))
    worker.tick(timezone.now())
    assert Session.objects.count() == 0


def test_whoever_declines_has_what_they_typed_forgotten_at_once_and_still_reads_the_last_page(
    client, study
):
    screened(client)
    send(client, url("contact"), CONTACT)
    answer = send(client, url("decline"), {})
    assert nothing_typed_is_kept()
    assert "What you answered is erased" in client.get(answer.url).content.decode()


def test_whoever_was_turned_away_meanwhile_has_what_they_typed_forgotten_when_they_look(
    client, study
):
    screened(client)
    send(client, url("contact"), CONTACT)
    participants.turn_away(
        participant=Participant.objects.get(),
        stage="screening",
        reason="stopped",
        by=actors.SYSTEM,
        at=NOW,
    )
    assert client.get(url("code")).url == url("turned_away")
    client.get(url("turned_away"))
    assert nothing_typed_is_kept()


def test_whoever_is_turned_away_reads_the_studys_words_who_can_help_and_never_the_limit(
    client, study
):
    send(client, url("begin"), {}, url("information"))
    answer = send(client, url("screening", "basics"), {"age": "17", "sex": "f", "site": "main"})
    assert answer.url == url("turned_away")
    page = client.get(answer.url).content.decode()
    assert "This study is for adults" in page
    assert page.index('href="tel:113"') < page.index("<h3>Your general practitioner")


def test_an_answer_about_death_shows_help_before_anything_else_and_raises_no_alert_by_itself(
    client, study
):
    answer = screened(client, item_9=1)
    assert answer.url == url("talk")
    page = client.get(answer.url).content.decode()
    assert 'href="tel:113"' in page
    assert Alert.objects.count() == 0
    assert client.get(url("onward")).url == url("contact")


def test_somebody_turned_away_in_the_same_step_can_still_leave_a_number(client, study):
    answer = screened(client, **{f"item_{n}": 3 for n in range(1, 10)})
    dan = Participant.objects.get()
    assert (answer.url, dan.state, dan.left_reason) == (url("talk"), "excluded", "mood")
    send(client, url("leave_phone"), {"phone": "06 1234 5678"}, url("talk"))
    alert = Alert.objects.get()
    assert dan.unsealed(alert.phone_sealed) == "+31612345678"
    assert "We have your number" in client.get(url("talk")).content.decode()
    assert client.get(url("onward")).url == url("turned_away")


def test_a_number_that_cannot_be_dialled_is_asked_again(client, study):
    screened(client, item_9=1)
    answer = send(client, url("leave_phone"), {"phone": "soon"}, url("talk"))
    assert "such as 06 12345678 / +31 6 12345678" in answer.content.decode()
    assert Alert.objects.count() == 0


def test_a_number_can_be_corrected_also_on_a_page_that_was_sent_before(client, study):
    screened(client, item_9=1)
    key = {"request_key": key_of(client.get(url("talk")))}
    client.post(url("leave_phone"), {"phone": "06 1234 5678", **key})
    page = client.post(url("leave_phone"), {"phone": "06 1234 5679", **key})
    assert (page.status_code, 'value="+31 6 12345679"' in page.content.decode()) == (409, True)
    client.post(url("leave_phone"), {"phone": "06 1234 5679", "request_key": key_of(page)})
    send(client, url("leave_phone"), {"phone": "06 1234 5670"}, url("talk"))
    alert = Alert.objects.get()
    assert alert.participant.unsealed(alert.phone_sealed) == "+31612345670"


def test_an_item_left_open_at_the_screening_is_asked_again_and_nothing_typed_is_lost(client, study):
    send(client, url("begin"), {}, url("information"))
    send(client, url("screening", "basics"), {"age": "41", "sex": "f", "site": "main"})
    given = {name: value for name, value in items(2).items() if name != "item_4"}
    page = send(client, url("screening", "mood"), given).content.decode()
    assert len(re.findall(r"checked", page)) == 8
    assert Participant.objects.get().state == "screening"


def test_the_pages_are_taken_in_order(client, study):
    send(client, url("begin"), {}, url("information"))
    assert client.get(url("screening", "mood")).url == url("screening", "basics")
    assert client.get(url("contact")).url == url("screening", "basics")
    assert client.get(url("consent")).url == url("screening", "basics")


def test_a_repeated_form_has_one_effect(client, study):
    key = key_of(client.get(url("information")))
    first, second = (client.post(url("begin"), {"request_key": key}) for _ in range(2))
    assert (first.url, second.url, Participant.objects.count()) == (second.url, first.url, 1)
    page = key_of(client.get(url("screening", "basics")))
    answers = {"age": "41", "sex": "f", "site": "main", "request_key": page}
    first, second = (client.post(url("screening", "basics"), answers) for _ in range(2))
    assert first.url == second.url
    assert AuditEvent.objects.filter(action="questions answered").count() == 1
    screen = {**items(1, item_9=1), "request_key": key_of(client.get(url("screening", "mood")))}
    first, second = (client.post(url("screening", "mood"), screen) for _ in range(2))
    assert (first.url, second.url) == (url("talk"), url("talk"))
    asked = {**CONTACT, "request_key": key_of(client.get(url("contact")))}
    first, second = (client.post(url("contact"), asked) for _ in range(2))
    assert (first.url, second.url, len(mail.outbox)) == (url("code"), url("code"), 1)


def test_begin_without_a_session_twice_makes_one_person(study):
    key = key_of(Client().get(url("information")))
    for client in (Client(), Client()):
        client.post(url("begin"), {"request_key": key})
    assert Participant.objects.count() == 1


def test_a_wrong_code_can_be_tried_five_times(client, study):
    screened(client)
    send(client, url("contact"), CONTACT)
    wrong = "000000" if mailed_code() != "000000" else "111111"
    for _ in range(5):
        assert "This is not the code" in send(client, url("code"), {"code": wrong}).content.decode()
    assert "no longer works" in send(client, url("code"), {"code": mailed_code()}).content.decode()
    assert Identity.objects.count() == 0


def test_a_code_works_for_ten_minutes(client, study, monday):
    screened(client)
    send(client, url("contact"), CONTACT)
    monday.shift(timedelta(minutes=10))
    assert "no longer works" in send(client, url("code"), {"code": mailed_code()}).content.decode()
    send(client, url("code_again"), {}, url("code"))
    assert len(mail.outbox) == 2
    assert send(client, url("code"), {"code": mailed_code()}).url == url("consent")


def test_a_corrected_address_on_a_page_that_was_sent_before_is_asked_again_and_then_gets_its_code(
    client, study
):
    screened(client)
    key = {"request_key": key_of(client.get(url("contact")))}
    client.post(url("contact"), {**CONTACT, **key})
    corrected = {**CONTACT, "email": "dan@example.net"}
    page = client.post(url("contact"), {**corrected, **key})
    assert (page.status_code, len(mail.outbox)) == (409, 1)
    assert "Look it over, then send it again." in page.content.decode()
    assert 'value="dan@example.net"' in page.content.decode()
    assert key_of(page) != key["request_key"]
    answer = client.post(url("contact"), {**corrected, "request_key": key_of(page)})
    assert (answer.url, mail.outbox[-1].to) == (url("code"), ["dan@example.net"])
    assert send(client, url("code"), {"code": mailed_code()}).url == url("consent")
    assert Participant.objects.get().identity.email == "dan@example.net"


def test_the_code_comes_in_the_language_of_the_page(client, study):
    screened(client)
    client.post(reverse("set_language"), {"language": "nl", "next": url("contact")})
    send(client, url("contact"), CONTACT)
    assert (mail.outbox[-1].subject, "Je code" in mail.outbox[-1].body) == (
        "Rustige ochtenden: je bericht",
        True,
    )


def test_at_most_five_codes_an_hour_are_mailed_to_an_address(client, study):
    screened(client)
    for _ in range(5):
        assert send(client, url("contact"), CONTACT).url == url("code")
    assert "Wait an hour" in send(client, url("contact"), CONTACT).content.decode()
    assert len(mail.outbox) == 5


def test_an_address_that_is_in_use_looks_the_same_on_the_page_and_the_mail_says_how_to_sign_in(
    client, study
):
    verified(client)
    other = Client()
    screened(other)
    answer = send(other, url("contact"), CONTACT)
    assert answer.url == url("code")
    assert reverse("account_request_login_code") in mail.outbox[-1].body
    assert not re.search(r"\b\d{6}\b", mail.outbox[-1].body)
    assert "This is not the code" in send(other, url("code"), {"code": "123456"}).content.decode()
    assert Identity.objects.count() == 1


def test_a_wrong_answer_about_the_letter_is_explained_and_asked_again(client, study):
    verified(client)
    page = send(client, url("consent_questions"), {"stop": "a"}).content.decode()
    assert "You may stop whenever you like" in page
    assert client.get(url("sign")).url == url("consent_questions")
    assert send(client, url("consent_questions"), {"stop": "b"}).url == url("sign")
    send(
        client,
        url("sign"),
        {"statement_voluntary": "on", "statement_data": "on", "signature": "Dan Jansen"},
    )
    assert Consent.objects.get(kind="study").comprehension == {"stop": 2}


def test_every_statement_and_a_name_are_needed_to_sign(client, study):
    verified(client)
    send(client, url("consent_questions"), {"stop": "b"})
    send(client, url("sign"), {"statement_voluntary": "on", "signature": "Dan"})
    send(
        client, url("sign"), {"statement_voluntary": "on", "statement_data": "on", "signature": ""}
    )
    assert Participant.objects.get().state == "screening"


def test_whoever_would_rather_not_take_part_is_thanked_and_keeps_access_to_help(client, study):
    verified(client)
    answer = send(client, url("decline"), {})
    dan = Participant.objects.get()
    assert (answer.url, dan.state, dan.left_reason) == (url("turned_away"), "excluded", "declined")
    assert "that is fine" in client.get(answer.url).content.decode()


def stopped_elsewhere(monkeypatch, module, name):
    """The person stops in another tab between the page's own look and the action's lock."""
    action = getattr(module, name)

    def late(**given):
        participants.turn_away(
            participant=given["participant"],
            stage="screening",
            reason="stopped",
            stopped=True,
            by=given["by"],
            at=given["at"],
        )
        return action(**given)

    monkeypatch.setattr(module, name, late)


def test_whoever_stopped_in_another_tab_meanwhile_is_told_so_and_no_answer_stays(
    client, study, monkeypatch
):
    send(client, url("begin"), {}, url("information"))
    stopped_elsewhere(monkeypatch, participants, "answer_questions")
    answer = send(client, url("screening", "basics"), {"age": "41", "sex": "f", "site": "main"})
    assert (answer.url, Participant.objects.get().answers) == (url("turned_away"), {})


def test_whoever_stopped_while_answering_an_instrument_is_told_so(client, study, monkeypatch):
    send(client, url("begin"), {}, url("information"))
    send(client, url("screening", "basics"), {"age": "41", "sex": "f", "site": "main"})
    stopped_elsewhere(monkeypatch, screening, "answer_instrument")
    answer = send(client, url("screening", "mood"), items(1, item_9=0))
    assert (answer.url, ScreeningAnswer.objects.count()) == (url("turned_away"), 0)


def test_whoever_stopped_while_a_code_was_checked_gets_no_login(client, study, monkeypatch):
    screened(client)
    send(client, url("contact"), CONTACT)
    stopped_elsewhere(monkeypatch, participants, "verify")
    answer = send(client, url("code"), {"code": mailed_code()})
    assert (answer.url, Identity.objects.count()) == (url("onward"), 0)
    assert client.get(answer.url).url == url("turned_away")


def test_a_lost_session_leads_to_the_code_or_to_a_new_beginning(client, study):
    for name in ("contact", "consent", "onward", "turned_away", "talk"):
        page = client.get(url(name))
        assert (page.status_code, "Begin again" in page.content.decode()) == (200, True)


def test_a_verified_person_comes_back_to_where_they_were_after_signing_in(client, study):
    verified(client)
    dan = Participant.objects.get()
    back = Client()
    back.force_login(dan.user)
    assert back.get(reverse("participant:home")).url == url("consent")


def test_a_study_that_takes_nobody_shows_a_kind_page_and_help(client, study):
    studies.pause(study=study, by=actors.SYSTEM, at=NOW)
    page = client.get(url("information")).content.decode()
    assert "nobody new" in page
    assert 'href="tel:113"' in page
    assert client.post(url("begin")).url == url("information")
    assert Participant.objects.count() == 0


def test_a_study_that_is_not_open_yet_is_not_there(client, db):
    factories.a_loaded_study(factories.Path(__file__).parents[1] / "small_study", NOW)
    assert client.get(url("information")).status_code == 404
    assert client.get(url("help")).status_code == 404


def test_a_study_is_offered_only_in_its_open_languages(client, study):
    study.open_languages = ["nl"]
    study.save(update_fields=["open_languages"])
    page = client.get(url("information")).content.decode()
    assert "not in the language of this page" in page
    assert client.post(url("begin")).url == url("information")
    assert Participant.objects.count() == 0


def test_the_emergency_number_stands_on_the_help_page_once(client, study):
    assert client.get(url("help")).content.decode().count('href="tel:112"') == 1
    shipped = factories.an_open_study(SHIPPED, NOW)
    page = client.get(reverse("join:help", args=[shipped.public_slug])).content.decode()
    assert page.count('href="tel:112"') == 1


def test_help_is_there_for_everybody_and_leads_back_to_a_page_of_ours_only(client, study):
    page = client.get(url("help"), headers={"referer": "http://testserver/participant/lessons/"})
    assert page.context["back_url"] == "/participant/lessons/"
    page = client.get(
        url("help"),
        headers={"referer": "http://testserver/participant/questionnaires/pre/PHQ9/?item=3"},
    )
    assert page.context["back_url"] == "/participant/questionnaires/pre/PHQ9/?item=3"
    for referer in ("https://elsewhere.example/participant/", "http://testserver/no/such/page/"):
        page = client.get(url("help"), headers={"referer": referer})
        assert page.context["back_url"] == ""


def test_the_way_back_from_help_survives_another_language(client, study):
    page = client.get(url("help"), headers={"referer": f"http://testserver{url('information')}"})
    next_url = page.context["here"]
    page = client.get(next_url, headers={"referer": f"http://testserver{url('help')}"})
    assert f'value="{next_url}"' in page.content.decode()
    assert page.context["back_url"] == url("information")


def test_whoever_did_not_begin_here_starts_anew_and_finds_nothing_of_the_other(client, study):
    send(client, url("begin"), {}, url("information"))
    send(client, url("screening", "basics"), {"age": "41", "sex": "f", "site": "main"})
    assert "Not me, start anew" in client.get(url("information")).content.decode()
    assert client.post(url("anew")).url == url("information")
    assert client.get(url("screening", "basics")).templates[0].name == "join/lost.html"
    send(client, url("begin"), {}, url("information"))
    form = client.get(url("screening", "basics")).context["form"]
    assert ([form[name].value() for name in form.fields], Participant.objects.count()) == (
        [None, None, None],
        2,
    )


def test_a_tab_that_was_closed_takes_along_the_address_that_was_typed(client, study):
    screened(client)
    send(client, url("contact"), CONTACT)
    page = client.get(url("contact"))
    assert f'data-of-this-tab="{url("information")}?closed"' in page.content.decode()
    assert CONTACT["email"] in page.content.decode()
    client.get(f"{url('information')}?closed")
    assert CONTACT["email"] not in client.get(url("contact")).content.decode()


def test_after_a_mistake_in_the_number_help_and_the_other_language_lead_back_to_the_page_about_it(
    client, study
):
    screened(client, item_9=1)
    page = client.post(url("leave_phone"), {"phone": "?"}).content.decode()
    assert f'name="next" value="{url("leave_phone")}"' in " ".join(page.split())
    assert client.get(url("leave_phone")).url == url("talk")


STATEMENTS = {"statement_voluntary": "on", "statement_data": "on"}


def before_signing(client: Client) -> None:
    verified(client)
    send(client, url("consent_questions"), {"stop": "b"})


@pytest.mark.parametrize("name", ["Dan Jansen", "Daniël van der Jansen-Smit", "DJ", "李"])
def test_a_signature_is_the_full_name_as_typed_whatever_somebody_may_be_called(name, client, study):
    before_signing(client)
    assert send(client, url("sign"), {**STATEMENTS, "signature": f" {name} "}).status_code == 302
    dan = Participant.objects.get()
    signed = Consent.objects.get(kind="study")
    assert (dan.state, dan.identity.name, dan.unsealed(signed.signature_sealed)) == (
        "consented",
        "Dan Jansen",
        name,
    )
    assert "Daniël" not in everything_stored()


@pytest.mark.parametrize("name", ["...", "1", "-"])
def test_what_has_no_letter_is_no_signature(name, client, study):
    before_signing(client)
    page = send(client, url("sign"), {**STATEMENTS, "signature": name})
    assert "Write your full name." in page.content.decode()
    assert Consent.objects.filter(kind="study").count() == 0


def basics(client: Client, **given: str):
    return send(
        client, url("screening", "basics"), {"age": "41", "sex": "f", "site": "main", **given}
    )


def test_whoever_was_turned_away_by_a_question_corrects_it_once_in_the_same_session(client, study):
    send(client, url("begin"), {}, url("information"))
    assert basics(client, age="14").url == url("turned_away")
    assert Participant.objects.get().answers == {
        "sex": "f",
        "site": "main",
    }  # the answer itself is gone
    page = client.get(url("turned_away")).content.decode()
    assert "Correct my answer" in page
    corrected = send(client, url("correct"), {}, url("turned_away"))
    assert corrected.url == url("screening", "basics")
    form = client.get(corrected.url).context["form"]
    assert {name: form[name].value() for name in form.fields} == {
        "age": None,
        "sex": "f",
        "site": "main",
    }
    assert basics(client, age="41").url == url("screening", "mood")
    dan = Participant.objects.get()
    assert (dan.state, dan.corrected_stage, dan.left_at, dan.left_reason) == (
        "screening",
        "basics",
        None,
        "",
    )
    figures = {
        each.label: (each.value, each.of)
        for each in dashboard.panel_flow(study, User(), NOW).figures
    }
    assert [figures[name] for name in ("Screened", "Did not get in", "Corrected an answer")] == [
        ("1", ""),
        ("0", ""),
        ("1", "basics: 1"),
    ]


def test_a_second_slip_is_the_end(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client, age="14")
    send(client, url("correct"), {}, url("turned_away"))
    basics(client, age="15")
    dan = Participant.objects.get()
    assert (dan.state, dan.left_reason, dan.answers) == ("excluded", "age", {})
    assert "Correct my answer" not in client.get(url("turned_away")).content.decode()
    assert client.post(url("correct"), {"request_key": "one more"}).url == url("turned_away")
    assert Participant.objects.get().state == "excluded"


def test_another_session_corrects_nothing(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client, age="14")
    stranger = Client()
    assert "correct" not in stranger.get(url("turned_away")).content.decode()
    stranger.post(url("correct"), {"request_key": "a"})
    assert Participant.objects.get().state == "excluded"


def test_sent_twice_it_is_one_correction(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client, age="14")
    for _ in range(2):
        assert client.post(url("correct"), {"request_key": "k"}).url == url("screening", "basics")
    assert AuditEvent.objects.filter(action="screening corrected").count() == 1


def test_of_a_slip_no_value_is_kept_and_what_holds_is_signed(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client, age="14")
    send(client, url("correct"), {}, url("turned_away"))
    basics(client, age="41")
    events = AuditEvent.objects.filter(
        action__in=("questions answered", "screening corrected")
    ).order_by("number")
    told = [(event.action, event.subject, event.old, event.new, event.reason) for event in events]
    code = Participant.objects.get().code
    assert told == [
        ("questions answered", "age, sex, site", "", "", ""),
        ("screening corrected", code, '{"stage":"basics"}', "", "age"),
        ("questions answered", "age, sex, site", "", "", "corrected"),
    ]


def test_what_was_signed_for_holds_the_answers_of_the_screening_sealed(client, study):
    before_signing(client)
    send(client, url("sign"), {**STATEMENTS, "signature": "Dan Jansen"})
    dan = Participant.objects.get()
    signed = json.loads(AuditEvent.objects.get(action="consent signed").new)
    assert json.loads(dan.unsealed(signed["sealed"])) == {"age": 41, "sex": "f", "site": "main"}


def test_a_score_is_never_corrected(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client)
    send(client, url("screening", "mood"), {f"item_{n}": "0" for n in range(1, 10)})
    assert Participant.objects.get().left_reason == "mood"
    assert "Correct my answer" not in client.get(url("turned_away")).content.decode()
    assert client.post(url("correct"), {"request_key": "a"}).url == url("turned_away")
    assert (Participant.objects.get().state, Participant.objects.get().answers) == ("excluded", {})


def test_before_the_last_page_is_answered_an_earlier_one_can_be_changed(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client, sex="m")
    assert (
        f'href="{url("screening", "basics")}"'
        in client.get(url("screening", "mood")).content.decode()
    )
    form = client.get(url("screening", "basics")).context["form"]
    assert {name: form[name].value() for name in form.fields} == {
        "age": 41,
        "sex": "m",
        "site": "main",
    }
    assert basics(client, sex="f").url == url("screening", "mood")
    assert Participant.objects.get().answers["sex"] == "f"
    send(
        client,
        url("screening", "mood"),
        {f"item_{n}": "0" if n == 9 else "1" for n in range(1, 10)},
    )
    assert client.get(url("screening", "basics")).url == url(
        "contact"
    )  # the last is answered: no way back
    client.post(
        url("screening", "basics"), {"age": "20", "sex": "m", "site": "main", "request_key": "late"}
    )
    assert Participant.objects.get().answers["sex"] == "f"


def test_a_changed_page_is_judged_again(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client)
    assert basics(client, age="17").url == url("turned_away")
    assert Participant.objects.get().left_reason == "age"


def test_after_a_day_nothing_of_it_is_left_and_nothing_can_be_corrected(client, study):
    send(client, url("begin"), {}, url("information"))
    basics(client, age="14")
    worker.tick(NOW + worker.FORGOTTEN_AFTER)
    assert Participant.objects.get().correctable
    worker.tick(NOW + worker.FORGOTTEN_AFTER + timedelta(seconds=1))
    dan = Participant.objects.get()
    assert (dan.answers, dan.correctable) == ({}, frozenset())


def always_fails(participant, at):
    raise RuntimeError


def test_whoever_cannot_be_moved_on_is_told_so_and_comes_back_to_where_they_were(
    client, study, settings
):
    send(client, url("begin"), {}, url("information"))
    journey = settings.JOURNEY
    settings.JOURNEY = [f"{__name__}.always_fails", *journey]
    try:
        assert client.get(url("contact")).url == url("held_up")
        assert client.get(url("held_up")).status_code == 200
    finally:
        settings.JOURNEY = journey
    assert client.get(url("contact")).url == url("screening", "basics")


@pytest.mark.parametrize(
    "name", ["contact", "code", "consent", "consent_questions", "sign", "turned_away"]
)
def test_whoever_takes_part_is_led_from_the_way_in_to_their_own_room(study, name):
    client = Client()
    client.force_login(factories.a_randomised_participant(study, NOW).user)
    assert client.get(url(name)).url == reverse("participant:home")


@pytest.mark.parametrize("name", ["contact", "code", "consent", "sign"])
def test_whoever_was_turned_away_is_led_from_every_page_to_the_words_about_it(client, study, name):
    send(client, url("begin"), {}, url("information"))
    send(client, url("screening", "basics"), {"age": "17", "sex": "f", "site": "main"})
    assert client.get(url(name)).url == url("turned_away")


def test_nobody_is_told_that_they_were_turned_away_who_was_not(client, study):
    screened(client)
    assert client.get(url("turned_away")).url == url("contact")


def test_a_code_is_not_sent_again_to_whoever_asked_for_none(client, study):
    screened(client)
    assert client.post(url("code_again"), {"request_key": "a"}).url == url("contact")
    assert mail.outbox == []


def test_a_wrong_answer_about_the_letter_that_is_sent_twice_is_one_try(client, study):
    verified(client)
    wrong = {"stop": "a", "request_key": key_of(client.get(url("consent_questions")))}
    for _ in range(2):
        assert client.post(url("consent_questions"), wrong).status_code == 200
    send(client, url("consent_questions"), {"stop": "b"})
    statements = {"statement_voluntary": "on", "statement_data": "on"}
    send(client, url("sign"), {**statements, "signature": "Dan Jansen"})
    assert Consent.objects.get(kind="study").comprehension == {"stop": 2}
