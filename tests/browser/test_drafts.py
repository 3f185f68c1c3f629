"""What somebody types in any form is there again until it is sent, and nobody else ever sees it.

Ben types half a log, and leaves: it is on the server within three seconds, and comes back. His
session ends, or the connection: it lies on his device, unreadable, and is offered after he signed
in. Logged or thrown away, it is gone. A visitor's words live in their tab alone, and so does the
address to which a code was mailed.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from coaching_protocol.models import Attempt
from tests import factories
from tests.api import test_pairs as pairs
from tests.browser.pages import press
from tests.browser.test_lesson_drafts import end_session, sign_in, status
from tests.conftest import NOW, SMALL
from trial import actors
from trial.actions import participants
from trial.models import AuditEvent, Draft, User
from trial.queries import drafts as reads

LEAVE_ON_DEVICE = """async ([place, typed]) => {
  const {key: given} = await (await fetch('/drafts/?' + new URLSearchParams({place}))).json();
  const bytes = Uint8Array.from(atob(given), (sign) => sign.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt']);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify({title: typed.form, key: 'k', sequence: 1, ...typed}));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({name: 'AES-GCM', iv}, key, plain));
  const text = btoa(Array.from(sealed, (byte) => String.fromCharCode(byte)).join(''));
  const owner = document.body.dataset.owner;
  const record = {owner, about: '', at: Date.now(), iv: btoa(String.fromCharCode(...iv)), text};
  localStorage.setItem('handvat:' + place, JSON.stringify(record));
}"""  # noqa: E501

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ben(live_server, window):
    """Ben's page in the middle of a call to Dan."""
    with time_machine.travel(NOW, tick=True):
        study = factories.an_open_study(SMALL, NOW)
        found = SimpleNamespace(**pairs.in_a_call(study))
        found.page = window()
        found.log = reverse("coach:attempt", args=[found.dan.code, found.attempt])
        found.user = User.objects.get(pk=found.browser.session["_auth_user_id"])
        let_in(found.page, found.browser, live_server.url)
        found.page.goto(found.log)
        yield found


def let_in(page, client: Client, url: str) -> None:
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


def note(page):
    return page.get_by_label("Note for the next call")


def on_device(page) -> list[str]:
    """What lies on the device, as text."""
    return page.evaluate(
        "Object.entries(localStorage).filter(([key]) => key.startsWith('handvat:')).map((each) => "
        "each[1])"
    )


def no_copy(page) -> None:
    for _try in range(100):
        if not on_device(page):
            return
        page.wait_for_timeout(50)
    assert on_device(page) == []


def words() -> list[str]:
    return [
        reads.read(draft).fields["note"]["value"][0]
        for draft in Draft.objects.select_related("about__key")
    ]


def test_half_a_log_is_kept_under_the_key_of_whom_it_is_about_and_comes_back(ben):
    events = AuditEvent.objects.count()
    ben.page.get_by_label("Voicemail").check()
    note(ben.page).press_sequentially("Likes ", delay=5)
    note(ben.page).press_sequentially("walking", delay=5)
    status(ben.page, "saved").wait_for()
    [draft] = Draft.objects.all()
    assert (words(), draft.owner, draft.about, AuditEvent.objects.count()) == (
        ["Likes walking"],
        ben.user,
        ben.dan,
        events,
    )
    assert "walking" not in str(vars(draft))
    no_copy(ben.page)

    ben.page.goto(reverse("coach:caseload"))
    ben.page.goto(ben.log)
    status(ben.page, "back").wait_for()
    assert (note(ben.page).input_value(), ben.page.get_by_label("Voicemail").is_checked()) == (
        "Likes walking",
        True,
    )


def test_it_is_gone_once_logged_or_thrown_away(ben):
    note(ben.page).fill("Not this")
    status(ben.page, "saved").wait_for()
    ben.page.reload()
    ben.page.get_by_role("button", name="Throw away what I typed").click()
    assert note(ben.page).input_value() == ""
    ben.page.wait_for_timeout(100)
    assert Draft.objects.count() == 0

    note(ben.page).fill("Nobody at home")
    ben.page.get_by_label("No answer").check()
    press(ben.page, "Log the call")
    assert (Draft.objects.count(), Attempt.objects.get().outcome) == (0, "no_answer")
    no_copy(ben.page)


def test_back_after_show_number_and_a_log_that_needs_a_look_keep_what_was_typed(ben):
    note(ben.page).fill("Before the number")
    with ben.page.expect_navigation():
        ben.page.get_by_role("button", name="Show number").click()
    assert note(ben.page).input_value() == "Before the number"
    ben.page.go_back()
    expect(note(ben.page)).to_have_value("Before the number")

    press(ben.page, "Log the call")  # without an outcome
    note(ben.page).fill("After a look")
    status(ben.page, "saved").wait_for()
    ben.page.goto(reverse("coach:caseload"))
    ben.page.goto(ben.log)
    expect(note(ben.page)).to_have_value("After a look")


def test_what_could_not_be_sent_lies_on_the_device_unreadable_and_is_offered_after_signing_in(ben):
    end_session(ben.page)
    note(ben.page).fill("A secret of Dan")
    status(ben.page, "out").wait_for()
    [kept] = on_device(ben.page)
    assert ("secret" in kept, Draft.objects.count()) == (False, 0)

    other = factories.a_staff_member(ben.dan.study, "coach", "Bea Bos", NOW)
    sign_in(ben.page, SimpleNamespace(user=other))
    ben.page.goto(reverse("coach:caseload"))
    ben.page.wait_for_load_state("networkidle")
    assert (on_device(ben.page), Draft.objects.count()) == ([kept], 0)

    end_session(ben.page)
    ben.page.goto("/account/login/")
    sign_in(ben.page, SimpleNamespace(user=ben.user))
    ben.page.goto(reverse("coach:caseload"))
    ben.page.get_by_role("link", name=f"Call 1 to {ben.dan.code}").click()
    expect(note(ben.page)).to_have_value("A secret of Dan")
    assert words() == ["A secret of Dan"]
    no_copy(ben.page)


def test_whom_it_is_about_takes_it_along_when_they_are_erased(ben):
    note(ben.page).fill("About Dan")
    status(ben.page, "saved").wait_for()
    end_session(ben.page)
    note(ben.page).fill("About Dan, unsent")
    status(ben.page, "out").wait_for()
    participants.erase(participant=ben.dan, reason="asked_by_participant", by=actors.SYSTEM, at=NOW)
    assert Draft.objects.count() == 0
    sign_in(ben.page, SimpleNamespace(user=ben.user))
    ben.page.evaluate("sessionStorage.clear()")
    ben.page.goto(reverse("coach:caseload"))
    ben.page.wait_for_load_state("networkidle")
    assert Draft.objects.count() == 0


def test_what_the_server_does_not_take_stays_and_holds_up_nothing_else(ben):
    reassign = reverse("coach:reassign", args=[ben.dan.code])
    for form, text in (("/gone/", "Old words"), (ben.log, "w" * 200_001), (reassign, "Short")):
        typed = {"form": form, "fields": {"note": {"was": [""], "value": [text]}}}
        ben.page.evaluate(LEAVE_ON_DEVICE, [reads.place(ben.user, form), typed])
    ben.page.goto(reverse("coach:caseload"))
    offered = ben.page.locator("[data-unsent] li")
    expect(offered).to_have_count(3)
    assert {each.get_attribute("href") for each in offered.locator("a").all()} == {
        ben.log,
        reassign,
    }
    assert ben.page.locator("[data-unsent] blockquote").inner_text() == "Old words"
    assert (
        [reads.read(draft).form for draft in Draft.objects.all()],
        len(on_device(ben.page)),
    ) == ([reassign], 2)

    offered.filter(has_text="Old words").get_by_role("button").click()
    expect(offered).to_have_count(2)
    assert len(on_device(ben.page)) == 1


def test_what_is_too_long_is_said_to_be(ben):
    note(ben.page).evaluate("(area) => area.removeAttribute('maxlength')")
    note(ben.page).fill("w" * 200_001)
    status(ben.page, "long").wait_for()
    note(ben.page).fill("Short")
    status(ben.page, "saved").wait_for()
    assert words() == ["Short"]


def test_who_asked_for_a_code_is_read_in_their_tab_alone(study, window):
    page = window()
    page.goto(reverse("account_request_login_code"))
    page.get_by_label("E-mail").fill("dan@example.org")
    press(page, "Send me a code")
    page.reload()
    assert "dan@example.org" in page.get_by_role("main").inner_text()

    later = page.context.new_page()
    page.close()
    later.goto(reverse("account_request_login_code"))
    with later.expect_navigation():
        later.get_by_role(
            "button", name="Nederlands"
        ).click()  # whoever reads another language has asked for nothing
    later.goto(reverse("account_confirm_login_code"))
    later.wait_for_url("**/account/login/code/?closed")
    later.goto(reverse("account_confirm_login_code"))
    assert (later.url.endswith("/account/login/code/"), "dan@" in later.content()) == (True, False)
