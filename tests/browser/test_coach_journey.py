"""A coach at the keyboard.

Ben opens his caseload and goes, without touching the mouse, to the person who is next. He shows the
number, starts the call, says how it went, ticks the steps, writes the minutes and a note, and logs
it. The call counts as held, that he looked up the number is on record, and nowhere on his desk
stands a score.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from coaching_protocol.models import Attempt, Contact
from tests import factories
from tests.browser.conftest import PHONE
from tests.browser.pages import faults, heading
from tests.conftest import SMALL
from trial.models import AuditEvent, Membership

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def dan(transactional_db):
    """Guided, randomised four days ago: his first call is due."""
    then = timezone.now() - timedelta(days=4)
    return factories.a_participant_in(factories.an_open_study(SMALL, then), "guided", then)


@pytest.fixture
def ben(dan):
    return Membership.objects.get(study=dan.study, role="coach").user


def tab_to(page, **wanted: str) -> None:
    """Tab until the focus is on the element with this text, or with this name and value."""
    for _ in range(80):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "(({innerText, name, value}) => ({text: (innerText || '').trim(), name, "
            "value}))(document.activeElement)"
        )
        if all(found[key] == value for key, value in wanted.items()):
            return
    raise AssertionError(f"the keyboard never came to {wanted}")


def enter(page, text: str) -> None:
    tab_to(page, text=text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_call_from_the_caseload_to_the_log_without_a_mouse(dan, ben, window):
    page = window(ben)
    page.goto(reverse("coach:caseload"))
    assert faults(page) == []
    enter(page, "Go to this person")
    assert (heading(page), faults(page)) == (dan.code, [])

    enter(page, "Show number")
    assert (page.locator("#number a[href^='tel:']").count(), faults(page)) == (1, [])
    assert (
        AuditEvent.objects.filter(
            stream__endswith=f"/{dan.code}", action="contact details shown"
        ).count()
        == 1
    )

    enter(page, "Start the call")
    assert faults(page) == []
    tab_to(page, name="outcome")
    page.keyboard.press("Space")  # the first answer: reached
    tab_to(page, name="minutes")
    page.keyboard.type("14")
    for step in ("greet", "look-back"):
        tab_to(page, name="steps_done", value=step)
        page.keyboard.press("Space")
    tab_to(page, name="note")
    page.keyboard.type("Slept well. Walks on Thursday.")
    enter(page, "Log the call")

    logged = Attempt.objects.get()
    assert (logged.outcome, logged.minutes, sorted(logged.steps_done)) == (
        "reached",
        14,
        ["greet", "look-back"],
    )
    assert list(Contact.objects.order_by("number").values_list("state", flat=True)) == [
        "held",
        "planned",
        "planned",
    ]
    assert faults(page) == []
    assert "PHQ" not in page.content()


def test_a_call_that_is_logged_half_is_explained_and_nothing_typed_is_lost(dan, ben, window):
    page = window(ben, PHONE)
    page.goto(reverse("coach:person", args=[dan.code]))
    assert faults(page) == []
    page.get_by_role("button", name="Start the call").click()
    page.get_by_label("Reached", exact=True).check()
    page.locator("textarea[name=note]").fill("Short of time today")
    page.get_by_role("button", name="Log the call").click()
    assert page.get_by_text("Write how many minutes you spoke").count() >= 1
    assert (page.locator("textarea[name=note]").input_value(), faults(page)) == (
        "Short of time today",
        [],
    )
    assert Attempt.objects.get().logged_at is None


COVERED = """() => {
    const [it, line] = [document.activeElement, document.querySelector(".escalation.narrow-desk")];
    if (line.contains(it) || it === document.body) return "";
    const [at, foot] = [it.getBoundingClientRect(), line.getBoundingClientRect()];
    return at.bottom > foot.top && at.top < foot.bottom ? it.outerHTML : "";
}"""


def test_help_stays_in_one_line_at_the_foot_of_a_phone_and_covers_no_field(dan, ben, window):
    page = window(ben, PHONE)
    page.goto(reverse("coach:person", args=[dan.code]))
    page.get_by_role("button", name="Start the call").click()
    page.wait_for_load_state()
    line = page.locator(".escalation.narrow-desk")
    box = line.bounding_box()
    assert (box["height"] <= 60, box["x"] >= 0, box["x"] + box["width"] <= PHONE[0]) == (
        True,
        True,
        True,
    )
    assert (
        line.get_by_role("link").count() >= 2,
        page.locator(".escalation.wide-desk").is_visible(),
    ) == (True, False)
    covered = []
    for _ in range(30):
        page.keyboard.press("Tab")
        covered.append(page.evaluate(COVERED))
    assert [each for each in covered if each] == []
    line.locator("summary").click()
    assert (
        page.get_by_text("Tell the supervisor the same hour").last.is_visible(),
        faults(page),
    ) == (True, [])


def test_an_empty_desk_says_what_will_stand_there(dan, window):
    page = window(factories.a_staff_member(dan.study, "coach", "Noor Vos", timezone.now()))
    page.goto(reverse("coach:caseload"))
    assert (page.get_by_text("Nobody here yet").count(), faults(page)) == (1, [])
