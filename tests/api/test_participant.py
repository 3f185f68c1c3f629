from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from outcomes.models import Assessment
from tests import factories
from tests.api import clients
from tests.api.clients import a_key, of
from trial import actors
from trial.actions import programme
from trial.models import Alert, AuditEvent, ExerciseAnswer

pytestmark = pytest.mark.django_db


def test_today_names_one_thing_and_what_comes_later(study, now):
    guided = factories.a_participant_in(study, "guided", now)
    answer = of(guided).get("today/").json()

    assert (answer["next"]["kind"], answer["next"]["endpoint"]) == (
        "lesson",
        "/api/v1/lessons/welcome/",
    )
    assert answer["call"]["title"] == "A call from your coach"
    assert [each["code"] for each in answer["later"]] == ["week2"]
    assert answer["help"]["crisis_lines"][0]["numbers"] == ["113", "0800-0113"]


def test_a_questionnaire_can_be_left_and_resumed_and_is_scored_when_handed_in(study, now):
    dan = factories.a_consented_participant(study, now)
    client = of(dan)
    client.post("assessments/pre/PHQ9/start/")
    client.put("assessments/pre/PHQ9/", {"answers": {"1": 2}})
    answer = client.put("assessments/pre/PHQ9/", {"answers": {"2": 3, "3": None}}).json()
    assert (answer["state"], answer["answers"]) == ("started", {"1": 2, "2": 3})
    assert answer["instrument"]["options"][0]["value"] == 0

    given = {"answers": {**factories.answers_to(study, "PHQ9", 1), "9": None}}
    answer = client.post("assessments/pre/PHQ9/", given).json()
    assert (answer["help"], answer["next"]["endpoint"]) == (None, "/api/v1/assessments/pre/")
    row = Assessment.objects.get(participant=dan, instrument="PHQ9")
    assert (row.scores["PHQ9"], row.item_states, row.mode) == (9.0, {"9": "not_answered"}, "web")


def test_item_9_brings_help_first_and_an_alert(study, now):
    dan = factories.a_consented_participant(study, now)
    answer = (
        of(dan)
        .post("assessments/pre/PHQ9/", {"answers": factories.answers_to(study, "PHQ9", 1)})
        .json()
    )
    assert answer["help"]["crisis_lines"][0]["name"] == "113 Zelfmoordpreventie"
    assert Alert.objects.get(participant=dan).kind == "item9"


def test_item_9_brings_help_and_an_alert_before_the_rest_is_answered(study, now):
    dan = factories.a_consented_participant(study, now)
    calm = of(dan).put("assessments/pre/PHQ9/", {"answers": {"1": 2}}).json()
    dark = of(dan).put("assessments/pre/PHQ9/", {"answers": {"9": 1}}).json()
    assert (calm["help"], dark["answers"]) == (None, {"1": 2, "9": 1})
    assert dark["help"]["crisis_lines"][0]["name"] == "113 Zelfmoordpreventie"
    assert Alert.objects.get(participant=dan).kind == "item9"


@pytest.mark.parametrize(
    ("answers", "status", "code"),
    [
        ({"99": 1}, 400, "unknown_item"),
        ({"1": 4}, 400, "answer_outside_options"),
        ({"1": "often"}, 400, "invalid"),
    ],
)
def test_answers_that_nobody_could_have_given_are_refused(study, now, answers, status, code):
    dan = factories.a_consented_participant(study, now)
    answer = of(dan).post("assessments/pre/PHQ9/", {"answers": answers})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Assessment.objects.filter(submitted_at__isnull=False).count() == 0


def test_a_questionnaire_that_is_not_open_cannot_be_answered(study, now):
    dan = factories.a_randomised_participant(study, now)
    client = of(dan)
    for path in ("assessments/week2/PHQ4/", "assessments/pre/PHQ9/"):
        answer = client.post(path, {"answers": {}})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_open_now")
    assert client.post("assessments/pre/PHQ4/", {"answers": {}}).status_code == 404


def test_lessons_keep_what_is_written_and_open_by_pacing(study, now):
    client = of(factories.a_randomised_participant(study, now))
    states = client.get("lessons/").json()
    assert [(each["number"], each["opens_at"] is not None) for each in states] == [
        (1, True),
        (2, False),
        (3, False),
    ]
    assert client.post("lessons/small-steps/begin/").json()["code"] == "module_not_open"
    assert client.post("lessons/welcome/done/").json()["code"] == "module_not_begun"

    client.post("lessons/welcome/begin/")
    done = client.post("lessons/welcome/done/").json()
    assert done["done_at"] is not None
    assert client.get("lessons/small-steps/").json()["blocks"] == []
    assert client.post("lessons/welcome/reopen/").json()["done_at"] is None
    assert client.get("lessons/nothing/").status_code == 404


@pytest.fixture
def on_the_last_lesson(study, now):
    """Somebody to whom every lesson has opened, and the client of the day on which the last did."""
    person = factories.a_participant_in(study, "unguided", now)
    by = actors.participant(person.code)
    for week, module in enumerate(("welcome", "small-steps", "looking-back")):
        at = now + timedelta(days=7 * week)
        programme.begin_module(participant=person, module=module, by=by, at=at)
        if module != "looking-back":
            programme.finish_module(participant=person, module=module, by=by, at=at)
    with time_machine.travel(at + timedelta(hours=1), tick=False):
        yield of(person)


@pytest.mark.parametrize(
    ("exercise", "right", "wrong"),
    [
        ("welcome/exercises/hope", "A walk", [3, None, ["A walk"]]),
        ("small-steps/exercises/good-things", [0, 2], ["A walk", [99], [True], ["0"], None]),
        ("small-steps/exercises/good-things", [], [{}]),
        (
            "small-steps/exercises/this-week",
            {"what": "Walk", "when": "Monday", "where": "Park"},
            ["Walk", {"who": "me"}],
        ),
        ("looking-back/exercises/better", 7, [11, -1, "7", True, 7.5]),
        ("looking-back/exercises/better", 0, []),
        ("looking-back/exercises/better", None, []),
    ],
)
def test_each_kind_of_exercise_takes_its_own_kind_of_value(
    on_the_last_lesson, exercise, right, wrong
):
    client, (module, _, code) = on_the_last_lesson, exercise.split("/")
    for value in wrong:
        answer = client.put(f"lessons/{exercise}/", {"value": value})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), value
    assert code not in client.get(f"lessons/{module}/").json()["answers"]
    assert client.put(f"lessons/{exercise}/", {"value": right}).json() == {"value": right}
    assert client.get(f"lessons/{module}/").json()["answers"][code] == right


def test_what_was_chosen_in_an_exercise_is_taken_back(on_the_last_lesson):
    client = on_the_last_lesson
    for exercise, chosen, nothing in (
        ("looking-back/exercises/better", 7, None),
        ("small-steps/exercises/good-things", [1], []),
        ("welcome/exercises/hope", "A walk", ""),
    ):
        client.put(f"lessons/{exercise}/", {"value": chosen})
        assert client.put(f"lessons/{exercise}/", {"value": nothing}).json() == {"value": nothing}
        module, _, code = exercise.split("/")
        assert client.get(f"lessons/{module}/").json()["answers"][code] == nothing


def test_the_words_of_an_exercise_stand_nowhere_in_clear_and_an_exercise_that_is_none_takes_none(
    study, now
):
    client = of(factories.a_randomised_participant(study, now))
    client.put("lessons/welcome/exercises/hope/", {"value": "A walk"})
    assert client.put("lessons/welcome/exercises/nothing/", {"value": "x"}).status_code == 404
    assert "A walk" not in str(list(ExerciseAnswer.objects.values_list("value_sealed", flat=True)))


def test_a_lesson_that_is_not_open_yet_keeps_nothing_and_one_that_was_not_begun_is_not_undone(
    study, now
):
    client = of(factories.a_randomised_participant(study, now))
    answer = client.put("lessons/small-steps/exercises/this-week/", {"value": {"what": "Walk"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "module_not_open")
    answer = client.post("lessons/welcome/reopen/")
    assert (answer.status_code, answer.json()["code"]) == (409, "module_not_begun")
    assert ExerciseAnswer.objects.count() == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "lessons/welcome/", None),
        ("post", "lessons/welcome/begin/", {}),
        ("post", "lessons/welcome/reopen/", {}),
        ("put", "lessons/welcome/exercises/hope/", {"value": "A walk"}),
        ("post", "programme/stop/", {"reason": "no_time"}),
    ],
)
def test_whoever_is_given_no_programme_is_not_told_that_there_is_one(
    study, now, method, path, body
):
    dan = factories.a_consented_participant(study, now)
    client = of(dan)
    answer = client.get(path) if method == "get" else getattr(client, method)(path, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    dan.refresh_from_db()
    assert dan.programme_stopped_at is None


def test_a_draft_of_a_questionnaire_without_an_answer_changes_nothing(study, now):
    dan = factories.a_consented_participant(study, now)
    client = of(dan)
    before = client.get("assessments/pre/PHQ9/").json()
    assert client.put("assessments/pre/PHQ9/", {"answers": {}}).json() == {**before, "help": None}
    given = client.put("assessments/pre/PHQ9/", {"answers": {"1": 2}}).json()
    assert client.put("assessments/pre/PHQ9/", {"answers": {}}).json() == given
    assert (before["state"], given["state"], given["answers"]) == ("open", "started", {"1": 2})


def test_stopping_the_lessons_and_leaving(study, now):
    dan = factories.a_randomised_participant(study, now)
    client = of(dan)
    assert client.post("programme/stop/", {"reason": "bored"}).status_code == 400
    assert client.post("programme/stop/", {"reason": "no_time"}).json()["state"] == "randomised"
    assert client.post("withdraw/", {"reason": "other"}).json()["state"] == "withdrawn"
    assert client.post("withdraw/").json()["code"] == "not_allowed_now"


@pytest.mark.parametrize(
    ("path", "body", "other", "action"),
    [
        (
            "assessments/pre/GAD7/",
            {"answers": {"1": 1}},
            {"answers": {"1": 2}},
            "assessment submitted",
        ),
        ("assessments/pre/GAD7/decline/", {}, None, "assessment declined"),
        ("withdraw/", {"reason": "other"}, {"reason": "no_time"}, "withdrawn"),
    ],
)
def test_the_same_key_has_one_effect_and_other_content_is_a_conflict(
    study, now, path, body, other, action
):
    dan = factories.a_consented_participant(study, now)
    client, key = of(dan), a_key()
    first, again = (client.post(path, body, key=key) for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    if other:
        answer = client.post(path, other, key=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")
    assert AuditEvent.objects.filter(action=action, stream__endswith=dan.code).count() == 1


def test_a_key_is_at_most_80_characters(study, now):
    dan = factories.a_consented_participant(study, now)
    assert of(dan).post("withdraw/", key="k" * 81).status_code == 400


def test_an_exercise_with_the_same_key_keeps_the_first_and_refuses_another(study, now):
    dan = factories.a_randomised_participant(study, now)
    client, key = of(dan), a_key()
    block = next(each for each in study.current.programme.modules[0].exercises)
    values = {
        "text": ("one", "two"),
        "scale": (1, 2),
        "checklist": ([0], []),
        "plan": ({"what": "a"}, {"what": "b"}),
    }
    first, other = values[block.exercise]
    path = f"lessons/welcome/exercises/{block.code}/"
    assert client.put(path, {"value": first}, key=key).status_code == 200
    assert client.put(path, {"value": first}, key=key).status_code == 200
    assert client.put(path, {"value": other}, key=key).status_code == 409


def test_the_language_is_the_participants_own(study, now):
    from trial.models import Participant

    dan = factories.a_randomised_participant(study, now)
    Participant.objects.filter(pk=dan.pk).update(language="nl")
    answer = clients.of(dan).get("assessments/").json()
    assert [each["label"] for each in answer][:2] == ["Voor de start", "Week 2"]


def test_null_takes_an_answer_back_and_what_is_left_out_stays(study, now):
    person = factories.a_consented_participant(study, now)
    api, row = of(person), "assessments/pre/PHQ9/"
    api.put(row, {"answers": {"1": 3, "2": 1, "9": 2}})
    assert api.put(row, {"answers": {"1": None, "9": None}}).json()["answers"] == {"2": 1}
    assert Alert.objects.filter(participant=person).count() == 1
