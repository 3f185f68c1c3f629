import json
from fractions import Fraction

import pytest

from randomisation.methods import (
    AcknowledgementMissing,
    BadParameter,
    FakeArms,
    PermutedBlocks,
    UnknownMethod,
    build,
)
from randomisation.methods.coins import CoinA, CoinB, CoinC

from .laws import KNOWN, PAIR, TRIO, TWO_TO_ONE

SOUND = {
    "complete": {"ratio": PAIR},
    "random_allocation": {"ratio": PAIR, "n": 8},
    "permuted_blocks": {"ratio": PAIR, "block_sizes": [4]},
    "block_urn": {"ratio": PAIR, "limit": 2},
    "big_stick": {"ratio": PAIR, "tolerance": 3},
    "efron": {"ratio": PAIR, "p": "2/3"},
    "chen": {"ratio": PAIR, "p": "2/3", "tolerance": 3},
    "wei": {"ratio": PAIR, "a": 0, "b": 1},
    "smith": {"ratio": PAIR, "rho": 5},
    "maximal": {"ratio": PAIR, "n": 8, "tolerance": 2},
    "minimisation": {"ratio": PAIR, "factors": ["site"], "p": "0.8"},
    "hu_hu": {
        "ratio": PAIR,
        "factors": ["site"],
        "weights": {"overall": 1, "site": "0.5"},
        "p": "0.8",
    },
    "hierarchical": {"ratio": PAIR, "factors": ["site"], "limits": [{"level": "site", "limit": 2}]},
}
PARAMETERS = {
    "complete": "ratio",
    "random_allocation": "ratio, n",
    "permuted_blocks": "ratio, block_sizes",
    "block_urn": "ratio, limit",
    "big_stick": "ratio, tolerance",
    "efron": "ratio, p",
    "chen": "ratio, p, tolerance",
    "wei": "ratio, a, b",
    "smith": "ratio, rho",
    "maximal": "ratio, n, tolerance",
    "minimisation": "ratio, factors, distance, p, q, t, ties, unequal",
    "hu_hu": "ratio, weights, p, factors",
    "hierarchical": "ratio, limits, factors, p",
}


def plan(method, **changes):
    """A sound plan with changes; what is None is left out."""
    changed = {"method": method, **SOUND[method], **changes}
    return {name: value for name, value in changed.items() if value is not None}


def complaint(given):
    with pytest.raises(BadParameter) as caught:
        build(given)
    return str(caught.value)


@pytest.mark.parametrize("method", SOUND)
def test_a_sound_plan_gives_a_rule_of_its_ratio(method):
    assert build(plan(method)).ratio == PAIR


@pytest.mark.parametrize("method", ["coin", "", None, 3, ["complete"], {}], ids=repr)
def test_an_unknown_method_is_refused(method):
    with pytest.raises(UnknownMethod) as caught:
        build({"method": method, "ratio": PAIR})
    assert str(caught.value) == f"{method!r} is not a method; use one of {', '.join(SOUND)}"


@pytest.mark.parametrize("method", SOUND)
def test_a_parameter_that_the_method_does_not_know_is_named_with_those_that_it_takes(method):
    given = plan(method, colour="red", sizes=[4])
    assert (
        complaint(given)
        == f"{method} has no parameter colour, sizes; it takes {PARAMETERS[method]}"
    )


@pytest.mark.parametrize(
    ("method", "needed"),
    [
        *[
            (method, PARAMETERS[method])
            for method in SOUND
            if method not in {"minimisation", "hu_hu", "hierarchical"}
        ],
        ("minimisation", "ratio, factors"),
        ("hu_hu", "ratio, weights, p"),
        ("hierarchical", "ratio, limits"),
    ],
)
def test_missing_parameters_are_named(method, needed):
    assert complaint({"method": method}) == f"{method} needs {needed}"


def test_of_a_plan_the_strata_the_unit_and_what_people_said_are_no_parameters():
    beside = {
        "strata": ["site"],
        "cluster": "guide",
        "chosen_here": "yes",
        "justification": "-",
        "acknowledged": "-",
    }
    assert build({**plan("permuted_blocks"), **beside}) == PermutedBlocks(PAIR, ((4, 1),))


# Parameters of one kind, wherever they are: whole numbers, fractions, pairs
# ------------------------------------------

WHOLE = [
    ("random_allocation", "n", 1),
    ("block_urn", "limit", 1),
    ("big_stick", "tolerance", 1),
    ("chen", "tolerance", 1),
    ("wei", "a", 0),
    ("wei", "b", 0),
    ("smith", "rho", 1),
    ("maximal", "n", 1),
    ("maximal", "tolerance", 1),
]


@pytest.mark.parametrize(("method", "name", "least"), WHOLE)
def test_a_whole_number_is_asked_for(method, name, least):
    values = [2.0, -1, "2.0", "x", True, [2], Fraction(2)]
    expected = [f"{name} is a whole number of at least {least}, not {value!r}" for value in values]
    assert [complaint(plan(method, **{name: value})) for value in values] == expected


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, name, least in WHOLE if least]
)
def test_zero_is_too_few(method, name):
    assert complaint(plan(method, **{name: 0})) == f"{name} is a whole number of at least 1, not 0"


@pytest.mark.parametrize("method", ["efron", "chen", "minimisation", "hu_hu", "hierarchical"])
@pytest.mark.parametrize("value", [0.8, 1.0, True, None, ["0.8"]], ids=repr)
def test_a_chance_is_never_a_float(method, value):
    given = {**plan(method), "p": value}
    if value is None and method == "minimisation":
        assert (
            complaint(given)
            == "minimisation takes exactly one of p (coin a), q (coin b), t (coin c)"
        )
    else:
        assert (
            complaint(given)
            == f"p is a fraction or a decimal as text, such as 4/5 or 0.8, not {value!r}"
        )


@pytest.mark.parametrize("method", ["efron", "chen", "minimisation", "hu_hu", "hierarchical"])
@pytest.mark.parametrize("value", ["x", "1/0", "", "nan", "inf"])
def test_a_chance_as_text_is_a_number(method, value):
    assert (
        complaint(plan(method, p=value))
        == f"p is a fraction or a decimal, such as 4/5 or 0.8, not {value!r}"
    )


@pytest.mark.parametrize("method", ["efron", "chen", "minimisation", "hu_hu", "hierarchical"])
def test_decimals_and_fractions_as_text_are_the_same_exact_number(method):
    rules = [build(plan(method, p=p)) for p in ("0.8", "4/5", "80e-2", Fraction(4, 5), "0.80")]
    assert rules == [rules[0]] * 5


@pytest.mark.parametrize("value", ["1/2", "0", "-0.8", "1.01"])
@pytest.mark.parametrize("method", ["minimisation", "hu_hu", "hierarchical"])
def test_a_coin_favours_the_arm_behind_and_may_be_certain(method, value):
    assert complaint(plan(method, p=value)) == f"p is above 1/2 and at most 1, not {value!r}"


@pytest.mark.parametrize("value", ["1/2", "1", "0"])
@pytest.mark.parametrize("method", ["efron", "chen"])
def test_a_biased_coin_favours_the_arm_behind_and_is_never_certain(method, value):
    assert complaint(plan(method, p=value)) == f"p is above 1/2 and below 1, not {value!r}"


@pytest.mark.parametrize("ratio", [TWO_TO_ONE, TRIO], ids=str)
@pytest.mark.parametrize(
    "method", ["big_stick", "efron", "chen", "smith", "maximal", "hu_hu", "hierarchical"]
)
def test_a_rule_for_two_arms_1_1_is_refused_for_others(method, ratio):
    shares = ":".join(map(str, ratio.values()))
    assert complaint(plan(method, ratio=ratio)) == f"{method} is for two arms 1:1; this is {shares}"


@pytest.mark.parametrize(
    "method", ["big_stick", "efron", "chen", "smith", "maximal", "hu_hu", "hierarchical"]
)
def test_equal_shares_are_1_1_however_written(method):
    assert build(plan(method, ratio={"a": 2, "b": "2"})).ratio == {"a": 2, "b": 2}


@pytest.mark.parametrize(
    ("ratio", "message"),
    [
        ({"a": 1}, "ratio gives a share to each of at least two arms"),
        ({}, "ratio gives a share to each of at least two arms"),
        ("1:1", "ratio gives a share to each of at least two arms"),
        (["a", "b"], "ratio gives a share to each of at least two arms"),
        ({"a": 1.0, "b": 1}, "the share of a is a whole number of at least 1, not 1.0"),
        ({"a": 1, "b": 0}, "the share of b is a whole number of at least 1, not 0"),
        ({"a": True, "b": 1}, "the share of a is a whole number of at least 1, not True"),
        ({"a": "1.5", "b": 1}, "the share of a is a whole number of at least 1, not '1.5'"),
    ],
)
def test_a_ratio_gives_whole_shares_whatever_the_method(ratio, message):
    assert {method: complaint(plan(method, ratio=ratio)) for method in SOUND} == dict.fromkeys(
        SOUND, message
    )


# What single methods ask
# ---------------------------------------------------------------------------------------------

LEVEL = "a level of limits is one of overall, stratum, site, not "
PARTS = "limits is a list of levels in order, each with its level and its limit"


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        ("random_allocation", {"n": 7}, "n is a multiple of 2, so that the list holds the ratio"),
        (
            "random_allocation",
            {"ratio": TWO_TO_ONE},
            "n is a multiple of 3, so that the list holds the ratio",
        ),
        ("maximal", {"n": 7}, "n is a multiple of 2, so that the list holds the ratio"),
        ("permuted_blocks", {"block_sizes": []}, "block_sizes is a list of at least one size"),
        ("permuted_blocks", {"block_sizes": {}}, "block_sizes is a list of at least one size"),
        ("permuted_blocks", {"block_sizes": "12"}, "block_sizes is a list of at least one size"),
        ("permuted_blocks", {"block_sizes": 4}, "block_sizes is a list of at least one size"),
        ("permuted_blocks", {"block_sizes": [4, 4]}, "a block size is given more than once"),
        ("permuted_blocks", {"block_sizes": [4, "4"]}, "a block size is given more than once"),
        (
            "permuted_blocks",
            {"block_sizes": [4, 5]},
            "a block holds the ratio: its size is a multiple of 2",
        ),
        (
            "permuted_blocks",
            {"block_sizes": [4.0]},
            "a block size is a whole number of at least 1, not 4.0",
        ),
        (
            "permuted_blocks",
            {"block_sizes": {4: 0}},
            "the weight of a size is a whole number of at least 1, not 0",
        ),
        (
            "permuted_blocks",
            {"block_sizes": {4: 0.5}},
            "the weight of a size is a whole number of at least 1, not 0.5",
        ),
        ("wei", {"a": 0, "b": 0}, "a and b are not both 0"),
        ("wei", {"ratio": TWO_TO_ONE}, "wei is for arms of equal shares; this is 2:1"),
        ("minimisation", {"factors": []}, "factors names at least one factor"),
        ("minimisation", {"factors": {}}, "factors names at least one factor"),
        ("minimisation", {"factors": "site"}, "factors names at least one factor"),
        ("minimisation", {"factors": ["site", "site"]}, "factors names a factor more than once"),
        (
            "minimisation",
            {"factors": {"site": "-1"}},
            "the weight of site is not negative, as '-1' is",
        ),
        (
            "minimisation",
            {"factors": {"site": "0", "sex": 0}},
            "factors has at least one weight above 0",
        ),
        (
            "minimisation",
            {"factors": {"site": 0.3}},
            "the weight of site is a fraction or a decimal as text, such as 4/5 or 0.8, not 0.3",
        ),
        (
            "minimisation",
            {"factors": {"site": "0.12345671", "sex": "1"}},
            "as whole numbers in the same proportion factors go beyond 1,000,000: write them with "
            "fewer digits",
        ),
        (
            "hu_hu",
            {"weights": {"overall": "1/1000001", "site": "1"}},
            "as whole numbers in the same proportion weights go beyond 1,000,000: write them with "
            "fewer digits",
        ),
        (
            "minimisation",
            {"distance": "mean"},
            "distance is one of range, variance, sd, not 'mean'",
        ),
        ("minimisation", {"ties": "first"}, "ties is one of average, ratio, not 'first'"),
        (
            "minimisation",
            {"unequal": "fair"},
            "unequal is one of fake-arms, han, naive, not 'fair'",
        ),
        (
            "minimisation",
            {"p": None},
            "minimisation takes exactly one of p (coin a), q (coin b), t (coin c)",
        ),
        (
            "minimisation",
            {"q": "0.8"},
            "minimisation takes exactly one of p (coin a), q (coin b), t (coin c)",
        ),
        ("minimisation", {"p": None, "q": "1/2"}, "q is above 1/2 and below 2, not '1/2'"),
        ("minimisation", {"p": None, "q": "2"}, "q is above 1/2 and below 2, not '2'"),
        (
            "minimisation",
            {"p": None, "q": "1", "ratio": TRIO},
            "q is above 1/3 and below 1, not '1'",
        ),
        ("minimisation", {"p": None, "t": "0"}, "t is above 0 and at most 1, not '0'"),
        ("minimisation", {"p": None, "t": "1.1"}, "t is above 0 and at most 1, not '1.1'"),
        ("minimisation", {"p": "1/3", "ratio": TRIO}, "p is above 1/3 and at most 1, not '1/3'"),
        (
            "minimisation",
            {"p": None, "t": "0.5", "distance": "sd"},
            "coin c (t) goes with range or variance: a standard deviation ranks arms, and no more",
        ),
        (
            "minimisation",
            {"ratio": TWO_TO_ONE},
            "an unequal ratio needs `unequal`: fake-arms, which keeps the ratio at every step",
        ),
        (
            "minimisation",
            {"ratio": TWO_TO_ONE, "unequal": "best"},
            "unequal is one of fake-arms, han, naive, not 'best'",
        ),
        (
            "minimisation",
            {"ratio": TWO_TO_ONE, "unequal": "han", "p": None, "q": "1"},
            "han goes with coin a: give p",
        ),
        (
            "minimisation",
            {"p": 1},
            "p = 1, or t = 1 of two arms, leaves nothing to chance; use less, or give its "
            "`justification`",
        ),
        (
            "hu_hu",
            {"p": "1"},
            "p = 1, or t = 1 of two arms, leaves nothing to chance; use less, or give its "
            "`justification`",
        ),
        (
            "hu_hu",
            {"weights": ["overall"]},
            "weights gives a weight to overall, stratum and factors",
        ),
        ("hu_hu", {"weights": {}}, "weights has at least one weight above 0"),
        ("hu_hu", {"weights": {"overall": 0}}, "weights has at least one weight above 0"),
        (
            "hu_hu",
            {"weights": {"sex": 1}},
            "a name in weights is one of overall, stratum, site, not 'sex'",
        ),
        ("hu_hu", {"weights": {"site": "-1"}}, "the weight of site is not negative, as '-1' is"),
        ("hu_hu", {"factors": ["overall"]}, "a factor cannot be called overall or stratum"),
        ("hierarchical", {"factors": ["stratum"]}, "a factor cannot be called overall or stratum"),
        ("hierarchical", {"limits": []}, PARTS),
        ("hierarchical", {"limits": "site"}, PARTS),
        ("hierarchical", {"limits": {"site": 2}}, PARTS),
        ("hierarchical", {"limits": [{"level": "site", "limit": 2}, {"level": "overall"}]}, PARTS),
        ("hierarchical", {"limits": [{"level": "site", "limit": 2}, "overall"]}, PARTS),
        ("hierarchical", {"limits": [{"level": "site", "limmit": 2}]}, PARTS),
        ("hierarchical", {"limits": [{"level": "site", "limit": 2, "p": "0.8"}]}, PARTS),
        ("hierarchical", {"limits": [{"level": "sex", "limit": 2}]}, LEVEL + "'sex'"),
        (
            "hierarchical",
            {"limits": [{"level": "site", "limit": 0}]},
            "the limit of site is a whole number of at least 1, not 0",
        ),
        (
            "hierarchical",
            {"limits": [{"level": "site", "limit": 2}] * 2},
            "limits names a level more than once",
        ),
    ],
)
def test_a_bad_parameter_is_named(method, changes, message):
    assert complaint(plan(method, **changes)) == message


# A coin of fake arms has as many sides as there are fake arms: the parts of the ratio in its
# smallest whole numbers.
@pytest.mark.parametrize(
    ("ratio", "coin", "refused", "message"),
    [
        ({"a": 3, "b": 2}, "p", "1/5", "p is above 1/5 and at most 1, not '1/5'"),
        ({"a": 6, "b": 4}, "p", "1/5", "p is above 1/5 and at most 1, not '1/5'"),
        ({"a": 3, "b": 2}, "q", "1/2", "q is above 1/5 and below 1/2, not '1/2'"),
        ({"a": 2, "b": 1}, "q", "1", "q is above 1/3 and below 1, not '1'"),
    ],
)
def test_the_coin_of_fake_arms_is_limited_by_their_number(ratio, coin, refused, message):
    given = plan("minimisation", ratio=ratio, unequal="fake-arms", p=None)
    assert complaint({**given, coin: refused}) == message
    rule = build(
        {**given, coin: str(Fraction(refused) * Fraction(99, 100)) if coin == "q" else "21/100"}
    )
    chances = rule.lot_probabilities(
        [("a/1", {"site": "x"}), ("b/1", {"site": "x"})], {"site": "x"}
    )
    assert min(chances.values()) > 0


# What may not be used unawares
# -------------------------------------------------------------------------------------

BIASED = {
    "block_urn 2:1": plan("block_urn", ratio=TWO_TO_ONE),
    "minimisation 2:1": plan("minimisation", ratio=TWO_TO_ONE, unequal="naive"),
    "minimisation 1:2:3": plan("minimisation", ratio={"a": 1, "b": 2, "c": 3}, unequal="han"),
}


@pytest.mark.parametrize("name", BIASED)
@pytest.mark.parametrize("said", [None, "", "  ", False], ids=repr)
def test_a_rule_that_does_not_keep_the_ratio_needs_an_acknowledgement(name, said):
    method, ratio = name.split()
    with pytest.raises(AcknowledgementMissing) as caught:
        build({**BIASED[name], "acknowledged": said})
    assert str(caught.value) == (
        f"{method} does not keep the ratio {ratio} at every step, which biases the comparison; use "
        f"another method, or say "
        "under `acknowledged` why this one is used"
    )


@pytest.mark.parametrize("name", BIASED)
def test_with_an_acknowledgement_it_is_built_and_says_so(name):
    assert build({**BIASED[name], "acknowledged": KNOWN}).keeps_ratio is False


@pytest.mark.parametrize(
    "given",
    [
        plan("minimisation", p="1"),
        plan("hu_hu", p=1),
        plan("minimisation", ratio=TWO_TO_ONE, unequal="fake-arms", p=1),
    ],
    ids=["minimisation", "hu_hu", "fake arms"],
)
@pytest.mark.parametrize("said", [None, "", " "], ids=repr)
def test_certainty_needs_a_justification(given, said):
    expected = (
        "p = 1, or t = 1 of two arms, leaves nothing to chance; use less, or give its "
        "`justification`"
    )
    assert complaint({**given, "justification": said}) == expected
    assert build({**given, "justification": "agreed with the regulator"}).ratio == given["ratio"]


# What is read
# ----------------------------------------------------------------------------------------------------------  # noqa: E501


def test_whole_numbers_may_arrive_as_text():
    given = plan("permuted_blocks", ratio={"a": "2", "b": "1"}, block_sizes=["6", "3"])
    assert build(given) == PermutedBlocks(TWO_TO_ONE, ((3, 1), (6, 1)))


def test_block_sizes_may_have_weights():
    given = plan("permuted_blocks", block_sizes={"6": 1, 4: "2"})
    assert build(given) == PermutedBlocks(PAIR, ((4, 2), (6, 1)))


@pytest.mark.parametrize("method", SOUND)
def test_a_plan_that_was_stored_gives_the_same_rule(method):
    """A store may sort keys, as the digest of a design does: two plans of one digest have one
    rule.
    """
    given = plan(method)
    stored = json.loads(json.dumps(given, sort_keys=True))
    assert build(stored) == build(given)


def test_factors_without_weights_weigh_alike_and_names_need_not_be_text():
    assert build(plan("minimisation", factors=["b", "a"])) == build(
        plan("minimisation", factors={"a": 1, "b": "1.0"})
    )
    assert build(plan("minimisation", factors={1: "2"})).factors == ("1",)


@pytest.mark.parametrize(
    ("coin", "expected"),
    [
        ({"p": "0.8"}, CoinA(Fraction(4, 5))),
        ({"q": "1.9"}, CoinB(Fraction(19, 10))),
        ({"t": "0.5"}, CoinC(Fraction(1, 2))),
    ],
)
def test_the_coin_is_told_by_its_letter(coin, expected):
    assert build(plan("minimisation", **({"p": None} | coin))).coin == expected


def test_what_is_drawn_of_fake_arms_is_numbered_within_each_arm():
    rule = build(plan("minimisation", ratio={"a": 4, "b": 2}, unequal="fake-arms"))
    assert isinstance(rule, FakeArms)
    assert rule.lots == ("a/1", "a/2", "b/1")
    assert [rule.arm(lot) for lot in rule.lots] == ["a", "a", "b"]


# With arms a and a/1 a history that holds a/1 could mean the arm, or the first fake arm of a.
def test_an_arm_called_like_a_fake_arm_is_refused():
    given = plan("minimisation", ratio={"a": 2, "a/1": 1}, unequal="fake-arms")
    assert complaint(given) == "an arm cannot be called a/1, which is a fake arm of another"
