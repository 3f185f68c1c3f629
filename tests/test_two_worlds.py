"""Nothing tells the arm: two worlds in which only who got which arm differs are the same bytes to every concealed role.

Every page, list, export and API answer that the URL conf has is read as researcher, statistician and assessor, at the
allocation and on every later day on which a row falls due in any of the worlds, after the worker has run. A day is read in
full at first; later what moves every day and of the rest a part by turns (`make fuzz` reads every day in full). Nobody does
anything after the allocation but the researcher, who makes an export each day in every world.
"""

from __future__ import annotations

import copy
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as live_settings

from tests.conftest import NOW
from tests.two_worlds import building, comparing
from trial import actors, hooks
from trial.actions import staff
from trial.models import Membership

pytestmark = [pytest.mark.django_db, pytest.mark.once]  # rolled back, PostgreSQL's sequences of numbers would differ
UNTIL = NOW + timedelta(days=420)
EVERY_DAY = bool(os.environ.get("HANDVAT_EVERY_DAY"))  # `make fuzz`
LEAKING = Path(__file__).parent / "two_worlds" / "leaking"


@pytest.mark.parametrize("setting", building.SETTINGS, ids=str)
def test_to_a_concealed_role_two_worlds_are_the_same_bytes(setting, tmp_path, record_property):
    base = building.base(setting, tmp_path)
    worlds = building.worlds(base, building.one_apart(base))
    days = building.due_days(base, worlds, UNTIL)
    if EVERY_DAY:
        days = building.every_day(days[-1])
    found = comparing.compare(base, worlds, days, all_of_it=EVERY_DAY)
    record_property("figures", f"two worlds, {setting}: {found.shown}")
    assert found.differences == []
    assert found.compared > 1000


@pytest.mark.parametrize("leaves", ["before the allocation", "after it"])
def test_that_nobody_coaches_and_that_a_coach_left_is_told_alike(leaves, tmp_path):
    [setting] = [each for each in building.SETTINGS if each.name == "apart"]
    base = building.base(setting, tmp_path)
    worlds = building.worlds(base, [("guided", "usual"), ("usual", "later")])

    def leave(at):
        membership = Membership.objects.get(user=base.staff["coach"])
        staff.end_role(membership=membership, by=actors.SYSTEM, at=at)

    if leaves == "before the allocation":
        leave(NOW)
    found = comparing.compare(
        base,
        worlds,
        [NOW, NOW + timedelta(days=1)],
        roles=["researcher"],
        within="research/",
        acts=lambda at: leave(at) if at > NOW and leaves == "after it" else None,
    )
    assert found.differences == []
    assert any("/alerts/1/" in path and answer.status == 200 for (_, _, path), answer in found.answers.items())


def leaking_templates(**more: str) -> list[dict]:
    """The site's templates with a page that leaks before them, and with what it leaks in every context."""
    [engine] = copy.deepcopy(live_settings.TEMPLATES)
    engine["DIRS"] = [LEAKING, *engine["DIRS"]]
    engine["OPTIONS"]["context_processors"].append("tests.two_worlds.leaks.counted")
    return [engine]


def panels_with_the_calls() -> list[str]:
    return [*live_settings.PANELS, "tests.two_worlds.leaks.calls_planned_so_far"]


@pytest.mark.parametrize(
    ("name", "changed", "days", "page"),
    [
        ("apart", {"TEMPLATES": leaking_templates}, [0], "/audit/"),
        ("guided-or-not", {"PANELS": panels_with_the_calls}, [0, 3], "/research/guided-or-not/"),
        ("living-positive", {"TEMPLATES": leaking_templates}, [0], "/messages/"),
    ],
    ids=["the number of events", "calls planned so far", "the number of queued messages"],
)
def test_each_leak_that_there_was_is_found_when_it_is_put_back(name, changed, days, page, tmp_path, settings):
    for setting, value in changed.items():
        setattr(settings, setting, value())
    hooks.entries.cache_clear()
    [setting] = [each for each in building.SETTINGS if each.name == name]
    base = building.base(setting, tmp_path)
    worlds = building.worlds(base, building.one_apart(base))

    at = [NOW + timedelta(days=day) for day in days]
    found = comparing.compare(base, worlds, at, roles=["researcher"], within="research/")

    hooks.entries.cache_clear()
    assert [told.splitlines()[0] for told in found.differences if page in told.splitlines()[0]]
