from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trial.rules import Facts, Names, Rule, holds, names, number

values = st.one_of(
    st.none(), st.integers(-3, 3), st.fractions(-3, 3), st.sampled_from(["f", "m", "2", ""])
)
facts = st.builds(
    Facts,
    answers=st.dictionaries(st.sampled_from(["age", "sex"]), values),
    scores=st.dictionaries(st.just("PHQ9"), values),
    items=st.dictionaries(st.just("PHQ9.9"), values),
)
comparisons = st.one_of(
    st.builds(lambda limit: {"answer": "age", "at_least": limit}, st.integers(-3, 3)),
    st.builds(lambda value: {"answer": "sex", "equals": value}, st.sampled_from(["f", "m", "2"])),
    st.builds(
        lambda given: {"answer": "sex", "one_of": given},
        st.lists(st.sampled_from(["f", "m"]), min_size=1),
    ),
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
    ("score", "verdict"),
    [(4, False), (5, True), (19, True), (20, False), (Fraction(39, 2), True), (None, None)],
)
def test_limits_of_the_screening_are_strict(score, verdict):
    assert (
        judged({"score": "PHQ9", "above": "4", "below": "20"}, Facts(scores={"PHQ9": score}))
        is verdict
    )


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


ONE_OF = "a rule has exactly one of answer, score, item, all, any, not"
BESIDE = "'above' belongs to an answer, score or item, not beside all, any, not"
EMPTY = "no value can satisfy this; the lower limit is not below the upper one"
ADULT = {"answer": "age", "above": 3}


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({}, ONE_OF),
        ({"above": 3}, ONE_OF),
        ({"answer": "age", "score": "PHQ9", "above": 3}, ONE_OF),
        ({"answer": "age", "above": 3, "not": ADULT}, ONE_OF),
        ({"all": [ADULT], "any": [ADULT]}, ONE_OF),
        (
            {"answer": "age"},
            "'answer' needs one of above, below, at_least, at_most, equals, one_of",
        ),
        ({"item": "PHQ9.9"}, "'item' needs one of above, below, at_least, at_most, equals, one_of"),
        ({"all": []}, "Tuple should have at least 1 item after validation, not 0"),
        ({"all": [ADULT], "above": 3}, BESIDE),
        ({"any": [ADULT], "above": 3}, BESIDE),
        ({"not": ADULT, "above": 3}, BESIDE),
        ({"answer": "age", "above": 3, "below": 3}, EMPTY),
        ({"answer": "age", "above": 3, "at_most": 3}, EMPTY),
        ({"answer": "age", "at_least": 3, "below": 3}, EMPTY),
        ({"answer": "age", "at_least": 4, "at_most": 3}, EMPTY),
        ({"answer": "age", "above": 1, "at_least": 4, "below": 9, "at_most": 3}, EMPTY),
        ({"answer": "age", "above": 4, "at_least": 1, "below": 3, "at_most": 9}, EMPTY),
        ({"answer": "age", "above": "1/3"}, "'1/3' is not a number"),
        ({"answer": "age", "above": "1e3"}, "'1e3' is not a number"),
        ({"answer": "age", "above": "1E3"}, "'1E3' is not a number"),
        ({"answer": "age", "above": "old"}, "'old' is not a number"),
        ({"answer": "age", "above": "1" * 31}, f"'{'1' * 31}' is not a number"),
        ({"answer": "age", "above": True}, "Input should be a valid string"),
        ({"answer": "age", "equals": True}, "Input should be a valid string"),
        ({"answer": "age", "equal": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(form, why):
    with pytest.raises(ValidationError) as refused:
        Rule.model_validate(form)
    assert why in {each["msg"].removeprefix("Value error, ") for each in refused.value.errors()}


@pytest.mark.parametrize(
    "limits",
    [
        {"at_least": 3, "at_most": 3},
        {"above": 2, "below": 3},
        {"above": 2, "at_most": 3},
        {"at_least": 2, "below": 3},
        {"above": 3, "equals": 3},
        {"above": "9" * 30},
    ],
)
def test_a_rule_that_some_value_can_satisfy_is_taken(limits):
    assert Rule.model_validate({"answer": "age", **limits}).answer == "age"


@pytest.mark.parametrize(
    ("comparator", "verdicts"),
    [
        ("above", [False, False, True]),
        ("at_least", [False, True, True]),
        ("below", [True, False, False]),
        ("at_most", [True, True, False]),
    ],
)
def test_each_limit_just_below_at_and_just_above(comparator, verdicts):
    scores = [Fraction(999, 100), 10, Fraction(1001, 100)]
    assert [
        judged({"score": "X", comparator: 10}, Facts(scores={"X": score})) for score in scores
    ] == verdicts


@pytest.mark.parametrize(
    ("fact", "wanted", "verdict"),
    [
        ("2", "2.0", True),
        (2, "2", True),
        (2, "3", False),
        ("two", "two", True),
        ("two", "2", False),
        ("2", "two", False),
        ("1e3", "1000", False),
        ("1e3", "1e3", True),
        ("1/2", "0.5", False),
        (Fraction(1, 2), "1/2", True),
        (10**30, str(10**30), True),
        (10**30, str(10**30 + 1), False),
        ("0" * 29 + "7", "7", True),
        ("0" * 30 + "7", "7", False),
        ("", "7", None),
    ],
)
def test_what_looks_like_a_number_is_compared_as_one_and_all_else_as_text(fact, wanted, verdict):
    known = Facts(answers={"x": fact})
    assert judged({"answer": "x", "equals": wanted}, known) is verdict
    assert judged({"answer": "x", "one_of": ["other", wanted]}, known) is verdict


def test_every_comparator_of_a_rule_must_hold():
    rule = {"answer": "age", "at_least": 18, "equals": 20, "one_of": [20, 30]}
    assert [judged(rule, Facts(answers={"age": age})) for age in (17, 20, 30)] == [
        False,
        True,
        False,
    ]
    assert (
        judged({"answer": "age", "equals": 20, "one_of": [30, 40]}, Facts(answers={"age": 20}))
        is False
    )


def test_a_subject_is_looked_up_among_its_own_kind():
    known = Facts(answers={"x": 1}, scores={"x": 2}, items={"x": 3})
    for subject, value in (("answer", 1), ("score", 2), ("item", 3)):
        assert [judged({subject: "x", "equals": each}, known) for each in (1, 2, 3)] == [
            each == value for each in (1, 2, 3)
        ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_no_fraction_holds_is_no_number(value):
    assert number(value) is None
