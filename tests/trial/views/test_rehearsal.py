"""A rehearsal shows its team what hangs on the arm, and says at the place that a live study would
not.
"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from trial.models import Study

pytestmark = pytest.mark.django_db
SAID = "Shown because this is a rehearsal."
PLACES = {"dashboard": 2, "audit": 1, "messages": 1, "person": 2, "reports": 1, "exports": 1}


def times_said(study, ada, page, dan):
    browser = Client()
    browser.force_login(ada)
    args = [study.slug, dan.code] if page == "person" else [study.slug]
    return browser.get(reverse(f"research:{page}", args=args)).content.decode().count(SAID)


@pytest.mark.parametrize("page", PLACES)
def test_a_page_says_where_it_shows_what_a_live_study_would_not(study, staff, dan, page):
    ada = staff("researcher")
    at_least = times_said(study, ada, page, dan)
    assert at_least >= PLACES[page]
    Study.objects.filter(pk=study.pk).update(simulated=False)
    assert times_said(study, ada, page, dan) == 0
