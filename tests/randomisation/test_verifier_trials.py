"""The verifier on trials of every method, with clusters, forced allocations, corrections and marks
of error.
"""

from __future__ import annotations

import io
import json
import sys
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from randomisation import merkle, verifier
from tests.randomisation import plans, trials

MINIMISATION = {
    "method": "minimisation",
    "ratio": {"a": 2, "b": 1},
    "factors": {"sex": "1", "site": "2"},
    "p": "4/5",
    "unequal": "fake-arms",
}
BLOCKS = {
    "method": "permuted_blocks",
    "ratio": {"a": 1, "b": 1},
    "block_sizes": {"2": 1, "4": 3},
    "strata": ["site"],
}
HU_AND_HU = {
    "method": "hu_hu",
    "ratio": {"a": 1, "b": 1},
    "factors": ["sex", "site"],
    "weights": {"overall": "1", "stratum": "2", "site": "1"},
    "p": "4/5",
}


def run(export):
    said = []
    code = verifier.main(["-"], io.StringIO(json.dumps(export)), said.append)
    return code, said


def a_trial(plan, people=12, covered=0):
    trial = trials.Trial(plan, covered)
    for number in range(people):
        trial.admit({"sex": "fm"[number % 2], "site": "123"[number // 2 % 3], "age": "y"})
    return trial


@pytest.mark.parametrize("method", plans.BY_METHOD)
@settings(max_examples=20)
@given(data=st.data())
def test_a_trial_of_every_method_is_replayed_to_the_last_allocation(method, data):
    trial = data.draw(trials.trials(method))
    code, said = run(trial.export())
    drawn = sum(row["kind"] == "drawn" for row in trial.rows)
    assert (code, said[-1]) == (0, f"{drawn} allocations replayed, all equal")


def work(export):
    """How many instructions of Python the replay takes."""
    found = Counter()

    def trace(frame, event, _):
        frame.f_trace_opcodes = True
        found[event] += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert verifier.main(["-"], io.StringIO(json.dumps(export)), say=len) == 0
    finally:
        sys.settrace(before)
    return found["opcode"]


@pytest.mark.parametrize("plan", [MINIMISATION, BLOCKS | {"strata": []}, HU_AND_HU])
def test_a_trial_of_four_times_as_many_is_four_times_the_work(plan):
    short, long = (work(a_trial(plan, people).export()) for people in (30, 120))
    assert long < 4.4 * short


@pytest.mark.parametrize("method", plans.BY_METHOD)
@settings(max_examples=12)
@given(data=st.data())
def test_another_arm_anywhere_is_named(method, data):
    trial = data.draw(trials.trials(method))
    export = trial.export()
    certain = [place for place, row in enumerate(export["allocations"]) if row["kind"] != "forced"]
    assume(certain)
    place = data.draw(st.sampled_from(certain))
    row = export["allocations"][place]
    row["arm"] = data.draw(
        st.sampled_from([arm for arm in trial.plan["ratio"] if arm != row["arm"]])
    )
    code, said = run(export)
    assert (code, said[-1].startswith(f"allocation {place + 1} "), ": arm differs" in said[-1]) == (
        1,
        True,
        True,
    )


def test_what_was_drawn_for_a_fake_arm_is_held_to_the_draw():
    export = a_trial(MINIMISATION).export()
    place, row = next((i, row) for i, row in enumerate(export["allocations"]) if row["arm"] == "a")
    row["fake_arm"] = {"a/1": "a/2", "a/2": "a/1"}[row["fake_arm"]]
    assert run(export)[1][-1].startswith(f"allocation {place + 1} ")
    assert ": fake_arm differs" in run(export)[1][-1]


def test_a_covariate_that_was_changed_shows_in_the_next_draw_that_reads_it():
    """Over a whole point nobody's stratum repeats the covariates: the digest of the next history
    does.
    """
    export = a_trial(MINIMISATION).export()
    first = export["allocations"][0]["covariates"]
    first["sex"] = {"f": "m", "m": "f"}[first["sex"]]
    code, said = run(export)
    assert (code, said[-1].startswith("allocation 2 "), ": history_digest differs" in said[-1]) == (
        1,
        True,
        True,
    )


def with_exceptions():
    trial = a_trial(MINIMISATION, people=6)
    trial.correct(trial.rows[1], {"sex": "f"})
    trial.mark(trial.rows[2])
    trial.force("b")
    for number in range(6):
        trial.admit({"sex": "fm"[number % 2], "site": "123"[number % 3]})
    return trial.export()


def test_a_correction_and_a_mark_count_from_the_draw_they_say():
    export = with_exceptions()
    assert run(export)[0] == 0
    for kind in ("corrections", "error_marks"):
        for counts_from, first in (
            (5, 6),
            (7, 8),
        ):  # numbers of allocations; the forced one is the seventh
            changed = json.loads(json.dumps(export))
            changed[kind][0]["counts_from"] = counts_from
            code, said = run(changed)
            assert (code, said[-1].split(" (")[0], "history_digest" in said[-1]) == (
                1,
                f"allocation {first}",
                True,
            )


def test_a_correction_or_a_mark_that_was_taken_out_is_noticed():
    for kind in ("corrections", "error_marks"):
        export = with_exceptions()
        export[kind] = []
        code, said = run(export)
        assert (code, said[-1].startswith("allocation 8 "), "history_digest" in said[-1]) == (
            1,
            True,
            True,
        )


def test_forced_allocations_are_counted_and_named_and_not_verified():
    export = with_exceptions()
    code, said = run(export)
    assert code == 0
    assert said[1:3] == [
        "point start: 12 drawn in 1 strata, without gap and in order; 0 with the arm of their "
        "cluster; "
        "1 forced, not verified",
        "  forced: QM-00006",
    ]
    assert said[-1] == "12 allocations replayed, all equal"


def in_households():
    trial = trials.Trial({**BLOCKS, "cluster": "household"}, covered=3)
    for number, household in enumerate(["h1", "h2", "h1", "h3", "h2"]):
        trial.admit({"site": "123"[number % 3]}, household)
    return trial


def test_a_cluster_is_drawn_for_once_and_everybody_in_it_has_its_arm():
    code, said = run(in_households().export())
    assert code == 0
    assert (
        "3 drawn in 2 strata, without gap and in order; 2 with the arm of their cluster" in said[1]
    )


def test_a_cluster_that_nobody_was_drawn_for_is_named():
    export = in_households().export()
    export["allocations"][4]["cluster"] = "h9"
    assert run(export)[1][-1].startswith(
        "allocation 5 (QM-00004 at start, cluster): cluster (drawn before) differs"
    )


def told(trial, number):
    """The code break of one allocation that was drawn, with the path of its leaf."""
    row = trial.rows[number]
    every, leaves = trial.leaves()
    places = [(slot.stratum, slot.position) for slot in every]
    index = places.index((row["stratum"], row["draw_index"]))
    return {
        "point": "start",
        "participant": row["participant"],
        "arm": row["arm"],
        "position": row["draw_index"],
        "salt": merkle.salt(trials.SEED, every[index]).hex(),
        "path": [[step.side, step.hash] for step in merkle.path(leaves, index)],
    }


def test_the_arm_that_was_told_is_on_the_list_that_was_committed_to():
    trial = a_trial(BLOCKS, covered=7)
    export = trial.export()
    export["code_breaks"] = [told(trial, number) for number in (0, 5, 11)]
    code, said = run(export)
    assert (code, said[-2]) == (0, "code breaks: 3, each the arm of the allocation")


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("arm", "c", "arm"),
        ("position", 3, "position"),
        ("salt", "00" * 16, "path to the Merkle root"),
        ("path", [], "path to the Merkle root"),
    ],
)
def test_a_code_break_that_tells_something_else_is_named(name, value, what):
    trial = a_trial(BLOCKS, covered=7)
    export = trial.export()
    export["code_breaks"] = [told(trial, 5) | {name: value}]
    code, said = run(export)
    assert (code, said[-1].startswith(f"code break of QM-00005 at start: {what} differs")) == (
        1,
        True,
    )


def test_a_code_break_can_be_verified_while_seed_and_plan_are_sealed():
    trial = a_trial(BLOCKS, covered=7)
    export = trial.export()
    export["code_breaks"] = [told(trial, 5)]
    export["seed"] = export["points"][0]["plan"] = None
    assert run(export)[0] == 2
    export["code_breaks"][0]["salt"] = "00" * 16
    assert run(export)[0] == 1


def test_every_stratum_of_the_plan_is_under_the_root():
    """Also those that nobody is in: a level that is left out, or a position, is another root."""
    export = a_trial(BLOCKS, people=2, covered=7).export()
    assert run(export)[1][-3] == "Merkle root: equal over 21 leaves"
    for change in ({"levels": {"site": ["1", "2"]}}, {"covered": 6}, {"covered": 0}):
        changed = json.loads(json.dumps(export))
        changed["points"][0] |= change
        assert run(changed)[1][-1].startswith("export: Merkle root differs")
