"""The verifier's procedures, written from the definitions, against the rules that allocate, written
by somebody else.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation import methods, verifier
from tests.randomisation import plans


def test_the_verifier_knows_every_method_that_can_be_planned():
    assert set(verifier.PROCEDURES) == set(methods.BUILDERS) == set(plans.BY_METHOD)


@pytest.mark.parametrize("method", plans.BY_METHOD)
@settings(max_examples=60)
@given(data=st.data())
def test_verifier_and_rule_give_the_same_chance_to_every_lot(method, data):
    plan, history, profile = data.draw(plans.walks(method))
    rule, procedure = methods.build(plan), verifier.rule_of(plans.stored(plan))
    assert plans.replayed(procedure, history, profile) == plans.lot_probabilities(
        rule, history, profile
    )
    assert procedure.arms == {lot: rule.arm(lot) for lot in rule.lots}
    assert (procedure.length, procedure.factors is not None) == (rule.length, rule.scope == "point")


def test_the_bounds_of_a_coin_count_every_fake_arm():
    """3:2 has five fake arms: p from 1/5, q from 1/5 to 2/4 (Pocock and Simon 1975)."""
    plan = {
        "method": "minimisation",
        "ratio": {"a": 3, "b": 2},
        "factors": {"sex": 1},
        "unequal": "fake-arms",
    }
    assert methods.build(plan | {"p": "0.24"}).lots == ("a/1", "a/2", "a/3", "b/1", "b/2")
    with pytest.raises(methods.BadParameter, match="q is above 1/5 and below 1/2"):
        methods.build(plan | {"q": "0.6"})
