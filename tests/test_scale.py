"""A study grown to 200 people is one that could have been: its trail holds together and its draws
are drawn again as they were. No page asks the database more often than at eight people, nor reads
more than a page shows. And each measure of `make scale` is taken once.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from reports import demonstration
from tests import factories
from tests.conftest import NOW, SMALL
from tests.scale import draw, files, multiplying, pages, size, verifying, workers  # noqa: F401
from tests.scale.measures import MEASURES
from trial import rehearse, virtual
from trial.models import Study
from trial.queries import people as reads

REHEARSED, GROWN = 8, 200
SHOWN = 250  # rows of one page: 50 people, each with their calls
OTHERS = set(MEASURES) - {"pages", "verify_audit", "verify_randomisation"}


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


@contextmanager
def other_measures_beside(path: Path) -> Iterator[list[list]]:
    """What they found, once the block is over, in a copy of the database and a process of
    its own: it starts others, which see no database in memory.
    """
    with closing(sqlite3.connect(path)) as copy:
        # Not by `backup`, which waits for the end of the transaction of this test.
        copy.executescript("\n".join(connection.connection.iterdump()))
    told = {"DATABASE_URL": "", "HANDVAT_DATABASE": str(path), "HANDVAT_KIND": "rehearsal"}
    told |= {"DJANGO_SETTINGS_MODULE": "trial.settings", "HANDVAT_FILES": str(path.parent)}
    begun = subprocess.Popen(
        [sys.executable, "-m", "tests.scale.inside", "try", *OTHERS],
        env={**os.environ, **told},
        stdout=subprocess.PIPE,
        text=True,
    )
    found: list[list] = []
    yield found
    said, _ = begun.communicate()
    assert begun.returncode == 0
    found += map(json.loads, said.splitlines())


@pytest.mark.slow
@pytest.mark.once
def test_a_grown_study_holds_together_and_its_pages_read_no_more(rehearsed, capsys, tmp_path):
    with other_measures_beside(tmp_path / "beside.sqlite3") as figures:
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
        name: asked.rows - before[name].rows
        for name, asked in after.items()
        if asked.rows > before[name].rows + SHOWN
    } == {}
    assert {name for name, *_ in figures} == OTHERS
    assert {value for name, _, unit, value in figures if unit in ("doubled", "miscounted")} == {0}
