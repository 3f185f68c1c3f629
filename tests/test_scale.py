"""A study grown to 200 people is one that could have been: its trail holds together and its draws
are drawn again as they were. No page asks the database more often than at eight people, nor reads
more than a page shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command

from reports import demonstration
from tests import factories
from tests.conftest import NOW, SMALL
from tests.scale import multiplying, pages
from trial import rehearse, virtual
from trial.models import Study
from trial.queries import people as reads

REHEARSED, GROWN = 8, 200
SHOWN = 3 * 50  # rows of three tables, each of one page
# Of these the number of rows may still grow with the study.
GROWING = {
    "statistician research:dashboard",
    "researcher research:dashboard",
    "coach coach:caseload",
    "coach coach:person",
    "supervisor coach:caseload",
    "supervisor coach:person",
}


@pytest.fixture
def rehearsed(db) -> Iterator[Study]:
    study = factories.an_open_study(SMALL, NOW)
    ends_at = NOW + timedelta(days=20)
    settings = virtual.Settings(seed=3, number=REHEARSED, arrival_days=8, stays_open=True)
    rehearse.run(study, settings, begins_at=NOW, ends_at=ends_at)
    demonstration.logins(study, ends_at)
    with time_machine.travel(ends_at, tick=False):
        cache.clear()
        yield study


@pytest.mark.slow
@pytest.mark.once
def test_a_grown_study_holds_together_and_its_pages_read_no_more(rehearsed, capsys):
    found = list(pages.everybodys(rehearsed))
    before = {page.name: page.asked() for page in found}

    multiplying.grow(rehearsed, GROWN)
    after = {page.name: page.asked() for page in found}

    assert reads.randomised_count(rehearsed) == GROWN
    call_command("verify_audit", rehearsed.slug)
    call_command("verify_randomisation", rehearsed.slug)
    assert f"{GROWN} allocations replayed, all equal" in capsys.readouterr().out
    assert {name: asked.statements for name, asked in after.items()} == {
        name: asked.statements for name, asked in before.items()
    }
    assert {
        name for name, asked in after.items() if asked.rows > before[name].rows + SHOWN
    } <= GROWING
