"""Nothing of the coach's call pages runs out of its box, at any width."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from coaching_protocol.actions import calls
from coaching_protocol.models import Contact
from tests import factories
from tests.conftest import SMALL
from trial import actors
from trial.models import Membership

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Every element that stands further right than the box around it or than the window, or whose own
# words run out of it. The way to help is fixed to the foot of a phone's screen, outside of every
# box.
OUTSIDE = """() => {
    const edge = (each) => each.getBoundingClientRect().right;
    const said = (each) => `${each.tagName.toLowerCase()}.${each.className} ${each.id}`.trim();
    return [...document.querySelectorAll("main *")]
        .filter((each) => each.offsetParent && !each.closest(".visually-hidden, .calling-aside, textarea"))
        .filter((each) => !each.querySelector(".calling-aside"))
        .filter((each) => edge(each) > edge(each.parentElement) + 1 || each.scrollWidth > each.clientWidth + 1)
        .filter((each) => getComputedStyle(each).display !== "inline")
        .map(said);
}"""  # noqa: E501


def test_the_pages_of_a_call_keep_in_their_boxes(transactional_db, window):
    then = timezone.now() - timedelta(days=4)
    dan = factories.a_participant_in(factories.an_open_study(SMALL, then), "guided", then)
    ben, now = Membership.objects.get(study=dan.study, role="coach").user, timezone.now()
    by = actors.staff(ben.pk, "coach")
    first, second, _third = Contact.objects.filter(plan__participant=dan)
    logged = calls.start(contact=first, coach=ben, by=by, at=now)
    calls.log(attempt=logged, outcome="reached", minutes=12, note="A word " * 60, by=by, at=now)
    begun = calls.start(contact=second, coach=ben, by=by, at=now)
    for width in (360, 768, 1280):
        page = window(ben, (width, 800))
        for name, attempt in (("attempt", begun), ("correct", logged), ("take_back", begun)):
            page.goto(reverse(f"coach:{name}", args=[dan.code, attempt.pk]))
            assert (name, width, page.evaluate(OUTSIDE)) == (name, width, [])
