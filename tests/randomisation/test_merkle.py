"""Lists under one hash: every leaf can be shown with its path, and no other arm, position or salt
can.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation import merkle, methods, stream
from randomisation.methods.steps import stepping
from tests.randomisation import plans
from tests.randomisation.leaves import leads_to

SEED = bytes(range(32))
BIG_STICK = methods.build({"method": "big_stick", "ratio": {"a": 1, "b": 1}, "tolerance": 3})


def tree(strata, covered):
    every = merkle.in_order(merkle.slots(BIG_STICK, SEED, "demo", "start", strata, covered))
    return every, merkle.leaves(SEED, every)


trees = st.tuples(
    st.lists(st.text("ab=", max_size=3), min_size=1, max_size=4, unique=True),
    st.integers(1, 9),
    st.randoms(),
)


@given(trees)
def test_the_path_of_every_leaf_leads_to_the_root(shape):
    every, leaves = tree(*shape[:2])
    root = merkle.root(leaves)
    for index, slot in enumerate(every):
        assert leads_to(root, merkle.salt(SEED, slot), slot, merkle.path(leaves, index))


@given(trees)
def test_no_other_arm_place_salt_or_path_leads_there(shape):
    *given_shape, random = shape
    every, leaves = tree(*given_shape)
    root, index = merkle.root(leaves), random.randrange(len(leaves))
    slot, path = every[index], merkle.path(leaves, index)
    salt = merkle.salt(SEED, slot)
    others = [
        replace(slot, arm="ab".replace(slot.arm, "")),
        replace(slot, position=slot.position + 1),
        replace(slot, stratum=slot.stratum + "c"),
        replace(slot, point="stage"),
    ]
    assert [leads_to(root, salt, other, path) for other in others] == [False] * 4
    assert not leads_to(root, bytes(16), slot, path)
    assert not leads_to(root, salt, slot, (*path, merkle.Step("left", leaves[0].hex())))
    assert [
        leads_to(root, salt, slot, merkle.path(leaves, i)) for i in range(len(leaves)) if i != index
    ] == ([False] * (len(leaves) - 1))


def test_one_leaf_is_the_root_itself():
    every, leaves = tree([""], 1)
    assert merkle.root(leaves) == leaves[0].hex()
    assert merkle.path(leaves, 0) == ()
    assert leads_to(merkle.root(leaves), merkle.salt(SEED, every[0]), every[0], ())


def test_no_list_has_no_root():
    assert merkle.root([]) == ""


def test_an_odd_node_is_carried_up_as_it_is():
    def node(left, right):
        return hashlib.sha256(b"\x01" + left + right).digest()

    a, b, c, d, e = (hashlib.sha256(name.encode()).digest() for name in "abcde")
    assert merkle.root([a, b, c]) == node(node(a, b), c).hex()
    assert merkle.root([a, b, c, d, e]) == node(node(node(a, b), node(c, d)), e).hex()
    assert merkle.path([a, b, c, d, e], 4) == (
        merkle.Step("left", node(node(a, b), node(c, d)).hex()),
    )


def test_a_leaf_is_the_hash_of_its_salt_and_of_where_it_stands():
    slot = merkle.Slot("start", "sex=f;site=c01", 7, "guided")
    assert slot.text == "sex=f;site=c01|7|guided"
    assert replace(slot, point="stage").text == "stage|sex=f;site=c01|7|guided"
    wanted = hashlib.sha256(b"\x00" + bytes(16) + b"sex=f;site=c01|7|guided").digest()
    assert merkle.leaf(bytes(16), slot) == wanted


def test_a_node_is_never_a_leaf():
    _, leaves = tree([""], 2)
    forged = merkle.leaf(leaves[0], merkle.Slot("start", "", 0, "a"))
    assert merkle.root([forged]) != merkle.root(leaves)
    assert (
        len({merkle.salt(SEED, merkle.Slot("start", "", place, "a")) for place in range(50)}) == 50
    )


def test_leaves_stand_in_order_of_point_stratum_and_position_as_a_number():
    shuffled = [
        merkle.Slot(point, "s", place, "a")
        for point in ("start", "again")
        for place in (10, 9, 100)
    ]
    assert [(slot.point, slot.position) for slot in merkle.in_order(shuffled)] == [
        *[("again", place) for place in (9, 10, 100)],
        *[("start", place) for place in (9, 10, 100)],
    ]


@pytest.mark.parametrize(
    "method", [name for name in plans.BY_METHOD if name not in plans.OVER_THE_POINT]
)
@settings(max_examples=25)
@given(data=st.data())
def test_a_list_is_what_the_rule_draws_from_the_stream_one_by_one(method, data):
    rule = methods.build(data.draw(plans.BY_METHOD[method]))
    covered = min(rule.length or 24, 24)
    key = stream.key(SEED, "demo", data.draw(st.sampled_from(["", "sex=f"])))
    history: list[str] = []
    for position in range(covered):
        history.append(stream.choose(rule.probabilities(history), key, position))
    assert list(merkle.the_list(stepping(rule), key, covered)) == history
