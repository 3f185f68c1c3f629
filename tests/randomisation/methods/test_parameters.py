from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import BadParameter, parameters

few = settings(max_examples=20)


@few
@given(st.integers(1, 10**12))
def test_a_whole_number_is_itself_also_as_text(number):
    assert [parameters.whole(number, "n"), parameters.whole(str(number), "n")] == [number, number]


@pytest.mark.parametrize(
    "value",
    [1.0, True, "-1", "+1", "1.0", "1e3", "", " 1", None, Fraction(1), Decimal(1), [1]],
    ids=repr,
)
def test_what_is_not_plainly_a_whole_number_is_refused(value):
    with pytest.raises(BadParameter) as caught:
        parameters.whole(value, "n")
    assert str(caught.value) == f"n is a whole number of at least 1, not {value!r}"


@few
@given(st.fractions(-10, 10, max_denominator=1000))
def test_a_fraction_is_itself_also_as_text(number):
    assert [parameters.fraction(number, "p"), parameters.fraction(str(number), "p")] == [
        number,
        number,
    ]


@few
@given(st.decimals(-10, 10, places=4))
def test_a_decimal_as_text_is_exact(number):
    assert parameters.fraction(str(number), "p") == Fraction(number)


def test_a_float_is_refused_even_where_it_is_whole():
    for value in (0.8, 1.0, float("nan")):
        with pytest.raises(
            BadParameter, match=r"^p is a fraction or a decimal as text, such as 4/5 or 0\.8, not "
        ):
            parameters.fraction(value, "p")


@pytest.mark.parametrize(
    ("value", "closed", "inside"),
    [
        ("1/2", False, False),
        ("1/2", True, False),
        ("0.5000001", False, True),
        ("0.9999999", False, True),
        ("1", False, False),
        ("1", True, True),
        ("1.0000001", True, False),
    ],
)
def test_the_ends_of_a_range(value, closed, inside):
    low, high = Fraction(1, 2), Fraction(1)
    if inside:
        assert parameters.between(value, "p", low, high, closed=closed) == Fraction(value)
    else:
        expected = f"^p is above 1/2 and {'at most' if closed else 'below'} 1, not '{value}'$"
        with pytest.raises(BadParameter, match=expected):
            parameters.between(value, "p", low, high, closed=closed)


def test_block_sizes_come_in_order_with_their_weights():
    assert parameters.block_sizes([6, "4"], 2) == ((4, 1), (6, 1))
    assert parameters.block_sizes({"6": "3", 4: 1}, 2) == ((4, 1), (6, 3))


def test_names_are_text_each_once():
    assert parameters.names(["site", 2], "factors") == ("site", "2")
    assert parameters.names({"site": 1, "sex": 2}, "factors") == ("site", "sex")
    with pytest.raises(BadParameter, match=r"^factors names a factor more than once$"):
        parameters.names([2, "2"], "factors")
