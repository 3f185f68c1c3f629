"""The parts of `make bench`: each a function of its sizes, run large by the bench and small by a
test, and told when it fails.

    @part(people=20)
    def fits(people: int = 2000) -> None:
        line(f"a fit of {people}", median(lambda: fit(people)))

The arguments of `part` are the sizes with which `tests/test_bench.py` runs it. That test finds the
parts by itself.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
USUAL_TIMES = 15
_small = False


@dataclass(frozen=True)
class Part:
    """`needs`: what has to be there, such as a rehearsal, beside this process; `alone`: in a
    process of its own, for its memory.
    """

    do: Callable[..., None]
    small: dict[str, Any]
    needs: str
    alone: bool

    @property
    def module(self) -> str:
        """Also of a module that was started as a program."""
        return (
            self.do.__module__
            if self.do.__module__ != "__main__"
            else sys.modules["__main__"].__spec__.name
        )

    @property
    def name(self) -> str:
        return self.do.__name__


PARTS: list[Part] = []


def part(
    *, needs: str = "", alone: bool = False, **small: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The function is a part, and these are its sizes for a test."""

    def register(do: Callable[..., None]) -> Callable[..., None]:
        PARTS.append(Part(do, small, needs, alone))
        return do

    return register


def run(parts: Iterable[Part], small: bool = False) -> int:
    """How many of them failed: each is tried, whatever became of those before it."""
    failed = []
    for each in parts:
        try:
            if each.alone and not small:
                subprocess.run([sys.executable, "-m", each.module, each.name], cwd=ROOT, check=True)
            else:
                with _sizes(small):
                    each.do(**each.small if small else {})
        except Exception:
            traceback.print_exc()
            failed.append(each.name)
    if failed:
        print(f"FAILED: {', '.join(failed)}", flush=True)
    return len(failed)


def chosen(module: str, arguments: list[str], needs: str = "") -> tuple[list[Part], bool]:
    """What a command line asks for: names of parts (all of them without one), and `small`."""
    mine = [each for each in PARTS if each.module == module and each.needs == needs]
    names = [each for each in arguments if each != "small"]
    if unknown := set(names) - {each.name for each in mine}:
        sys.exit(
            f"no part {', '.join(sorted(unknown))}; there are "
            f"{', '.join(each.name for each in mine)}"
        )
    return [each for each in mine if not names or each.name in names], "small" in arguments


@contextmanager
def _sizes(small: bool):
    global _small
    before, _small = _small, small
    try:
        yield
    finally:
        _small = before


def times(usual: int) -> int:
    """How often something is measured: once in a test, and not to know how long it takes."""
    return 1 if _small else usual


def median(do: Callable[[], object], usual: int = USUAL_TIMES) -> float:
    """Seconds, the first time not counted."""
    do()
    taken = []
    for _ in range(times(usual)):
        began = time.perf_counter()
        do()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def once(do: Callable[[], object]) -> float:
    """Seconds of a first and only time."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def line(what: str, seconds: float, more: str = "") -> None:
    print(f"{what:<70} {seconds * 1000:9.1f} ms  {more}", flush=True)
