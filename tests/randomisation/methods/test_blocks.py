from collections import Counter, defaultdict
from fractions import Fraction
from itertools import permutations, product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation.methods import ImpossibleHistory, build, sequences

RATIOS = [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 1}]


def blocks(ratio, *sizes):
    return build({"method": "permuted_blocks", "ratio": ratio, "block_sizes": list(sizes)})


def rules_for(ratio):
    unit = sum(ratio.values())
    sizes = [(unit,), (2 * unit,), (unit, 2 * unit), (2 * unit, 3 * unit), (unit, 2 * unit, 3 * unit)]
    return [build({"method": "complete", "ratio": ratio}), *(blocks(ratio, *chosen) for chosen in sizes)]


RULES = [rule for ratio in RATIOS for rule in rules_for(ratio)]


def law(rule, n):
    """Every history of length n that can happen, with its probability: the product of its steps."""
    histories = {(): Fraction(1)}
    for _ in range(n):
        following = {}
        for history, chance in histories.items():
            for arm, step in rule.probabilities(history).items():
                if step:
                    following[*history, arm] = chance * step
        histories = following
    return histories


def law_of_blocks(ratio, sizes, n):
    """The same by brute force: every choice of sizes, every order within each block."""
    found = defaultdict(Fraction)

    def extend(begun, chance):
        if len(begun) >= n:
            found[begun[:n]] += chance
            return
        for size in sizes:
            content = [arm for arm, share in ratio.items() for _ in range(share * size // sum(ratio.values()))]
            orders = set(permutations(content))
            for order in orders:
                extend(begun + order, chance / len(sizes) / len(orders))

    extend((), Fraction(1))
    return dict(found)


@st.composite
def walks(draw):
    """A rule and a history it can produce."""
    rule = draw(st.sampled_from(RULES))
    history = []
    for _ in range(draw(st.integers(0, 14))):
        shares = rule.probabilities(history)
        history.append(draw(st.sampled_from([arm for arm, share in shares.items() if share])))
    return rule, history


@given(walks())
def test_probabilities_are_exact_fractions_that_sum_to_one_in_the_order_of_the_ratio(walk):
    rule, history = walk
    shares = rule.probabilities(history)
    assert list(shares) == list(rule.ratio)
    assert {type(share) for share in shares.values()} == {Fraction}
    assert min(shares.values()) >= 0
    assert sum(shares.values()) == 1
    assert rule.probabilities(tuple(history)) == shares


@given(walks(), st.randoms())
def test_renaming_the_arms_renames_the_answer(walk, random):
    rule, history = walk
    names = dict(zip(rule.ratio, random.sample("pqrstuvw", len(rule.ratio)), strict=True))
    turned = {names[arm]: share for arm, share in reversed(rule.ratio.items())}
    plan = {"method": "complete", "ratio": turned}
    if hasattr(rule, "block_sizes"):
        plan = {"method": "permuted_blocks", "ratio": turned, "block_sizes": rule.block_sizes}
    renamed = build(plan).probabilities([names[arm] for arm in history])
    assert renamed == {names[arm]: share for arm, share in rule.probabilities(history).items()}


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_ratio_is_kept_at_every_step(rule):
    total = sum(rule.ratio.values())
    steps = 8 if len(rule.ratio) == 2 else 6
    for length in range(steps):
        marginal = Counter()
        for history, chance in law(rule, length).items():
            for arm, share in rule.probabilities(history).items():
                marginal[arm] += chance * share
        assert marginal == {arm: Fraction(share, total) for arm, share in rule.ratio.items()}


@pytest.mark.parametrize("multiple", [1, 2, 3])
@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_one_size_is_the_textbook_rule(ratio, multiple):
    size = multiple * sum(ratio.values())
    rule = blocks(ratio, size)
    generator = np.random.default_rng(1)
    for history in sequences(rule, 2 * size, 20, generator):
        names = [list(ratio)[number] for number in history]
        for length in range(2 * size):
            position = length % size
            counts = Counter(names[length - position : length])
            expected = {arm: Fraction(multiple * share - counts[arm], size - position) for arm, share in ratio.items()}
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
    # Sizes 2 and 4, after a: a block of 2 leaves b only, a block of 4 leaves a, b, b; both started alike (1/2).
    # P(b) = 1/2 * 1 + 1/2 * 2/3 = 5/6. After a, a only the block of 4 is left: b is certain.
    rule = blocks({"a": 1, "b": 1}, 2, 4)
    assert rule.probabilities(["a"]) == {"a": Fraction(1, 6), "b": Fraction(5, 6)}
    assert rule.probabilities(["a", "a"]) == {"a": 0, "b": 1}


@pytest.mark.parametrize("rule", [rule for rule in RULES if len(getattr(rule, "block_sizes", ())) == 1], ids=repr)
def test_a_complete_block_holds_the_ratio(rule):
    (size,) = rule.block_sizes
    generator = np.random.default_rng(2)
    counts = [np.bincount(row).tolist() for row in sequences(rule, size, 50, generator)]
    assert counts == [[share * size // sum(rule.ratio.values()) for share in rule.ratio.values()]] * 50


# Shares of correct guesses of the arm with fewer so far: 1 - a fair coin at a tie. Closed form for a block of 2m,
# (m + 2^(2m-1) / C(2m, m) - 1/2) / 2m: 3/4 for 2, 17/24 for 4, 41/60 for 6 (the strategy is Blackwell and Hodges 1957).
@pytest.mark.parametrize(("size", "published"), [(2, Fraction(3, 4)), (4, Fraction(17, 24)), (6, Fraction(41, 60))])
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
    n, draws = 4, 20_000
    names = list(rule.ratio)
    drawn = sequences(rule, n, draws, np.random.default_rng(3))
    assert (drawn.shape, drawn.dtype) == ((draws, n), np.int64)
    counts = Counter(tuple(names[number] for number in row) for row in drawn.tolist())
    expected = law(rule, n)
    assert counts.keys() <= expected.keys()
    # 5 standard errors: about one false alarm in two million comparisons.
    errors = {
        history: (counts[history] - draws * chance) / sqrt(draws * chance * (1 - chance))
        for history, chance in expected.items()
    }
    assert {history: error for history, error in errors.items() if abs(error) > 5} == {}


@settings(max_examples=25)
@given(st.sampled_from(RULES), st.integers(0, 40), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_a_simulated_sequence_is_a_possible_history_and_reproducible(rule, n, draws, seed):
    drawn = sequences(rule, n, draws, np.random.default_rng(seed))
    assert np.array_equal(drawn, sequences(rule, n, draws, np.random.default_rng(seed)))
    assert drawn.shape == (draws, n)
    for row in drawn:
        assert sum(rule.probabilities([list(rule.ratio)[number] for number in row]).values()) == 1


def test_a_long_history_stays_exact():
    rule = blocks({"a": 1, "b": 1, "c": 1}, 3, 6)
    (row,) = sequences(rule, 400, 1, np.random.default_rng(4))
    assert sum(rule.probabilities(["abc"[number] for number in row]).values()) == 1


@pytest.mark.parametrize(
    "rule", [blocks({"a": 1, "b": 1}, 2), blocks({"a": 1, "b": 1}, 2, 4)], ids=["one size", "two sizes"]
)
def test_a_history_that_no_blocks_can_hold_is_refused(rule):
    with pytest.raises(ImpossibleHistory):
        rule.probabilities(["a", "a", "a"])


@pytest.mark.parametrize("rule", RULES[:3], ids=repr)
def test_an_unknown_arm_in_the_history_is_refused(rule):
    with pytest.raises(ImpossibleHistory, match=r"^not an arm of this design: z$"):
        rule.probabilities(["a", "z"])


def test_all_orders_of_a_block_are_equally_likely():
    chances = law(blocks({"a": 1, "b": 1}, 4), 4)
    balanced = [order for order in product("ab", repeat=4) if order.count("a") == 2]
    assert chances == dict.fromkeys(balanced, Fraction(1, 6))
