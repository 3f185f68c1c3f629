"""Plain answers to the study's own questions: what is taken, and what is refused by name."""

import pytest

from tests.trial.test_folder import SECTIONS, SMALL_STUDY
from trial.accepted import NotAccepted
from trial.actions.questions import accepted, check_values
from trial.folder import read
from trial.sections import Study

TEXT = {"en": "?", "nl": "?"}


@pytest.fixture(scope="module")
def protocol():
    document = read(SMALL_STUDY, SECTIONS).document["study"]
    added = [
        {"code": "hours", "text": TEXT, "kind": "number", "min": 2, "max": 40},
        {
            "code": "how",
            "text": TEXT,
            "kind": "choice",
            "options": [{"code": c, "text": TEXT} for c in ("a", "b")],
        },
        {"code": "where", "text": TEXT, "kind": "site"},
    ]
    return Study.model_validate({**document, "questions": [*document["questions"], *added]})


def refused(protocol, answers, *asked):
    with pytest.raises(NotAccepted) as error:
        accepted(protocol, answers, asked)
    return error.value.fields


def test_answers_are_taken_in_the_order_in_which_they_are_asked(protocol):
    site = protocol.sites[0].code
    given = accepted(protocol, {"where": site, "how": "b", "hours": 2}, ["hours", "how", "where"])
    assert list(given.items()) == [("hours", 2), ("how", "b"), ("where", site)]


@pytest.mark.parametrize(
    ("code", "answer", "said"),
    [
        ("hours", 1, "Write a number of at least 2"),
        ("hours", 41, "Write a number of at most 40"),
        ("hours", "12", "Write a whole number"),
        ("hours", 12.5, "Write a whole number"),
        ("hours", True, "Write a whole number"),
        ("hours", None, "Write a whole number"),
        ("how", "c", "Choose one of the answers"),
        ("how", ["a"], "Choose one of the answers"),
        ("where", "nowhere", "Choose one of the answers"),
        ("where", 1, "Choose one of the answers"),
    ],
)
def test_an_answer_that_cannot_be_given_is_told_why(protocol, code, answer, said):
    assert refused(protocol, {code: answer}, code) == {code: [said]}
    with pytest.raises(NotAccepted):
        check_values(protocol, {code: answer})


def test_every_fault_is_told_at_once(protocol):
    assert refused(protocol, {"hours": 1, "shoe": "big"}, "hours", "how") == {
        "hours": ["Write a number of at least 2"],
        "how": ["Fill this in"],
        "shoe": ["Nothing is asked by this name"],
    }
