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
from contextlib import contextmanager
from datetime import datetime

import time_machine

from trial.models import AuditEvent, Study

Found = tuple[str, str, float]  # what, its unit, its value
Measure = Callable[[Study, datetime], Iterator[Found]]
MEASURES: dict[str, Measure] = {}
_is_short = False  # to see that they can be taken, not what they find


def measure(take: Measure) -> Measure:
    MEASURES[take.__name__] = take
    return take


def be_short() -> None:
    global _is_short
    _is_short = True


def times(usual: int) -> int:
    return 1 if _is_short else usual


@contextmanager
def at_the_end() -> Iterator[tuple[Study, datetime]]:
    """The study, and the virtual moment at which its rehearsal ended, with the clock set to it."""
    study = Study.objects.get()
    at = AuditEvent.objects.filter(stream=study.slug).order_by("-number")[0].at
    with time_machine.travel(at):
        yield study, at


def timed(do: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def peak() -> float:
    """Megabytes of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
