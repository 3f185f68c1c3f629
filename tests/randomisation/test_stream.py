import hmac
from collections import Counter
from fractions import Fraction
from hashlib import sha256
from math import sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from randomisation.stream import (
    BadProbabilities,
    BadSeed,
    choose,
    commitment,
    design_digest,
    draw,
    key,
    stratum_text,
    words,
)

SEED = bytes(range(32))
KEY = key(SEED, "demo", "site1;sex=F")
HALF = Fraction(1, 2)

names = st.text("aé|;=%7C", max_size=4)
strata = st.dictionaries(names, names, max_size=3)


# The vector was computed once with Python's hmac and hashlib and is part of the definition of
# version 1 of the stream.
def test_the_published_vector_is_reproduced():
    assert KEY.hex() == "8821c0512e70ff72453c63e0e02bd207fab08a33f1783c17284198102749a21a"
    assert [draw(KEY, index) for index in range(4)] == [
        17746228553672374972,
        16411716623714810352,
        2960449091122030909,
        15051670848141128559,
    ]
    assert commitment(SEED) == "bdff57d31e17cc1a203334ed4d483e24e21d866a37561a7c9c12adcbeb4aeeea"


def test_another_seed_design_or_stratum_is_another_stream():
    others = [
        key(SEED[::-1], "demo", "s"),
        key(SEED, "other", "s"),
        key(SEED, "demo", "t"),
        key(SEED, "demo", "s"),
    ]
    assert len({draw(other, 0) for other in others}) == 4


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_of_another_length_is_refused(seed):
    with pytest.raises(BadSeed):
        commitment(seed)
    with pytest.raises(BadSeed):
        key(seed, "demo", "")


def test_separators_in_a_design_digest_are_refused():
    with pytest.raises(ValueError, match=r"no \|"):
        key(SEED, "demo|stratum=a", "b")


def test_strata_are_written_in_order_of_factor_with_separators_escaped():
    assert stratum_text({"site": "c01", "sex": "f"}) == "sex=f;site=c01"
    assert stratum_text({"a|b": "c"}) == "a%7Cb=c"
    assert stratum_text({}) == ""


def test_a_plan_has_another_digest_under_every_seed_and_every_plan_its_own():
    digests = [
        design_digest(seed, plan)
        for seed in (SEED, SEED[::-1])
        for plan in (b"{}", b'{"block_sizes":[4]}')
    ]
    assert len(set(digests)) == 4
    salt = hmac.digest(SEED, b"rand/v1|design-salt", "sha256")
    assert digests[0] == hmac.digest(salt, b"{}", "sha256").hex()


@given(strata, strata)
def test_two_strata_never_share_a_text(one, other):
    assert (stratum_text(one) == stratum_text(other)) == (one == other)


@given(strata, st.randoms())
def test_the_order_of_the_factors_does_not_matter(levels, random):
    items = list(levels.items())
    random.shuffle(items)
    assert stratum_text(dict(items)) == stratum_text(levels)


def test_a_draw_is_cut_at_the_cumulated_probabilities_in_order_of_arm_code():
    # Draws 0 to 3 of the vector are .962, .890, .160 and .816 of 2^64.
    thirds = {"b": Fraction(1, 3), "a": Fraction(1, 3), "c": Fraction(1, 3)}
    assert [choose(thirds, KEY, index) for index in range(4)] == ["c", "c", "a", "c"]
    quarters = {"a": Fraction(7, 8), "b": Fraction(1, 8)}
    assert [choose(quarters, KEY, index) for index in range(4)] == ["b", "b", "a", "a"]


def test_the_order_of_the_mapping_does_not_matter():
    shares = {"x": Fraction(1, 6), "y": Fraction(1, 3), "z": HALF}
    turned = dict(reversed(shares.items()))
    assert [choose(turned, KEY, index) for index in range(50)] == [
        choose(shares, KEY, index) for index in range(50)
    ]


def test_a_forced_step_is_forced():
    assert {choose({"a": Fraction(0), "b": Fraction(1)}, KEY, index) for index in range(50)} == {
        "b"
    }


@pytest.mark.parametrize(
    "shares", [{"a": HALF}, {"a": Fraction(3, 2), "b": -HALF}, {"a": 0.1, "b": 0.2, "c": 0.7}]
)
def test_what_is_no_distribution_is_refused(shares):
    with pytest.raises(BadProbabilities):
        choose(shares, KEY, 0)


def test_a_rejected_draw_continues_in_the_sub_stream_of_its_own_index():
    # With a total just above 2^63 only numbers below it are kept: about half of the first words are
    # rejected.
    total = 2**63 + 1
    shares = {"a": Fraction(2**62, total), "b": Fraction(total - 2**62, total)}

    def by_hand(index):
        accepted = next(word for word in words(KEY, index) if word < total)
        return "a" if accepted < 2**62 else "b"

    assert [choose(shares, KEY, index) for index in range(200)] == [
        by_hand(index) for index in range(200)
    ]
    rejected = [index for index in range(200) if draw(KEY, index) >= total]
    assert 70 < len(rejected) < 130  # 100 expected, SD 7


def test_the_words_of_an_index_are_defined_by_it_and_their_number():
    source = words(KEY, 5)
    next(source)
    message = (5).to_bytes(8) + (1).to_bytes(8)
    assert next(source) == int.from_bytes(hmac.new(KEY, message, sha256).digest()[:8])


def test_a_total_beyond_one_word_takes_two():
    total = 2**64 + 2
    shares = {
        "a": Fraction(1, total),
        "b": Fraction(total // 2, total),
        "c": Fraction(total // 2 - 1, total),
    }

    def by_hand(index):
        source = words(KEY, index)
        share = 2**128 // total
        while True:
            number = (next(source) << 64 | next(source)) // share
            if number < total:
                return "a" if number < 1 else "b" if number < 1 + total // 2 else "c"

    assert [choose(shares, KEY, index) for index in range(100)] == [
        by_hand(index) for index in range(100)
    ]


@given(st.lists(st.integers(0, 2**70), min_size=1, max_size=5), st.integers(0, 2**40))
def test_only_an_arm_with_a_chance_is_chosen(weights, index):
    assume(sum(weights))
    shares = {
        f"arm{number}": Fraction(weight, sum(weights)) for number, weight in enumerate(weights)
    }
    assert shares[choose(shares, KEY, index)] > 0


def test_shares_come_out_as_asked():
    shares = {"a": Fraction(1, 6), "b": Fraction(1, 3), "c": HALF}
    counts = Counter(choose(shares, KEY, index) for index in range(6000))
    errors = {
        arm: (counts[arm] - 6000 * share) / sqrt(6000 * share * (1 - share))
        for arm, share in shares.items()
    }
    assert {arm: error for arm, error in errors.items() if abs(error) > 4.5} == {}
