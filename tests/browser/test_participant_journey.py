"""A participant on a phone.

Dan signs in to his page, answers a whole questionnaire one question at a time, says that he has
thought of death, and is shown at once whom he can call. He goes on, is allocated, begins the first
lesson, writes something and is done with it. Another day he leaves the study, which takes one page
and one button. All of it works without JavaScript too.
"""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from outcomes.models import Assessment
from tests import factories
from tests.browser.conftest import PHONE
from tests.browser.pages import faults, heading, press
from tests.conftest import SMALL
from trial.models import Alert, ExerciseAnswer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def study(transactional_db):
    return factories.an_open_study(SMALL, timezone.now())


def answer(page, instrument, **others) -> None:
    """Every question of a questionnaire with the second answer, but for those named (i9=0)."""
    number = 0
    while f"/{instrument}/" in page.url and not page.url.endswith("/review/"):
        number += 1
        page.locator("main input[type=radio]").nth(others.get(f"i{number}", 1)).check()
        last = page.get_by_role("button", name="Hand in", exact=True).count()
        press(page, "Hand in" if last else "Next")
        assert number < 20


def follow_the_first_lesson(page) -> None:
    page.goto(reverse("participant:home"))
    assert heading(page) == "One thing now"
    press(page, "Go on")
    press(page, "Start")
    page.locator("textarea").first.fill("To sleep a little better")
    press(page, "This lesson is done")


def test_a_questionnaire_and_a_lesson_on_a_phone(study, window):
    dan = factories.a_consented_participant(study, timezone.now())
    page = window(dan.user, PHONE)
    page.goto(reverse("participant:sitting", args=["pre"]))
    assert faults(page) == []
    press(page, "Start")
    assert (page.get_by_text("1 of 9").count(), faults(page)) == (1, [])
    answer(page, "PHQ9", i9=1)

    assert page.locator("main a[href='tel:113']").count() >= 1
    assert faults(page) == []
    assert list(Alert.objects.values_list("kind", "participant__code")) == [("item9", dan.code)]

    page.goto(reverse("participant:sitting", args=["pre"]))
    assert faults(page) == []
    press(page, "Start")
    answer(page, "GAD7")
    dan.refresh_from_db()
    assert dan.state == "randomised"

    follow_the_first_lesson(page)
    assert faults(page) == []
    assert ExerciseAnswer.objects.filter(participant=dan).count() == 1
    for name in (
        "home",
        "lessons",
        "questionnaires",
        "data",
        "consent",
        "stop_programme",
        "withdraw",
        "help",
    ):
        page.goto(reverse(f"participant:{name}"))
        assert faults(page) == []


def test_a_questionnaire_and_a_lesson_without_javascript(study, window):
    dan = factories.a_consented_participant(study, timezone.now())
    page = window(dan.user, PHONE, javascript=False)
    for instrument in ("PHQ9", "GAD7"):
        page.goto(reverse("participant:sitting", args=["pre"]))
        press(page, "Start")
        answer(page, instrument, i9=0)
    dan.refresh_from_db()
    handed_in = Assessment.objects.filter(
        participant=dan, timepoint="pre", submitted_at__isnull=False
    )
    assert (dan.state, handed_in.count(), Alert.objects.count()) == ("randomised", 2, 0)
    assert handed_in.get(instrument="PHQ9").answers == {
        str(i): 0 if i == 9 else 1 for i in range(1, 10)
    }

    follow_the_first_lesson(page)
    page.goto(reverse("participant:lessons"))
    assert page.get_by_text("Done", exact=True).count() == 1
    page.goto(reverse("participant:lesson", args=["welcome"]))
    assert page.locator("textarea").first.input_value() == "To sleep a little better"


def test_leaving_takes_one_page_and_one_button(study, window):
    dan = factories.a_randomised_participant(study, timezone.now())
    page = window(dan.user, PHONE)
    page.goto(reverse("participant:withdraw"))
    press(page, "Leave the study")
    assert (heading(page), faults(page)) == ("You have left the study", [])
    dan.refresh_from_db()
    assert dan.state == "withdrawn"
