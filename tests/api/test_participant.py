from __future__ import annotations

import pytest

from outcomes.models import Assessment
from tests import factories
from tests.api import clients
from tests.api.clients import a_key, of
from trial.api import lessons
from trial.models import Alert, AuditEvent, ExerciseAnswer
from trial.sections.programme import Block

pytestmark = pytest.mark.django_db


def test_today_names_one_thing_and_what_comes_later(study, now):
    guided = factories.a_participant_in(study, "guided", now)
    answer = of(guided).get("today/").json()

    assert (answer["next"]["kind"], answer["next"]["endpoint"]) == ("lesson", "/api/v1/lessons/welcome/")
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
    answer = of(dan).post("assessments/pre/PHQ9/", {"answers": factories.answers_to(study, "PHQ9", 1)}).json()
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
    assert [(each["number"], each["opens_at"] is not None) for each in states] == [(1, True), (2, False), (3, False)]
    assert client.post("lessons/small-steps/begin/").json()["code"] == "module_not_open"
    assert client.post("lessons/welcome/done/").json()["code"] == "module_not_begun"

    client.post("lessons/welcome/begin/")
    done = client.post("lessons/welcome/done/").json()
    assert done["done_at"] is not None
    assert client.get("lessons/small-steps/").json()["blocks"] == []
    assert client.post("lessons/welcome/reopen/").json()["done_at"] is None
    assert client.get("lessons/nothing/").status_code == 404


def test_each_kind_of_exercise_takes_its_own_kind_of_value(study, now):
    dan = factories.a_randomised_participant(study, now)
    client = of(dan)
    modules = {each.code: each for each in study.current.programme.modules}
    kinds = {block.exercise: block for block in modules["welcome"].exercises}
    values = {
        "text": ("A walk", [3, None]),
        "checklist": ([0], ["A walk", [99], [True]]),
        "scale": (7, [11, "7", True]),
        "plan": ({"what": "Walk", "when": "Monday", "where": "Park"}, ["Walk", {"who": "me"}]),
    }
    for kind, block in kinds.items():
        right, wrong = values[kind]
        path = f"lessons/welcome/exercises/{block.code}/"
        assert client.put(path, {"value": right}).json() == {"value": right}
        for value in wrong:
            assert client.put(path, {"value": value}).status_code == 400, (kind, value)
        assert client.get("lessons/welcome/").json()["answers"][block.code] == right
    assert kinds
    assert client.put("lessons/welcome/exercises/nothing/", {"value": "x"}).status_code == 404
    assert "A walk" not in str(list(ExerciseAnswer.objects.values_list("value_sealed", flat=True)))


def test_a_part_that_is_left_out_of_a_plan_stays_as_it_is():
    plan = Block(kind="exercise", exercise="plan", code="week", prompt="This week")
    stored = {"week": {"what": "Walk", "when": "Monday", "where": "Park"}}
    for given, left in (({}, stored["week"]), ({"what": ""}, {**stored["week"], "what": ""})):
        assert lessons._checked(plan, given, stored) == left


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
        ("assessments/pre/GAD7/", {"answers": {"1": 1}}, {"answers": {"1": 2}}, "assessment submitted"),
        ("assessments/pre/GAD7/decline/", {}, None, "assessment declined"),
        ("withdraw/", {"reason": "other"}, {"reason": "no_time"}, "withdrawn"),
    ],
)
def test_the_same_key_has_one_effect_and_other_content_is_a_conflict(study, now, path, body, other, action):
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
    values = {"text": ("one", "two"), "scale": (1, 2), "checklist": ([0], []), "plan": ({"what": "a"}, {"what": "b"})}
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
