"""Sending a crowd of processes at a study, from a test."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from trial.models import Participant

ROOT = Path(__file__).resolve().parents[3]
CRASHES = ("raise", "die", "late", "untold")
STATEMENTS = 16  # of one allocation, about


@dataclass(frozen=True)
class Told:
    """What everybody was told. `answers` holds, for each person and request key, the answers to all
    times it was sent.
    """

    answers: dict[tuple[int, str], list[str]]
    figures: dict[str, int]


def environment() -> dict[str, str]:
    """For a process that works on the database of this test, which under xdist is one of
    several.
    """
    url = urlsplit(os.environ["DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "DATABASE_URL": url._replace(path=f"/{name}").geturl(),
        "DJANGO_SETTINGS_MODULE": "trial.settings",
        "HANDVAT_KIND": "rehearsal",
        "OPENBLAS_NUM_THREADS": "1",  # a process that forks has one thread
    }


def sends(
    persons: Sequence[Participant], generator: random.Random, crashes: float
) -> list[dict[str, Any]]:
    """Each person asks with one or two keys, each key is sent one to three times, some of them into
    a crash; in any order.
    """
    found = []
    for person in persons:
        for key in range(generator.choice([1, 1, 2])):
            found += [
                {
                    "participant": person.pk,
                    "key": f"{person.code}-{key}",
                    "crash": generator.choice(CRASHES) if generator.random() < crashes else None,
                    "after": generator.randrange(STATEMENTS),
                }
                for _ in range(generator.choice([1, 2, 3]))
            ]
    generator.shuffle(found)
    return found


def race(
    persons: Sequence[Participant],
    at: datetime,
    *,
    processes: int,
    crashes: float = 0.15,
    kills: int = 5,
    seed: int = 1,
) -> Told:
    """`processes` processes share the sends of all persons."""
    everything = sends(persons, random.Random(seed), crashes)
    shares = [everything[number::processes] for number in range(processes)]
    job = {"at": at.isoformat(), "seed": seed, "kills": kills, "shares": shares}
    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", "tests.randomisation.races.clients"],
        cwd=ROOT,
        env=environment(),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return _told(json.loads(done.stdout), processes, len(everything))


def _told(result: dict[str, Any], processes: int, sent: int) -> Told:
    answers: dict[tuple[int, str], list[str]] = {}
    for each in result["answers"]:
        answers.setdefault((each["participant"], each["key"]), []).append(each["answer"])
    crashes = Counter(result["crashes"])
    figures = {
        "processes": processes,
        "requests": sent,
        "retries": sent - len(answers),
        "crashes before commit": crashes["raise"] + crashes["die"] + crashes["late"],
        "crashes after commit": crashes["untold"],
        "kills": result["kills"],
    }
    assert len(result["answers"]) == sent
    return Told(answers, figures)
