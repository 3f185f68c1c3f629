"""The snapshot: its hash, its clocks, its flow and what it refuses."""

import dataclasses

import pytest

from reports.dataset import (
    Flow,
    FlowDoesNotAddUp,
    Participant,
    Score,
    Usage,
    check_flow,
    count_flow,
)
from reports.dataset.durations import Duration

from .people import a_trial


def test_the_hash_is_that_of_the_content():
    data = a_trial(30)
    assert a_trial(30).snapshot_hash == data.snapshot_hash
    assert a_trial(30, seed=2).snapshot_hash != data.snapshot_hash
    meta = dataclasses.replace(data.meta, code_version="other", audit_seal="other")
    assert dataclasses.replace(data, meta=meta).snapshot_hash == data.snapshot_hash


def test_one_changed_score_changes_the_hash():
    data = a_trial(30)
    scores = (dataclasses.replace(data.scores[0], score=1.0), *data.scores[1:])
    assert dataclasses.replace(data, scores=scores).snapshot_hash != data.snapshot_hash


def test_other_random_codes_and_another_order_of_rows_give_the_same_hash():
    data = a_trial(12)

    def renamed(row, field):
        return dataclasses.replace(row, **{field: "X" + getattr(row, field)[::-1]})

    other = dataclasses.replace(
        data,
        participants=tuple(renamed(row, "code") for row in data.participants),
        scores=tuple(reversed([renamed(row, "participant") for row in data.scores])),
        module_use=tuple(renamed(row, "participant") for row in data.module_use),
        usage=tuple(renamed(row, "participant") for row in data.usage),
        contacts=tuple(renamed(row, "participant") for row in data.contacts),
        attempts=tuple(renamed(row, "participant") for row in data.attempts),
        coached=tuple(renamed(row, "participant") for row in data.coached),
        intercurrent=tuple(renamed(row, "participant") for row in data.intercurrent),
    )
    assert other.snapshot_hash == data.snapshot_hash


def test_a_pooled_data_set_refuses_arms():
    with pytest.raises(ValueError, match="carries no arm"):
        dataclasses.replace(a_trial(6), arms=None)


def person(code, arm="a", **known):
    return Participant(code, arm, **known)


def test_the_flow_counts_every_person_once_and_with_the_reason():
    people = [
        person("1", received=True),
        person("2", received=False, not_received_reason="ill", withdrawn_reason="moved"),
        person("3", received=True),
        person("4", received=True),
        person("5", received=True),
    ]
    scores = [
        *(Score(str(i), "S", "pre", 5.0) for i in (1, 2, 4, 5)),
        Score("1", "S", "post", 3.0),
        Score("2", "S", "post", None, "withdrawn"),
        Score("3", "S", "post", 4.0),
        Score("4", "S", "post", None, "answered"),
        Score("5", "S", "post", None, "pending"),
    ]
    flow = count_flow(people, scores, ["a"], [("S", "post")], "pre")
    arm = flow.arms[0]
    assert (arm.allocated, arm.received, arm.not_received) == (5, 4, {"ill": 1})
    row = arm.follow_up[0]
    assert (row.lost, row.left_out, row.pending, row.analysed) == (
        {"moved": 1, "not_scorable": 1},
        {"no_baseline": 1},
        1,
        1,
    )


def test_who_left_after_missing_a_visit_did_not_miss_it_for_leaving():
    people = [person("1", study_left_at=90.0, withdrawn_reason="moved")]
    scores = [
        Score("1", "S", "pre", 5.0),
        Score("1", "S", "post", None, "missed", 56.0),
        Score("1", "S", "late", None, "missed", 147.0),
    ]
    flow = count_flow(people, scores, ["a"], [("S", "post"), ("S", "late")], "pre")
    assert [row.lost for row in flow.arms[0].follow_up] == [{"missed": 1}, {"moved": 1}]


def test_boxes_that_do_not_add_up_are_refused_by_name():
    flow = a_trial(30).flow
    with pytest.raises(FlowDoesNotAddUp, match="assessed is 90, yet its parts add up to 91"):
        check_flow(dataclasses.replace(flow, assessed=90))
    arm = dataclasses.replace(flow.arms[0], allocated=9)
    with pytest.raises(FlowDoesNotAddUp, match="randomised is 30, yet its parts add up to 29"):
        check_flow(Flow(flow.assessed, flow.excluded, 30, (arm, *flow.arms[1:])))


def clocks(data, **parts):
    return dataclasses.replace(data, **parts)


@pytest.mark.parametrize(
    ("states", "left_at", "expected"),
    [
        (("answered", "answered"), None, Duration(147, False)),
        (("answered", "missed"), None, Duration(147, True)),
        (("missed", "answered"), None, Duration(147, False)),
        (("missed", "missed"), None, Duration(56, True)),
        (("answered", "pending"), None, Duration(56, False)),
        (("pending", "pending"), None, Duration(0, False)),
        (("answered", "answered"), 100.0, Duration(100, True)),
    ],
)
def test_retention_ends_at_withdrawal_or_the_first_of_the_last_missed_visits(
    states, left_at, expected
):
    scores = [
        Score("1", "PHQ9", code, None, state)
        for code, state in zip(("post1", "post2"), states, strict=True)
    ]
    people = (person("1", "coached", study_left_at=left_at),)
    data = clocks(a_trial(6), participants=people, scores=tuple(scores), usage=None)
    assert data.retention == {"1": expected}


def seen(code, *visits):
    """Rows of one person; a visit is (time point, state, day on which it opened to them)."""
    return [
        Score(code, "PHQ9", point, None, state, opened, opened) for point, state, opened in visits
    ]


def test_everybody_leaves_and_stays_by_their_own_days():
    people = (
        person("1", "coached"),
        person("2", "coached"),
        person("3", "coached"),
        person("4", "waiting"),
    )
    scores = [
        *seen("1", ("post1", "answered", 49.0), ("post2", "missed", 150.0)),
        *seen("2", ("post1", "missed", 70.0), ("post2", "missed", 181.0)),
        *seen("3", ("post1", "answered", 60.0), ("post2", "answered", 155.0)),
        *seen("4", ("post1", "missed", 56.0)),
    ]
    data = clocks(a_trial(6), participants=people, scores=tuple(scores), usage=None)
    assert data.retention == {
        "1": Duration(150, True),
        "2": Duration(70, True),
        "3": Duration(181, False),  # by then it had opened to everybody in the arm
        "4": Duration(56, True),
    }


def test_a_time_point_has_a_day_in_every_arm():
    people = (
        person("1", "coached"),
        person("2", "coached"),
        person("3", "coached"),
        person("4", "waiting"),
    )
    days = [
        ("1", "answered", 49.0),
        ("2", "missed", 70.0),
        ("3", "answered", 60.0),
        ("4", "pending", None),
    ]
    scores = [row for code, state, day in days for row in seen(code, ("post1", state, day))]
    data = clocks(a_trial(6), participants=people, scores=tuple(scores))
    assert (data.day_of("coached", "post1"), data.last_day_of("coached", "post1")) == (60.0, 70.0)
    assert (data.day_of("waiting", "post1"), data.last_day_of("waiting", "post1")) == (
        56,
        56,
    )  # as planned
    assert (data.has_timepoint("waiting", "post1"), data.has_timepoint("waiting", "post2")) == (
        True,
        False,
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage("1", last_use_at=30, completed_at=50, observed_until=200), Duration(50, False)),
        (Usage("1", last_use_at=30, observed_until=200), Duration(30, True)),
        (Usage("1", last_use_at=30, observed_until=40), Duration(30, False)),
        (Usage("1", last_use_at=None, access_at=10, observed_until=200), Duration(0, True)),
        (Usage("1", last_use_at=30, access_at=10, observed_until=200), Duration(20, True)),
    ],
)
def test_use_ends_at_the_last_use_unless_finished_or_still_going_on(usage, expected):
    data = clocks(a_trial(6), participants=(person("1", "coached"),), usage=(usage,))
    assert data.use == {"1": expected}


def test_a_data_set_refuses_an_arm_that_it_does_not_name():
    data = a_trial(6)
    with pytest.raises(ValueError, match="in an arm that the data set does not name"):
        dataclasses.replace(data, arms=data.arms[:2])


def test_without_a_record_of_use_nobody_has_used_anything_for_any_time():
    assert dataclasses.replace(a_trial(6), usage=None).use is None


def test_whoever_was_not_to_be_asked_at_a_time_point_is_not_lost():
    scores = [
        Score("1", "S", "pre", 5.0),
        Score("1", "S", "post", 3.0),
        Score("2", "S", "pre", 6.0),
    ]
    flow = count_flow([person("1"), person("2")], scores, ["a"], [("S", "post")], "pre")
    row = flow.arms[0].follow_up[0]
    assert (row.lost, row.left_out, row.analysed) == ({}, {"not_planned": 1}, 1)


def test_of_an_empty_arm_it_is_not_told_who_began_where_nobody_is_recorded_to_have():
    unknown, known = person("p1"), person("p1", received=True)
    for people, received in (((unknown,), [None, None]), ((known,), [1, 0])):
        flow = count_flow(people, (), ["a", "b"], [], "pre")
        assert [arm.received for arm in flow.arms] == received
