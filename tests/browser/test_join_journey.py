"""A newcomer on a phone.

Dan opens the study's page, reads the letter, agrees to be screened and answers two pages. He gives
his address, takes the code from the mail, reads the letter again, answers the question about it and
signs. He says when he may be called, answers the baseline, and lands on his own page, allocated.
Everything fits a screen 360 pixels wide, an accessibility checker finds nothing, and help is one
tap away.
"""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from randomisation.models import Allocation
from tests import factories
from tests.browser.conftest import PHONE
from tests.browser.pages import faults, heading, press
from tests.conftest import SMALL
from trial.models import Participant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def study(transactional_db):
    return factories.an_open_study(SMALL, timezone.now())


def test_a_newcomer_joins_on_a_phone_and_lands_on_a_page_of_their_own(study, window):
    page = window(size=PHONE)
    page.goto(reverse("join:information", args=[study.public_slug]))
    assert faults(page) == []
    press(page, "I agree, ask me the questions")

    assert (page.url.endswith("/screening/basics/"), faults(page)) == (True, [])
    page.get_by_label("How old are you").fill("41")
    page.get_by_label("Female", exact=True).check()
    page.get_by_label("Main centre").check()
    press(page, "Go on")
    assert Participant.objects.get().answers == {"age": 41, "sex": "f", "site": "main"}

    assert (page.url.endswith("/screening/mood/"), faults(page)) == (True, [])
    for code in range(1, 10):  # one question a screen, without leaving the page
        page.locator(f"input[name=item_{code}][value='{0 if code == 9 else 1}']").check()
        if code < 9:
            page.get_by_role("button", name="Next", exact=True).click()
    assert faults(page) == []
    press(page, "Go on")

    assert (page.url.endswith("/contact/"), faults(page)) == (True, [])
    page.get_by_label("What may we call you?").fill("Dan Jansen")
    page.get_by_label("E-mail").fill("dan@example.org")
    page.get_by_label("phone").fill("06 1234 5678")
    press(page, "Send me the code")

    assert (page.url.endswith("/contact/code/"), faults(page)) == (True, [])
    page.locator("input[name=code]").fill(mailed_code())
    press(page, "Go on")

    assert (page.url.endswith("/consent/"), faults(page)) == (True, [])
    press(page, "I have read it, go on")
    assert faults(page) == []
    page.get_by_label("Yes, at any time").check()
    press(page, "Go on")

    assert (page.url.endswith("/consent/sign/"), faults(page)) == (True, [])
    page.get_by_label("of my own free will").check()
    page.get_by_label("under a code").check()
    page.locator("input[name=signature]").fill("Dan Jansen")
    press(page, "Sign and take part")
    assert Participant.objects.get().state == "consented"

    answer_what_is_asked_before_allocation(page)
    dan = Participant.objects.get()
    assert (dan.state, Allocation.objects.filter(participant=dan).count()) == ("randomised", 1)
    page.goto(reverse("participant:home"))
    assert (heading(page), faults(page)) == ("One thing now", [])


def answer_what_is_asked_before_allocation(page):
    """Own questions, call times, then every item of the baseline, whatever the order the study asks
    them in.
    """
    for _ in range(40):
        if Participant.objects.get().state == "randomised":
            return
        if "/questionnaires/pre/" not in page.url or page.url.endswith("/pre/"):
            assert faults(page) == []
        if page.url.endswith("/questions/"):
            page.get_by_label("No", exact=True).check()
            press(page, "Go on")
        elif page.url.endswith("/call-times/"):
            page.locator("main input[type=checkbox]").first.check()
            press(page, "Go on")
        elif page.url.endswith("/questionnaires/pre/"):
            press(page, "Start")
        else:
            page.locator("main input[type=radio]").first.check()
            last = page.get_by_role("button", name="Hand in", exact=True).count()
            press(page, "Hand in" if last else "Next")
    raise AssertionError(f"still not allocated, at {page.url}")


def mailed_code() -> str:
    found = re.search(r"\b\d{6}\b", mail.outbox[-1].body)
    assert found
    return found.group()


def test_help_is_one_tap_away(study, window):
    page = window(size=PHONE)
    page.goto(reverse("join:information", args=[study.public_slug]))
    page.locator(f"a[href='{reverse('join:help', args=[study.public_slug])}']").first.click()
    assert page.locator("a[href='tel:113']").count() >= 1
    assert faults(page) == []


def test_a_minor_is_turned_away_kindly_and_leaves_no_answers_to_read(study, window):
    page = window(size=PHONE)
    page.goto(reverse("join:information", args=[study.public_slug]))
    press(page, "I agree, ask me the questions")
    page.get_by_label("How old are you").fill("16")
    page.get_by_label("Male", exact=True).check()
    page.get_by_label("Main centre").check()
    press(page, "Go on")
    assert (page.url.endswith("/thank-you/"), faults(page)) == (True, [])
    assert "This study is for adults." in page.get_by_role("main").inner_text()
    assert Participant.objects.get().state == "excluded"
