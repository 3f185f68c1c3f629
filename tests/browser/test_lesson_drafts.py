"""What somebody writes in a lesson survives the end of their session and a second tab.

Dan writes while his session ends: the page says so and keeps his words, and when he has signed in
again in another tab it saves them by itself. He presses Save without a session: after signing in
the words are back. Two tabs of one lesson do not erase each other's. Whoever signs in as somebody
else finds nothing of it. Whoever leaves the page after "Saved" finds every tick and text again.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urljoin

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories
from tests.browser.pages import press
from tests.conftest import SMALL
from trial import actors
from trial.actions import drafts, programme
from trial.queries import programme as reads
from trial.queries.drafts import Typed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LESSON = "/participant/lessons/small-steps/"


@pytest.fixture
def study(transactional_db):
    return factories.an_open_study(SMALL, timezone.now())


def a_reader(study):
    """Somebody in the second lesson, which has a checklist and a plan."""
    before = timezone.now() - timedelta(days=8)
    dan = factories.a_randomised_participant(study, timezone.now())
    by = actors.participant(dan.code)
    from trial.grants import Grant

    Grant.objects.filter(participant=dan, kind="programme").update(opens_at=before)
    for action in (programme.begin_module, programme.finish_module):
        action(participant=dan, module="welcome", by=by, at=before)
    programme.begin_module(participant=dan, module="small-steps", by=by, at=timezone.now())
    return dan


def sign_in(page, person) -> None:
    client = Client()
    client.force_login(person.user, backend="django.contrib.auth.backends.ModelBackend")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": urljoin(page.url, "/")}]
    )


def end_session(page) -> None:
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)


def written(person) -> dict:
    return reads.answers(person, "small-steps").get("this-week", {})


def drafts_of(page) -> list:
    return page.evaluate("fetch('/drafts/').then((answer) => answer.json())")["drafts"]


def status(page, state: str):
    return page.locator(f"[data-save-status][data-state={state}]")


def kept(page) -> int:
    """How much of what could not be saved lies on the device."""
    return page.evaluate(
        "Object.keys(localStorage).filter((key) => key.startsWith('handvat:')).length"
    )


def test_a_session_that_ends_while_somebody_writes_loses_nothing(study, window):
    dan = a_reader(study)
    page = window(dan.user)
    page.goto(LESSON)
    end_session(page)
    page.get_by_label("What", exact=True).fill("A walk")
    status(page, "out").wait_for()
    again = page.get_by_role("link", name="Sign in again, in a new tab")
    assert again.is_visible()
    assert again.get_attribute("target") == "_blank"
    sign_in(page, dan)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    status(page, "saved").wait_for()
    assert (written(dan)["what"], again.is_visible(), kept(page)) == ("A walk", False, 0)


def test_what_was_typed_comes_back_after_signing_in(study, window):
    dan = a_reader(study)
    page = window(dan.user)
    page.goto(LESSON)
    end_session(page)
    page.get_by_label("When", exact=True).fill("Tuesday")
    press(page, "Save")
    assert "/account/" in page.url
    sign_in(page, dan)
    page.goto(LESSON)
    expect(page.get_by_label("When", exact=True)).to_have_value("Tuesday")
    status(page, "saved").wait_for()
    assert (written(dan)["when"], kept(page)) == ("Tuesday", 0)


def test_two_tabs_do_not_erase_each_other(study, window):
    dan = a_reader(study)
    first = window(dan.user)
    second = first.context.new_page()
    for tab in (first, second):
        tab.goto(LESSON)
    first.get_by_label("What", exact=True).fill("A walk")
    status(first, "saved").wait_for()
    second.get_by_label("Where", exact=True).fill("The park")
    status(second, "saved").wait_for()
    press(second, "Save")
    assert written(dan) == {"what": "A walk", "when": "", "where": "The park"}
    with first.expect_response("**/save/"):
        first.get_by_label("What", exact=True).fill("")
    assert written(dan) == {"what": "", "when": "", "where": "The park"}


def test_the_next_person_on_the_device_sees_nothing_and_its_owner_finds_it_again(study, window):
    dan, other = a_reader(study), a_reader(study)
    page = window(dan.user)
    page.goto(LESSON)
    end_session(page)
    page.get_by_label("When", exact=True).fill("A secret")
    status(page, "out").wait_for()
    sign_in(page, other)
    page.goto(LESSON)
    page.wait_for_load_state("networkidle")
    assert (page.get_by_label("When", exact=True).input_value(), kept(page)) == ("", 1)
    assert "secret" not in page.evaluate(
        "JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"
    )

    page.route("**/save/", lambda route: route.abort())
    page.get_by_label("When", exact=True).fill("Not saved")
    status(page, "failed").wait_for()
    with page.expect_navigation():
        page.locator("footer").get_by_role("button", name="Sign out").click()
    page.unroute("**/save/")
    for person, words in ((dan, "A secret"), (other, "Not saved")):
        sign_in(page, person)
        page.goto(LESSON)
        expect(page.get_by_label("When", exact=True)).to_have_value(words)
        status(page, "saved").wait_for()
        assert written(person)["when"] == words
    assert kept(page) == 0


WAYS = {
    "help": lambda page: page.get_by_role("link", name="Help now").first.click(),
    "a link": lambda page: page.get_by_role("link", name="Lessons").first.click(),
    "the language": lambda page: page.get_by_role("button", name="Nederlands").first.click(),
    "Back": lambda page: page.go_back(),
    "a reload": lambda page: page.reload(),
}


@pytest.mark.parametrize("way", WAYS)
def test_whoever_leaves_after_saved_finds_everything_again(way, study, window):
    dan = a_reader(study)
    page = window(dan.user)
    page.goto("/participant/")
    page.goto(LESSON)
    page.get_by_role("checkbox").first.check()
    page.get_by_label("What", exact=True).fill("A walk")
    status(page, "saved").wait_for()
    before = reads.answers(dan, "small-steps")
    drafts = []
    page.on(
        "request",
        lambda request: drafts.append(request.url) if "x-autosave" in request.headers else None,
    )
    with page.expect_navigation():
        WAYS[way](page)
    page.goto(LESSON)
    assert page.get_by_role("checkbox").first.is_checked()
    assert page.get_by_label("What", exact=True).input_value() == "A walk"
    assert reads.answers(dan, "small-steps") == before
    assert drafts == []


def test_what_was_brought_by_another_page_does_not_come_back_once_it_is_taken_out(study, window):
    dan = a_reader(study)
    page = window(dan.user)
    page.goto(LESSON)
    end_session(page)
    page.get_by_role("checkbox").first.check()
    page.get_by_label("What", exact=True).fill("A walk in the rain")
    status(page, "out").wait_for()
    page.goto("/help/")
    sign_in(page, dan)
    page.goto("/participant/")
    page.locator("[data-unsent] a").click()
    status(page, "saved").wait_for()
    assert (written(dan)["what"], drafts_of(page)) == ("A walk in the rain", [])

    with page.expect_response("**/save/"):
        page.get_by_role("checkbox").first.uncheck()
        page.get_by_label("What", exact=True).fill("A walk")
    with page.expect_response("**/drafts/?form=*"):
        page.reload()
    page.wait_for_load_state("networkidle")
    assert page.get_by_label("What", exact=True).input_value() == "A walk"
    assert not page.get_by_role("checkbox").first.is_checked()
    assert (written(dan)["what"], drafts_of(page)) == ("A walk", [])


def test_a_draft_that_says_what_is_stored_already_goes_when_the_lesson_is_opened(study, window):
    dan = a_reader(study)
    fields = {"this-week-what": {"was": [""], "value": ["A walk"]}}
    programme.save_exercise(
        participant=dan,
        module="small-steps",
        exercise="this-week",
        value={"what": "A walk", "when": "", "where": ""},
        by=actors.participant(dan.code),
        at=timezone.now(),
    )
    drafts.keep(
        owner=dan.user,
        about=dan,
        typed=Typed(f"{LESSON}save/", "Small steps", fields),
        request_key="k",
        sequence=1,
        at=timezone.now(),
    )
    page = window(dan.user)
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.goto(LESSON)
    assert drafts_of(page) == []
