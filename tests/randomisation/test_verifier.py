"""What a third party runs: on the export of a trial it says that all is equal, or names the very
allocation that is not.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from randomisation import verifier
from randomisation.actions import allocations
from randomisation.models import SealedSeed
from tests.randomisation import people, plans, trials
from tests.randomisation.exported import export_of
from trial import actors

FILE = Path(verifier.__file__)
SEED = bytes(range(32))


def run(export, *arguments):
    """Exit code and what was said."""
    said = []
    code = verifier.main(["-", *arguments], io.StringIO(json.dumps(export)), said.append)
    return code, said


def turned(arm):
    return {"guided": "unguided", "unguided": "guided"}[arm]


@pytest.fixture
def exported(tmp_path, now, db):
    """Twenty-one people of the small study, blocks of 2 and 4 in two strata."""
    study = people.a_study(tmp_path, now, block_sizes="[2, 4]")
    for person in people.consented(study, 21, now):
        allocations.allocate(participant=person, by=actors.SYSTEM, at=now)
    return export_of(study)


def test_the_published_vector_of_the_stream_is_reproduced():
    drawn = [next(verifier.words(SEED, "demo", "site1;sex=F", index)) for index in range(4)]
    assert drawn == [
        17746228553672374972,
        16411716623714810352,
        2960449091122030909,
        15051670848141128559,
    ]


def test_chances_that_are_less_than_one_together_are_no_procedure():
    halves = {"a": Fraction(1, 4), "b": Fraction(1, 4)}
    assert verifier.chosen(halves, iter([0])) == "a"
    with pytest.raises(verifier.Difference) as found:
        verifier.chosen(halves, iter([2**63]))
    assert "procedure: sum of the probabilities differs" in found.value.words(False)


def test_with_the_plan_and_without_the_seed_chances_are_replayed_and_arms_are_not(exported):
    unsealed = {**exported, "seed": None}
    code, said = run(unsealed)
    assert (code, said[-1].startswith("NOT REPLAYED")) == (2, True)
    row = unsealed["allocations"][3]
    row["probabilities"] = dict.fromkeys(row["probabilities"], "1/3")
    code, said = run(unsealed)
    assert code == 1
    assert "probabilities" in said[-1]


def test_an_untouched_export_is_equal_to_its_replay(exported):
    code, said = run(exported)
    assert code == 0
    assert said == [
        f"commitment: the seed's hash is {exported['commitment']}",
        "point start: 21 drawn in 2 strata, without gap and in order; 0 with the arm of their "
        "cluster; "
        "0 forced, not verified",
        f"Merkle root: equal over {2 * exported['points'][0]['covered']} leaves",
        "code breaks: 0, each the arm of the allocation",
        "21 allocations replayed, all equal",
    ]


def test_it_runs_alone_on_python_without_any_package(exported, tmp_path):
    (tmp_path / "verifier.py").write_bytes(FILE.read_bytes())
    (tmp_path / "export.json").write_text(json.dumps(exported))
    command = [sys.executable, "-I", "-S", "verifier.py", "export.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == run(exported)[1]


TAMPERED = {
    "point": "stage",
    "kind": "forced",
    "stratum": "sex=x",
    "draw_index": 77,
    "arm": "other",
    "fake_arm": "guided/1",
    "probabilities": {"guided": "1/3", "unguided": "2/3"},
    "covariates": {"sex": "x"},
    "history_digest": "0" * 64,
    "design_digest": "0" * 64,
    "cluster": "household 1",
}
# What is held against another field is named by that one; a cluster where the plan has none is no
# cluster.
SEEN_AS = {"kind": "draw_index", "covariates": "stratum"}
NOT_OF_A_DRAW = {"participant", "version", "request_key", "allocated_at"}


@pytest.mark.parametrize("place", [0, 9, 20])
@pytest.mark.parametrize("name", TAMPERED)
def test_a_field_that_was_changed_is_named_with_its_allocation(exported, name, place):
    row = exported["allocations"][place]
    whom = (
        "at stage" if name == "point" else f"{row['participant']} at "
    )  # at a later point no person is named
    where = f"allocation {place + 1} ({whom}"
    row[name] = turned(row["arm"]) if name == "arm" else TAMPERED[name]
    code, said = run(exported)
    assert (code, said[-1].startswith(where)) == (1, True), said
    assert said[-1].split(": ")[1] == f"{SEEN_AS.get(name, name)} differs"


def test_every_field_of_an_allocation_is_either_tampered_with_or_part_of_no_draw(exported):
    assert set(exported["allocations"][0]) == set(TAMPERED) | NOT_OF_A_DRAW


@pytest.mark.parametrize("name", ["commitment", "merkle_root", "seed", "format"])
def test_a_promise_that_was_changed_is_named(exported, name):
    exported[name] = "00" * 32
    code, said = run(exported)
    assert code == 1
    wanted = {"merkle_root": "Merkle root", "seed": "commitment"}.get(name, name)
    assert said[-1].startswith(f"export: {wanted} differs: expected ")


def test_a_plan_that_was_changed_no_longer_has_its_digest(exported):
    exported["points"][0]["plan"]["block_sizes"] = [4]
    assert run(exported)[1][-1].startswith("point start: design digest differs: expected ")


def test_an_allocation_that_was_taken_out_leaves_a_gap_which_is_named(exported):
    del exported["allocations"][4]
    code, said = run(exported)
    following = exported["allocations"][5]  # the next of the same stratum
    assert (code, said[-1]) == (
        1,
        f"allocation 6 ({following['participant']} at start, stratum {following['stratum']!r}, "
        f"draw 3): "
        "draw_index differs: expected 2, found 3",
    )


def test_two_allocations_in_another_order_are_named(exported):
    rows = exported["allocations"]
    rows[2], rows[4] = rows[4], rows[2]
    code, said = run(exported)
    assert (code, "draw_index differs: expected 1, found 2" in said[-1]) == (1, True)


def test_somebody_who_is_allocated_twice_is_named(exported):
    exported["allocations"][7]["participant"] = exported["allocations"][2]["participant"]
    code, said = run(exported)
    assert code == 1
    assert said[-1].startswith("allocation 8 (QM-00002 at start, ")
    assert "participant (one allocation each) differs" in said[-1]


def test_other_arms_with_all_that_follows_from_them_still_do_not_come_from_the_seed(exported):
    """A forger who turns the arms of a whole stratum and mends every digest and probability is
    found by the draw.
    """
    rows = [row for row in exported["allocations"] if row["stratum"] == "sex=f"]
    rule = verifier.rule_of(exported["points"][0]["plan"])
    history = []
    for row in rows:
        row["arm"] = turned(row["arm"])
        row["history_digest"] = trials.digest_of([arm for arm, _ in history])
        row["probabilities"] = {
            arm: str(share) for arm, share in plans.replayed(rule, history, {}).items()
        }
        history.append((row["arm"], {}))
    code, said = run(exported)
    assert (code, "allocation 1 " in said[-1], ": arm differs" in said[-1]) == (1, True, True)


def test_values_are_left_out_where_they_may_be_arms(exported):
    exported["allocations"][3]["arm"] = turned(exported["allocations"][3]["arm"])
    code, said = run(exported, "--conceal")
    assert (code, said[-1]) == (
        1,
        "allocation 4 (QM-00003 at start, stratum 'sex=m', draw 1): arm differs",
    )


def test_while_seed_and_plan_are_sealed_it_says_that_nothing_was_replayed(exported):
    seed, plan = exported["seed"], exported["points"][0]["plan"]
    exported["seed"] = exported["points"][0]["plan"] = None
    assert run(exported)[0] == 2
    assert run(exported)[1][-1].startswith("NOT REPLAYED")
    assert run(exported, "--seed", seed)[0] == 2
    exported["points"][0]["plan"] = plan
    assert run(exported, "--seed", seed)[0] == 0
    assert run(exported, "--seed", "11" * 32)[0] == 1


def test_sealed_rows_are_still_held_to_their_numbers(exported):
    exported["seed"] = exported["points"][0]["plan"] = None
    exported["allocations"][5]["draw_index"] = 9
    assert run(exported)[0] == 1


def test_what_cannot_be_read_is_named_too(exported):
    exported["allocations"][2]["covariates"] = None
    code, said = run(exported)
    assert (code, said[-1].startswith("allocation 3 ")) == (1, True)


def test_without_a_file_it_says_how_it_is_used():
    said = []
    assert verifier.main([], say=said.append) == 1
    assert said == ["usage: python verifier.py export.json [--seed HEX] [--conceal]"]


def test_the_seed_of_the_database_is_the_seed_of_the_export(exported):
    assert exported["commitment"] == SealedSeed.objects.get().commitment
    assert exported["merkle_root"] == SealedSeed.objects.get().merkle_root != ""
