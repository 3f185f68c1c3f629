"""Every mistake in randomisation.yaml is named at its place, in the file where it is put right."""

from __future__ import annotations

from fractions import Fraction

import pytest

from randomisation.queries import design
from tests.randomisation import people
from tests.randomisation.test_points import STAGED, STAGES
from trial.actions import studies
from trial.folder import FolderErrors

BLOCKS = """
method: permuted_blocks
ratio: {guided: 1, unguided: 1}
block_sizes: [2, 4]
strata: [sex]
"""
MINIMISED = """
method: minimisation
ratio: {guided: 1, unguided: 1}
factors: [sex]
p: 0.8
"""


def mistakes(directory, randomisation, **study) -> list[str]:
    """Without the folder, as `file:line: message`."""
    folder = people.a_folder(directory, randomisation, **study)
    with pytest.raises(FolderErrors) as refused:
        studies.read(folder, at=None)
    return [str(problem).replace(f"{folder}/", "") for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            BLOCKS + "block_weights: [1, 2, 3]\n",
            ["randomisation.yaml:6: block_weights: gives 3 weights to 2 sizes"],
        ),
        (
            MINIMISED + "strata: [sex]\n",
            [
                "randomisation.yaml:6: strata: minimisation balances over factors; name them under "
                "factors"
            ],
        ),
        (
            "method: random_allocation\nratio: {guided: 1, unguided: 1}\nn: 10\nstrata: [sex]\n",
            [
                "randomisation.yaml:3: n: with strata every stratum has a list of n; count with "
                "the fullest"
            ],
        ),
        (
            MINIMISED.replace("[sex]", "[sex, shoe]"),
            [
                "randomisation.yaml:4: factors.shoe: unknown question 'shoe'; known: age, sex, "
                "site, helped"
            ],
        ),
        (
            BLOCKS + "cluster: town\n",
            [
                "randomisation.yaml:6: cluster: unknown question 'town'; known: age, sex, site, "
                "helped"
            ],
        ),
        (
            MINIMISED.replace("[sex]", "[from]"),
            [
                "randomisation.yaml:4: factors.from: 'from' is what a stage calls the arm somebody "
                "comes from; "
                "call the question otherwise",
                "randomisation.yaml:4: factors.from: unknown question 'from'; known: age, sex, "
                "site, helped",
            ],
        ),
    ],
)
def test_a_mistake_of_the_first_randomisation_is_named_at_its_line(tmp_path, written, expected):
    assert mistakes(tmp_path, written) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("code: step_up", "code: step_down", [
            "randomisation.yaml:6: stages[0].code: unknown stage 'step_down'; did you mean "
            "'step_up'? known: step_up; "
            "study.yaml says what its arms give",
            "study.yaml:95: stages[0].code: 'step_up' has no method in randomisation.yaml",
        ]),
        ("answer: modules_begun", "answer: lessons_begun", [
            "randomisation.yaml:9: stages[0].when: unknown answer 'lessons_begun'; did you mean "
            "'modules_begun'? "
            "known: age, sex, site, helped, modules_begun, modules_done"
        ]),
        ("{answer: modules_begun, at_most: 0}", "{item: PHQ9_1, at_most: 0}", [
            "randomisation.yaml:9: stages[0].when: reads single items; a stage reads scores, "
            "answers and how lessons are used"
        ]),
        ("{answer: modules_begun, at_most: 0}", "{score: PHQ9, at_least: 10}", [
            "randomisation.yaml:9: stages[0].when: reads scores; say at which timepoint"
        ]),
        ("from: [unguided]", "from: [unguided]\n    timepoint: midway", [
            "randomisation.yaml:8: stages[0].timepoint: unknown timepoint 'midway'; known: "
            "followup, post, week2"
        ]),
        ("code: step_up", "code: start", [
            "randomisation.yaml:6: stages[0]: 'start' is the first randomisation; give the stage "
            "another code"
        ]),
    ],
)  # fmt: skip
def test_a_mistake_of_a_stage_is_named_at_its_line(tmp_path, old, new, expected):
    assert mistakes(tmp_path, STAGED.replace(old, new), stages=STAGES) == expected


def test_a_stage_at_a_timepoint_that_is_planned_reads_its_scores(tmp_path):
    scores = STAGED.replace("{answer: modules_begun, at_most: 0}", "{score: PHQ9, at_least: 10}")
    folder = people.a_folder(
        tmp_path, scores.replace("[unguided]", "[unguided]\n    timepoint: post"), STAGES
    )
    read = studies.read(folder, at=None).document["randomisation"]["stages"][0]
    assert (read["timepoint"], read["when"]) == ("post", {"score": "PHQ9", "at_least": "10"})


@pytest.mark.django_db
def test_the_weights_of_block_sizes_are_how_often_each_is_drawn(tmp_path, now):
    study = people.a_study(tmp_path, now, more="block_weights: [1, 3]\n", block_sizes="[2, 4]")
    assert design.plan(study.current)["block_sizes"] == {"2": 1, "4": 3}
    # After one of a pair: a block of 2 has the other left; of 4, one more of the same and both
    # others.
    chances = design.rule(study.current).lot_probabilities(["guided"])
    assert chances == {"guided": Fraction(1, 4), "unguided": Fraction(3, 4)}
