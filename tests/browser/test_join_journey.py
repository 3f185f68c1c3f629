"""A newcomer on a phone.

She opens the study's page, reads the letter, agrees to be screened and answers the first page. Everything fits a screen
360 pixels wide, an accessibility checker finds nothing, and the help page is one tap away from each page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, sync_playwright

from tests import factories
from tests.conftest import NOW, SMALL
from trial.models import Participant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def phone() -> Iterator[Page]:
    """A narrow page in Chromium, with JavaScript."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["HANDVAT_CHROMIUM"], args=FLAGS)
        page = browser.new_page(viewport={"width": 360, "height": 740}, locale="en-GB")
        yield page
        browser.close()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def complaints(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:120]}" for each in found for node in each["nodes"]]


def test_a_newcomer_reads_agrees_and_answers_on_a_phone(live_server, phone):
    study = factories.an_open_study(SMALL, NOW)
    phone.goto(live_server.url + reverse("join:information", args=[study.public_slug]))
    assert (fits(phone), complaints(phone)) == (True, [])

    phone.locator("main form button[type=submit]").last.click()
    phone.wait_for_url("**/screening/basics/")
    assert (fits(phone), complaints(phone)) == (True, [])
    assert Participant.objects.get().state == "screening"

    phone.get_by_label("How old are you").fill("41")
    phone.get_by_label("Female", exact=True).check()
    phone.get_by_label("Main centre").check()
    phone.locator("main form button[type=submit]").first.click()
    phone.wait_for_url("**/screening/mood/")
    assert (fits(phone), complaints(phone)) == (True, [])
    assert Participant.objects.get().answers == {"age": 41, "sex": "f", "site": "main"}


def test_help_is_one_tap_away(live_server, phone):
    study = factories.an_open_study(SMALL, NOW)
    phone.goto(live_server.url + reverse("join:information", args=[study.public_slug]))
    phone.locator(f"a[href='{reverse('join:help', args=[study.public_slug])}']").first.click()
    assert phone.locator("a[href='tel:113']").count() >= 1
    assert (fits(phone), complaints(phone)) == (True, [])
