"""Halting randomisation, as a whole or in part: nobody is in flight, nobody is skipped, and all who
waited go on.
"""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from randomisation import life
from randomisation.actions import allocations, switches
from randomisation.models import Allocation, Switch
from randomisation.queries import switches as reads
from randomisation.words import UnknownReason
from tests import factories
from tests.randomisation import people
from tests.randomisation.test_points import STAGED, STAGES
from trial import actors, worker
from trial.actions import studies
from trial.entries import Wait
from trial.models import AuditEvent, Journey, Study

pytestmark = pytest.mark.django_db
EVA = actors.staff(2, "supervisor")


@pytest.fixture
def waiting(tmp_path, now):
    """A woman and a man who are ready."""
    study = people.a_study(tmp_path, now)
    return study, people.consented(study, 2, now)


def halt(study, at, level="study", target="", reason="safety", **more):
    return switches.halt(
        study=study, level=level, target=target, reason=reason, by=EVA, at=at, **more
    )


def go_on(study, at, level="study", target="", **more):
    return switches.go_on(
        study=study, level=level, target=target, reason="solved", by=EVA, at=at, **more
    )


def allocated(everybody, at) -> list[str]:
    """The sex of those who can be allocated now."""
    done = []
    for person in everybody:
        try:
            allocations.allocate(participant=person, by=actors.SYSTEM, at=at)
        except allocations.RandomisationPaused:
            continue
        done.append(person.answers["sex"])
    return done


@pytest.mark.parametrize(
    ("level", "target", "left"),
    [
        ("study", "", []),
        ("point", "start", []),
        ("site", "main", []),
        ("arm", "guided", []),  # the whole point waits: to skip an arm would be to choose the next
        ("arm", "unguided", []),
        ("stratum", "sex=f", ["m"]),
    ],
)
def test_what_is_halted_draws_nothing_and_the_rest_goes_on(waiting, now, level, target, left):
    study, everybody = waiting
    halt(study, now, level, target)
    assert allocated(everybody, now) == left
    assert Allocation.objects.count() == len(left)


def test_the_newest_event_decides_and_every_event_stays(waiting, now):
    study, everybody = waiting
    halt(study, now, "arm", "guided", reason="coaches_full")
    halt(study, now, "site", "main")
    go_on(study, now, "site", "main")
    assert [(each.level, each.target) for each in reads.in_force(study)] == [("arm", "guided")]
    assert allocated(everybody, now) == []
    go_on(study, now, "arm", "guided")
    assert reads.in_force(study) == []
    assert allocated(everybody, now) == ["f", "m"]
    assert [each.is_halted for each in Switch.objects.order_by("pk")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("level", "target", "point"),
    [
        ("site", "elsewhere", ""),
        ("arm", "placebo", ""),
        ("stratum", "sex=x", ""),
        ("nothing", "", ""),
        ("arm", "guided", "x"),
    ],
)
def test_only_what_the_study_has_can_be_halted(waiting, now, level, target, point):
    study, _everybody = waiting
    with pytest.raises(switches.UnknownTarget):
        halt(study, now, level, target, point=point)
    assert Switch.objects.count() == 0


def test_a_stratum_of_the_first_point_cannot_be_named_at_a_stage_where_it_would_halt_nothing(
    tmp_path, now
):
    staged = STAGED.replace("block_sizes: [2]", "block_sizes: [2]\nstrata: [sex]")
    study = people.a_study(tmp_path, now, randomisation=staged, stages=STAGES)
    with pytest.raises(switches.UnknownTarget):
        halt(study, now, "stratum", "sex=f", point="step_up")
    assert halt(study, now, "stratum", "sex=f").point == "start"


def test_what_is_halted_can_go_on_also_where_a_later_version_has_it_no_more(tmp_path, now):
    study = people.a_study(tmp_path, now, sites=2)
    halt(study, now, "site", "site2")
    folder = tmp_path / "small_study" / "study.yaml"
    folder.write_text(folder.read_text().replace("  - {code: site2, name: Site 2}\n", ""))
    studies.load(path=folder.parent, simulated=True, by=actors.SYSTEM, at=now)
    with pytest.raises(switches.UnknownTarget):
        halt(Study.objects.get(), now, "site", "site3")
    go_on(Study.objects.get(), now, "site", "site2")
    assert reads.in_force(study.pk) == []


def test_halting_twice_and_going_on_unasked_say_so(waiting, now):
    study, _everybody = waiting
    with pytest.raises(switches.NothingSwitched):
        go_on(study, now)
    halt(study, now)
    with pytest.raises(switches.NothingSwitched):
        halt(study, now)
    with pytest.raises(UnknownReason):
        switches.go_on(study=study, level="study", reason="coaches_full", by=EVA, at=now)


def test_the_trail_tells_the_level_and_never_the_arm(waiting, now):
    study, _everybody = waiting
    halt(study, now, "arm", "guided", reason="coaches_full")
    event = AuditEvent.objects.get(action="randomisation halted")
    assert json.loads(event.new) == {"level": "arm", "point": "start"}
    assert (event.reason, event.by, event.role) == ("coaches_full", "staff 2", "supervisor")


def test_allocations_before_a_halt_stay_and_the_next_draw_is_the_one_it_would_have_been(
    tmp_path, now
):
    study = people.a_study(tmp_path, now)
    everybody = people.consented(study, 4, now)
    allocated(everybody[:2], now)
    before = list(Allocation.objects.order_by("pk").values_list())
    halt(study, now)
    assert allocated(everybody[2:], now) == []
    go_on(study, now)
    assert list(Allocation.objects.order_by("pk").values_list()) == before
    allocated(everybody[2:], now)
    indexes = Allocation.objects.order_by("pk").values_list("stratum", "draw_index")
    assert list(indexes) == [("sex=f", 0), ("sex=m", 0), ("sex=f", 1), ("sex=m", 1)]


def test_whoever_is_ready_waits_and_is_allocated_by_the_worker_when_it_goes_on(study, now):
    halt(study, now, "arm", "guided", reason="coaches_full")
    dan = factories.a_randomised_participant(study, now)  # as far as they come
    assert (dan.state, life.allocation(dan, now), life.waiting_for(dan)) == (
        "consented",
        Wait(),
        "break",
    )
    go_on(study, now, "arm", "guided")
    assert Journey.objects.get(participant=dan).due_at == now
    worker.tick(now)
    dan.refresh_from_db()
    assert dan.state == "randomised"


@pytest.mark.postgresql
def test_the_end_of_recruitment_locks_the_study_before_the_journeys_that_an_allocation_writes(
    waiting, now
):
    study, _everybody = waiting
    with CaptureQueriesContext(connection) as captured:
        studies.close(study=study, by=EVA, at=now)
    sql = [query["sql"] for query in captured.captured_queries]
    locked = next(
        number
        for number, each in enumerate(sql)
        if 'FROM "trial_study"' in each and "FOR NO KEY UPDATE" in each
    )
    written = next(
        number for number, each in enumerate(sql) if each.startswith('UPDATE "trial_journey"')
    )
    assert locked < written


@pytest.mark.postgresql
def test_halting_locks_the_study_as_an_allocation_does(waiting, now):
    study, _everybody = waiting
    with CaptureQueriesContext(connection) as captured:
        halt(study, now)
    locks = [query["sql"] for query in captured.captured_queries if " UPDATE" in query["sql"]]
    assert 'FROM "trial_study"' in locks[0]
