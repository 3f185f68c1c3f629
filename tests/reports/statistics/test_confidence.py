"""A confidence of 95 is no share: every interval of the library refuses it, and does not answer
with what is no number.
"""

import ast
import math
from pathlib import Path

import pytest

from reports.statistics import descriptives, distributions, survival
from reports.statistics.distributions import NoConfidence
from reports.statistics.proportions import clopper_pearson, difference, fisher, risk_ratio, share

STATISTICS = Path(distributions.__file__).parent
CHECKING = {"check_confidence", "normal_quantile", "t_quantile"}
CURVE = survival.kaplan_meier([1, 2, 3], [1, 0, 1])


@pytest.mark.parametrize("confidence", [95, 1.5, math.nan])
@pytest.mark.parametrize(
    "ask",
    [
        lambda c: share(5, 10, c),
        lambda c: clopper_pearson(5, 10, c),
        lambda c: difference(1, 10, 2, 10, confidence=c),
        lambda c: risk_ratio(1, 10, 2, 10, c),
        lambda c: fisher(1, 10, 2, 10, c),
        lambda c: descriptives.describe([1.0, 2.0, 4.0], c),
        lambda c: survival.kaplan_meier([1, 2, 3], [1, 0, 1], c),
        lambda c: survival.restricted_mean(CURVE, 2, c),
        lambda c: distributions.noncentrality_interval(2.0, 10, c),
    ],
)
def test_a_confidence_is_a_share(ask, confidence):
    with pytest.raises(NoConfidence, match="95"):
        ask(confidence)


def test_every_function_that_reckons_with_a_confidence_looks_at_it():
    unseen = []
    for path in sorted(STATISTICS.rglob("*.py")):
        for each in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(each, ast.FunctionDef)
                and "confidence" in _arguments(each)
                and _reckons(each)
            ):
                called = {
                    getattr(n.func, "id", getattr(n.func, "attr", ""))
                    for n in ast.walk(each)
                    if isinstance(n, ast.Call)
                }
                if not called & CHECKING:
                    unseen.append(f"{path.name}: {each.name}")
    assert unseen == []


def _arguments(function: ast.FunctionDef) -> set[str]:
    return {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}


def _reckons(function: ast.FunctionDef) -> bool:
    sides = [
        side for n in ast.walk(function) if isinstance(n, ast.BinOp) for side in (n.left, n.right)
    ]
    return any(isinstance(side, ast.Name) and side.id == "confidence" for side in sides)
