from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection

from tests import factories
from tests.api import clients
from tests.api.clients import Client, a_key, begun, screened, verified
from trial import actors
from trial.actions import participants
from trial.models import Alert, AuditEvent, Consent, Participant, Study

pytestmark = pytest.mark.django_db

TYPED = {"name": "Dan Jansen", "email": "dan@example.org", "phone": "06 1234 5678"}


def test_the_whole_way_from_the_letter_to_the_first_lesson_by_requests_alone(study, now):
    client, dan = verified(study)
    answer = client.get(f"join/{study.public_slug}/consent/").json()
    assert [each["code"] for each in answer["statements"]] == ["voluntary", "data"]
    assert answer["comprehension"][0]["options"] == [
        {"code": "a", "text": "No, only at the end"},
        {"code": "b", "text": "Yes, at any time"},
    ]

    answer = client.post(f"join/{study.public_slug}/consent/", clients.signing(dan)).json()
    assert (answer["state"], answer["next"]["endpoint"]) == ("consented", "/api/v1/call-times/")
    answer = client.put("call-times/", {"times": ["mon-evening"]}).json()
    assert answer["next"]["endpoint"] == "/api/v1/questions/"
    answer = client.post("questions/", {"answers": {"helped": "no"}}).json()
    assert answer["next"]["endpoint"] == "/api/v1/assessments/pre/"
    for instrument in ("PHQ9", "GAD7"):
        answer = client.post(
            f"assessments/pre/{instrument}/", clients.sheet(dan, "pre", instrument)
        ).json()
    assert (answer["state"], answer["next"]) == ("randomised", None)
    assert client.get("today/").json()["next"]["endpoint"] == "/api/v1/lessons/welcome/"


def test_the_information_is_for_everybody_in_the_language_asked_for(study):
    answer = (
        Client()
        .api.get(f"{clients.BASE}/join/{study.public_slug}/", headers={"Accept-Language": "nl"})
        .json()
    )

    assert answer["title"] == "Rustige ochtenden"
    assert answer["letter"]["language"] == "nl"
    assert (answer["is_recruiting"], answer["simulated"]) == (True, True)
    assert answer["help"]["crisis_lines"][0]["numbers"] == ["113", "0800-0113"]


def test_a_study_that_does_not_exist_and_one_that_is_not_open_say_so(study):
    assert Client().get("join/nothing/").status_code == 404
    type(study).objects.update(state="paused")
    answer = Client().post(f"join/{study.public_slug}/", {"language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_recruiting")


def test_without_a_join_token_or_with_a_forged_one_nobody_is_on_the_way_in(study):
    path = f"join/{study.public_slug}/questions/basics/"
    for client in (Client(), Client(join_token="forged")):
        assert client.post(path, {"answers": {}}).status_code == 401
    assert Participant.objects.count() == 0


@pytest.fixture
def elsewhere(study):
    return Study.objects.create(
        slug="elsewhere",
        public_slug="elsewhere",
        code_prefix="EL",
        state="open",
        loaded_at=study.loaded_at,
    )


def test_a_join_token_is_good_for_its_own_study_alone(study, elsewhere):
    client = begun(study)
    given = {"answers": {"age": 41, "sex": "f", "site": "main"}}
    assert client.post(f"join/{elsewhere.public_slug}/questions/basics/", given).status_code == 404
    assert client.post(f"join/{study.public_slug}/questions/basics/", given).status_code == 200


def test_a_join_token_opens_nothing_once_the_address_is_verified(study):
    client = screened(study)
    client.post(f"join/{study.public_slug}/contact/", TYPED)
    assert (
        client.post(
            f"join/{study.public_slug}/verify/", {"code": clients.mailed_code()}
        ).status_code
        == 200
    )
    for answer in (
        client.post(f"join/{study.public_slug}/decline/"),
        client.get(f"join/{study.public_slug}/consent/"),
        client.post(
            f"join/{study.public_slug}/consent/", clients.signing(Participant.objects.get())
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert Participant.objects.get().state == "screening"


def test_there_is_no_code_to_enter_before_one_was_asked_for(study):
    answer = screened(study).post(f"join/{study.public_slug}/verify/", {"code": "123456"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_here")


def test_a_letter_is_signed_in_a_language_of_the_study(study):
    client, dan = verified(study)
    answer = client.post(
        f"join/{study.public_slug}/consent/", {**clients.signing(dan), "language": "de"}
    )
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["language"])
    client.post(f"join/{study.public_slug}/consent/", {**clients.signing(dan), "language": "nl"})
    dan.refresh_from_db()
    assert (dan.state, dan.language) == ("consented", "nl")


def test_a_wrong_answer_about_the_letter_that_is_sent_twice_is_one_try(study):
    client, dan = verified(study)
    path = f"join/{study.public_slug}/consent/"
    wrong = {**clients.signing(dan), "comprehension": {"stop": "a"}}
    key = a_key()
    assert [client.post(path, wrong, key=key).status_code for _ in range(2)] == [400, 400]
    assert client.post(path, clients.signing(dan), key=a_key()).status_code == 200
    assert Consent.objects.get(participant=dan, kind="study").comprehension == {"stop": 2}


def test_begin_needs_a_key_that_nobody_else_would_choose(study):
    answer = Client().post(f"join/{study.public_slug}/", {"language": "en"}, key="1")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["Idempotency-Key"])

    key = a_key()
    first, again = (
        Client().post(f"join/{study.public_slug}/", {"language": "en"}, key=key).json()
        for _ in range(2)
    )
    assert first["participant"] == again["participant"]
    assert Participant.objects.count() == 1


def test_a_page_wants_every_answer_and_no_other(study):
    client = begun(study)
    answer = client.post(
        f"join/{study.public_slug}/questions/basics/", {"answers": {"age": "old", "sex": "f"}}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert sorted(answer.json()["fields"]) == ["age", "site"]
    assert answer["Content-Type"] == "application/problem+json"


def test_pages_come_in_their_order(study):
    client = begun(study)
    answer = client.post(
        f"join/{study.public_slug}/screening/mood/", {"answers": clients.mood(study)}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_here")


def test_whoever_is_turned_away_reads_kind_words_and_never_the_limit(study):
    client = begun(study)
    given = {"answers": {"age": 17, "sex": "f", "site": "main"}}
    key = a_key()
    answer = client.post(f"join/{study.public_slug}/questions/basics/", given, key=key)

    assert answer.json()["state"] == "excluded"
    words = (
        "This study is for adults. Your general practitioner can help you find something that fits."
    )
    assert answer.json()["turned_away"]["words"] == words
    assert (
        client.post(f"join/{study.public_slug}/questions/basics/", given, key=key).json()
        == answer.json()
    )
    assert client.post(f"join/{study.public_slug}/questions/basics/", given).status_code == 409
    assert "age" not in Participant.objects.get().answers


def test_item_9_brings_help_at_once_and_an_alert_only_with_a_number(study):
    client = begun(study)
    client.post(
        f"join/{study.public_slug}/questions/basics/",
        {"answers": {"age": 41, "sex": "f", "site": "main"}},
    )
    answer = client.post(
        f"join/{study.public_slug}/screening/mood/", {"answers": clients.mood(study, i9=1)}
    ).json()
    assert answer["help"]["crisis_lines"][0]["name"] == "113 Zelfmoordpreventie"
    assert (answer["may_leave_phone"], Alert.objects.count()) == (True, 0)

    assert client.post(f"join/{study.public_slug}/phone/", {"phone": "maybe"}).status_code == 400
    for _ in range(2):
        assert (
            client.post(f"join/{study.public_slug}/phone/", {"phone": "06 1234 5678"}).status_code
            == 204
        )
    assert Alert.objects.get().kind == "item9"


def test_whoever_is_erased_can_leave_no_number_any_more(study, now):
    client = screened(study, i9=1)
    client.post(f"join/{study.public_slug}/decline/")
    participants.erase(
        participant=Participant.objects.get(), reason="other", by=actors.WORKER, at=now
    )
    answer = client.post(f"join/{study.public_slug}/phone/", {"phone": "06 1234 5678"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_here")


def test_a_screening_without_item_9_asks_for_no_number(study):
    client = begun(study)
    client.post(
        f"join/{study.public_slug}/questions/basics/",
        {"answers": {"age": 41, "sex": "f", "site": "main"}},
    )
    answer = client.post(
        f"join/{study.public_slug}/screening/mood/", {"answers": clients.mood(study)}
    ).json()
    assert (answer["help"], answer["may_leave_phone"]) == (None, False)
    assert answer["next"]["endpoint"] == f"/api/v1/join/{study.public_slug}/contact/"


def test_the_code_is_mailed_once_a_key_and_a_wrong_one_does_not_open(study):
    client = screened(study)
    typed = {"name": "Dan", "email": "dan@example.org", "phone": "06 1234 5678"}
    key = a_key()
    for _ in range(2):
        assert client.post(f"join/{study.public_slug}/contact/", typed, key=key).status_code == 200
    assert len(mail.outbox) == 1
    assert (
        client.post(
            f"join/{study.public_slug}/contact/", {**typed, "name": "Don"}, key=key
        ).status_code
        == 409
    )

    right = clients.mailed_code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    answer = client.post(f"join/{study.public_slug}/verify/", {"code": wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "code_wrong")
    key = a_key()
    first, again = (
        client.post(f"join/{study.public_slug}/verify/", {"code": right}, key=key) for _ in range(2)
    )
    assert (first.status_code, first.json()) == (200, again.json())
    assert (
        client.post(f"join/{study.public_slug}/verify/", {"code": wrong}, key=key).json()["code"]
        == "key_reused"
    )
    assert AuditEvent.objects.filter(action="address verified").count() == 1


def test_five_wrong_codes_end_it(study):
    client = screened(study)
    client.post(
        f"join/{study.public_slug}/contact/",
        {"name": "Dan", "email": "dan@example.org", "phone": "06 1234 5678"},
    )
    right = clients.mailed_code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    tried = [
        client.post(f"join/{study.public_slug}/verify/", {"code": wrong}).status_code
        for _ in range(5)
    ]
    assert tried == [400] * 5
    answer = client.post(f"join/{study.public_slug}/verify/", {"code": right})
    assert (answer.status_code, answer.json()["code"]) == (410, "code_over")


def test_an_address_that_is_known_is_answered_alike_and_only_the_mail_differs(study):
    verified(study, "dan@example.org")
    client = screened(study)
    typed = {"name": "Dan", "email": "dan@example.org", "phone": "06 1234 5678"}
    known = client.post(f"join/{study.public_slug}/contact/", typed)
    unknown = screened(study).post(
        f"join/{study.public_slug}/contact/", {**typed, "email": "new@example.org"}
    )

    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert "you can sign in" in mail.outbox[-2].body
    assert client.post(f"join/{study.public_slug}/verify/", {"code": "000000"}).status_code == 400


def test_after_the_sixth_code_in_an_hour_no_more_are_mailed(study):
    client = screened(study)
    typed = {"name": "Dan", "email": "dan@example.org", "phone": "06 1234 5678"}
    statuses = [
        client.post(f"join/{study.public_slug}/contact/", typed).status_code for _ in range(6)
    ]
    assert (statuses, len(mail.outbox)) == ([200] * 5 + [429], 5)


def test_after_a_join_the_database_holds_neither_address_nor_phone_nor_code(study):
    verified(study, "dan@example.org")
    code = clients.mailed_code()
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += [repr(row) for row in cursor.fetchall()]
    dump = "\n".join(rows)
    assert [
        word for word in ("dan@example.org", "1234 5678", "Dan Jansen", f"'{code}'") if word in dump
    ] == []


def test_consent_is_for_the_verified_person_and_a_wrong_answer_is_explained_and_counted(study):
    client, dan = verified(study)
    path, given = f"join/{study.public_slug}/consent/", clients.signing(dan)
    assert Client().post(path, given).status_code == 401

    answer = client.post(path, {**given, "comprehension": {"stop": "a"}})
    assert answer.status_code == 400
    assert "You may stop whenever you like" in answer.json()["fields"]["stop"][0]
    assert client.post(path, {**given, "statements": ["data"]}).status_code == 400

    key = a_key()
    first, again = (client.post(path, given, key=key) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    consent = Consent.objects.get(participant=dan, kind="study")
    assert consent.comprehension == {"stop": 2}
    assert client.post(path, {**given, "signature": "dan jansen"}, key=key).status_code == 409
    assert client.post(path, given).json()["code"] == "not_here"


def test_whoever_would_rather_not_is_let_go_at_either_stage(study):
    early = begun(study)
    answer = early.post(f"join/{study.public_slug}/decline/").json()
    assert (answer["state"], Participant.objects.get(code=answer["participant"]).left_reason) == (
        "excluded",
        "stopped",
    )

    late, dan = verified(study)
    late.post(f"join/{study.public_slug}/decline/")
    dan.refresh_from_db()
    assert (dan.left_stage, dan.left_reason) == ("consent", "declined")


def test_whoever_declines_has_what_they_typed_forgotten_at_once(study):
    client = screened(study)
    typed = {"name": "Dan Jansen", "email": "dan@example.org", "phone": "+31 6 1234 5678"}
    client.post(f"join/{study.public_slug}/contact/", typed)
    assert "dan@example.org" in str([each.get_decoded() for each in Session.objects.all()])
    assert client.post(f"join/{study.public_slug}/decline/").status_code == 200
    kept = str([each.get_decoded() for each in Session.objects.all()])
    assert [value for value in typed.values() if value in kept] == []


def test_a_participant_of_another_study_is_not_on_the_way_into_this_one(study, elsewhere, now):
    client = clients.of(factories.a_verified_participant(study, now))
    assert client.get(f"join/{elsewhere.public_slug}/consent/").status_code == 404
    assert client.get(f"join/{study.public_slug}/consent/").status_code == 200


def test_a_slip_is_corrected_once_and_a_score_never(study):
    client = begun(study)
    path = f"join/{study.public_slug}/"
    given = {"age": 14, "sex": "f", "site": "main"}
    away = client.post(f"{path}questions/basics/", {"answers": given}).json()["turned_away"]
    assert away["may_correct"] is True
    back = client.post(f"{path}correct/").json()
    assert (back["state"], back["turned_away"]) == ("screening", None)
    assert (
        client.post(f"{path}questions/basics/", {"answers": {**given, "age": 41}}).json()["state"]
        == "screening"
    )
    assert (
        client.post(f"{path}questions/basics/", {"answers": {**given, "age": 42}}).status_code
        == 200
    )
    calm = {"answers": dict.fromkeys(map(str, range(1, 10)), 0)}
    away = client.post(f"{path}screening/mood/", calm).json()["turned_away"]
    assert away["may_correct"] is False
    assert client.post(f"{path}correct/").json()["code"] == "not_correctable"


def test_a_page_of_the_screening_that_does_not_exist_says_so(study):
    client = begun(study)
    for page in ("questions", "instruments"):
        assert (
            client.post(f"join/{study.public_slug}/{page}/nonesuch/", {"answers": {}}).status_code
            == 404
        )


def test_the_baselines_own_questions_are_asked_before_allocation_alone(study, now):
    dan = factories.a_randomised_participant(study, now)
    answer = clients.of(dan).post("questions/", {"answers": {"helped": "no"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_here")
    dan.refresh_from_db()
    assert dan.answers["helped"] == "yes"
