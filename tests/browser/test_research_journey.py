"""A researcher and a supervisor at their desks.

Ada looks how the trial stands, at its people, staff, messages and audit trail, and asks for a
report, which the worker makes and she reads on screen. Eva takes over an alert, sees whom to call,
and closes it with what was done. Neither sees an arm beside a person.
"""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import factories
from tests.browser.pages import faults, heading, press
from tests.conftest import SMALL
from trial import actors
from trial.actions import alerts, jobs
from trial.models import Alert, Job

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = (
    "dashboard",
    "state",
    "setup",
    "wordings",
    "people",
    "staff",
    "messages",
    "audit",
    "alerts",
    "reports",
    "exports",
)


@pytest.fixture
def dan(transactional_db):
    now = timezone.now()
    return factories.a_randomised_participant(factories.an_open_study(SMALL, now), now)


def test_a_researcher_finds_every_page_in_order_and_reads_a_report(dan, window):
    study = dan.study
    page = window(factories.a_staff_member(study, "researcher", "Ada Visser", timezone.now()))
    page.goto(reverse("research:studies"))
    assert faults(page) == []
    for name in PAGES:
        page.goto(reverse(f"research:{name}", args=[study.slug]))
        assert faults(page) == []
    page.goto(reverse("research:person", args=[study.slug, dan.code]))
    assert ("Unguided" in page.get_by_role("main").inner_text(), faults(page)) == (False, [])

    page.goto(reverse("research:reports", args=[study.slug]))
    press(page, "Ask for it")
    assert page.get_by_text("Waits for the worker").count() == 1
    jobs.make_due(timezone.now())
    page.reload()
    press(page, "Read")
    made = Job.objects.get()
    assert (made.state, page.url.endswith("/screen/")) == ("made", True)
    assert page.get_by_text("Simulated people").count() >= 1


def test_a_supervisor_takes_an_alert_over_calls_and_closes_it(dan, window):
    now = timezone.now()
    raised = alerts.raise_alert(
        study=dan.study,
        kind="item9",
        participant=dan,
        subject_ref="pre",
        within_hours=24,
        by=actors.SYSTEM,
        at=now,
    )
    page = window(factories.a_staff_member(dan.study, "supervisor", "Eva de Wit", timezone.now()))
    page.goto(reverse("research:alert", args=[dan.study.slug, raised.pk]))
    assert faults(page) == []
    press(page, "Take over")
    press(page, "Show name and number")
    assert (page.locator("main a[href^='tel:']").count(), faults(page)) == (1, [])
    press(page, "Close the alert")
    assert (page.locator("[aria-invalid=true]").count(), faults(page)) == (1, [])
    page.locator("textarea[name=done]").fill("Called; spoke with the general practitioner.")
    press(page, "Close the alert")
    assert (Alert.objects.get(pk=raised.pk).state, faults(page)) == ("closed", [])
    assert heading(page) == "Alerts"
