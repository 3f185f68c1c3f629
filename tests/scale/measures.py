"""The measures, in the order in which they are taken: each a function that yields figures, in a
process of its own, so that its memory is its own.

    @measure
    def seal(study: Study, at: datetime) -> Iterator[Found]:
        yield "every head", "s", timed(lambda: audit.seal(study, at))
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from trial.models import Study

Found = tuple[str, str, float]  # what, its unit, its value
Measure = Callable[[Study, datetime], Iterator[Found]]
MEASURES: dict[str, Measure] = {}


def measure(take: Measure) -> Measure:
    MEASURES[take.__name__] = take
    return take


def timed(do: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def peak() -> float:
    """Megabytes of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
