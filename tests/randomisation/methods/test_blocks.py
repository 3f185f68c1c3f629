from collections import Counter, defaultdict
from fractions import Fraction
from itertools import permutations, product
from math import factorial, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import ImpossibleHistory, build

from .laws import PAIR, PLANS, TRIO, TWO_TO_ONE, errors_in, law, law_of_arms, walks

RATIOS = [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 1}]


def blocks(ratio, *sizes):
    return build({"method": "permuted_blocks", "ratio": ratio, "block_sizes": list(sizes)})


def rules_for(ratio):
    unit = sum(ratio.values())
    sizes = [
        (unit,),
        (2 * unit,),
        (unit, 2 * unit),
        (2 * unit, 3 * unit),
        (unit, 2 * unit, 3 * unit),
    ]
    return [blocks(ratio, *chosen) for chosen in sizes]


RULES = [rule for ratio in RATIOS for rule in rules_for(ratio)]


def law_of_blocks(ratio, sizes, n):
    """The same by brute force: every choice of sizes, every order within each block."""
    found = defaultdict(Fraction)

    def extend(begun, chance):
        if len(begun) >= n:
            found[begun[:n]] += chance
            return
        for size in sizes:
            content = [
                arm
                for arm, share in ratio.items()
                for _ in range(share * size // sum(ratio.values()))
            ]
            orders = set(permutations(content))
            for order in orders:
                extend(begun + order, chance / len(sizes) / len(orders))

    extend((), Fraction(1))
    return dict(found)


@pytest.mark.parametrize("multiple", [1, 2, 3])
@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_one_size_is_the_textbook_rule(ratio, multiple):
    size = multiple * sum(ratio.values())
    rule = blocks(ratio, size)
    generator = np.random.default_rng(1)
    for history in rule.sequences(2 * size, 20, generator):
        names = [list(ratio)[number] for number in history]
        for length in range(2 * size):
            position = length % size
            counts = Counter(names[length - position : length])
            expected = {
                arm: Fraction(multiple * share - counts[arm], size - position)
                for arm, share in ratio.items()
            }
            assert rule.probabilities(names[:length]) == expected


@pytest.mark.parametrize(
    ("ratio", "sizes", "n"),
    [
        ({"a": 1, "b": 1}, (2, 4), 8),
        ({"a": 1, "b": 1}, (2, 4, 6), 7),
        ({"a": 2, "b": 1}, (3, 6), 8),
        ({"a": 1, "b": 1, "c": 1}, (3, 6), 5),
    ],
)
def test_several_sizes_are_the_exact_mixture(ratio, sizes, n):
    assert law(blocks(ratio, *sizes), n) == law_of_blocks(ratio, sizes, n)


def test_a_mixture_by_hand():
    # Sizes 2 and 4, after a: a block of 2 leaves b only, a block of 4 leaves a, b, b; both started
    # alike (1/2). P(b) = 1/2 * 1 + 1/2 * 2/3 = 5/6. After a, a only the block of 4 is left: b is
    # certain.
    rule = blocks({"a": 1, "b": 1}, 2, 4)
    assert rule.probabilities(["a"]) == {"a": Fraction(1, 6), "b": Fraction(5, 6)}
    assert rule.probabilities(["a", "a"]) == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if len(getattr(rule, "block_sizes", ())) == 1], ids=repr
)
def test_a_complete_block_holds_the_ratio(rule):
    (size,) = rule.block_sizes
    generator = np.random.default_rng(2)
    counts = [np.bincount(row).tolist() for row in rule.sequences(size, 50, generator)]
    assert (
        counts == [[share * size // sum(rule.ratio.values()) for share in rule.ratio.values()]] * 50
    )


# Shares of correct guesses of the arm with fewer so far: 1 - a fair coin at a tie. Closed form for
# a block of 2m, (m + 2^(2m-1) / C(2m, m) - 1/2) / 2m: 3/4 for 2, 17/24 for 4, 41/60 for 6 (the
# strategy is Blackwell and Hodges 1957).
@pytest.mark.parametrize(
    ("size", "published"), [(2, Fraction(3, 4)), (4, Fraction(17, 24)), (6, Fraction(41, 60))]
)
def test_predictability_is_the_published_one(size, published):
    rule = blocks({"a": 1, "b": 1}, size)
    correct = Fraction(0)
    for length in range(size):
        for history, chance in law(rule, length).items():
            shares, counts = rule.probabilities(history), Counter(history)
            guess = min(rule.ratio, key=lambda arm: counts[arm])
            tie = counts["a"] == counts["b"]
            correct += chance * (Fraction(1, 2) if tie else shares[guess])
    assert correct / size == published


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_simulated_sequences_follow_the_same_law(rule):
    assert (
        errors_in(rule.sequences(4, 10_000, np.random.default_rng(3)), law_of_arms(rule, 4)) == {}
    )


def slow(rule, history):
    """The mixture again from the very first allocation, with no short cut: how likely it is that
    the first i allocations came as they did and ended a block, and then every block that may be
    open.
    """
    ratio, n = rule.ratio, len(history)
    total = sum(weight for _, weight in rule.sizes)

    def content(size):
        return {arm: share * size // sum(ratio.values()) for arm, share in ratio.items()}

    def orders(counts):
        return factorial(sum(counts.values())) // prod(factorial(each) for each in counts.values())

    def left(start, end, size):
        return {arm: held - history[start:end].count(arm) for arm, held in content(size).items()}

    ended = [Fraction(1)] + [Fraction(0)] * n
    answer = dict.fromkeys(ratio, Fraction(0))
    for start in range(n + 1):
        for size, weight in rule.sizes if ended[start] else ():
            chance = ended[start] * Fraction(weight, total) / orders(content(size))
            remaining = left(start, min(start + size, n), size)
            if start + size <= n:
                ended[start + size] += chance * (not any(remaining.values()))
            elif min(remaining.values()) >= 0:
                for arm, count in remaining.items():
                    answer[arm] += (
                        chance * orders(remaining) * Fraction(count, sum(remaining.values()))
                    )
    return {arm: share / sum(answer.values()) for arm, share in answer.items()}


@settings(max_examples=25)
@given(walks(PLANS["permuted_blocks"], most=30))
def test_the_fast_mixture_is_the_slow_one(walk):
    plan, history, _ = walk
    rule = build(plan)
    assert rule.probabilities(history) == slow(rule, history)


LONG = [
    build({"method": "permuted_blocks", "ratio": ratio, "block_sizes": sizes})
    for ratio, sizes in [
        (PAIR, [4, 6]),
        (PAIR, {2: 1, 4: 5, 8: 2}),
        (TWO_TO_ONE, {3: 1, 6: 3}),
        (TRIO, [3, 6, 9]),
        ({"a": 3, "b": 1, "c": 2}, [6, 18]),
    ]
]


@pytest.mark.parametrize("rule", LONG, ids=repr)
def test_the_mixture_after_a_long_history_is_the_slow_one(rule):
    names = list(rule.ratio)
    for number, row in enumerate(rule.sequences(600, 6, np.random.default_rng(4)).tolist()):
        history = [names[arm] for arm in row][: 600 - number]
        assert rule.probabilities(history) == slow(rule, history)


def test_the_mixture_after_ten_thousand_is_the_slow_one():
    rule = LONG[0]
    (row,) = rule.sequences(10_000, 1, np.random.default_rng(4)).tolist()
    history = ["ab"[arm] for arm in row]
    assert rule.probabilities(history) == slow(rule, history)


@pytest.mark.parametrize("rule", LONG, ids=repr)
@settings(max_examples=25)
@given(st.data())
def test_what_came_before_a_place_where_a_block_must_have_ended_does_not_matter(rule, data):
    """Of a block of the largest size with its arms one after the other nothing but that block can
    be made.
    """
    largest = max(rule.block_sizes)
    content = [
        arm
        for arm, share in rule.ratio.items()
        for _ in range(share * largest // sum(rule.ratio.values()))
    ]
    beginning = content * data.draw(st.integers(1, 3))
    tail = data.draw(
        st.lists(st.sampled_from(sorted(rule.ratio)), max_size=min(rule.block_sizes) + 2)
    )
    try:
        expected = rule.probabilities(tail)
    except ImpossibleHistory:
        with pytest.raises(ImpossibleHistory):
            rule.probabilities(beginning + tail)
    else:
        assert rule.probabilities(beginning + tail) == expected


def test_a_mixture_by_weight_by_hand():
    # As below, but a block of 4 is three times as likely: P(b) = (1/4 * 1/2 * 1 + 3/4 * 1/2 * 2/3)
    # / (1/2) = 3/4.
    rule = build({"method": "permuted_blocks", "ratio": PAIR, "block_sizes": {2: 1, 4: 3}})
    assert rule.probabilities(["a"]) == {"a": Fraction(1, 4), "b": Fraction(3, 4)}


def test_a_simulation_draws_sizes_by_their_weight():
    rule = build({"method": "permuted_blocks", "ratio": PAIR, "block_sizes": {2: 1, 4: 3}})
    assert (
        errors_in(rule.sequences(7, 20_000, np.random.default_rng(8)), law_of_arms(rule, 7)) == {}
    )


def test_blocks_too_large_to_list_every_order_are_shuffled():
    rule = blocks(PAIR, 20)  # 184,756 orders
    drawn = rule.sequences(20, 20_000, np.random.default_rng(9))
    assert set(drawn.sum(axis=1).tolist()) == {10}
    # Each place holds b half the time: SD of the share over 20,000 draws is .0035; 4.5 of them is
    # .016.
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 0.016
    # Two places agree with chance 9/19.
    assert abs((drawn[:, 0] == drawn[:, 19]).mean() - 9 / 19) < 0.016


@pytest.mark.parametrize(
    "rule",
    [blocks({"a": 1, "b": 1}, 2), blocks({"a": 1, "b": 1}, 2, 4)],
    ids=["one size", "two sizes"],
)
def test_a_history_that_no_blocks_can_hold_is_refused(rule):
    with pytest.raises(ImpossibleHistory):
        rule.probabilities(["a", "a", "a"])


def test_all_orders_of_a_block_are_equally_likely():
    chances = law(blocks({"a": 1, "b": 1}, 4), 4)
    balanced = [order for order in product("ab", repeat=4) if order.count("a") == 2]
    assert chances == dict.fromkeys(balanced, Fraction(1, 6))
