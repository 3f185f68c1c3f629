from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.instruments import Instrument, load_library
from outcomes.scoring import (
    AnswerOutsideOptions,
    Scored,
    UnknownItem,
    band_of,
    reversed_answer,
    score,
)

LIBRARY = load_library()
PHQ9, CESD, PHQ2 = LIBRARY["PHQ9"], LIBRARY["CESD"], LIBRARY["PHQ2"]

instruments = st.sampled_from(sorted(LIBRARY)).map(LIBRARY.__getitem__)


@st.composite
def answered(draw, blanks=True):
    instrument = draw(instruments)
    options = st.sampled_from(instrument.options)
    answer = st.none() | options if blanks else options
    return instrument, {item: draw(answer) for item in instrument.item_codes}


def all_items(instrument, answer, **changes):
    return {**dict.fromkeys(instrument.item_codes, answer), **changes}


def test_a_full_questionnaire_is_its_sum_with_band_and_nested_score():
    # PHQ-9: 9 items of 1 is 9, mild (5 to 9) by Kroenke, Spitzer and Williams 2001.
    assert score(PHQ9, all_items(PHQ9, 1)) == Scored(
        Fraction(9), 9, 0, False, "mild", {"PHQ2": Fraction(2)}
    )


def test_two_blanks_of_the_phq9_are_prorated_from_the_mean_of_the_other_seven():
    # 5 + 2 = 7 items answered 2, 2, 1, 1, 1, 1, 1 sum to 9; 9 / 7 * 9 = 81/7, moderate (10 to 14).
    answers = {"1": 2, "2": 2, "3": 1, "4": 1, "5": 1, "6": 1, "7": 1, "8": None}
    scored = score(PHQ9, answers)
    assert scored == Scored(Fraction(81, 7), 7, 2, True, "moderate", {"PHQ2": Fraction(4)})
    assert scored.number == 81 / 7


def test_one_blank_is_prorated_too():
    # Eight answers of 2 make 16; 16 / 8 * 9 = 18.
    assert score(PHQ9, all_items(PHQ9, 2, **{"4": None})) == Scored(
        Fraction(18), 8, 1, True, "moderately_severe", {"PHQ2": Fraction(4)}
    )


def test_a_third_blank_leaves_no_score_and_a_blank_in_a_nested_score_leaves_none_there():
    answers = all_items(PHQ9, 3, **{"1": None, "5": None, "9": None})
    scored = score(PHQ9, answers)
    assert scored == Scored(None, 6, 3, False, None, {"PHQ2": None})
    assert scored.number is None


def test_nought_is_a_score():
    assert score(PHQ9, all_items(PHQ9, 0)).number == 0.0


def test_an_instrument_without_prorating_needs_every_item():
    assert score(PHQ2, {"1": 3}) == Scored(None, 1, 1, False, None, {})


def test_reversed_items_count_the_other_way():
    # CES-D items 4, 8, 12 and 16 are worded positively: all answers 0 give 4 * 3 = 12, all answers
    # 3 give 16 * 3 = 48.
    assert [score(CESD, all_items(CESD, answer)).value for answer in (0, 3)] == [12, 48]


@pytest.mark.parametrize("answer", [4, -1, True, 1.0, "1"])
def test_an_answer_that_nobody_could_choose_is_refused(answer):
    with pytest.raises(AnswerOutsideOptions) as refused:
        score(PHQ9, {"1": 0, "2": answer})
    assert str(refused.value) == f"PHQ9.2: {answer!r} is not one of 0, 1, 2, 3"


def test_an_unknown_item_is_refused_even_when_blank():
    with pytest.raises(UnknownItem, match=r"^PHQ9 has no item 10$"):
        score(PHQ9, {"10": None})
    with pytest.raises(UnknownItem, match=r"^PHQ9 has no item 10, x$"):
        score(PHQ9, {"x": 1, "1": 1, "10": None})


def test_a_prorated_score_between_two_bands_belongs_to_the_lower():
    assert [band_of(PHQ9, value) for value in (4, Fraction(9, 2), 5)] == [
        "minimal",
        "minimal",
        "mild",
    ]


@given(answered())
def test_a_score_lies_within_the_range_and_in_a_band(case):
    instrument, answers = case
    scored = score(instrument, answers)
    lowest, highest = instrument.range
    assert scored.value is None or lowest <= scored.value <= highest
    assert (scored.band is None) == (scored.value is None or not instrument.bands)


@given(answered(), st.data())
def test_a_score_exists_exactly_while_blanks_are_allowed(case, data):
    instrument, answers = case
    blanks = sum(answer is None for answer in answers.values())
    scored = score(instrument, answers)
    assert (scored.value is not None) == (blanks <= instrument.scoring.max_missing)
    assert (scored.n_missing, scored.n_answered) == (blanks, len(answers) - blanks)
    assert scored.prorated == (0 < blanks <= instrument.scoring.max_missing)


@given(answered(), st.data())
def test_a_higher_answer_never_lowers_the_score_nor_a_reversed_one_raises_it(case, data):
    instrument, answers = case
    raisable = [
        item for item, answer in answers.items() if answer not in (None, instrument.options[-1])
    ]
    if not raisable or (before := score(instrument, answers).value) is None:
        return
    item = data.draw(st.sampled_from(raisable))
    change = score(instrument, {**answers, item: answers[item] + 1}).value - before
    assert (change < 0) == (item in instrument.reverse)
    assert change != 0


@given(answered(), st.randoms())
def test_the_order_of_the_answers_does_not_matter(case, random):
    instrument, answers = case
    shuffled = list(answers.items())
    random.shuffle(shuffled)
    assert score(instrument, dict(shuffled)) == score(instrument, answers)


@given(answered(blanks=False))
def test_items_that_count_alike_may_swap_their_answers(case):
    instrument, answers = case
    alike = [item for item in instrument.item_codes if item not in instrument.reverse]
    rotated = dict(zip(alike, [answers[item] for item in alike[1:] + alike[:1]], strict=True))
    assert score(instrument, {**answers, **rotated}).value == score(instrument, answers).value


@given(answered(blanks=False))
def test_reversing_every_item_twice_changes_nothing_and_once_mirrors_the_score(case):
    instrument, answers = case
    turned = {item: reversed_answer(instrument, answer) for item, answer in answers.items()}
    twice = {item: reversed_answer(instrument, answer) for item, answer in turned.items()}
    assert twice == answers
    assert (
        score(instrument, turned).value == sum(instrument.range) - score(instrument, answers).value
    )


@given(answered(blanks=False))
def test_full_answers_are_the_plain_sum(case):
    instrument, answers = case
    plain = sum(
        reversed_answer(instrument, a) if i in instrument.reverse else a for i, a in answers.items()
    )
    assert score(instrument, answers).value == plain


@given(st.lists(st.integers(0, 3), min_size=7, max_size=8))
def test_prorating_equals_filling_the_blanks_with_the_mean(values):
    answers = dict(zip(PHQ9.item_codes, values, strict=False))
    mean = Fraction(sum(values), len(values))
    assert score(PHQ9, answers).value == sum(values) + mean * (9 - len(values))


def test_items_outside_the_score_are_kept_out_of_its_counts():
    unscored = PHQ2.model_dump() | {
        "items": [{"code": "1"}, {"code": "2"}, {"code": "extra"}],
        "wordings": {},
    }
    instrument = Instrument.model_validate(unscored)
    assert score(instrument, {"1": 1, "2": 2, "extra": None}) == Scored(
        Fraction(3), 2, 0, False, band_of(PHQ2, 3), {}
    )


@pytest.mark.parametrize(
    ("score", "band"),
    # Kroenke, Spitzer and Williams 2001: 5, 10, 15 and 20 begin mild, moderate, moderately severe
    # and severe
    [(0, 0), (4, 0), (5, 1), (9, 1), (10, 2), (14, 2), (15, 3), (19, 3), (20, 4), (27, 4)],
)
def test_a_band_begins_at_its_limit(score, band):
    assert band_of(PHQ9, score) == PHQ9.bands[band].code


def test_a_score_below_the_first_band_has_none():
    assert band_of(PHQ9, -1) is None
