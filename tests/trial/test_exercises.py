"""Plain values of exercises: what is kept of each kind, and what is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trial.accepted import NotAccepted
from trial.actions.exercises import EMPTY, LONGEST_TEXT, accepted
from trial.forms.participant import Exercises
from trial.sections.programme import Block

BLOCKS = {
    "text": Block(kind="exercise", exercise="text", code="x", prompt="Why?"),
    "checklist": Block(
        kind="exercise", exercise="checklist", code="x", prompt="Which?", options=("a", "b", "c")
    ),
    "scale": Block(
        kind="exercise", exercise="scale", code="x", prompt="How much?", low="Not", high="Very"
    ),
    "plan": Block(kind="exercise", exercise="plan", code="x", prompt="This week"),
}
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
VALUES = {
    "text": WORDS,
    "checklist": st.lists(st.integers(0, 2)),
    "scale": st.one_of(st.none(), st.integers(0, 10)),
    "plan": st.fixed_dictionaries(dict.fromkeys(EMPTY["plan"], WORDS)),
}


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("text", "  walk ", "walk"),
        ("text", "", ""),
        ("text", "w" * 2 * LONGEST_TEXT, "w" * 2 * LONGEST_TEXT),
        ("checklist", [2, 0, 2], [0, 2]),
        ("checklist", [], []),
        ("scale", 0, 0),
        ("scale", 10, 10),
        ("scale", None, None),
        (
            "plan",
            {"what": "a", "when": " b ", "where": ""},
            {"what": "a", "when": "b", "where": ""},
        ),
    ],
)
def test_what_is_kept(kind, value, kept):
    assert accepted(BLOCKS[kind], value) == kept


def test_a_part_that_is_left_out_of_a_plan_stays_as_it_is():
    stored = {"what": "Walk", "when": "Monday", "where": "Park"}
    assert accepted(BLOCKS["plan"], {}, stored) == stored
    assert accepted(BLOCKS["plan"], {"what": ""}, stored) == {**stored, "what": ""}
    assert accepted(BLOCKS["plan"], {"what": "Walk"}) == {"what": "Walk", "when": "", "where": ""}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("text", "w" * (2 * LONGEST_TEXT + 1), "Write at most 10000 characters"),
        ("text", "a\0b", "Leave out the signs that cannot be read"),
        ("text", 4, "This is not what is kept of this exercise: text."),
        ("text", None, "This is not what is kept of this exercise: text."),
        ("checklist", [3], "Choose one of the answers"),
        ("checklist", [-1], "Choose one of the answers"),
        ("checklist", [True], "This is not what is kept of this exercise: checklist."),
        ("checklist", "0", "This is not what is kept of this exercise: checklist."),
        ("scale", 11, "Choose one of the answers"),
        ("scale", -1, "Choose one of the answers"),
        ("scale", True, "This is not what is kept of this exercise: scale."),
        ("scale", "7", "This is not what is kept of this exercise: scale."),
        ("scale", 7.0, "This is not what is kept of this exercise: scale."),
        ("plan", {"why": "a"}, "This is not what is kept of this exercise: plan."),
        ("plan", {"what": 1}, "This is not what is kept of this exercise: plan."),
        ("plan", {"what": "a\0b"}, "Leave out the signs that cannot be read"),
        ("plan", [], "This is not what is kept of this exercise: plan."),
    ],
)
def test_what_is_refused(kind, value, said):
    with pytest.raises(NotAccepted) as refused:
        accepted(BLOCKS[kind], value)
    assert refused.value.fields == {"value": [said]}


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_what_a_page_takes_the_action_takes(kind, data):
    """The form reads text into a value; what it reads is what is kept of that value."""
    value = data.draw(VALUES[kind])
    form = Exercises(_typed(kind, value), blocks=[BLOCKS[kind]], stored={})
    assert form.is_valid()
    assert accepted(BLOCKS[kind], form.values["x"]) == accepted(BLOCKS[kind], value)


def _typed(kind, value):
    match kind:
        case "checklist":
            return {"x": [str(number) for number in value]}
        case "scale":
            return {"x": "" if value is None else str(value)}
        case "plan":
            return {f"x_{part}": text for part, text in value.items()}
    return {"x": value}


def test_what_is_empty_is_kept_as_it_is():
    assert {kind: accepted(block, EMPTY[kind]) for kind, block in BLOCKS.items()} == EMPTY
