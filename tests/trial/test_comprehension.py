"""How often a question about the letter was answered until it was right once."""

import pytest

from trial.comprehension import Tries, wrong
from trial.sections.consent import Answer, Comprehension, Letter, Statement


@pytest.fixture
def letter():
    options = (Answer(code="yes", text="Yes"), Answer(code="no", text="No"))
    questions = [
        Comprehension(
            code=code, question="?", options=options, correct="yes", explanation=f"Read {code}"
        )
        for code in ("stop", "care")
    ]
    statements = (Statement(code="read", text="I read it"),)
    return Letter(
        version="1",
        minutes=1,
        statements=statements,
        comprehension=tuple(questions),
        body="Dear reader",
    )


def test_each_try_counts_until_the_answer_was_right(letter):
    tries = Tries().after(letter, {"stop": "no", "care": "yes"}, "1")
    assert (dict(tries.counts), tries.right, tries.understood) == (
        {"stop": 1, "care": 1},
        ("care",),
        {"care": 1},
    )
    tries = tries.after(letter, {"stop": "yes", "care": "no"}, "2")
    assert (dict(tries.counts), tries.understood) == (
        {"stop": 2, "care": 1},
        {"stop": 2, "care": 1},
    )


def test_the_same_sent_twice_counts_once_and_without_a_key_each_time(letter):
    once = Tries().after(letter, {"stop": "no"}, "1")
    assert once.after(letter, {"stop": "no"}, "1") == once
    assert once.after(letter, {"stop": "no"}, None).counts == {"stop": 2}


def test_what_was_left_open_or_is_not_asked_counts_for_nothing(letter):
    assert Tries().after(letter, {"stop": "", "other": "yes"}, "1").counts == {}


def test_it_is_read_back_as_it_was_kept(letter):
    tries = Tries().after(letter, {"stop": "no", "care": "yes"}, "1")
    assert Tries.of(tries.kept) == tries
    assert Tries.of(None) == Tries()


def test_a_wrong_answer_is_explained(letter):
    assert wrong(letter, {"stop": "no", "care": "yes"}) == {"stop": "Read stop"}
    assert wrong(letter, {"stop": "maybe"}) == {"stop": "Read stop"}
    assert wrong(letter, {"stop": ""}) == {}
