"""Inputs that nobody wrote by hand. In the suite with fixed seeds and few cases; `make fuzz` goes
on until its time is up.

A part of `make fuzz` (tests/fuzz.py) is one test that goes through `rounds()`: the suite gives it
one round, `make fuzz` as many as fit into the part's share of the minutes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

SHARE, FIRST = "HANDVAT_FUZZ_SECONDS", "HANDVAT_FUZZ_SEED"


def rounds() -> Iterator[int]:
    """The number of each round, which is the seed of all that it draws."""
    ends = time.monotonic() + float(os.environ.get(SHARE, "0"))
    number = int(os.environ.get(FIRST, "1"))
    yield number
    while time.monotonic() < ends:
        number += 1
        yield number


def is_over(begun: float) -> bool:
    """Whether a long round may stop within itself; never in the suite."""
    share = float(os.environ.get(SHARE, "0"))
    return bool(share) and time.monotonic() - begun > share


def try_all(
    strategy: SearchStrategy[Any], check: Callable[[Any], None], examples: int, number: int
) -> None:
    """`check` for so many drawn examples; the same for the same number."""

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(strategy)
    def run(value: Any) -> None:
        check(value)

    run()
