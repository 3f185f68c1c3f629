"""The study's alert rules on scores and items: exactly where each begins."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from outcomes.actions import alerts, assessments
from outcomes.models import Assessment
from tests import factories
from tests.conftest import NOW, SMALL
from trial import actors
from trial.models import Alert

pytestmark = pytest.mark.django_db

RULES = """
  - {code: severe, rule: {score: PHQ9, at_least: 20}, within_hours: 48, text: {en: Severe, nl: Ernstig}}
  - {code: anxious, rule: {score: GAD7, above: 14}, within_hours: 72, text: {en: Anxious, nl: Angstig}}
  - code: both
    rule: {all: [{score: PHQ9, at_least: 15}, {item: PHQ9.9, above: 0}]}
    within_hours: 12
    text: {en: Both, nl: Allebei}
"""


@pytest.fixture
def eve(tmp_path):
    """Eve has signed, in a study that also looks at scores."""
    shutil.copytree(SMALL, tmp_path / "study")
    with (tmp_path / "study" / "assessments.yaml").open("a") as file:
        file.write(RULES.lstrip("\n"))
    return factories.a_consented_participant(factories.an_open_study(tmp_path / "study", NOW), NOW)


def raised(person, instrument: str, answers: dict, scores: dict) -> list[str]:
    """Which alerts these answers raise, on an occasion of their own."""
    occasion = f"occasion {Alert.objects.count()}"
    given = {"instrument": instrument, "answers": answers, "scores": scores, "by": actors.SYSTEM, "at": NOW}
    return [alert.kind for alert in alerts.check(person, occasion, **given)]


def test_an_alert_on_a_score_begins_at_its_limit_and_looks_at_its_own_instrument(eve):
    no_answers = {"9": 0}
    assert raised(eve, "PHQ9", no_answers, {"PHQ9": 19.99}) == []
    assert raised(eve, "PHQ9", no_answers, {"PHQ9": 20.0}) == ["severe"]
    assert raised(eve, "PHQ9", no_answers, {"PHQ9": 27.0}) == ["severe"]
    assert raised(eve, "GAD7", {}, {"GAD7": 14.0}) == []
    assert raised(eve, "GAD7", {}, {"GAD7": 14.01}) == ["anxious"]
    assert raised(eve, "GAD7", {}, {"GAD7": 21.0, "PHQ9": 19.0}) == ["anxious"]
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
def test_what_is_handed_in_is_looked_at_by_its_score_once_it_is_complete(eve, answers, score, kinds):
    row = Assessment.objects.get(participant=eve, instrument="PHQ9")
    by = actors.participant(eve.code)
    assessments.save_draft(assessment=row, answers=answers, by=by, at=NOW)
    assert Alert.objects.count() == 0
    row = assessments.submit(assessment=row, answers=answers, language="en", by=by, at=NOW)
    assert row.scores.get("PHQ9") == (None if score is None else pytest.approx(score))
    found = Alert.objects.values_list("kind", "subject_ref", "deadline_at")
    assert list(found) == [(kind, "pre", NOW + timedelta(hours=48)) for kind in kinds]
