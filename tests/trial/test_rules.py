from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trial.rules import Facts, Names, Rule, holds, names

values = st.one_of(st.none(), st.integers(-3, 3), st.fractions(-3, 3), st.sampled_from(["f", "m", "2", ""]))
facts = st.builds(
    Facts,
    answers=st.dictionaries(st.sampled_from(["age", "sex"]), values),
    scores=st.dictionaries(st.just("PHQ9"), values),
    items=st.dictionaries(st.just("PHQ9.9"), values),
)
comparisons = st.one_of(
    st.builds(lambda limit: {"answer": "age", "at_least": limit}, st.integers(-3, 3)),
    st.builds(lambda value: {"answer": "sex", "equals": value}, st.sampled_from(["f", "m", "2"])),
    st.builds(lambda given: {"answer": "sex", "one_of": given}, st.lists(st.sampled_from(["f", "m"]), min_size=1)),
    st.builds(lambda low: {"score": "PHQ9", "above": low, "below": low + 2}, st.integers(-3, 3)),
    st.builds(lambda limit: {"item": "PHQ9.9", "at_most": limit}, st.integers(-3, 3)),
)
forms = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


def judged(form: dict, known: Facts) -> bool | None:
    return holds(Rule.model_validate(form), known)


@given(forms, forms, facts)
def test_not_all_is_any_not(one, other, known):
    left = judged({"not": {"all": [one, other]}}, known)
    assert left is judged({"any": [{"not": one}, {"not": other}]}, known)


@given(forms, forms, facts)
def test_not_any_is_all_not(one, other, known):
    left = judged({"not": {"any": [one, other]}}, known)
    assert left is judged({"all": [{"not": one}, {"not": other}]}, known)


@given(forms, facts)
def test_not_not_is_itself(form, known):
    assert judged({"not": {"not": form}}, known) is judged(form, known)


@given(forms, facts, st.data())
def test_learning_more_never_changes_a_verdict_that_stood(form, known, data):
    more = Facts(
        answers={name: _learnt(known.answers.get(name), data) for name in ("age", "sex")},
        scores={"PHQ9": _learnt(known.scores.get("PHQ9"), data)},
        items={"PHQ9.9": _learnt(known.items.get("PHQ9.9"), data)},
    )
    before = judged(form, known)
    assert before is None or judged(form, more) is before


def _learnt(value, data):
    return data.draw(values) if value is None or value == "" else value


@given(forms, facts)
def test_a_stored_rule_judges_as_the_written_one(form, known):
    rule = Rule.model_validate(form)
    stored = Rule.model_validate(rule.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert stored == rule
    assert holds(stored, known) is holds(rule, known)


@given(forms)
def test_a_rule_is_not_known_where_nothing_is(form):
    assert judged(form, Facts()) is None


@pytest.mark.parametrize(
    ("score", "verdict"), [(4, False), (5, True), (19, True), (20, False), (Fraction(39, 2), True), (None, None)]
)
def test_limits_of_the_screening_are_strict(score, verdict):
    assert judged({"score": "PHQ9", "above": "4", "below": "20"}, Facts(scores={"PHQ9": score})) is verdict


def test_decimals_mean_what_is_written():
    assert judged({"score": "X", "at_least": "0.1"}, Facts(scores={"X": Fraction(1, 10)})) is True


def test_an_answer_in_text_is_compared_as_a_number():
    assert judged({"answer": "age", "at_least": "18"}, Facts(answers={"age": "9"})) is False


def test_a_word_says_nothing_about_a_limit():
    assert judged({"answer": "age", "at_least": "18"}, Facts(answers={"age": "old"})) is None


def test_one_false_part_settles_all_and_one_true_part_any():
    false, unknown = {"answer": "age", "above": 5}, {"answer": "sex", "equals": "f"}
    known = Facts(answers={"age": 1})
    assert judged({"all": [unknown, false]}, known) is False
    assert judged({"any": [unknown, {"not": false}]}, known) is True
    assert judged({"any": [unknown, false]}, known) is None


def test_names_are_collected_from_every_part():
    rule = Rule.model_validate(
        {
            "all": [
                {"answer": "age", "above": 1},
                {"any": [{"score": "PHQ9", "above": 4}, {"not": {"item": "PHQ9.9", "above": 0}}]},
            ]
        }
    )
    assert names(rule) == Names(frozenset({"age"}), frozenset({"PHQ9"}), frozenset({"PHQ9.9"}))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"answer": "age"},
        {"above": 3},
        {"answer": "age", "score": "PHQ9", "above": 3},
        {"all": []},
        {"all": [{"answer": "age", "above": 3}], "above": 3},
        {"answer": "age", "above": 3, "below": 3},
        {"answer": "age", "at_least": 4, "at_most": 3},
        {"answer": "age", "above": "1/3"},
        {"answer": "age", "equal": 3},
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(form):
    with pytest.raises(ValidationError):
        Rule.model_validate(form)
