from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods.coins import CoinA, CoinB, CoinC

arms = st.integers(2, 6)
parts = st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000)
few = settings(max_examples=20)


def ranked(scores):
    return [sum(other < score for other in scores) for score in scores]


def chances(coin, *scores, shares=None):
    return coin.chances(
        ranked(scores), [Fraction(score) for score in scores], shares or (1,) * len(scores)
    )


@st.composite
def coins(draw):
    """How many arms, and a coin for them with any parameter it may have."""
    k, part = draw(arms), draw(parts)
    kind = draw(st.sampled_from("abc"))
    if kind == "a":
        return k, CoinA(Fraction(1, k) + (1 - Fraction(1, k)) * part)
    if kind == "b":
        return k, CoinB(Fraction(1, k) + (Fraction(2, k - 1) - Fraction(1, k)) * part)
    return k, CoinC(part)


# Pocock and Simon (1975), section 3: by hand.
@pytest.mark.parametrize(
    ("coin", "scores", "expected"),
    [
        (CoinA(Fraction(4, 5)), (1, 2), ["4/5", "1/5"]),
        (CoinA(Fraction(4, 5)), (3, 1, 2), ["1/10", "4/5", "1/10"]),
        (CoinA(Fraction(4, 5)), (1, 1), ["1/2", "1/2"]),
        (CoinA(Fraction(4, 5)), (1, 1, 2), ["9/20", "9/20", "1/10"]),  # (4/5 + 1/10) / 2
        (CoinA(Fraction(4, 5)), (1, 2, 2), ["4/5", "1/10", "1/10"]),
        (CoinA(Fraction(4, 5)), (0, 0, 0), ["1/3", "1/3", "1/3"]),
        # q - 2 (K q - 1) / (K (K + 1)) k with q = 1/2, K = 3: 1/2 - k/12.
        (CoinB(Fraction(1, 2)), (1, 2, 3), ["5/12", "4/12", "3/12"]),
        (CoinB(Fraction(1, 2)), (3, 1, 2), ["3/12", "5/12", "4/12"]),
        (CoinB(Fraction(1, 2)), (1, 1, 2), ["9/24", "9/24", "3/12"]),
        # K = 2, q = 1: 1 - k/3.
        (CoinB(Fraction(1)), (1, 2), ["2/3", "1/3"]),
        # (1 - t G / sum G) / (K - t) with t = 1/2: sum G = 6, K - t = 5/2.
        (CoinC(Fraction(1, 2)), (1, 2, 3), ["11/30", "10/30", "9/30"]),
        (CoinC(Fraction(1)), (0, 2), ["1", "0"]),
        (CoinC(Fraction(1)), (0, 0), ["1/2", "1/2"]),
    ],
)
def test_what_a_coin_gives(coin, scores, expected):
    assert chances(coin, *scores) == [Fraction(each) for each in expected]


@few
@given(coins(), st.data())
def test_every_arm_keeps_a_chance_and_a_worse_one_never_the_better(of, data):
    k, coin = of
    scores = data.draw(st.lists(st.integers(0, 5), min_size=k, max_size=k))
    found = chances(coin, *scores)
    assert sum(found) == 1
    assert min(found) > 0
    by_score = sorted(zip(scores, found, strict=True))
    assert [chance for _, chance in by_score] == sorted(found, reverse=True)
    assert len(set(by_score)) == len(set(scores))  # arms that tie have the same chance


@few
@given(coins(), st.data())
def test_a_coin_tossed_for_all_draws_at_once_has_the_same_chances(of, data):
    k, coin = of
    draws = data.draw(
        st.lists(st.lists(st.integers(0, 5), min_size=k, max_size=k), min_size=1, max_size=5)
    )
    expected = np.array([[float(chance) for chance in chances(coin, *scores)] for scores in draws])
    assert (
        pytest.approx(expected, abs=1e-12)
        == coin.simulated(np.array(draws, dtype=float).T, (1,) * k).T
    )


@pytest.mark.parametrize("k", [2, 3, 4, 7])
def test_the_limits_of_coin_b_are_those_where_a_chance_would_be_lost(k):
    assert min(CoinB(Fraction(2, k - 1)).by_rank(k)) == 0
    assert CoinB(Fraction(1, k)).by_rank(k) == [Fraction(1, k)] * k
    assert min(CoinB(Fraction(2, k - 1) - Fraction(1, 1000)).by_rank(k)) > 0


def test_arms_that_tie_may_share_in_proportion():
    # (4/5 + 1/10) for the tied pair: two thirds of it for the arm with twice the share.
    expected = [Fraction(3, 5), Fraction(3, 10), Fraction(1, 10)]
    coin = CoinA(Fraction(4, 5))
    assert chances(coin, 1, 1, 2, shares=(2, 1, 5)) == expected
    assert coin.simulated(np.array([[1.0], [1.0], [2.0]]), (2, 1, 5))[:, 0] == pytest.approx(
        [0.6, 0.3, 0.1]
    )


def test_a_coin_with_p_1_is_certain_and_of_two_arms_one_with_t_1():
    assert [CoinA(Fraction(1)).is_certain(3), CoinA(Fraction(99, 100)).is_certain(3)] == [
        True,
        False,
    ]
    assert [CoinB(Fraction(1)).is_certain(2), CoinC(Fraction(1, 2)).is_certain(2)] == [False, False]
    assert [CoinC(Fraction(1)).is_certain(2), CoinC(Fraction(1)).is_certain(3)] == [True, False]


def test_coin_c_has_no_chances_by_rank():
    with pytest.raises(NotImplementedError, match=r"^coin c reads scores, not ranks$"):
        CoinC(Fraction(1, 2)).by_rank(2)
