"""The participant's room: one next thing, lessons, one's own data, stopping and leaving."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from outcomes.queries import definitions
from tests import crawling, factories
from tests.conftest import NOW
from trial.actions import grants
from trial.audiences import owner
from trial.contact_details import phone_in_words
from trial.entries import Destination
from trial.forms.participant import Exercises
from trial.models import AuditEvent, ExerciseAnswer, ModuleUse, Participant
from trial.queries import allotment, programme
from trial.sections.programme import Block

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()
        yield clock


def url(name: str, *args: str) -> str:
    return reverse(f"participant:{name}", args=args)


def signed_in(person: Participant) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


def send(
    client: Client, address: str, data: dict | None = None, page: str = "", form: int = -1
) -> object:
    keys = re.findall(
        r'name="request_key" value="([^"]+)"', client.get(page or address).content.decode()
    )
    return client.post(address, {**(data or {}), "request_key": keys[form]})


def words(client: Client, address: str) -> str:
    return re.sub(r"\s+", " ", client.get(address).content.decode())


@pytest.fixture
def guided(study):
    return factories.a_participant_in(study, "guided", NOW)


@pytest.fixture
def unguided(study):
    return factories.a_participant_in(study, "unguided", NOW)


def begin(client: Client, module: str = "welcome") -> object:
    return send(client, url("lesson_begin", module), page=url("lesson", module))


def test_home_shows_the_first_lesson_then_what_comes_later(guided):
    page = signed_in(guided).get(url("home"))
    assert (page.context["next"].kind, page.context["next"].code) == ("lesson", "welcome")
    assert [task.code for task in page.context["later"]] == ["week2"]
    assert page.context["call"].kind == "call"


def test_a_questionnaire_comes_before_a_lesson(guided, monday):
    monday.shift(timedelta(days=15))
    page = signed_in(guided).get(url("home"))
    assert (page.context["next"].code, [task.code for task in page.context["also"]]) == (
        "week2",
        ["welcome"],
    )


@pytest.mark.parametrize(
    ("name", "queries"), [("home", 10), ("lessons", 6), ("lesson", 7), ("data", 9), ("calls", 6)]
)
def test_pages_ask_the_database_the_same_few_questions(
    guided, name, queries, django_assert_num_queries
):
    client = signed_in(guided)
    begin(client)
    with django_assert_num_queries(queries):
        client.get(url(name, *(("welcome",) if name == "lesson" else ())))


def test_who_is_not_called_finds_no_trace_of_calls(guided, unguided):
    page = words(signed_in(unguided), url("home"))
    assert ("call" in page, signed_in(unguided).get(url("calls")).status_code) == (False, 404)
    assert signed_in(guided).get(url("calls")).status_code == 200


def test_after_a_week_away_somebody_is_welcomed(guided, monday):
    begin(signed_in(guided))
    monday.shift(timedelta(days=6))
    assert signed_in(guided).get(url("home")).context["was_away"] is False
    monday.shift(timedelta(days=1))
    assert signed_in(guided).get(url("home")).context["was_away"] is True
    assert "Good that you are here" in words(signed_in(guided), url("home"))


def test_before_allocation_home_shows_what_the_journey_asks(study):
    person = factories.a_consented_participant(study, NOW)
    page = signed_in(person).get(url("home"))
    assert page.context["next"].leads_to == Destination("participant", "sitting", ("pre",))


def test_a_consented_person_of_a_paused_study_is_told_that_there_is_a_break(study):
    from trial import actors
    from trial.actions import studies

    person = factories.a_consented_participant(study, NOW)
    studies.pause(study=study, by=actors.SYSTEM, at=NOW)
    factories.fill_in(person, "pre", NOW)
    assert "The study has a break" in words(signed_in(person), url("home"))


def test_lessons_say_in_words_when_they_open(guided):
    page = words(signed_in(guided), url("lessons"))
    assert ("opens after lesson 1" in page, "opens after lesson 2" in page) == (True, True)
    client = signed_in(guided)
    begin(client)
    send(client, url("lesson_done", "welcome"), page=url("lesson", "welcome"))
    assert "opens Mon 9 Mar" in words(client, url("lessons"))
    assert "This lesson opens Mon 9 Mar" in words(client, url("lesson", "small-steps"))
    assert begin_without_page(client, "small-steps").url == url("lesson", "small-steps")
    assert list(ModuleUse.objects.values_list("module", flat=True)) == ["welcome"]


def begin_without_page(client: Client, module: str):
    return client.post(url("lesson_begin", module), {"request_key": "a"})


def a_client_in_the_second_lesson(person: Participant, monday) -> Client:
    client = signed_in(person)
    begin(client)
    send(client, url("lesson_done", "welcome"), page=url("lesson", "welcome"))
    monday.shift(timedelta(days=7))
    client = signed_in(person)
    begin(client, "small-steps")
    return client


WRITTEN = {
    "good-things": ["0", "2"],
    "this-week_what": "Walk",
    "this-week_when": "Tuesday",
    "this-week_where": "The park",
}


def test_exercises_are_kept_encrypted_and_come_back(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    send(client, url("lesson_save", "small-steps"), WRITTEN, url("lesson", "small-steps"))
    assert programme.answers(guided, "small-steps") == {
        "good-things": [0, 2],
        "this-week": {"what": "Walk", "when": "Tuesday", "where": "The park"},
    }
    assert all("park" not in answer.value_sealed for answer in ExerciseAnswer.objects.all())
    page = words(client, url("lesson", "small-steps"))
    assert ("The park" in page, len(re.findall("checked", page))) == (True, 2)


def test_a_draft_is_saved_without_a_page_and_without_an_event(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    events = AuditEvent.objects.count()
    for number in range(2):
        answer = client.post(
            url("lesson_save", "small-steps"),
            {**WRITTEN, "this-week_what": f"Walk {number}", "request_key": f"key-{number}"},
            headers={"X-Autosave": "1"},
        )
        assert (answer.status_code, answer.content) == (204, b"")
    assert programme.answers(guided, "small-steps")["this-week"]["what"] == "Walk 1"
    assert AuditEvent.objects.count() == events


def test_an_exercise_that_was_not_touched_is_not_stored(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    send(
        client,
        url("lesson_save", "small-steps"),
        {"good-things": ["1"]},
        url("lesson", "small-steps"),
    )
    assert list(ExerciseAnswer.objects.values_list("exercise", flat=True)) == ["good-things"]


def test_a_lesson_cannot_be_written_in_before_it_opens(guided):
    client = signed_in(guided)
    answer = client.post(url("lesson_save", "small-steps"), WRITTEN, headers={"X-Autosave": "1"})
    assert (answer.status_code, ExerciseAnswer.objects.count()) == (409, 0)


def test_done_keeps_what_was_written_and_can_be_undone(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    send(client, url("lesson_done", "small-steps"), WRITTEN, url("lesson", "small-steps"))
    use = ModuleUse.objects.get(module="small-steps")
    assert (use.done_at is not None, ExerciseAnswer.objects.count()) == (True, 2)
    send(client, url("lesson_reopen", "small-steps"), page=url("lesson", "small-steps"))
    use.refresh_from_db()
    assert use.done_at is None


def test_a_lesson_done_twice_with_one_key_is_done_once(guided):
    client = signed_in(guided)
    begin(client)
    for _ in range(2):
        assert client.post(url("lesson_done", "welcome"), {"request_key": "twice"}).url == url(
            "lessons"
        )
    assert AuditEvent.objects.filter(action="module done").count() == 1


def test_a_key_that_comes_back_with_other_content_is_refused(guided):
    client = signed_in(guided)
    client.post(url("call_times"), {"mon": ["evening"], "request_key": "one"})
    answer = client.post(url("call_times"), {"tue": ["evening"], "request_key": "one"})
    assert answer.status_code == 409
    guided.identity.refresh_from_db()
    assert guided.identity.call_times == ["mon-evening"]


def test_whoever_has_no_lessons_finds_none(study, unguided):
    from trial.grants import Grant

    Grant.objects.filter(participant=unguided, kind="programme").delete()
    client = signed_in(unguided)
    assert [
        client.get(url(*each)).status_code
        for each in (("lessons",), ("lesson", "welcome"), ("stop_programme",))
    ] == [
        404,
        404,
        404,
    ]
    assert client.get(url("home")).context["has_lessons"] is False


def test_lessons_that_open_later_are_announced_without_a_date_that_is_not_known(unguided):
    from trial.grants import Grant

    Grant.objects.filter(participant=unguided, kind="programme").update(opens_at=None)
    client = signed_in(unguided)
    assert "The lessons open later" in words(client, url("lessons"))
    assert "The lessons open later" in words(client, url("lesson", "welcome"))


def waiting_for(person: Participant, **opens: object) -> Client:
    from trial.grants import Grant

    Grant.objects.filter(participant=person, kind="programme").update(opens_at=None, opens=opens)
    return signed_in(person)


def test_a_programme_that_waits_for_an_event_is_shown_with_its_latest_day(unguided):
    client = waiting_for(unguided, anchor="assessment_closed:post", days=0, at_the_latest=98)
    task = client.get(url("home")).context["later"][-1]
    assert (task.kind, task.is_latest) == ("lesson", True)
    assert "at the latest on Mon 8 Jun" in words(client, url("home"))
    assert "The lessons open at the latest on Mon 8 Jun." in words(client, url("lessons"))
    assert "The lessons open at the latest on Mon 8 Jun." in words(client, url("lesson", "welcome"))


def test_a_programme_whose_day_is_settled_is_shown_with_that_day(unguided):
    client = waiting_for(unguided, anchor="granted", days=10)
    assert "from Thu 12 Mar" in words(client, url("home"))
    assert "The lessons open on Thu 12 Mar." in words(client, url("lessons"))


def test_home_of_whoever_waits_asks_no_more_questions(guided, django_assert_num_queries):
    client = waiting_for(guided, anchor="assessment_closed:post", days=0, at_the_latest=98)
    with django_assert_num_queries(10):
        client.get(url("home"))


def test_call_times_may_be_left_open(study):
    person = factories.a_consented_participant(study, NOW)
    send(
        signed_in(person), url("call_times"), {"mon": ["morning", "evening"], "fri": ["afternoon"]}
    )
    person.identity.refresh_from_db()
    assert person.identity.call_times == ["mon-morning", "mon-evening", "fri-afternoon"]
    taken_along = json.loads(signed_in(person).get(url("download")).content)
    assert taken_along["contact"]["call_times"] == ["mon-morning", "mon-evening", "fri-afternoon"]
    send(signed_in(person), url("call_times"), {})
    person.identity.refresh_from_db()
    assert person.identity.call_times == []


def test_a_person_puts_their_own_number_right(guided):
    client = signed_in(guided)
    assert url("phone") in client.get(url("data")).content.decode()
    assert phone_in_words(guided.identity.phone) in client.get(url("phone")).content.decode()

    assert send(client, url("phone"), {"phone": "06 8765 4321"}).url == url("data")
    assert "+31 6 87654321" in words(client, url("data"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("12", "such as 06 12345678 / +31 6 12345678"),
        ("", "Fill this in"),
        (None, "This is the number that we have already."),
    ],
)
def test_a_number_that_cannot_be_taken_says_why(guided, typed, said):
    number = guided.identity.phone
    answer = send(signed_in(guided), url("phone"), {"phone": number if typed is None else typed})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not AuditEvent.objects.filter(action="phone number corrected").exists()


def test_the_page_of_the_number_asks_the_database_the_same_few_questions(
    guided, django_assert_num_queries
):
    client = signed_in(guided)
    client.get(url("phone"))
    with django_assert_num_queries(5):
        client.get(url("phone"))


def test_a_person_sees_what_is_kept_and_takes_it_along(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    send(client, url("lesson_save", "small-steps"), WRITTEN, url("lesson", "small-steps"))
    page = words(client, url("data"))
    assert all(
        word in page
        for word in ("Dan Jansen", guided.identity.email, "Monday evening", guided.code)
    )
    file = client.get(url("download"))
    kept = json.loads(file.content)
    assert file["Content-Disposition"] == 'attachment; filename="answers.json"'
    assert kept["contact"]["name"] == "Dan Jansen"
    assert [each["instrument"] for each in kept["questionnaires"]] == ["PHQ9", "GAD7"]
    assert [each["lesson"] for each in kept["lessons"]] == ["welcome", "small-steps"]
    assert kept["lessons"][1]["exercises"]["good-things"] == [0, 2]
    assert ("arm" in kept, "scores" in str(kept)) == (False, False)


def test_what_a_person_gets_to_see_of_their_data_is_the_same_in_every_arm(guided, unguided):
    def shape(person: Participant) -> str:
        page = words(signed_in(person), url("data"))
        phone = phone_in_words(person.identity.phone)
        for own in (
            person.identity.email,
            phone,
            person.code,
            allotment.words(person),
            owner(person.user),
        ):
            page = page.replace(own, "")
        return re.sub(r'value="[^"]*"', "", page)

    assert shape(guided) == shape(unguided)


def test_stopping_with_the_lessons_keeps_somebody_in_the_study(guided):
    client = signed_in(guided)
    answer = send(client, url("stop_programme"), {"reason": "no_time"})
    guided.refresh_from_db()
    assert (answer.url, guided.state, guided.programme_stopped_at) == (
        url("home"),
        "randomised",
        NOW,
    )
    assert "lesson" not in {task.kind for task in [client.get(url("home")).context["next"]] if task}
    assert "You stopped with the lessons" in words(client, url("lessons"))


def test_leaving_stops_everything_and_says_goodbye_with_help(guided):
    client = signed_in(guided)
    assert "What stays" in words(client, url("withdraw"))
    send(client, url("withdraw"), {"reason": "feels_better"})
    guided.refresh_from_db()
    assert (guided.state, guided.left_reason) == ("withdrawn", "feels_better")
    page = words(client, url("home"))
    assert ("You have left the study" in page, 'href="tel:113"' in page) == (True, True)
    for name in ("lessons", "questionnaires", "withdraw", "call_times"):
        assert client.get(url(name)).url == url("home")
    assert client.get(url("data")).status_code == 200


def test_leaving_twice_is_leaving_once(guided):
    client = signed_in(guided)
    for key in ("one", "one", "two"):
        assert client.post(url("withdraw"), {"reason": "", "request_key": key}).url == url("home")
    assert AuditEvent.objects.filter(action="withdrawn").count() == 1


def test_whoever_was_turned_away_is_led_to_the_words_about_it(study):
    person = factories.a_verified_participant(study, NOW)
    client = signed_in(person)
    send(client, reverse("join:decline", args=["quiet-mornings"]))
    assert client.get(url("home")).url == reverse("join:turned_away", args=["quiet-mornings"])


def test_a_completed_person_is_thanked(guided):
    Participant.objects.filter(pk=guided.pk).update(state="completed", completed_at=NOW)
    assert "Thank you for taking part" in words(signed_in(guided), url("home"))


def test_help_is_one_step_away(guided):
    assert signed_in(guided).get(url("help")).url == reverse("join:help", args=["quiet-mornings"])


def test_nobody_else_finds_the_room(study, staff):
    client = Client()
    assert client.get(url("home")).status_code == 302
    client.force_login(staff("researcher"))
    assert client.get(url("home")).status_code == 404


def shown(client: Client, module: str) -> dict[str, list[str]]:
    """What pressing Save sends as the page stands."""
    address = url("lesson", module)
    forms = crawling.read(address, client.get(address).content.decode()).forms
    return next(form.sent for form in forms if form.route == "participant:lesson_save")


def test_a_page_that_stood_open_in_another_tab_erases_nothing(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    old, save = shown(client, "small-steps"), url("lesson_save", "small-steps")
    client.post(save, {**shown(client, "small-steps"), **WRITTEN})
    client.post(save, {**old, "this-week_when": "Friday\r\nevening"})
    assert programme.answers(guided, "small-steps") == {
        "good-things": [0, 2],
        "this-week": {"what": "Walk", "when": "Friday\r\nevening", "where": "The park"},
    }


def test_what_is_emptied_on_purpose_is_emptied(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    save = url("lesson_save", "small-steps")
    written = {**WRITTEN, "this-week_where": "Two\r\nlines"}
    client.post(save, {**shown(client, "small-steps"), **written})
    sent = {**shown(client, "small-steps"), **written, "this-week_what": ""}
    del sent["good-things"]
    client.post(save, sent)
    assert programme.answers(guided, "small-steps") == {
        "good-things": [],
        "this-week": {"what": "", "when": "Tuesday", "where": "Two\r\nlines"},
    }


def test_a_draft_of_one_field_leaves_the_others_alone(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    save = url("lesson_save", "small-steps")
    client.post(save, WRITTEN)
    client.post(
        save, {"this-week_what": "Swim", "was_this-week_what": "Walk"}, headers={"X-Autosave": "1"}
    )
    assert programme.answers(guided, "small-steps") == {
        "good-things": [0, 2],
        "this-week": {"what": "Swim", "when": "Tuesday", "where": "The park"},
    }


@pytest.mark.parametrize("sent", [{}, {"was_this-week_what": "Walk"}, {"unknown": "1"}])
def test_a_draft_without_a_field_changes_nothing(sent, guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    save = url("lesson_save", "small-steps")
    client.post(save, {**shown(client, "small-steps"), **WRITTEN})
    before = programme.answers(guided, "small-steps")
    assert (
        client.post(save, {**sent, "request_key": "k"}, headers={"X-Autosave": "1"}).status_code
        == 204
    )
    assert (
        client.post(url("lesson_done", "small-steps"), {**sent, "request_key": "l"}).status_code
        == 302
    )
    assert programme.answers(guided, "small-steps") == before
    assert set(before) == {"good-things", "this-week"}


def test_what_somebody_else_typed_on_the_same_device_is_not_taken(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    sent = {**shown(client, "small-steps"), **WRITTEN, "owner": "another"}
    save = url("lesson_save", "small-steps")
    assert client.post(save, sent, headers={"X-Autosave": "1"}).status_code == 409
    assert client.post(save, sent).url == url("lesson", "small-steps")
    assert programme.answers(guided, "small-steps") == {}
    assert "that page was opened by somebody else" in words(client, url("lesson", "small-steps"))


def test_a_scale_can_be_left_open_again():
    scale = Block(
        kind="exercise", exercise="scale", code="tense", prompt="How tense?", low="Not", high="Very"
    )
    drawn = str(Exercises(blocks=[scale], stored={"tense": 7})["tense"])
    assert "I leave this open" in drawn
    for typed, changed in (("7", {}), ("", {"tense": None}), ("3", {"tense": 3})):
        form = Exercises({"tense": typed, "was_tense": "7"}, blocks=[scale], stored={"tense": 7})
        assert (form.is_valid(), form.changed) == (True, changed)


def test_whoever_leaves_reads_first_whom_to_call(guided):
    client = signed_in(guided)
    send(client, url("withdraw"))
    page = words(client, url("home"))
    assert (
        page.index('href="tel:113"')
        < page.index("Your general practitioner")
        < page.index("What you gave us")
    )


def test_a_time_point_has_a_name_for_participants_beside_that_of_reports(db):
    shipped = factories.an_open_study(
        Path(__file__).parents[3] / "trial" / "studies" / "living-positive", NOW
    )
    person = factories.a_consented_participant(shipped, NOW)
    page = words(signed_in(person), url("home"))
    assert ("Before you start" in page, "Pretest" in page) == (True, False)
    (label,) = {
        each.label["en"]
        for each in definitions.assessments(shipped.current).timepoints
        if each.code == "pretest"
    }
    assert label == "Pretest"


@pytest.mark.parametrize("path", ["lesson_save", "lesson_done"])
def test_a_text_far_longer_than_the_page_takes_is_not_kept_in_part(guided, monday, path):
    client = a_client_in_the_second_lesson(guided, monday)
    sent = {**WRITTEN, "this-week_what": "x" * 20_001, "request_key": "a"}
    assert client.post(url(path, "small-steps"), sent).url == url("lesson", "small-steps")
    assert (
        client.post(
            url("lesson_save", "small-steps"), sent, headers={"X-Autosave": "1"}
        ).status_code
        == 409
    )
    assert (
        programme.answers(guided, "small-steps"),
        ModuleUse.objects.filter(done_at=None).count(),
    ) == ({}, 1)


def test_a_lesson_is_not_done_by_a_page_that_somebody_else_opened(guided, monday):
    client = a_client_in_the_second_lesson(guided, monday)
    sent = {**WRITTEN, "owner": "another", "request_key": "a"}
    assert client.post(url("lesson_done", "small-steps"), sent).url == url("lesson", "small-steps")
    assert ModuleUse.objects.get(module="small-steps").done_at is None


def test_a_lesson_that_was_not_begun_is_neither_done_nor_undone(guided):
    client = signed_in(guided)
    assert client.post(url("lesson_done", "welcome"), {"request_key": "a"}).url == url(
        "lesson", "welcome"
    )
    assert client.post(url("lesson_reopen", "welcome"), {"request_key": "b"}).status_code == 404
    assert ModuleUse.objects.count() == 0


@pytest.mark.parametrize(
    "path", ["lesson", "lesson_begin", "lesson_save", "lesson_done", "lesson_reopen"]
)
def test_a_lesson_that_does_not_exist_is_not_found(guided, path):
    client = signed_in(guided)
    answer = (
        client.get(url(path, "nothing"))
        if path == "lesson"
        else client.post(url(path, "nothing"), {"request_key": "a"})
    )
    assert (answer.status_code, ModuleUse.objects.count()) == (404, 0)


def test_what_was_signed_is_not_there_before_it_was_signed(study):
    client = signed_in(factories.a_verified_participant(study, NOW))
    assert client.get(url("consent")).status_code == 404


def test_a_lesson_whose_day_has_come_is_announced_again_once_it_is_open(unguided, monday):
    def lessons() -> list[str]:
        shown = signed_in(unguided).get(url("home")).context
        return [
            task.code for task in (shown["next"], *shown["later"]) if task and task.kind == "lesson"
        ]

    waiting_for(unguided, anchor="randomised", days=2)
    assert lessons() == ["welcome"]
    monday.shift(timedelta(days=3))
    assert lessons() == []
    grants.open_due(unguided, NOW + timedelta(days=3))
    assert lessons() == ["welcome"]
