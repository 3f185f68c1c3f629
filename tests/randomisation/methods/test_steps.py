"""A rule that goes on from what is held of a history says what it says of the whole history."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randomisation import methods
from randomisation.methods.steps import stepping
from tests.randomisation import plans


@pytest.mark.parametrize("method", plans.BY_METHOD)
@settings(max_examples=25)
@given(data=st.data())
def test_going_step_by_step_gives_the_chances_of_the_whole_history(method, data):
    """Also where the ratio is written in another order from one draw to the next."""
    plan, history, profile = data.draw(plans.walks(method, most=30))
    rule, known, held = methods.build(plan), {}, None
    turned = methods.build({**plan, "ratio": dict(reversed(plan["ratio"].items()))})
    whole = stepping(rule, known)
    for place, (lot, other) in enumerate(history):
        steps = stepping(turned if place % 2 else rule, held=held)
        expected = plans.lot_probabilities(rule, history[:place], other)
        assert steps.lot_probabilities(other) == whole.lot_probabilities(other) == expected
        steps.add(lot, other)
        whole.add(lot, other)
        held = json.loads(json.dumps(steps.held))
        assert held == json.loads(json.dumps(whole.held))
    expected = plans.lot_probabilities(rule, history, profile)
    assert stepping(rule, held=held).lot_probabilities(profile) == expected
