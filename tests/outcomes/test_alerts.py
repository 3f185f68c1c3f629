"""The study's alert rules on scores and items: exactly where each begins."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from outcomes.actions import alerts, assessments
from outcomes.models import Assessment
from tests import factories
from tests.conftest import NOW, SMALL
from trial import actors, audit
from trial.actions import alerts as trial_alerts
from trial.models import Alert, AuditEvent

pytestmark = pytest.mark.django_db

RULES = """
  - {code: severe, rule: {score: PHQ9, at_least: 20}, within_hours: 48, text: {en: Severe, nl: Ernstig}}
  - {code: anxious, rule: {score: GAD7, above: 14}, within_hours: 72, text: {en: Anxious, nl: Angstig}}
  - code: both
    rule: {all: [{score: PHQ9, at_least: 15}, {item: PHQ9.9, above: 0}]}
    within_hours: 12
    text: {en: Both, nl: Allebei}
  - code: low_and_anxious
    rule: {all: [{score: PHQ9, at_least: 10}, {score: GAD7, at_least: 10}]}
    within_hours: 72
    text: {en: Low and anxious, nl: Somber en angstig}
  - code: either
    rule: {any: [{item: PHQ9.3, equals: 1}, {item: GAD7.7, above: 2}]}
    within_hours: 72
    text: {en: Either, nl: Een van beide}
  - code: alone
    rule: {all: [{item: PHQ9.2, above: 1}, {answer: helped, equals: no}]}
    within_hours: 72
    text: {en: Low and without help, nl: Somber en zonder hulp}
"""  # noqa: E501


def a_study(directory, rules: str):
    shutil.copytree(SMALL, directory / "study")
    with (directory / "study" / "assessments.yaml").open("a") as file:
        file.write(rules.lstrip("\n"))
    return factories.an_open_study(directory / "study", NOW)


@pytest.fixture
def eve(tmp_path):
    """Eve has signed, in a study that also looks at scores."""
    return factories.a_consented_participant(a_study(tmp_path, RULES), NOW)


def raised(person, instrument: str, answers: dict, scores: dict) -> list[str]:
    """Which alerts these answers raise, on an occasion of their own."""
    occasion = f"occasion {Alert.objects.count()}"
    given = {
        "instrument": instrument,
        "answers": answers,
        "scores": scores,
        "by": actors.SYSTEM,
        "at": NOW,
    }
    return [alert.kind for alert in alerts.check(person, occasion, **given)]


def test_an_alert_on_a_score_begins_at_its_limit_and_looks_at_its_own_instrument(eve):
    no_answers = {"9": 0}
    assert raised(eve, "PHQ9", no_answers, {"PHQ9": 19.99}) == []
    assert raised(eve, "PHQ9", no_answers, {"PHQ9": 20.0}) == ["severe"]
    assert raised(eve, "PHQ9", no_answers, {"PHQ9": 27.0}) == ["severe"]
    assert raised(eve, "GAD7", {}, {"GAD7": 14.0}) == []
    assert raised(eve, "GAD7", {}, {"GAD7": 14.01}) == ["anxious"]
    assert raised(eve, "GAD7", {}, {"GAD7": 21.0, "PHQ9": 9.0}) == ["anxious"]
    assert raised(eve, "PHQ9", no_answers, {}) == []


def test_a_rule_on_score_and_item_needs_both(eve):
    assert raised(eve, "PHQ9", {"9": 0}, {"PHQ9": 15.0}) == []
    assert raised(eve, "PHQ9", {"9": 1}, {"PHQ9": 14.0}) == ["item9"]
    assert raised(eve, "PHQ9", {"9": 1}, {"PHQ9": 15.0}) == ["item9", "both"]
    assert raised(eve, "PHQ9", {"9": None}, {"PHQ9": 19.0}) == []


def phq9(total: int, blank: int = 0) -> dict[str, int | None]:
    """Items 1 to 8 add up to `total`, item 9 is 0; the first `blank` of them are left open."""
    answers: dict[str, int | None] = dict.fromkeys(map(str, range(1, 10)), 0)
    for code in [str(n) for n in range(1, 9)][blank:]:
        answers[code] = min(3, total)
        total -= answers[code] or 0
    return {**answers, **dict.fromkeys(map(str, range(1, blank + 1)))}


@pytest.mark.parametrize(
    ("answers", "score", "kinds"),
    [
        (phq9(19), 19.0, []),
        (phq9(20), 20.0, ["severe"]),
        (phq9(15, blank=2), 15 * 9 / 7, []),  # 19.3
        (phq9(16, blank=2), 16 * 9 / 7, ["severe"]),  # 20.6
        (phq9(15, blank=3), None, []),  # every other item is 3; with three blanks there is no score
    ],
)
def test_what_is_handed_in_is_looked_at_by_its_score_once_it_is_complete(
    eve, answers, score, kinds
):
    row = Assessment.objects.get(participant=eve, instrument="PHQ9")
    by = actors.participant(eve.code)
    assessments.save_draft(assessment=row, answers=answers, by=by, at=NOW)
    assert Alert.objects.count() == 0
    row = assessments.submit(assessment=row, answers=answers, language="en", by=by, at=NOW)
    assert row.scores.get("PHQ9") == (None if score is None else pytest.approx(score))
    found = Alert.objects.values_list("kind", "subject_ref", "deadline_at")
    assert list(found) == [(kind, "pre", NOW + timedelta(hours=48)) for kind in kinds]


def test_an_alert_of_a_rule_says_who_answered_when_and_until_when(eve):
    by, at = actors.participant(eve.code), NOW + timedelta(hours=3)
    found = alerts.check(
        eve, "week2", instrument="PHQ9", answers={"9": 1}, scores={"PHQ9": 27.0}, by=by, at=at
    )
    hours = {"item9": 24, "severe": 48, "both": 12}
    kept = [
        (
            each.study,
            each.participant,
            each.kind,
            each.subject_ref,
            each.raised_at,
            each.deadline_at,
        )
        for each in found
    ]
    assert kept == [
        (eve.study, eve, kind, "week2", at, at + timedelta(hours=hours[kind])) for kind in hours
    ]
    events = AuditEvent.objects.filter(action="alert raised").values_list("by", "role", "at")
    assert list(events) == [(str(by), "participant", at)] * 3


def left(person, phone: str = "06 1234 5678", at=NOW) -> Alert | None:
    return alerts.from_screening(
        participant=person, phone=phone, by=actors.visitor(person.code), at=at
    )


def test_a_number_left_at_the_screening_raises_the_first_rule_by_the_shortest_time(eve):
    alert = left(eve)
    assert (alert.study, alert.participant, alert.kind, alert.subject_ref) == (
        eve.study,
        eve,
        "item9",
        "screening",
    )
    assert (alert.raised_at, alert.deadline_at) == (NOW, NOW + timedelta(hours=12))
    assert eve.unsealed(alert.phone_sealed) == "+31612345678"
    event = AuditEvent.objects.get(action="alert raised")
    assert (event.by, event.at) == (f"visitor {eve.code}", NOW)
    assert left(eve, "0612345679") == alert


@pytest.mark.parametrize("phone", ["", "  "])
def test_whoever_leaves_no_number_raises_no_alert(phone, eve):
    assert left(eve, phone) is None
    assert Alert.objects.count() == 0


def test_a_number_without_its_country_is_one_of_the_country_of_the_study(tmp_path):
    shutil.copytree(SMALL, tmp_path / "study")
    file = tmp_path / "study" / "study.yaml"
    file.write_text(file.read_text().replace("country: NL", "country: BE"))
    person = factories.a_screening_participant(
        factories.an_open_study(tmp_path / "study", NOW), NOW
    )
    assert person.unsealed(left(person, "0470 12 34 56").phone_sealed) == "+32470123456"


def test_each_number_after_a_closed_alert_is_an_occasion_of_its_own(eve):
    eva = actors.staff(1, "supervisor")
    for occasion in ("screening", "screening 2", "screening 3"):
        alert = left(eve)
        assert alert.subject_ref == occasion
        trial_alerts.take(alert=alert, by=eva, at=NOW)
        assert left(eve) == alert
        trial_alerts.close(alert=alert, done="called", by=eva, at=NOW)


def test_a_study_without_rules_is_told_of_a_number_within_a_day(tmp_path):
    shutil.copytree(SMALL, tmp_path / "study")
    file = tmp_path / "study" / "assessments.yaml"
    file.write_text(file.read_text().partition("alerts:\n")[0])
    person = factories.a_screening_participant(
        factories.an_open_study(tmp_path / "study", NOW), NOW
    )
    alert = left(person)
    assert (alert.kind, alert.deadline_at) == ("safety", NOW + timedelta(hours=24))
    given = {
        "instrument": "PHQ9",
        "answers": {"9": 3},
        "scores": {},
        "by": actors.SYSTEM,
        "at": NOW,
    }
    assert alerts.check(person, "pre", **given) == []


def hand_in(person, instrument: str, value: int, **items: int):
    row = Assessment.objects.get(participant=person, timepoint="pre", instrument=instrument)
    answers = factories.answers_to(person.study, instrument, value, **items)
    return assessments.submit(
        assessment=row, answers=answers, language="en", by=actors.SYSTEM, at=NOW
    )


def deal_with_it() -> None:
    """The one alert there is gets taken and closed."""
    by = actors.staff(7, "supervisor")
    trial_alerts.take(alert=Alert.objects.get(), by=by, at=NOW)
    trial_alerts.close(alert=Alert.objects.get(), done="Called", by=by, at=NOW)


def kinds(person) -> list[str]:
    return list(
        Alert.objects.filter(participant=person).order_by("pk").values_list("kind", flat=True)
    )


@pytest.mark.parametrize("order", [("PHQ9", "GAD7"), ("GAD7", "PHQ9")])
def test_a_rule_about_two_questionnaires_holds_once_both_are_handed_in(eve, order):
    for instrument in order:
        assert kinds(eve) == []
        hand_in(eve, instrument, 2, **({"_9": 0, "_2": 1} if instrument == "PHQ9" else {}))
    assert kinds(eve) == ["low_and_anxious"]


def test_a_rule_about_two_questionnaires_reads_one_timepoint(eve):
    hand_in(eve, "PHQ9", 2, _9=0, _2=1)
    later = {
        "instrument": "GAD7",
        "answers": {},
        "scores": {"GAD7": 21.0},
        "by": actors.SYSTEM,
        "at": NOW,
    }
    assert [each.kind for each in alerts.check(eve, "post", **later)] == ["anxious"]


@pytest.mark.parametrize(("helped", "raised"), [("no", ["alone"]), ("yes", [])])
def test_a_rule_can_ask_for_an_answer_to_a_question_of_the_study_as_well(eve, helped, raised):
    eve.answers["helped"] = helped
    eve.save(update_fields=["answers"])
    audit.record(eve, "made for a test", by=actors.SYSTEM, at=NOW)
    hand_in(eve, "PHQ9", 0, _2=3)
    assert kinds(eve) == raised


def test_an_alert_that_was_closed_is_not_raised_by_other_questions(eve):
    hand_in(eve, "PHQ9", 0, _9=1)
    deal_with_it()
    hand_in(eve, "GAD7", 1)
    assert kinds(eve) == ["item9"]


@pytest.mark.parametrize(("gad7", "again"), [(1, []), (3, ["either"])])
def test_of_two_ways_in_which_a_rule_holds_each_raises_it_once_it_is_answered(eve, gad7, again):
    """The first was dealt with before the second questionnaire came: only what holds by that one is
    told again.
    """
    hand_in(eve, "PHQ9", 0, _3=1)
    assert kinds(eve) == ["either"]
    deal_with_it()
    hand_in(eve, "GAD7", gad7)
    assert [kind for kind in kinds(eve)[1:] if kind == "either"] == again


def test_a_rule_about_two_questionnaires_reads_one_person(eve):
    other = factories.a_consented_participant(eve.study, NOW)
    hand_in(other, "GAD7", 2)
    hand_in(eve, "PHQ9", 2, _9=0, _2=1, _3=2)
    assert kinds(eve) == []


def test_an_answer_to_the_study_raises_nothing_by_a_questionnaire_that_the_rule_does_not_name(
    tmp_path,
):
    rule = """
  - code: sleepless_or_alone
    rule: {any: [{item: PHQ9.3, above: 2}, {answer: helped, equals: yes}]}
    within_hours: 72
    text: {en: Sleepless or alone, nl: Slapeloos of alleen}
"""
    eve = factories.a_consented_participant(a_study(tmp_path, rule), NOW)
    assert eve.answers["helped"] == "yes"
    hand_in(eve, "GAD7", 1)
    assert kinds(eve) == []
    hand_in(eve, "PHQ9", 0)
    assert kinds(eve) == ["sleepless_or_alone"]


FIRST_WAY = {
    "an item and an answer": "{all: [{item: PHQ9.3, above: 2}, {answer: helped, equals: yes}]}",
    "a score": "{score: PHQ9, at_least: 20}",
}


@pytest.mark.parametrize("first", FIRST_WAY)
def test_what_held_by_the_first_questionnaire_is_not_raised_again_by_the_second(first, tmp_path):
    rule = f"""
  - code: two_ways
    rule: {{any: [{FIRST_WAY[first]}, {{item: GAD7.7, above: 2}}]}}
    within_hours: 72
    text: {{en: Two ways, nl: Twee wegen}}
"""
    eve = factories.a_consented_participant(a_study(tmp_path, rule), NOW)
    hand_in(eve, "PHQ9", 3, _9=0)
    deal_with_it()
    hand_in(eve, "GAD7", 1)
    assert kinds(eve) == ["two_ways"]


def test_a_rule_may_take_two_questionnaires_and_an_answer(tmp_path):
    rule = """
  - code: three
    rule: {all: [{item: PHQ9.3, above: 2}, {item: GAD7.7, above: 2}, {answer: helped, equals: yes}]}
    within_hours: 72
    text: {en: All three, nl: Alle drie}
"""
    eve = factories.a_consented_participant(a_study(tmp_path, rule), NOW)
    hand_in(eve, "PHQ9", 3, _9=0)
    assert kinds(eve) == []
    hand_in(eve, "GAD7", 3)
    assert kinds(eve) == ["three"]
