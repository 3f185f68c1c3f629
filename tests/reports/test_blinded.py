from datetime import timedelta

import grimp

from reports import blinded
from reports.queries.plan import plan_of
from reports.results import analyse
from tests import factories
from tests.made import by_arm
from trial import actors
from trial.actions import programme


def test_no_chain_of_imports_leads_from_pooled_reports_to_an_allocation():
    graph = grimp.build_graph(
        "trial", "outcomes", "randomisation", "coaching_protocol", "reports", cache_dir=None
    )
    secret = ("randomisation.models", "randomisation.queries.tables", "randomisation.actions.looks")
    assert {
        name: graph.find_shortest_chain("reports.blinded", name) for name in secret
    } == dict.fromkeys(secret)
    # The same question has an answer where there is one, so that the test can fail.
    assert graph.find_shortest_chain("reports.unblinded", "randomisation.models") == (
        "reports.unblinded",
        "randomisation.actions.looks",
        "randomisation.models",
    )


def test_a_pooled_snapshot_carries_no_arm_no_lessons_and_no_calls(study, dan, now):
    data = blinded.dataset(study, now)
    assert (data.arms, data.groups) == (None, ("all",))
    assert [p.arm for p in data.participants] == [None]
    assert (data.modules, data.module_use, data.usage, data.contacts) == (None, None, None, None)
    assert [arm.arm for arm in data.flow.arms] == ["all"]


def test_pooled_numbers_are_the_same_whoever_is_in_which_arm(study, now):
    """What people do with their lessons changes the report by arm and not the pooled one."""
    person = factories.a_participant_in(study, "unguided", now)
    at = now + timedelta(days=1)
    before = analyse(blinded.dataset(study, at), plan_of(study.current))
    in_arms = analyse(by_arm(study, at), plan_of(study.current))
    programme.begin_module(
        participant=person, module="welcome", by=actors.participant(person.code), at=at
    )
    after = analyse(blinded.dataset(study, at), plan_of(study.current))
    changed = analyse(by_arm(study, at), plan_of(study.current))
    assert before == after
    assert (
        changed["adherence.unguided.started.count"].value
        == in_arms["adherence.unguided.started.count"].value + 1
    )


def test_pooled_numbers_name_no_arm(study, dan, now):
    results = analyse(blinded.dataset(study, now), plan_of(study.current))
    assert [n.id for n in results.numbers if "guided" in n.id] == []
