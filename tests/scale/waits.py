"""How long a write waits at most while something large goes on: a second process raises an alert,
pauses the study or lets it go on, every 50 ms.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError

from tests.scale.measures import Found
from trial import actors
from trial.actions import alerts, studies
from trial.models import Study

EVERY = 0.05  # seconds


@dataclass
class Writes:
    longest: float = 0.0
    refused: int = 0

    def figures(self, beside: str) -> Iterator[Found]:
        yield f"longest wait of a write during {beside}", "ms", 1000 * self.longest
        yield f"writes that failed during {beside}", "of all", self.refused


@contextmanager
def beside() -> Iterator[Writes]:
    found = Writes()
    command = [sys.executable, "-m", "tests.scale.beside", "write"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        try:
            yield found
        finally:
            said, _ = process.communicate()
    found.longest, found.refused = json.loads(said)


def write(study: Study, at: datetime) -> None:
    """Until nothing more can be read from standard input."""
    is_over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    acts = _acts(study, at)
    for act in itertools.islice(acts, 4):  # the first of each kind takes longer
        act()
    print("begun", flush=True)
    longest, refused = 0.0, 0
    while not is_over.is_set():
        began = time.perf_counter()
        try:
            next(acts)()
        except DatabaseError:
            refused += 1
        longest = max(longest, time.perf_counter() - began)
        is_over.wait(EVERY)
    study.refresh_from_db()
    if study.state != "open":
        studies.resume(study=study, by=actors.SYSTEM, at=at)
    print(json.dumps([longest, refused]))


def _acts(study: Study, at: datetime) -> Iterator[Callable[[], object]]:
    number = 0
    while True:
        number += 1
        yield lambda number=number: alerts.raise_alert(  # type: ignore[misc]
            study=study,
            participant=None,
            kind="worker",
            subject_ref=f"beside {os.getpid()} {number}",
            within_hours=24,
            by=actors.SYSTEM,
            at=at,
        )
        yield lambda: _turn(study, at)


def _turn(study: Study, at: datetime) -> None:
    study.refresh_from_db()
    act = studies.pause if study.state == "open" else studies.resume
    act(study=study, by=actors.SYSTEM, at=at)
